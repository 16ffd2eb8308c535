//! Terms as SMT-LIB, and models back.

use std::{collections::BTreeMap, fmt::Write};

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
        let mut script = String::new();
        let mut symbols = Vec::new();
        for term in terms.reachable(assertions, false) {
            let node = terms.node(term);
            if let Node::Symbol(id) = node {
                declare(terms, term, id, &mut script);
                symbols.push(name(term));
            } else if node.parts().1 > 0 {
                let (text, sort) = (compound(terms, node), sort(terms.sort(term)));
                let _ = writeln!(script, "(define-fun {} () {sort} {text})", name(term));
            }
        }
        for assertion in assertions {
            let _ = writeln!(script, "(assert {})", operand(terms, *assertion));
        }
        Self { script, symbols }
    }
}

fn declare(terms: &Terms, term: Term, id: SymbolId, script: &mut String) {
    let (name, symbol) = (name(term), terms.symbols.get(id));
    let _ = writeln!(script, "(declare-const {name} {})", sort(symbol.sort));
    if let Some(low) = symbol.low {
        let _ = writeln!(script, "(assert (<= {} {name}))", int(low));
    }
    if let Some(high) = symbol.high {
        let _ = writeln!(script, "(assert (<= {name} {}))", int(high));
    }
}

fn name(term: Term) -> String {
    format!("t{}", term.0)
}

fn sort(sort: Sort) -> &'static str {
    match sort {
        Sort::Bool => "Bool",
        Sort::Int => "Int",
        Sort::Float => "(_ FloatingPoint 11 53)",
    }
}

fn int(value: i128) -> String {
    if value < 0 { format!("(- {})", value.unsigned_abs()) } else { value.to_string() }
}

fn float(bits: u64) -> String {
    let (sign, rest) = (bits >> 63, bits & ((1 << 63) - 1));
    format!("(fp #b{sign:b} #b{:011b} #b{:052b})", rest >> 52, rest & ((1 << 52) - 1))
}

fn operand(terms: &Terms, term: Term) -> String {
    let node = terms.node(term);
    if let Node::Bool(value) = node {
        value.to_string()
    } else if let Node::Int(value) = node {
        int(value)
    } else if let Node::Float(bits) = node {
        float(bits)
    } else {
        name(term)
    }
}

fn compound(terms: &Terms, node: Node) -> String {
    let operator = match node {
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
    };
    let (parts, count) = node.parts();
    let mut text = format!("({operator}");
    for part in &parts[..count] {
        let _ = write!(text, " {}", operand(terms, *part));
    }
    text.push(')');
    text
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
