//! Statements of Python.

use tree_sitter::Node;

use super::{DEPTH_MAX, EXCEPTION, Lowering, children, line, value::Value};
use crate::ir::{CheckKind, Expr, Handler, Read, Stmt, Type};
use crate::{
    emit::Emit,
    exceptions::{ANYTHING, CONTEXT},
};

impl Lowering<'_> {
    pub(super) fn statements(&mut self, block: Node<'_>) {
        for statement in children(block) {
            self.statement(statement);
        }
    }

    pub(super) fn body(&mut self, node: Option<Node<'_>>) -> Vec<Stmt> {
        self.nested(|own| {
            if let Some(node) = node {
                own.statements(node);
            }
        })
    }

    fn statement(&mut self, node: Node<'_>) {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.failed = Some("it is nested too deeply".to_owned());
        } else {
            self.statement_inner(node);
        }
        self.depth -= 1;
    }

    fn statement_inner(&mut self, node: Node<'_>) {
        match node.kind() {
            "expression_statement" => self.expression(node),
            "if_statement" => self.if_statement(node),
            "while_statement" => self.while_loop(node),
            "for_statement" => self.for_loop(node),
            "return_statement" => {
                let value = match node.named_child(0).filter(|it| !it.is_extra()) {
                    Some(value) => self.expr(value),
                    None => Value::none(),
                };
                self.leave_result(&value);
                self.block.push(Stmt::Return(None));
            }
            "break_statement" => self.leave_loop(false),
            "continue_statement" => self.leave_loop(true),
            "raise_statement" => self.raise(node),
            "try_statement" => self.guarded(node),
            "with_statement" => self.with(node),
            "assert_statement" => self.assertion(node),
            "delete_statement" => self.delete(node),
            "pass_statement"
            | "global_statement"
            | "nonlocal_statement"
            | "comment"
            | "type_alias_statement"
            | "future_import_statement" => {}
            "import_statement" | "import_from_statement" => self.import(node),
            "function_definition" | "class_definition" | "decorated_definition" => {
                self.define(node);
            }
            other => {
                self.failed = Some(format!("a {} is not lowered", other.replace('_', " ")));
            }
        }
    }

    fn expression(&mut self, node: Node<'_>) {
        for inner in children(node) {
            match inner.kind() {
                "assignment" => self.assignment(inner),
                "augmented_assignment" => self.augmented(inner),
                _ => {
                    self.expr(inner);
                }
            }
        }
    }

    fn if_statement(&mut self, node: Node<'_>) {
        let Some(condition) = node.child_by_field_name("condition") else { return };
        let mut cursor = node.walk();
        let others: Vec<Node<'_>> =
            node.children_by_field_name("alternative", &mut cursor).collect();
        self.branches(condition, node.child_by_field_name("consequence"), &others);
    }

    fn branches(&mut self, condition: Node<'_>, yes: Option<Node<'_>>, others: &[Node<'_>]) {
        let condition = self.truth(condition);
        let yes = self.body(yes);
        let no = match others.split_first() {
            None => Vec::new(),
            Some((next, _)) if next.kind() == "else_clause" => {
                self.body(next.child_by_field_name("body"))
            }
            Some((next, rest)) => self.nested(|own| {
                if let Some(condition) = next.child_by_field_name("condition") {
                    own.branches(condition, next.child_by_field_name("consequence"), rest);
                }
            }),
        };
        self.block.push(Stmt::If(condition, yes, no));
    }

    fn leave_loop(&mut self, again: bool) {
        let open = if again { &self.continues } else { &self.breaks };
        match open.last() {
            Some(label) => self.block.push(Stmt::Break(*label)),
            None => self.failed = Some("it leaves a loop that is not there".to_owned()),
        }
    }

    fn raise(&mut self, node: Node<'_>) {
        let mut name = String::new();
        if let Some(raised) = node.named_child(0) {
            let class = match raised.kind() {
                "call" => raised.child_by_field_name("function"),
                _ => Some(raised),
            };
            if let Some(class) = class.filter(|class| class.kind() == "identifier") {
                let text = self.text(class);
                if self.is_builtin(text) {
                    name = format!("{EXCEPTION}{text}");
                }
            }
            self.expr(raised);
        }
        self.block.push(Stmt::Throw(name));
    }

    /// Assertions are on, as they are unless someone says `-O`.
    fn assertion(&mut self, node: Node<'_>) {
        let Some(condition) = node.named_child(0) else { return };
        let value = self.expr(condition);
        let truth = self.truth_of(&value);
        self.check(CheckKind::Assertion, line(node), truth.not(), "AssertionError");
    }

    fn guarded(&mut self, node: Node<'_>) {
        let (mut handlers, mut finally, mut otherwise) = (Vec::new(), Vec::new(), None);
        let mut body = self.body(node.child_by_field_name("body"));
        for part in children(node) {
            match part.kind() {
                "except_clause" => handlers.push(self.handler(part)),
                "except_group_clause" => {
                    self.failed = Some("a group of exceptions is not lowered".to_owned());
                }
                "else_clause" => otherwise = part.child_by_field_name("body"),
                "finally_clause" => {
                    finally = self.body(children(part).last().copied());
                }
                _ => {}
            }
        }
        // What stands behind `else` is not guarded, and runs if nothing was raised.
        let whole = self.variable("", Type::Bool);
        self.block.push(Stmt::Assign(whole, Expr::Bool(false)));
        body.push(Stmt::Assign(whole, Expr::Bool(true)));
        let after = self.body(otherwise);
        let guarded = Stmt::Try { body, handlers, finally: Vec::new() };
        let mut all = vec![guarded];
        if !after.is_empty() {
            all.push(Stmt::If(Expr::Var(whole), after, Vec::new()));
        }
        if finally.is_empty() {
            self.block.extend(all);
        } else {
            self.block.push(Stmt::Try { body: all, handlers: Vec::new(), finally });
        }
    }

    fn handler(&mut self, node: Node<'_>) -> Handler {
        let parts = children(node);
        let block = parts.iter().rfind(|part| part.kind() == "block").copied();
        let caught = parts.first().filter(|part| part.kind() != "block").copied();
        let (class, alias) = match caught {
            Some(pattern) if pattern.kind() == "as_pattern" => {
                (pattern.named_child(0), pattern.child_by_field_name("alias"))
            }
            other => (other, node.child_by_field_name("alias")),
        };
        let catches = match class {
            None => Vec::new(),
            Some(class) if class.kind() == "tuple" => {
                children(class).into_iter().map(|one| self.exception(one)).collect()
            }
            Some(class) => vec![self.exception(class)],
        };
        let body = self.nested(|own| {
            let target = alias.map(|alias| alias.named_child(0).unwrap_or(alias));
            if let Some(target) = target {
                own.store(target, &Value::object());
            }
            if let Some(block) = block {
                own.statements(block);
            }
        });
        Handler { catches, body }
    }

    fn exception(&self, class: Node<'_>) -> String {
        let text = self.text(class);
        match class.kind() == "identifier" && self.is_builtin(text) {
            true => format!("{EXCEPTION}{text}"),
            // What it is a kind of stands elsewhere.
            false => format!("{CONTEXT}{text}"),
        }
    }

    /// A context manager may keep an exception from going further.
    fn with(&mut self, node: Node<'_>) {
        if self.text(node).starts_with("async") {
            self.failed = Some("it is asynchronous".to_owned());
            return;
        }
        let clause = children(node).into_iter().find(|part| part.kind() == "with_clause");
        for item in clause.map(children).unwrap_or_default() {
            let Some(value) = item.child_by_field_name("value").or_else(|| item.named_child(0))
            else {
                continue;
            };
            if value.kind() != "as_pattern" {
                let manager = self.expr(value);
                self.none_check(&manager, value, "TypeError");
                continue;
            }
            if let Some(manager) = value.named_child(0) {
                self.expr(manager);
            }
            self.unknown_code("a context manager", Vec::new());
            let target = value.child_by_field_name("alias").and_then(|alias| alias.named_child(0));
            if let Some(target) = target {
                let opened = self.any("what a context manager gives");
                self.store(target, &opened);
            }
        }
        let body = self.body(node.child_by_field_name("body"));
        let handlers = vec![Handler { catches: vec![CONTEXT.to_owned()], body: Vec::new() }];
        self.block.push(Stmt::Try { body, handlers, finally: Vec::new() });
        self.unknown_code("the end of a context manager", Vec::new());
    }

    fn import(&mut self, node: Node<'_>) {
        self.may_raise("an import");
        for name in super::scope::imported(node, self.source) {
            self.store_name(&name, &Value::object());
        }
    }

    /// A function or class within this one: what it does is seen where it is called.
    fn define(&mut self, node: Node<'_>) {
        let inner = node.child_by_field_name("definition").unwrap_or(node);
        let Some(name) = inner.child_by_field_name("name") else { return };
        if inner != node || inner.kind() == "class_definition" {
            self.unknown_code("a decorator or the body of a class", Vec::new());
        }
        let value = self.any("a function within the function");
        self.store_name(self.text(name), &value);
    }

    /// Code that nobody sees: it may raise, and do to lists and globals what it likes.
    pub(super) fn unknown_code(&mut self, callee: &str, arguments: Vec<Expr>) {
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: callee.to_owned(),
            site,
            arguments,
            throws: vec![ANYTHING.to_owned()],
            external: false,
            clobbers: true,
        });
        self.forget_lists(callee);
    }

    /// Nothing of ours is changed, but it may raise what is not modelled.
    pub(super) fn may_raise(&mut self, what: &str) {
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: what.to_owned(),
            site,
            arguments: Vec::new(),
            throws: vec![ANYTHING.to_owned()],
            external: false,
            clobbers: false,
        });
    }

    /// A value of a boolean that nobody knows, for a loop to ask.
    pub(super) fn ask_again(&mut self, var: crate::ir::Var, reason: &str) {
        self.read_into(var, Read::opaque(reason));
    }
}
