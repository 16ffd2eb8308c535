use super::{Failure, title};
use crate::ir::CheckKind;

pub(super) fn float(value: f64, name: &str) -> String {
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
