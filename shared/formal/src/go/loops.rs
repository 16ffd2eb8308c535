//! Loops of Go.

use tree_sitter::Node;

use super::{
    Lowering,
    types::{INT, Ty},
    value::Typed,
};
use crate::{
    emit::Emit,
    ir::{Cmp, Direction, Expr, IntOp, Loop, Read, Stmt, Var},
    syntax::{children, each},
};

/// A counter: its variable, where it goes and how far in each pass.
type Counter = (Var, Direction, i128);

impl Lowering<'_> {
    pub(super) fn for_loop(&mut self, node: Node<'_>, name: Option<&str>) {
        let Some(body) = node.child_by_field_name("body") else { return };
        let head = children(node).into_iter().find(|child| child.id() != body.id());
        self.scoped(|own| match head {
            Some(head) if head.kind() == "for_clause" => own.clause(head, body, name),
            Some(head) if head.kind() == "range_clause" => own.range(head, body, name),
            condition => {
                let end = own.label();
                let (before, condition) = own.asked(condition);
                let body = own.looped(body, name, end);
                own.push_loop(end, before, condition, body, Vec::new(), None);
            }
        });
    }

    /// The body of a loop, with what `break` and `continue` leave.
    fn looped(&mut self, body: Node<'_>, name: Option<&str>, end: u32) -> Vec<Stmt> {
        let next = self.label();
        self.breaks.push((name.map(str::to_owned), end));
        self.continues.push((name.map(str::to_owned), next));
        let inner = self.body(body);
        self.continues.pop();
        self.breaks.pop();
        vec![Stmt::Scope(next, inner)]
    }

    /// The condition of a loop, with what it takes to compute it.
    fn asked(&mut self, condition: Option<Node<'_>>) -> (Vec<Stmt>, Expr) {
        let Some(condition) = condition else { return (Vec::new(), Expr::Bool(true)) };
        let mut value = Expr::Bool(true);
        let before = self.nested(|own| value = own.boolean(condition));
        (before, value)
    }

    fn push_loop(
        &mut self,
        end: u32,
        before: Vec<Stmt>,
        condition: Expr,
        body: Vec<Stmt>,
        step: Vec<Stmt>,
        counter: Option<Counter>,
    ) {
        let site = self.site();
        let counter = counter.map(|(var, direction, _)| (var, direction));
        let own = Loop { site, before, condition, body, step, counter };
        self.block.push(Stmt::Scope(end, vec![Stmt::Loop(own)]));
    }

    fn clause(&mut self, head: Node<'_>, body: Node<'_>, name: Option<&str>) {
        self.initializer(head);
        let end = self.label();
        let condition = head.child_by_field_name("condition");
        let update = head.child_by_field_name("update");
        let counter = self.counter(condition, update, body);
        let (before, asked) = self.asked(condition);
        let inner = self.looped(body, name, end);
        let step = self.nested(|own| match (counter, update) {
            // Within its bound the counter cannot wrap.
            (Some((var, direction, by)), _) => {
                let op = if direction == Direction::Up { IntOp::Add } else { IntOp::Sub };
                own.block.push(Stmt::Assign(var, Expr::int2(op, Expr::Var(var), Expr::Int(by))));
                let name = own.variables[var.0 as usize].name.clone();
                own.refresh(&name);
            }
            (None, Some(update)) => own.statement(update, None),
            (None, None) => {}
        });
        self.push_loop(end, before, asked, inner, step, counter);
    }

    /// `i` of `for …; i < n; i++`, if nothing else changes it and it cannot wrap.
    fn counter(
        &mut self,
        condition: Option<Node<'_>>,
        update: Option<Node<'_>>,
        body: Node<'_>,
    ) -> Option<Counter> {
        let (condition, update) = (condition?, update?);
        if condition.kind() != "binary_expression" {
            return None;
        }
        let (name, up, by) = self.stepped(update)?;
        let local = self.local(name).filter(|local| !local.shared)?;
        let Ty::Int { int, .. } = self.under(&local.ty) else { return None };
        if self.text(condition.child_by_field_name("left")?) != name {
            return None;
        }
        let bound = condition.child_by_field_name("right")?;
        let near = self.is_near(bound, int.range()?, by);
        let direction = match (condition.child_by_field_name("operator")?.kind(), up) {
            ("<", true) if by == 1 || near => Direction::Up,
            ("<=", true) if near => Direction::Up,
            (">", false) if int.signed && (by == 1 || near) => Direction::Down,
            (">=", false) if int.signed && near => Direction::Down,
            _ => return None,
        };
        let mut changed = false;
        each(body, &mut |inner| {
            let targets = match inner.kind() {
                "assignment_statement" | "range_clause" | "short_var_declaration" => {
                    inner.child_by_field_name("left").map(children)
                }
                "inc_statement" | "dec_statement" => inner.named_child(0).map(|it| vec![it]),
                _ => None,
            };
            changed |= targets.into_iter().flatten().any(|target| self.text(target) == name);
        });
        (!changed).then_some((local.var, direction, by))
    }

    /// `i++`, `i += 2` and their like: the name, whether it grows, and by how much.
    fn stepped(&self, update: Node<'_>) -> Option<(&str, bool, i128)> {
        let kind = update.kind();
        if matches!(kind, "inc_statement" | "dec_statement") {
            return Some((self.text(update.named_child(0)?), kind == "inc_statement", 1));
        }
        let operator = update.child_by_field_name("operator")?.kind();
        let up = match operator {
            "+=" => true,
            "-=" => false,
            _ => return None,
        };
        let target = update.child_by_field_name("left")?.named_child(0)?;
        let by = self.constant(update.child_by_field_name("right")?.named_child(0)?)?;
        let Expr::Int(by) = by.value else { return None };
        (1..1 << 32).contains(&by).then(|| (self.text(target), up, by))
    }

    /// Whether one more step behind the bound still fits the type: it is a constant that is not
    /// at the end, or the length of something that has to fit into memory.
    fn is_near(&self, bound: Node<'_>, (low, high): (i128, i128), by: i128) -> bool {
        if let Some(Typed { value: Expr::Int(value), .. }) = self.constant(bound) {
            return value > low + by && value < high - by;
        }
        match bound.kind() {
            "call_expression" => {
                let function = bound.child_by_field_name("function").map(|it| self.text(it));
                matches!(function, Some("len" | "cap")) && high >= i128::from(i64::MAX)
            }
            "binary_expression" => {
                let minus =
                    bound.child_by_field_name("operator").is_some_and(|it| it.kind() == "-");
                let left = bound.child_by_field_name("left");
                let right = bound.child_by_field_name("right").and_then(|it| self.constant(it));
                let small = right.is_some_and(
                    |right| matches!(right.value, Expr::Int(value) if (0..1 << 32).contains(&value)),
                );
                minus && small && left.is_some_and(|left| self.is_near(left, (low, high), by))
            }
            _ => false,
        }
    }

    fn range(&mut self, head: Node<'_>, body: Node<'_>, name: Option<&str>) {
        let Some(right) = head.child_by_field_name("right") else { return };
        let of = self.expr(right, None);
        let of = self.named(of);
        let targets = head.child_by_field_name("left").map(children).unwrap_or_default();
        let defines = self.text(head).split("range").next().is_some_and(|it| it.contains(":="));
        let count = match self.under(&of.ty).is_integer() {
            true => Some(of.value.clone()),
            false => self.length(&of),
        };
        let end = self.label();
        let index = self.variable("", &INT);
        self.block.push(Stmt::Assign(index, Expr::Int(0)));
        let (before, condition) = match &count {
            Some(count) => {
                let kept = self.temporary(Typed::new(count.clone(), INT)).value;
                (Vec::new(), Expr::cmp(Cmp::Lt, Expr::Var(index), kept))
            }
            None => {
                let mut again = Expr::Bool(true);
                let before = self.nested(|own| {
                    let read = own.part_of(&of.value, "whether there is another element");
                    again = own.read(&Ty::Bool, read);
                });
                (before, again)
            }
        };
        let mut inner = Vec::new();
        let mut open = self.nested(|own| {
            let values = own.range_values(&of, index, count.is_some(), targets.len());
            for (target, value) in targets.iter().zip(values) {
                match defines {
                    true => own.define(own.text(*target), value),
                    false => own.store(*target, value),
                }
            }
        });
        inner.append(&mut open);
        inner.extend(self.looped(body, name, end));
        let step = match count {
            Some(_) => {
                let next = Expr::int2(IntOp::Add, Expr::Var(index), Expr::Int(1));
                vec![Stmt::Assign(index, next)]
            }
            None => Vec::new(),
        };
        let counter = count.map(|_| (index, Direction::Up, 1));
        self.push_loop(end, before, condition, inner, step, counter);
    }

    /// What one pass gives to the names of its head.
    fn range_values(&mut self, of: &Typed, index: Var, counted: bool, wanted: usize) -> Vec<Typed> {
        let under = self.under(&of.ty);
        let first = if under.int().is_some() {
            Typed::new(Expr::Var(index), of.ty.clone())
        } else if counted {
            Typed::new(Expr::Var(index), INT)
        } else if let Some(element) = under.channel_element() {
            self.opaque(element, "what comes out of a channel")
        } else {
            self.opaque(&Ty::Unknown, "a key")
        };
        let mut values = vec![first];
        if wanted > 1 {
            let rune = super::types::basic("rune").filter(|_| under == Ty::Str);
            let element = under.sequence().map(|(_, element)| element).or(under.map_value());
            let element = rune.or_else(|| element.cloned()).unwrap_or(Ty::Unknown);
            let mut read = self.part_of(&of.value, "the contents of a sequence");
            if under == Ty::Str {
                // Bytes that are no text come out as a letter of their own.
                read = Read { range: Some((0, 0x10_FFFF)), ..read };
            }
            let value = self.read(&element, read);
            values.push(Typed::new(value, element));
        }
        values
    }
}
