//! Values that are put together: tuples, arrays, structs and variants.

use tree_sitter::Node;

use super::{
    Lowering, children, items,
    types::{Kind, Ty},
    value::Value,
};
use crate::ir::Expr;

impl<'a> Lowering<'a> {
    pub(super) fn tuple(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
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

    pub(super) fn structure(&mut self, node: Node<'a>) -> Value {
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
}
