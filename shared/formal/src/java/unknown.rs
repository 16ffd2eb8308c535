//! What is not modelled: it may be anything, throw anything, and run anything.

use tree_sitter::Node;

use super::{Lowering, expr::Typed, types::Ty};
use crate::{
    emit::Emit,
    ir::{CheckKind, Expr, Read, Stmt},
};

impl Lowering<'_> {
    /// Something that is not modelled: its result is anything, what it assigns too, and it may
    /// throw.
    pub(super) fn opaque(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let reason = format!("{} in Java", node.kind().replace('_', " "));
        self.forget(node, &reason);
        self.may_throw(&reason, "");
        self.anything(reason, hint)
    }

    /// A value of the type that the context wants, of which nothing else is known.
    pub(super) fn anything(&mut self, reason: String, hint: Option<&Ty>) -> Typed {
        match hint {
            Some(ty) if *ty != Ty::Unknown => (self.read(ty, Read::opaque(reason)), ty.clone()),
            _ => (Expr::Null, Ty::Unknown),
        }
    }

    /// Nothing of ours is changed, but it may throw this, or anything if the name is empty.
    pub(super) fn may_throw(&mut self, what: &str, thrown: &str) {
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: what.to_owned(),
            site,
            arguments: Vec::new(),
            throws: vec![thrown.to_owned()],
            external: false,
            clobbers: false,
        });
    }

    /// Code of the program that nobody sees here runs: `toString`, an iterator.
    pub(super) fn runs_code(&mut self, what: &str) {
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: what.to_owned(),
            site,
            arguments: Vec::new(),
            throws: vec![String::new()],
            external: false,
            clobbers: true,
        });
    }

    /// Every local that is assigned within `node` may be anything from here on.
    pub(super) fn forget(&mut self, node: Node<'_>, reason: &str) {
        let mut names = Vec::new();
        super::each(node, &mut |inner| {
            let target = match inner.kind() {
                "assignment_expression" => inner.child_by_field_name("left"),
                "update_expression" => inner.named_child(0),
                _ => None,
            };
            names.extend(target);
        });
        for name in names {
            if let Some((var, _)) = self.local(self.text(name)) {
                let site = self.site();
                self.block.push(Stmt::Read(var, site, Read::opaque(reason)));
            }
        }
        self.block.push(Stmt::Clobber);
    }

    /// A check about something of unknown type: it stays open, and nothing rests on it.
    pub(super) fn unknown_check(&mut self, kind: CheckKind, at: u32) {
        let violation = self.read(&Ty::Bool, Read::opaque("an operand of unknown type"));
        self.check(kind, at, violation, None);
    }
}
