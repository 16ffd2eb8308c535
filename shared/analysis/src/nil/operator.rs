//! Operators.

use tree_sitter::Node;

use super::{
    state::State,
    summary::Use,
    syntax::Form,
    types::Ty,
    value::{Is, Sure, Value},
    walk::Walk,
};

impl<'t> Walk<'_, 't> {
    pub(super) fn unary(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let Some(operand) = node.part("operand") else {
            return Value::unknown(Ty::Unknown);
        };
        match node.part("operator").map(|it| it.form()) {
            Some("&") => self.address(operand, state),
            Some("*") => {
                let of = self.value(operand, state);
                self.using(&of, operand, Use::Dereferenced, state);
                let target = of.ty.target().cloned().unwrap_or(Ty::Unknown);
                if matches!(self.book.package.under(&target), Ty::Struct(_)) {
                    return Value {
                        whole: of.whole,
                        parts: of.parts,
                        place: of.place,
                        ..Value::unknown(target)
                    };
                }
                self.part(&of, ".*", target, state)
            }
            Some("<-") => {
                let of = self.value(operand, state);
                let under = self.book.package.under(&of.ty);
                let element =
                    if let Ty::Channel(element) = under { (*element).clone() } else { Ty::Unknown };
                Value::unknown(element)
            }
            Some("!") => {
                let of = self.value(operand, state);
                match of.sure {
                    Sure::Is(is) => Value::surely(Ty::Bool, is.not()),
                    Sure::Nothing => Value::unknown(Ty::Bool),
                }
            }
            _ => {
                self.value(operand, state);
                Value::surely(Ty::Plain, Is::NotNil)
            }
        }
    }

    /// `&x`: an object is known by the name of its variable, anything else by nobody any more.
    pub(super) fn address(&mut self, operand: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let of = self.value(operand, state);
        let under = self.book.package.under(&of.ty);
        let is_object = matches!(under, Ty::Struct(_) | Ty::Array(_));
        let pointer = Value::surely(of.ty.clone().pointer_to(), Is::NotNil);
        if is_object {
            return Value { whole: of.whole, parts: of.parts, place: of.place, ..pointer };
        }
        if let Some(place) = of.place {
            self.shared.insert(place.root);
            state.remove_roots(&|root| root == place.root);
        }
        pointer
    }

    pub(super) fn binary(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let operator = node.part("operator").map_or("", |it| it.form());
        if matches!(operator, "&&" | "||" | "==" | "!=" | "<" | ">" | "<=" | ">=") {
            let (yes, no) = self.branch(node, state.clone());
            let is = match (yes.is_some(), no.is_some()) {
                (true, false) => Value::surely(Ty::Bool, Is::True),
                (false, true) => Value::surely(Ty::Bool, Is::False),
                (true, true) | (false, false) => Value::unknown(Ty::Bool),
            };
            if let Some(joined) = self.join(yes, no) {
                *state = joined;
            }
            return is;
        }
        for side in ["left", "right"] {
            if let Some(side) = node.part(side) {
                self.value(side, state);
            }
        }
        Value::surely(Ty::Plain, Is::NotNil)
    }
}
