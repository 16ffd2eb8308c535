//! Loops of Rust.

use tree_sitter::Node;

use super::{Leaves, Lowering, children, types::Ty, value::Value};
use crate::{
    emit::Emit,
    ir::{Expr, IntOp, Label, Loop, Stmt},
};

impl<'a> Lowering<'a> {
    fn label_of(&self, node: Node<'a>) -> Option<&'a str> {
        children(node).into_iter().find(|it| it.kind() == "label").map(|it| self.text(it))
    }

    /// The statements of one pass, with what `break` and `continue` leave.
    fn pass(&mut self, node: Node<'a>, end: Label, lower: impl FnOnce(&mut Self)) -> Vec<Stmt> {
        let next = self.label();
        let name = self.label_of(node);
        self.leaves.push(Leaves { name, is_loop: true, end, next, result: None });
        let inner = self.nested(|own| own.scoped(lower));
        self.leaves.pop();
        vec![Stmt::Scope(next, inner)]
    }

    fn push_loop(&mut self, end: Label, own: Loop) {
        self.block.push(Stmt::Scope(end, vec![Stmt::Loop(own)]));
    }

    pub(super) fn while_loop(&mut self, node: Node<'a>) -> Value {
        let (Some(condition), Some(body)) =
            (node.child_by_field_name("condition"), node.child_by_field_name("body"))
        else {
            return Value::unknown();
        };
        let (site, end) = (self.site(), self.label());
        if matches!(condition.kind(), "let_condition" | "let_chain") {
            let no = self.label();
            let inner = self.pass(node, end, |own| {
                let mut taken = own.nested(|own| {
                    own.held(condition, no);
                    own.block_value(body, None);
                });
                if let Some(next) = own.leaves.last().map(|own| own.next) {
                    taken.push(Stmt::Break(next));
                }
                own.block.push(Stmt::Scope(no, taken));
                own.block.push(Stmt::Break(end));
            });
            self.push_loop(
                end,
                Loop {
                    site,
                    before: Vec::new(),
                    condition: Expr::Bool(true),
                    body: inner,
                    step: Vec::new(),
                    counter: None,
                },
            );
            return Value::unit();
        }
        let (before, asked) = self.caught(|own| {
            let value = own.expr(condition, Some(&Ty::Bool));
            own.coerced(value, &Ty::Bool).leaf()
        });
        let body = self.pass(node, end, |own| {
            own.block_value(body, None);
        });
        self.push_loop(
            end,
            Loop { site, before, condition: asked, body, step: Vec::new(), counter: None },
        );
        Value::unit()
    }

    /// `loop`, which only a `break` leaves.
    pub(super) fn endless(&mut self, node: Node<'a>) -> Value {
        let Some(body) = node.child_by_field_name("body") else { return Value::unknown() };
        let (site, end) = (self.site(), self.label());
        let at = node.start_byte();
        let ty = self.infer.before.types.get(&at).cloned().unwrap_or(Ty::Never);
        let vars = self.variables("", &ty);
        let (next, name) = (self.label(), self.label_of(node));
        let result = Some((at, ty.clone(), vars.clone()));
        self.leaves.push(Leaves { name, is_loop: true, end, next, result });
        let inner = self.nested(|own| {
            own.block_value(body, None);
        });
        self.leaves.pop();
        self.push_loop(
            end,
            Loop {
                site,
                before: Vec::new(),
                condition: Expr::Bool(true),
                body: vec![Stmt::Scope(next, inner)],
                step: Vec::new(),
                counter: None,
            },
        );
        self.broken_with(at, ty, &vars)
    }

    pub(super) fn for_loop(&mut self, node: Node<'a>) -> Value {
        let (Some(pattern), Some(over), Some(body)) = (
            node.child_by_field_name("pattern"),
            node.child_by_field_name("value"),
            node.child_by_field_name("body"),
        ) else {
            return Value::unknown();
        };
        let (site, end) = (self.site(), self.label());
        let over = self.over(over);
        let mut before = Vec::new();
        let (condition, step, counter) = match &over.counter {
            Some(own) => {
                let next = Expr::int2(IntOp::Add, Expr::Var(own.var), Expr::Int(own.step));
                let step = vec![Stmt::Assign(own.var, next)];
                (own.condition.clone(), step, Some((own.var, own.direction)))
            }
            None => {
                let mut asked = Expr::Bool(false);
                before = self.nested(|own| {
                    asked = own.opaque(&Ty::Bool, "whether there is another element").leaf();
                });
                (asked, Vec::new(), None)
            }
        };
        let body = self.pass(node, end, |own| {
            let item = own.item(over.item);
            own.bind(pattern, &item);
            own.block_value(body, None);
        });
        self.push_loop(end, Loop { site, before, condition, body, step, counter });
        Value::unit()
    }
}
