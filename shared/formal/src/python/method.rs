//! Calls of methods, and of functions of Python's modules.

use tree_sitter::Node;

use super::{
    Lowering,
    call::{Arguments, LENGTH_MAX},
    library::{self, Length},
    line,
    value::Value,
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, IntOp, Read, Source, Stmt, Tag, Type, Var},
};

impl Lowering<'_> {
    pub(super) fn method(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        list: Option<Node<'_>>,
    ) -> Value {
        let parts =
            (function.child_by_field_name("object"), function.child_by_field_name("attribute"));
        let (Some(object), Some(name)) = parts else { return self.opaque(node) };
        let name = self.text(name);
        if let Some(module) = self.imported(object).map(str::to_owned) {
            let arguments = self.arguments(list);
            return self.of_module(&module, name, arguments);
        }
        let receiver = self.expr(object);
        let arguments = self.arguments(list);
        self.none_check(&receiver, object, "AttributeError");
        let Value::One(tag, of) = &receiver else {
            return self.unknown_call(name, arguments, Some(&receiver));
        };
        if *tag == Tag::List {
            return self.list_method(name, arguments, object, of.clone());
        }
        if library::method(*tag, name).is_some() {
            self.may_raise(name);
        }
        match library::method(*tag, name) {
            Some(Tag::None) => Value::none(),
            Some(result) => {
                let of = self.named(of.clone());
                // Split by a separator, there is always a part.
                let separator = arguments.plain.first().and_then(Value::tag);
                let one_part = name == "split" && separator == Some(Tag::Str);
                let range = (result == Tag::Int).then_some((-1, LENGTH_MAX));
                let source = Source::Within(of);
                let length_min = u32::from(one_part);
                let made = self.read(result, Read { source, range, nullable: false, length_min });
                self.assume_size(*tag, name, &made, of, &arguments);
                made
            }
            None => self.unknown_call(name, arguments, Some(&receiver)),
        }
    }

    fn list_method(
        &mut self,
        name: &str,
        arguments: Arguments,
        object: Node<'_>,
        of: Expr,
    ) -> Value {
        let length = Expr::Len(Box::new(of.clone()));
        let sized = |length| Value::One(Tag::List, Expr::New(Some(Box::new(length))));
        let changed = match (name, arguments.plain.as_slice()) {
            ("append", [_]) | ("insert", [_, _]) => {
                Some(sized(Expr::int2(IntOp::Add, length, Expr::Int(1))))
            }
            ("clear", []) => Some(sized(Expr::Int(0))),
            ("pop", []) => {
                let empty = Expr::cmp(Cmp::Eq, length.clone(), Expr::Int(0));
                self.check(CheckKind::IndexOutOfBounds, line(object), empty, "IndexError");
                Some(sized(Expr::int2(IntOp::Sub, length, Expr::Int(1))))
            }
            ("extend", [Value::One(tag, other)]) if tag.is_sequence() => {
                let more = Expr::Len(Box::new(other.clone()));
                Some(sized(Expr::int2(IntOp::Add, length, more)))
            }
            ("reverse", []) => return Value::none(),
            ("copy", []) => return sized(length),
            ("index" | "count", _) => {
                self.may_raise(name);
                return self.within_range(Source::Opaque(name.to_owned()), 0, LENGTH_MAX);
            }
            _ => None,
        };
        let Some(changed) = changed else {
            return self.unknown_call(name, arguments, None);
        };
        // Computed before the lists are forgotten that it is computed from.
        let changed = self.keep(changed);
        let element = (name == "pop").then(|| {
            let var = self.named(of);
            match self.types.element(self.text(object)) {
                Some(tag) => self.read(
                    tag,
                    Read { source: Source::Within(var), nullable: false, ..Read::opaque("") },
                ),
                None => self.any_within(var),
            }
        });
        self.forget_lists("a list that grew or shrank");
        if object.kind() == "identifier" {
            let name = self.text(object);
            self.store_name(name, &changed);
        }
        element.unwrap_or_else(Value::none)
    }

    /// How long the result of a method is, or how far an index goes, beside what it is of.
    fn assume_size(&mut self, tag: Tag, name: &str, made: &Value, of: Var, arguments: &Arguments) {
        let length = Expr::Len(Box::new(Expr::Var(of)));
        let given = match arguments.plain.as_slice() {
            [Value::One(Tag::Str, given)] => Some(Expr::Len(Box::new(given.clone()))),
            _ => None,
        };
        let fact = match (tag, name, made) {
            (Tag::Str, _, Value::One(Tag::Str, made)) => {
                let made = Expr::Len(Box::new(made.clone()));
                match library::length_of(name) {
                    Some(Length::AtLeast) => Expr::cmp(Cmp::Le, length, made),
                    Some(Length::AtMost) => Expr::cmp(Cmp::Le, made, length),
                    None => return,
                }
            }
            (Tag::Str, "startswith" | "endswith", Value::One(Tag::Bool, is)) => {
                let Some(given) = given else { return };
                is.clone().not().or(Expr::cmp(Cmp::Le, given, length))
            }
            (Tag::Str, _, Value::One(Tag::Bool, is)) if library::asks_for_letters(name) => {
                is.clone().not().or(Expr::cmp(Cmp::Lt, Expr::Int(0), length))
            }
            // What is empty is found at the end.
            (Tag::Str, "find" | "rfind", Value::One(Tag::Int, at)) => {
                Expr::cmp(Cmp::Le, at.clone(), length)
            }
            (Tag::Str, "index" | "rindex", Value::One(Tag::Int, at)) => {
                let found = Expr::cmp(Cmp::Le, Expr::Int(0), at.clone());
                found.and(Expr::cmp(Cmp::Le, at.clone(), length))
            }
            // An index of what is not there was raised before.
            (Tag::Tuple, "index", Value::One(Tag::Int, at)) => {
                let found = Expr::cmp(Cmp::Le, Expr::Int(0), at.clone());
                found.and(Expr::cmp(Cmp::Lt, at.clone(), length))
            }
            (Tag::Str | Tag::Tuple, "count", Value::One(Tag::Int, count)) => {
                Expr::cmp(Cmp::Le, Expr::Int(0), count.clone())
            }
            _ => return,
        };
        self.block.push(Stmt::Assume(fact));
    }

    fn of_module(&mut self, module: &str, name: &str, arguments: Arguments) -> Value {
        if library::is_optional_text(module, name) && arguments.plain.len() == 1 {
            return self.optional(Tag::Str, Source::External);
        }
        if library::is_match(module, name)
            && let [_, Value::One(Tag::Str, text)] = arguments.plain.as_slice()
        {
            let of = self.named(text.clone());
            return self.optional(Tag::Object, Source::Within(of));
        }
        if let (
            "random",
            "randint",
            [Value::One(_, Expr::Int(low)), Value::One(_, Expr::Int(high))],
        ) = (module, name, arguments.plain.as_slice())
        {
            return self.within_range(Source::External, *low, *high);
        }
        if library::of_module(module, name).is_some() {
            self.may_raise(name);
        }
        match library::of_module(module, name) {
            Some(Tag::None) => Value::none(),
            Some(tag) => self.some(tag, &format!("the result of {module}.{name}")),
            None => self.unknown_call(&format!("{module}.{name}"), arguments, None),
        }
    }

    /// A value of this type or None, as the source decides.
    fn optional(&mut self, tag: Tag, source: Source) -> Value {
        let missing = self.variable("", Type::Bool);
        self.read_into(missing, Read { source: source.clone(), ..Read::opaque("") });
        let result = self.slots("");
        self.branch(
            Expr::Var(missing),
            |own| own.put(result, &Value::none()),
            |own| {
                let value =
                    own.read(tag, Read { source, range: None, nullable: false, length_min: 0 });
                own.put(result, &value);
            },
        );
        Value::Any(result)
    }
}
