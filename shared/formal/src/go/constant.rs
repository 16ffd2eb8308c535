//! Constants: unbounded arithmetic at the time of compilation, `iota`, and those of `math`.

use std::collections::HashMap;

use tree_sitter::Node;

use super::types::{Names, Ty, basic};
use crate::{
    ir::Expr,
    syntax::{children, text},
};

pub(super) type Constants = HashMap<String, (Expr, Ty)>;

pub(super) struct Evaluator<'a> {
    pub(super) source: &'a str,
    pub(super) constants: &'a Constants,
    /// Which constant of its group it is, where one is declared.
    pub(super) iota: Option<i128>,
}

impl Evaluator<'_> {
    pub(super) fn value(&self, node: Node<'_>) -> Option<(Expr, Ty)> {
        let whole = text(node, self.source);
        match node.kind() {
            "int_literal" => Some((Expr::Int(integer(whole)?), Ty::ConstInt)),
            "float_literal" => {
                Some((Expr::Float(whole.replace('_', "").parse().ok()?), Ty::ConstFloat))
            }
            "rune_literal" => Some((Expr::Int(rune(whole)?), Ty::ConstInt)),
            "true" | "false" => Some((Expr::Bool(node.kind() == "true"), Ty::Bool)),
            "interpreted_string_literal" | "raw_string_literal" => {
                Some((Expr::New(Some(Box::new(Expr::Int(string_length(whole)?)))), Ty::Str))
            }
            "iota" => Some((Expr::Int(self.iota?), Ty::ConstInt)),
            "identifier" => self.constants.get(whole).cloned(),
            "parenthesized_expression" => self.value(node.named_child(0)?),
            "selector_expression" => math(whole).map(|value| (value, Ty::ConstInt)),
            "unary_expression" => self.unary(node),
            "binary_expression" => self.binary(node),
            "call_expression" => self.call(node),
            _ => None,
        }
    }

    fn unary(&self, node: Node<'_>) -> Option<(Expr, Ty)> {
        let (value, ty) = self.value(node.child_by_field_name("operand")?)?;
        let operator = node.child_by_field_name("operator")?.kind();
        Some(match (operator, value) {
            ("-", Expr::Int(value)) => (Expr::Int(value.checked_neg()?), ty),
            ("-", Expr::Float(value)) => (Expr::Float(-value), ty),
            ("^", Expr::Int(value)) if ty == Ty::ConstInt => (Expr::Int(!value), ty),
            ("!", Expr::Bool(value)) => (Expr::Bool(!value), ty),
            ("+", value @ (Expr::Int(_) | Expr::Float(_))) => (value, ty),
            _ => return None,
        })
    }

    fn binary(&self, node: Node<'_>) -> Option<(Expr, Ty)> {
        let (one, own) = self.value(node.child_by_field_name("left")?)?;
        let (two, other) = self.value(node.child_by_field_name("right")?)?;
        let operator = node.child_by_field_name("operator")?.kind();
        fold(operator, (&one, &own), (&two, &other))
    }

    /// A conversion such as `Kind(3)`, or the length of a constant string.
    fn call(&self, node: Node<'_>) -> Option<(Expr, Ty)> {
        let name = text(node.child_by_field_name("function")?, self.source);
        let given = children(node.child_by_field_name("arguments")?);
        let [one] = given.as_slice() else { return None };
        let (value, _) = self.value(*one)?;
        if name == "len" {
            let Expr::New(Some(length)) = value else { return None };
            return Some((*length, super::types::INT));
        }
        match (basic(name)?, value) {
            (ty @ Ty::Int { .. }, Expr::Int(value)) => Some((Expr::Int(value), ty)),
            (ty @ Ty::Float { .. }, Expr::Float(value)) => Some((Expr::Float(value), ty)),
            _ => None,
        }
    }
}

