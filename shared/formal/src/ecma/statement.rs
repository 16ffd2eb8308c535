//! Statements of JavaScript.

use tree_sitter::Node;

use super::{DEPTH_MAX, Local, Lowering, Target, scope, value::Value};
use crate::{
    emit::Emit,
    ir::{Handler, Kind, Kinds, Label, NOWHERE, Stmt},
    syntax::children,
};

impl Lowering<'_> {
    /// The statements of a block, in a scope of their own.
    pub(super) fn statements(&mut self, block: Node<'_>) {
        self.within(block, |own| {
            for statement in children(block) {
                own.statement(statement);
            }
        });
    }

    /// With the names that the block declares.
    pub(super) fn within(&mut self, block: Node<'_>, lower: impl FnOnce(&mut Self)) {
        self.scopes.push(Default::default());
        for declared in scope::declared(block, self.source) {
            let local = self.declare(declared.name, declared.at);
            if declared.is_function {
                self.store_local(local, &Value::plain(Kind::Function));
            }
        }
        lower(self);
        self.scopes.pop();
    }

    pub(super) fn declare(&mut self, name: &str, at: usize) -> usize {
        let slots = self.slots(name);
        let kinds = match self.wide {
            true => Kinds::ALL,
            false => self.known.get(&at).copied().unwrap_or(Kinds::NONE),
        };
        let is_shared = self.shared.contains(name);
        let local = self.locals.len();
        self.locals.push(Local { slots, kinds, element: None, is_own: false, at, is_shared });
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), local);
        }
        local
    }

    pub(super) fn local_index(&self, name: &str) -> Option<usize> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    pub(super) fn local(&self, name: &str) -> Option<&Local> {
        self.local_index(name).map(|at| &self.locals[at])
    }

    pub(super) fn store_local(&mut self, local: usize, value: &Value) {
        let own = &mut self.locals[local];
        own.kinds = own.kinds.or(value.kinds);
        let slots = own.slots;
        let known = self.known.entry(own.at).or_default();
        *known = known.or(value.kinds);
        self.put(slots, value);
    }

    pub(super) fn body(&mut self, node: Option<Node<'_>>) -> Vec<Stmt> {
        self.nested(|own| {
            if let Some(node) = node {
                own.statement(node);
            }
        })
    }

    pub(super) fn statement(&mut self, node: Node<'_>) {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.failed = Some("it is nested too deeply".to_owned());
        } else {
            self.statement_inner(node, Vec::new());
        }
        self.depth -= 1;
    }

    fn statement_inner(&mut self, node: Node<'_>, names: Vec<String>) {
        match node.kind() {
            "statement_block" => self.breakable(node, names, |own| own.statements(node)),
            "expression_statement" => {
                for inner in children(node) {
                    self.expr(inner);
                }
            }
            "lexical_declaration" | "variable_declaration" => self.declaration(node),
            "if_statement" => self.breakable(node, names, |own| own.if_statement(node)),
            "while_statement" => self.while_loop(node, names),
            "do_statement" => self.do_loop(node, names),
            "for_statement" => self.for_loop(node, names),
            "for_in_statement" => self.each_loop(node, names),
            "switch_statement" => self.switch(node, names),
            "labeled_statement" => self.labeled(node, names),
            "return_statement" => {
                let value = match children(node).first() {
                    Some(value) => self.expr(*value),
                    None => Value::undefined(),
                };
                self.put(self.result, &value);
                self.block.push(Stmt::Return(None));
            }
            "break_statement" => self.leave(node, false),
            "continue_statement" => self.leave(node, true),
            "throw_statement" => {
                for inner in children(node) {
                    self.expr(inner);
                }
                self.block.push(Stmt::Throw(String::new()));
            }
            "try_statement" => self.breakable(node, names, |own| own.guarded(node)),
            "export_statement" => {
                let inner = node.child_by_field_name("declaration");
                if let Some(inner) = inner.or_else(|| node.child_by_field_name("value")) {
                    self.statement_or_expr(inner);
                }
            }
            "class_declaration" | "abstract_class_declaration" => {
                self.run_opaque(node);
                let name = node.child_by_field_name("name").map(|name| self.text(name));
                if let Some(local) = name.and_then(|name| self.local_index(name)) {
                    self.store_local(local, &Value::plain(Kind::Function));
                }
            }
            "empty_statement"
            | "function_declaration"
            | "generator_function_declaration"
            | "function_signature"
            | "interface_declaration"
            | "type_alias_declaration"
            | "import_statement"
            | "comment"
            | "debugger_statement"
            | "ambient_declaration"
            | "hash_bang_line"
            | "import_alias" => {}
            "enum_declaration" | "internal_module" | "module" | "namespace_export" => {
                self.run_opaque(node);
            }
            other => {
                self.failed = Some(format!("a {} is not lowered", other.replace('_', " ")));
            }
        }
    }

    fn statement_or_expr(&mut self, node: Node<'_>) {
        if node.kind().ends_with("_declaration") || node.kind() == "function_signature" {
            self.statement(node);
        } else {
            self.expr(node);
        }
    }

    fn declaration(&mut self, node: Node<'_>) {
        let is_var = node.kind() == "variable_declaration";
        for declarator in children(node) {
            let Some(name) = declarator.child_by_field_name("name") else { continue };
            match declarator.child_by_field_name("value") {
                Some(value) => self.initialize(name, value),
                None if is_var => {}
                None => self.store(name, &Value::undefined()),
            }
        }
    }

    fn initialize(&mut self, name: Node<'_>, value: Node<'_>) {
        let given = self.expr(value);
        if name.kind() != "identifier" {
            self.null_check(&given, value, "TypeError");
        }
        self.store(name, &given);
        if name.kind() == "identifier"
            && value.kind() == "array"
            && let Some(local) = self.local_index(self.text(name))
        {
            let element = self.displayed(name, value);
            self.locals[local].is_own = element.is_some();
            self.locals[local].element = element;
        }
    }

    fn if_statement(&mut self, node: Node<'_>) {
        let Some(condition) = node.child_by_field_name("condition") else { return };
        let condition = self.truth(condition);
        let yes = node.child_by_field_name("consequence");
        let no = node.child_by_field_name("alternative").and_then(|it| it.named_child(0));
        let side = |own: &mut Self, side: Option<Node<'_>>| {
            if let Some(side) = side {
                own.statement(side);
                own.may_not_return(side);
            }
        };
        self.branch(condition, |own| side(own, yes), |own| side(own, no));
    }

    /// A branch that ends in an unknown call may end there: what fails behind it because of the
    /// branch is not known to be reached.
    fn may_not_return(&mut self, side: Node<'_>) {
        let last = match side.kind() {
            "statement_block" => children(side).last().copied(),
            _ => Some(side),
        };
        let call = last.filter(|last| last.kind() == "expression_statement");
        let mut call = call.and_then(|last| last.named_child(0));
        if let Some(inner) = call.filter(|call| call.kind() == "await_expression") {
            call = inner.named_child(0);
        }
        if let Some(call) = call.filter(|call| call.kind() == "call_expression")
            && !self.is_known_to_return(call)
        {
            self.may_end();
        }
    }

    fn labeled(&mut self, node: Node<'_>, mut names: Vec<String>) {
        let parts = (node.child_by_field_name("label"), node.child_by_field_name("body"));
        let (Some(label), Some(body)) = parts else { return };
        names.push(self.text(label).to_owned());
        self.statement_inner(body, names);
    }

    /// A statement that a `break` with one of these names leaves.
    pub(super) fn breakable(
        &mut self,
        _node: Node<'_>,
        names: Vec<String>,
        lower: impl FnOnce(&mut Self),
    ) {
        if names.is_empty() {
            lower(self);
            return;
        }
        let end = self.label();
        self.targets.push(Target { names, end, next: None, is_named_only: true });
        let block = self.nested(lower);
        self.targets.pop();
        self.block.push(Stmt::Scope(end, block));
    }

    fn leave(&mut self, node: Node<'_>, again: bool) {
        let name = node.child_by_field_name("label").map(|label| self.text(label));
        let goes = |target: &&Target| match name {
            Some(name) => target.names.iter().any(|own| own == name),
            None => !target.is_named_only && (!again || target.next.is_some()),
        };
        let target = self.targets.iter().rev().find(goes);
        let label: Option<Label> =
            target.and_then(|target| if again { target.next } else { Some(target.end) });
        match label {
            Some(label) => self.block.push(Stmt::Break(label)),
            None => self.failed = Some("it leaves a loop that is not there".to_owned()),
        }
    }

    fn guarded(&mut self, node: Node<'_>) {
        let body = self.body(node.child_by_field_name("body"));
        let handlers = node.child_by_field_name("handler").map(|handler| {
            let body = self.nested(|own| {
                own.within(handler, |own| {
                    if let Some(parameter) = handler.child_by_field_name("parameter") {
                        let thrown = own.any("what was thrown");
                        own.store(parameter, &thrown);
                    }
                    if let Some(body) = handler.child_by_field_name("body") {
                        own.statement(body);
                    }
                });
            });
            Handler { catches: Vec::new(), body }
        });
        let finally = node.child_by_field_name("finalizer");
        let finally = self.body(finally.and_then(|it| it.child_by_field_name("body")));
        let handlers = handlers.into_iter().collect();
        self.block.push(Stmt::Try { body, handlers, finally });
    }

    /// An unknown call was made that may never come back.
    pub(super) fn may_end(&mut self) {
        let returns = self.unknown_truth("whether a call returns");
        self.branch(returns, |_| {}, Self::ends);
    }

    /// The run is over: nothing comes behind this.
    pub(super) fn ends(&mut self) {
        self.block.push(Stmt::Break(NOWHERE));
    }
}
