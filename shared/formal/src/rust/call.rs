//! Calls of functions: of the file's own, of the standard library, of anything else.

use tree_sitter::Node;

use super::{
    Lowering, children, expand, items, line,
    sequence::made,
    types::{Kind, Ty, int_type},
    value::Value,
};
use crate::{
    emit::Emit,
    ir::{Expr, Stmt},
};

/// The last two names of paths that end the program.
const ENDS: &[&str] =
    &["process::exit", "process::abort", "std::process::exit", "std::process::abort"];

impl<'a> Lowering<'a> {
    pub(super) fn call(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let Some(function) = node.child_by_field_name("function") else { return Value::unknown() };
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        match function.kind() {
            "field_expression" => self.method_call(node, function, None, &given, hint),
            "generic_function" => {
                let types = function.child_by_field_name("type_arguments");
                match function.child_by_field_name("function") {
                    Some(inner) if inner.kind() == "field_expression" => {
                        self.method_call(node, inner, types, &given, hint)
                    }
                    Some(inner) => self.function_call(node, self.text(inner), &given, hint),
                    None => Value::unknown(),
                }
            }
            "identifier" | "scoped_identifier" => {
                self.function_call(node, self.text(function), &given, hint)
            }
            _ => {
                let callee = self.expr(function, None);
                self.unknown_call("a value", &[callee], &given, hint)
            }
        }
    }

    /// Whether it is known what the call runs.
    pub(super) fn is_known_call(&self, node: Node<'a>) -> bool {
        let Some(function) = node.child_by_field_name("function") else { return false };
        let name = self.text(function);
        name.starts_with("__formal") || name == "drop" || self.own_function(name).is_some()
    }

    /// The function of the file that a path names.
    fn own_function(&self, path: &str) -> Option<usize> {
        let module = &self.body.module;
        let Some((own, name)) = path.rsplit_once("::") else {
            let hidden = self.local(path).is_some() || self.foreign.contains(path);
            return if hidden { None } else { self.items.function(module, path) };
        };
        let own = if own == "Self" { self.body.own.as_deref()? } else { own };
        let hidden = self.foreign.contains(own) || self.body.generics.contains(own);
        if hidden { None } else { self.items.method(module, own, name) }
    }

