use std::fmt::Write;

use super::{Failure, Literal, length, title};
use crate::{
    ir::{CheckKind, Piece, Var},
    smt::Concrete,
    symbol::Part,
};

/// The largest code of a character.
const CHAR_MAX: u32 = 0x0010_FFFF;

/// The parts of a value, put together.
pub(super) fn literal(pieces: &[Piece], of: &impl Fn(Var, Part) -> Option<Concrete>) -> Literal {
    let mut text = String::new();
    let number = |var| match of(var, Part::Value) {
        Some(Concrete::Int(value)) => value,
        _ => 0,
    };
    let truth = |var| of(var, Part::Value) == Some(Concrete::Bool(true));
    for piece in pieces {
        match piece {
            Piece::Text(words) => text.push_str(words),
            Piece::Bool(var) => text.push_str(if truth(*var) { "true" } else { "false" }),
            Piece::Int(var) => text.push_str(&number(*var).to_string()),
            Piece::Char(var) => {
                let code = u32::try_from(number(*var)).unwrap_or(CHAR_MAX).min(CHAR_MAX);
                let letter = char::from_u32(code).ok_or("no character")?;
                let _ = write!(text, "'{}'", letter.escape_default());
            }
            Piece::Float(var, name) => {
                let value = match of(*var, Part::Value) {
                    Some(Concrete::Float(value)) => value,
                    _ => 0.0,
                };
                text.push_str(&float(value, name));
            }
            Piece::Length(var) => {
                text.push_str(&length(|part| of(*var, part))?.to_string());
            }
            Piece::Choice(var, yes, no) => {
                text.push_str(&literal(if truth(*var) { yes } else { no }, of)?);
            }
            Piece::OneOf(var, each) => {
                let index = usize::try_from(number(*var)).unwrap_or(usize::MAX);
                let chosen = each.get(index).or(each.last()).ok_or("no value")?;
                text.push_str(&literal(chosen, of)?);
            }
        }
    }
    Ok(text)
}

fn float(value: f64, name: &str) -> String {
    if value.is_nan() {
        format!("{name}::NAN")
    } else if value.is_infinite() {
        format!("{name}::{}INFINITY", if value < 0.0 { "NEG_" } else { "" })
    } else {
        format!("{value:?}_{name}")
    }
}

/// The file stands in the program, so that what is private in it can be called; it has to panic
/// on the line. To be compiled with the checks of a debug build.
pub(super) fn program(failure: &Failure<'_>, name: &str, arguments: &[String]) -> Option<String> {
    match failure.kind {
        CheckKind::DivisionByZero
        | CheckKind::IntegerOverflow
        | CheckKind::IndexOutOfBounds
        | CheckKind::NullDereference
        | CheckKind::Assertion => {}
        CheckKind::FloatDivisionByZero
        | CheckKind::NarrowingConversion
        | CheckKind::NegativeArraySize
        | CheckKind::NegativeExponent
        | CheckKind::TypeMismatch
        | CheckKind::ConstantCondition
        | CheckKind::NullCheckAfterDereference => return None,
    }
    let Failure { path, line, .. } = failure;
    let arguments = arguments.join(", ");
    let mut program = String::new();
    title(&mut program, "//", failure);
    program.push_str(&format!(
        r#"include!("{path}");

pub fn main() {{
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = lines.clone();
    std::panic::set_hook(Box::new(move |cause| {{
        let at = cause.location().unwrap();
        // Arithmetic of the standard library panics at a line of its own.
        let own = at.file().ends_with("{path}");
        seen.lock().unwrap().push(if own {{ at.line() }} else {{ {line} }});
    }}));
    let _ = std::panic::catch_unwind(|| {{
        let _ = {name}({arguments});
    }});
    let _ = std::panic::take_hook();
    assert_eq!(*lines.lock().unwrap(), [{line}], "it does not fail as foretold");
    println!("it fails as foretold");
}}
"#
    ));
    Some(program)
}
