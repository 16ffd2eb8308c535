//! Literals of Rust, and what can be computed of them when the code is compiled.

use tree_sitter::Node;

use super::{
    children,
    items::Items,
    text,
    types::{CHAR_MAX, Ty, int_type},
};
use crate::ir::IntType;

/// A value that the compiler knows as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folded {
    Int(i128),
    Bool(bool),
}

/// The digits of a literal, with the type that its end names.
pub(super) fn integer(text: &str) -> Option<(i128, Option<IntType>)> {
    let plain = text.replace('_', "");
    let (radix, digits) = match plain.get(..2) {
        Some("0x") => (16, &plain[2..]),
        Some("0o") => (8, &plain[2..]),
        Some("0b") => (2, &plain[2..]),
        _ => (10, plain.as_str()),
    };
    let end = digits.find(|letter: char| !letter.is_digit(radix)).unwrap_or(digits.len());
    let (digits, suffix) = digits.split_at(end);
    let ty = if suffix.is_empty() { None } else { Some(int_type(suffix)?) };
    Some((i128::from_str_radix(digits, radix).ok()?, ty))
}

pub(super) fn float(text: &str) -> Option<(f64, Option<bool>)> {
    let plain = text.replace('_', "");
    for (suffix, single) in [("f32", true), ("f64", false)] {
        if let Some(digits) = plain.strip_suffix(suffix) {
            return Some((digits.parse().ok()?, Some(single)));
        }
    }
    Some((plain.parse().ok()?, None))
}

/// The code of `'a'` or `b'a'`.
pub(super) fn character(text: &str) -> Option<i128> {
    let inner = text.trim_start_matches('b').strip_prefix('\'')?.strip_suffix('\'')?;
    let code = match inner {
        "\\n" => 10,
        "\\r" => 13,
        "\\t" => 9,
        "\\0" => 0,
        "\\\\" => 92,
        "\\'" => 39,
        "\\\"" => 34,
        _ => {
            if let Some(hex) = inner.strip_prefix("\\x") {
                u32::from_str_radix(hex, 16).ok()?
            } else if let Some(hex) = inner.strip_prefix("\\u{") {
                u32::from_str_radix(&hex.strip_suffix('}')?.replace('_', ""), 16).ok()?
            } else {
                let mut letters = inner.chars();
                let first = letters.next()?;
                if letters.next().is_some() {
                    return None;
                }
                u32::from(first)
            }
        }
    };
    Some(i128::from(code)).filter(|code| *code <= CHAR_MAX)
}

/// The length in bytes of a plain string literal.
pub(super) fn length(node: Node<'_>, source: &str) -> Option<i128> {
    let whole = text(node, source);
    let inner = match node.kind() {
        "raw_string_literal" => {
            let start = whole.find('"')? + 1;
            whole.get(start..whole.rfind('"')?)?
        }
        _ => {
            let inner =
                whole.trim_start_matches(['b', 'c']).strip_prefix('"')?.strip_suffix('"')?;
            if inner.contains('\\') {
                return None;
            }
            inner
        }
    };
    i128::try_from(inner.len()).ok()
}

/// `MAX`, `MIN` or `BITS` of an integer type.
pub(super) fn limit(ty: IntType, name: &str) -> Option<(i128, IntType)> {
    let (low, high) = ty.range()?;
    match name {
        "MAX" => Some((high, ty)),
        "MIN" => Some((low, ty)),
        "BITS" => Some((i128::from(ty.bits?), super::types::U32)),
        _ => None,
    }
}

/// Where names are looked up: the module, and the type of the `impl`.
pub(super) type Place<'a> = (&'a str, Option<&'a str>);

