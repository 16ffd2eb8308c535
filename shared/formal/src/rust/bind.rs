//! What patterns name of the values that fit them.

use tree_sitter::Node;

use super::{
    Local, Lowering, children,
    pattern::{is_rest, named_fields, slice_parts},
    types::{Kind, Ty},
    value::Value,
};
use crate::ir::{Expr, IntOp};

impl<'a> Lowering<'a> {
    /// Declares what the pattern names, as it is where the value fits.
    pub(super) fn bind(&mut self, pattern: Node<'a>, value: &Value) {
        let lends = matches!(value.ty, Ty::Ref { mutable: true, .. });
        self.bind_in(pattern, value, lends);
    }

    pub(super) fn bind_in(&mut self, pattern: Node<'a>, value: &Value, lends: bool) {
        let Some(pattern) = Self::inner(pattern) else { return };
        let lends = lends || matches!(value.ty, Ty::Ref { mutable: true, .. });
        match pattern.kind() {
            "mut_pattern" | "ref_pattern" | "reference_pattern" => {
                let mutable = self.text(pattern).contains("mut");
                let Some(inner) = children(pattern).into_iter().last() else { return };
                if inner.kind() == "identifier" {
                    let lends = (lends && pattern.kind() != "reference_pattern")
                        || self.text(pattern).starts_with("ref mut");
                    self.bind_one(inner, value, lends, mutable);
                } else {
                    self.bind_in(inner, value, lends);
                }
            }
            "captured_pattern" => {
                let parts = children(pattern);
                if let Some(name) = parts.first() {
                    self.bind_one(*name, value, lends, false);
                }
                if let Some(inner) = parts.get(1) {
                    self.bind_in(*inner, value, lends);
                }
            }
            "identifier" => {
                let name = self.text(pattern);
                let is_new = !name.starts_with(char::is_uppercase);
                if is_new {
                    self.bind_one(pattern, value, lends, false);
                }
            }
            "tuple_pattern" => {
                for (part, own) in self.places(pattern, value, None) {
                    self.bind_in(part, &own, lends);
                }
            }
            "tuple_struct_pattern" => {
                let own = self.variant_of(pattern, value).map(|(_, part)| part);
                let own = own.unwrap_or_else(Value::unknown);
                let skip = pattern.child_by_field_name("type");
                for (part, own) in self.places(pattern, &own, skip) {
                    self.bind_in(part, &own, lends);
                }
            }
            "struct_pattern" => {
                let own = self.variant_of(pattern, value).map(|(_, part)| part);
                let own = own.unwrap_or_else(Value::unknown);
                for (name, inner) in named_fields(pattern) {
                    let part = self.field_of(&own, self.text(name)).unwrap_or_else(Value::unknown);
                    match inner {
                        Some(inner) => self.bind_in(inner, &part, lends),
                        None => self.bind_one(name, &part, lends, true),
                    }
                }
            }
            "slice_pattern" => self.bind_slice(pattern, value, lends),
            "or_pattern" => {
                // Which of them fits is not followed, so what they name is anything of its type.
                for part in children(pattern) {
                    let unknown = self.opaque(&value.ty.clone(), "a name of several patterns");
                    self.bind_in(part, &unknown, lends);
                }
            }
            _ => {}
        }
    }

    pub(super) fn bind_one(&mut self, name: Node<'a>, value: &Value, lends: bool, mutable: bool) {
        let mut value = value.clone();
        if lends && !value.ty.lends() && value.ty != Ty::Unknown {
            value.ty = Ty::Ref { mutable: true, to: Box::new(value.ty) };
        }
        if value.is_never() {
            value = Value::unknown();
        }
        self.bind_name(self.text(name), value, mutable, None);
    }

    pub(super) fn bind_slice(&mut self, pattern: Node<'a>, value: &Value, lends: bool) {
        let element = if let Ty::Sequence(element, _) = value.ty.bare() {
            (**element).clone()
        } else {
            Ty::Unknown
        };
        let (parts, open) = slice_parts(pattern);
        let count = i128::try_from(parts.len()).unwrap_or(0) - i128::from(open);
        for part in parts {
            if is_rest(part) {
                let Some(length) = value.length() else { continue };
                let left = Expr::int2(IntOp::Sub, length, Expr::Int(count));
                let ty = Ty::Sequence(Box::new(element.clone()), Kind::Slice);
                let rest = Value { ty, leaves: vec![Expr::New(Some(Box::new(left)))] };
                if part.kind() == "captured_pattern"
                    && let Some(name) = part.named_child(0)
                {
                    let mutable = lends;
                    let vars = self.variables(self.text(name), &rest.ty);
                    self.assign(&vars, rest.leaves);
                    let local = Local { ty: rest.ty, vars, mutable, learns: None };
                    self.declare(self.text(name), local);
                }
                continue;
            }
            let one = self.opaque(&element, "the contents of a sequence");
            self.bind_in(part, &one, lends);
        }
    }
}
