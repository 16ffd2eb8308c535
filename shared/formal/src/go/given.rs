//! What holds of everything that a caller can hand over.

use super::{
    Lowering, Place,
    types::Ty,
    uses::{CAPACITY, is_index},
    value::zero,
};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, Stmt, Type, Var},
};

impl Lowering<'_> {
    /// No slice is longer than its capacity, a map that is nil holds nothing, and an element that
    /// has two names has one value. To be lowered first, while all places are those of parameters.
    pub(super) fn limits(&mut self) {
        for place in self.places.clone() {
            let Some((last, before)) = place.path.split_last() else { continue };
            let holder = self.holder(place.root, before);
            if last == CAPACITY {
                let length = self.length_of(&Expr::Var(holder));
                self.never(Expr::cmp(Cmp::Lt, Expr::Var(place.var), length));
            } else if is_index(last) && self.is_map(place.root, before) {
                self.nothing_in_nil(holder, &place);
            }
        }
        self.same_elements();
    }

    /// Nobody calls the function so.
    fn never(&mut self, condition: Expr) {
        self.block.push(Stmt::If(condition, vec![Stmt::Throw(String::new())], Vec::new()));
    }

    fn is_map(&self, root: Var, path: &[String]) -> bool {
        let of = self.root_type(root).and_then(|ty| self.package.at(&ty, path));
        of.is_some_and(|(ty, _)| matches!(self.under(&ty), Ty::Map(..)))
    }

    fn nothing_in_nil(&mut self, map: Var, element: &Place) {
        let own = |it: &&Place| it.root == element.root && it.path.starts_with(&element.path);
        let below: Vec<(Var, Ty)> =
            self.places.iter().filter(own).map(|it| (it.var, it.ty.clone())).collect();
        let zeros = self.nested(|lowering| {
            for (var, ty) in below {
                if let Some(zero) = zero(&lowering.under(&ty)) {
                    lowering.block.push(Stmt::Assign(var, zero));
                }
            }
        });
        self.block.push(Stmt::If(Expr::Var(map).is_null(), zeros, Vec::new()));
    }

    fn same_elements(&mut self) {
        let places = self.places.clone();
        for (at, one) in places.iter().enumerate() {
            for two in &places[at + 1..] {
                if one.root == two.root && one.path.len() == two.path.len() {
                    self.same_element(one, two);
                }
            }
        }
    }

    /// `a[i].next` and `a[j].next` where `i` is `j`.
    fn same_element(&mut self, one: &Place, two: &Place) {
        let mut same = Expr::Bool(true);
        for (first, second) in one.path.iter().zip(&two.path) {
            if first == second {
                continue;
            }
            let (Some(first), Some(second)) = (self.index_value(first), self.index_value(second))
            else {
                return;
            };
            same = same.and(Expr::cmp(Cmp::Eq, first, second));
        }
        let (first, second) = (Expr::Var(one.var), Expr::Var(two.var));
        let equal = match self.under(&one.ty).ir() {
            Type::Bool => Expr::SameBool(Box::new(first), Box::new(second)),
            Type::Int(_) => Expr::cmp(Cmp::Eq, first, second),
            // One that is not a number is not even equal to itself.
            Type::Float { .. } => return,
            Type::Ref => Expr::SameBool(Box::new(first.is_null()), Box::new(second.is_null())),
        };
        self.never(same.and(equal.not()));
    }

    /// The number in `[i]`, as the function begins.
    fn index_value(&self, name: &str) -> Option<Expr> {
        let inner = name.strip_prefix('[')?.strip_suffix(']')?;
        if let Ok(number) = inner.replace('_', "").parse::<u64>() {
            return Some(Expr::Int(number.into()));
        }
        if let Some(local) = self.local(inner) {
            let is_number = self.under(&local.ty).int().is_some();
            return is_number.then_some(Expr::Var(local.var));
        }
        let constant = self.package.constants.get(inner).map(|(value, _)| value.clone());
        constant.filter(|value| matches!(value, Expr::Int(_)))
    }
}
