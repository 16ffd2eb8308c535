//! Numbers and strings as they are written.

use tree_sitter::Node;

use super::{content, value::Value};
use crate::{
    ir::{Expr, Kind},
    syntax::{children, text},
};

/// A value that stands in the code.
pub(super) fn literal(node: Node<'_>, source: &str) -> Option<Value> {
    let own = text(node, source);
    Some(match node.kind() {
        "number" => number(own)?,
        "true" | "false" => Value::bool(Expr::Bool(node.kind() == "true")),
        "null" => Value::plain(Kind::Null),
        "undefined" => Value::undefined(),
        "string" => string(&decoded(node, source)?),
        "template_string" => {
            if children(node).iter().any(|part| part.kind() == "template_substitution") {
                return None;
            }
            string(&decoded(node, source)?)
        }
        _ => return None,
    })
}

pub(super) fn string(text: &str) -> Value {
    Value::string(Expr::Int(content::packed(text)), Expr::Int(content::length(text)))
}

fn number(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    if let Some(digits) = plain.strip_suffix('n') {
        return Some(Value::bigint(Expr::Int(integer(digits)?)));
    }
    let is_prefixed = plain.len() > 1 && plain.starts_with('0') && !plain.contains(['.', 'e', 'E']);
    if is_prefixed || plain.starts_with("0x") || plain.starts_with("0X") {
        // A leading zero alone makes it octal, where it is allowed at all.
        let value = integer(&plain).filter(|value| *value <= 1 << 53)?;
        let octal = plain.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        return (!octal).then(|| Value::int(Expr::Int(value)));
    }
    Some(Value::number(plain.parse().ok()?))
}

fn integer(digits: &str) -> Option<i128> {
    let digits = digits.to_ascii_lowercase();
    match digits.get(..2) {
        Some("0x") => i128::from_str_radix(&digits[2..], 16).ok(),
        Some("0o") => i128::from_str_radix(&digits[2..], 8).ok(),
        Some("0b") => i128::from_str_radix(&digits[2..], 2).ok(),
        _ => digits.parse().ok(),
    }
}

/// The text of a string, its escapes resolved.
pub(super) fn decoded(node: Node<'_>, source: &str) -> Option<String> {
    let own = text(node, source);
    let inner = own.get(1..own.len().checked_sub(1)?)?;
    if !inner.contains('\\') {
        return Some(inner.replace("\r\n", "\n"));
    }
    let mut result = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            result.push(letter);
            continue;
        }
        match letters.next()? {
            'n' => result.push('\n'),
            't' => result.push('\t'),
            'r' => result.push('\r'),
            'b' => result.push('\u{8}'),
            'f' => result.push('\u{c}'),
            'v' => result.push('\u{b}'),
            '\n' => {}
            // Codes are rare, and half of a pair is no character.
            '0'..='9' | 'x' | 'u' => return None,
            other => result.push(other),
        }
    }
    Some(result)
}
