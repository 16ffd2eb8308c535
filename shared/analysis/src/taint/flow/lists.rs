//! Lists that are filled one by one: which element is which, as long as that can be told.

use domain::Language;

use super::Flow;
use crate::taint::{
    env::Env,
    ir::{Call, Const, Key, Slot, Span},
    value::Value,
};

/// Names of the places that are told apart; elements further behind are like each other.
const PLACES: [&str; 16] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];

impl Flow<'_, '_> {
    /// What a call does to the order of lists. Gives the call's value where that is all it does.
    pub(super) fn in_order(
        &mut self,
        call: &Call,
        arguments: &[Value],
        span: Span,
        env: &mut Env,
    ) -> Option<Value> {
        for slot in call.arguments.iter().filter_map(|argument| argument.operand.slot) {
            env.disorder(slot, &mut self.arena);
        }
        let slot = call.receiver?.slot?;
        let length = env.length(slot)?;
        let name = self.lowered.book.text(call.name);
        match (name, arguments) {
            ("add" | "append" | "push", [one])
                if length < PLACES.len() && !call.arguments[0].spread =>
            {
                let key = self.place(length);
                let stored = self.arena.stepped(*one, span);
                env.set_part(slot, key, stored, &mut self.arena);
                env.set_length(slot, length + 1);
                return Some(Value::KNOWN);
            }
            ("pop" | "removeLast", []) if length > 0 => {
                return Some(self.taken_out(slot, length, length - 1, env));
            }
            ("remove" | "pop", [one]) if name == "pop" || self.set.language == Language::Java => {
                let at = match one.constant {
                    Some(Const::Int(at)) => usize::try_from(at).ok().filter(|at| *at < length),
                    _ => None,
                };
                if let Some(at) = at {
                    return Some(self.taken_out(slot, length, at, env));
                }
            }
            _ => {}
        }
        if !reads(name) {
            env.disorder(slot, &mut self.arena);
        }
        None
    }

    /// Takes one element out; those behind it move up.
    fn taken_out(&mut self, slot: Slot, length: usize, at: usize, env: &mut Env) -> Value {
        let place = self.place(at);
        let taken = env.get_part(slot, place, &mut self.arena);
        for place in at..length - 1 {
            let (from, to) = (self.place(place + 1), self.place(place));
            let moved = env.get_part(slot, from, &mut self.arena);
            env.set_part(slot, to, moved, &mut self.arena);
        }
        let last = self.place(length - 1);
        env.set_part(slot, last, Value::KNOWN, &mut self.arena);
        env.set_length(slot, length - 1);
        taken
    }

    fn place(&mut self, index: usize) -> Key {
        match PLACES.get(index) {
            Some(name) => Key::Named(self.lowered.book.word(name)),
            None => Key::Any,
        }
    }
}

/// Leaves every element where it is.
fn reads(name: &str) -> bool {
    matches!(
        name,
        "get"
            | "size"
            | "isEmpty"
            | "contains"
            | "indexOf"
            | "index"
            | "count"
            | "iterator"
            | "stream"
            | "toArray"
            | "toString"
            | "join"
            | "map"
            | "filter"
            | "forEach"
            | "slice"
            | "includes"
            | "copy"
    )
}
