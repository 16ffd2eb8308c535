//! Loops of Python.

use tree_sitter::Node;

use super::{Lowering, children, each, library, value::Value};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Direction, Expr, IntOp, Loop, Stmt, Tag, Type, Var},
};

/// How a loop goes on.
struct Course {
    before: Vec<Stmt>,
    condition: Expr,
    step: Vec<Stmt>,
    counter: Option<(Var, Direction)>,
}

impl Lowering<'_> {
    pub(super) fn while_loop(&mut self, node: Node<'_>) {
        let Some(condition) = node.child_by_field_name("condition") else { return };
        let mut asked = Expr::Bool(true);
        let before = self.nested(|own| {
            let value = own.expr(condition);
            asked = own.truth_of(&value);
        });
        let course = Course { before, condition: asked, step: Vec::new(), counter: None };
        self.push_loop(node, course, |_| {});
    }

    /// The loop with its body, which begins with what `first` lowers, and its `else`.
    fn push_loop(&mut self, node: Node<'_>, course: Course, first: impl FnOnce(&mut Self)) {
        let (site, end, next) = (self.site(), self.label(), self.label());
        self.breaks.push(end);
        self.continues.push(next);
        let body = self.nested(|own| {
            first(own);
            if let Some(body) = node.child_by_field_name("body") {
                own.statements(body);
            }
        });
        self.continues.pop();
        self.breaks.pop();
        let Course { before, condition, step, counter } = course;
        let body = vec![Stmt::Scope(next, body)];
        let own = Stmt::Loop(Loop { site, before, condition, body, step, counter });
        let mut all = vec![own];
        let otherwise = node.child_by_field_name("alternative");
        all.extend(self.body(otherwise.and_then(|it| it.child_by_field_name("body"))));
        self.block.push(Stmt::Scope(end, all));
    }

    pub(super) fn for_loop(&mut self, node: Node<'_>) {
        if self.text(node).starts_with("async") {
            self.failed = Some("it is asynchronous".to_owned());
            return;
        }
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return;
        };
        if right.kind() == "call"
            && let Some(function) = right.child_by_field_name("function")
            && self.is_builtin(self.text(function))
        {
            let given = right.child_by_field_name("arguments").map(children).unwrap_or_default();
            match (self.text(function), given.as_slice()) {
                ("range", given)
                    if (1..=3).contains(&given.len()) && self.range_loop(node, left, given) =>
                {
                    return;
                }
                ("enumerate", [sequence]) if left.kind() == "pattern_list" => {
                    if let [index, element] = children(left).as_slice() {
                        self.each_loop(node, Some(*index), *element, *sequence);
                        return;
                    }
                }
                _ => {}
            }
        }
        self.each_loop(node, None, left, right);
    }

    /// `for i in range(…)`, whose bounds are computed once.
    fn range_loop(&mut self, node: Node<'_>, target: Node<'_>, given: &[Node<'_>]) -> bool {
        let known =
            |own: &Self, node: &Node<'_>| own.types.expr(*node, own).tag() == Some(Tag::Int);
        if !given.iter().all(|bound| known(self, bound)) {
            return false;
        }
        let by = match given.get(2) {
            None => 1,
            Some(step) => match super::expr::literal(*step, self.source) {
                Some((Tag::Int, Expr::Int(step))) if step != 0 => step,
                _ => return false,
            },
        };
        let bounds: Vec<Expr> = given
            .iter()
            .take(2)
            .map(|bound| {
                let value = self.expr(*bound);
                self.keep(value).as_type(Tag::Int)
            })
            .collect();
        let (start, stop) = match bounds.as_slice() {
            [stop] => (Expr::Int(0), stop.clone()),
            [start, stop] => (start.clone(), stop.clone()),
            _ => return false,
        };
        let counter = self.variable("", super::value::slot_type(Tag::Int));
        self.block.push(Stmt::Assign(counter, start));
        let now = Expr::Var(counter);
        let condition = match by > 0 {
            true => Expr::cmp(Cmp::Lt, now.clone(), stop),
            false => Expr::cmp(Cmp::Lt, stop, now.clone()),
        };
        let next = Expr::int2(IntOp::Add, now.clone(), Expr::Int(by));
        let direction = if by > 0 { Direction::Up } else { Direction::Down };
        let course = Course {
            before: Vec::new(),
            condition,
            step: vec![Stmt::Assign(counter, next)],
            counter: Some((counter, direction)),
        };
        // The target is the loop's own until the body sets it to something else.
        self.push_loop(node, course, |own| own.store(target, &Value::int(now)));
        true
    }

    /// `for element in sequence`, with its place for `enumerate`.
    fn each_loop(
        &mut self,
        node: Node<'_>,
        place: Option<Node<'_>>,
        target: Node<'_>,
        right: Node<'_>,
    ) {
        let value = self.expr(right);
        if value.tag().is_some() || self.locals.contains_key(self.text(right)) {
            let none = value.is(Tag::None);
            self.check(CheckKind::NullDereference, super::line(right), none, "TypeError");
        }
        if !value.tag().is_some_and(Tag::is_sequence) {
            self.unknown_code("an iteration", Vec::new());
        }
        let value = self.keep(value);
        let counter = self.variable("", super::value::slot_type(Tag::Int));
        self.block.push(Stmt::Assign(counter, Expr::Int(0)));
        let now = Expr::Var(counter);
        let steady = match value.tag() {
            Some(Tag::Str | Tag::Tuple) => true,
            Some(Tag::List) => {
                // What has no name nobody else can change.
                right.kind() == "list"
                    || !self.types.display(self.text(right)).is_empty()
                    || node.child_by_field_name("body").is_some_and(|body| self.is_steady(body))
            }
            _ => false,
        };
        let mut before = Vec::new();
        let condition = if steady {
            Expr::cmp(Cmp::Lt, now.clone(), Expr::Len(Box::new(value.as_sequence())))
        } else {
            let more = self.variable("", Type::Bool);
            before = self.nested(|own| {
                if value.tag() != Some(Tag::List) {
                    own.unknown_code("an iteration", Vec::new());
                }
                own.ask_again(more, "whether there is another element");
            });
            Expr::Var(more)
        };
        let next = Expr::int2(IntOp::Add, now.clone(), Expr::Int(1));
        let course = Course {
            before,
            condition,
            step: vec![Stmt::Assign(counter, next)],
            counter: Some((counter, Direction::Up)),
        };
        self.push_loop(node, course, |own| {
            if let Some(place) = place {
                own.store(place, &Value::int(now.clone()));
            }
            let element = own.element(&value, right, Some(now));
            own.store(target, &element);
        });
    }

    /// Whether nothing in the body can make a list longer or shorter.
    fn is_steady(&self, body: Node<'_>) -> bool {
        let mut steady = true;
        each(body, &mut |node| {
            steady &= match node.kind() {
                "call" => node.child_by_field_name("function").is_some_and(|function| {
                    let name = self.text(function);
                    self.is_builtin(name) && library::is_quiet(name)
                }),
                // Only a list is changed in its place.
                "augmented_assignment" => node.child_by_field_name("left").is_some_and(|left| {
                    let tag = self.types.of_name(self.text(left));
                    tag.is_some_and(|tag| tag != Tag::List)
                }),
                kind => !matches!(kind, "delete_statement" | "slice" | "with_statement"),
            };
            true
        });
        steady
    }
}
