//! Terms of the queries: shared, folded while they are built, with an interval for each integer.
//!
//! Most checks of ordinary code end here: a term that folds to `false` needs no solver.

mod float;

use std::{
    collections::{BTreeSet, HashMap},
    mem,
};

use crate::symbol::{Symbol, SymbolId, Symbols};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Term(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sort {
    Bool,
    Int,
    Float,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Bool(bool),
    Int(i128),
    /// By its bits, so that not-a-number equals itself and the zeros differ.
    Float(u64),
    Symbol(SymbolId),
    Not(Term),
    And(Term, Term),
    Or(Term, Term),
    Ite(Term, Term, Term),
    /// Of integers or booleans.
    Eq(Term, Term),
    Lt(Term, Term),
    Le(Term, Term),
    Add(Term, Term),
    Sub(Term, Term),
    Mul(Term, Term),
    /// As SMT-LIB has them: the remainder is never negative.
    Div(Term, Term),
    Mod(Term, Term),
    FloatAbs(Term),
    FloatNeg(Term),
    FloatEq(Term, Term),
    FloatLt(Term, Term),
    FloatLe(Term, Term),
}

impl Node {
    pub(crate) fn parts(self) -> ([Term; 3], usize) {
        let none = Term(0);
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Symbol(_) => ([none; 3], 0),
            Self::Not(one) | Self::FloatAbs(one) | Self::FloatNeg(one) => ([one, none, none], 1),
            Self::Ite(one, two, three) => ([one, two, three], 3),
            Self::And(one, two)
            | Self::Or(one, two)
            | Self::Eq(one, two)
            | Self::Lt(one, two)
            | Self::Le(one, two)
            | Self::Add(one, two)
            | Self::Sub(one, two)
            | Self::Mul(one, two)
            | Self::Div(one, two)
            | Self::Mod(one, two)
            | Self::FloatEq(one, two)
            | Self::FloatLt(one, two)
            | Self::FloatLe(one, two) => ([one, two, none], 2),
        }
    }
}

/// What an integer lies within; `None` is infinity.
pub(crate) type Interval = (Option<i128>, Option<i128>);

#[derive(Default)]
pub(crate) struct Terms {
    nodes: Vec<Node>,
    sorts: Vec<Sort>,
    intervals: Vec<Interval>,
    known: HashMap<Node, Term>,
    pub(crate) symbols: Symbols,
}

