//! Loops of JavaScript.

use tree_sitter::Node;

use super::{
    Lowering, Target, tokens,
    value::{LENGTH_MAX, Value},
};
use crate::{
    emit::Emit,
    ir::{Cmp, Direction, Expr, IntOp, Kind, Kinds, Loop, Read, Stmt, Type, Var},
    syntax::{children, each},
};

/// How a loop goes on.
struct Course {
    before: Vec<Stmt>,
    condition: Expr,
    step: Vec<Stmt>,
    counter: Option<(Var, Direction)>,
}

impl Lowering<'_> {
    pub(super) fn while_loop(&mut self, node: Node<'_>, names: Vec<String>) {
        let course = self.course(node.child_by_field_name("condition"));
        self.push_loop(node, names, course, |_| {});
    }

    /// The condition is computed before each pass.
    fn course(&mut self, condition: Option<Node<'_>>) -> Course {
        let mut asked = Expr::Bool(true);
        let before = self.nested(|own| {
            if let Some(condition) = condition {
                let value = own.expr(condition);
                asked = own.truth_of(&value);
            }
        });
        Course { before, condition: asked, step: Vec::new(), counter: None }
    }

    /// The loop with its body, which begins with what `first` lowers.
    fn push_loop(
        &mut self,
        node: Node<'_>,
        names: Vec<String>,
        course: Course,
        first: impl FnOnce(&mut Self),
    ) {
        let (site, end, next) = (self.site(), self.label(), self.label());
        self.targets.push(Target { names, end, next: Some(next), is_named_only: false });
        let body = self.nested(|own| {
            first(own);
            if let Some(body) = node.child_by_field_name("body") {
                own.statement(body);
            }
        });
        self.targets.pop();
        let Course { before, condition, step, counter } = course;
        let body = vec![Stmt::Scope(next, body)];
        let own = Stmt::Loop(Loop { site, before, condition, body, step, counter });
        self.block.push(Stmt::Scope(end, vec![own]));
    }

    pub(super) fn do_loop(&mut self, node: Node<'_>, names: Vec<String>) {
        let (site, end, next) = (self.site(), self.label(), self.label());
        self.targets.push(Target { names, end, next: Some(next), is_named_only: false });
        let inner = self.body(node.child_by_field_name("body"));
        self.targets.pop();
        let mut body = vec![Stmt::Scope(next, inner)];
        body.extend(self.nested(|own| {
            if let Some(condition) = node.child_by_field_name("condition") {
                let value = own.expr(condition);
                let again = own.truth_of(&value);
                own.block.push(Stmt::If(again, Vec::new(), vec![Stmt::Break(end)]));
            }
        }));
        let own = Loop {
            site,
            before: Vec::new(),
            condition: Expr::Bool(true),
            body,
            step: Vec::new(),
            counter: None,
        };
        self.block.push(Stmt::Scope(end, vec![Stmt::Loop(own)]));
    }

    pub(super) fn for_loop(&mut self, node: Node<'_>, names: Vec<String>) {
        self.within(node, |own| {
            match node.child_by_field_name("initializer") {
                Some(first) if first.kind().ends_with("_declaration") => own.statement(first),
                Some(first) if first.kind() != "empty_statement" => {
                    own.expr(first);
                }
                _ => {}
            }
            let condition = node.child_by_field_name("condition");
            let asked = condition
                .filter(|it| it.is_named() && it.kind() != "empty_statement")
                .and_then(|it| match it.kind() {
                    "expression_statement" => it.named_child(0),
                    _ => Some(it),
                });
            let mut course = own.course(asked);
            let step = node.child_by_field_name("increment");
            course.step = own.nested(|own| {
                if let Some(step) = step {
                    own.expr(step);
                }
            });
            course.counter = step.and_then(|step| own.counter(step, node));
            own.push_loop(node, names, course, |_| {});
        });
    }

    /// A local integer that nothing but the loop's step changes.
    fn counter(&self, step: Node<'_>, whole: Node<'_>) -> Option<(Var, Direction)> {
        let (target, direction) = match step.kind() {
            "update_expression" => {
                let up = self.text(step).contains("++");
                let direction = if up { Direction::Up } else { Direction::Down };
                (step.child_by_field_name("argument")?, direction)
            }
            "augmented_assignment_expression" => {
                let by = step.child_by_field_name("right").filter(|by| by.kind() == "number")?;
                let operator = by.prev_sibling().map(|operator| self.text(operator));
                let direction = match operator {
                    Some("+=") => Direction::Up,
                    Some("-=") => Direction::Down,
                    _ => return None,
                };
                (step.child_by_field_name("left")?, direction)
            }
            _ => return None,
        };
        let name = self.text(target);
        let local = self.local(name).filter(|local| !local.is_shared)?;
        let mut elsewhere = false;
        let parts = [whole.child_by_field_name("body"), whole.child_by_field_name("condition")];
        for part in parts.into_iter().flatten() {
            each(part, &mut |node| {
                let target = match node.kind() {
                    "update_expression" => node.child_by_field_name("argument"),
                    "assignment_expression"
                    | "augmented_assignment_expression"
                    | "for_in_statement" => node.child_by_field_name("left"),
                    _ => None,
                };
                if let Some(target) = target {
                    each(target, &mut |inner| elsewhere |= self.text(inner) == name);
                }
            });
        }
        let is_int = local.kinds == Kinds::of(Kind::Int) && !elsewhere;
        is_int.then_some((local.slots.int, direction))
    }

    /// `for (element of values)` and `for (key in object)`.
    pub(super) fn each_loop(&mut self, node: Node<'_>, names: Vec<String>) {
        let parts = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        let (Some(left), Some(right)) = parts else { return };
        let is_of = node.child_by_field_name("operator").is_some_and(|it| self.text(it) == "of");
        if tokens(node).iter().any(|child| child.kind() == "await") {
            self.failed = Some("a loop that awaits is not lowered".to_owned());
            return;
        }
        let values = self.expr(right);
        if is_of {
            self.null_check(&values, right, "TypeError");
        }
        let values = self.keep(values);
        let steady = is_of
            && values.is_only(Kind::Array)
            && node.child_by_field_name("body").is_some_and(is_steady);
        if !steady && !values.is_only(Kind::Array) {
            self.unknown_code("an iteration", Vec::new());
        }
        let counter = self.variable("", Type::Int(crate::ir::IntType::UNBOUNDED));
        self.block.push(Stmt::Assign(counter, Expr::Int(0)));
        let now = Expr::Var(counter);
        let mut before = Vec::new();
        let condition = if steady {
            Expr::cmp(Cmp::Lt, now.clone(), values.length())
        } else {
            let more = self.variable("", Type::Bool);
            before = self.nested(|own| {
                if !values.is_only(Kind::Array) {
                    own.unknown_code("an iteration", Vec::new());
                }
                own.read_into(more, Read::opaque("whether there is another element"));
            });
            Expr::Var(more)
        };
        let step = vec![Stmt::Assign(counter, Expr::int2(IntOp::Add, now, Expr::Int(1)))];
        let counter = Some((counter, Direction::Up));
        let course = Course { before, condition, step, counter };
        self.within(node, |own| {
            own.push_loop(node, names, course, |own| {
                let element = match is_of {
                    true => own.element(&values, right),
                    false => own.some(Kinds::of(Kind::Str), "a name of a property"),
                };
                own.store(left, &element);
            });
        });
    }

    /// Whether a name is a local whose arrays are forgotten when they may have changed.
    pub(super) fn is_plain_local(&self, node: Node<'_>) -> bool {
        node.kind() == "identifier"
            && self.local(self.text(node)).is_some_and(|local| !local.is_shared)
    }

    /// What an array holds, as far as its declaration or its only writer says.
    pub(super) fn element(&mut self, values: &Value, of: Node<'_>) -> Value {
        if values.is_only(Kind::Str) {
            let content = self.some(Kinds::of(Kind::BigInt), "a part of a string").as_int();
            return Value::string(content, Expr::Int(1));
        }
        let known = self.local(self.text(of)).filter(|_| of.kind() == "identifier");
        let known = known.filter(|local| !local.is_shared).and_then(|local| local.element);
        match known {
            Some(kinds) if values.is_only(Kind::Array) => {
                let source = self.named(values.as_sequence());
                // Two reads of an element are two values: only its kind is believed.
                match kinds.single() {
                    Some(_) => {
                        let source = crate::ir::Source::Within(source);
                        self.read(kinds, &source, None)
                    }
                    None => self.some(kinds, "an element of an array"),
                }
            }
            _ => self.any("an element of an array"),
        }
    }

    /// What the elements of a local are that is only ever an array that is written out here, read
    /// by index, measured, or gone through: then nobody puts anything else into it.
    pub(super) fn displayed(&mut self, name: Node<'_>, value: Node<'_>) -> Option<Kinds> {
        let mut root = name;
        while let Some(parent) = root.parent() {
            root = parent;
            if super::scope::is_function(parent.kind()) {
                break;
            }
        }
        let text = self.text(name);
        let mut sound = true;
        each(root, &mut |node| {
            if node.kind() != "identifier" || self.text(node) != text || node == name {
                return;
            }
            let Some(parent) = node.parent() else { return };
            let is = |field: &str| parent.child_by_field_name(field) == Some(node);
            let outer = parent.parent();
            let written = outer.is_some_and(|outer| {
                outer.child_by_field_name("left") == Some(parent)
                    || matches!(outer.kind(), "update_expression" | "unary_expression")
                    || outer.child_by_field_name("function") == Some(parent)
            });
            sound &= match parent.kind() {
                "subscript_expression" => is("object") && !written,
                "member_expression" => {
                    let property = parent.child_by_field_name("property");
                    is("object") && !written && property.is_some_and(|it| self.text(it) == "length")
                }
                "for_in_statement" => is("right"),
                _ => false,
            };
        });
        let parts = children(value);
        if !sound || parts.is_empty() {
            return None;
        }
        // The kinds alone are wanted: the values were computed before.
        let mut kinds = Kinds::NONE;
        self.nested(|own| {
            for part in parts {
                kinds = match part.kind() {
                    "spread_element" => Kinds::ALL,
                    _ => kinds.or(own.expr(part).kinds),
                };
            }
        });
        Some(kinds)
    }

    /// A length that nobody knows, at most as long as another.
    pub(super) fn some_length(&mut self, reason: &str, most: Option<Expr>) -> Expr {
        let var = self.variable("", Type::Int(crate::ir::IntType::UNBOUNDED));
        let read = Read { range: Some((0, LENGTH_MAX)), ..Read::opaque(reason) };
        self.read_into(var, read);
        if let Some(most) = most {
            self.assume(Expr::cmp(Cmp::Le, Expr::Var(var), most));
        }
        Expr::Var(var)
    }
}

/// Whether nothing in the body can make an array longer or shorter.
fn is_steady(body: Node<'_>) -> bool {
    let mut steady = true;
    each(body, &mut |node| {
        steady &= match node.kind() {
            "call_expression" | "new_expression" | "await_expression" | "unary_expression" => false,
            // A name is bound anew; the array that is gone through stays what it is.
            "assignment_expression" | "augmented_assignment_expression" => {
                node.child_by_field_name("left").is_some_and(|left| left.kind() == "identifier")
            }
            _ => true,
        };
    });
    steady
}
