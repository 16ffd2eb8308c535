//! Arithmetic on constants, so that branches that are never taken are known.

use super::{
    ir::{Const, Operator},
    value::{Arena, Value},
};

pub(super) fn truth<'a>(constant: Const, text: impl Fn(u32) -> &'a str) -> Option<bool> {
    Some(match constant {
        Const::Bool(value) => value,
        Const::Int(value) => value != 0,
        Const::Text(word) => !text(word).is_empty(),
        // It may have been filled since.
        Const::EmptyList => return None,
    })
}

pub(super) fn calculate<'a>(
    operator: Operator,
    left: Value,
    right: Value,
    arena: &mut Arena,
    text: impl Fn(u32) -> &'a str,
) -> Value {
    let constant = match (left.constant, right.constant) {
        (Some(Const::Text(part)), Some(Const::Text(whole))) if operator == Operator::Within => {
            Some(Const::Bool(text(whole).contains(text(part))))
        }
        (Some(left), Some(right)) => of_constants(operator, left, right),
        _ => None,
    };
    match operator {
        // Numbers and truth values hold nothing of the text they were made from.
        Operator::Subtract
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Equal
        | Operator::NotEqual
        | Operator::Within
        | Operator::Test => Value { constant, ..Value::KNOWN },
        Operator::Add | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            let joined = arena.join(left, right);
            match constant {
                Some(constant) => Value::is(constant),
                None => Value { constant: None, begins: left.begins, ..joined },
            }
        }
        Operator::And | Operator::Or => {
            let first = left.constant.and_then(|constant| truth(constant, text));
            match (operator, first) {
                (Operator::And, Some(true)) | (Operator::Or, Some(false)) => right,
                (Operator::And, Some(false)) | (Operator::Or, Some(true)) => left,
                _ => Value { constant: None, begins: None, ..arena.join(left, right) },
            }
        }
    }
}

fn of_constants(operator: Operator, left: Const, right: Const) -> Option<Const> {
    match (left, right) {
        (Const::Int(left), Const::Int(right)) => of_numbers(operator, left, right),
        (Const::Text(_), Const::Text(_)) | (Const::Bool(_), Const::Bool(_)) => match operator {
            Operator::Equal => Some(Const::Bool(left == right)),
            Operator::NotEqual => Some(Const::Bool(left != right)),
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Remainder
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::And
            | Operator::Or
            | Operator::Within
            | Operator::Test => None,
        },
        _ => None,
    }
}

fn of_numbers(operator: Operator, left: i64, right: i64) -> Option<Const> {
    let number = |value: Option<i64>| value.map(Const::Int);
    let truth = |value: bool| Some(Const::Bool(value));
    match operator {
        Operator::Add => number(left.checked_add(right)),
        Operator::Subtract => number(left.checked_sub(right)),
        Operator::Multiply => number(left.checked_mul(right)),
        // Languages disagree about negative operands, and about the rest of a division.
        Operator::Divide if left >= 0 && right > 0 && left % right == 0 => {
            number(Some(left / right))
        }
        Operator::Remainder if left >= 0 && right > 0 => number(Some(left % right)),
        Operator::Less => truth(left < right),
        Operator::LessOrEqual => truth(left <= right),
        Operator::Greater => truth(left > right),
        Operator::GreaterOrEqual => truth(left >= right),
        Operator::Equal => truth(left == right),
        Operator::NotEqual => truth(left != right),
        Operator::Divide
        | Operator::Remainder
        | Operator::And
        | Operator::Or
        | Operator::Within
        | Operator::Test => None,
    }
}
