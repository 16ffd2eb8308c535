//! Counterexamples as calls in the function's own language, and such calls as programs.

use std::{collections::BTreeMap, fmt::Write};

use domain::Language;

use crate::{
    ir::{CheckKind, Function, Given, Site, Tag, Var},
    smt::Concrete,
    symbol::Part,
    verdict::Counterexample,
};

/// What the parameters are, by their place and what of them.
pub(crate) type Values = BTreeMap<(Site, Part), Concrete>;

/// The longest sequence that a test makes.
const LENGTH_MAX: i128 = 100_000;

/// The parameters with what they are, and the call that gives them.
pub(crate) struct Shown {
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) call: Option<String>,
}

/// None if the function cannot be called by a test.
pub(crate) fn shown(function: &Function, values: &Values) -> Option<Shown> {
    let call = function.call.as_ref()?;
    let place = |var: Var| {
        let at = function.parameters.iter().position(|parameter| *parameter == var)?;
        u32::try_from(at).ok()
    };
    let of = |var: Var, part: Part| values.get(&(place(var)?, part)).copied();
    let parameters: Vec<(String, Option<String>)> = call
        .parameters
        .iter()
        .map(|(name, given)| {
            let tag = match given {
                Given::One(tag, _) => *tag,
                Given::Any(slots) => tag(of(slots.tag, Part::Value)),
            };
            (name.clone(), literal(tag, |part| of(holder(given, tag), part)))
        })
        .collect();
    let arguments: Option<Vec<String>> =
        parameters.iter().map(|(_, literal)| literal.clone()).collect();
    let call = call.name.as_ref().zip(arguments);
    let call = call.map(|(name, arguments)| format!("{name}({})", arguments.join(", ")));
    let shown = |(name, literal): (String, Option<String>)| {
        (name, literal.unwrap_or_else(|| "a very long sequence".to_owned()))
    };
    Some(Shown { parameters: parameters.into_iter().map(shown).collect(), call })
}

/// A value that no check asks the type of may be any number.
fn tag(value: Option<Concrete>) -> Tag {
    match value {
        Some(Concrete::Int(number)) => {
            Tag::ALL.into_iter().find(|tag| tag.number() == number).unwrap_or(Tag::Object)
        }
        _ => Tag::Int,
    }
}

fn holder(given: &Given, tag: Tag) -> Var {
    match given {
        Given::One(_, var) => *var,
        Given::Any(slots) => match tag {
            Tag::Bool => slots.bool,
            Tag::Int => slots.int,
            Tag::Float => slots.float,
            Tag::Object | Tag::None | Tag::Str | Tag::Tuple | Tag::List => slots.sequence,
        },
    }
}

/// In Python's words. None: too long to be written.
fn literal(tag: Tag, of: impl Fn(Part) -> Option<Concrete>) -> Option<String> {
    let length = match of(Part::Length) {
        Some(Concrete::Int(length)) => length,
        _ => 0,
    };
    if tag.is_sequence() && length > LENGTH_MAX {
        return None;
    }
    let value = of(Part::Value);
    Some(match (tag, value) {
        (Tag::Object, _) => "object()".to_owned(),
        (Tag::None, _) => "None".to_owned(),
        (Tag::Bool, Some(Concrete::Bool(true))) => "True".to_owned(),
        (Tag::Bool, _) => "False".to_owned(),
        (Tag::Int, Some(Concrete::Int(value))) => value.to_string(),
        (Tag::Int, _) => "0".to_owned(),
        (Tag::Float, Some(Concrete::Float(value))) if value.is_finite() => format!("{value:?}"),
        (Tag::Float, Some(Concrete::Float(value))) => format!("float(\"{value}\")"),
        (Tag::Float, _) => "0.0".to_owned(),
        (Tag::Str, _) => format!("\"a\" * {length}"),
        (Tag::Tuple, _) => format!("(0,) * {length}"),
        (Tag::List, _) => format!("[0] * {length}"),
    })
}

/// A program that ends well if the call fails as it was foretold, for a file that stands at
/// `path` below the folder where it is started. None where the failure raises nothing, or the
/// call hangs on more than its arguments.
pub fn test_program(
    language: Language,
    path: &str,
    kind: CheckKind,
    line: u32,
    example: &Counterexample,
) -> Option<String> {
    let call = example.call.as_ref().filter(|_| language == Language::Python)?;
    let raised = match kind {
        CheckKind::DivisionByZero => "ZeroDivisionError",
        CheckKind::IndexOutOfBounds => "IndexError",
        CheckKind::NullDereference => "(AttributeError, TypeError)",
        CheckKind::Assertion => "AssertionError",
        CheckKind::FloatDivisionByZero
        | CheckKind::IntegerOverflow
        | CheckKind::NarrowingConversion
        | CheckKind::NegativeArraySize
        | CheckKind::ConstantCondition
        | CheckKind::NullCheckAfterDereference => return None,
    };
    let is_plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\');
    if !path.chars().all(is_plain) {
        return None;
    }
    let (name, arguments) = call.split_once('(')?;
    let mut program = String::new();
    let _ = writeln!(program, "# {} at {path}:{line}", kind.as_str().replace('_', " "));
    let _ = writeln!(program, "import runpy\n\nsubject = runpy.run_path(\"{path}\")");
    let _ = writeln!(program, "try:\n    subject[\"{name}\"]({arguments}");
    let _ = writeln!(program, "except {raised}:\n    print(\"it fails as foretold\")");
    let _ = writeln!(program, "else:\n    raise SystemExit(\"it does not fail\")");
    Some(program)
}
