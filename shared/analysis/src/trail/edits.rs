//! Goal: code that is moved, renamed, indented, reordered or formatted anew brings no finding that
//! was not there before. Method: every example of every rule, through every kind of edit alone,
//! and through several of them in any order.

use std::{collections::HashMap, path::Path};

use domain::{CommitSha, Language, Sighting, Snapshot, SourceFile, pair};
use proptest::{prelude::*, sample::Index};
use tree_sitter::Node;

use crate::{Clock, rules::examples, scan, tree::Parsers};

#[derive(Debug, Clone, PartialEq)]
struct Code {
    path: String,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edit {
    /// Comments and a function in front of everything.
    MoveDown,
    /// The same function behind everything, or in front of it: the others change places with it.
    Append,
    RenameFile,
    MoveFile,
    Indent,
    /// A line for each argument, and the quotes that the formatter likes.
    Format,
    /// Line ends as Windows has them.
    CarriageReturns,
}

const EDITS: [Edit; 7] = [
    Edit::MoveDown,
    Edit::Append,
    Edit::RenameFile,
    Edit::MoveFile,
    Edit::Indent,
    Edit::Format,
    Edit::CarriageReturns,
];

impl Edit {
    fn apply(self, code: &Code) -> Code {
        let Code { path, text } = code.clone();
        let language = Language::of_path(&path).unwrap();
        let file = Path::new(&path);
        let name = file.file_name().unwrap().to_str().unwrap();
        match self {
            Self::MoveDown => {
                let comment = if language == Language::Python { "#" } else { "//" };
                let lines = format!("{comment} more\n").repeat(39);
                Code { text: format!("{lines}{}{text}", unrelated(language)), path }
            }
            Self::Append => Code { text: format!("{text}\n{}", unrelated(language)), path },
            Self::RenameFile => {
                Code { path: file.with_file_name(format!("x{name}")).display().to_string(), text }
            }
            Self::MoveFile => Code { path: format!("deeper/{path}"), text },
            Self::Indent => Code { text: indented(language, &text), path },
            Self::Format => Code { text: formatted(language, &text), path },
            Self::CarriageReturns => {
                Code { text: text.replace("\r\n", "\n").replace('\n', "\r\n"), path }
            }
        }
    }
}

fn unrelated(language: Language) -> &'static str {
    match language {
        Language::Python => "def unrelated(one, other):\n    return one + other\n\n\n",
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            "function unrelated(one, other) {\n  return one + other;\n}\n\n"
        }
        Language::Go => "func unrelated(one int, other int) int {\n\treturn one + other\n}\n\n",
        Language::Java => "interface Unrelated {\n    int sum(int one, int other);\n}\n\n",
        Language::Rust => "fn unrelated(one: i32, other: i32) -> i32 {\n    one + other\n}\n\n",
    }
}

/// Deeper by one level; Python needs a reason to be.
fn indented(language: Language, text: &str) -> String {
    let deeper: String = text.split_inclusive('\n').map(|line| format!("    {line}")).collect();
    match language {
        Language::Python => format!("if True:\n    pass\n{deeper}"),
        Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Go
        | Language::Java
        | Language::Rust => deeper,
    }
}

fn formatted(language: Language, text: &str) -> String {
    let tree = Parsers::default().parse(language, text, Clock::unlimited()).unwrap();
    let mut edits = Vec::new();
    format_node(language, text, tree.root_node(), &mut edits);
    let mut formatted = text.to_owned();
    edits.sort_by_key(|(at, ..)| *at);
    for (at, length, new) in edits.into_iter().rev() {
        formatted.replace_range(at..at + length, new);
    }
    formatted
}