    fn function_call(
        &mut self,
        node: Node<'a>,
        path: &str,
        given: &[Node<'a>],
        hint: Option<&Ty>,
    ) -> Value {
        if let Some(value) = self.assertion(path, given, line(node)) {
            return value;
        }
        if let Some(function) = self.own_function(path) {
            let signature = &self.context.signatures[function - self.context.first];
            let hints: Vec<Ty> = signature.parameters.iter().map(|it| it.ty.clone()).collect();
            let fits = hints.len() == given.len();
            let arguments = self.arguments(given, &hints);
            if arguments.iter().any(Value::is_never) {
                return Value::never();
            }
            return match fits {
                true => self.call_own(function, arguments),
                false => Value::unknown(),
            };
        }
        if self.local(path).is_none()
            && !self.foreign.contains(path.split("::").next().unwrap_or(path))
        {
            if let Some(value) = self.constructor(path, given, hint) {
                return value;
            }
            if let Some(value) = self.standard_call(node, path, given, hint) {
                return value;
            }
        }
        self.unknown_call(path, &[], given, hint)
    }

    /// `Some(x)`, `Ok(x)`, or a struct or variant without names.
    fn constructor(&mut self, path: &str, given: &[Node<'a>], hint: Option<&Ty>) -> Option<Value> {
        let last = path.rsplit("::").next().unwrap_or(path);
        let wrapped =
            matches!(path, "Some" | "Ok" | "Err" | "Option::Some" | "Result::Ok" | "Result::Err");
        if let (true, [inner]) = (wrapped, given) {
            let wanted = hint.and_then(|hint| super::value::payload(hint, last)).map(|(ty, _)| ty);
            let value = self.expr(*inner, wanted.as_ref());
            if value.is_never() {
                return Some(value);
            }
            return Some(match last {
                "Some" => Value::some(value),
                "Ok" => Value {
                    ty: Ty::result(value.ty.clone(), Ty::Never),
                    leaves: Value::some(value).leaves,
                },
                _ => {
                    let mut leaves = vec![Expr::Bool(false)];
                    leaves.extend(value.leaves);
                    Value { ty: Ty::result(Ty::Never, value.ty), leaves }
                }
            });
        }
        let (own, name) = path.rsplit_once("::").unwrap_or(("", path));
        if let Some((ty, index)) = self.variant(own, name) {
            let fields =
                if let Ty::Enum(of) = &ty { of.variants[index].fields.clone() } else { vec![] };
            let given = self.in_order(&fields, given)?;
            return Some(self.made(&ty, index, given));
        }
        if !own.is_empty() || !self.items.is_type(&self.body.module, name) && name != "Self" {
            return None;
        }
        let ty = self.body.names(self.items).named(&items::simple(name), 0);
        let Ty::Struct(of) = &ty else { return None };
        let given = self.in_order(&of.fields, given)?;
        let mut leaves = Vec::new();
        for ((_, field), (_, value)) in of.fields.iter().zip(given) {
            leaves.extend(self.coerced(value, field).leaves);
        }
        Some(Value { ty, leaves })
    }

    fn in_order(
        &mut self,
        fields: &[(String, Ty)],
        given: &[Node<'a>],
    ) -> Option<Vec<(String, Value)>> {
        let hints: Vec<Ty> = fields.iter().map(|(_, ty)| ty.clone()).collect();
        if hints.len() != given.len() {
            return None;
        }
        let values = self.arguments(given, &hints);
        Some(fields.iter().map(|(name, _)| name.clone()).zip(values).collect())
    }

    pub(super) fn call_own(&mut self, function: usize, given: Vec<Value>) -> Value {
        let signature = &self.context.signatures[function - self.context.first];
        let (returns, is_plain) = (signature.returns.clone(), signature.is_plain);
        let types: Vec<Ty> = signature.parameters.iter().map(|it| it.ty.clone()).collect();
        let mut arguments = Vec::new();
        for (value, ty) in given.into_iter().zip(&types) {
            arguments.extend(self.coerced(value, ty).leaves);
        }
        if !is_plain {
            self.foreign_call("a function that runs later", arguments);
            return Value::unknown();
        }
        let leaves = returns.leaves();
        let to = match leaves.as_slice() {
            [one] => Some(self.variable("", *one)),
            _ => None,
        };
        let site = self.site();
        self.block.push(Stmt::Call { to, function, arguments, site });
        if returns == Ty::Never {
            self.block.push(Stmt::Throw(super::PANIC.to_owned()));
            return Value::never();
        }
        match to {
            Some(to) => Value { ty: returns, leaves: vec![Expr::Var(to)] },
            None if leaves.is_empty() => Value { ty: returns, leaves: vec![] },
            None => match self.context.results.places(&returns) {
                Some(places) => {
                    let vars = self.variables("", &returns);
                    for (var, place) in vars.iter().zip(places) {
                        self.block.push(Stmt::Assign(*var, Expr::Var(place)));
                    }
                    Value::of(returns, &vars)
                }
                None => self.opaque(&returns, "a result of many parts"),
            },
        }
    }

    /// Functions of the standard library that are known.
    fn standard_call(
        &mut self,
        node: Node<'a>,
        path: &str,
        given: &[Node<'a>],
        hint: Option<&Ty>,
    ) -> Option<Value> {
        if ENDS.contains(&path) {
            self.arguments(given, &[]);
            self.block.push(Stmt::Throw(super::PANIC.to_owned()));
            return Some(Value::never());
        }
        let (own, name) = path.rsplit_once("::").unwrap_or(("", path));
        let own = own.rsplit("::").next().unwrap_or(own);
        match (own, name, given) {
            (_, expand::VEC, [list]) => {
                let value = self.array(*list, hint);
                let Ty::Sequence(element, _) = value.ty.clone() else { return Some(value) };
                let length = value.length()?;
                Some(Value { ty: Ty::Sequence(element, Kind::Vec), leaves: vec![made(length)] })
            }
            ("Vec" | "String", "new", []) | ("Vec" | "String", "with_capacity", [_]) => {
                self.arguments(given, &[]);
                let ty = match own {
                    "Vec" => Ty::Sequence(Box::new(Ty::Never), Kind::Vec),
                    _ => Ty::Text { owned: true },
                };
                Some(Value { ty, leaves: vec![made(Expr::Int(0))] })
            }
            ("" | "mem", "drop" | "forget", [value]) => {
                self.expr(*value, None);
                Some(Value::unit())
            }
            ("Box", "new", [value]) => Some(self.expr(*value, hint)),
            ("mem", "take" | "replace", [place, ..]) => {
                let old = self.expr(*place, None);
                self.arguments(given.get(1..)?, &[old.ty.bare().clone()]);
                Some(old.bare())
            }
            ("cmp", "min" | "max", [one, two]) => {
                let own = self.expr(*one, hint);
                let other = self.expr(*two, Some(&own.ty));
                let (Ty::Int(ty), Ty::Int(second)) =
                    (own.ty.bare().clone(), other.ty.bare().clone())
                else {
                    self.unify(&own.ty, &other.ty);
                    return Some(self.opaque(&own.ty.clone(), "the lesser of two values"));
                };
                (ty == second).then(|| self.extreme(name == "min", own.leaf(), other.leaf(), ty))
            }
            _ => self.of_type(path, own, name, given, line(node)),
        }
    }

    /// `u32::from(x)`, `i64::abs(x)` and their like.
    fn of_type(
        &mut self,
        path: &str,
        own: &str,
        name: &str,
        given: &[Node<'a>],
        at: u32,
    ) -> Option<Value> {
        let path = path.rsplit_once("::").map(|(path, _)| path)?;
        let to = self.plain_type(path)?;
        match (name, given) {
            ("from", [value]) => {
                let value = self.expr(*value, None);
                Some(if value.is_never() { value } else { self.from(value, &to) })
            }
            ("try_from", [value]) => {
                let value = self.expr(*value, None);
                Some(if value.is_never() { value } else { self.tried(value, &to) })
            }
            ("from_str_radix", [_, _]) | ("from_str", [_]) => {
                let mut arguments = self.arguments(given, &[]);
                let text = arguments.swap_remove(0).bare();
                Some(self.parsed(&text, &to))
            }
            ("from_be_bytes" | "from_le_bytes" | "from_ne_bytes", [_]) => {
                self.arguments(given, &[]);
                Some(self.opaque(&to, "a number made of bytes"))
            }
            ("from_u32" | "from_digit", _) if to == Ty::Char => {
                self.arguments(given, &[]);
                Some(self.opaque(&Ty::option(Ty::Char), "a character"))
            }
            (_, [_, ..]) => {
                let ty = int_type(own)?;
                let mut arguments = self.arguments(given, &[to.clone(), to]);
                let first = arguments.remove(0).bare();
                (first.ty == Ty::Int(ty))
                    .then(|| self.integer_method(&first, ty, name, &arguments, at))
                    .flatten()
            }
            _ => None,
        }
    }

    /// A call that nothing is known of: what it is given it may refuse.
    fn unknown_call(
        &mut self,
        name: &str,
        callee: &[Value],
        given: &[Node<'a>],
        hint: Option<&Ty>,
    ) -> Value {
        let arguments = self.arguments(given, &[]);
        if arguments.iter().any(Value::is_never) {
            return Value::never();
        }
        let all = callee.iter().chain(&arguments);
        let leaves = all.flat_map(|value| value.leaves.clone()).collect();
        for value in &arguments {
            self.escape(&value.ty);
        }
        self.foreign_call(name, leaves);
        self.unknown_or(hint, &format!("the result of {name}"))
    }

    pub(super) fn foreign_call(&mut self, name: &str, arguments: Vec<Expr>) {
        let arguments: Vec<Expr> = arguments
            .into_iter()
            .filter(|leaf| !matches!(leaf, Expr::Int(_) | Expr::Bool(_) | Expr::Float(_)))
            .collect();
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: name.to_owned(),
            site,
            arguments,
            throws: Vec::new(),
            external: false,
            clobbers: false,
        });
    }
}
