//! Statements of Java.

use tree_sitter::Node;

use super::{
    Lowering, children, line,
    types::{INT, Ty, simple},
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, Handler, Stmt, Type, Var},
};

impl Lowering<'_> {
    /// The statements of a block, in a scope of their own.
    pub(super) fn statements(&mut self, block: Node<'_>) {
        self.scopes.push(Default::default());
        for statement in children(block) {
            self.statement(statement, None);
        }
        self.scopes.pop();
    }

    pub(super) fn body(&mut self, node: Node<'_>) -> Vec<Stmt> {
        self.nested(|own| {
            own.scopes.push(Default::default());
            own.statement(node, None);
            own.scopes.pop();
        })
    }

    pub(super) fn statement(&mut self, node: Node<'_>, name: Option<&str>) {
        self.depth += 1;
        if self.depth > super::DEPTH_MAX {
            self.failed = Some("it is nested too deeply".to_owned());
        } else {
            self.statement_inner(node, name);
        }
        self.depth -= 1;
    }

    pub(super) fn statement_inner(&mut self, node: Node<'_>, name: Option<&str>) {
        match node.kind() {
            "block" | "constructor_body" => self.statements(node),
            "local_variable_declaration" => self.declaration(node),
            "expression_statement" => {
                if let Some(inner) = node.named_child(0) {
                    self.expr(inner, None);
                }
            }
            "if_statement" => self.branch(node),
            "while_statement" => self.while_loop(node, name),
            "do_statement" => self.do_loop(node, name),
            "for_statement" => self.for_loop(node, name),
            "enhanced_for_statement" => self.for_each(node, name),
            "switch_expression" | "switch_statement" => self.switch(node, name),
            "return_statement" => self.give_back(node),
            "break_statement" => self.leave(node, false),
            "continue_statement" => self.leave(node, true),
            "throw_statement" => self.throw(node),
            "try_statement" | "try_with_resources_statement" => self.guarded(node),
            "labeled_statement" => self.labeled(node),
            "synchronized_statement" => {
                if let Some(lock) = children(node).first() {
                    let (value, ty) = self.expr(*lock, Some(&Ty::named("Object")));
                    let value = self.coerced((value, ty), &Ty::named("Object"), line(node));
                    self.dereference(&value, line(node));
                }
                if let Some(body) = node.child_by_field_name("body") {
                    self.statements(body);
                }
            }
            "assert_statement" => self.assertion(node),
            "class_declaration"
            | "record_declaration"
            | "interface_declaration"
            | "enum_declaration"
            | "line_comment"
            | "block_comment"
            | ";" => {}
            "explicit_constructor_invocation" => {
                self.forget(node, "another constructor");
                self.runs_code("another constructor");
            }
            other => {
                self.failed = Some(format!("{} is not lowered", other.replace('_', " ")));
            }
        }
    }

    pub(super) fn declaration(&mut self, node: Node<'_>) {
        let Some(declared) = node.child_by_field_name("type") else { return };
        let base = Ty::of(declared, self.source);
        for declarator in children(node).into_iter().filter(|it| it.kind() == "variable_declarator")
        {
            let Some(name) = declarator.child_by_field_name("name") else { continue };
            let name = self.text(name);
            let dimensions = declarator
                .child_by_field_name("dimensions")
                .map_or(0, |own| self.text(own).matches('[').count());
            let mut ty = base.clone().array(dimensions);
            let value = declarator.child_by_field_name("value");
            if self.text(declared) == "var" {
                let Some(value) = value else { continue };
                let (lowered, own) = self.expr(value, None);
                ty = if own == Ty::Unknown { Ty::named("Object") } else { own.clone() };
                let lowered = self.coerced((lowered, own), &ty, line(node));
                let var = self.declare(name, &ty);
                self.set(var, lowered);
                continue;
            }
            let value = value.map(|value| {
                let lowered = self.expr(value, Some(&ty));
                self.coerced(lowered, &ty, line(declarator))
            });
            let var = self.declare(name, &ty);
            if let Some(value) = value {
                self.set(var, value);
            }
        }
    }

    pub(super) fn branch(&mut self, node: Node<'_>) {
        let Some(condition) = node.child_by_field_name("condition") else { return };
        let condition = self.condition(condition);
        let yes = node.child_by_field_name("consequence").map(|it| self.body(it));
        let no = node.child_by_field_name("alternative").map(|it| self.body(it));
        let (yes, no) = (yes.unwrap_or_default(), no.unwrap_or_default());
        self.block.push(Stmt::If(condition, yes, no));
    }

    pub(super) fn switch(&mut self, node: Node<'_>, name: Option<&str>) {
        let (Some(condition), Some(body)) =
            (node.child_by_field_name("condition"), node.child_by_field_name("body"))
        else {
            return;
        };
        let (value, ty) = self.expr(condition, Some(&Ty::named("Object")));
        let ty = ty.unboxed().unwrap_or(ty);
        let value = self.keep(value, &ty);
        if matches!(ty, Ty::Ref(..)) {
            self.dereference(&value, line(node));
        }
        let groups = children(body);
        let (end, chosen) = (self.label(), self.variable("", Type::Int(INT)));
        let place = |at: usize| i128::try_from(at).unwrap_or(i128::MAX);
        let mut otherwise = groups.len();
        let mut cases = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            for label in children(*group).into_iter().filter(|it| it.kind() == "switch_label") {
                let values = children(label);
                if values.is_empty() || self.text(label).starts_with("default") {
                    otherwise = at;
                }
                cases.extend(values.into_iter().map(|value| (at, value)));
            }
        }
        self.set(chosen, Expr::Int(place(otherwise)));
        // Labels exclude each other, so the order of asking does not matter.
        for (at, case) in cases {
            let equal = self.is_case(&value, &ty, case);
            self.block.push(Stmt::If(
                equal,
                vec![Stmt::Assign(chosen, Expr::Int(place(at)))],
                vec![],
            ));
        }
        self.breaks.push((name.map(str::to_owned), end));
        self.scopes.push(Default::default());
        let inner = self.nested(|own| {
            for (at, group) in groups.into_iter().enumerate() {
                own.group(group, chosen, place(at), end);
            }
        });
        self.scopes.pop();
        self.breaks.pop();
        self.block.push(Stmt::Scope(end, inner));
    }

    pub(super) fn is_case(&mut self, value: &Expr, ty: &Ty, case: Node<'_>) -> Expr {
        if let Ty::Int(_) = ty {
            let (case, own) = self.expr(case, Some(ty));
            if matches!(own, Ty::Int(_)) {
                return Expr::cmp(Cmp::Eq, value.clone(), case);
            }
        }
        let read = self.part_of(value, "whether a case matches");
        self.read(&Ty::Bool, read)
    }

    /// The statements of one group, which the groups before it may fall into.
    pub(super) fn group(&mut self, group: Node<'_>, chosen: Var, at: i128, end: u32) {
        let falls = group.kind() == "switch_block_statement_group";
        let statements = self.nested(|own| {
            for inner in children(group).into_iter().filter(|it| it.kind() != "switch_label") {
                own.statement(inner, None);
            }
            if !falls {
                own.block.push(Stmt::Break(end));
            }
        });
        let reached = match falls {
            true => Expr::cmp(Cmp::Le, Expr::Var(chosen), Expr::Int(at)),
            false => Expr::cmp(Cmp::Eq, Expr::Var(chosen), Expr::Int(at)),
        };
        self.block.push(Stmt::If(reached, statements, Vec::new()));
    }

    pub(super) fn give_back(&mut self, node: Node<'_>) {
        let returns = self.index.signatures[self.own].returns.clone();
        let value = node.named_child(0).filter(|it| !it.is_extra()).map(|value| {
            let lowered = self.expr(value, Some(&returns));
            self.coerced(lowered, &returns, line(node))
        });
        self.block.push(Stmt::Return(value));
    }

    pub(super) fn leave(&mut self, node: Node<'_>, again: bool) {
        let name = node.named_child(0).map(|name| self.text(name).to_owned());
        let open = if again { &self.continues } else { &self.breaks };
        let found = match &name {
            Some(name) => open.iter().rev().find(|(own, _)| own.as_ref() == Some(name)),
            None => open.iter().rev().find(|(own, _)| again || own.as_deref() != Some(BLOCK)),
        };
        match found {
            Some((_, label)) => self.block.push(Stmt::Break(*label)),
            None => self.failed = Some("it breaks to a label that is not there".to_owned()),
        }
    }

    pub(super) fn labeled(&mut self, node: Node<'_>) {
        let parts = children(node);
        let [name, inner] = parts.as_slice() else { return };
        let name = self.text(*name).to_owned();
        let is_loop = inner.kind().ends_with("for_statement")
            || matches!(inner.kind(), "while_statement" | "do_statement" | "switch_expression");
        if is_loop {
            self.statement(*inner, Some(&name));
            return;
        }
        self.failed = Some("a labeled block is not lowered".to_owned());
    }

    pub(super) fn throw(&mut self, node: Node<'_>) {
        let thrown = node.named_child(0);
        let mut name = String::new();
        if let Some(thrown) = thrown {
            if thrown.kind() == "object_creation_expression" {
                let ty = thrown.child_by_field_name("type").map(|ty| self.text(ty));
                name = ty.map(|ty| simple(ty).to_owned()).unwrap_or_default();
            }
            self.expr(thrown, None);
        }
        self.block.push(Stmt::Throw(name));
    }

    pub(super) fn guarded(&mut self, node: Node<'_>) {
        self.scopes.push(Default::default());
        let mut body = Vec::new();
        if let Some(resources) = node.child_by_field_name("resources") {
            body = self.nested(|own| {
                for resource in children(resources) {
                    own.resource(resource);
                }
            });
        }
        let takes = u32::from(self.takes_assertions_here(node));
        self.takes_assertions += takes;
        let has_resources = node.child_by_field_name("resources").is_some();
        if let Some(inner) = node.child_by_field_name("body") {
            body.extend(self.nested(|own| own.statements(inner)));
        }
        self.takes_assertions -= takes;
        self.scopes.pop();
        if has_resources {
            // Closing may throw as well.
            let site = self.site();
            body.push(Stmt::Opaque {
                callee: "close".to_owned(),
                site,
                arguments: Vec::new(),
                throws: vec![String::new()],
                external: false,
                clobbers: true,
            });
        }
        let (mut handlers, mut finally) = (Vec::new(), Vec::new());
        for part in children(node) {
            match part.kind() {
                "catch_clause" => handlers.extend(self.handler(part)),
                "finally_clause" => {
                    if let Some(block) = part.named_child(0) {
                        finally = self.nested(|own| own.statements(block));
                    }
                }
                _ => {}
            }
        }
        self.block.push(Stmt::Try { body, handlers, finally });
    }

    pub(super) fn resource(&mut self, node: Node<'_>) {
        let Some(value) = node.child_by_field_name("value") else { return };
        let ty = node.child_by_field_name("type").map(|ty| Ty::of(ty, self.source));
        let (lowered, own) = self.expr(value, ty.as_ref());
        let ty = ty.filter(|ty| *ty != Ty::named("var")).unwrap_or_else(|| own.clone());
        let lowered = self.coerced((lowered, own), &ty, line(node));
        if let Some(name) = node.child_by_field_name("name") {
            let var = self.declare(self.text(name), &ty);
            self.set(var, lowered);
        }
    }

    pub(super) fn handler(&mut self, node: Node<'_>) -> Option<Handler> {
        let parameter =
            children(node).into_iter().find(|it| it.kind() == "catch_formal_parameter")?;
        let types = children(parameter).into_iter().find(|it| it.kind() == "catch_type")?;
        let catches: Vec<String> =
            children(types).into_iter().map(|ty| simple(self.text(ty)).to_owned()).collect();
        let name = parameter.child_by_field_name("name").map(|name| self.text(name));
        let ty = Ty::named(catches.first()?);
        let body = self.nested(|own| {
            own.scopes.push(Default::default());
            if let Some(name) = name {
                let var = own.declare(name, &ty);
                own.set(var, Expr::New(None));
            }
            if let Some(block) = node.child_by_field_name("body") {
                own.statements(block);
            }
            own.scopes.pop();
        });
        Some(Handler { catches, body })
    }

    /// Whether what an assertion throws in this `try` is surely caught by it.
    fn takes_assertions_here(&self, node: Node<'_>) -> bool {
        let clauses = children(node).into_iter().filter(|part| part.kind() == "catch_clause");
        let parameters = clauses.flat_map(children);
        let types = parameters.flat_map(children).filter(|part| part.kind() == "catch_type");
        types
            .flat_map(children)
            .any(|ty| matches!(simple(self.text(ty)), "AssertionError" | "Error" | "Throwable"))
    }

    /// Assertions may be switched off, so what follows does not rest on them.
    pub(super) fn assertion(&mut self, node: Node<'_>) {
        let Some(condition) = node.named_child(0) else { return };
        let value = self.expr(condition, Some(&Ty::Bool));
        let value = self.coerced(value, &Ty::Bool, line(node));
        let value = self.keep(value, &Ty::Bool);
        if self.takes_assertions == 0 {
            self.check(CheckKind::Assertion, line(node), value.clone().not(), None);
        }
        // Where they are on, a handler around may take it.
        let thrown = self.nested(|own| own.may_throw("an assertion", "AssertionError"));
        self.block.push(Stmt::If(value.not(), thrown, Vec::new()));
    }
}

/// Names a block that only a labelled break leaves.
const BLOCK: &str = "";
