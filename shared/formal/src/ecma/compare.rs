//! Equality and order of JavaScript.

use super::{
    Lowering,
    truth::{both, one_of},
    value::Value,
};
use crate::ir::{Cmp, Expr, Kind, Kinds};

impl Lowering<'_> {
    /// `===`
    pub(super) fn strictly_equal(&mut self, one: &Value, two: &Value) -> Expr {
        let (one, two) = (self.keep(one.clone()), self.keep(two.clone()));
        self.same_kind_equal(&one, &two)
    }

    fn same_kind_equal(&mut self, one: &Value, two: &Value) -> Expr {
        let mut equal = Expr::Bool(false);
        for kind in one.kinds.and(two.kinds).iter() {
            let same = match kind {
                Kind::Undefined | Kind::Null => Expr::Bool(true),
                Kind::Bool => Expr::SameBool(Box::new(one.as_bool()), Box::new(two.as_bool())),
                Kind::Int | Kind::BigInt => ints(Cmp::Eq, one, two),
                Kind::Float => floats(Cmp::Eq, one.as_float(), two.as_float()),
                Kind::Str => self.same_text(one, two),
                Kind::Array | Kind::Object | Kind::Function | Kind::Symbol => {
                    self.unknown_truth("the identity of objects")
                }
            };
            let both_are = both(one.is(kind), two.is(kind));
            equal = one_of(equal, both(both_are, same));
        }
        one_of(equal, self.mixed_numbers(Cmp::Eq, one, two))
    }

    /// An integer and a double.
    fn mixed_numbers(&mut self, cmp: Cmp, one: &Value, two: &Value) -> Expr {
        let mut result = Expr::Bool(false);
        if one.kinds.contains(Kind::Int) && two.kinds.contains(Kind::Float) {
            let pair = both(one.is(Kind::Int), two.is(Kind::Float));
            result = one_of(result, both(pair, floats(cmp, float_of(one), two.as_float())));
        }
        if one.kinds.contains(Kind::Float) && two.kinds.contains(Kind::Int) {
            let pair = both(one.is(Kind::Float), two.is(Kind::Int));
            result = one_of(result, both(pair, floats(cmp, one.as_float(), float_of(two))));
        }
        result
    }

    /// `==`: null and undefined are equal to each other and to nothing else.
    pub(super) fn loosely_equal(&mut self, one: &Value, two: &Value) -> Expr {
        let (one, two) = (self.keep(one.clone()), self.keep(two.clone()));
        let equal = self.same_kind_equal(&one, &two);
        let nullish = both(one.is_nullish(), two.is_nullish());
        let equal = one_of(equal, nullish);
        let big = |a: &Value, b: &Value| {
            both(both(a.is(Kind::BigInt), b.is(Kind::Int)), ints(Cmp::Eq, a, b))
        };
        let equal = one_of(equal, one_of(big(&one, &two), big(&two, &one)));
        // What is left is converted: a boolean to a number, a text, an object.
        let there = Kinds::ALL.without(Kinds::NULLISH);
        let (a, b) = (one.kinds.and(there), two.kinds.and(there));
        if a.is_empty() || b.is_empty() {
            return equal;
        }
        let exact = Kinds::of(Kind::Int).with(Kind::BigInt);
        let same_single = a.single().is_some() && a == b;
        let numbers = a.is_within(Kinds::NUMBER) && b.is_within(Kinds::NUMBER);
        if same_single || numbers || a.is_within(exact) && b.is_within(exact) {
            return equal;
        }
        if !a.or(b).is_within(Kinds::PRIMITIVE) {
            self.may_raise("a comparison that converts");
        }
        let unknown = self.unknown_truth("a comparison that converts");
        let converts = both(self.is_converted(&one, &two), unknown);
        one_of(equal, converts)
    }

    /// Whether two values are of kinds of which one is converted for a comparison.
    fn is_converted(&self, one: &Value, two: &Value) -> Expr {
        let there = Kinds::ALL.without(Kinds::NULLISH);
        let same = one
            .kinds
            .and(two.kinds)
            .iter()
            .fold(Expr::Bool(false), |all, kind| one_of(all, both(one.is(kind), two.is(kind))));
        let numbers = both(one.is_one_of(Kinds::NUMBER), two.is_one_of(Kinds::NUMBER));
        let objects = both(one.is_one_of(Kinds::OBJECTS), two.is_one_of(Kinds::OBJECTS));
        let apart = one_of(one_of(same, numbers), objects).not();
        both(both(one.is_one_of(there), two.is_one_of(there)), apart)
    }

    /// `<`, `<=`, `>`, `>=`; nothing is in any order with not-a-number.
    pub(super) fn order(&mut self, operator: &str, one: &Value, two: &Value) -> Expr {
        let (one, two) = (self.keep(one.clone()), self.keep(two.clone()));
        let texts = Kinds::OBJECTS.with(Kind::Str);
        let (one, two) = match one.kinds.or(two.kinds).and(texts).is_empty() {
            true => {
                let (one, two) = (self.numeric(&one), self.numeric(&two));
                (self.keep(one), self.keep(two))
            }
            false => (one, two),
        };
        let (one, two) = if operator.starts_with('>') { (two, one) } else { (one, two) };
        let cmp = if operator.ends_with('=') { Cmp::Le } else { Cmp::Lt };
        let exact = Kinds::of(Kind::Int).with(Kind::BigInt);
        let whole = both(one.is_one_of(exact), two.is_one_of(exact));
        let in_order = both(whole.clone(), ints(cmp, &one, &two));
        let mut result = in_order;
        if one.kinds.and(two.kinds).contains(Kind::Float) {
            let pair = both(one.is(Kind::Float), two.is(Kind::Float));
            let less = floats(cmp, one.as_float(), two.as_float());
            result = one_of(result, both(pair, less));
        }
        result = one_of(result, self.mixed_numbers(cmp, &one, &two));
        let numbers = both(one.is_one_of(Kinds::NUMBER), two.is_one_of(Kinds::NUMBER));
        let known = one_of(whole, numbers);
        if known == Expr::Bool(true) {
            return result;
        }
        let kinds = one.kinds.or(two.kinds);
        if !kinds.is_within(Kinds::NUMBER.with(Kind::BigInt)) {
            self.may_raise("a comparison that converts");
        }
        let unknown = self.unknown_truth("a comparison that converts");
        one_of(result, both(known.not(), unknown))
    }
}

fn ints(cmp: Cmp, one: &Value, two: &Value) -> Expr {
    match (cmp, one.as_int(), two.as_int()) {
        (Cmp::Eq, Expr::Int(one), Expr::Int(two)) => Expr::Bool(one == two),
        (cmp, one, two) => Expr::cmp(cmp, one, two),
    }
}

fn floats(cmp: Cmp, one: Expr, two: Expr) -> Expr {
    Expr::CmpFloat(cmp, Box::new(one), Box::new(two))
}

fn float_of(value: &Value) -> Expr {
    Expr::IntToFloat(Box::new(value.as_int()))
}
