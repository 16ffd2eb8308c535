//! The type of what an expression gives.

use tree_sitter::Node;

use super::{Known, Types};
use crate::{
    ir::Tag,
    python::{Lowering, library},
    syntax::children,
};

impl Types {
    /// The type of whatever an expression gives, if it gives anything.
    pub(in crate::python) fn expr(&self, node: Node<'_>, lowering: &Lowering<'_>) -> Known {
        let part = |field: &str| node.child_by_field_name(field);
        match node.kind() {
            "integer" => integer(lowering.text(node)),
            "float" if !lowering.text(node).ends_with(['j', 'J']) => Known::One(Tag::Float),
            "string" | "concatenated_string" if !is_bytes(lowering.text(node)) => {
                Known::One(Tag::Str)
            }
            "true" | "false" | "not_operator" => Known::One(Tag::Bool),
            "none" => Known::One(Tag::None),
            "list" | "list_comprehension" => Known::One(Tag::List),
            "tuple" | "expression_list" => Known::One(Tag::Tuple),
            "parenthesized_expression" => {
                node.named_child(0).map_or(Known::Any, |inner| self.expr(inner, lowering))
            }
            "unary_operator" => match part("argument").map(|it| self.expr(it, lowering)) {
                Some(known @ (Known::One(Tag::Int | Tag::Float) | Known::Nothing)) => known,
                Some(Known::One(Tag::Bool)) => Known::One(Tag::Int),
                _ => Known::Any,
            },
            "binary_operator" => match (part("left"), part("operator"), part("right")) {
                (Some(left), Some(operator), Some(right)) => binary(
                    lowering.text(operator),
                    self.expr(left, lowering),
                    self.expr(right, lowering),
                ),
                _ => Known::Any,
            },
            "boolean_operator" => match (part("left"), part("right")) {
                (Some(left), Some(right)) => {
                    self.expr(left, lowering).join(self.expr(right, lowering))
                }
                _ => Known::Any,
            },
            "conditional_expression" => match children(node).as_slice() {
                [yes, _, no] => self.expr(*yes, lowering).join(self.expr(*no, lowering)),
                _ => Known::Any,
            },
            "comparison_operator" => self.comparison(node, lowering),
            "named_expression" => {
                part("value").map_or(Known::Any, |value| self.expr(value, lowering))
            }
            "identifier" => self.name(lowering.text(node), lowering),
            "subscript" => self.subscript(node, lowering),
            "call" => self.call(node, lowering),
            _ => Known::Any,
        }
    }

    fn name(&self, name: &str, lowering: &Lowering<'_>) -> Known {
        match self.names.get(name) {
            Some(known) => *known,
            None if lowering.scope.locals.contains(name) => Known::Nothing,
            None => match lowering.module.constants.get(name) {
                Some(constant) if !lowering.scope.foreign.contains(name) => {
                    Known::One(constant.tag)
                }
                _ => Known::Any,
            },
        }
    }

    /// Only values of Python's own types are sure to compare to a boolean.
    fn comparison(&self, node: Node<'_>, lowering: &Lowering<'_>) -> Known {
        let known = children(node).into_iter().all(|operand| {
            let known = self.expr(operand, lowering);
            known == Known::Nothing || known.tag().is_some_and(|tag| tag != Tag::Object)
        });
        let mut cursor = node.walk();
        let asks = node
            .children_by_field_name("operators", &mut cursor)
            .all(|operator| matches!(operator.kind(), "is" | "is not" | "in" | "not in"));
        if known || asks { Known::One(Tag::Bool) } else { Known::Any }
    }

    fn subscript(&self, node: Node<'_>, lowering: &Lowering<'_>) -> Known {
        let Some(value) = node.child_by_field_name("value") else { return Known::Any };
        let sliced = node.child_by_field_name("subscript").is_some_and(|it| it.kind() == "slice");
        match self.expr(value, lowering) {
            Known::One(tag) if sliced && tag.is_sequence() => Known::One(tag),
            Known::One(Tag::Str) => Known::One(Tag::Str),
            Known::Nothing => Known::Nothing,
            _ if sliced => Known::Any,
            Known::One(_) | Known::Any => {
                self.element(lowering.text(value)).map_or(Known::Any, Known::One)
            }
        }
    }

    fn call(&self, node: Node<'_>, lowering: &Lowering<'_>) -> Known {
        let Some(function) = node.child_by_field_name("function") else { return Known::Any };
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        if function.kind() == "identifier" {
            let name = lowering.text(function);
            if !lowering.is_builtin(name) {
                return Known::Any;
            }
            let first = given.first().map_or(Known::Any, |first| self.expr(*first, lowering));
            return match (name, first) {
                ("abs", Known::One(Tag::Int | Tag::Bool)) => Known::One(Tag::Int),
                ("abs", known @ (Known::One(Tag::Float) | Known::Nothing)) => known,
                ("min" | "max", known) if given.len() > 1 => given
                    .iter()
                    .fold(known, |all, argument| all.join(self.expr(*argument, lowering))),
                (name, _) => library::builtin(name).map_or(Known::Any, Known::One),
            };
        }
        if function.kind() != "attribute" {
            return Known::Any;
        }
        let (Some(object), Some(name)) =
            (function.child_by_field_name("object"), function.child_by_field_name("attribute"))
        else {
            return Known::Any;
        };
        let name = lowering.text(name);
        if let Some(module) = lowering.imported(object) {
            return library::of_module(module, name).map_or(Known::Any, Known::One);
        }
        match self.expr(object, lowering) {
            Known::One(tag) => library::method(tag, name).map_or(Known::Any, Known::One),
            Known::Nothing | Known::Any => Known::Any,
        }
    }
}

fn integer(literal: &str) -> Known {
    if literal.ends_with(['j', 'J']) { Known::Any } else { Known::One(Tag::Int) }
}

pub(in crate::python) fn is_bytes(literal: &str) -> bool {
    let prefix = literal.split(['"', '\'']).next().unwrap_or_default();
    prefix.contains(['b', 'B', 't', 'T'])
}

pub(super) fn binary(operator: &str, one: Known, two: Known) -> Known {
    use Tag::{Bool, Float, Int, List, Str, Tuple};
    let (Known::One(one), Known::One(two)) = (one, two) else {
        let nothing = one == Known::Nothing || two == Known::Nothing;
        return if nothing { Known::Nothing } else { Known::Any };
    };
    let tag = match (operator, one, two) {
        ("+" | "-" | "*" | "//" | "%" | "<<" | ">>", Int | Bool, Int | Bool) => Int,
        ("&" | "|" | "^", Int, Int | Bool) | ("&" | "|" | "^", Bool, Int) => Int,
        ("/", Int | Bool | Float, Int | Bool | Float) => Float,
        ("+" | "-" | "*" | "//" | "%", Float, Int | Bool | Float)
        | ("+" | "-" | "*" | "//" | "%", Int | Bool, Float) => Float,
        ("+", Str, Str) | ("%", Str, _) | ("*", Str, Int | Bool) | ("*", Int | Bool, Str) => Str,
        ("+", List, List) | ("*", List, Int | Bool) | ("*", Int | Bool, List) => List,
        ("+", Tuple, Tuple) | ("*", Tuple, Int | Bool) | ("*", Int | Bool, Tuple) => Tuple,
        _ => return Known::Any,
    };
    Known::One(tag)
}
