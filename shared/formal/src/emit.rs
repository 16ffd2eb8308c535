//! What every lowering does with the statements that it makes, whatever the language.

use crate::{
    ir::{Expr, IntType, Label, Read, Site, Slots, Stmt, Type, Var, Variable},
    slots::TAG,
};

/// What a lowering has made of a function so far.
pub(crate) struct Emitted<'a> {
    pub(crate) block: &'a mut Vec<Stmt>,
    pub(crate) variables: &'a mut Vec<Variable>,
    pub(crate) sites: &'a mut Site,
    pub(crate) labels: &'a mut Label,
}

pub(crate) trait Emit: Sized {
    fn emitted(&mut self) -> Emitted<'_>;

    fn site(&mut self) -> Site {
        let sites = self.emitted().sites;
        *sites += 1;
        *sites
    }

    fn label(&mut self) -> Label {
        let labels = self.emitted().labels;
        *labels += 1;
        *labels
    }

    fn variable(&mut self, name: &str, ty: Type) -> Var {
        let variables = self.emitted().variables;
        let var = Var(u32::try_from(variables.len()).unwrap_or(u32::MAX));
        variables.push(Variable { name: name.to_owned(), ty });
        var
    }

    fn read_into(&mut self, var: Var, read: Read) {
        let site = self.site();
        self.emitted().block.push(Stmt::Read(var, site, read));
    }

    /// What `lower` emits, as a block of its own.
    fn nested(&mut self, lower: impl FnOnce(&mut Self)) -> Vec<Stmt> {
        let outer = std::mem::take(self.emitted().block);
        lower(self);
        std::mem::replace(self.emitted().block, outer)
    }

    /// `one && two` or `one || two`, whose right side is only evaluated where the left side leaves
    /// it open.
    fn short_circuited(
        &mut self,
        is_and: bool,
        one: Expr,
        two: impl FnOnce(&mut Self) -> Expr,
    ) -> Expr {
        let result = self.variable("", Type::Bool);
        self.emitted().block.push(Stmt::Assign(result, one));
        let rest = self.nested(|own| {
            let two = two(own);
            own.emitted().block.push(Stmt::Assign(result, two));
        });
        let (yes, no) = if is_and { (rest, Vec::new()) } else { (Vec::new(), rest) };
        self.emitted().block.push(Stmt::If(Expr::Var(result), yes, no));
        Expr::Var(result)
    }

    /// Variables for a value of any type.
    fn slots(&mut self, name: &str) -> Slots {
        Slots {
            tag: self.variable(&format!("type of {name}"), Type::Int(TAG)),
            bool: self.variable(name, Type::Bool),
            int: self.variable(name, Type::Int(IntType::UNBOUNDED)),
            float: self.variable(name, Type::Float { single: false }),
            sequence: self.variable(name, Type::Ref),
        }
    }
}
