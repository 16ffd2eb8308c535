use std::fmt::Write;

use super::{Failure, Literal, length, title};
use crate::{
    ecma::unpacked,
    ir::{CheckKind, Kind, Kinds, Slots, Var},
    smt::Concrete,
    symbol::Part,
};

/// What a value is shown as of which no check asks the kind, the first that it may be.
const PREFERRED: [Kind; 5] = [Kind::Int, Kind::Str, Kind::Object, Kind::Array, Kind::BigInt];

pub(super) fn literal(
    slots: &Slots,
    kinds: Kinds,
    of: impl Fn(Var, Part) -> Option<Concrete>,
) -> Literal {
    let int = |var| match of(var, Part::Value) {
        Some(Concrete::Int(value)) => Some(value),
        _ => None,
    };
    let value = int(slots.int).unwrap_or(0);
    let length = || length(|part| of(slots.sequence, part));
    Ok(match kind(kinds, int(slots.tag)) {
        Kind::Undefined => "undefined".to_owned(),
        Kind::Null => "null".to_owned(),
        Kind::Bool => (of(slots.bool, Part::Value) == Some(Concrete::Bool(true))).to_string(),
        Kind::Int => value.to_string(),
        Kind::Float => match of(slots.float, Part::Value) {
            Some(Concrete::Float(value)) => double(value),
            _ => "0.5".to_owned(),
        },
        Kind::BigInt => format!("{value}n"),
        Kind::Str => {
            let length = usize::try_from(length()?).map_err(|_| "a very long string")?;
            quoted(&unpacked(value, length))
        }
        Kind::Array => format!("Array({}).fill(0)", length()?),
        Kind::Object => "{}".to_owned(),
        Kind::Function => "() => undefined".to_owned(),
        Kind::Symbol => "Symbol()".to_owned(),
    })
}

fn kind(kinds: Kinds, tag: Option<i128>) -> Kind {
    let asked = tag.and_then(|tag| kinds.iter().find(|kind| kind.number() == tag));
    let preferred = || PREFERRED.into_iter().find(|kind| kinds.contains(*kind));
    let any = || kinds.iter().next();
    kinds.single().or(asked).or_else(preferred).or_else(any).unwrap_or(Kind::Undefined)
}

fn double(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        format!("{value:?}")
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Has the code of the function within it: of a file that is a module nobody else could call it.
pub(super) fn program(
    failure: &Failure<'_>,
    name: &str,
    code: &str,
    arguments: &[String],
) -> Option<String> {
    let thrown = match failure.kind {
        CheckKind::DivisionByZero | CheckKind::NegativeArraySize | CheckKind::NegativeExponent => {
            "error instanceof RangeError"
        }
        CheckKind::NullDereference | CheckKind::TypeMismatch => "error instanceof TypeError",
        CheckKind::Assertion => "error.code === \"ERR_ASSERTION\"",
        CheckKind::FloatDivisionByZero
        | CheckKind::IntegerOverflow
        | CheckKind::NarrowingConversion
        | CheckKind::IndexOutOfBounds
        | CheckKind::ConstantCondition
        | CheckKind::NullCheckAfterDereference => return None,
    };
    let arguments = arguments.join(", ");
    let mut program = String::new();
    title(&mut program, "//", failure);
    let _ = writeln!(program, "{code}");
    let _ = writeln!(program, "let thrown = false;\ntry {{\n    {name}({arguments});");
    let _ = writeln!(program, "}} catch (error) {{\n    if (!({thrown})) throw error;");
    let _ = writeln!(program, "    thrown = true;\n    console.log(\"it fails as foretold\");\n}}");
    let _ = writeln!(program, "if (!thrown) throw new Error(\"it does not fail\");");
    Some(program)
}
