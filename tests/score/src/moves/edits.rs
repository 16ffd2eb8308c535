//! Edits that change no meaning.

use analysis::{Clock, Symbol, SymbolKind, symbols, syntax_tree};
use domain::{Language, SourceFile};

/// How far a file's code moves down.
const LINES_ABOVE: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) path: String,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    MoveDown,
    RenameFile,
    MoveFile,
    Indent,
    Reorder,
    /// The last function goes to a file of its own.
    Extract,
}

/// A function with the comments and attributes in front of it, as lines counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    first: usize,
    end: usize,
}

impl Edit {
    pub(crate) const ALL: [Self; 6] = [
        Self::MoveDown,
        Self::RenameFile,
        Self::MoveFile,
        Self::Indent,
        Self::Reorder,
        Self::Extract,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::MoveDown => "moved down 40 lines",
            Self::RenameFile => "file renamed",
            Self::MoveFile => "file moved to a folder",
            Self::Indent => "indented anew",
            Self::Reorder => "functions exchanged",
            Self::Extract => "function moved to a new file",
        }
    }

    /// The files that take the place of this one, the one that continues it first. `None` where
    /// the edit would not be pure, or changes nothing.
    pub(crate) fn apply(self, code: &Code) -> Option<Vec<Code>> {
        let language = Language::of_path(&code.path)?;
        let (folder, name) = code.path.rsplit_once('/').unwrap_or(("", &code.path));
        let at = |folder: &str, name: &str| match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let with = |text: String| Some(vec![Code { path: code.path.clone(), text }]);
        let to = |path: String| Some(vec![Code { path, text: code.text.clone() }]);
        let heads = match self {
            Self::MoveDown => with(moved_down(language, &code.text)),
            // In front: an ending such as `_test` says what a file is.
            Self::RenameFile => to(at(folder, &format!("renamed_{name}"))),
            Self::MoveFile => to(at(&at(folder, "moved"), name)),
            Self::Indent => with(indented(&code.text)),
            Self::Reorder => with(reordered(code)?),
            Self::Extract => {
                let (rest, moved) = extracted(code)?;
                let new = Code { path: at(folder, &format!("extracted_{name}")), text: moved };
                Some(vec![Code { path: code.path.clone(), text: rest }, new])
            }
        }?;
        let changed = heads.len() > 1 || heads[0] != *code;
        let is_sound = heads.iter().all(|head| has_error(language, &head.text) == Some(false))
            || has_error(language, &code.text) == Some(true) && heads.len() == 1;
        (changed && is_sound).then_some(heads)
    }
}

fn has_error(language: Language, text: &str) -> Option<bool> {
    Some(syntax_tree(language, text, &Clock::unlimited())?.root_node().has_error())
}

fn moved_down(language: Language, text: &str) -> String {
    let comment = if language == Language::Python { "# more\n" } else { "// more\n" };
    // A line that names the interpreter stays the first.
    let head = if text.starts_with("#!") { text.find('\n').map_or(0, |end| end + 1) } else { 0 };
    let (head, rest) = text.split_at(head);
    format!("{head}{}{rest}", comment.repeat(LINES_ABOVE))
}

/// Twice as far in, as a formatter with another setting would have it.
fn indented(text: &str) -> String {
    let double = |line: &str| {
        let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
        format!("{}{line}", &line[..blank])
    };
    text.split_inclusive('\n').map(double).collect()
}

/// Every two functions that stand side by side change places.
fn reordered(code: &Code) -> Option<String> {
    let text = &code.text;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let blocks = blocks(code, &lines);
    let mut out = String::with_capacity(text.len());
    let (mut at, mut next) = (0, 0);
    while next + 1 < blocks.len() {
        let (one, other) = (blocks[next], blocks[next + 1]);
        if one.end != other.first || !ends_line(&lines, other) {
            next += 1;
            continue;
        }
        out.extend(lines[at..one.first].iter().copied());
        out.extend(lines[other.first..other.end].iter().copied());
        out.extend(lines[one.first..one.end].iter().copied());
        (at, next) = (other.end, next + 2);
    }
    out.extend(lines[at..].iter().copied());
    (at > 0).then_some(out)
}

