//! Composite literals, and values in places of another type.

use tree_sitter::Node;

use super::{
    state::State,
    syntax::{Form, children, text},
    types::Ty,
    value::{Cause, Is, Kind, Value, Whole},
    walk::Walk,
};

impl<'t> Walk<'_, 't> {
    pub(super) fn composite(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let ty = self.type_of(node.part("type"));
        match node.part("body") {
            Some(body) => self.composed(node, &ty, body, state),
            None => Value::unknown(ty),
        }
    }

    pub(super) fn composed(
        &mut self,
        node: Node<'t>,
        ty: &Ty,
        body: Node<'t>,
        state: &mut State<'t>,
    ) -> Value<'t> {
        let under = self.book.package.under(ty);
        let origin = Cause::new(Kind::Unset, self.spot(node)).origin;
        let is_struct = matches!(under, Ty::Struct(_));
        let mut value = Value::surely(ty.clone(), Is::NotNil);
        if is_struct {
            value.whole = Whole::Fresh(origin);
        }
        for (at, element) in children(body).into_iter().enumerate() {
            let is_keyed = element.form() == "keyed_element";
            let key = element.part("key").filter(|_| is_keyed);
            let part = if is_keyed { element.part("value") } else { Some(element) };
            let Some(part) = part.and_then(|part| part.named_child(0)) else { continue };
            let field = match (&under, key) {
                (Ty::Struct(_), Some(key)) => Some(text(key, self.source).trim().to_owned()),
                (Ty::Struct(fields), None) => fields.get(at).map(|field| (*field.name).to_owned()),
                (_, _) => None,
            };
            let own = match &field {
                Some(name) => self.book.package.field(ty, name),
                None => under.element().cloned(),
            };
            let own = own.unwrap_or(Ty::Unknown);
            if let (None, Some(key)) = (&field, key.and_then(|key| key.named_child(0)))
                && key.form() != "literal_value"
            {
                self.value(key, state);
            }
            let held = match (part.form(), &own) {
                // A pointer to a literal may be left out where the elements are pointers.
                ("literal_value", Ty::Pointer(target)) => {
                    let target = (**target).clone();
                    let made = self.composed(part, &target, part, state);
                    Value { ty: own.clone(), ..made }
                }
                ("literal_value", _) => self.composed(part, &own, part, state),
                (_, _) => self.value(part, state),
            };
            self.hand_over(&held);
            if let Some(name) = field.filter(|_| is_struct) {
                let held = self.converted(held, &own);
                self.keep_part(&mut value, &format!(".{name}"), held, state);
            }
        }
        value
    }

    /// Puts a value into a part of one that has no place yet.
    pub(super) fn keep_part(
        &self,
        whole: &mut Value<'t>,
        step: &str,
        held: Value<'t>,
        state: &State<'t>,
    ) {
        let place = held.place.as_ref();
        let below = place.map(|place| state.parts(place)).unwrap_or_default();
        for (inner, part) in below {
            let way = place.and_then(|place| place.way_to(&inner)).unwrap_or_default();
            whole.parts.push(([step, way].concat().as_str().into(), part));
        }
        for (way, part) in &held.parts {
            whole.parts.push(([step, &**way].concat().as_str().into(), part.clone()));
        }
        whole.parts.push((step.into(), Value { parts: Vec::new(), place: None, ..held }));
    }

    /// A value in a place of another type. What holds a nil pointer is no nil interface.
    pub(super) fn converted(&self, value: Value<'t>, to: &Ty) -> Value<'t> {
        if *to == Ty::Unknown || *to == value.ty {
            return value;
        }
        let is_interface =
            |ty: &Ty| matches!(self.book.package.under(ty), Ty::Interface(_) | Ty::Error);
        if !is_interface(to) || is_interface(&value.ty) || value.ty == Ty::Unknown {
            return Value { ty: to.clone(), ..value };
        }
        let holds = Some(value.ty.clone());
        Value {
            holds,
            whole: value.whole,
            parts: value.parts,
            ..Value::surely(to.clone(), Is::NotNil)
        }
    }
}
