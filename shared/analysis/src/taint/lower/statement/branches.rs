//! Statements with several ways on: handlers and cases.

use domain::Language;
use tree_sitter::Node;

use super::{super::guard::Facts, Lowerer, is_case};
use crate::taint::{
    ir::{End, Operator, Step},
    shape::{Child, Shape},
};

impl<'tree> Lowerer<'_, 'tree> {
    pub(super) fn try_catch(&mut self, node: Node<'tree>) {
        let children = self.children(node);
        let is_handler = |part: &&Node<'tree>| {
            matches!(part.kind(), "except_clause" | "except_group_clause" | "catch_clause")
        };
        let handlers: Vec<_> = children.iter().filter(is_handler).copied().collect();
        let (body, after) = (self.new_block(), self.new_block());
        let entries: Vec<u32> = handlers.iter().map(|_| self.new_block()).collect();
        let mut from_start = vec![body];
        from_start.extend(&entries);
        if let Some(resources) = self.child(node, Child::Resources) {
            for resource in self.children(resources) {
                self.declaration(resource);
            }
        }
        self.close(End::Any(from_start));
        self.enter(body);
        if let Some(code) = self.child(node, Child::Body) {
            self.statement(code);
        }
        for part in children.iter().filter(|part| part.kind() == "else_clause") {
            self.statement(*part);
        }
        let mut from_end = vec![after];
        from_end.extend(&entries);
        self.close(End::Any(from_end));
        for (entry, handler) in entries.into_iter().zip(handlers) {
            self.enter(entry);
            let code = self.child(handler, Child::Body);
            let blocks = self.children(handler);
            let code =
                code.or_else(|| blocks.into_iter().rev().find(|part| part.kind() == "block"));
            if let Some(code) = code {
                self.statement(code);
            }
            self.close(End::Goto(after));
        }
        self.enter(after);
        for part in children.iter().filter(|part| part.kind() == "finally_clause") {
            self.statement(*part);
        }
    }

    pub(super) fn with(&mut self, node: Node<'tree>) {
        let clauses = self.children(node).into_iter().filter(|part| part.kind() == "with_clause");
        let items: Vec<_> = clauses.flat_map(|clause| self.children(clause)).collect();
        for item in items {
            let Some(value) = self.child(item, Child::Value) else { continue };
            match (value.kind() == "as_pattern").then(|| self.child(value, Child::Alias)).flatten()
            {
                Some(alias) => {
                    let Some(inner) = value.named_child(0) else { continue };
                    let given = self.expression(inner);
                    let target = alias.named_child(0).unwrap_or(alias);
                    self.assign(target, given, false);
                }
                None => drop(self.expression(value)),
            }
        }
        if let Some(body) = self.child(node, Child::Body) {
            self.statement(body);
        }
    }

    /// Cases are tried in turn; a case that runs on falls into the next one's code.
    pub(super) fn switch(&mut self, node: Node<'tree>) {
        let subject = [Child::Value, Child::Condition, Child::Subject];
        let subject = subject.iter().find_map(|child| self.child(node, *child));
        if let Some(first) = self.child(node, Child::Initializer) {
            self.statement(first);
        }
        let value = match subject {
            Some(subject) => self.expression(subject).reg,
            None => self.emit(Step::Known(None), node),
        };
        let body = self.child(node, Child::Body);
        let body = body.or_else(|| {
            self.children(node).into_iter().find(|part| part.kind().ends_with("_block"))
        });
        let cases: Vec<_> = body.map_or_else(|| self.children(node), |body| self.children(body));
        let after = self.new_block();
        let continues = self.now.loops.last().map_or(after, |(_, next)| *next);
        self.now.loops.push((after, continues));
        let mut default = None;
        let mut falls_into: Option<u32> = None;
        for case in cases.iter().filter(|case| is_case(**case)) {
            let labels = self.labels(*case);
            let facts = match subject {
                Some(subject)
                    if !labels.is_empty() && labels.iter().all(|label| self.is_fixed(*label)) =>
                {
                    self.checked(subject, u64::MAX, crate::taint::ir::Trust::Always)
                }
                _ => Facts::default(),
            };
            let run = self.block_with(facts.yes);
            if labels.is_empty() {
                default = Some(run);
            } else {
                for label in labels {
                    let label_value = self.expression(label).reg;
                    let (left, right) = (value, label_value);
                    let operator =
                        if self.is_fixed(label) { Operator::Equal } else { Operator::Test };
                    let condition = self.emit(Step::Calculate { operator, left, right }, label);
                    let next = self.new_block();
                    self.close(End::Branch { condition, yes: run, no: next });
                    self.enter(next);
                }
            }
            let tests = self.now.block;
            let tests_end_here = self.new_block();
            self.close(End::Goto(tests_end_here));
            self.fill(run, falls_into.take(), *case);
            falls_into = self.case_end(after);
            self.enter(tests_end_here);
            debug_assert_ne!(tests, tests_end_here, "a block is ended once");
        }
        self.close(End::Goto(default.unwrap_or(after)));
        self.now.loops.pop();
        if let Some(last) = falls_into {
            self.enter(last);
            self.close(End::Goto(after));
        }
        self.enter(after);
    }

    pub(super) fn fill(&mut self, run: u32, from_before: Option<u32>, case: Node<'tree>) {
        let code = self.new_block();
        self.enter(run);
        self.close(End::Goto(code));
        if let Some(before) = from_before {
            self.enter(before);
            self.close(End::Goto(code));
        }
        self.enter(code);
        self.scoped(|own| own.case_code(case));
    }

    /// Ends a case; gives the block that runs on into the next, where the language has that.
    pub(super) fn case_end(&mut self, after: u32) -> Option<u32> {
        if matches!(self.language, Language::Python | Language::Go | Language::Rust) {
            self.close(End::Goto(after));
            return None;
        }
        let next = self.new_block();
        self.close(End::Goto(next));
        Some(next)
    }

    pub(super) fn case_code(&mut self, case: Node<'tree>) {
        let labels = self.labels(case);
        let code = [Child::Consequence, Child::Body];
        if let Some(code) = code.iter().find_map(|child| self.child(case, *child))
            && self.language != Language::JavaScript
        {
            return self.statement(code);
        }
        let is_rule = case.kind() == "switch_rule";
        for part in self.children(case) {
            let is_label =
                part.kind() == "switch_label" || labels.iter().any(|label| label.id() == part.id());
            if !is_label {
                self.statement(part);
            }
        }
        if is_rule && let Some((after, _)) = self.now.loops.last().copied() {
            self.dead(End::Goto(after));
        }
    }

    /// What a case is for; nothing for the default.
    pub(super) fn labels(&self, case: Node<'tree>) -> Vec<Node<'tree>> {
        match case.kind() {
            "case_clause" => {
                let patterns = self.children(case).into_iter();
                let patterns: Vec<_> =
                    patterns.filter(|part| part.kind() == "case_pattern").collect();
                match patterns.first().and_then(|pattern| pattern.named_child(0)) {
                    Some(inner) if inner.kind() == "union_pattern" => self.children(inner),
                    Some(inner) => vec![inner],
                    None => Vec::new(),
                }
            }
            "switch_case" => self.child(case, Child::Value).into_iter().collect(),
            "expression_case" => match self.child(case, Child::Value) {
                Some(list) => self.children(list),
                None => Vec::new(),
            },
            "switch_block_statement_group" | "switch_rule" => {
                let labels =
                    self.children(case).into_iter().filter(|part| part.kind() == "switch_label");
                labels.flat_map(|label| self.children(label)).collect()
            }
            "match_arm" => {
                match self.child(case, Child::Pattern).and_then(|one| one.named_child(0)) {
                    Some(inner) if self.is_fixed(inner) => vec![inner],
                    _ => Vec::new(),
                }
            }
            "type_case" => self.children_of(case, Child::Type),
            _ => Vec::new(),
        }
    }

    pub(super) fn is_fixed(&self, node: Node<'_>) -> bool {
        matches!(self.shape(node), Shape::Literal | Shape::Text)
    }
}