fn format_node(
    language: Language,
    text: &str,
    node: Node<'_>,
    edits: &mut Vec<(usize, usize, &'static str)>,
) {
    let own = &text[node.byte_range()];
    let plain = |inner: &str| !inner.contains(['"', '\'', '\\', '\n']);
    match (language, node.kind()) {
        (_, "," | "(")
            if node
                .parent()
                .is_some_and(|parent| matches!(parent.kind(), "arguments" | "argument_list")) =>
        {
            edits.push((node.end_byte(), 0, "\n      "));
        }
        (
            Language::Python | Language::JavaScript | Language::TypeScript | Language::Tsx,
            "string",
        ) if own.len() > 1 && own.starts_with('\'') && plain(&own[1..own.len() - 1]) => {
            edits.push((node.start_byte(), 1, "\""));
            edits.push((node.end_byte() - 1, 1, "\""));
        }
        _ => {
            for child in node.children(&mut node.walk()) {
                format_node(language, text, child, edits);
            }
        }
    }
}

#[derive(Default)]
struct Difference {
    /// Rules that object to `after` alone.
    new: Vec<String>,
    /// Findings of `before` that go on, and all of them.
    goes_on: usize,
    all: usize,
}

fn difference(before: &Code, after: &Code) -> Difference {
    let of = |code: &Code| {
        let file = SourceFile { path: code.path.clone(), bytes: code.text.clone().into() };
        let commit: CommitSha = "a".repeat(40).parse().unwrap();
        let snapshot = Snapshot { commit, files: vec![file], left_out: Vec::new() };
        scan(&snapshot, &Clock::unlimited()).findings
    };
    let (old, new) = (of(before), of(after));
    let (was, is): (Vec<_>, Vec<_>) =
        (old.iter().map(Sighting::from).collect(), new.iter().map(Sighting::from).collect());
    let pairs = pair(&was, &is, &HashMap::new());
    let unknown = new.iter().zip(&pairs).filter(|(_, old)| old.is_none());
    Difference {
        new: unknown.map(|(new, _)| new.rule.clone()).collect(),
        goes_on: pairs.iter().flatten().count(),
        all: old.len(),
    }
}

fn all() -> Vec<Code> {
    examples().map(|(path, text)| Code { path: format!("src/{path}"), text }).collect()
}

/// A text that cannot be read any more says nothing about findings.
fn parses(code: &Code) -> bool {
    let language = Language::of_path(&code.path).unwrap();
    let tree = Parsers::default().parse(language, &code.text, Clock::unlimited()).unwrap();
    !tree.root_node().has_error()
}

#[test]
fn no_kind_of_edit_makes_a_finding_new() {
    let (mut sum, mut wrong) = (Difference::default(), Vec::new());
    for code in all().iter().filter(|code| parses(code)) {
        for edit in EDITS {
            let after = edit.apply(code);
            if parses(&after) {
                let Difference { new, goes_on, all } = difference(code, &after);
                sum.goes_on += goes_on;
                sum.all += all;
                wrong.extend(new.iter().map(|rule| format!("{edit:?} {rule}:\n{}", after.text)));
            }
        }
    }
    assert!(sum.all > 1000, "{}", sum.all);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), sum.all, wrong.join("\n\n"));
    // Some rules look at the text and lose sight of it when it is broken into lines.
    assert!(sum.goes_on * 100 >= sum.all * 99, "{} of {} go on", sum.goes_on, sum.all);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_series_of_edits_makes_a_finding_new(
        which in any::<Index>(),
        other in any::<Index>(),
        edits in prop::collection::vec(prop::sample::select(&EDITS[..]), 1..6),
    ) {
        let all = all();
        let first = which.get(&all);
        let language = Language::of_path(&first.path);
        // Two examples in one file, so that findings have neighbours.
        let second = other.get(&all);
        let text = match Language::of_path(&second.path) == language {
            true => format!("{}\n{}", first.text, second.text),
            false => first.text.clone(),
        };
        let before = Code { path: first.path.clone(), text };
        prop_assume!(parses(&before));
        let mut after = before.clone();
        for edit in &edits {
            let next = edit.apply(&after);
            if parses(&next) {
                after = next;
            }
        }
        prop_assert!(difference(&before, &after).new.is_empty(), "{edits:?}\n{}", after.text);
    }
}
