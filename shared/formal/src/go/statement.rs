//! Statements of Go.

use tree_sitter::Node;

use super::{
    DEPTH_MAX, Lowering, PANIC,
    call::may_refuse,
    types::Ty,
    value::{Parts, Typed},
};
use crate::{
    emit::Emit,
    ir::{Expr, Read, Stmt},
    syntax::{children, each, line},
};

impl Lowering<'_> {
    /// The statements of a block, in a scope of their own.
    pub(super) fn statements(&mut self, block: Node<'_>) {
        self.scoped(|own| {
            for inner in children(block) {
                own.statement(inner, None);
            }
        });
    }

    pub(super) fn body(&mut self, node: Node<'_>) -> Vec<Stmt> {
        self.nested(|own| own.scoped(|own| own.statement(node, None)))
    }

    pub(super) fn statement(&mut self, node: Node<'_>, name: Option<&str>) {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            self.failed = Some("it is nested too deeply".to_owned());
        } else {
            self.statement_inner(node, name);
        }
        self.depth -= 1;
    }

    fn statement_inner(&mut self, node: Node<'_>, name: Option<&str>) {
        match node.kind() {
            "block" => self.statements(node),
            "statement_list" => {
                for inner in children(node) {
                    self.statement(inner, None);
                }
            }
            "expression_statement" => {
                if let Some(inner) = node.named_child(0) {
                    self.effect(inner);
                }
            }
            "var_declaration" => self.variables(node),
            "const_declaration" => self.constants(node),
            "short_var_declaration" => {
                if let (Some(left), Some(right)) =
                    (node.child_by_field_name("left"), node.child_by_field_name("right"))
                {
                    self.short_declaration(left, right);
                }
            }
            "assignment_statement" => self.assignment(node),
            "inc_statement" => self.step(node, false),
            "dec_statement" => self.step(node, true),
            "if_statement" => self.branch(node),
            "for_statement" => self.for_loop(node, name),
            "expression_switch_statement" => self.switch(node, name),
            "type_switch_statement" => self.type_switch(node, name),
            "select_statement" => self.select(node, name),
            "return_statement" => self.give_back(node),
            "break_statement" => self.leave(node, false),
            "continue_statement" => self.leave(node, true),
            "labeled_statement" => self.labeled(node),
            "go_statement" | "defer_statement" => self.later(node),
            "send_statement" => {
                for field in ["channel", "value"] {
                    if let Some(inner) = node.child_by_field_name(field) {
                        self.expr(inner, None);
                    }
                }
                self.forget_places();
                self.block.push(Stmt::Clobber);
            }
            "fallthrough_statement" | "type_declaration" | "empty_statement" => {}
            other => {
                self.failed = Some(format!("{} is not lowered", other.replace('_', " ")));
            }
        }
    }

    /// An expression whose value nobody wants.
    fn effect(&mut self, node: Node<'_>) {
        if node.kind() == "call_expression" {
            let unknown = self.block.len();
            self.call(node, None);
            self.may_not_return(unknown);
        } else {
            self.expr(node, None);
        }
    }

    /// Nobody wants the result of a call that is called like a test: it may not return.
    fn may_not_return(&mut self, since: usize) {
        let refuses = self.block[since..]
            .iter()
            .any(|stmt| matches!(stmt, Stmt::Opaque { callee, .. } if may_refuse(callee)));
        if refuses {
            let returns = self.read(&Ty::Bool, Read::opaque("whether a call returns"));
            let ends = vec![Stmt::Throw(PANIC.to_owned())];
            self.block.push(Stmt::If(returns, Vec::new(), ends));
        }
    }

    /// A simple statement of a head: it ends with the statement that it belongs to.
    pub(super) fn initializer(&mut self, node: Node<'_>) {
        if let Some(first) = node.child_by_field_name("initializer") {
            self.statement(first, None);
        }
    }

    fn branch(&mut self, node: Node<'_>) {
        self.scoped(|own| {
            own.initializer(node);
            let Some(condition) = node.child_by_field_name("condition") else { return };
            let condition = own.condition(condition);
            let yes = node.child_by_field_name("consequence").map(|it| own.body(it));
            let no = node.child_by_field_name("alternative").map(|it| own.body(it));
            own.block.push(Stmt::If(condition, yes.unwrap_or_default(), no.unwrap_or_default()));
        });
    }

    fn give_back(&mut self, node: Node<'_>) {
        let values = node.named_child(0).filter(|it| it.kind() == "expression_list").map(children);
        let results = self.results.clone();
        let mut given = match values {
            Some(nodes) => {
                let hints: Vec<Option<Ty>> =
                    results.iter().map(|(_, ty)| Some(ty.clone())).collect();
                self.values(&nodes, &hints)
            }
            None => {
                results.iter().map(|(local, ty)| self.named_result(local.as_ref(), ty)).collect()
            }
        };
        given.resize_with(results.len(), Typed::unknown);
        // A function literal that is deferred may change what has a name.
        for (value, (local, ty)) in given.iter_mut().zip(&results) {
            if local.as_ref().is_some_and(|local| local.shared) {
                *value = self.opaque(ty, "a result that a function literal may change");
            }
        }
        let mut first = None;
        for (at, (value, (_, ty))) in given.into_iter().zip(&results).enumerate() {
            if at == 0 {
                let value = self.coerced(value, ty);
                first = Some(self.keep(value).value);
            } else {
                self.leave_result(at, value, ty);
            }
        }
        self.block.push(Stmt::Return(first));
    }

    fn named_result(&mut self, local: Option<&super::Local>, ty: &Ty) -> Typed {
        match local {
            Some(local) => Typed {
                value: Expr::Var(local.var),
                ty: ty.clone(),
                parts: Parts::Of(local.var, Vec::new()),
            },
            None => self.zero(ty),
        }
    }

    fn leave(&mut self, node: Node<'_>, again: bool) {
        let name = node.named_child(0).map(|name| self.text(name));
        let open = if again { &self.continues } else { &self.breaks };
        let found = match name {
            Some(name) => open.iter().rev().find(|(own, _)| own.as_deref() == Some(name)),
            None => open.last(),
        };
        match found {
            Some((_, label)) => self.block.push(Stmt::Break(*label)),
            None => self.failed = Some("it breaks to a label that is not there".to_owned()),
        }
    }

    fn labeled(&mut self, node: Node<'_>) {
        let label = node.child_by_field_name("label").map(|label| self.text(label));
        let inner = children(node).into_iter().find(|it| it.kind() != "label_name");
        if let Some(inner) = inner {
            self.statement(inner, label);
        }
    }

    /// `go` and `defer`: the arguments are computed now, the call happens some other time.
    fn later(&mut self, node: Node<'_>) {
        let Some(call) = node.named_child(0) else { return };
        let function = call.child_by_field_name("function");
        let deferred = node.kind() == "defer_statement";
        if let (Some(function), true) = (function, deferred) {
            let mut recovers = false;
            each(function, &mut |inner| {
                let named = matches!(inner.kind(), "identifier" | "field_identifier");
                recovers |= named && self.package.recovers(self.text(inner));
            });
            if recovers {
                self.failed = Some("it recovers from panics".to_owned());
            }
        }
        if let Some(function) = function
            && function.kind() != "func_literal"
        {
            let callee = self.expr(function, None);
            if matches!(self.under(&callee.ty), Ty::Func(_)) {
                self.dereference(&callee.value, line(node));
            }
        }
        self.all(call.child_by_field_name("arguments"));
        if !deferred {
            self.forget_places();
            self.block.push(Stmt::Clobber);
        }
    }
}
