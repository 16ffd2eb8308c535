//! Loops of Java.

use tree_sitter::Node;

use super::{
    Lowering, library, line,
    literal::number,
    types::{INT, Ty},
};
use crate::{
    emit::Emit,
    ir::{Cmp, Direction, Expr, IntOp, Loop, Read, Source, Stmt, Type, Var},
};

impl Lowering<'_> {
    /// The body of a loop, with what `break` and `continue` leave.
    pub(super) fn looped(&mut self, body: Node<'_>, name: Option<&str>, end: u32) -> Vec<Stmt> {
        let next = self.label();
        self.breaks.push((name.map(str::to_owned), end));
        self.continues.push((name.map(str::to_owned), next));
        let inner = self.body(body);
        self.continues.pop();
        self.breaks.pop();
        vec![Stmt::Scope(next, inner)]
    }

    /// The condition of a loop, with what it takes to compute it.
    pub(super) fn asked(&mut self, condition: Option<Node<'_>>) -> (Vec<Stmt>, Expr) {
        let Some(condition) = condition else { return (Vec::new(), Expr::Bool(true)) };
        let mut value = Expr::Bool(true);
        let before = self.nested(|own| {
            let lowered = own.expr(condition, Some(&Ty::Bool));
            value = own.coerced(lowered, &Ty::Bool, line(condition));
        });
        (before, value)
    }

    pub(super) fn push_loop(&mut self, end: u32, own: Loop) {
        self.block.push(Stmt::Scope(end, vec![Stmt::Loop(own)]));
    }

    pub(super) fn while_loop(&mut self, node: Node<'_>, name: Option<&str>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let (site, end) = (self.site(), self.label());
        let (before, condition) = self.asked(node.child_by_field_name("condition"));
        let body = self.looped(body, name, end);
        self.push_loop(
            end,
            Loop { site, before, condition, body, step: Vec::new(), counter: None },
        );
    }

    pub(super) fn do_loop(&mut self, node: Node<'_>, name: Option<&str>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let (site, end) = (self.site(), self.label());
        // The first pass is not asked.
        let asked = self.variable("", Type::Bool);
        self.block.push(Stmt::Assign(asked, Expr::Bool(false)));
        let (ask, again) = self.asked(node.child_by_field_name("condition"));
        let go_on = self.variable("", Type::Bool);
        let mut later = ask;
        later.push(Stmt::Assign(go_on, again));
        let first = vec![Stmt::Assign(go_on, Expr::Bool(true))];
        let before = vec![Stmt::If(Expr::Var(asked), later, first)];
        let mut body = self.looped(body, name, end);
        body.push(Stmt::Assign(asked, Expr::Bool(true)));
        let condition = Expr::Var(go_on);
        self.push_loop(
            end,
            Loop { site, before, condition, body, step: Vec::new(), counter: None },
        );
    }

    pub(super) fn for_loop(&mut self, node: Node<'_>, name: Option<&str>) {
        self.scopes.push(Default::default());
        let fields = |field: &str| {
            let mut cursor = node.walk();
            node.children_by_field_name(field, &mut cursor).collect::<Vec<_>>()
        };
        for init in fields("init") {
            match init.kind() {
                "local_variable_declaration" => self.declaration(init),
                _ => {
                    self.expr(init, None);
                }
            }
        }
        let (site, end) = (self.site(), self.label());
        let condition = node.child_by_field_name("condition");
        let counter = self.counter(condition, &fields("update"), node.child_by_field_name("body"));
        let (before, asked) = self.asked(condition);
        let body = match node.child_by_field_name("body") {
            Some(body) => self.looped(body, name, end),
            None => Vec::new(),
        };
        let step = self.nested(|own| match counter {
            // Within its bound the counter cannot overflow, so nobody has to ask.
            Some((var, direction)) => {
                let op = if direction == Direction::Up { IntOp::Add } else { IntOp::Sub };
                own.set(var, Expr::int2(op, Expr::Var(var), Expr::Int(1)));
            }
            None => {
                for update in fields("update") {
                    own.expr(update, None);
                }
            }
        });
        self.push_loop(end, Loop { site, before, condition: asked, body, step, counter });
        self.scopes.pop();
    }

    /// `i` of `for (…; i < n; i++)`, if nothing else changes it.
    pub(super) fn counter(
        &mut self,
        condition: Option<Node<'_>>,
        updates: &[Node<'_>],
        body: Option<Node<'_>>,
    ) -> Option<(Var, Direction)> {
        let ([update], Some(condition)) = (updates, condition) else { return None };
        if update.kind() != "update_expression" || condition.kind() != "binary_expression" {
            return None;
        }
        let name = self.text(update.named_child(0)?);
        let (var, ty) = self.local(name)?;
        if ty != Ty::Int(INT) || self.text(condition.child_by_field_name("left")?) != name {
            return None;
        }
        let bound = condition.child_by_field_name("right")?;
        let near = number(bound, self.source).is_some_and(
            |(value, _)| matches!(value, Expr::Int(value) if value < i128::from(i32::MAX)),
        );
        let up = self.text(*update).contains("++");
        let direction = match (self.text(condition.child_by_field_name("operator")?), up) {
            ("<", true) => Direction::Up,
            ("<=", true) if near => Direction::Up,
            (">", false) => Direction::Down,
            (">=", false) if near => Direction::Down,
            _ => return None,
        };
        let mut changed = false;
        for part in [Some(condition), body].into_iter().flatten() {
            super::each(part, &mut |inner| {
                let target = match inner.kind() {
                    "assignment_expression" => inner.child_by_field_name("left"),
                    "update_expression" => inner.named_child(0),
                    _ => None,
                };
                changed |= target.is_some_and(|target| self.text(target) == name);
            });
        }
        (!changed).then_some((var, direction))
    }

    pub(super) fn for_each(&mut self, node: Node<'_>, name: Option<&str>) {
        let (Some(declared), Some(own), Some(value), Some(body)) = (
            node.child_by_field_name("type"),
            node.child_by_field_name("name"),
            node.child_by_field_name("value"),
            node.child_by_field_name("body"),
        ) else {
            return;
        };
        self.scopes.push(Default::default());
        let element = Ty::of(declared, self.source);
        let (collection, ty) = self.expr(value, Some(&Ty::named("Object")));
        let collection = self.keep(collection, &ty);
        self.dereference(&collection, line(node));
        let (site, end) = (self.site(), self.label());
        let index = self.variable("", Type::Int(INT));
        self.set(index, Expr::Int(0));
        let is_array = matches!(ty, Ty::Ref(_, dimensions) if dimensions > 0);
        let mut condition =
            Expr::cmp(Cmp::Lt, Expr::Var(index), Expr::Len(Box::new(collection.clone())));
        let before = self.nested(|own| {
            if !is_array {
                match library::is_collection(ty.name()) {
                    true => own.may_throw("an iteration", ""),
                    false => own.runs_code("an iteration"),
                }
                let read = own.part_of(&collection, "whether there is another element");
                condition = own.read(&Ty::Bool, read);
            }
        });
        let element = if element == Ty::named("var") { ty.element() } else { element };
        let var = self.declare(self.text(own), &element);
        let read_site = self.site();
        let source = if let Expr::Var(of) = &collection {
            Source::Within(*of)
        } else {
            Source::Opaque("the contents of a collection".to_owned())
        };
        let mut inner = vec![Stmt::Read(var, read_site, Read { source, ..Read::opaque("") })];
        inner.extend(self.looped(body, name, end));
        let step =
            vec![Stmt::Assign(index, Expr::int2(IntOp::Add, Expr::Var(index), Expr::Int(1)))];
        let counter = is_array.then_some((index, Direction::Up));
        let step = if is_array { step } else { Vec::new() };
        self.push_loop(end, Loop { site, before, condition, body: inner, step, counter });
        self.scopes.pop();
    }
}
