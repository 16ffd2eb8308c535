//! Casts and assignments of Java: where a value may be too large for its place.

use tree_sitter::Node;

use super::{
    Lowering,
    expr::{Typed, contains, numeric, rounded},
    library, line,
    literal::number,
    types::Ty,
};
use crate::ir::{Expr, FloatOp, IntOp, IntType, Stmt, Var};

impl Lowering<'_> {
    pub(super) fn cast(&mut self, node: Node<'_>) -> Typed {
        let (Some(ty), Some(value)) =
            (node.child_by_field_name("type"), node.child_by_field_name("value"))
        else {
            return self.opaque(node, None);
        };
        let to = Ty::of(ty, self.source);
        let at = line(node);
        let lowered = self.expr(value, Some(&to));
        if let (Ty::Int(int), Ty::Int(_), true) = (&to, &lowered.1, self.computes_in(value, &to)) {
            let raw = self.keep(lowered.0.clone(), &lowered.1);
            self.overflow(*int, &raw, at);
            return (Expr::Wrap(*int, Box::new(raw)), to);
        }
        let is_sure = matches!(lowered.0, Expr::Null | Expr::New(_)) && lowered.1 != Ty::Unknown;
        if matches!(to, Ty::Ref(..)) && lowered.1 != to && to != Ty::named("Object") && !is_sure {
            self.may_throw("a cast", "ClassCastException");
        }
        (self.coerced(lowered, &to, at), to)
    }

    /// Whether a sum or product of values of the narrower type is put back into it: then what
    /// does not fit is an overflow, not a cut that was meant.
    pub(super) fn computes_in(&self, node: Node<'_>, to: &Ty) -> bool {
        let Ty::Int(narrow) = to else { return false };
        match node.kind() {
            "parenthesized_expression" => {
                node.named_child(0).is_some_and(|inner| self.computes_in(inner, to))
            }
            "binary_expression" => {
                let operator = node.child_by_field_name("operator").map(|it| self.text(it));
                let sides = [node.child_by_field_name("left"), node.child_by_field_name("right")];
                narrow.bits.is_some_and(|bits| bits < 32)
                    && matches!(operator, Some("+" | "-" | "*"))
                    && sides.into_iter().flatten().all(|side| self.fits(side, *narrow))
            }
            _ => false,
        }
    }

    pub(super) fn fits(&self, node: Node<'_>, narrow: IntType) -> bool {
        match node.kind() {
            "identifier" => match self.local(self.text(node)) {
                Some((_, Ty::Int(own))) => contains(narrow, own),
                _ => false,
            },
            "parenthesized_expression" => {
                node.named_child(0).is_some_and(|inner| self.fits(inner, narrow))
            }
            _ => {
                matches!(number(node, self.source), Some((Expr::Int(value), _)) if narrow.contains(value))
            }
        }
    }

    pub(super) fn update(&mut self, node: Node<'_>) -> Typed {
        let Some(target) = node.named_child(0) else { return self.opaque(node, None) };
        let first = node.child(0).map(|it| it.kind()).unwrap_or_default();
        let prefix = first == "++" || first == "--";
        let minus = self.text(node).starts_with("--") || self.text(node).ends_with("--");
        let (value, ty) = self.expr(target, None);
        let Some(unboxed) = numeric(&ty) else { return self.opaque(node, None) };
        let before = self.coerced((value, ty.clone()), &unboxed, line(node));
        let before = self.keep(before, &unboxed);
        let after = self.step(&before, &unboxed, minus, line(node));
        let after = self.keep(after, &unboxed);
        self.store_again(target, (after.clone(), unboxed.clone()));
        (if prefix { after } else { before }, unboxed)
    }

    pub(super) fn step(&mut self, before: &Expr, ty: &Ty, minus: bool, at: u32) -> Expr {
        match ty {
            Ty::Int(int) => {
                let op = if minus { IntOp::Sub } else { IntOp::Add };
                let raw = Expr::int2(op, before.clone(), Expr::Int(1));
                self.overflow(*int, &raw, at);
                Expr::Wrap(*int, Box::new(raw))
            }
            Ty::Bool | Ty::Float { .. } | Ty::Ref(..) | Ty::Unknown => {
                let op = if minus { FloatOp::Sub } else { FloatOp::Add };
                let sum = Expr::Float2(op, Box::new(before.clone()), Box::new(Expr::Float(1.0)));
                rounded(sum, *ty == Ty::Float { single: true })
            }
        }
    }

    pub(super) fn assignment(&mut self, node: Node<'_>) -> Typed {
        let (Some(left), Some(right), Some(operator)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
            node.child_by_field_name("operator"),
        ) else {
            return self.opaque(node, None);
        };
        let at = line(node);
        let operator = self.text(operator);
        if operator == "=" {
            let hint = self.type_of(left);
            let place = self.place(left);
            let value = self.expr(right, hint.as_ref());
            let ty = hint.unwrap_or_else(|| value.1.clone());
            let value = self.coerced(value, &ty, at);
            let value = self.keep(value, &ty);
            self.store(left, place, (value.clone(), ty.clone()));
            return (value, ty);
        }
        let (one, ty) = self.expr(left, None);
        let one = self.keep(one, &ty);
        let two = self.expr(right, Some(&ty));
        let combined =
            self.binary_of(operator.trim_end_matches('='), (one, ty.clone()), two, at, Some(&ty));
        let numeric = matches!(operator, "+=" | "-=" | "*=");
        if let (Ty::Int(to), Ty::Int(from), true) = (&ty, &combined.1, numeric)
            && !contains(*to, *from)
        {
            let raw = combined.0.clone();
            self.overflow(*to, &raw, at);
        }
        let value = self.coerced(combined, &ty, at);
        let value = self.keep(value, &ty);
        self.store_again(left, (value.clone(), ty.clone()));
        (value, ty)
    }

    /// What of the left side is computed before the right one: an array and its index, or an
    /// object. Whether they are there is asked afterwards.
    fn place(&mut self, target: Node<'_>) -> Vec<Typed> {
        let parts = match target.kind() {
            "array_access" => ["array", "index"].map(|part| target.child_by_field_name(part)),
            "field_access" if !self.is_own_field(target) => {
                [target.child_by_field_name("object"), None]
            }
            _ => [None, None],
        };
        let parts = parts.into_iter().flatten().map(|part| {
            let (value, ty) = self.expr(part, None);
            let value = if ty == Ty::Unknown { value } else { self.keep(value, &ty) };
            (value, ty)
        });
        parts.collect()
    }

    /// A field of this object, or of a class.
    fn is_own_field(&self, target: Node<'_>) -> bool {
        let object = target.child_by_field_name("object");
        object.is_some_and(|it| it.kind() == "this" || self.class_name(it).is_some())
    }

    /// Puts a value back where it was read from; what leads there was computed then.
    fn store_again(&mut self, target: Node<'_>, value: Typed) {
        match target.kind() {
            // Elements are not followed.
            "array_access" => {}
            "field_access" if !self.is_own_field(target) => self.block.push(Stmt::Clobber),
            _ => self.store(target, Vec::new(), value),
        }
    }

    /// The static type of something that is assigned to.
    pub(super) fn type_of(&self, node: Node<'_>) -> Option<Ty> {
        match node.kind() {
            "identifier" => {
                let name = self.text(node);
                self.local(name).or_else(|| self.field(&self.class, name)).map(|(_, ty)| ty)
            }
            "array_access" => {
                let array = self.type_of(node.child_by_field_name("array")?)?;
                Some(array.element()).filter(|ty| *ty != Ty::Unknown)
            }
            "field_access" => {
                let field = self.text(node.child_by_field_name("field")?);
                let object = node.child_by_field_name("object")?;
                let class = self.class_name(object).unwrap_or(&self.class);
                self.field(class, field).map(|(_, ty)| ty)
            }
            _ => None,
        }
    }

    fn store(&mut self, target: Node<'_>, place: Vec<Typed>, value: Typed) {
        match target.kind() {
            "identifier" => {
                let name = self.text(target);
                match self.local(name).or_else(|| self.field(&self.class, name)) {
                    Some((var, _)) => self.set(var, value.0),
                    // A field of a class around this one, or above it.
                    None => self.block.push(Stmt::Clobber),
                }
            }
            "array_access" => {
                // An array may be one of a narrower class than it is declared.
                let mut parts = place.into_iter();
                let element = parts.next().zip(parts.next());
                let element =
                    element.and_then(|(array, index)| self.element_of(array, index, line(target)));
                if let Some((_, Ty::Ref(class, dimensions))) = element
                    && value.0 != Expr::Null
                    && (dimensions > 0 || !library::is_final(&class))
                {
                    self.may_throw("an element of another class", "ArrayStoreException");
                }
            }
            "field_access" => self.store_field(target, place, value.0),
            _ => self.forget(target, "an assignment"),
        }
    }

    fn store_field(&mut self, target: Node<'_>, place: Vec<Typed>, value: Expr) {
        let (Some(object), Some(field)) =
            (target.child_by_field_name("object"), target.child_by_field_name("field"))
        else {
            return;
        };
        let name = self.text(field);
        let class = match object.kind() {
            "this" => Some(self.class.clone()),
            _ => self.class_name(object).map(str::to_owned),
        };
        if let Some((var, _)) = class.and_then(|class| self.field(&class, name)) {
            self.block.push(Stmt::Assign(var, value));
            return;
        }
        match place.into_iter().next() {
            Some((_, Ty::Unknown)) => self.may_throw("a field of something unknown", ""),
            Some((object, _)) => self.dereference(&object, line(target)),
            None => {}
        }
        // It may be a field of this very object, by another name.
        self.block.push(Stmt::Clobber);
    }

    pub(super) fn set(&mut self, var: Var, value: Expr) {
        self.block.push(Stmt::Assign(var, value));
    }
}
