//! Facts in words. Nothing is computed here: whoever words them otherwise says nothing else.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{
    Facts,
    kind::parse,
    symbol::{ChangedSymbol, SymbolState, SymbolType},
};

/// Most characters of a title, as git and GitHub show them.
const TITLE_CHARS_MAX: usize = 72;
/// Most lines of each list; what is left out is counted.
const LISTED_MAX: usize = 20;
/// Most symbols that a title names.
const NAMED_MAX: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prose {
    pub title: String,
    /// Markdown, as a pull request's description.
    pub description: String,
    /// One line in the words of Conventional Commits.
    pub changelog: String,
}

pub fn word(facts: &Facts) -> Prose {
    let subject = subject(facts);
    let title = cut(&capitalised(&subject), TITLE_CHARS_MAX);
    let given = facts.given_title.as_deref().map(|title| parse(title).1.trim());
    let scope = facts.scope.as_ref().map(|scope| format!("({scope})")).unwrap_or_default();
    let mark = if facts.breaking.is_empty() { "" } else { "!" };
    let told = plain(given.unwrap_or(&subject));
    Prose {
        title,
        description: description(facts),
        changelog: format!("{}{scope}{mark}: {told}", facts.kind),
    }
}

/// One line, without what Markdown or a terminal would take for an instruction.
fn plain(text: &str) -> String {
    text.chars()
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max - 1).collect();
    format!("{}…", kept.trim_end())
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What the change does, as an instruction: `add refund, change Cart.total in shop`.
fn subject(facts: &Facts) -> String {
    let verbs = [
        ("add", &[SymbolState::Added][..]),
        ("change", &[SymbolState::Signature, SymbolState::Body][..]),
        ("move", &[SymbolState::Moved][..]),
        ("remove", &[SymbolState::Removed][..]),
    ];
    let parts: Vec<String> = verbs
        .iter()
        .filter_map(|(verb, states)| named(facts, states).map(|names| format!("{verb} {names}")))
        .collect();
    let what = if parts.is_empty() { files(facts) } else { parts.join(", ") };
    match &facts.scope {
        Some(scope) => format!("{what} in {scope}"),
        None => what,
    }
}

/// The first symbols of some states; public ones before others, outer before inner.
fn named(facts: &Facts, states: &[SymbolState]) -> Option<String> {
    let mut found: Vec<&ChangedSymbol> =
        facts.symbols.iter().filter(|symbol| states.contains(&symbol.state)).collect();
    if found.iter().any(|symbol| !symbol.test) {
        found.retain(|symbol| !symbol.test);
    }
    found.sort_by_key(|symbol| (!symbol.public, symbol.name.matches('.').count()));
    let names: Vec<&str> =
        found.iter().take(NAMED_MAX).map(|symbol| symbol.name.as_str()).collect();
    let more = found.len().saturating_sub(NAMED_MAX);
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(names.join(" and ")),
        (false, more) => Some(format!("{} and {more} more", names.join(", "))),
    }
}

fn files(facts: &Facts) -> String {
    match facts.files.as_slice() {
        [] => "change nothing".to_owned(),
        [one] => format!("change {}", one.path),
        [first, rest @ ..] => {
            format!("change {} and {}", first.path, count(rest.len(), "more file", "more files"))
        }
    }
}

fn count(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn description(facts: &Facts) -> String {
    let mut text = String::new();
    summary(&mut text, facts);
    breaking(&mut text, facts);
    risk(&mut text, facts);
    for (title, states) in [
        ("Added", &[SymbolState::Added][..]),
        ("Changed for callers", &[SymbolState::Signature][..]),
        ("Changed inside", &[SymbolState::Body][..]),
        ("Moved", &[SymbolState::Moved][..]),
        ("Removed", &[SymbolState::Removed][..]),
    ] {
        symbols(&mut text, title, facts, states);
    }
    if !facts.not_compared.is_empty() {
        let paths = facts.not_compared.iter().map(|path| code(path));
        section(&mut text, "Not compared", paths.collect());
    }
    text
}

fn summary(text: &mut String, facts: &Facts) {
    let totals = &facts.totals;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} with {} added and {} removed lines, from `{}` to `{}`.",
        count(totals.files as usize, "file", "files"),
        totals.lines_added,
        totals.lines_removed,
        facts.base.short(),
        facts.head.short(),
    );
    let components: Vec<String> = facts
        .components
        .iter()
        .take(LISTED_MAX)
        .map(|component| {
            let files = count(component.files as usize, "file", "files");
            match component.path.as_str() {
                "" => format!("the top folder ({files})"),
                path => format!("{} ({files})", code(path)),
            }
        })
        .collect();
    if !components.is_empty() {
        let _ = writeln!(text, "\nTouches {}.", components.join(", "));
    }
}

fn breaking(text: &mut String, facts: &Facts) {
    let lines = facts
        .breaking
        .iter()
        .map(|one| format!("{} in {}: {}", code(&one.symbol), code(&one.path), plain(&one.reason)));
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        section(text, "May break callers", lines);
    }
}

fn risk(text: &mut String, facts: &Facts) {
    let lines: Vec<String> = facts
        .risk
        .reasons
        .iter()
        .map(|reason| format!("{}: {}", reason.level, reason.text))
        .collect();
    section(text, &format!("Risk: {}", facts.risk.level), lines);
}

fn symbols(text: &mut String, title: &str, facts: &Facts, states: &[SymbolState]) {
    let found = facts.symbols.iter().filter(|symbol| states.contains(&symbol.state));
    let lines: Vec<String> = found.map(line).collect();
    if !lines.is_empty() {
        section(text, title, lines);
    }
}

fn line(symbol: &ChangedSymbol) -> String {
    let kind = match symbol.kind {
        SymbolType::Function => "function",
        SymbolType::Type => "type",
    };
    let place = format!("{}:{}", symbol.path, symbol.line);
    let seen = match (symbol.public, symbol.test) {
        (true, _) => "public ",
        (false, true) => "test ",
        (false, false) => "",
    };
    let mut line = format!("{} ({seen}{kind}, {place})", code(&symbol.name));
    match (&symbol.state, &symbol.before, &symbol.after) {
        (SymbolState::Signature, Some(before), Some(after)) if before != after => {
            let _ = write!(line, ": {} became {}", code(before), code(after));
        }
        (SymbolState::Moved, _, _) => {
            let from = symbol.moved_from.as_deref().unwrap_or_default();
            let _ = write!(line, ": from {}", code(from));
        }
        _ => {}
    }
    line
}

/// As code, whatever backticks it holds.
fn code(text: &str) -> String {
    let text = plain(text);
    let longest = text.split(|it| it != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn section(text: &mut String, title: &str, lines: Vec<String>) {
    let _ = writeln!(text, "\n### {title}");
    if !lines.is_empty() {
        text.push('\n');
    }
    let all = lines.len();
    for line in lines.into_iter().take(LISTED_MAX) {
        let _ = writeln!(text, "- {line}");
    }
    if all > LISTED_MAX {
        let _ = writeln!(text, "- and {} more", all - LISTED_MAX);
    }
}
