//! Macros that are not written out, and what those that are stand for.

use tree_sitter::Node;

use super::{Lowering, each, types::Ty, value::Value};
use crate::ir::{CheckKind, Expr, Stmt};

/// Macros that only read what they are given.
const QUIET: &[&str] = &[
    "println",
    "eprintln",
    "print",
    "eprint",
    "format",
    "format_args",
    "write",
    "writeln",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "cfg",
    "concat",
    "stringify",
    "line",
    "column",
    "file",
    "include_str",
    "env",
    "compile_error",
];

/// What decides the type of its operands.
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^"];

impl<'a> Lowering<'a> {
    /// A macro that is not written out: it may do anything with what it mentions, and leave.
    pub(super) fn foreign_macro(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let path = node.child_by_field_name("macro").map_or("", |it| self.text(it));
        let name = path.rsplit("::").next().unwrap_or(path);
        let (mut depth, mut computes) = (0, false);
        each(node, &mut |inner| {
            depth += u32::from(inner.kind() == "token_tree");
            computes |= OPERATORS.contains(&inner.kind());
            true
        });
        let nested = depth > 1;
        let quiet = QUIET.contains(&name) && !self.foreign.contains(name);
        if !quiet || nested {
            self.forget_mentioned(node, "what a macro does");
        }
        if !quiet || nested || computes {
            self.escape_mentioned(node);
        }
        if quiet {
            return match name {
                "format" | "concat" | "stringify" | "include_str" | "env" => {
                    let owned = name == "format";
                    self.opaque(&Ty::Text { owned }, "a text that is formatted")
                }
                "cfg" => self.opaque(&Ty::Bool, "how the code is compiled"),
                "line" | "column" => Value::unknown(),
                "write" | "writeln" => {
                    self.opaque(&Ty::result(Ty::UNIT, Ty::Unknown), "whether writing works")
                }
                _ => Value::unit(),
            };
        }
        let reason = format!("the macro {name}");
        let given = self.mentioned(node);
        self.foreign_call(name, given);
        self.may_leave(&reason);
        self.unknown_or(hint, &reason)
    }

    /// Code that is not seen may return, or leave the loop.
    pub(super) fn may_leave(&mut self, reason: &str) {
        let returns = self.opaque(&Ty::Bool, reason).leaf();
        let left = self.nested(|own| {
            let ty = own.signature.returns.clone();
            let value = own.opaque(&ty, reason);
            own.give_back(value);
        });
        self.block.push(Stmt::If(returns, left, Vec::new()));
        let loops: Vec<(u32, u32)> =
            self.leaves.iter().filter(|own| own.is_loop).map(|own| (own.end, own.next)).collect();
        if let Some((end, next)) = loops.last() {
            for label in [*end, *next] {
                let leaves = self.opaque(&Ty::Bool, reason).leaf();
                self.block.push(Stmt::If(leaves, vec![Stmt::Break(label)], Vec::new()));
            }
        }
    }

    /// `assert!` and its like, and what always panics.
    pub(super) fn assertion(&mut self, name: &str, given: &[Node<'a>], at: u32) -> Option<Value> {
        use super::expand::{ASSERT, ASSERT_EQ, ASSERT_NE, PANIC, UNREACHABLE};
        match (name, given) {
            (ASSERT, [condition]) => {
                let value = self.expr(*condition, Some(&Ty::Bool));
                let value = self.coerced(value, &Ty::Bool).leaf();
                self.check(CheckKind::Assertion, at, value.not());
                Some(Value::unit())
            }
            (ASSERT_EQ | ASSERT_NE, [one, two]) => {
                let equal = self.compared(*one, *two);
                let violation = if name == ASSERT_EQ { equal.not() } else { equal };
                self.check(CheckKind::Assertion, at, violation);
                Some(Value::unit())
            }
            (PANIC | UNREACHABLE, []) => {
                // A function that does nothing but panic is meant to.
                if self.branches > 0 {
                    self.check(CheckKind::Assertion, at, Expr::Bool(true));
                }
                self.block.push(Stmt::Throw(super::PANIC.to_owned()));
                Some(Value::never())
            }
            _ => None,
        }
    }
}
