//! Calls of Python's own functions.

use tree_sitter::Node;

use super::{
    EXCEPTION, Lowering,
    call::{Arguments, LENGTH_MAX},
    children, library,
    value::{Value, known, slot_type},
};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, IntOp, Read, Source, Stmt, Tag, Type},
};

impl Lowering<'_> {
    pub(super) fn builtin(&mut self, name: &str, arguments: Arguments, node: Node<'_>) -> Value {
        let simple = arguments.named.is_empty() && !arguments.unpacked;
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        if simple {
            match (name, arguments.plain.as_slice()) {
                ("len", [value]) => return self.length(&value.clone(), given[0]),
                ("int", [value]) => return self.int_of(&value.clone(), given[0]),
                ("float", [value]) => return self.float_of(&value.clone()),
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
                ("min" | "max", [Value::One(tag, of)]) if tag.is_sequence() => {
                    let length = Expr::Len(Box::new(of.clone()));
                    let raise = Stmt::Throw(format!("{EXCEPTION}ValueError"));
                    let is_empty = Expr::cmp(Cmp::Eq, length, Expr::Int(0));
                    self.block.push(Stmt::If(is_empty, vec![raise], Vec::new()));
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
        let is_plain = |value: &Value| value.tag().is_some_and(|tag| tag != Tag::Object);
        if !(simple && library::is_total(name) && arguments.plain.iter().all(is_plain)) {
            self.may_raise(name);
        }
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

    pub(super) fn within_range(&mut self, source: Source, low: i128, high: i128) -> Value {
        self.read(
            Tag::Int,
            Read { source, range: Some((low, high)), nullable: false, length_min: 0 },
        )
    }

    /// Something that comes from outside of the program, and can be anything of its type.
    pub(super) fn outside(&mut self, tag: Tag) -> Value {
        self.read(
            tag,
            Read { source: Source::External, range: None, nullable: false, length_min: 0 },
        )
    }

    fn length(&mut self, value: &Value, of: Node<'_>) -> Value {
        self.none_check(value, of, "TypeError");
        let length = |sequence| Expr::Len(Box::new(sequence));
        let is_sequence = value.is_sequence();
        match known(&is_sequence) {
            Some(true) => Value::int(length(value.as_sequence())),
            Some(false) => {
                self.may_raise("len");
                self.within_range(Source::Opaque("the length of an object".into()), 0, LENGTH_MAX)
            }
            None => {
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

    fn int_of(&mut self, value: &Value, of: Node<'_>) -> Value {
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

    fn float_of(&mut self, value: &Value) -> Value {
        match value {
            Value::One(tag @ (Tag::Int | Tag::Bool | Tag::Float), value) => {
                Value::One(Tag::Float, self.as_float((*tag, value.clone())))
            }
            Value::One(Tag::Str, value) => self.parsed(Tag::Float, value.clone()),
            Value::One(..) | Value::Any(_) => {
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
}