/// What an expression is worth when the code is compiled, if it is simple.
pub(super) fn fold(
    node: Node<'_>,
    items: &Items<'_>,
    at: Place<'_>,
    hint: Option<&Ty>,
    depth: usize,
) -> Option<(Folded, Ty)> {
    let source = items.source;
    let inner =
        |at_child: usize, hint| fold(*children(node).get(at_child)?, items, at, hint, depth);
    match node.kind() {
        "integer_literal" => {
            let (value, own) = integer(text(node, source))?;
            let hinted = hint.filter(|ty| matches!(ty, Ty::Int(_))).cloned();
            Some((Folded::Int(value), own.map(Ty::Int).or(hinted)?))
        }
        "char_literal" => {
            let whole = text(node, source);
            let ty = if whole.starts_with('b') { Ty::Int(IntType::unsigned(8)) } else { Ty::Char };
            Some((Folded::Int(character(whole)?), ty))
        }
        "boolean_literal" => Some((Folded::Bool(text(node, source) == "true"), Ty::Bool)),
        "parenthesized_expression" | "block" if children(node).len() == 1 => inner(0, hint),
        "identifier" => items.constant(at.0, text(node, source), depth),
        "scoped_identifier" => {
            let name = text(node.child_by_field_name("name")?, source);
            let path = text(node.child_by_field_name("path")?, source);
            if let Some(ty) = int_type(path.rsplit("::").next().unwrap_or(path)) {
                let (value, ty) = limit(ty, name)?;
                return Some((Folded::Int(value), Ty::Int(ty)));
            }
            let own = if path == "Self" { at.1? } else { path };
            items.constant(at.0, &format!("{own}::{name}"), depth)
        }
        "type_cast_expression" => {
            let to = int_type(text(node.child_by_field_name("type")?, source))?;
            let target = Ty::Int(to);
            let value = node.child_by_field_name("value")?;
            let (Folded::Int(value), _) = fold(value, items, at, Some(&target), depth)? else {
                return None;
            };
            to.bits.filter(|bits| *bits < 128)?;
            Some((Folded::Int(to.wrap(value)), target))
        }
        "unary_expression" => {
            let (value, ty) = inner(0, hint)?;
            match (text(node, source).chars().next()?, value, &ty) {
                ('-', Folded::Int(value), Ty::Int(own)) => {
                    let value = value.checked_neg().filter(|value| own.contains(*value))?;
                    Some((Folded::Int(value), ty))
                }
                ('!', Folded::Bool(value), _) => Some((Folded::Bool(!value), ty)),
                _ => None,
            }
        }
        "binary_expression" => binary(node, items, at, hint, depth),
        _ => None,
    }
}

fn binary(
    node: Node<'_>,
    items: &Items<'_>,
    at: Place<'_>,
    hint: Option<&Ty>,
    depth: usize,
) -> Option<(Folded, Ty)> {
    let (left, right) = (node.child_by_field_name("left")?, node.child_by_field_name("right")?);
    let operator = text(node.child_by_field_name("operator")?, items.source);
    let one = fold(left, items, at, hint, depth);
    let hint = one.as_ref().map(|(_, ty)| ty).or(hint);
    let (two, own) = fold(right, items, at, hint, depth)?;
    let one = one.or_else(|| fold(left, items, at, Some(&own), depth));
    let ((Folded::Int(one), ty), Folded::Int(two)) = (one?, two) else { return None };
    let Ty::Int(width) = ty else { return None };
    let value = match operator {
        "+" => one.checked_add(two)?,
        "-" => one.checked_sub(two)?,
        "*" => one.checked_mul(two)?,
        "/" => one.checked_div(two)?,
        "%" => one.checked_rem(two)?,
        "&" => one & two,
        "|" => one | two,
        "^" => one ^ two,
        "<<" if (0..64).contains(&two) && width.bits? <= 64 => {
            width.wrap(one.checked_mul(1_i128 << two)?)
        }
        ">>" if (0..64).contains(&two) => one >> two,
        _ => return None,
    };
    width.contains(value).then_some((Folded::Int(value), Ty::Int(width)))
}
