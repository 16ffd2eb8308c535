use std::fmt::Write;

use super::{Failure, Literal, length, title};
use crate::{
    ir::{CheckKind, Tag},
    smt::Concrete,
    symbol::Part,
};

pub(super) fn literal(tag: Tag, of: impl Fn(Part) -> Option<Concrete>) -> Literal {
    let repeated = |one: &str| Ok(format!("{one} * {}", length(&of)?));
    Ok(match (tag, of(Part::Value)) {
        (Tag::Object, _) => "object()".to_owned(),
        (Tag::None, _) => "None".to_owned(),
        (Tag::Bool, Some(Concrete::Bool(true))) => "True".to_owned(),
        (Tag::Bool, _) => "False".to_owned(),
        (Tag::Int, Some(Concrete::Int(value))) => value.to_string(),
        (Tag::Int, _) => "0".to_owned(),
        (Tag::Float, Some(Concrete::Float(value))) if value.is_finite() => format!("{value:?}"),
        (Tag::Float, Some(Concrete::Float(value))) => format!("float(\"{value}\")"),
        (Tag::Float, _) => "0.0".to_owned(),
        (Tag::Str, _) => return repeated("\"a\""),
        (Tag::Tuple, _) => return repeated("(0,)"),
        (Tag::List, _) => return repeated("[0]"),
    })
}

pub(super) fn program(failure: &Failure<'_>, name: &str, arguments: &[String]) -> Option<String> {
    let raised = match failure.kind {
        CheckKind::DivisionByZero => "ZeroDivisionError",
        CheckKind::IndexOutOfBounds => "IndexError",
        CheckKind::NullDereference => "(AttributeError, TypeError)",
        CheckKind::Assertion => "AssertionError",
        CheckKind::FloatDivisionByZero
        | CheckKind::IntegerOverflow
        | CheckKind::NarrowingConversion
        | CheckKind::NegativeArraySize
        | CheckKind::NegativeExponent
        | CheckKind::TypeMismatch
        | CheckKind::ConstantCondition
        | CheckKind::NullCheckAfterDereference => return None,
    };
    let (path, arguments) = (failure.path, arguments.join(", "));
    let mut program = String::new();
    title(&mut program, "#", failure);
    let _ = writeln!(program, "import runpy\n\nsubject = runpy.run_path(\"{path}\")");
    let _ = writeln!(program, "try:\n    subject[\"{name}\"]({arguments})");
    let _ = writeln!(program, "except {raised}:\n    print(\"it fails as foretold\")");
    let _ = writeln!(program, "else:\n    raise SystemExit(\"it does not fail\")");
    Some(program)
}