impl Terms {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, term: Term) -> Node {
        self.nodes[term.0 as usize]
    }

    pub(crate) fn sort(&self, term: Term) -> Sort {
        self.sorts[term.0 as usize]
    }

    pub(crate) fn interval(&self, term: Term) -> Interval {
        self.intervals[term.0 as usize]
    }

    fn intern(&mut self, node: Node, sort: Sort, interval: Interval) -> Term {
        if let Some(term) = self.known.get(&node) {
            return *term;
        }
        let term = Term(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        self.sorts.push(sort);
        self.intervals.push(interval);
        self.known.insert(node, term);
        term
    }

    fn truth(&mut self, node: Node) -> Term {
        self.intern(node, Sort::Bool, (None, None))
    }

    pub(crate) fn bool(&mut self, value: bool) -> Term {
        self.truth(Node::Bool(value))
    }

    pub(crate) fn int(&mut self, value: i128) -> Term {
        self.intern(Node::Int(value), Sort::Int, (Some(value), Some(value)))
    }

    pub(crate) fn float(&mut self, value: f64) -> Term {
        self.intern(Node::Float(value.to_bits()), Sort::Float, (None, None))
    }

    pub(crate) fn symbol(&mut self, symbol: Symbol) -> Term {
        let (sort, interval) = (symbol.sort, (symbol.low, symbol.high));
        let id = self.symbols.intern(symbol);
        self.intern(Node::Symbol(id), sort, interval)
    }

    pub(crate) fn symbol_of(&self, term: Term) -> Option<SymbolId> {
        if let Node::Symbol(id) = self.node(term) { Some(id) } else { None }
    }

    pub(crate) fn symbol_term(&mut self, id: SymbolId) -> Term {
        let symbol = self.symbols.get(id).clone();
        self.symbol(symbol)
    }

    pub(crate) fn as_bool(&self, term: Term) -> Option<bool> {
        if let Node::Bool(value) = self.node(term) { Some(value) } else { None }
    }

    pub(crate) fn as_int(&self, term: Term) -> Option<i128> {
        if let Node::Int(value) = self.node(term) { Some(value) } else { None }
    }

    pub(crate) fn as_float(&self, term: Term) -> Option<f64> {
        if let Node::Float(bits) = self.node(term) { Some(f64::from_bits(bits)) } else { None }
    }

    pub(crate) fn not(&mut self, one: Term) -> Term {
        if let Node::Not(inner) = self.node(one) {
            return inner;
        }
        match self.as_bool(one) {
            Some(value) => self.bool(!value),
            None => self.truth(Node::Not(one)),
        }
    }

    pub(crate) fn and(&mut self, one: Term, two: Term) -> Term {
        let opposite = self.not(one) == two;
        match (self.as_bool(one), self.as_bool(two)) {
            (Some(false), _) | (_, Some(false)) => self.bool(false),
            (Some(true), _) => two,
            (_, Some(true)) => one,
            _ if one == two => one,
            _ if opposite => self.bool(false),
            _ => self.truth(Node::And(one, two)),
        }
    }

    pub(crate) fn or(&mut self, one: Term, two: Term) -> Term {
        let opposite = self.not(one) == two;
        match (self.as_bool(one), self.as_bool(two)) {
            (Some(true), _) | (_, Some(true)) => self.bool(true),
            (Some(false), _) => two,
            (_, Some(false)) => one,
            _ if one == two => one,
            _ if opposite => self.bool(true),
            _ => self.truth(Node::Or(one, two)),
        }
    }

    pub(crate) fn all(&mut self, terms: &[Term]) -> Term {
        let start = self.bool(true);
        terms.iter().fold(start, |all, term| self.and(all, *term))
    }

    pub(crate) fn ite(&mut self, condition: Term, yes: Term, no: Term) -> Term {
        if yes == no {
            return yes;
        }
        if let Some(value) = self.as_bool(condition) {
            return if value { yes } else { no };
        }
        if self.sort(yes) == Sort::Bool {
            match (self.as_bool(yes), self.as_bool(no)) {
                (Some(true), _) => return self.or(condition, no),
                (Some(false), _) => {
                    let other = self.not(condition);
                    return self.and(other, no);
                }
                (_, Some(false)) => return self.and(condition, yes),
                (_, Some(true)) => {
                    let other = self.not(condition);
                    return self.or(other, yes);
                }
                (None, None) => {}
            }
        }
        let (one, two) = (self.interval(yes), self.interval(no));
        let low = one.0.zip(two.0).map(|(one, two)| one.min(two));
        let high = one.1.zip(two.1).map(|(one, two)| one.max(two));
        self.intern(Node::Ite(condition, yes, no), self.sort(yes), (low, high))
    }

    pub(crate) fn eq(&mut self, one: Term, two: Term) -> Term {
        if one == two {
            return self.bool(true);
        }
        if self.sort(one) == Sort::Bool {
            if let Some(value) = self.as_bool(one) {
                return if value { two } else { self.not(two) };
            }
            if let Some(value) = self.as_bool(two) {
                return if value { one } else { self.not(one) };
            }
        } else if self.apart(one, two) || self.apart(two, one) {
            return self.bool(false);
        }
        let (one, two) = (one.min(two), one.max(two));
        self.truth(Node::Eq(one, two))
    }

    /// Whether everything of `one` lies below everything of `two`.
    fn apart(&self, one: Term, two: Term) -> bool {
        matches!((self.interval(one).1, self.interval(two).0), (Some(high), Some(low)) if high < low)
    }

    pub(crate) fn lt(&mut self, one: Term, two: Term) -> Term {
        if self.apart(one, two) {
            return self.bool(true);
        }
        let ((low, _), (_, high)) = (self.interval(one), self.interval(two));
        if one == two || matches!((low, high), (Some(low), Some(high)) if low >= high) {
            return self.bool(false);
        }
        self.truth(Node::Lt(one, two))
    }

    pub(crate) fn le(&mut self, one: Term, two: Term) -> Term {
        let other = self.lt(two, one);
        match self.as_bool(other) {
            Some(value) => self.bool(!value),
            None => self.truth(Node::Le(one, two)),
        }
    }

    pub(crate) fn add(&mut self, one: Term, two: Term) -> Term {
        let (a, b) = (self.interval(one), self.interval(two));
        match (self.as_int(one), self.as_int(two)) {
            (Some(0), _) => return two,
            (_, Some(0)) => return one,
            (Some(one), Some(two)) if one.checked_add(two).is_some() => return self.int(one + two),
            _ => {}
        }
        let low = a.0.zip(b.0).and_then(|(one, two)| one.checked_add(two));
        let high = a.1.zip(b.1).and_then(|(one, two)| one.checked_add(two));
        self.intern(Node::Add(one, two), Sort::Int, (low, high))
    }

    pub(crate) fn sub(&mut self, one: Term, two: Term) -> Term {
        let (a, b) = (self.interval(one), self.interval(two));
        match (self.as_int(one), self.as_int(two)) {
            (_, Some(0)) => return one,
            (Some(one), Some(two)) if one.checked_sub(two).is_some() => return self.int(one - two),
            _ if one == two => return self.int(0),
            _ => {}
        }
        let low = a.0.zip(b.1).and_then(|(one, two)| one.checked_sub(two));
        let high = a.1.zip(b.0).and_then(|(one, two)| one.checked_sub(two));
        self.intern(Node::Sub(one, two), Sort::Int, (low, high))
    }

    pub(crate) fn mul(&mut self, one: Term, two: Term) -> Term {
        let (a, b) = (self.interval(one), self.interval(two));
        match (self.as_int(one), self.as_int(two)) {
            (Some(0), _) | (_, Some(0)) => return self.int(0),
            (Some(1), _) => return two,
            (_, Some(1)) => return one,
            (Some(one), Some(two)) if one.checked_mul(two).is_some() => return self.int(one * two),
            _ => {}
        }
        let interval = match (a, b) {
            ((Some(a), Some(b)), (Some(c), Some(d))) => {
                let corners: Option<Vec<i128>> = [(a, c), (a, d), (b, c), (b, d)]
                    .iter()
                    .map(|(one, two)| one.checked_mul(*two))
                    .collect();
                let corners = corners.unwrap_or_default();
                let low = corners.iter().min().copied();
                (
                    if one == two { low.map(|low| low.max(0)) } else { low },
                    corners.iter().max().copied(),
                )
            }
            _ => (None, None),
        };
        self.intern(Node::Mul(one, two), Sort::Int, interval)
    }

    /// Euclidean division; nothing is said about a divisor of 0.
    pub(crate) fn div(&mut self, one: Term, two: Term) -> Term {
        match (self.as_int(one), self.as_int(two)) {
            (Some(a), Some(b)) => {
                if let Some(quotient) = a.checked_div_euclid(b) {
                    return self.int(quotient);
                }
            }
            (_, Some(1)) => return one,
            _ => {}
        }
        let interval = match (self.interval(one), self.as_int(two)) {
            ((low, high), Some(by)) if by > 0 => {
                (low.map(|low| low.div_euclid(by)), high.map(|high| high.div_euclid(by)))
            }
            // Whatever divides it, it does not get larger. Division by 0 was excluded before.
            ((Some(low), Some(high)), _) => {
                let most = low.saturating_abs().max(high.saturating_abs());
                (Some(-most), Some(most))
            }
            _ => (None, None),
        };
        self.intern(Node::Div(one, two), Sort::Int, interval)
    }

    pub(crate) fn modulo(&mut self, one: Term, two: Term) -> Term {
        let known = self.as_int(one).zip(self.as_int(two));
        if let Some(rest) = known.and_then(|(one, two)| one.checked_rem_euclid(two)) {
            return self.int(rest);
        }
        let interval = match self.as_int(two) {
            Some(by) if by != 0 => (Some(0), by.checked_abs().map(|by| by - 1)),
            _ => (None, None),
        };
        self.intern(Node::Mod(one, two), Sort::Int, interval)
    }

    /// Every term that `roots` are made of, parts before wholes. With `data`, the conditions of
    /// choices are left out: what remains is where the value itself can come from.
    pub(crate) fn reachable(&self, roots: &[Term], data: bool) -> Vec<Term> {
        let mut is_found = vec![false; self.len()];
        let mut found = Vec::new();
        let mut open = roots.to_vec();
        while let Some(term) = open.pop() {
            if mem::replace(&mut is_found[term.0 as usize], true) {
                continue;
            }
            found.push(term);
            let (parts, count) = self.node(term).parts();
            let skipped = usize::from(data && self.is_choice(term));
            open.extend_from_slice(&parts[skipped..count.max(skipped)]);
        }
        found.sort_unstable();
        found
    }

    /// Whether a term is one of two values; a boolean that counts as 1 or 0 is a value itself.
    fn is_choice(&self, term: Term) -> bool {
        let Node::Ite(condition, yes, no) = self.node(term) else { return false };
        let counts = (self.as_int(yes), self.as_int(no)) == (Some(1), Some(0));
        !counts || self.symbol_of(condition).is_none()
    }

    /// The symbols that `roots` depend on.
    pub(crate) fn support(&self, roots: &[Term], data: bool) -> BTreeSet<SymbolId> {
        self.reachable(roots, data).iter().filter_map(|term| self.symbol_of(*term)).collect()
    }
}