/// Declares what one `const ( … )` declares. What cannot be computed is left out.
pub(super) fn declare(node: Node<'_>, names: &Names<'_>, constants: &mut Constants) {
    let mut former: Option<(Vec<Node<'_>>, Option<Ty>)> = None;
    let specs = children(node).into_iter().filter(|it| it.kind() == "const_spec");
    for (iota, spec) in (0_i128..).zip(specs) {
        let mut cursor = spec.walk();
        let named: Vec<_> = spec
            .children_by_field_name("name", &mut cursor)
            .filter(|name| name.kind() == "identifier")
            .collect();
        if let Some(list) = spec.child_by_field_name("value") {
            let ty = spec.child_by_field_name("type").map(|ty| Ty::of(ty, names));
            former = Some((children(list), ty));
        }
        let Some((values, ty)) = &former else { continue };
        for (name, value) in named.into_iter().zip(values) {
            let evaluator = Evaluator { source: names.source, constants, iota: Some(iota) };
            let Some((value, own)) = evaluator.value(*value) else { continue };
            let ty = ty.clone().unwrap_or(own);
            constants.insert(text(name, names.source).to_owned(), (value, ty));
        }
    }
}

/// Two constants; `None` where the result is none, or depends on what else is known.
pub(super) fn fold(
    operator: &str,
    (one, own): (&Expr, &Ty),
    (two, other): (&Expr, &Ty),
) -> Option<(Expr, Ty)> {
    let shift = matches!(operator, "<<" | ">>");
    let ty = if shift || other.is_constant() { own.clone() } else { other.clone() };
    if let (Expr::Int(one), Expr::Int(two)) = (one, two) {
        if let Some(truth) = compare(operator, one.cmp(two)) {
            return Some((Expr::Bool(truth), Ty::Bool));
        }
        let value = integers(operator, *one, *two)?;
        // What does not fit a constant's type does not compile.
        let fits = ty.int().is_none_or(|int| int.contains(value));
        return fits.then_some((Expr::Int(value), ty));
    }
    let (one, two) = (float(one)?, float(two)?);
    if let Some(truth) = one.partial_cmp(&two).and_then(|order| compare(operator, order)) {
        return Some((Expr::Bool(truth), Ty::Bool));
    }
    let value = match operator {
        "+" => one + two,
        "-" => one - two,
        "*" => one * two,
        "/" if two != 0.0 => one / two,
        _ => return None,
    };
    let ty = if ty == Ty::ConstInt { Ty::ConstFloat } else { ty };
    Some((Expr::Float(value), ty))
}

fn integers(operator: &str, one: i128, two: i128) -> Option<i128> {
    let by = u32::try_from(two).ok();
    match operator {
        "+" => one.checked_add(two),
        "-" => one.checked_sub(two),
        "*" => one.checked_mul(two),
        "/" => one.checked_div(two),
        "%" => one.checked_rem(two),
        "&" => Some(one & two),
        "|" => Some(one | two),
        "^" => Some(one ^ two),
        "&^" => Some(one & !two),
        "<<" => one.checked_mul(1_i128.checked_shl(by.filter(|by| *by < 120)?)?),
        ">>" => Some(one >> by?.min(127)),
        _ => None,
    }
}

fn compare(operator: &str, order: std::cmp::Ordering) -> Option<bool> {
    Some(match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        _ => return None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "what Go does as well")]
pub(super) fn float(value: &Expr) -> Option<f64> {
    if let Expr::Int(value) = value {
        return Some(*value as f64);
    }
    if let Expr::Float(value) = value { Some(*value) } else { None }
}

pub(super) fn integer(text: &str) -> Option<i128> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    match digits.get(..2) {
        Some("0x") => i128::from_str_radix(&digits[2..], 16).ok(),
        Some("0b") => i128::from_str_radix(&digits[2..], 2).ok(),
        Some("0o") => i128::from_str_radix(&digits[2..], 8).ok(),
        Some(_) if digits.starts_with('0') => i128::from_str_radix(&digits, 8).ok(),
        _ => digits.parse().ok(),
    }
}

fn rune(text: &str) -> Option<i128> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut letters = inner.chars();
    let first = letters.next()?;
    if first != '\\' {
        return Some(i128::from(u32::from(first)));
    }
    let rest = letters.as_str();
    let escaped = match rest {
        "n" => '\n',
        "t" => '\t',
        "r" => '\r',
        "0" | "000" => '\0',
        "\\" => '\\',
        "'" => '\'',
        _ => {
            let digits = rest.strip_prefix(['x', 'u', 'U'])?;
            return i128::from_str_radix(digits, 16).ok();
        }
    };
    Some(i128::from(u32::from(escaped)))
}

/// In bytes; unknown where it takes reading escapes.
fn string_length(text: &str) -> Option<i128> {
    let raw = text.starts_with('`');
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let plain = if raw { !inner.contains('\r') } else { !inner.contains('\\') };
    plain.then(|| i128::try_from(inner.len()).unwrap_or(0))
}

/// Constants of the package `math`.
fn math(name: &str) -> Option<Expr> {
    let bits = |prefix: &str| name.strip_prefix(prefix)?.parse::<u32>().ok();
    let known = |bits: &u32| matches!(bits, 8 | 16 | 32 | 64);
    Some(Expr::Int(match name {
        "math.MaxInt" => i128::from(i64::MAX),
        "math.MinInt" => i128::from(i64::MIN),
        "math.MaxUint" => i128::from(u64::MAX),
        _ => {
            if let Some(bits) = bits("math.MaxInt").filter(known) {
                (1 << (bits - 1)) - 1
            } else if let Some(bits) = bits("math.MinInt").filter(known) {
                -(1 << (bits - 1))
            } else {
                (1 << bits("math.MaxUint").filter(known)?) - 1
            }
        }
    }))
}
