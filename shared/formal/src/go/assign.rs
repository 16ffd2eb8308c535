//! Declarations and assignments.

use tree_sitter::Node;

use super::{Lowering, types::Ty, value::Typed};
use crate::{
    ir::{Stmt, Var},
    syntax::{children, line},
};

impl Lowering<'_> {
    /// `var a, b T = x, y`, in each of its forms.
    pub(super) fn variables(&mut self, node: Node<'_>) {
        for spec in children(node) {
            match spec.kind() {
                "var_spec_list" => self.variables(spec),
                "var_spec" => self.variable_spec(spec),
                _ => {}
            }
        }
    }

    fn variable_spec(&mut self, spec: Node<'_>) {
        let ty = spec.child_by_field_name("type").map(|ty| self.ty(ty));
        let mut cursor = spec.walk();
        let names: Vec<_> = spec
            .children_by_field_name("name", &mut cursor)
            .filter(|name| name.kind() == "identifier")
            .collect();
        let Some(values) = spec.child_by_field_name("value").map(children) else {
            let Some(ty) = ty else { return };
            for name in names {
                self.declare_zero(self.text(name), &ty);
            }
            return;
        };
        let hints = vec![ty.clone(); names.len()];
        let values = self.values(&values, &hints);
        for (name, value) in names.into_iter().zip(values) {
            let name = self.text(name);
            match &ty {
                Some(ty) => {
                    let value = self.coerced(value, ty);
                    self.define_as(name, value);
                }
                None => self.define(name, value),
            }
        }
    }

    pub(super) fn constants(&mut self, node: Node<'_>) {
        let names = super::types::Names {
            source: self.source,
            lengths: self.lengths,
            generic: &self.package.signatures[&self.body.function].generic,
        };
        let mut own = self.package.constants.clone();
        let mut found = super::constant::Constants::new();
        super::constant::declare(node, &names, &mut own);
        for spec in children(node).into_iter().filter(|it| it.kind() == "const_spec") {
            let mut cursor = spec.walk();
            for name in spec.children_by_field_name("name", &mut cursor) {
                let name = self.text(name);
                if let Some(value) = own.get(name) {
                    found.insert(name.to_owned(), value.clone());
                }
            }
        }
        for (name, (value, ty)) in found {
            let local = self.declare(&name, &ty);
            self.block.push(Stmt::Assign(local.var, value));
        }
    }

    /// A new variable of a value's own type.
    pub(super) fn define(&mut self, name: &str, value: Typed) {
        let ty = match value.ty == Ty::Unknown && is_error_name(name) {
            true => Ty::Error,
            false => value.ty.clone().settled(),
        };
        if name == "_" {
            return;
        }
        if ty == Ty::Error && value.ty == Ty::Unknown {
            let error = self.opaque(&Ty::Error, "the error of a call");
            return self.define_as(name, error);
        }
        let value = self.coerced(value, &ty);
        self.define_as(name, value);
    }

    pub(super) fn define_as(&mut self, name: &str, value: Typed) {
        if name == "_" {
            return;
        }
        let value = self.keep_unknown(value);
        let local = self.declare(name, &value.ty.clone());
        self.set(&local, value);
    }

    /// A value without any is read once, so that it stays the same.
    fn keep_unknown(&mut self, value: Typed) -> Typed {
        if value.ty == Ty::Unknown { self.keep(value) } else { value }
    }

    /// `a, b := x, y`: what the innermost scope knows already is only assigned.
    pub(super) fn short_declaration(&mut self, left: Node<'_>, right: Node<'_>) {
        let targets = children(left);
        let hints: Vec<Option<Ty>> =
            targets.iter().map(|target| self.own_type(self.text(*target))).collect();
        let values = self.values(&children(right), &hints);
        for (target, value) in targets.into_iter().zip(values) {
            let name = self.text(target);
            match self.scopes.last().and_then(|scope| scope.get(name)).cloned() {
                Some(local) => {
                    let value = self.error_or(value, &local.ty);
                    self.set(&local, value);
                }
                None => self.define(name, value),
            }
        }
    }

    /// Which type the innermost scope gives a name.
    fn own_type(&self, name: &str) -> Option<Ty> {
        self.scopes.last().and_then(|scope| scope.get(name)).map(|local| local.ty.clone())
    }

    /// The error of a call that is not known is one that most likely is nil.
    fn error_or(&mut self, value: Typed, ty: &Ty) -> Typed {
        if *ty == Ty::Error && value.ty == Ty::Unknown {
            return self.opaque(ty, "the error of a call");
        }
        value
    }

    pub(super) fn assignment(&mut self, node: Node<'_>) {
        let (Some(left), Some(right), Some(operator)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
            node.child_by_field_name("operator"),
        ) else {
            return;
        };
        let targets = children(left);
        let operator = operator.kind();
        if operator != "=" {
            let ([target], Some(value)) = (targets.as_slice(), right.named_child(0)) else {
                return;
            };
            let one = self.expr(*target, None);
            let one = self.keep(one);
            let two = self.expr(value, Some(&one.ty.clone()));
            let operator = operator.trim_end_matches('=');
            let combined = self.binary_of(operator, one, two, line(node));
            self.store(*target, combined);
            return;
        }
        let hints: Vec<Option<Ty>> = targets.iter().map(|target| self.type_of(*target)).collect();
        let values = self.values(&children(right), &hints);
        for (target, value) in targets.into_iter().zip(values) {
            self.store(target, value);
        }
    }

    /// The type of something that is assigned to.
    fn type_of(&self, target: Node<'_>) -> Option<Ty> {
        let (root, path) = super::uses::chain(target, self.source)?;
        match self.local(&root) {
            Some(local) => self.package.at(&local.ty, &path).map(|(ty, _)| ty),
            None => {
                let (_, ty) = self.package.globals.get(&root)?;
                self.package.at(ty, &path).map(|(ty, _)| ty)
            }
        }
    }

    pub(super) fn store(&mut self, target: Node<'_>, value: Typed) {
        match target.kind() {
            "identifier" => self.store_name(self.text(target), value),
            "parenthesized_expression" => {
                if let Some(inner) = target.named_child(0) {
                    self.store(inner, value);
                }
            }
            "index_expression" => self.store_element(target, value),
            "selector_expression" | "unary_expression" => self.store_field(target, value),
            _ => {
                self.forget_places();
                self.block.push(Stmt::Clobber);
            }
        }
    }

    pub(super) fn store_name(&mut self, name: &str, value: Typed) {
        if name == "_" {
            return;
        }
        if let Some(local) = self.local(name) {
            if !local.shared {
                let value = self.error_or(value, &local.ty);
                self.set(&local, value);
            }
            return;
        }
        if let Some((global, ty)) = self.package.globals.get(name).cloned() {
            let value = self.coerced(value, &ty);
            self.block.push(Stmt::Assign(Var::global(global), value.value));
        }
    }

    /// An element of a slice, or of a map that must be there.
    fn store_element(&mut self, target: Node<'_>, value: Typed) {
        let Some(operand) = target.child_by_field_name("operand") else { return };
        let value = self.keep(value);
        let before = self.block.len();
        let of = self.expr(operand, None);
        let is_map = matches!(self.under(&of.ty), Ty::Map(..));
        let parts = of.parts.clone();
        if is_map {
            let of = self.named(of);
            if let Some(index) = target.child_by_field_name("index") {
                self.expr(index, None);
            }
            self.dereference(&of.value, line(target));
        } else {
            // Reading it asks the same as writing it.
            self.block.truncate(before);
            self.element(target);
        }
        match super::uses::index_of(target, self.source) {
            Some(index) => self.write(&parts, &index, value),
            None => self.forget_elements(),
        }
    }

    /// `x++` and `x--`.
    pub(super) fn step(&mut self, node: Node<'_>, minus: bool) {
        let Some(target) = node.named_child(0) else { return };
        let before = self.expr(target, None);
        let before = self.keep(before);
        let operator = if minus { "-" } else { "+" };
        let after = self.binary_of(operator, before, Typed::int(1), line(node));
        self.store(target, after);
    }
}

/// What errors are called everywhere.
fn is_error_name(name: &str) -> bool {
    name == "err" || name.ends_with("Err") || name.starts_with("err")
}
