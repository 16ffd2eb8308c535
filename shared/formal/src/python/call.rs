//! Calls: of the module's own functions, of Python's, of anything else.

use tree_sitter::Node;

use super::{
    EXCEPTION, Lowering, children, library, line,
    scope::Parameter,
    value::{Value, slot_type},
};
use crate::ir::{CheckKind, Cmp, Expr, IntOp, Read, Source, Stmt, Tag, Type};

/// The longest sequence that a machine can hold.
const LENGTH_MAX: i128 = (1 << 63) - 1;

/// What was given, by position and by name.
#[derive(Default)]
struct Arguments {
    plain: Vec<Value>,
    named: Vec<(String, Value)>,
    /// Some are unpacked from a value, so nobody knows which are which.
    unpacked: bool,
}

impl Lowering<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) -> Value {
        let Some(function) = node.child_by_field_name("function") else { return self.opaque(node) };
        let list = node.child_by_field_name("arguments");
        match function.kind() {
            "identifier" => {
                let name = self.text(function);
                let arguments = self.arguments(list);
                if self.is_builtin(name) {
                    return self.builtin(name, arguments, node);
                }
                let own = !self.locals.contains_key(name) && !self.scope.foreign.contains(name);
                match self.module.functions.get(name).copied().filter(|_| own) {
                    Some(called) => self.own_call(called, arguments, name),
                    None => self.unknown_call(name, arguments, None),
                }
            }
            "attribute" => self.method(node, function, list),
            _ => {
                let callee = self.expr(function);
                self.none_check(&callee, function, "TypeError");
                let arguments = self.arguments(list);
                self.unknown_call("a value that is called", arguments, None)
            }
        }
    }

    /// Whether what a call gives is known well enough to ask whether it is None.
    pub(super) fn is_known_call(&self, node: Node<'_>) -> bool {
        let Some(function) = node.child_by_field_name("function") else { return false };
        if function.kind() == "identifier" {
            return self.module.functions.contains_key(self.text(function));
        }
        let parts =
            (function.child_by_field_name("object"), function.child_by_field_name("attribute"));
        let (Some(object), Some(name)) = parts else { return false };
        let name = self.text(name);
        self.imported(object).is_some_and(|module| {
            library::is_optional_text(module, name) || library::is_match(module, name)
        })
    }

    fn arguments(&mut self, list: Option<Node<'_>>) -> Arguments {
        let mut arguments = Arguments::default();
        let Some(list) = list else { return arguments };
        if list.kind() == "generator_expression" {
            arguments.plain.push(self.expr(list));
            return arguments;
        }
        for given in children(list) {
            match given.kind() {
                "keyword_argument" => {
                    let name = given.child_by_field_name("name").map(|name| self.text(name));
                    let value = given.child_by_field_name("value").map(|value| self.expr(value));
                    arguments.named.extend(name.map(str::to_owned).zip(value));
                }
                "list_splat" | "dictionary_splat" => {
                    arguments.unpacked = true;
                    for inner in children(given) {
                        self.expr(inner);
                    }
                }
                _ => arguments.plain.push(self.expr(given)),
            }
        }
        arguments
    }

    /// A function that nothing is known of.
    fn unknown_call(
        &mut self,
        callee: &str,
        arguments: Arguments,
        receiver: Option<&Value>,
    ) -> Value {
        let named = arguments.named.into_iter().map(|(_, value)| value);
        let mut given = Vec::new();
        for value in arguments.plain.into_iter().chain(named).chain(receiver.cloned()) {
            match value {
                Value::One(Tag::None | Tag::Object, _) => {}
                Value::One(_, value) => given.push(value),
                Value::Any(slots) => given.extend(
                    [slots.int, slots.bool, slots.float, slots.sequence, slots.tag].map(Expr::Var),
                ),
            }
        }
        self.unknown_code(callee, given);
        self.any(&format!("the result of {callee}"))
    }

    /// A function of this module, whose parameters are all given and plain.
    fn own_call(&mut self, called: usize, arguments: Arguments, name: &str) -> Value {
        let body = self.module.index.get(&called).map(|at| &self.module.bodies[*at]);
        let Some(body) = body.filter(|_| !arguments.unpacked) else {
            return self.unknown_call(name, arguments, None);
        };
        let scope = super::scope::Scope::of(body.node, self.source);
        let Some(values) = self.matched(&scope.parameters, &arguments, body.node) else {
            return self.unknown_call(name, arguments, None);
        };
        let mut given = Vec::new();
        for (parameter, value) in scope.parameters.iter().zip(values) {
            match parameter.ty {
                Some(tag) => {
                    let var = self.variable("", slot_type(tag));
                    self.put_one(var, tag, &value);
                    given.push(Expr::Var(var));
                }
                None => {
                    let slots = self.slots("");
                    self.put(slots, &value);
                    let all = [slots.tag, slots.bool, slots.int, slots.float, slots.sequence];
                    given.extend(all.map(Expr::Var));
                }
            }
        }
        let site = self.site();
        self.block.push(Stmt::Call { to: None, function: called, arguments: given, site });
        let result = self.keep(Value::Any(self.result));
        self.forget_lists(name);
        result
    }

    /// A value for each parameter, in their order.
    fn matched(
        &mut self,
        parameters: &[Parameter],
        arguments: &Arguments,
        function: Node<'_>,
    ) -> Option<Vec<Value>> {
        if arguments.plain.len() > parameters.len() {
            return None;
        }
        let known = |name: &String| parameters.iter().any(|parameter| parameter.name == *name);
        if !arguments.named.iter().all(|(name, _)| known(name)) {
            return None;
        }
        let mut values = Vec::new();
        for (index, parameter) in parameters.iter().enumerate() {
            let by_name = arguments.named.iter().find(|(name, _)| *name == parameter.name);
            let given = arguments.plain.get(index).or(by_name.map(|(_, value)| value)).cloned();
            values.push(match given {
                Some(value) => value,
                None => self.default_of(parameter, function)?,
            });
            if !parameter.is_plain {
                return None;
            }
        }
        Some(values)
    }

    fn default_of(&mut self, parameter: &Parameter, function: Node<'_>) -> Option<Value> {
        let list = function.child_by_field_name("parameters").filter(|_| parameter.has_default)?;
        let own = children(list).into_iter().find(|node| {
            node.child_by_field_name("name").is_some_and(|it| self.text(it) == parameter.name)
        })?;
        let value = own.child_by_field_name("value")?;
        let (tag, value) = super::expr::literal(value, self.source)?;
        Some(Value::One(tag, value))
    }

    fn builtin(&mut self, name: &str, arguments: Arguments, node: Node<'_>) -> Value {
        let simple = arguments.named.is_empty() && !arguments.unpacked;
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        if simple {
            match (name, arguments.plain.as_slice()) {
                ("len", [value]) => return self.length(&value.clone(), given[0]),
                ("int", [value]) => return self.to_int(&value.clone(), given[0]),
                ("float", [value]) => return self.to_float(&value.clone()),
                ("bool", [value]) => {
                    let value = value.clone();
                    return Value::bool(self.truth_of(&value));
                }
                ("abs", [Value::One(tag @ (Tag::Int | Tag::Bool), value)]) => {
                    let value = self.as_int((*tag, value.clone()));
                    let value = self.keep(Value::int(value)).as_type(Tag::Int);
                    let negative = Expr::cmp(Cmp::Lt, value.clone(), Expr::Int(0));
                    let turned = Expr::int2(IntOp::Sub, Expr::Int(0), value.clone());
                    return Value::int(self.choose(negative, turned, value));
                }
                ("abs", [Value::One(Tag::Float, value)]) => {
                    return Value::One(Tag::Float, Expr::AbsFloat(Box::new(value.clone())));
                }
                ("min" | "max", [Value::One(Tag::Int, one), Value::One(Tag::Int, two)]) => {
                    let less = Expr::cmp(Cmp::Lt, one.clone(), two.clone());
                    let (one, two) = (one.clone(), two.clone());
                    let (yes, no) = if name == "min" { (one, two) } else { (two, one) };
                    return Value::int(self.choose(less, yes, no));
                }
                ("isinstance", [value, _]) => {
                    if let Some(truth) = self.is_instance(&value.clone(), self.text(given[1])) {
                        return truth;
                    }
                }
                ("ord", _) => {
                    self.may_raise(name);
                    return self.within_range(Source::Opaque(name.into()), 0, 0x10_ffff);
                }
                ("input", _) => {
                    self.may_raise(name);
                    return self.outside(Tag::Str);
                }
                _ => {}
            }
        }
        if !library::is_quiet(name) {
            return self.unknown_call(name, arguments, None);
        }
        self.may_raise(name);
        match library::builtin(name) {
            Some(Tag::None) => Value::none(),
            Some(tag) => self.some(tag, &format!("the result of {name}")),
            None => {
                let known = self.types.expr(node, self).tag();
                match known.filter(|tag| matches!(tag, Tag::Int | Tag::Float | Tag::Str)) {
                    Some(tag) => self.some(tag, &format!("the result of {name}")),
                    None => self.any(&format!("the result of {name}")),
                }
            }
        }
    }

    fn within_range(&mut self, source: Source, low: i128, high: i128) -> Value {
        self.read(
            Tag::Int,
            Read { source, range: Some((low, high)), nullable: false, length_min: 0 },
        )
    }

    /// Something that comes from outside of the program, and can be anything of its type.
    fn outside(&mut self, tag: Tag) -> Value {
        self.read(
            tag,
            Read { source: Source::External, range: None, nullable: false, length_min: 0 },
        )
    }

    fn length(&mut self, value: &Value, of: Node<'_>) -> Value {
        self.none_check(value, of, "TypeError");
        let length = |sequence| Expr::Len(Box::new(sequence));
        match value.is_sequence() {
            Expr::Bool(true) => Value::int(length(value.as_sequence())),
            Expr::Bool(false) => {
                self.may_raise("len");
                self.within_range(Source::Opaque("the length of an object".into()), 0, LENGTH_MAX)
            }
            is_sequence => {
                let result = self.variable("", slot_type(Tag::Int));
                let of = value.as_sequence();
                self.branch(
                    is_sequence,
                    |own| own.block.push(Stmt::Assign(result, length(of))),
                    |own| {
                        own.may_raise("len");
                        let read = Read {
                            range: Some((0, LENGTH_MAX)),
                            ..Read::opaque("the length of an object")
                        };
                        own.read_into(result, read);
                    },
                );
                Value::int(Expr::Var(result))
            }
        }
    }

    fn to_int(&mut self, value: &Value, of: Node<'_>) -> Value {
        self.none_check(value, of, "TypeError");
        match value {
            Value::One(tag @ (Tag::Int | Tag::Bool), value) => {
                Value::int(self.as_int((*tag, value.clone())))
            }
            Value::One(Tag::Str, value) => self.parsed(Tag::Int, value.clone()),
            Value::Any(slots) => {
                self.may_raise("int");
                let (is_int, slots) = (value.is(Tag::Int), *slots);
                let result = self.variable("", slot_type(Tag::Int));
                self.branch(
                    is_int,
                    |own| own.block.push(Stmt::Assign(result, Expr::Var(slots.int))),
                    |own| own.read_into(result, Read::opaque("a conversion to int")),
                );
                Value::int(Expr::Var(result))
            }
            Value::One(..) => {
                self.may_raise("int");
                self.some(Tag::Int, "a conversion to int")
            }
        }
    }

    fn to_float(&mut self, value: &Value) -> Value {
        match value {
            Value::One(tag @ (Tag::Int | Tag::Bool | Tag::Float), value) => {
                Value::One(Tag::Float, self.as_float((*tag, value.clone())))
            }
            Value::One(Tag::Str, value) => self.parsed(Tag::Float, value.clone()),
            _ => {
                self.may_raise("float");
                self.some(Tag::Float, "a conversion to float")
            }
        }
    }

    /// A number out of a text, which may hold none: as known as the text.
    fn parsed(&mut self, tag: Tag, text: Expr) -> Value {
        let of = self.named(text);
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: "int".to_owned(),
            site,
            arguments: Vec::new(),
            throws: vec![format!("{EXCEPTION}ValueError")],
            external: true,
            clobbers: false,
        });
        self.read(tag, Read { source: Source::Within(of), nullable: false, ..Read::opaque("") })
    }

    /// For the types that a tag tells apart; of anything else nobody knows.
    fn is_instance(&mut self, value: &Value, class: &str) -> Option<Value> {
        if !self.is_builtin(class) {
            return None;
        }
        let tags: &[Tag] = match class {
            "int" => &[Tag::Int, Tag::Bool],
            "bool" => &[Tag::Bool],
            "float" => &[Tag::Float],
            "str" => &[Tag::Str],
            "list" => &[Tag::List],
            "tuple" => &[Tag::Tuple],
            _ => return None,
        };
        let result = self.variable("", Type::Bool);
        let is =
            tags.iter().map(|tag| value.is(*tag)).fold(Expr::Bool(false), super::value::either);
        let maybe = value.is(Tag::Object);
        self.branch(
            is,
            |own| own.block.push(Stmt::Assign(result, Expr::Bool(true))),
            |own| {
                own.branch(
                    maybe,
                    |own| own.read_into(result, Read::opaque("the class of an object")),
                    |own| own.block.push(Stmt::Assign(result, Expr::Bool(false))),
                );
            },
        );
        Some(Value::bool(Expr::Var(result)))
    }

    fn method(&mut self, node: Node<'_>, function: Node<'_>, list: Option<Node<'_>>) -> Value {
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
                self.read(result, Read { source, range, nullable: false, length_min })
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
