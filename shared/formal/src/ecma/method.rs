//! Calls of methods.

use tree_sitter::Node;

use super::{Lowering, access::is_optional, call::Arguments, library, value::Value};
use crate::{
    ir::{Cmp, Expr, IntOp, Kind, Kinds, Source},
    syntax::children,
};

/// Objects of JavaScript's own with functions that are known.
const OBJECTS: [&str; 10] = [
    "Math",
    "Number",
    "Object",
    "Array",
    "String",
    "JSON",
    "Date",
    "console",
    "process",
    "performance",
];

impl Lowering<'_> {
    pub(super) fn method(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        list: Option<Node<'_>>,
    ) -> Value {
        let parts =
            (function.child_by_field_name("object"), function.child_by_field_name("property"));
        let (Some(object), Some(name)) = parts else { return self.opaque(node) };
        let (of, name) = (self.text(object), self.text(name));
        if object.kind() == "identifier"
            && OBJECTS.contains(&of)
            && self.is_builtin(of)
            && let Some(value) = self.of_object(of, name, list)
        {
            return value;
        }
        let receiver = self.before(object);
        let receiver = if self.is_plain_local(object) { receiver } else { self.keep(receiver) };
        self.guard(&receiver, object, is_optional(function));
        if is_optional(node) {
            // Whether there is such a method is not modelled; there may be none.
            self.may_raise("a method");
            let arguments = self.arguments(list);
            return self.unknown_call(name, &arguments, Some(&receiver));
        }
        let arguments = self.arguments(list);
        let Some(kind) = receiver.kinds.without(Kinds::NULLISH).single() else {
            return self.unknown_call(name, &arguments, Some(&receiver));
        };
        if kind == Kind::Array {
            return self.array_method(name, &arguments, object, &receiver);
        }
        if kind == Kind::Object && name == "exec" && object.kind() == "regex" {
            return self.matched(object, arguments.get(0).cloned());
        }
        self.plain_method(kind, name, &arguments, &receiver)
    }

    fn plain_method(
        &mut self,
        kind: Kind,
        name: &str,
        arguments: &Arguments<'_>,
        receiver: &Value,
    ) -> Value {
        if kind == Kind::Str
            && name == "match"
            && let Some(pattern) = arguments.nodes.first().filter(|it| it.kind() == "regex")
        {
            return self.matched(*pattern, Some(receiver.clone()));
        }
        if kind == Kind::Str
            && name == "at"
            && let Some(index) = arguments.get(0).cloned()
        {
            return self.at(receiver, &index, None);
        }
        let Some(kinds) = library::method(kind, name) else {
            return self.unknown_call(name, arguments, Some(receiver));
        };
        // A pattern is an object, but not one with code of the program's own.
        let patterns = arguments.nodes.iter().all(|it| it.kind() == "regex");
        if arguments.has_code() && !patterns {
            self.unknown_call(name, arguments, Some(receiver));
        } else {
            self.may_raise(name);
        }
        if kinds == Kinds::of(Kind::Array) {
            return self.split(arguments);
        }
        let of = self.named(receiver.as_sequence());
        let reason = Source::Opaque(format!("the result of {name}"));
        let source = if kind == Kind::Str { Source::Within(of) } else { reason.clone() };
        match kinds.single() {
            Some(Kind::Int) => {
                let at = self.read(kinds, &source, Some((-1, super::value::LENGTH_MAX)));
                if kind == Kind::Str && matches!(name, "indexOf" | "lastIndexOf" | "search") {
                    self.assume(Expr::cmp(Cmp::Le, at.as_int(), receiver.length()));
                }
                at
            }
            // Not every text comes out of a method: none in lower case has capitals.
            Some(Kind::Str) => {
                let made = self.read(kinds, &reason, None);
                let (own, other) = (receiver.length(), made.length());
                match library::length_of(kind, name) {
                    Some(library::Length::AtLeast) => self.assume(Expr::cmp(Cmp::Le, own, other)),
                    Some(library::Length::AtMost) => self.assume(Expr::cmp(Cmp::Le, other, own)),
                    None => {}
                }
                made
            }
            _ => self.read(kinds, &reason, None),
        }
    }

    /// Split by a text that is not empty, there is always a part.
    fn split(&mut self, arguments: &Arguments<'_>) -> Value {
        let array = self.some(Kinds::of(Kind::Array), "the parts of a string");
        let separator = arguments.get(0).filter(|it| it.is_only(Kind::Str));
        let plain = separator.is_some_and(|it| matches!(it.length(), Expr::Int(1..)));
        if plain && arguments.values.len() == 1 {
            self.assume(Expr::cmp(Cmp::Le, Expr::Int(1), array.length()));
        }
        array
    }

    /// What a pattern finds in a text, or null where it does not.
    fn matched(&mut self, pattern: Node<'_>, text: Option<Value>) -> Value {
        self.may_raise("a pattern");
        let needs = needs_letters(self.text(pattern));
        match text.filter(|text| needs && text.is_only(Kind::Str)) {
            Some(text) => {
                let of = self.named(text.as_sequence());
                let missing = self.read(Kinds::of(Kind::Bool), &Source::Within(of), None);
                self.either(
                    missing.as_bool(),
                    |_| Value::plain(Kind::Null),
                    |own| {
                        let found = own.some(Kinds::of(Kind::Array), "what a pattern finds");
                        own.assume(Expr::cmp(Cmp::Le, Expr::Int(1), found.length()));
                        found
                    },
                )
            }
            None => self.some(Kinds::of(Kind::Array).with(Kind::Null), "what a pattern finds"),
        }
    }

    /// `xs.at(i)`, which counts from the end for what is negative.
    fn at(&mut self, of: &Value, index: &Value, object: Option<Node<'_>>) -> Value {
        if !index.is_only(Kind::Int) {
            return self.any("an element of an array");
        }
        let negative = Expr::cmp(Cmp::Lt, index.as_int(), Expr::Int(0));
        let from_end = Expr::int2(IntOp::Add, of.length(), index.as_int());
        let place = self.choose(negative, from_end, index.as_int());
        match object {
            Some(object) => self.indexed(of, &Value::int(place), object),
            None => {
                let inside = super::access::inside(of, &Value::int(place));
                self.either(
                    inside,
                    |own| {
                        let any = own.some(Kinds::of(Kind::BigInt), "a part of a string");
                        Value::string(any.as_int(), Expr::Int(1))
                    },
                    |_| Value::undefined(),
                )
            }
        }
    }

    fn array_method(
        &mut self,
        name: &str,
        arguments: &Arguments<'_>,
        object: Node<'_>,
        receiver: &Value,
    ) -> Value {
        let before = self.keep_int(receiver.length());
        match name {
            "push" | "unshift" if !arguments.spread => {
                let more = i128::try_from(arguments.values.len()).unwrap_or(0);
                let length = Expr::int2(IntOp::Add, before, Expr::Int(more));
                return self.resized(object, length, name);
            }
            "pop" | "shift" => return self.taken(object, receiver, &before, name),
            "at" => {
                if let Some(index) = arguments.get(0).cloned() {
                    return self.at(receiver, &index, Some(object));
                }
            }
            "find" | "findLast" => return self.found(arguments, object, receiver, &before, name),
            _ => {}
        }
        let Some(kinds) = library::method(Kind::Array, name) else {
            return self.unknown_call(name, arguments, Some(receiver));
        };
        if arguments.has_code() || matches!(name, "join" | "toString" | "splice" | "sort") {
            self.unknown_call(name, arguments, Some(receiver));
        } else {
            self.may_raise(name);
        }
        match name {
            "map" | "toSorted" | "toReversed" => Value::array(before),
            "filter" => {
                let length = self.some_length("the length of what is left", Some(before));
                Value::array(length)
            }
            "indexOf" | "lastIndexOf" | "findIndex" | "findLastIndex" => {
                let reason = Source::Opaque(format!("the result of {name}"));
                self.read(kinds, &reason, Some((-1, super::value::LENGTH_MAX)))
            }
            _ => self.some(kinds, &format!("the result of {name}")),
        }
    }

    /// The array has another length now, under all of its names; here it is known.
    fn resized(&mut self, object: Node<'_>, length: Expr, name: &str) -> Value {
        let length = self.keep_int(length);
        self.forget_arrays(name);
        if self.is_plain_local(object)
            && let Some(local) = self.local_index(self.text(object))
        {
            let slots = self.locals[local].slots;
            self.put(slots, &Value::array(length.clone()));
        }
        Value::int(length)
    }

    fn taken(&mut self, object: Node<'_>, receiver: &Value, before: &Expr, name: &str) -> Value {
        let empty = Expr::cmp(Cmp::Eq, before.clone(), Expr::Int(0));
        let element =
            self.either(empty.clone(), |_| Value::undefined(), |own| own.element(receiver, object));
        let less = Expr::int2(IntOp::Sub, before.clone(), Expr::Int(1));
        let left = self.choose(empty, Expr::Int(0), less);
        self.resized(object, left, name);
        element
    }

    /// In an empty array nothing is found; in any other only the run knows.
    fn found(
        &mut self,
        arguments: &Arguments<'_>,
        object: Node<'_>,
        receiver: &Value,
        before: &Expr,
        name: &str,
    ) -> Value {
        let element = self.element(receiver, object);
        let element = self.keep(element);
        self.unknown_call(name, arguments, Some(receiver));
        let empty = Expr::cmp(Cmp::Eq, before.clone(), Expr::Int(0));
        self.either(
            empty,
            |_| Value::undefined(),
            |own| {
                let missing = own.unknown_truth("whether there is such an element");
                own.either(missing, |_| Value::undefined(), |_| element)
            },
        )
    }

    /// What the parameters of a function are declared to be; none if one takes several values.
    pub(super) fn declared_parameters(&self, function: Node<'_>) -> Option<Vec<Kinds>> {
        let written: Vec<Node<'_>> = match function.child_by_field_name("parameters") {
            Some(list) => children(list),
            None => function.child_by_field_name("parameter").into_iter().collect(),
        };
        self.kinds_of_parameters(written)
    }
}

/// Whether a pattern surely misses some texts: it is a plain row of letters and classes.
fn needs_letters(pattern: &str) -> bool {
    let inner = pattern.trim_start_matches('/').rsplit_once('/').map_or("", |(inner, _)| inner);
    let may_be_empty = inner.contains(['*', '?', '|', '{', '[']);
    let has_letter = inner.replace("\\b", "").contains(|letter: char| letter.is_alphanumeric());
    has_letter && !may_be_empty
}