/// What is left of the file, and its last function.
fn extracted(code: &Code) -> Option<(String, String)> {
    let lines: Vec<&str> = code.text.split_inclusive('\n').collect();
    let last = *blocks(code, &lines).last()?;
    let moved = lines[last.first..last.end].concat();
    let rest = [&lines[..last.first], &lines[last.end..]].concat().concat();
    (!rest.trim().is_empty()).then_some((rest, moved))
}

fn ends_line(lines: &[&str], block: Block) -> bool {
    lines.get(block.end - 1).is_some_and(|line| line.ends_with('\n'))
}

/// The functions at the top of a file that have their lines for themselves.
fn blocks(Code { path, text }: &Code, lines: &[&str]) -> Vec<Block> {
    let file = SourceFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
    let all = symbols(&file, &Clock::unlimited());
    let top = |symbol: &&Symbol| symbol.kind == SymbolKind::Function && !symbol.name.contains('.');
    let mut found: Vec<Block> = Vec::new();
    for symbol in all.iter().filter(top) {
        let (first, end) = (symbol.lines.first as usize - 1, symbol.lines.last as usize);
        let floor = found.last().map_or(0, |block| block.end);
        if first < floor || !lines[first].starts_with(|at: char| !at.is_whitespace()) {
            // Two on one line, or one within something else.
            continue;
        }
        let in_front = lines[floor..first].iter().rev().take_while(goes_along).count();
        found.push(Block { first: first - in_front, end });
    }
    found
}

/// Blank lines, comments, decorators and attributes go where their function goes.
fn goes_along(line: &&&str) -> bool {
    let text = line.trim();
    let starts = ["#", "@", "//", "/*", "*"];
    text.is_empty() || starts.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(edit: Edit, path: &str, text: &str) -> Option<Vec<String>> {
        let code = Code { path: path.to_owned(), text: text.to_owned() };
        edit.apply(&code).map(|heads| heads.into_iter().map(|head| head.text).collect())
    }

    #[test]
    fn functions_change_places_with_what_belongs_to_them() {
        let text =
            "import a\n\n# one\n@a.b\ndef f():\n    pass\n\n\ndef g():\n    pass\n\n\nx = 1\n";
        let expected =
            "import a\n\n\ndef g():\n    pass\n\n# one\n@a.b\ndef f():\n    pass\n\n\nx = 1\n";
        let reordered = apply(Edit::Reorder, "a.py", text).unwrap();
        assert_eq!(reordered[0].matches("def ").count(), 2);
        assert!(reordered[0].find("def g").unwrap() < reordered[0].find("@a.b\ndef f").unwrap());
        let mut words: [Vec<&str>; 2] =
            [expected, &reordered[0]].map(|text| text.split_whitespace().collect());
        words.iter_mut().for_each(|words| words.sort_unstable());
        assert_eq!(words[0], words[1], "nothing is lost");
        assert_eq!(apply(Edit::Reorder, "a.py", "def f():\n    pass\nx = 1\n"), None);
    }

    #[test]
    fn a_function_takes_its_lines_along() {
        let text = "package a\n\nfunc f() {}\n\n// g does.\nfunc g() {}\n";
        let parts = apply(Edit::Extract, "a.go", text).unwrap();
        assert_eq!(parts, ["package a\n\nfunc f() {}\n", "\n// g does.\nfunc g() {}\n"]);
    }

    #[test]
    fn code_that_would_break_is_left_alone() {
        assert_eq!(apply(Edit::Indent, "a.py", "x = 1\n"), None, "nothing to indent");
        let python = apply(Edit::Indent, "a.py", "if x:\n  y()\n").unwrap();
        assert_eq!(python, ["if x:\n    y()\n"]);
        let moved = apply(Edit::MoveDown, "a.js", "#!/usr/bin/env node\nf();\n").unwrap();
        assert!(moved[0].starts_with("#!/usr/bin/env node\n// more\n"));
    }
}
