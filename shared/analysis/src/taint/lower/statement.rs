//! Statements: the order in which things happen.

mod branches;

use domain::Language;
use tree_sitter::Node;

use super::Lowerer;
use crate::taint::{
    ir::{End, Step},
    shape::{Child, Shape},
};

impl<'tree> Lowerer<'_, 'tree> {
    pub(super) fn statement(&mut self, node: Node<'tree>) {
        if self.deeper(|own| own.executed(node)).is_none() && !self.too_long {
            // Whatever is assigned in there is unknown from here on, which it is by default.
            self.emit(Step::Unknown, node);
        }
    }

    fn executed(&mut self, node: Node<'tree>) {
        match self.shape(node) {
            Shape::Skip => {}
            Shape::Block => self.block(node),
            Shape::If => self.if_else(node),
            Shape::While | Shape::DoWhile => self.while_loop(node),
            Shape::For => self.counted_loop(node),
            Shape::ForIn => self.for_each(node),
            Shape::Try => self.try_catch(node),
            Shape::With => self.with(node),
            Shape::Switch => self.switch(node),
            Shape::Return => self.return_value(node),
            Shape::Throw => {
                self.values_of(node);
                self.dead(End::Stop);
            }
            Shape::Assert => {
                if let Some(condition) = node.named_child(0) {
                    let (yes, _) = self.branch(condition);
                    self.enter(yes);
                }
            }
            Shape::Break | Shape::Continue => self.jump(node),
            Shape::Function => self.defer(node, None),
            Shape::Decorated => self.decorated(node),
            Shape::Class => self.class(node),
            Shape::Field => self.field(node),
            Shape::Declaration => self.declaration(node),
            Shape::Import => self.import(node),
            Shape::Union if node.kind() == "export_statement" => self.block(node),
            Shape::Union
            | Shape::Inner
            | Shape::Name
            | Shape::This
            | Shape::Literal
            | Shape::Text
            | Shape::Concatenated
            | Shape::Member
            | Shape::Index
            | Shape::Call
            | Shape::New
            | Shape::Keyword
            | Shape::Pair
            | Shape::Binary
            | Shape::Compare
            | Shape::Not
            | Shape::Negative
            | Shape::Ternary
            | Shape::Assign
            | Shape::AugmentedAssign
            | Shape::Closure
            | Shape::Attribute
            | Shape::Comprehension => {
                let value = self.expression(node).reg;
                if let Some(slot) = self.now.tail {
                    self.emit(Step::Store { slot, value }, node);
                }
            }
        }
    }

    fn values_of(&mut self, node: Node<'tree>) {
        for child in self.children(node) {
            self.expression(child);
        }
    }

    fn block(&mut self, node: Node<'tree>) {
        // Asked last: finding a parent costs a way down from the root.
        let has_scope = matches!(self.language, Language::Python)
            || matches!(node.kind(), "expression_statement" | "statement_list")
            || node.parent().is_none();
        let children = self.children(node);
        let run = |own: &mut Self| {
            for child in children {
                own.statement(child);
            }
        };
        if has_scope {
            run(self);
        } else {
            self.scoped(run);
        }
    }

    fn if_else(&mut self, node: Node<'tree>) {
        let after = self.new_block();
        let mut at = node;
        let mut others = self.children_of(node, Child::Alternative).into_iter();
        // A chain of else-if may be long: it is followed without recursion.
        loop {
            if let Some(first) = self.child(at, Child::Initializer) {
                self.statement(first);
            }
            let Some(condition) = self.child(at, Child::Condition) else { break };
            let (yes, no) = self.branch(condition);
            self.enter(yes);
            if let Some(body) = self.child(at, Child::Consequence) {
                self.statement(body);
            }
            self.close(End::Goto(after));
            self.enter(no);
            let Some(other) = others.next() else { break };
            let inner = match other.kind() {
                "else_clause" if self.language != Language::Python => other.named_child(0),
                _ => Some(other),
            };
            let Some(inner) = inner else { break };
            if self.shape(inner) == Shape::If {
                at = inner;
                if inner.kind() != "elif_clause" {
                    others = self.children_of(inner, Child::Alternative).into_iter();
                }
                continue;
            }
            self.statement(inner);
            break;
        }
        self.goto(after);
    }

    fn while_loop(&mut self, node: Node<'tree>) {
        let (head, after) = (self.new_block(), self.new_block());
        let first_runs = self.shape(node) == Shape::DoWhile;
        self.goto(head);
        let condition = self.child(node, Child::Condition);
        if first_runs {
            self.looped(node, head, after);
            match condition {
                Some(condition) => {
                    let (yes, no) = self.branch(condition);
                    self.enter(yes);
                    self.close(End::Goto(head));
                    self.enter(no);
                    self.goto(after);
                }
                None => self.goto(after),
            }
            return;
        }
        match condition {
            Some(condition) => {
                let (yes, no) = self.branch(condition);
                self.enter(no);
                self.close(End::Goto(after));
                self.enter(yes);
            }
            None => {
                let body = self.new_block();
                self.close(End::Any(vec![body, after]));
                self.enter(body);
            }
        }
        self.looped(node, head, after);
        self.close(End::Goto(head));
        self.enter(after);
        if let Some(other) = self.child(node, Child::Alternative) {
            self.statement(other);
        }
    }

    fn looped(&mut self, node: Node<'tree>, head: u32, after: u32) {
        self.now.loops.push((after, head));
        if let Some(body) = self.child(node, Child::Body) {
            self.statement(body);
        }
        self.now.loops.pop();
    }

    fn counted_loop(&mut self, node: Node<'tree>) {
        // Go writes all its loops with one word.
        let children = self.children(node);
        let clause =
            children.iter().find(|part| matches!(part.kind(), "for_clause" | "range_clause"));
        if clause.is_some_and(|clause| clause.kind() == "range_clause") {
            return self.for_each(node);
        }
        let head_of = clause.copied().unwrap_or(node);
        self.scoped(|own| {
            let first = [Child::Initializer, Child::Init];
            if let Some(first) = first.iter().find_map(|child| own.child(head_of, *child)) {
                own.statement(first);
            }
            let (head, step, after) = (own.new_block(), own.new_block(), own.new_block());
            own.goto(head);
            let condition = own.child(head_of, Child::Condition);
            let condition = condition.filter(|condition| own.shape(*condition) != Shape::Skip);
            let condition = condition.and_then(|condition| match condition.kind() {
                "expression_statement" => condition.named_child(0),
                _ => Some(condition),
            });
            let body = own.new_block();
            match condition {
                Some(condition) => {
                    let (yes, no) = own.branch(condition);
                    own.enter(no);
                    own.close(End::Goto(after));
                    own.enter(yes);
                    own.goto(body);
                }
                None => {
                    own.close(End::Any(vec![body, after]));
                    own.enter(body);
                }
            }
            own.looped(node, step, after);
            own.goto(step);
            let update = [Child::Increment, Child::Update];
            if let Some(update) = update.iter().find_map(|child| own.child(head_of, *child)) {
                own.statement(update);
            }
            own.close(End::Goto(head));
            own.enter(after);
        });
    }

    fn for_each(&mut self, node: Node<'tree>) {
        self.scoped_unless_python(|own| {
            let (head, body, after) = (own.new_block(), own.new_block(), own.new_block());
            own.goto(head);
            own.close(End::Any(vec![body, after]));
            own.enter(body);
            own.iteration(node);
            own.looped(node, head, after);
            own.close(End::Goto(head));
            own.enter(after);
            if let Some(other) = own.child(node, Child::Alternative) {
                own.statement(other);
            }
        });
    }

    fn scoped_unless_python(&mut self, work: impl FnOnce(&mut Self)) {
        if self.language == Language::Python { work(self) } else { self.scoped(work) }
    }

    /// The variables of a loop get a part of what is looped over.
    pub(super) fn iteration(&mut self, node: Node<'tree>) {
        let clause = self.children(node).into_iter().find(|part| part.kind() == "range_clause");
        let node = clause.unwrap_or(node);
        let target = [Child::Left, Child::Name, Child::Pattern];
        let target = target.iter().find_map(|child| self.child(node, *child));
        let from = [Child::Right, Child::Value].iter().find_map(|child| self.child(node, *child));
        let (Some(target), Some(from)) = (target, from) else { return };
        let whole = self.expression(from);
        let part = self.emit(Step::Part(whole.reg), from);
        let part = super::Lowering { reg: part, path: crate::taint::book::NOWHERE, slot: None };
        self.assign(target, part, true);
    }

    fn return_value(&mut self, node: Node<'tree>) {
        let parts = self.children(node);
        let values: Vec<_> = parts.iter().map(|part| self.expression(*part).reg).collect();
        let value = match values[..] {
            [] => None,
            [one] => Some(one),
            _ => Some(self.emit(Step::Union(values), node)),
        };
        if let Some((slot, after)) = self.now.returns.last().copied() {
            if let Some(value) = value {
                self.emit(Step::Store { slot, value }, node);
            }
            return self.dead(End::Goto(after));
        }
        let sinks = self.now.return_sinks.clone();
        if let (Some(value), false) = (value, sinks.is_empty()) {
            self.emit(Step::Sink { value, sinks }, node);
        }
        if let ([part], Some(_)) = (&parts[..], value) {
            self.note_answer(*part);
        }
        self.dead(End::Return(value));
    }

    fn jump(&mut self, node: Node<'tree>) {
        let target = self.now.loops.last().copied();
        let end = match (target, self.shape(node)) {
            (Some((after, _)), Shape::Break) => End::Goto(after),
            (Some((_, next)), _) => End::Goto(next),
            (None, _) => End::Stop,
        };
        self.dead(end);
    }
}

fn is_case(node: Node<'_>) -> bool {
    matches!(
        node.kind(),
        "case_clause"
            | "switch_case"
            | "switch_default"
            | "expression_case"
            | "default_case"
            | "type_case"
            | "switch_block_statement_group"
            | "switch_rule"
            | "match_arm"
    )
}
