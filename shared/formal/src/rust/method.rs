//! Calls of methods.

use tree_sitter::Node;

use super::{
    Lowering, children,
    option::is_conversion,
    types::{Kind, Ty, U32, USIZE},
    value::{Value, payload},
};
use crate::ir::{CheckKind, Expr, Source, Var};

/// Methods that no type changes itself in.
const LOOKING: &[&str] = &[
    "len",
    "is_empty",
    "iter",
    "get",
    "contains",
    "contains_key",
    "as_str",
    "as_ref",
    "as_bytes",
    "as_slice",
    "clone",
    "to_string",
    "to_owned",
    "to_vec",
    "keys",
    "values",
    "chars",
    "bytes",
    "starts_with",
    "ends_with",
    "is_some",
    "is_none",
    "is_ok",
    "is_err",
    "eq",
    "ne",
    "cmp",
    "partial_cmp",
    "hash",
    "fmt",
    "borrow",
    "display",
    "kind",
    "name",
    "id",
    "to_str",
    "path",
];

/// Methods that read input, or what it says.
const INPUT: &[&str] = &["parse", "read_line", "read_to_string"];

/// What a method is called on.
struct Receiver {
    value: Value,
    /// Where it is kept, if it is a place.
    place: Option<(Ty, Vec<Var>)>,
    /// Whether the place can be changed.
    mutable: bool,
    /// Where the type of the local is learnt.
    learns: Option<usize>,
}

