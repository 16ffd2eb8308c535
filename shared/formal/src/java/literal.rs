//! Literals of Java, and arithmetic on them.

use tree_sitter::Node;

use super::{
    expr::Typed,
    types::{INT, LONG, Ty},
};
use crate::ir::{Expr, IntOp};

/// The value of arithmetic on literals.
pub(super) fn constant(value: &Expr) -> Option<i128> {
    if let Expr::Int(value) = value {
        return Some(*value);
    }
    if let Expr::Wrap(ty, inner) = value {
        return Some(ty.wrap(constant(inner)?));
    }
    let Expr::Int2(op, one, two) = value else { return None };
    let (one, two) = (constant(one)?, constant(two)?);
    match op {
        IntOp::Add => one.checked_add(two),
        IntOp::Sub => one.checked_sub(two),
        IntOp::Mul => one.checked_mul(two),
        IntOp::DivTrunc
        | IntOp::RemTrunc
        | IntOp::DivFloor
        | IntOp::ModFloor
        | IntOp::And
        | IntOp::Or
        | IntOp::Xor
        | IntOp::Shl
        | IntOp::Shr => None,
    }
}

/// A number or character.
pub(super) fn number(node: Node<'_>, source: &str) -> Option<Typed> {
    let text = super::text(node, source).replace('_', "");
    let radix = match node.kind() {
        "decimal_integer_literal" => 10,
        "hex_integer_literal" => 16,
        "octal_integer_literal" => 8,
        "binary_integer_literal" => 2,
        "decimal_floating_point_literal" => {
            let single = text.ends_with(['f', 'F']);
            let value: f64 = text.trim_end_matches(['f', 'F', 'd', 'D']).parse().ok()?;
            let value = if single { crate::exec::single(value) } else { value };
            return Some((Expr::Float(value), Ty::Float { single }));
        }
        "character_literal" => {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            let mut units = inner.encode_utf16();
            let value = match inner {
                "\\0" => 0,
                "\\n" => 10,
                "\\t" => 9,
                "\\r" => 13,
                "\\'" => 39,
                "\\\\" => 92,
                _ if inner.starts_with('\\') => return None,
                _ => units.next()?,
            };
            return Some((Expr::Int(i128::from(value)), Ty::named("char")));
        }
        _ => return None,
    };
    let long = text.ends_with(['l', 'L']);
    let digits = text.trim_end_matches(['l', 'L']);
    let digits = if radix == 10 {
        digits
    } else {
        digits.get(1..)?.trim_start_matches(['x', 'X', 'b', 'B'])
    };
    let digits = if digits.is_empty() { "0" } else { digits };
    let value = i128::from_str_radix(digits, radix).ok()?;
    let ty = if long { LONG } else { INT };
    // 0xFFFFFFFF is -1; 2147483648 only ever stands behind a minus.
    let value = if radix == 10 { value } else { ty.wrap(value) };
    Some((Expr::Int(value), Ty::Int(ty)))
}

/// The value of a constant's initialiser, if it is a literal.
pub(super) fn literal(node: Node<'_>, source: &str, ty: &Ty) -> Option<Expr> {
    let value = match node.kind() {
        "true" | "false" => return (*ty == Ty::Bool).then(|| Expr::Bool(node.kind() == "true")),
        "unary_expression" => {
            let operator = node.child_by_field_name("operator")?;
            let (Expr::Int(value), own) = number(node.child_by_field_name("operand")?, source)?
            else {
                return None;
            };
            (super::text(operator, source) == "-").then_some((Expr::Int(-value), own))?
        }
        _ => number(node, source)?,
    };
    match (value, ty) {
        ((Expr::Int(value), _), Ty::Int(int)) => Some(Expr::Int(int.wrap(value))),
        ((Expr::Float(value), _), Ty::Float { .. }) => Some(Expr::Float(value)),
        _ => None,
    }
}
