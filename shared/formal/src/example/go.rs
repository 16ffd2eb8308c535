use std::fmt::Write;

use super::{Failure, title};
use crate::ir::{CheckKind, Member};

/// Packages that a test may need, by the name it calls them.
const OWN: &[&str] = &["fmt", "math", "runtime", "strings", "testing"];

pub(super) fn float(value: f64, _: &str) -> String {
    if value.is_nan() {
        "math.NaN()".to_owned()
    } else if value.is_infinite() {
        format!("math.Inf({})", if value < 0.0 { -1 } else { 1 })
    } else if value == 0.0 && value.is_sign_negative() {
        "math.Copysign(0, -1)".to_owned()
    } else {
        format!("{value:?}")
    }
}

/// What Go says as it panics: any of these.
fn said(kind: CheckKind) -> Option<&'static [&'static str]> {
    Some(match kind {
        CheckKind::DivisionByZero => &["integer divide by zero"],
        CheckKind::IndexOutOfBounds | CheckKind::NegativeArraySize => &["out of range"],
        // A slice that is nil has no elements.
        CheckKind::NullDereference => &["nil", "with length 0"],
        CheckKind::FloatDivisionByZero
        | CheckKind::IntegerOverflow
        | CheckKind::NarrowingConversion
        | CheckKind::NegativeExponent
        | CheckKind::TypeMismatch
        | CheckKind::Assertion
        | CheckKind::ConstantCondition
        | CheckKind::NullCheckAfterDereference => return None,
    })
}

/// A test of the file's own package, so that what is private in it can be called.
pub(super) fn program(
    failure: &Failure<'_>,
    member: &Member,
    arguments: &[String],
) -> Option<String> {
    let what: String = failure.kind.as_str().split('_').map(capital).collect();
    let id = format!("{}{what}AtLine{}", capital(&member.name), failure.line);
    let body = if failure.kind == CheckKind::NarrowingConversion {
        converts(failure, member, &id, arguments)?
    } else {
        panics(failure.line, member, said(failure.kind)?, &id, arguments)
    };
    let mut program = String::new();
    title(&mut program, "//", failure);
    let _ = writeln!(program, "// To be put beside that file, under a name that ends in _test.go.");
    let _ = writeln!(program, "package {}\n\nimport (", member.package);
    for (name, path) in imports(member, &body)? {
        let last = path.rsplit('/').next().unwrap_or(path);
        let name = if name == last { String::new() } else { format!("{name} ") };
        let _ = writeln!(program, "\t{name}\"{path}\"");
    }
    let _ = writeln!(program, ")\n\n{body}");
    Some(program)
}

/// The packages that a text uses; none if one of its file's has the name of another that a test
/// needs.
fn imports<'a>(member: &'a Member, body: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let own = OWN.iter().map(|name| (*name, *name));
    let others = member.imports.iter().map(|(name, path)| (name.as_str(), path.as_str()));
    let mut used: Vec<_> = own.chain(others).filter(|(name, _)| uses(body, name)).collect();
    used.sort_by_key(|(_, path)| *path);
    used.dedup();
    let clash =
        used.iter().any(|(name, path)| used.iter().any(|it| it.0 == *name && it.1 != *path));
    (!clash).then_some(used)
}

/// Whether `name.` stands in a text, as a word of its own.
fn uses(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
        text[at + name.len()..].starts_with('.') && !before.is_some_and(is_word)
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn called(member: &Member, name: &str, arguments: &[String]) -> String {
    let spread = if member.is_variadic { "..." } else { "" };
    match arguments.split_first() {
        Some((receiver, rest)) if member.is_method => {
            format!("{receiver}.{name}({}{spread})", rest.join(", "))
        }
        _ => format!("{name}({}{spread})", arguments.join(", ")),
    }
}

/// It has to panic on the line.
fn panics(line: u32, member: &Member, said: &[&str], id: &str, arguments: &[String]) -> String {
    let call = called(member, &member.name, arguments);
    let said: Vec<String> =
        said.iter().map(|words| format!("strings.Contains(cause, {words:?})")).collect();
    let said = said.join(" || ");
    let said = if said.contains("||") { format!("({said})") } else { said };
    format!(
        r#"// TestAssay{id} passes if the call panics there.
func TestAssay{id}(t *testing.T) {{
	defer func() {{
		cause := fmt.Sprint(recover())
		callers := make([]uintptr, 64)
		frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
		frame, more := frames.Next()
		for more && (strings.HasPrefix(frame.Function, "runtime.") || strings.HasPrefix(frame.Function, "internal/")) {{
			frame, more = frames.Next()
		}}
		if !{said} || frame.Line != {line} {{
			t.Fatalf("it does not fail as foretold: %s at line %d", cause, frame.Line)
		}}
		t.Log("it fails as foretold:", cause)
	}}()
	{call}
}}"#
    )
}

/// A conversion goes on with another value, and no caller sees it: a copy of the function tells.
fn converts(
    failure: &Failure<'_>,
    member: &Member,
    id: &str,
    arguments: &[String],
) -> Option<String> {
    let here = |(line, _): &&(u32, _)| *line == failure.line;
    let conversions: Vec<_> = member.conversions.iter().filter(here).collect();
    if conversions.is_empty() {
        return None;
    }
    let copy = format!("assay{id}");
    let mut code = member.code.clone();
    // From the back, so that places stay where they are.
    for (_, at) in conversions.into_iter().rev() {
        let ty = code.get(at.clone())?.to_owned();
        code.replace_range(at.clone(), &format!("{copy}Fits[{ty}]"));
    }
    code.replace_range(member.name_at.clone(), &copy);
    let call = called(member, &copy, arguments);
    let numbers = "~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr";
    Some(format!(
        r#"// TestAssay{id} passes if a conversion there changes the value.
func TestAssay{id}(t *testing.T) {{
	defer func() {{
		cause := fmt.Sprint(recover())
		if !strings.Contains(cause, " becomes ") {{
			t.Fatalf("it does not fail as foretold: %s", cause)
		}}
		t.Log("it fails as foretold:", cause)
	}}()
	{call}
}}

// {copy}Fits converts as Go does, and panics where that changes the value.
func {copy}Fits[To, From {numbers}](value From) To {{
	converted := To(value)
	if From(converted) != value || (converted < 0) != (value < 0) {{
		panic(fmt.Sprintf("%d becomes %d", value, converted))
	}}
	return converted
}}

// {copy} is {name} with every conversion of line {line} watched.
{code}"#,
        name = member.name,
        line = failure.line,
    ))
}
