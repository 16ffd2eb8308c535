//! Expressions of Rust.

use tree_sitter::Node;

use super::{
    DEPTH_MAX, Lowering, children, each, items,
    literal::{self, Folded},
    types::{Kind, Ty, int_type},
    value::{Value, field},
};
use crate::ir::{CheckKind, Expr, IntType, Stmt, Var};

impl<'a> Lowering<'a> {
    /// Lowers an expression; `hint` is the type that the context wants, for what has none.
    pub(super) fn expr(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        self.depth += 1;
        let value = match self.depth > DEPTH_MAX {
            true => {
                self.failed = Some("it is nested too deeply".to_owned());
                Value::unknown()
            }
            false => self.expr_inner(node, hint),
        };
        self.depth -= 1;
        value
    }

    fn expr_inner(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let first = || node.named_child(0);
        match node.kind() {
            "parenthesized_expression" => match children(node).into_iter().next() {
                Some(inner) => self.expr(inner, hint),
                None => Value::unit(),
            },
            "integer_literal" | "float_literal" | "char_literal" | "boolean_literal"
            | "string_literal" | "raw_string_literal" => self.literal(node, hint),
            "unit_expression" => Value::unit(),
            "identifier" | "self" => self.name(node),
            "scoped_identifier" => self.path(node, hint),
            "field_expression" => self.field_access(node),
            "index_expression" => self.index(node),
            "binary_expression" => self.binary(node, hint),
            "unary_expression" => self.unary(node, hint),
            "assignment_expression" => self.assignment(node),
            "compound_assignment_expr" => self.compound(node),
            "type_cast_expression" => self.cast(node),
            "reference_expression" => self.reference(node, hint),
            "tuple_expression" => self.tuple(node, hint),
            "array_expression" => self.array(node, hint),
            "struct_expression" => self.structure(node),
            "call_expression" => self.call(node, hint),
            "try_expression" => self.question(node, hint),
            "block" => self.block_value(node, hint),
            "if_expression" => self.if_value(node, hint),
            "match_expression" => self.match_value(node, hint),
            "while_expression" => self.while_loop(node),
            "loop_expression" => self.endless(node),
            "for_expression" => self.for_loop(node),
            "return_expression" => self.return_value(node),
            "break_expression" => self.leave(node, false),
            "continue_expression" => self.leave(node, true),
            "macro_invocation" => self.foreign_macro(node, hint),
            "unsafe_block" => {
                self.failed = Some("unsafe code is not lowered".to_owned());
                Value::unknown()
            }
            "await_expression" => {
                if let Some(inner) = first() {
                    self.expr(inner, None);
                }
                self.unknown_or(hint, "what is awaited")
            }
            other => {
                let reason = format!("{} in Rust", other.replace('_', " "));
                self.forget_mentioned(node, &reason);
                self.unknown_or(hint, &reason)
            }
        }
    }

    /// Anything of the type that is wanted, if one is.
    pub(super) fn unknown_or(&mut self, hint: Option<&Ty>, reason: &str) -> Value {
        match hint {
            Some(hint) if *hint != Ty::Never => self.opaque(hint, reason),
            Some(_) | None => Value::unknown(),
        }
    }

    fn literal(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let text = self.text(node);
        let hint = hint.map(Ty::bare);
        match node.kind() {
            "boolean_literal" => Value::bool(Expr::Bool(text == "true")),
            "char_literal" => match literal::character(text) {
                Some(code) if text.starts_with('b') => {
                    Value::int(Expr::Int(code), IntType::unsigned(8))
                }
                Some(code) => Value { ty: Ty::Char, leaves: vec![Expr::Int(code)] },
                None => self.opaque(&Ty::Char, "a character"),
            },
            "float_literal" => self.float(text, hint),
            "integer_literal" => match literal::integer(text) {
                Some((value, Some(ty))) => Value::int(Expr::Int(value), ty),
                Some((value, None)) => match hint {
                    Some(Ty::Int(ty)) => Value::int(Expr::Int(value), *ty),
                    Some(Ty::Float { .. }) => self.float(text, hint),
                    _ => {
                        let ty = self.infer.literal(node.start_byte());
                        let leaves =
                            if ty == Ty::Unknown { vec![] } else { vec![Expr::Int(value)] };
                        Value { ty, leaves }
                    }
                },
                None if text.ends_with("f32") || text.ends_with("f64") => self.float(text, hint),
                None => Value::unknown(),
            },
            _ => {
                let length = literal::length(node, self.source);
                if text.starts_with('b') {
                    let element = Box::new(Ty::Int(IntType::unsigned(8)));
                    let Some(length) = length else { return Value::unknown() };
                    return Value {
                        ty: Ty::Sequence(element, Kind::Array(length)),
                        leaves: vec![],
                    };
                }
                let ty = Ty::Text { owned: false };
                match length {
                    Some(length) => {
                        let leaves = vec![Expr::New(Some(Box::new(Expr::Int(length))))];
                        Value { ty, leaves }
                    }
                    None => self.opaque(&ty, "the length of a text with escapes"),
                }
            }
        }
    }

