//! Fields that are reached from variables: read, written, copied along, and forgotten.

use tree_sitter::Node;

use super::{
    Local, Lowering, Place,
    types::Ty,
    uses::{CAPACITY, TARGET, is_index},
    value::{Parts, Typed},
};
use crate::{
    emit::Emit,
    ir::{Expr, Read, Source, Stmt, Var},
    syntax::line,
};

/// Why a field may be anything.
const WRITTEN: &str = "a field that others may have written";

impl Lowering<'_> {
    /// Gives a variable another value; its fields are those of the value from here on.
    pub(super) fn set(&mut self, local: &Local, value: Typed) {
        let Typed { value, parts, .. } = self.coerced(value, &local.ty);
        self.block.push(Stmt::Assign(local.var, value));
        self.fill(local.var, &[], &parts);
        let name = self.variables[local.var.0 as usize].name.clone();
        self.refresh(&name);
    }

    /// Sets the places below a path to the parts of a value.
    fn fill(&mut self, root: Var, below: &[String], parts: &Parts) {
        let places: Vec<Place> = self
            .places
            .iter()
            .filter(|it| {
                it.root == root && it.path.len() > below.len() && it.path.starts_with(below)
            })
            .cloned()
            .collect();
        // Shorter paths first: what is deeper may be read from them.
        for place in places {
            let value = self.part(parts, &place, below.len());
            self.block.push(Stmt::Assign(place.var, value));
        }
    }

    /// The variable that holds what a path leads to.
    pub(super) fn holder(&self, root: Var, path: &[String]) -> Var {
        if path.is_empty() {
            return root;
        }
        let found = self.places.iter().find(|it| it.root == root && it.path == path);
        found.map_or(root, |place| place.var)
    }

    /// What a place gets of a value that is put `depth` steps before it.
    fn part(&mut self, parts: &Parts, place: &Place, depth: usize) -> Expr {
        let path = &place.path[depth..];
        match parts {
            Parts::Unknown => self.inside(place),
            Parts::Of(root, prefix) => {
                let whole: Vec<String> = prefix.iter().chain(path).cloned().collect();
                match self.places.iter().find(|it| it.root == *root && it.path == whole) {
                    Some(other) => Expr::Var(other.var),
                    None => self.inside(place),
                }
            }
            Parts::Made(fields) => {
                let own = fields.iter().find(|(name, _)| *name == path[0]).cloned();
                match own {
                    Some((_, value)) if path.len() == 1 => self.coerced(value, &place.ty).value,
                    Some((_, value)) => self.part(&value.parts, place, depth + 1),
                    // What a sequence was made of is not kept.
                    None if path.iter().any(|name| is_index(name) || name == CAPACITY) => {
                        self.inside(place)
                    }
                    None => self.zero(&place.ty).value,
                }
            }
        }
    }

    /// What a place holds if nothing is known but where it is: as known as what holds it.
    fn inside(&mut self, place: &Place) -> Expr {
        let (last, before) = match place.path.split_last() {
            Some((last, before)) => (last.clone(), before.to_vec()),
            None => return Expr::Var(place.var),
        };
        let holder = self.holder(place.root, &before);
        let read = Read { source: Source::Within(holder), ..Read::opaque(WRITTEN) };
        let of = self.root_type(place.root).and_then(|ty| self.package.at(&ty, &before));
        let is_map = of.is_some_and(|(ty, _)| matches!(self.under(&ty), Ty::Map(..)));
        if is_map && is_index(&last) {
            let holder = Typed::new(
                Expr::Var(holder),
                Ty::Map(Box::new(Ty::Unknown), Box::new(place.ty.clone())),
            );
            return self.map_value(&holder, &place.ty).value;
        }
        self.read(&place.ty, read)
    }

    pub(super) fn root_type(&self, root: Var) -> Option<Ty> {
        let own = self.scopes.iter().rev().flat_map(|scope| scope.values());
        own.into_iter().find(|local| local.var == root).map(|local| local.ty.clone())
    }

    /// The variable of a part of a value, if it is followed.
    pub(super) fn member(&self, of: &Parts, name: &str) -> Option<Place> {
        let Parts::Of(root, path) = of else { return None };
        let is_it = |place: &&Place| {
            place.root == *root
                && place.path.len() == path.len() + 1
                && place.path.starts_with(path)
                && place.path[path.len()] == name
        };
        self.places.iter().find(is_it).cloned()
    }

    /// A part that is followed, as a value.
    pub(super) fn followed(&self, of: &Parts, name: &str) -> Option<Typed> {
        let place = self.member(of, name)?;
        let parts = Parts::Of(place.root, place.path);
        Some(Typed { value: Expr::Var(place.var), ty: place.ty, parts })
    }

    /// A variable has another value: elements that are named by it are others.
    pub(super) fn refresh(&mut self, name: &str) {
        let index = format!("[{name}]");
        let places: Vec<Place> =
            self.places.iter().filter(|it| it.path.contains(&index)).cloned().collect();
        for place in places {
            let value = self.inside(&place);
            self.block.push(Stmt::Assign(place.var, value));
        }
    }

    /// The capacity of a slice, if its variable is followed.
    pub(super) fn capacity(&mut self, of: &Typed) -> Option<Expr> {
        if let Parts::Made(parts) = &of.parts {
            let own = parts.iter().find(|(name, _)| name == CAPACITY);
            return own.map(|(_, own)| own.value.clone());
        }
        self.followed(&of.parts, CAPACITY).map(|own| own.value)
    }

    /// `a.b.c = value`, or `*p = value`.
    pub(super) fn store_field(&mut self, target: Node<'_>, value: Typed) {
        let field = match target.child_by_field_name("field") {
            Some(field) => self.text(field).to_owned(),
            None => TARGET.to_owned(),
        };
        let value = if value.ty == Ty::Unknown { self.keep(value) } else { value };
        let Some(operand) = target.child_by_field_name("operand") else { return };
        let object = self.expr(operand, None);
        let object = self.named(object);
        if matches!(self.under(&object.ty), Ty::Ptr(_)) {
            self.dereference(&object.value, line(target));
        }
        self.write(&object.parts, &field, value);
    }

    /// Writes to a part that may be followed. The same one may be known by another name.
    pub(super) fn write(&mut self, of: &Parts, name: &str, value: Typed) {
        let Some(place) = self.member(of, name) else {
            self.forget_field(name);
            return;
        };
        let value = self.coerced(value, &place.ty);
        let value = self.keep(value);
        self.forget_field(name);
        self.block.push(Stmt::Assign(place.var, value.value));
        self.fill(place.root, &place.path, &value.parts);
    }

    /// Whatever is reached through a pointer and called so may be anything. What is written as a
    /// whole is every field.
    fn forget_field(&mut self, field: &str) {
        let (whole, element) = (field == TARGET, is_index(field));
        self.forget_where(|place| {
            whole || place.path.iter().any(|name| name == field || (element && is_index(name)))
        });
        self.block.push(Stmt::Clobber);
    }

    /// Some element of some sequence was written.
    pub(super) fn forget_elements(&mut self) {
        self.forget_where(|place| place.path.iter().any(|name| is_index(name)));
    }

    /// After code that nobody sees.
    pub(super) fn forget_places(&mut self) {
        self.forget_where(|_| true);
    }

    fn forget_where(&mut self, written: impl Fn(&Place) -> bool) {
        // An array of this function is reached by no pointer, but by other names of its elements.
        let far = |place: &Place| place.pointer || place.path.iter().any(|name| is_index(name));
        let places: Vec<Var> = self
            .places
            .iter()
            .filter(|place| far(place) && written(place))
            .map(|place| place.var)
            .collect();
        for var in places {
            let site = self.site();
            self.block.push(Stmt::Read(var, site, self.forgotten(var)));
        }
    }

    fn forgotten(&self, var: Var) -> Read {
        let place = self.places.iter().find(|place| place.var == var);
        let nilable = place.is_none_or(|place| self.under(&place.ty).is_nilable());
        Read { nullable: nilable, ..Read::opaque(WRITTEN) }
    }
}
