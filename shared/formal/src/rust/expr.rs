//! Expressions of Rust.

use tree_sitter::Node;

use super::{
    DEPTH_MAX, Lowering, children,
    literal::{self, Folded},
    types::{Kind, Ty, int_type},
    value::Value,
};
use crate::ir::{Expr, IntType};

impl<'a> Lowering<'a> {
    /// Lowers an expression; `hint` is the type that the context wants, for what has none.
    pub(super) fn expr(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        self.depth += 1;
        let value = match self.depth > DEPTH_MAX {
            true => {
                self.failed = Some("it is nested too deeply".to_owned());
                Value::unknown()
            }
            false => self.expr_inner(node, hint),
        };
        self.depth -= 1;
        value
    }

    fn expr_inner(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let first = || node.named_child(0);
        match node.kind() {
            "parenthesized_expression" => match children(node).into_iter().next() {
                Some(inner) => self.expr(inner, hint),
                None => Value::unit(),
            },
            "integer_literal" | "float_literal" | "char_literal" | "boolean_literal"
            | "string_literal" | "raw_string_literal" => self.literal(node, hint),
            "unit_expression" => Value::unit(),
            "identifier" | "self" => self.name(node),
            "scoped_identifier" => self.path(node, hint),
            "field_expression" => self.field_access(node),
            "index_expression" => self.index(node),
            "binary_expression" => self.binary(node, hint),
            "unary_expression" => self.unary(node, hint),
            "assignment_expression" => self.assignment(node),
            "compound_assignment_expr" => self.compound(node),
            "type_cast_expression" => self.cast(node),
            "reference_expression" => self.reference(node, hint),
            "tuple_expression" => self.tuple(node, hint),
            "array_expression" => self.array(node, hint),
            "struct_expression" => self.structure(node),
            "call_expression" => self.call(node, hint),
            "try_expression" => self.question(node, hint),
            "block" => self.block_value(node, hint),
            "if_expression" => self.if_value(node, hint),
            "match_expression" => self.match_value(node, hint),
            "while_expression" => self.while_loop(node),
            "loop_expression" => self.endless(node),
            "for_expression" => self.for_loop(node),
            "return_expression" => self.return_value(node),
            "break_expression" => self.leave(node, false),
            "continue_expression" => self.leave(node, true),
            "macro_invocation" => self.foreign_macro(node, hint),
            "unsafe_block" => {
                self.failed = Some("unsafe code is not lowered".to_owned());
                Value::unknown()
            }
            "await_expression" => {
                if let Some(inner) = first() {
                    self.expr(inner, None);
                }
                self.unknown_or(hint, "what is awaited")
            }
            other => {
                let reason = format!("{} in Rust", other.replace('_', " "));
                self.forget_mentioned(node, &reason);
                self.unknown_or(hint, &reason)
            }
        }
    }

    /// Anything of the type that is wanted, if one is.
    pub(super) fn unknown_or(&mut self, hint: Option<&Ty>, reason: &str) -> Value {
        match hint {
            Some(hint) if *hint != Ty::Never => self.opaque(hint, reason),
            Some(_) | None => Value::unknown(),
        }
    }

    fn literal(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let text = self.text(node);
        let hint = hint.map(Ty::bare);
        match node.kind() {
            "boolean_literal" => Value::bool(Expr::Bool(text == "true")),
            "char_literal" => match literal::character(text) {
                Some(code) if text.starts_with('b') => {
                    Value::int(Expr::Int(code), IntType::unsigned(8))
                }
                Some(code) => Value { ty: Ty::Char, leaves: vec![Expr::Int(code)] },
                None => self.opaque(&Ty::Char, "a character"),
            },
            "float_literal" => self.float(text, hint),
            "integer_literal" => match literal::integer(text) {
                Some((value, Some(ty))) => Value::int(Expr::Int(value), ty),
                Some((value, None)) => match hint {
                    Some(Ty::Int(ty)) => Value::int(Expr::Int(value), *ty),
                    Some(Ty::Float { .. }) => self.float(text, hint),
                    _ => {
                        let ty = self.infer.literal(node.start_byte());
                        let leaves =
                            if ty == Ty::Unknown { vec![] } else { vec![Expr::Int(value)] };
                        Value { ty, leaves }
                    }
                },
                None if text.ends_with("f32") || text.ends_with("f64") => self.float(text, hint),
                None => Value::unknown(),
            },
            _ => {
                let length = literal::length(node, self.source);
                if text.starts_with('b') {
                    let element = Box::new(Ty::Int(IntType::unsigned(8)));
                    let Some(length) = length else { return Value::unknown() };
                    return Value {
                        ty: Ty::Sequence(element, Kind::Array(length)),
                        leaves: vec![],
                    };
                }
                let ty = Ty::Text { owned: false };
                match length {
                    Some(length) => {
                        let leaves = vec![Expr::New(Some(Box::new(Expr::Int(length))))];
                        Value { ty, leaves }
                    }
                    None => self.opaque(&ty, "the length of a text with escapes"),
                }
            }
        }
    }

    fn float(&mut self, text: &str, hint: Option<&Ty>) -> Value {
        let Some((value, own)) = literal::float(text) else { return Value::unknown() };
        let hinted = if let Some(Ty::Float { single }) = hint { Some(*single) } else { None };
        let Some(single) = own.or(hinted) else { return Value::unknown() };
        let value = if single { crate::exec::single(value) } else { value };
        Value { ty: Ty::Float { single }, leaves: vec![Expr::Float(value)] }
    }

    fn name(&mut self, node: Node<'a>) -> Value {
        let name = self.text(node);
        if self.local(name).is_some() {
            return self.whole_place(node);
        }
        if self.foreign.contains(name) {
            return Value::unknown();
        }
        match self.items.constant(&self.body.module, name, 0) {
            Some((value, ty)) => folded(value, ty),
            None if name == "None" => Value::none(),
            None => Value::unknown(),
        }
    }

    fn path(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let own = self.body.own.as_deref();
        let at = (self.body.module.as_str(), own);
        let shadows = |name: &str| self.body.generics.contains(name) || self.foreign.contains(name);
        let path = node.child_by_field_name("path").map_or("", |it| self.text(it));
        if !shadows(path)
            && let Some((value, ty)) = literal::fold(node, self.items, at, None, 0)
        {
            return folded(value, ty);
        }
        let name = node.child_by_field_name("name").map_or("", |it| self.text(it));
        if path == "Option" && name == "None" {
            return Value::none();
        }
        if let Some((ty, index)) = self.variant(path, name) {
            return self.made(&ty, index, Vec::new());
        }
        if int_type(path).is_some() {
            return Value::unknown();
        }
        self.unknown_or(hint, "a constant of other code")
    }
}

pub(super) fn folded(value: Folded, ty: Ty) -> Value {
    let leaf = match value {
        Folded::Int(value) => Expr::Int(value),
        Folded::Bool(value) => Expr::Bool(value),
    };
    if ty == Ty::Unknown { Value::unknown() } else { Value { ty, leaves: vec![leaf] } }
}
