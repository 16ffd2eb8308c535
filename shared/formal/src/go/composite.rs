//! Literals of structs, arrays, slices and maps.

use tree_sitter::Node;

use super::{
    Lowering,
    types::{INT, Ty},
    uses::CAPACITY,
    value::{Parts, Typed},
};
use crate::{
    ir::{Expr, Read},
    syntax::children,
};

impl Lowering<'_> {
    /// `T{…}`, or `{…}` where the type is known from around it.
    pub(super) fn composite(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let declared = node.child_by_field_name("type");
        let body = node.child_by_field_name("body").unwrap_or(node);
        let ty = match declared {
            Some(own) if own.kind() == "implicit_length_array_type" => {
                let element = own.child_by_field_name("element").map(|it| self.ty(it));
                Ty::Array(None, Box::new(element.unwrap_or(Ty::Unknown)))
            }
            Some(own) => self.ty(own),
            None => hint.cloned().unwrap_or(Ty::Unknown),
        };
        let elements = children(body);
        let under = self.under(&ty);
        if let Some(fields) = under.fields() {
            return self.struct_literal(&elements, fields, ty);
        }
        if let Some(target) = under.target() {
            let value = self.composite(node, Some(target));
            return Typed { value: Expr::New(None), ty, parts: value.parts };
        }
        if let Some((declared, element)) = under.sequence() {
            let counted = self.elements(&elements, element);
            let length = declared.map_or(counted, Expr::Int);
            return sequence(ty, length);
        }
        self.elements(&elements, under.map_value().unwrap_or(&Ty::Unknown));
        Typed::new(Expr::New(None), ty)
    }

    fn struct_literal(
        &mut self,
        elements: &[Node<'_>],
        fields: &[super::types::Field],
        ty: Ty,
    ) -> Typed {
        let mut parts = Vec::new();
        for (at, element) in elements.iter().enumerate() {
            let (name, value) = match element.kind() {
                "keyed_element" => {
                    let key = element.child_by_field_name("key").map(|key| self.text(key));
                    (key, element.child_by_field_name("value"))
                }
                _ => (fields.get(at).map(|field| field.name.as_str()), Some(*element)),
            };
            let (Some(name), Some(value)) = (name, value.and_then(|it| it.named_child(0))) else {
                continue;
            };
            let hint = fields.iter().find(|field| field.name == name).map(|it| it.ty.clone());
            let name = name.to_owned();
            let lowered = self.expr(value, hint.as_ref());
            let lowered = match &hint {
                Some(ty) => self.coerced(lowered, ty),
                None => lowered,
            };
            parts.push((name, self.keep(lowered)));
        }
        Typed { value: Expr::New(None), ty, parts: Parts::Made(parts) }
    }

    /// Lowers elements; gives back how many there are, counting from their keys.
    fn elements(&mut self, elements: &[Node<'_>], ty: &Ty) -> Expr {
        let (mut next, mut most) = (Some(0_i128), Some(0_i128));
        for element in elements {
            let mut value = Some(*element);
            if element.kind() == "keyed_element" {
                let key = element.child_by_field_name("key").and_then(|key| key.named_child(0));
                let known = key.and_then(|key| self.constant(key)).map(|key| key.value);
                next = if let Some(Expr::Int(key)) = known { Some(key) } else { None };
                if let Some(key) = key.filter(|_| next.is_none())
                    && key.kind() != "literal_value"
                {
                    self.expr(key, None);
                }
                value = element.child_by_field_name("value");
            }
            if let Some(value) = value.and_then(|value| value.named_child(0)) {
                self.expr(value, Some(ty));
            }
            next = next.map(|next| next + 1);
            most = most.zip(next).map(|(most, next)| most.max(next));
        }
        match most {
            Some(most) => Expr::Int(most),
            None => {
                let read = self.any_length();
                self.read(&INT, Read { ..read })
            }
        }
    }
}

fn sequence(ty: Ty, length: Expr) -> Typed {
    let value = Expr::New(Some(Box::new(length.clone())));
    if let (Ty::Array(None, element), Expr::Int(length)) = (&ty, &length) {
        return Typed::new(value, Ty::Array(Some(*length), element.clone()));
    }
    if ty.is_array() {
        return Typed::new(value, ty);
    }
    let parts = Parts::Made(vec![(CAPACITY.to_owned(), Typed::new(length, INT))]);
    Typed { value, ty, parts }
}