    fn float(&mut self, text: &str, hint: Option<&Ty>) -> Value {
        let Some((value, own)) = literal::float(text) else { return Value::unknown() };
        let hinted = if let Some(Ty::Float { single }) = hint { Some(*single) } else { None };
        let Some(single) = own.or(hinted) else { return Value::unknown() };
        let value = if single { crate::exec::single(value) } else { value };
        Value { ty: Ty::Float { single }, leaves: vec![Expr::Float(value)] }
    }

    fn name(&mut self, node: Node<'a>) -> Value {
        let name = self.text(node);
        if self.local(name).is_some() {
            return self.whole_place(node);
        }
        if self.foreign.contains(name) {
            return Value::unknown();
        }
        match self.items.constant(&self.body.module, name, 0) {
            Some((value, ty)) => folded(value, ty),
            None if name == "None" => Value::none(),
            None => Value::unknown(),
        }
    }

    fn path(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let own = self.body.own.as_deref();
        let at = (self.body.module.as_str(), own);
        let shadows = |name: &str| self.body.generics.contains(name) || self.foreign.contains(name);
        let path = node.child_by_field_name("path").map_or("", |it| self.text(it));
        if !shadows(path)
            && let Some((value, ty)) = literal::fold(node, self.items, at, None, 0)
        {
            return folded(value, ty);
        }
        let name = node.child_by_field_name("name").map_or("", |it| self.text(it));
        if path == "Option" && name == "None" {
            return Value::none();
        }
        if let Some((ty, index)) = self.variant(path, name) {
            return self.made(&ty, index, Vec::new());
        }
        if int_type(path).is_some() {
            return Value::unknown();
        }
        self.unknown_or(hint, "a constant of other code")
    }

    /// The enum of the file, and the place of its variant.
    pub(super) fn variant(&self, path: &str, name: &str) -> Option<(Ty, usize)> {
        if path.is_empty() || path.contains("::") || self.foreign.contains(path) {
            let is_ordering = path.ends_with("cmp::Ordering");
            return is_ordering.then(|| {
                (
                    Ty::ordering(),
                    ["Less", "Equal", "Greater"].iter().position(|it| *it == name).unwrap_or(0),
                )
            });
        }
        let ty = self.body.names(self.items).named(path, 0);
        let Ty::Enum(of) = &ty else { return None };
        let index = of.variants.iter().position(|variant| variant.name == name)?;
        Some((ty, index))
    }

    /// A value of one variant of an enum; what it does not give is not there.
    pub(super) fn made(&mut self, ty: &Ty, index: usize, given: Vec<(String, Value)>) -> Value {
        let Ty::Enum(of) = ty else { return Value::unknown() };
        let tag = i128::try_from(index).unwrap_or(0);
        let mut leaves = vec![Expr::Int(tag)];
        for (at, variant) in of.variants.iter().enumerate() {
            for (name, field) in &variant.fields {
                let own = given.iter().find(|(it, _)| at == index && it == name);
                let value = match own {
                    Some((_, value)) => self.coerced(value.clone(), field),
                    None => self.opaque(field, "the part of another variant"),
                };
                leaves.extend(value.leaves);
            }
        }
        Value { ty: ty.clone(), leaves }
    }