impl<'a> Lowering<'a> {
    pub(super) fn method_call(
        &mut self,
        node: Node<'a>,
        field: Node<'a>,
        turbofish: Option<Node<'a>>,
        given: &[Node<'a>],
        hint: Option<&Ty>,
    ) -> Value {
        let (Some(of), Some(name)) =
            (field.child_by_field_name("value"), field.child_by_field_name("field"))
        else {
            return Value::unknown();
        };
        let name = self.text(name);
        let at = self.line_of(if turbofish.is_some() { field } else { node });
        let at = field.child_by_field_name("field").map_or(at, super::line);
        let receiver = self.receiver(of, name, hint);
        if receiver.value.is_never() {
            return receiver.value;
        }
        let turbofish = turbofish.and_then(|list| children(list).into_iter().next());
        let turbofish = turbofish.map(|ty| self.body.names(self.items).of(ty));
        if let Some(value) = self.conversion(&receiver, name, turbofish.as_ref(), given, hint) {
            return value;
        }
        let known = self.known_method(&receiver, name, given, hint, at);
        if let Some(value) = known {
            if let (Some(place), Some(ty)) = (receiver.learns, self.put_in.take()) {
                self.infer.gets(place, &ty);
            }
            return value;
        }
        self.foreign_method(of, &receiver, name, given, hint, at)
    }

    fn receiver(&mut self, of: Node<'a>, name: &str, hint: Option<&Ty>) -> Receiver {
        if let Some((ty, vars)) = self.place(of) {
            let local = self.root(of).and_then(|root| self.local(root));
            let mutable = local.is_some_and(|local| local.mutable);
            let learns = local.and_then(|local| local.learns).filter(|_| of.kind() == "identifier");
            let value = Value::of(ty.clone(), &vars);
            return Receiver { value, place: Some((ty, vars)), mutable, learns };
        }
        let unwraps = matches!(name, "unwrap" | "expect" | "unwrap_or" | "unwrap_or_default");
        let wanted = hint.filter(|_| unwraps && is_conversion(self.text(of)));
        let wanted = wanted.map(|hint| Ty::result(hint.clone(), Ty::Unknown));
        let value = self.expr(of, wanted.as_ref());
        let mut value = if value.is_never() { value } else { self.keep(value) };
        if matches!(name, "unwrap" | "expect") {
            self.take_for_granted(of, &mut value);
        }
        Receiver { value, place: None, mutable: false, learns: None }
    }

    /// Whoever unwraps input at once takes it for granted: what follows is refuted as if it were.
    pub(super) fn take_for_granted(&mut self, of: Node<'a>, value: &mut Value) {
        let function = of.child_by_field_name("function");
        let function = function.and_then(|it| it.child_by_field_name("function").or(Some(it)));
        let name = function.and_then(|it| it.child_by_field_name("field"));
        let is_input = name.is_some_and(|it| INPUT.contains(&self.text(it)));
        if is_input && matches!(value.ty, Ty::Result(..)) {
            let granted = self.assumed("whether input can be read");
            value.leaves.splice(..1, [granted]);
        }
    }

    /// Methods that turn a value into one of another type.
    fn conversion(
        &mut self,
        of: &Receiver,
        name: &str,
        turbofish: Option<&Ty>,
        given: &[Node<'a>],
        hint: Option<&Ty>,
    ) -> Option<Value> {
        if !given.is_empty() {
            return None;
        }
        let value = of.value.clone().bare();
        let wanted = hint.and_then(|hint| payload(hint, "Ok")).map(|(ty, _)| ty);
        match (name, &value.ty) {
            ("parse", Ty::Text { .. }) => {
                let to = turbofish.cloned().or(wanted).unwrap_or(Ty::Unknown);
                Some(self.parsed(&value, &to))
            }
            ("try_into", Ty::Int(_) | Ty::Char) => {
                let to = wanted.unwrap_or(Ty::Unknown);
                Some(self.tried(value, &to))
            }
            ("into", Ty::Int(_) | Ty::Bool | Ty::Char | Ty::Float { .. } | Ty::Text { .. }) => {
                let to = hint.cloned().unwrap_or(Ty::Unknown);
                Some(self.from(value, &to))
            }
            _ => None,
        }
    }

    fn known_method(
        &mut self,
        of: &Receiver,
        name: &str,
        given: &[Node<'a>],
        hint: Option<&Ty>,
        at: u32,
    ) -> Option<Value> {
        let value = of.value.clone().bare();
        match value.ty.clone() {
            Ty::Int(ty) => {
                let counts = ["pow", "shl", "shr"].iter().any(|end| name.ends_with(end));
                let hint = Ty::Int(if counts { U32 } else { ty });
                let arguments = self.arguments(given, &[hint.clone(), hint]);
                self.integer_method(&value, ty, name, &arguments, at)
            }
            Ty::IntVar(_) => Some(self.literal_method(&value, name, given)),
            Ty::Option(_) | Ty::Result(..) => {
                if let Some((ty, vars)) =
                    of.place.as_ref().filter(|_| name == "take" && given.is_empty())
                {
                    let taken = self.keep(value);
                    self.put(ty, vars, Value::none());
                    return Some(taken);
                }
                self.option_method(&value, name, given, hint, at)
            }
            Ty::Text { .. } | Ty::Sequence(..) => {
                self.sequence_method(&value, of.place.as_ref(), name, given, at)
            }
            Ty::Bool => match (name, given) {
                ("then_some", [inner]) => {
                    let flag = self.kept(value.leaf());
                    let inner = self.expr(*inner, None);
                    let mut leaves = vec![flag];
                    leaves.extend(inner.leaves);
                    Some(Value { ty: Ty::option(inner.ty), leaves })
                }
                ("then", [_]) => {
                    let flag = self.kept(value.leaf());
                    let inner = self.closure(given, &Ty::Unknown);
                    Some(Value { ty: Ty::option(inner.ty), leaves: vec![flag] })
                }
                ("clone", []) => Some(value),
                _ => None,
            },
            Ty::Char => self.char_method(&value, name, given),
            Ty::Float { .. } => self.float_method(&value, name, given),
            Ty::Struct(_) | Ty::Enum(_) => self.own_method(of, name, given),
            Ty::Unknown | Ty::Never | Ty::Tuple(_) | Ty::Ref { .. } => None,
        }
    }

    /// A method of an integer of which only the next pass knows the type.
    fn literal_method(&mut self, of: &Value, name: &str, given: &[Node<'a>]) -> Value {
        let own = of.ty.clone();
        for argument in given {
            let value = self.expr(*argument, None);
            if !name.ends_with("pow") && !name.ends_with("shl") && !name.ends_with("shr") {
                self.unify(&own, &value.ty);
            }
        }
        let ty = match name {
            _ if name.starts_with("checked_") => Ty::option(own),
            _ if name.starts_with("overflowing_") => Ty::Tuple(vec![own, Ty::Bool]),
            "min" | "max" | "pow" | "abs" | "clamp" | "rem_euclid" | "div_euclid" | "signum" => own,
            _ if name.starts_with("wrapping_") || name.starts_with("saturating_") => own,
            _ => Ty::Unknown,
        };
        self.opaque(&ty, "an integer of unknown type")
    }

    fn char_method(&mut self, of: &Value, name: &str, given: &[Node<'a>]) -> Option<Value> {
        for argument in given {
            self.expr(*argument, None);
        }
        Some(match name {
            "to_digit" => {
                let digit = self.limited(U32, (0, 35), "a digit").leaf();
                let known = self.opaque(&Ty::Bool, "whether a character is a digit").leaf();
                Value { ty: Ty::option(Ty::Int(U32)), leaves: vec![known, digit] }
            }
            "len_utf8" => self.limited(super::types::USIZE, (1, 4), "the size of a character"),
            "is_ascii_digit" => {
                let within = |low: i128, high: i128| {
                    let above = Expr::cmp(crate::ir::Cmp::Le, Expr::Int(low), of.leaf());
                    above.and(Expr::cmp(crate::ir::Cmp::Le, of.leaf(), Expr::Int(high)))
                };
                Value::bool(within(48, 57))
            }
            "to_ascii_lowercase" | "to_ascii_uppercase" => self.opaque(&Ty::Char, "a character"),
            "clone" => of.clone(),
            _ if name.starts_with("is_") || name.starts_with("eq") => {
                self.opaque(&Ty::Bool, "the kind of a character")
            }
            _ => return None,
        })
    }

    fn float_method(&mut self, of: &Value, name: &str, given: &[Node<'a>]) -> Option<Value> {
        for argument in given {
            self.expr(*argument, Some(&of.ty));
        }
        Some(match name {
            "abs" => Value { ty: of.ty.clone(), leaves: vec![Expr::AbsFloat(Box::new(of.leaf()))] },
            "clone" => of.clone(),
            "is_nan" | "is_finite" | "is_infinite" | "is_sign_negative" | "is_sign_positive" => {
                self.opaque(&Ty::Bool, "the kind of a number")
            }
            "sqrt" | "floor" | "ceil" | "round" | "trunc" | "fract" | "powi" | "powf" | "exp"
            | "ln" | "log10" | "log2" | "sin" | "cos" | "tan" | "min" | "max" | "clamp"
            | "mul_add" | "recip" | "hypot" | "atan2" | "rem_euclid" | "to_degrees"
            | "to_radians" => self.opaque(&of.ty.clone(), "floating-point arithmetic"),
            _ => return None,
        })
    }

    /// A method of a type of the file.
    fn own_method(&mut self, of: &Receiver, name: &str, given: &[Node<'a>]) -> Option<Value> {
        let own = of.value.ty.bare();
        let own = if let Ty::Struct(own) = own {
            own.name.clone()
        } else if let Ty::Enum(own) = own {
            own.name.clone()
        } else {
            return None;
        };
        let function = self.items.method(&self.body.module, &own, name)?;
        let signature = &self.context.signatures[function - self.context.first];
        if !signature.has_self || signature.parameters.len() != given.len() + 1 {
            return None;
        }
        let lends = signature.parameters.first().is_some_and(|it| it.ty.lends());
        let hints: Vec<Ty> = signature.parameters.iter().skip(1).map(|it| it.ty.clone()).collect();
        let receiver = self.keep(of.value.clone());
        let arguments = self.arguments(given, &hints);
        if arguments.iter().any(Value::is_never) {
            return Some(Value::never());
        }
        let mut all = vec![receiver];
        all.extend(arguments);
        let value = self.call_own(function, all);
        if let Some((ty, vars)) = of.place.as_ref().filter(|_| lends) {
            self.forget(ty, vars, "what a method changes");
        }
        Some(value)
    }

    pub(super) fn arguments(&mut self, given: &[Node<'a>], hints: &[Ty]) -> Vec<Value> {
        let given = given.iter().filter(|it| it.kind() != "attribute_item");
        given
            .enumerate()
            .map(|(at, argument)| {
                let hint = hints.get(at).filter(|hint| **hint != Ty::Unknown);
                let value = self.expr(*argument, hint);
                if value.is_never() { value } else { self.keep(value) }
            })
            .collect()
    }

    fn foreign_method(
        &mut self,
        node: Node<'a>,
        of: &Receiver,
        name: &str,
        given: &[Node<'a>],
        hint: Option<&Ty>,
        at: u32,
    ) -> Value {
        let arguments = self.arguments(given, &[]);
        if arguments.iter().any(Value::is_never) {
            return Value::never();
        }
        if matches!(name, "unwrap" | "expect") && of.value.ty == Ty::Unknown {
            self.unknown_check(CheckKind::NullDereference, at, "what is unwrapped");
            return self.unknown_or(hint, "what is unwrapped");
        }
        let plain =
            matches!(of.value.ty.bare(), Ty::Int(_) | Ty::Bool | Ty::Char | Ty::Float { .. });
        if matches!(name, "read_line" | "read_to_string") {
            self.read_from_outside(given);
            let mut leaves = self.opaque(&Ty::Bool, "whether reading works").leaves;
            leaves.extend(self.opaque(&Ty::Int(USIZE), "how much was read").leaves);
            return Value { ty: Ty::result(Ty::Int(USIZE), Ty::Unknown), leaves };
        }
        let mut all: Vec<Expr> = of.value.leaves.clone();
        all.extend(arguments.iter().flat_map(|value| value.leaves.clone()));
        for value in &arguments {
            self.escape(&value.ty);
        }
        self.escape(&of.value.ty);
        if !LOOKING.contains(&name) {
            self.foreign_call(name, all);
            if of.mutable && !plain {
                match &of.place {
                    Some((ty, vars)) => self.forget(ty, vars, "what a method changes"),
                    None => self.forget_root(node),
                }
            } else if of.place.is_none() {
                self.forget_root(node);
            }
        }
        match (name, of.value.ty.bare()) {
            ("to_string", _) => self.opaque(&Ty::Text { owned: true }, "a value as text"),
            ("clone" | "to_owned", ty) if *ty != Ty::Unknown => {
                let ty = ty.clone();
                self.opaque(&ty, "a copy")
            }
            ("cmp", _) => self.opaque(&Ty::ordering(), "how values are ordered"),
            (
                "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "is_some" | "is_none" | "is_ok"
                | "is_err",
                _,
            ) => self.opaque(&Ty::Bool, "a comparison of unknown parts"),
            _ => self.unknown_or(hint, &format!("the result of {name}")),
        }
    }

    /// What was lent to be filled comes from outside now.
    fn read_from_outside(&mut self, given: &[Node<'a>]) {
        let lent = given.first().and_then(|it| it.child_by_field_name("value"));
        if let Some((ty, vars)) = lent.and_then(|it| self.place(it))
            && matches!(ty.bare(), Ty::Text { .. })
        {
            self.read_into(&ty, &vars, &Source::External);
        }
    }

    /// Elements of a sequence of known length, as a type.
    pub(super) fn slice_of(element: Ty) -> Ty {
        Ty::Sequence(Box::new(element), Kind::Slice)
    }
}
