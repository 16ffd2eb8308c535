//! Expressions of Java.

use tree_sitter::Node;

use super::{
    DEPTH_MAX, Lowering, children, library, line,
    types::{INT, Ty},
};
use crate::{
    emit::Emit,
    ir::{Check, CheckKind, Cmp, Expr, IntType, Read, Source, Stmt},
};

pub(super) type Typed = (Expr, Ty);

impl Lowering<'_> {
    /// Lowers an expression; `hint` is the type that the context wants, for what has none.
    pub(super) fn expr(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        self.depth += 1;
        let lowered = match self.depth > DEPTH_MAX {
            true => {
                self.failed = Some("it is nested too deeply".to_owned());
                (Expr::Null, Ty::Unknown)
            }
            false => self.expr_inner(node, hint),
        };
        self.depth -= 1;
        lowered
    }

    pub(super) fn expr_inner(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        match node.kind() {
            "parenthesized_expression" => match node.named_child(0) {
                Some(inner) => self.expr(inner, hint),
                None => self.opaque(node, hint),
            },
            "true" | "false" => (Expr::Bool(node.kind() == "true"), Ty::Bool),
            "null_literal" => (Expr::Null, Ty::Ref("null".to_owned(), 0)),
            "this" => (Expr::New(None), Ty::Ref(self.class.clone(), 0)),
            "string_literal" | "class_literal" => self.made(node),
            "identifier" => self.name(node, hint),
            "field_access" => self.field_access(node, hint),
            "array_access" => self.array_access(node),
            "binary_expression" => self.binary(node, hint),
            "unary_expression" => self.unary(node),
            "update_expression" => self.update(node),
            "assignment_expression" => self.assignment(node),
            "ternary_expression" => self.ternary(node, hint),
            "cast_expression" => self.cast(node),
            "method_invocation" => self.invocation(node, hint),
            "object_creation_expression" => self.creation(node),
            "array_creation_expression" => self.array_creation(node),
            "array_initializer" => self.initializer(node, hint),
            "instanceof_expression" => self.instance_of(node),
            kind if kind.ends_with("_literal") => match super::literal::number(node, self.source) {
                Some(value) => value,
                None => self.opaque(node, hint),
            },
            _ => self.opaque(node, hint),
        }
    }

    pub(super) fn read(&mut self, ty: &Ty, read: Read) -> Expr {
        let (var, site) = (self.variable("", ty.ir()), self.site());
        self.block.push(Stmt::Read(var, site, read));
        Expr::Var(var)
    }

    /// A value of this type, whatever the expression has.
    pub(super) fn coerced(&mut self, (value, from): Typed, to: &Ty, at: u32) -> Expr {
        match (&from, to) {
            (Ty::Unknown, _) => self.read(to, Read::opaque("a value of unknown type")),
            (Ty::Int(from), Ty::Int(to)) if contains(*to, *from) => value,
            (Ty::Int(_), Ty::Int(to)) => Expr::Wrap(*to, Box::new(value)),
            (Ty::Int(_), Ty::Float { single }) => {
                rounded(Expr::IntToFloat(Box::new(value)), *single)
            }
            (Ty::Float { single: false }, Ty::Float { single: true }) => rounded(value, true),
            (Ty::Float { .. }, Ty::Int(to)) => Expr::FloatToInt(*to, Box::new(value)),
            (Ty::Ref(..), Ty::Bool | Ty::Int(_) | Ty::Float { .. }) => {
                let value = self.keep(value, &from);
                self.dereference(&value, at);
                let read = self.part_of(&value, "the value of a box");
                let inner = from.unboxed().unwrap_or_else(|| to.clone());
                let unboxed = self.read(&inner, read);
                match inner == *to {
                    true => unboxed,
                    false => self.coerced((unboxed, inner), to, at),
                }
            }
            (Ty::Bool | Ty::Int(_) | Ty::Float { .. }, Ty::Ref(..) | Ty::Unknown) => {
                Expr::New(None)
            }
            _ => value,
        }
    }

    /// Reads from `value`: as known as that is.
    pub(super) fn part_of(&self, value: &Expr, reason: &str) -> Read {
        let read = Read::opaque(reason);
        if let Expr::Var(var) = value {
            Read { source: Source::Within(*var), ..read }
        } else {
            read
        }
    }

    pub(super) fn check(
        &mut self,
        kind: CheckKind,
        at: u32,
        violation: Expr,
        throws: Option<&str>,
    ) {
        if violation == Expr::Bool(false) {
            return;
        }
        let site = self.site();
        let throws = throws.map(str::to_owned);
        self.block.push(Stmt::Check(Check { site, kind, line: at, violation, throws }));
    }

    pub(super) fn dereference(&mut self, value: &Expr, at: u32) {
        if matches!(value, Expr::New(_)) {
            return;
        }
        let violation = value.clone().is_null();
        self.check(CheckKind::NullDereference, at, violation, Some("NullPointerException"));
        if let Expr::Var(var) = value {
            self.block.push(Stmt::Dereferenced(*var));
        }
    }

    /// A string or class object: there, with a length that is known for a plain literal.
    pub(super) fn made(&mut self, node: Node<'_>) -> Typed {
        let class = node.kind() == "class_literal";
        let ty = Ty::Ref(if class { "Class" } else { "String" }.to_owned(), 0);
        let whole = self.text(node);
        let inner = whole.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner.filter(|inner| !inner.contains(['\\', '"']) && !class) {
            Some(inner) => {
                let length = i128::try_from(inner.encode_utf16().count()).unwrap_or(0);
                (Expr::New(Some(Box::new(Expr::Int(length)))), ty)
            }
            None => {
                let read = Read { nullable: false, ..Read::opaque("the length of a string") };
                (self.read(&ty, read), ty)
            }
        }
    }

    pub(super) fn name(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let name = self.text(node);
        let found = self.local(name).or_else(|| self.field(&self.class, name));
        match found {
            Some((var, ty)) => (Expr::Var(var), ty),
            None => {
                let reason = format!("the name {name}");
                match hint {
                    Some(ty) if *ty != Ty::Unknown => {
                        (self.read(ty, Read::opaque(reason)), ty.clone())
                    }
                    _ => (Expr::Null, Ty::Unknown),
                }
            }
        }
    }

    /// Whether an expression names a class, not a value.
    pub(super) fn class_name(&self, node: Node<'_>) -> Option<&str> {
        let whole = self.text(node);
        let simple = super::types::simple(whole);
        let is_name = match node.kind() {
            "identifier" => self.local(whole).is_none() && self.field(&self.class, whole).is_none(),
            "field_access" => whole.starts_with("java"),
            _ => false,
        };
        let upper = simple.starts_with(|first: char| first.is_ascii_uppercase());
        (is_name && upper).then_some(simple)
    }

    pub(super) fn field_access(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let (Some(object), Some(field)) =
            (node.child_by_field_name("object"), node.child_by_field_name("field"))
        else {
            return self.opaque(node, hint);
        };
        let name = self.text(field);
        if let Some(class) = self.class_name(object) {
            if let Some((var, ty)) = self.field(class, name) {
                return (Expr::Var(var), ty);
            }
            match library::constant(class, name) {
                Some(library::Constant::Int(ty, value)) => {
                    return (Expr::Int(value), Ty::named(ty));
                }
                Some(library::Constant::Float(ty, value)) => {
                    return (Expr::Float(value), Ty::named(ty));
                }
                Some(library::Constant::Object(ty)) => return (Expr::New(None), Ty::named(ty)),
                None => return self.anything(format!("the name {name}"), hint),
            }
        }
        if object.kind() == "this"
            && let Some((var, ty)) = self.field(&self.class, name)
        {
            return (Expr::Var(var), ty);
        }
        let (value, ty) = self.expr(object, None);
        if ty == Ty::Unknown {
            return self.opaque(field, hint);
        }
        self.dereference(&value, line(node));
        if name == "length" && matches!(ty, Ty::Ref(_, dimensions) if dimensions > 0) {
            return (Expr::Len(Box::new(value)), Ty::Int(INT));
        }
        match hint {
            Some(hint) if *hint != Ty::Unknown => {
                (self.read(hint, Read::opaque("the field of an object")), hint.clone())
            }
            _ => (Expr::Null, Ty::Unknown),
        }
    }

    /// The array and the index, checked.
    pub(super) fn element(&mut self, node: Node<'_>) -> Option<(Expr, Ty)> {
        let (array, index) =
            (node.child_by_field_name("array")?, node.child_by_field_name("index")?);
        let (array, ty) = self.expr(array, None);
        let array = self.keep_if_effects(array, &ty, index);
        let index = self.expr(index, Some(&Ty::Int(INT)));
        self.element_of((array, ty), index, line(node))
    }

    pub(super) fn element_of(
        &mut self,
        (array, ty): Typed,
        index: Typed,
        at: u32,
    ) -> Option<(Expr, Ty)> {
        let index = self.coerced(index, &Ty::Int(INT), at);
        if ty == Ty::Unknown {
            self.may_throw("an element of unknown type", "");
            return None;
        }
        self.dereference(&array, at);
        let below = Expr::cmp(Cmp::Lt, index.clone(), Expr::Int(0));
        let above = Expr::cmp(Cmp::Le, Expr::Len(Box::new(array.clone())), index);
        self.check(
            CheckKind::IndexOutOfBounds,
            at,
            below.or(above),
            Some("ArrayIndexOutOfBoundsException"),
        );
        Some((array, ty.element()))
    }

    pub(super) fn array_access(&mut self, node: Node<'_>) -> Typed {
        match self.element(node) {
            Some((_, Ty::Unknown)) | None => (Expr::Null, Ty::Unknown),
            Some((array, ty)) => {
                let mut read = self.part_of(&array, "the contents of an array");
                // What comes from outside in an array is there.
                read.nullable = !matches!(&ty, Ty::Ref(name, 0) if name == "Cookie");
                (self.read(&ty, read), ty)
            }
        }
    }

    /// Keeps a value whose parts the next operand may change.
    pub(super) fn keep_if_effects(&mut self, value: Expr, ty: &Ty, next: Node<'_>) -> Expr {
        let mut effects = false;
        super::each(next, &mut |inner| {
            effects |= matches!(
                inner.kind(),
                "assignment_expression" | "update_expression" | "method_invocation"
            );
        });
        if effects { self.keep(value, ty) } else { value }
    }

    pub(super) fn instance_of(&mut self, node: Node<'_>) -> Typed {
        if let Some(left) = node.child_by_field_name("left") {
            self.expr(left, None);
        }
        self.forget(node, "a pattern");
        (self.read(&Ty::Bool, Read::opaque("an instance test")), Ty::Bool)
    }

    pub(super) fn array_creation(&mut self, node: Node<'_>) -> Typed {
        let base =
            node.child_by_field_name("type").map_or(Ty::Unknown, |ty| Ty::of(ty, self.source));
        let mut dimensions = 0;
        let mut length = None;
        let at = line(node);
        for child in children(node) {
            match child.kind() {
                "dimensions_expr" => {
                    dimensions += 1;
                    let Some(size) = child.named_child(0) else { continue };
                    let size = self.expr(size, Some(&Ty::Int(INT)));
                    let size = self.coerced(size, &Ty::Int(INT), at);
                    let size = self.keep(size, &Ty::Int(INT));
                    let negative = Expr::cmp(Cmp::Lt, size.clone(), Expr::Int(0));
                    let thrown = Some("NegativeArraySizeException");
                    self.check(CheckKind::NegativeArraySize, at, negative, thrown);
                    length.get_or_insert(size);
                }
                "dimensions" => dimensions += self.text(child).matches('[').count(),
                _ => {}
            }
        }
        let ty = base.array(dimensions);
        if let Some(values) = node.child_by_field_name("value") {
            return self.initializer(values, Some(&ty));
        }
        (Expr::New(length.map(Box::new)), ty)
    }

    pub(super) fn initializer(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let ty = hint.cloned().unwrap_or(Ty::Unknown);
        let (values, element) = (children(node), ty.element());
        let count = i128::try_from(values.len()).unwrap_or(0);
        for value in values {
            self.expr(value, Some(&element));
        }
        (Expr::New(Some(Box::new(Expr::Int(count)))), ty)
    }

    /// A condition that decides where to go. Each comparison in it is asked whether it is
    /// constant, if it is about a local variable.
    pub(super) fn condition(&mut self, node: Node<'_>) -> Expr {
        if matches!(node.kind(), "parenthesized_expression" | "condition")
            && let Some(inner) = node.named_child(0)
        {
            return self.condition(inner);
        }
        let operator = node.child_by_field_name("operator").map(|it| self.text(it));
        let sides = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        if let (Some(and @ ("&&" | "||")), (Some(left), Some(right))) = (operator, sides) {
            return self.short_circuit(left, right, and == "&&", true);
        }
        if let (Some("!"), Some(operand)) = (operator, node.child_by_field_name("operand")) {
            return self.condition(operand).not();
        }
        let value = self.expr(node, Some(&Ty::Bool));
        let value = self.coerced(value, &Ty::Bool, line(node));
        if self.is_about_locals(node) {
            let site = self.site();
            let condition = value.clone();
            self.block.push(Stmt::Condition { site, line: line(node), condition });
        }
        value
    }

    pub(super) fn is_about_locals(&self, node: Node<'_>) -> bool {
        let (mut local, mut other) = (false, false);
        super::each(node, &mut |inner| match inner.kind() {
            "identifier" => local |= self.local(self.text(inner)).is_some(),
            "method_invocation" | "assignment_expression" | "update_expression" => other = true,
            _ => {}
        });
        local && !other
    }
}

pub(super) fn contains(wide: IntType, narrow: IntType) -> bool {
    let (Some((low, high)), Some((least, most))) = (wide.range(), narrow.range()) else {
        return false;
    };
    low <= least && most <= high
}

pub(super) fn numeric(ty: &Ty) -> Option<Ty> {
    let ty = ty.unboxed().unwrap_or_else(|| ty.clone());
    matches!(ty, Ty::Int(_) | Ty::Float { .. }).then_some(ty)
}

pub(super) fn rounded(value: Expr, single: bool) -> Expr {
    if single { Expr::Single(Box::new(value)) } else { value }
}