    /// Where a value is kept that an expression names, if it is.
    pub(super) fn place(&self, node: Node<'_>) -> Option<(Ty, Vec<Var>)> {
        match node.kind() {
            "identifier" | "self" => {
                let local = self.local(self.text(node))?;
                Some((local.ty.clone(), local.vars.clone()))
            }
            "parenthesized_expression" => self.place(node.named_child(0)?),
            "unary_expression" if self.text(node).starts_with('*') => {
                let (ty, vars) = self.place(node.named_child(0)?)?;
                Some((ty.behind(), vars))
            }
            "field_expression" => {
                let (ty, vars) = self.place(node.child_by_field_name("value")?)?;
                let name = self.text(node.child_by_field_name("field")?);
                let (ty, range) = field(&ty, name)?;
                Some((ty, vars.get(range)?.to_vec()))
            }
            _ => None,
        }
    }

    /// The local that a place is part of.
    pub(super) fn root(&self, node: Node<'a>) -> Option<&'a str> {
        match node.kind() {
            "identifier" | "self" => Some(self.text(node)),
            "parenthesized_expression" | "unary_expression" => self.root(node.named_child(0)?),
            "field_expression" => self.root(node.child_by_field_name("value")?),
            "index_expression" => self.root(node.named_child(0)?),
            _ => None,
        }
    }

    /// A place read as a whole; who takes what it lends may change it.
    pub(super) fn whole_place(&mut self, node: Node<'a>) -> Value {
        let Some((ty, vars)) = self.place(node) else { return Value::unknown() };
        let value = Value::of(ty.clone(), &vars);
        if !ty.lends() {
            return value;
        }
        let kept = self.keep(value);
        self.forget(&ty, &vars, "what was lent to be changed");
        kept
    }

    fn field_access(&mut self, node: Node<'a>) -> Value {
        if self.place(node).is_some() {
            return self.whole_place(node);
        }
        let (Some(of), Some(name)) =
            (node.child_by_field_name("value"), node.child_by_field_name("field"))
        else {
            return Value::unknown();
        };
        if self.place(of).is_some() {
            return Value::unknown();
        }
        let of = self.expr(of, None);
        if of.is_never() {
            return of;
        }
        let name = self.text(name);
        self.field_of(&of, name).unwrap_or_else(Value::unknown)
    }

    /// `&` or `&mut`.
    fn reference(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let Some(of) = node.child_by_field_name("value") else { return Value::unknown() };
        if self.text(node).starts_with("&raw ") {
            self.failed = Some("raw pointers are not lowered".to_owned());
        }
        let mutable = children(node).iter().any(|it| it.kind() == "mutable_specifier");
        let hint = hint.map(|hint| if let Ty::Ref { to, .. } = hint { to } else { hint }.clone());
        let value = match self.place(of) {
            Some((ty, vars)) => {
                let value = Value::of(ty.clone(), &vars);
                if mutable {
                    let kept = self.keep(value);
                    self.forget(&ty, &vars, "what was lent to be changed");
                    kept
                } else {
                    value
                }
            }
            None => {
                let value = self.expr(of, hint.as_ref());
                if mutable {
                    self.forget_root(of);
                }
                value
            }
        };
        if value.is_never() || value.ty == Ty::Unknown {
            return value;
        }
        let ty = Ty::Ref { mutable, to: Box::new(value.ty) };
        Value { ty, leaves: value.leaves }
    }

    /// Whatever the place that an element or part belongs to is, it may be changed.
    pub(super) fn forget_root(&mut self, node: Node<'a>) {
        let Some(root) = self.root(node) else { return };
        if let Some(local) = self.local(root).cloned()
            && !(matches!(local.ty.bare(), Ty::Sequence(..)) && node.kind() == "index_expression")
        {
            self.forget(&local.ty, &local.vars, "what was lent to be changed");
        }
    }

    fn tuple(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let parts = children(node);
        let hints = if let Some(Ty::Tuple(hints)) = hint { hints.clone() } else { Vec::new() };
        let (mut types, mut leaves) = (Vec::new(), Vec::new());
        for (at, part) in parts.into_iter().filter(|it| it.kind() != "attribute_item").enumerate() {
            let value = self.expr(part, hints.get(at));
            if value.is_never() {
                return value;
            }
            let value = self.keep(value);
            types.push(value.ty);
            leaves.extend(value.leaves);
        }
        Value { ty: Ty::Tuple(types), leaves }
    }

    pub(super) fn array(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let hint = hint.and_then(Ty::element).cloned();
        let at = node.start_byte();
        if let Some(length) = node.child_by_field_name("length") {
            let element = children(node).into_iter().next();
            let element = element.map_or_else(Value::unknown, |it| self.expr(it, hint.as_ref()));
            let ty = self.learnt(at, &element.ty);
            let (module, own) = (&self.body.module, self.body.own.as_deref());
            let known = self.items.integer(length, module, own);
            return match known.filter(|_| self.local(self.text(length)).is_none()) {
                Some((length, _)) => {
                    Value { ty: Ty::Sequence(Box::new(ty), Kind::Array(length)), leaves: vec![] }
                }
                None => {
                    let hint = Ty::Int(super::types::USIZE);
                    let length = self.expr(length, Some(&hint));
                    let length = self.coerced(length, &hint).leaf();
                    let leaves = vec![Expr::New(Some(Box::new(length)))];
                    Value { ty: Ty::Sequence(Box::new(ty), Kind::Slice), leaves }
                }
            };
        }
        let (mut ty, mut count) = (Ty::Never, 0);
        for part in children(node).into_iter().filter(|it| it.kind() != "attribute_item") {
            let value = self.expr(part, hint.as_ref());
            ty = self.join(&ty, &value.ty);
            count += 1;
        }
        let ty = self.learnt(at, &ty);
        Value { ty: Ty::Sequence(Box::new(ty), Kind::Array(count)), leaves: vec![] }
    }

    fn structure(&mut self, node: Node<'a>) -> Value {
        let name = node.child_by_field_name("name").map_or("", |it| self.text(it));
        let mut given = Vec::new();
        let mut base = None;
        let fields = node.child_by_field_name("body").map(children).unwrap_or_default();
        let (path, last) = name.rsplit_once("::").unwrap_or(("", name));
        let ty = match self.variant(path, last) {
            Some((ty, _)) => ty,
            None if self.foreign.contains(items::simple(name).as_str()) => Ty::Unknown,
            None => self.body.names(self.items).named(&items::simple(name), 0),
        };
        let index = self.variant(path, last).map(|(_, index)| index);
        let known = match (&ty, index) {
            (Ty::Enum(of), Some(index)) => of.variants[index].fields.clone(),
            _ => ty.fields(),
        };
        let declared = |own: &str| known.iter().find(|(name, _)| name == own);
        for field in fields {
            let (name, value) = match field.kind() {
                "shorthand_field_initializer" => (field.named_child(0), field.named_child(0)),
                "field_initializer" => {
                    (field.child_by_field_name("field"), field.child_by_field_name("value"))
                }
                _ => {
                    base = field.named_child(0);
                    continue;
                }
            };
            let (Some(name), Some(value)) = (name, value) else { continue };
            let name = self.text(name).to_owned();
            let hint = declared(&name).map(|(_, ty)| ty.clone());
            let value = self.expr(value, hint.as_ref());
            if value.is_never() {
                return value;
            }
            match hint {
                Some(hint) => self.unify(&value.ty, &hint),
                None => self.escape(&value.ty.clone()),
            }
            given.push((name, self.keep(value)));
        }
        let base = base.map(|base| self.expr(base, Some(&ty)));
        match (&ty, index) {
            (Ty::Enum(_), Some(index)) => self.made(&ty, index, given),
            (Ty::Struct(of), _) => {
                let mut leaves = Vec::new();
                for (name, field) in &of.fields {
                    let own =
                        given.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
                    let other = base.as_ref().filter(|base| base.ty == ty);
                    let own = own.or_else(|| self.field_of(other?, name));
                    let value = match own {
                        Some(value) => self.coerced(value, field),
                        None => self.opaque(field, "the rest of a struct"),
                    };
                    leaves.extend(value.leaves);
                }
                Value { ty, leaves }
            }
            _ => Value::unknown(),
        }
    }

    /// A macro that is not written out: it may do anything with what it mentions, and leave.
    fn foreign_macro(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let path = node.child_by_field_name("macro").map_or("", |it| self.text(it));
        let name = path.rsplit("::").next().unwrap_or(path);
        let nested = {
            let mut depth = 0;
            each(node, &mut |inner| {
                depth += u32::from(inner.kind() == "token_tree");
                true
            });
            depth > 1
        };
        let quiet = QUIET.contains(&name) && !self.foreign.contains(name);
        if !quiet || nested {
            self.forget_mentioned(node, "what a macro does");
        }
        if quiet {
            return match name {
                "format" | "concat" | "stringify" | "include_str" | "env" => {
                    let owned = name == "format";
                    self.opaque(&Ty::Text { owned }, "a text that is formatted")
                }
                "cfg" => self.opaque(&Ty::Bool, "how the code is compiled"),
                "line" | "column" => Value::unknown(),
                "write" | "writeln" => {
                    self.opaque(&Ty::result(Ty::UNIT, Ty::Unknown), "whether writing works")
                }
                _ => Value::unit(),
            };
        }
        let reason = format!("the macro {name}");
        let given = self.mentioned(node);
        self.foreign_call(name, given);
        self.may_leave(&reason);
        self.unknown_or(hint, &reason)
    }

    /// Code that is not seen may return, or leave the loop.
    fn may_leave(&mut self, reason: &str) {
        let returns = self.opaque(&Ty::Bool, reason).leaf();
        let left = self.nested(|own| {
            let ty = own.signature.returns.clone();
            let value = own.opaque(&ty, reason);
            own.give_back(value);
        });
        self.block.push(Stmt::If(returns, left, Vec::new()));
        let loops: Vec<(u32, u32)> =
            self.leaves.iter().filter(|own| own.is_loop).map(|own| (own.end, own.next)).collect();
        if let Some((end, next)) = loops.last() {
            for label in [*end, *next] {
                let leaves = self.opaque(&Ty::Bool, reason).leaf();
                self.block.push(Stmt::If(leaves, vec![Stmt::Break(label)], Vec::new()));
            }
        }
    }

    /// `assert!` and its like, and what always panics.
    pub(super) fn assertion(&mut self, name: &str, given: &[Node<'a>], at: u32) -> Option<Value> {
        use super::expand::{ASSERT, ASSERT_EQ, ASSERT_NE, PANIC, UNREACHABLE};
        match (name, given) {
            (ASSERT, [condition]) => {
                let value = self.expr(*condition, Some(&Ty::Bool));
                let value = self.coerced(value, &Ty::Bool).leaf();
                self.check(CheckKind::Assertion, at, value.not());
                Some(Value::unit())
            }
            (ASSERT_EQ | ASSERT_NE, [one, two]) => {
                let equal = self.compared(*one, *two);
                let violation = if name == ASSERT_EQ { equal.not() } else { equal };
                self.check(CheckKind::Assertion, at, violation);
                Some(Value::unit())
            }
            (PANIC | UNREACHABLE, []) => {
                // A function that does nothing but panic is meant to.
                if name == UNREACHABLE || self.branches > 0 {
                    self.check(CheckKind::Assertion, at, Expr::Bool(true));
                }
                self.block.push(Stmt::Throw(super::PANIC.to_owned()));
                Some(Value::never())
            }
            _ => None,
        }
    }
}

/// Macros that only read what they are given.
const QUIET: &[&str] = &[
    "println",
    "eprintln",
    "print",
    "eprint",
    "format",
    "format_args",
    "write",
    "writeln",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "cfg",
    "concat",
    "stringify",
    "line",
    "column",
    "file",
    "include_str",
    "env",
    "compile_error",
];

pub(super) fn folded(value: Folded, ty: Ty) -> Value {
    let leaf = match value {
        Folded::Int(value) => Expr::Int(value),
        Folded::Bool(value) => Expr::Bool(value),
    };
    if ty == Ty::Unknown { Value::unknown() } else { Value { ty, leaves: vec![leaf] } }
}
