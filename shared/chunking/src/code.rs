//! Where code may be cut: at its definitions, and inside of large ones at their statements.

use std::ops::ControlFlow;

use domain::Language;
use tree_sitter::{Node, ParseOptions, Parser, Tree};

use crate::{
    cut::{Break, Cut, Outline, PIECE_BYTES_MAX},
    definition::{Shape, definition, is_preamble},
};

/// The parser asks this often, a byte, whether to go on; ordinary code needs about 0.05, and
/// input made to be ambiguous grows without bound. Counting keeps the answer the same on any
/// machine, which a clock would not.
const PARSE_CHECKS_PER_BYTE_MAX: usize = 2;
/// Small files are never worth giving up.
const PARSE_CHECKS_MIN: usize = 10_000;

/// `None`: the parser gave up, and the text is to be cut as prose.
pub(crate) fn outline(language: Language, text: &str) -> Option<Outline> {
    let tree = parse(language, text)?;
    let mut walk =
        Walk { language, text, scopes: Vec::new(), found: Vec::new(), preamble: None, resumed: 0 };
    let mut breaks = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let descend = walk.visit(node, cursor.depth());
        let start = node.start_byte();
        if is_first_on_line(text, start) {
            breaks.push(Break { at: line_start(text, start), depth: cursor.depth() });
        }
        if descend && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Some(Outline { cuts: walk.cuts(), breaks: shallowest(breaks) });
            }
        }
    }
}

fn parse(language: Language, text: &str) -> Option<Tree> {
    let grammar = match language {
        Language::Python => tree_sitter_python::LANGUAGE,
        Language::JavaScript => tree_sitter_javascript::LANGUAGE,
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
        Language::Go => tree_sitter_go::LANGUAGE,
        Language::Java => tree_sitter_java::LANGUAGE,
        Language::Rust => tree_sitter_rust::LANGUAGE,
    };
    let mut parser = Parser::new();
    parser.set_language(&grammar.into()).ok()?;

    let mut checks_left = PARSE_CHECKS_MIN.max(text.len() * PARSE_CHECKS_PER_BYTE_MAX);
    let mut go_on = |_: &_| match checks_left.checked_sub(1) {
        Some(left) => {
            checks_left = left;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    };
    let options = ParseOptions::new().progress_callback(&mut go_on);
    parser.parse_with_options(&mut |at, _| &text.as_bytes()[at..], None, Some(options))
}

/// A definition that is still open at the current node.
struct Scope {
    end: usize,
    name: String,
}

/// Where a piece may begin. Of several at one position the first by `rank` stays.
struct Found {
    at: usize,
    rank: (Kind, u32),
    name: Option<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Begins,
    /// What surrounds a definition goes on after it.
    Resumes,
}

struct Walk<'a> {
    language: Language,
    text: &'a str,
    scopes: Vec<Scope>,
    found: Vec<Found>,
    /// Start and end of the comments and attributes directly above the current node.
    preamble: Option<(usize, usize)>,
    /// Where the last definition ended: no later one begins before it.
    resumed: usize,
}

impl Walk<'_> {
    /// Takes note of `node`, and says whether its children are worth a visit.
    fn visit(&mut self, node: Node<'_>, depth: u32) -> bool {
        let bytes = node.byte_range();
        while self.scopes.last().is_some_and(|scope| scope.end <= bytes.start) {
            self.scopes.pop();
        }
        if is_preamble(node.kind()) {
            self.preamble = match self.preamble {
                Some((start, end)) if self.touches(end, bytes.start) => Some((start, bytes.end)),
                // A comment behind code is about that code.
                _ => is_first_on_line(self.text, bytes.start).then_some((bytes.start, bytes.end)),
            };
            return false;
        }
        let Some(definition) = definition(self.language, node, self.text) else { return true };

        let start = self.start_of(bytes.start);
        let surrounding = self.scopes.last().map(|scope| scope.name.clone());
        let name = match &surrounding {
            Some(scope) => format!("{scope}::{}", definition.name),
            None => definition.name,
        };
        let rank = (Kind::Begins, u32::MAX - depth);
        self.found.push(Found { at: start, rank, name: Some(name.clone()) });
        let end = self.end_of(bytes.end);
        self.found.push(Found { at: end, rank: (Kind::Resumes, depth), name: surrounding });
        self.preamble = None;

        let descend = definition.shape == Shape::Container || bytes.len() > PIECE_BYTES_MAX;
        if descend {
            self.scopes.push(Scope { end: bytes.end, name });
            self.resumed = start;
        } else {
            self.resumed = end;
        }
        descend
    }

    /// From the definition's own start back over what is on its line and directly above it.
    fn start_of(&self, start: usize) -> usize {
        let line = line_start(self.text, start);
        let own = if line >= self.resumed { line } else { start };
        match self.preamble {
            Some((above, end)) if self.touches(end, own) => {
                let line = line_start(self.text, above);
                if line >= self.resumed { line } else { above.max(self.resumed) }
            }
            _ => own,
        }
    }

    /// To the end of the line, if nothing but punctuation is left on it.
    fn end_of(&self, end: usize) -> usize {
        let rest = &self.text[end..];
        let line = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        if rest[..line].contains(char::is_alphanumeric) { end } else { end + line }
    }

    /// Whether only blanks and at most one line's end lie between.
    fn touches(&self, end: usize, start: usize) -> bool {
        // A doc comment of Rust ends behind its newline.
        let end = if self.text[..end].ends_with('\n') { end - 1 } else { end };
        end >= start || {
            let between = &self.text[end..start];
            between.trim().is_empty() && between.matches('\n').count() <= 1
        }
    }

    fn cuts(mut self) -> Vec<Cut> {
        self.found.sort_by(|a, b| (a.at, &a.rank).cmp(&(b.at, &b.rank)));
        self.found.dedup_by_key(|found| found.at);
        self.found.into_iter().map(|Found { at, name, rank: _ }| Cut { at, name }).collect()
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn is_first_on_line(text: &str, at: usize) -> bool {
    text[line_start(text, at)..at].trim().is_empty()
}

/// Of the breaks at one position only the shallowest.
fn shallowest(mut breaks: Vec<Break>) -> Vec<Break> {
    breaks.sort_by_key(|candidate| (candidate.at, candidate.depth));
    breaks.dedup_by_key(|candidate| candidate.at);
    breaks
}
