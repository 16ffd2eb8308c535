//! What leaves a function, a loop or a block, and what is left behind there.

use tree_sitter::Node;

use super::{Leaves, Lowering, children, each, types::Ty, value::Value};
use crate::{
    emit::Emit,
    ir::{Expr, Stmt, Var},
};

impl<'a> Lowering<'a> {
    pub(super) fn give_back(&mut self, value: Value) {
        let returns = self.signature.returns.clone();
        let value = self.coerced(value, &returns);
        match value.leaves.as_slice() {
            [] => self.block.push(Stmt::Return(None)),
            [_] => self.block.push(Stmt::Return(Some(value.leaf()))),
            _ => {
                if let Some(places) = self.context.results.places(&returns) {
                    let kept = self.keep(value);
                    for (place, leaf) in places.into_iter().zip(kept.leaves) {
                        self.block.push(Stmt::Assign(place, leaf));
                    }
                }
                self.block.push(Stmt::Return(None));
            }
        }
    }

    pub(super) fn return_value(&mut self, node: Node<'a>) -> Value {
        let returns = self.signature.returns.clone();
        let value = match children(node).into_iter().next() {
            Some(inner) => self.expr(inner, Some(&returns)),
            None => Value::unit(),
        };
        if !value.is_never() {
            self.give_back(value);
        }
        Value::never()
    }

    /// A value that `break` may give as well: of a labelled block, or of a `loop`.
    pub(super) fn left_by_break(
        &mut self,
        node: Node<'a>,
        name: Option<&'a str>,
        lower: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let end = self.label();
        let at = node.start_byte();
        let ty = self.infer.before.types.get(&at).cloned().unwrap_or(Ty::Never);
        let vars = self.variables("", &ty);
        let result = Some((at, ty.clone(), vars.clone()));
        self.leaves.push(Leaves { name, is_loop: false, end, next: end, result });
        let inner = self.nested(|own| {
            let value = lower(own);
            own.infer.gets(at, &value.ty);
            if !value.is_never() {
                own.put(&ty, &vars, value);
            }
        });
        self.leaves.pop();
        self.block.push(Stmt::Scope(end, inner));
        self.broken_with(at, ty, &vars)
    }

    /// What `break` gave; of the type that was just learnt, if the pass before did not know it.
    pub(super) fn broken_with(&mut self, at: usize, ty: Ty, vars: &[Var]) -> Value {
        match self.infer.learnt(at) {
            Some(now) if now != ty => self.opaque(&now, "a value of unknown type"),
            Some(_) | None => Value::of(ty, vars),
        }
    }

    pub(super) fn leave(&mut self, node: Node<'a>, again: bool) -> Value {
        let parts = children(node);
        let name = parts.iter().find(|it| it.kind() == "label").map(|it| self.text(*it));
        let value = parts.into_iter().find(|it| it.kind() != "label");
        let found = self.leaves.iter().rposition(|own| match name {
            Some(name) => own.name == Some(name),
            None => own.is_loop,
        });
        let Some(found) = found else {
            self.failed = Some("it breaks to a label that is not there".to_owned());
            return Value::never();
        };
        let result = self.leaves[found].result.clone();
        let (end, next) = (self.leaves[found].end, self.leaves[found].next);
        let given = match value {
            Some(value) => self.expr(value, result.as_ref().map(|(_, ty, _)| ty)),
            None => Value::unit(),
        };
        if given.is_never() {
            return given;
        }
        if let Some((at, ty, vars)) = result.filter(|_| !again) {
            self.infer.gets(at, &given.ty);
            self.put(&ty, &vars, given);
        }
        self.block.push(Stmt::Break(if again { next } else { end }));
        Value::never()
    }

    /// Every local that `node` mentions and that can be changed may be anything from here on.
    pub(super) fn forget_mentioned(&mut self, node: Node<'a>, reason: &str) {
        let mut names = Vec::new();
        each(node, &mut |inner| {
            if matches!(inner.kind(), "identifier" | "self") {
                names.push(self.text(inner));
            }
            true
        });
        names.sort_unstable();
        names.dedup();
        for name in names {
            let Some(local) = self.local(name).cloned() else { continue };
            // What stands there may decide its type, too.
            self.escape(&local.ty);
            if local.mutable {
                self.forget(&local.ty, &local.vars, reason);
            }
        }
    }

    /// The types of what `node` mentions may be decided there.
    pub(super) fn escape_mentioned(&mut self, node: Node<'a>) {
        each(node, &mut |inner| {
            if inner.kind() == "identifier"
                && let Some(ty) = self.local(self.text(inner)).map(|local| local.ty.clone())
            {
                self.escape(&ty);
            }
            true
        });
    }

    /// What unknown code is given of the locals that `node` mentions.
    pub(super) fn mentioned(&self, node: Node<'a>) -> Vec<Expr> {
        let mut vars: Vec<Var> = Vec::new();
        each(node, &mut |inner| {
            if matches!(inner.kind(), "identifier" | "self")
                && let Some(local) = self.local(self.text(inner))
            {
                vars.extend(&local.vars);
            }
            true
        });
        vars.sort_unstable();
        vars.dedup();
        vars.into_iter().map(Expr::Var).collect()
    }
}
