//! Terms as SMT-LIB, and models back.

use std::collections::BTreeMap;

use itoa::Integer;

use crate::{
    symbol::SymbolId,
    term::{Node, Sort, Term, Terms},
};

/// What a symbol is in a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Concrete {
    Bool(bool),
    Int(i128),
    Float(f64),
}

/// A question: is there a model of all `assertions`?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// SMT-LIB 2: declarations, definitions and assertions, without `check-sat`.
    pub script: String,
    /// The symbols whose values are wanted if there is a model.
    pub symbols: Vec<String>,
}

impl Query {
    pub(crate) fn new(terms: &Terms, assertions: &[Term]) -> Self {
        let mut script = Script { terms, text: String::new() };
        let mut symbols = Vec::new();
        for term in terms.reachable(assertions, false) {
            let node = terms.node(term);
            if let Node::Symbol(id) = node {
                script.declare(term, id);
                symbols.push(format!("t{}", term.0));
            } else if node.parts().1 > 0 {
                script.define(term, node);
            }
        }
        for assertion in assertions {
            script.put("(assert ");
            script.operand(*assertion);
            script.put(")\n");
        }
        Self { script: script.text, symbols }
    }
}

/// What is written so far. A function has thousands of terms and dozens of questions, so each piece
/// goes where it stays.
struct Script<'t> {
    terms: &'t Terms,
    text: String,
}

impl Script<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn digits(&mut self, value: impl Integer) {
        self.text.push_str(itoa::Buffer::new().format(value));
    }

    fn name(&mut self, term: Term) {
        self.put("t");
        self.digits(term.0);
    }

    fn int(&mut self, value: i128) {
        if value < 0 {
            self.put("(- ");
            self.digits(value.unsigned_abs());
            self.put(")");
        } else {
            self.digits(value);
        }
    }

    fn declare(&mut self, term: Term, id: SymbolId) {
        let symbol = self.terms.symbols.get(id);
        self.put("(declare-const ");
        self.name(term);
        self.put(" ");
        self.put(sort(symbol.sort));
        self.put(")\n");
        if let Some(low) = symbol.low {
            self.put("(assert (<= ");
            self.int(low);
            self.put(" ");
            self.name(term);
            self.put("))\n");
        }
        if let Some(high) = symbol.high {
            self.put("(assert (<= ");
            self.name(term);
            self.put(" ");
            self.int(high);
            self.put("))\n");
        }
    }

    fn define(&mut self, term: Term, node: Node) {
        self.put("(define-fun ");
        self.name(term);
        self.put(" () ");
        self.put(sort(self.terms.sort(term)));
        self.put(" (");
        self.put(operator(node));
        let (parts, count) = node.parts();
        for part in &parts[..count] {
            self.put(" ");
            self.operand(*part);
        }
        self.put("))\n");
    }

    fn operand(&mut self, term: Term) {
        let node = self.terms.node(term);
        if let Node::Bool(value) = node {
            self.put(if value { "true" } else { "false" });
        } else if let Node::Int(value) = node {
            self.int(value);
        } else if let Node::Float(bits) = node {
            self.put(&float(bits));
        } else {
            self.name(term);
        }
    }
}

fn sort(sort: Sort) -> &'static str {
    match sort {
        Sort::Bool => "Bool",
        Sort::Int => "Int",
        Sort::Float => "(_ FloatingPoint 11 53)",
    }
}

fn float(bits: u64) -> String {
    let (sign, rest) = (bits >> 63, bits & ((1 << 63) - 1));
    format!("(fp #b{sign:b} #b{:011b} #b{:052b})", rest >> 52, rest & ((1 << 52) - 1))
}

fn operator(node: Node) -> &'static str {
    match node {
        Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Symbol(_) => "",
        Node::Not(_) => "not",
        Node::And(..) => "and",
        Node::Or(..) => "or",
        Node::Ite(..) => "ite",
        Node::Eq(..) => "=",
        Node::Lt(..) => "<",
        Node::Le(..) => "<=",
        Node::Add(..) => "+",
        Node::Sub(..) => "-",
        Node::Mul(..) => "*",
        Node::Div(..) => "div",
        Node::Mod(..) => "mod",
        Node::FloatAbs(_) => "fp.abs",
        Node::FloatNeg(_) => "fp.neg",
        Node::FloatEq(..) => "fp.eq",
        Node::FloatLt(..) => "fp.lt",
        Node::FloatLe(..) => "fp.leq",
    }
}

/// Values by symbol, as the solver gave them. A value that cannot be read is left out.
pub(crate) fn model(terms: &Terms, values: &[(String, String)]) -> BTreeMap<SymbolId, Concrete> {
    values
        .iter()
        .filter_map(|(name, value)| {
            let term = Term(name.strip_prefix('t')?.parse().ok()?);
            let Node::Symbol(id) = terms.node(term) else { return None };
            Some((id, concrete(terms.sort(term), value)?))
        })
        .collect()
}

fn concrete(sort: Sort, text: &str) -> Option<Concrete> {
    match sort {
        Sort::Bool => Some(Concrete::Bool(text == "true")),
        Sort::Int => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let value: i128 = digits.parse().ok()?;
            Some(Concrete::Int(if text.contains('-') { -value } else { value }))
        }
        Sort::Float => concrete_float(text).map(Concrete::Float),
    }
}

/// `(fp #b0 #b… #x…)`, `(_ +zero 11 53)`, `(_ NaN 11 53)` and their like.
fn concrete_float(text: &str) -> Option<f64> {
    let words: Vec<&str> = text.trim_matches(['(', ')']).split_whitespace().collect();
    match words.as_slice() {
        ["_", "+zero", ..] => Some(0.0),
        ["_", "-zero", ..] => Some(-0.0),
        ["_", "+oo", ..] => Some(f64::INFINITY),
        ["_", "-oo", ..] => Some(f64::NEG_INFINITY),
        ["_", "NaN", ..] => Some(f64::NAN),
        ["fp", sign, exponent, fraction] => {
            let bits = (literal(sign)? << 63) | (literal(exponent)? << 52) | literal(fraction)?;
            Some(f64::from_bits(bits))
        }
        _ => None,
    }
}

fn literal(text: &str) -> Option<u64> {
    match text.split_at_checked(2)? {
        ("#b", digits) => u64::from_str_radix(digits, 2).ok(),
        ("#x", digits) => u64::from_str_radix(digits, 16).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_bit_by_bit_and_read_in_every_spelling() {
        for value in [0.0, -0.0, 1.5, -2.25e-7, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY] {
            let read = concrete_float(&float(value.to_bits())).unwrap();
            assert_eq!(read.to_bits(), value.to_bits());
        }
        assert_eq!(concrete_float("(_ -zero 11 53)").unwrap().to_bits(), (-0.0_f64).to_bits());
        assert!(concrete_float("(_ NaN 11 53)").unwrap().is_nan());
        assert_eq!(concrete_float("(fp #b0 #b01111111111 #x8000000000000)"), Some(1.5));
        assert_eq!(concrete_float("(fp #b0)"), None);
    }

    #[test]
    fn integers_are_read_with_their_sign() {
        assert_eq!(concrete(Sort::Int, "(- 5)"), Some(Concrete::Int(-5)));
        assert_eq!(concrete(Sort::Int, "7"), Some(Concrete::Int(7)));
        assert_eq!(concrete(Sort::Int, "x"), None);
    }
}
