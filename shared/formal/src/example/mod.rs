//! Counterexamples as arguments in the function's own language, and as programs that call it.

mod ecma;
mod go;
mod java;
mod pieces;
mod python;
mod rust;

use std::{collections::BTreeMap, fmt::Write};

use domain::Language;

use crate::{
    ir::{Call, Callee, CheckKind, Function, Given, Site, Tag, Var},
    smt::Concrete,
    symbol::Part,
    verdict::Counterexample,
};

/// What the parameters are, by their place and what of them.
pub(crate) type Values = BTreeMap<(Site, Part), Concrete>;

/// The longest sequence that a test makes.
const LENGTH_MAX: i128 = 100_000;

/// The parameters with what they are, and all of them as code if a test can call with them.
pub(crate) struct Shown {
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) arguments: Option<Vec<String>>,
}

/// A value as code, or in words where no code makes it.
type Literal = Result<String, &'static str>;

/// None if nobody writes a call of the function.
pub(crate) fn shown(function: &Function, values: &Values) -> Option<Shown> {
    let call = function.call.as_ref()?;
    let place = |var: Var| {
        let at = function.parameters.iter().position(|parameter| *parameter == var)?;
        u32::try_from(at).ok()
    };
    let of = |var: Var, part: Part| values.get(&(place(var)?, part)).copied();
    let parameters: Vec<(String, Literal)> = call
        .parameters
        .iter()
        .map(|(name, given)| (name.clone(), literal(call.language, given, of)))
        .collect();
    let arguments = call.callee.as_ref().and_then(|_| {
        parameters.iter().map(|(_, literal)| literal.clone().ok()).collect::<Option<_>>()
    });
    let shown = |(name, literal): (String, Literal)| {
        (name, literal.unwrap_or_else(|words| words.to_owned()))
    };
    Some(Shown { parameters: parameters.into_iter().map(shown).collect(), arguments })
}

fn literal(
    language: Language,
    given: &Given,
    of: impl Fn(Var, Part) -> Option<Concrete>,
) -> Literal {
    let (tag, var) = match given {
        Given::Declared(ty, var) => {
            return match language {
                Language::Java => java::literal(ty, |part| of(*var, part)),
                Language::Python
                | Language::JavaScript
                | Language::TypeScript
                | Language::Tsx
                | Language::Go
                | Language::Rust => Err("a value of its type"),
            };
        }
        Given::Kinds(slots, kinds) => return ecma::literal(slots, *kinds, of),
        Given::Pieces(pieces) => {
            let float = if language == Language::Go { go::float } else { rust::float };
            return pieces::literal(pieces, float, &of);
        }
        Given::One(tag, var) => (*tag, *var),
        Given::Any(slots) => {
            let tag = tag(of(slots.tag, Part::Value));
            let var = match tag {
                Tag::Bool => slots.bool,
                Tag::Int => slots.int,
                Tag::Float => slots.float,
                Tag::Object | Tag::None | Tag::Str | Tag::Tuple | Tag::List => slots.sequence,
            };
            (tag, var)
        }
    };
    python::literal(tag, |part| of(var, part))
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

/// How long a sequence is, if not too long for a test.
fn length(of: impl Fn(Part) -> Option<Concrete>) -> Result<i128, &'static str> {
    match of(Part::Length) {
        Some(Concrete::Int(length)) if length > LENGTH_MAX => Err("a very long sequence"),
        Some(Concrete::Int(length)) => Ok(length),
        _ => Ok(0),
    }
}

/// A failure to show: of which kind, and where.
struct Failure<'a> {
    path: &'a str,
    kind: CheckKind,
    line: u32,
}

/// A program that ends well if the call fails as it was foretold, for a file that stands at
/// `path` below the folder where it is started. None where the failure raises nothing, or the
/// call hangs on more than its arguments.
pub fn test_program(
    path: &str,
    function: &Function,
    kind: CheckKind,
    line: u32,
    example: &Counterexample,
) -> Option<String> {
    let Call { language, callee, .. } = function.call.as_ref()?;
    let (callee, arguments) = callee.as_ref().zip(example.arguments.as_deref())?;
    let is_plain = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\');
    if !path.chars().all(is_plain) {
        return None;
    }
    let failure = Failure { path, kind, line };
    match (language, callee) {
        (
            Language::JavaScript | Language::TypeScript | Language::Tsx,
            Callee::Script { name, code },
        ) => ecma::program(&failure, name, code, arguments),
        (Language::Python, Callee::Function(name)) => python::program(&failure, name, arguments),
        (Language::Rust, Callee::Function(name)) => rust::program(&failure, name, arguments),
        (Language::Java, Callee::Method { class, name, is_static }) => {
            java::program(&failure, class, name, *is_static, arguments)
        }
        (Language::Go, Callee::Member(member)) => go::program(&failure, member, arguments),
        (
            Language::Python
            | Language::Java
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Go
            | Language::Rust,
            Callee::Function(_) | Callee::Method { .. } | Callee::Script { .. } | Callee::Member(_),
        ) => None,
    }
}

/// The first line of a program: what it shows.
fn title(program: &mut String, comment: &str, failure: &Failure<'_>) {
    let Failure { path, kind, line } = failure;
    let _ = writeln!(program, "{comment} {} at {path}:{line}", kind.as_str().replace('_', " "));
}
