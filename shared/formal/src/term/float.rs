use super::{Node, Sort, Term, Terms};

impl Terms {
    pub(crate) fn float_abs(&mut self, one: Term) -> Term {
        match self.as_float(one) {
            Some(value) => self.float(value.abs()),
            None => self.intern(Node::FloatAbs(one), Sort::Float, (None, None)),
        }
    }

    pub(crate) fn float_neg(&mut self, one: Term) -> Term {
        match self.as_float(one) {
            Some(value) => self.float(-value),
            None => self.intern(Node::FloatNeg(one), Sort::Float, (None, None)),
        }
    }

    pub(crate) fn float_eq(&mut self, one: Term, two: Term) -> Term {
        match (self.as_float(one), self.as_float(two)) {
            (Some(one), Some(two)) => self.bool(one == two),
            _ => self.truth(Node::FloatEq(one, two)),
        }
    }

    pub(crate) fn float_lt(&mut self, one: Term, two: Term) -> Term {
        match (self.as_float(one), self.as_float(two)) {
            (Some(one), Some(two)) => self.bool(one < two),
            _ => self.truth(Node::FloatLt(one, two)),
        }
    }

    pub(crate) fn float_le(&mut self, one: Term, two: Term) -> Term {
        match (self.as_float(one), self.as_float(two)) {
            (Some(one), Some(two)) => self.bool(one <= two),
            _ => self.truth(Node::FloatLe(one, two)),
        }
    }
}
