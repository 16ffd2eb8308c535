//! What speaks for a file: tests, assertions, logging, handlers that name what they catch, types
//! and documentation. Each is read off the tree, not off words in the text.

mod signs;

pub(super) use signs::handler as names_errors;

use std::collections::BTreeMap;

use analysis::SymbolKind;
use domain::Language;
use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use super::{Measured, Part, Place};
use crate::Read;

const TESTS: f64 = 0.2;
const ASSERTIONS: f64 = 0.15;
const LOGGING: f64 = 0.1;
const TYPED_HANDLERS: f64 = 0.15;
const TYPES: f64 = 0.2;
const FILE_DOCUMENTED: f64 = 0.1;
const FUNCTIONS_DOCUMENTED: f64 = 0.1;

/// The names of the commit's test files, without what marks them as tests.
#[derive(Debug, Clone, Default)]
pub struct TestNames(BTreeMap<String, String>);

impl TestNames {
    /// From the paths of all files of a commit.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = BTreeMap::new();
        for path in paths {
            if let Some(tested) = tested(path) {
                // The first by path, so that the same commit names the same test.
                names.entry(tested).or_insert_with(|| path.to_owned());
            }
        }
        Self(names)
    }

    fn test_of(&self, path: &str) -> Option<&str> {
        let name = file_name(path);
        let stem = name.split('.').next().unwrap_or(name);
        self.0.get(&stem.to_ascii_lowercase()).map(String::as_str)
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a test file is about, going by its name: `test_app.py` is about `app`.
fn tested(path: &str) -> Option<String> {
    Language::of_path(path)?;
    let name = file_name(path);
    let stem = name.split('.').next().unwrap_or(name);
    let by_ending = name.split('.').skip(1).any(|part| matches!(part, "test" | "spec"));
    let bare = stem
        .strip_prefix("test_")
        .or_else(|| stem.strip_suffix("_test"))
        .or_else(|| stem.strip_suffix("_tests"))
        .or_else(|| stem.strip_suffix("Tests"))
        .or_else(|| stem.strip_suffix("Test"))
        .or(by_ending.then_some(stem))
        .or_else(|| path.split('/').rev().skip(1).any(is_test_folder).then_some(stem))?;
    Some(bare.to_ascii_lowercase())
}

fn is_test_folder(folder: &str) -> bool {
    matches!(folder, "test" | "tests" | "__tests__" | "spec" | "specs")
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    language: Language,
    test: Test,
    functions: usize,
    pub(super) assertions: Vec<u32>,
    pub(super) logging: Vec<u32>,
    /// Handlers by their lines, and which of them name what they catch.
    handlers: Vec<u32>,
    pub(super) typed_handlers: Vec<u32>,
    pub(super) typed: Vec<u32>,
    pub(super) documented: Vec<u32>,
    pub(super) file_documented: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Test {
    /// It is one.
    Itself,
    Beside(String),
    /// A module of the file that only a test build compiles.
    Inside(u32),
    Unknown,
}

impl Facts {
    pub(super) fn of(read: &Read<'_>) -> Self {
        let mut facts = Self {
            language: read.language,
            test: test(read),
            functions: 0,
            assertions: Vec::new(),
            logging: Vec::new(),
            handlers: Vec::new(),
            typed_handlers: Vec::new(),
            typed: Vec::new(),
            documented: Vec::new(),
            file_documented: signs::documents_file(read),
        };
        for symbol in read.symbols_of(SymbolKind::Function) {
            let Some(node) = read.node_of(symbol) else { continue };
            facts.functions += 1;
            if signs::is_typed(read, node) {
                facts.typed.push(symbol.lines.first);
            }
            if signs::is_documented(read, node) {
                facts.documented.push(symbol.lines.first);
            }
        }
        facts
    }

    pub(super) fn enter(&mut self, read: &Read<'_>, node: Node<'_>) {
        let line = crate::read::line_of(node);
        if signs::is_assertion(read, node) {
            self.assertions.push(line);
        }
        if signs::is_logging(read, node) {
            self.logging.push(line);
        }
        if let Some(typed) = signs::handler(read, node) {
            self.handlers.push(line);
            if typed {
                self.typed_handlers.push(line);
            }
        }
    }

    /// A test beside it, where the file itself shows none.
    pub(super) fn look_up(&mut self, path: &str, tests: &TestNames) {
        if self.test == Test::Unknown
            && let Some(test) = tests.test_of(path)
        {
            self.test = Test::Beside(test.to_owned());
        }
    }
}

fn test(read: &Read<'_>) -> Test {
    if tested(read.path).is_some() {
        return Test::Itself;
    }
    read.test_modules().first().map_or(Test::Unknown, |module| Test::Inside(module.first))
}

pub(super) fn measure(facts: &Facts) -> Measured {
    let parts = vec![
        tests_part(facts),
        assertions_part(facts),
        presence("logging", LOGGING, &facts.logging, facts, "calls of a logger"),
        handlers_part(facts),
        types_part(facts),
        Part::new("file_documented", FILE_DOCUMENTED)
            .value(f64::from(u8::from(facts.file_documented)))
            .counted(usize::from(facts.file_documented), Some(1))
            .note("a comment or docstring that opens the file"),
        share(
            "functions_documented",
            FUNCTIONS_DOCUMENTED,
            &facts.documented,
            facts,
            "functions with a comment or docstring of their own",
        ),
    ];
    let applies = parts.iter().filter_map(|part| Some((part.weight, part.value?)));
    let (weights, earned) = applies
        .fold((0.0, 0.0), |(all, sum), (weight, value)| (all + weight, sum + weight * value));
    Measured { value: Ok(earned / weights), formula: earned, parts }
}

fn tests_part(facts: &Facts) -> Part {
    let part = Part::new("tests", TESTS);
    match &facts.test {
        Test::Itself => part.value(1.0).counted(1, None).note("it is a test"),
        Test::Beside(path) => {
            part.value(1.0).counted(1, None).note(format!("tested by {path}, going by its name"))
        }
        Test::Inside(line) => {
            part.value(1.0).at_lines(&[*line]).note("a module that only a test build compiles")
        }
        Test::Unknown => part.value(0.0).note("no test file is named after it"),
    }
}

fn assertions_part(facts: &Facts) -> Part {
    if facts.language == Language::Go && facts.test != Test::Itself {
        return Part::new("assertions", ASSERTIONS).note("Go has no assertions outside tests");
    }
    presence("assertions", ASSERTIONS, &facts.assertions, facts, "assertions")
}

fn handlers_part(facts: &Facts) -> Part {
    let part = Part::new("typed_handlers", TYPED_HANDLERS);
    if matches!(facts.language, Language::Go | Language::Rust) {
        return part.note("errors are values in this language");
    }
    if facts.handlers.is_empty() {
        return part.note("there is no handler");
    }
    let value = facts.typed_handlers.len() as f64 / facts.handlers.len() as f64;
    part.value(value)
        .at_lines(&facts.typed_handlers)
        .counted(facts.typed_handlers.len(), Some(facts.handlers.len()))
        .note("handlers that tell errors apart")
}

fn types_part(facts: &Facts) -> Part {
    match facts.language {
        Language::Go | Language::Java | Language::Rust => Part::new("types", TYPES)
            .value(1.0)
            .counted(facts.functions, Some(facts.functions))
            .note("the language demands them"),
        Language::JavaScript => Part::new("types", TYPES).note("the language has none"),
        Language::Python | Language::TypeScript | Language::Tsx => {
            share("types", TYPES, &facts.typed, facts, "functions whose parameters are annotated")
        }
    }
}

/// A sign that one occurrence is enough of, where there is code for it.
fn presence(name: &str, weight: f64, lines: &[u32], facts: &Facts, note: &str) -> Part {
    let part = Part::new(name, weight);
    if facts.functions == 0 && lines.is_empty() {
        return part.note("there is no function");
    }
    part.value(f64::from(u8::from(!lines.is_empty()))).at_lines(lines).note(note)
}

/// The share of the functions that a sign was seen at.
fn share(name: &str, weight: f64, lines: &[u32], facts: &Facts, note: &str) -> Part {
    let part = Part::new(name, weight);
    if facts.functions == 0 {
        return part.note("there is no function");
    }
    let places = lines.iter().copied().map(Place::line);
    part.value(lines.len() as f64 / facts.functions as f64)
        .at(places)
        .counted(lines.len(), Some(facts.functions))
        .note(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_known_by_what_it_is_called_after() {
        let names = TestNames::of([
            "tests/test_app.py",
            "pkg/store_test.go",
            "web/cart.spec.ts",
            "src/test/java/OrderTest.java",
            "tests/flow.rs",
            "README.md",
        ]);
        let cases = [
            ("src/app.py", Some("tests/test_app.py")),
            ("pkg/store.go", Some("pkg/store_test.go")),
            ("web/cart.ts", Some("web/cart.spec.ts")),
            ("src/main/java/Order.java", Some("src/test/java/OrderTest.java")),
            ("src/flow.rs", Some("tests/flow.rs")),
            ("src/readme.py", None),
            ("src/other.py", None),
        ];
        for (path, test) in cases {
            assert_eq!(names.test_of(path), test, "{path}");
        }
    }

    #[test]
    fn what_is_no_test_is_not_taken_for_one() {
        let cases = [("src/contest.py", None), ("src/latest.go", None), ("a/test_x.py", Some("x"))];
        for (path, about) in cases {
            assert_eq!(tested(path).as_deref(), about, "{path}");
        }
        let none: [&str; 0] = [];
        assert!(TestNames::of(none).test_of("a.py").is_none());
    }
}
