//! `switch`, with its way of falling through.

use tree_sitter::Node;

use super::{Lowering, Target, value::Value};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, IntType, Stmt, Type, Var},
    syntax::children,
};

/// Cases of one switch: each is a condition within the one before it.
const CASES_MAX: usize = 100;

impl Lowering<'_> {
    pub(super) fn switch(&mut self, node: Node<'_>, names: Vec<String>) {
        let parts = (node.child_by_field_name("value"), node.child_by_field_name("body"));
        let (Some(value), Some(body)) = parts else { return };
        let value = self.expr(value);
        let value = self.keep(value);
        let cases: Vec<Node<'_>> = children(body);
        if cases.len() > CASES_MAX {
            self.failed = Some("a switch with so many cases is not lowered".to_owned());
            return;
        }
        let entry = self.variable("", Type::Int(IntType::UNBOUNDED));
        let otherwise = cases.iter().position(|case| case.kind() == "switch_default");
        let otherwise = number(otherwise.unwrap_or(cases.len()));
        let end = self.label();
        self.within(body, |own| {
            own.enter(&value, &cases, 0, entry, &otherwise);
            own.targets.push(Target { names, end, next: None, is_named_only: false });
            let block = own.nested(|own| own.cases(&cases, entry));
            own.targets.pop();
            own.block.push(Stmt::Scope(end, block));
        });
    }

    /// Compares with one case after the other until one is the same.
    fn enter(
        &mut self,
        value: &Value,
        cases: &[Node<'_>],
        at: usize,
        entry: Var,
        otherwise: &Expr,
    ) {
        let Some(case) = cases.get(at) else {
            self.block.push(Stmt::Assign(entry, otherwise.clone()));
            return;
        };
        let Some(wanted) = case.child_by_field_name("value") else {
            return self.enter(value, cases, at + 1, entry, otherwise);
        };
        let wanted = self.expr(wanted);
        let same = self.strictly_equal(value, &wanted);
        let yes = vec![Stmt::Assign(entry, number(at))];
        let no = self.nested(|own| own.enter(value, cases, at + 1, entry, otherwise));
        self.block.push(Stmt::If(same, yes, no));
    }

    /// From the case that was entered on, all of them.
    fn cases(&mut self, cases: &[Node<'_>], entry: Var) {
        for (at, case) in cases.iter().enumerate() {
            let body = self.nested(|own| {
                let value = case.child_by_field_name("value");
                for statement in children(*case) {
                    if Some(statement) != value {
                        own.statement(statement);
                    }
                }
            });
            let entered = Expr::cmp(Cmp::Le, Expr::Var(entry), number(at));
            self.block.push(Stmt::If(entered, body, Vec::new()));
        }
    }
}

fn number(at: usize) -> Expr {
    Expr::Int(i128::try_from(at).unwrap_or(i128::MAX))
}
