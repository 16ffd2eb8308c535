//! Pieces of a file as evidence: lines, snippets with secrets masked, normalised tokens.

use std::ops::Range;

use domain::{LineRange, SnippetHash};
use tree_sitter::{Node, TreeCursor};

/// What stands in a snippet instead of a secret; it does not tell the secret's length.
const MASK: &str = "***";

/// A longer match is shown by its first lines; its hash still covers all of them.
const SNIPPET_LINES_MAX: usize = 12;

/// A longer line is shown by the part around the match.
const LINE_BYTES_MAX: usize = 240;

/// How much of a clipped line is kept in front of the match.
const LEAD_BYTES: usize = 40;

/// More tokens than this do not make a match any more distinct.
const NORMALISED_BYTES_MAX: usize = 16 * 1024;

/// Columns of a longer line are not counted: nobody looks a place up by them.
const COLUMNS_BYTES_MAX: usize = 8 * 1024;

/// Lines as they are shown, and where in them the match stands.
pub(crate) struct Snippet {
    pub(crate) text: String,
    /// For each line of the text the bytes of it that were matched; empty where none show.
    pub(crate) marks: Vec<Range<usize>>,
}

/// A text that knows where its lines begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(after_breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The lines that hold the bytes of `range`.
    pub(crate) fn around(&self, range: &Range<usize>) -> LineRange {
        let last = range.end.max(range.start + 1) - 1;
        LineRange { first: self.number(range.start), last: self.number(last) }
    }

    /// The bytes of the line that holds byte `at`, without its line break.
    pub(crate) fn line_at(&self, at: usize) -> Range<usize> {
        self.bytes(self.number(at))
    }

    /// The hash of the lines as they stand in the file, so that the commit can confirm them.
    pub(crate) fn hash(&self, lines: LineRange) -> SnippetHash {
        let excerpt = self.bytes(lines.first).start..self.bytes(lines.last).end;
        SnippetHash::of(self.text.get(excerpt).unwrap_or_default())
    }

    /// The lines of `matched` with every range of `masks` made unreadable, long ones clipped
    /// around the match.
    pub(crate) fn snippet(&self, matched: &Range<usize>, masks: &[Range<usize>]) -> Snippet {
        let lines = self.around(matched);
        let count = (lines.last - lines.first) as usize + 1;
        let mut snippet = Snippet { text: String::new(), marks: Vec::new() };
        for line in (lines.first..=lines.last).take(SNIPPET_LINES_MAX) {
            if line > lines.first {
                snippet.text.push('\n');
            }
            let mark = self.push_line(&mut snippet.text, self.bytes(line), matched, masks);
            snippet.marks.push(mark);
        }
        if count > SNIPPET_LINES_MAX {
            snippet.text.push_str("\n…");
        }
        snippet
    }

    /// Gives the bytes of what was pushed that belong to the match.
    fn push_line(
        &self,
        out: &mut String,
        line: Range<usize>,
        matched: &Range<usize>,
        masks: &[Range<usize>],
    ) -> Range<usize> {
        let shown = self.clip(&line, matched.start);
        let begin = out.len();
        if shown.start > line.start {
            out.push('…');
        }
        let mut mark: Option<Range<usize>> = None;
        let mut push = |out: &mut String, source: Range<usize>, as_mask: bool| {
            let at = out.len() - begin;
            out.push_str(if as_mask { MASK } else { &self.text[source.clone()] });
            let (from, to) = (matched.start.max(source.start), matched.end.min(source.end));
            if from < to {
                let end = out.len() - begin;
                let bytes = match as_mask {
                    true => at..end,
                    false => at + from - source.start..end - (source.end - to),
                };
                mark = Some(mark.as_ref().map_or(bytes.start, |mark| mark.start)..bytes.end);
            }
        };
        let mut at = shown.start;
        let hidden = masks.iter().filter(|mask| mask.start < shown.end && mask.end > shown.start);
        for mask in hidden {
            if mask.end <= at {
                continue;
            }
            push(out, at..mask.start.max(at), false);
            push(out, mask.start.max(at)..mask.end.min(shown.end), true);
            at = mask.end.min(shown.end);
        }
        push(out, at..shown.end, false);
        if shown.end < line.end {
            out.push('…');
        }
        mark.unwrap_or_default()
    }

    /// Column of the first byte and the one after the last, from 1, in UTF-16 code units, which
    /// is what editors and SARIF's readers count. Nothing for lines too long to count.
    pub(crate) fn columns(&self, matched: &Range<usize>) -> Option<(u32, u32)> {
        let lines = self.around(matched);
        let column = |line: u32, at: usize| {
            let before = self.bytes(line).start..at;
            let text = self.text.get(before).filter(|text| text.len() <= COLUMNS_BYTES_MAX)?;
            u32::try_from(text.encode_utf16().count() + 1).ok()
        };
        Some((column(lines.first, matched.start)?, column(lines.last, matched.end)?))
    }

    fn clip(&self, line: &Range<usize>, focus: usize) -> Range<usize> {
        if line.len() <= LINE_BYTES_MAX {
            return line.clone();
        }
        let wanted = if line.contains(&focus) { focus.saturating_sub(LEAD_BYTES) } else { 0 };
        let start = self.text.floor_char_boundary(wanted.max(line.start));
        let end = self.text.floor_char_boundary((start + LINE_BYTES_MAX).min(line.end));
        start..end
    }

    fn number(&self, at: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start <= at);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    pub(crate) fn bytes(&self, line: u32) -> Range<usize> {
        let index = (line as usize).clamp(1, self.starts.len());
        let start = self.starts[index - 1];
        let end = self.starts.get(index).map_or(self.text.len(), |next| next - 1);
        start..end.max(start)
    }
}

/// Sorts masks and merges those that overlap.
pub(crate) fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(before) if range.start < before.end => before.end = before.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// The tokens of a node without comments and layout, so that formatting does not change them.
pub(crate) fn normalised(node: Node<'_>, text: &str) -> String {
    let mut tokens = Tokens { text, out: Vec::new(), bytes: 0, at: node.start_byte() };
    let mut cursor = node.walk();
    loop {
        let here = cursor.node();
        if here.is_extra() && !here.is_error() {
            tokens.skip(here);
        } else if here.child_count() == 0 {
            tokens.take(here);
        } else if cursor.goto_first_child() {
            continue;
        }
        if tokens.bytes >= NORMALISED_BYTES_MAX || !next_branch(&mut cursor) {
            break;
        }
    }
    if tokens.bytes < NORMALISED_BYTES_MAX {
        tokens.gap(node.end_byte());
    }
    tokens.out.join("\n")
}

/// Moves to the next node outside the present one; `false` when the walk's root is done.
pub(crate) fn next_branch(cursor: &mut TreeCursor<'_>) -> bool {
    while !cursor.goto_next_sibling() {
        if !cursor.goto_parent() {
            return false;
        }
    }
    true
}

struct Tokens<'a> {
    text: &'a str,
    out: Vec<String>,
    bytes: usize,
    /// Everything before this byte has been taken or skipped.
    at: usize,
}

impl Tokens<'_> {
    /// Some grammars leave text, such as a string's content, between their leaves.
    fn gap(&mut self, until: usize) {
        if until > self.at {
            self.push(self.at..until);
        }
    }

    fn skip(&mut self, node: Node<'_>) {
        self.gap(node.start_byte());
        self.at = self.at.max(node.end_byte());
    }

    fn take(&mut self, node: Node<'_>) {
        self.gap(node.start_byte());
        self.push(node.byte_range());
        self.at = self.at.max(node.end_byte());
    }

    fn push(&mut self, range: Range<usize>) {
        let text = self.text.get(range).unwrap_or_default();
        let token = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if matches!(token.as_str(), ")" | "]" | "}") {
            // Formatters add and remove a comma here.
            self.out.pop_if(|last| last == ",");
        }
        if !token.is_empty() {
            self.bytes += token.len();
            self.out.push(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::Language;

    use super::*;
    use crate::{Clock, tree::Parsers};

    fn tokens(text: &str) -> String {
        let tree = Parsers::default().parse(Language::Python, text, Clock::unlimited()).unwrap();
        normalised(tree.root_node(), text)
    }

    #[test]
    fn layout_and_comments_are_no_part_of_the_tokens() {
        let plain = tokens("f(a, 'b c')\n");
        assert_eq!(
            plain.split('\n').collect::<Vec<_>>(),
            ["f", "(", "a", ",", "'", "b c", "'", ")"]
        );
        assert_eq!(tokens("f(\n    a,  # first\n    'b c',\n)\n"), plain);
        assert_ne!(tokens("f(a, 'b d')\n"), plain);
    }

    #[test]
    fn a_mask_covers_every_byte_of_its_range() {
        let text = "one\nkey = 'sésame'\nthree\n";
        let lines = Lines::new(text);
        let at = text.find("sésame").unwrap();
        let mask = at..at + "sésame".len();
        let snippet = lines.snippet(&(0..text.len() - 1), std::slice::from_ref(&mask));
        assert_eq!(snippet.text, "one\nkey = '***'\nthree");
        assert_eq!(snippet.marks, [0..3, 0..11, 0..5]);
        let snippet = lines.snippet(&(at - 7..at + 2), std::slice::from_ref(&mask));
        assert_eq!((snippet.text.as_str(), snippet.marks.len()), ("key = '***'", 1));
        assert_eq!(snippet.marks[0], 0..10);
        assert_eq!(lines.around(&mask), LineRange { first: 2, last: 2 });
    }

    #[test]
    fn a_long_line_is_clipped_around_the_match_and_stays_masked() {
        let text = format!("{}é SECRETSECRET {}", "a".repeat(1000), "b".repeat(1000));
        let at = text.find("SECRET").unwrap();
        let mask = at..at + 12;
        for focus in [0, at - 230, at - 200, at, at + 10, 1900] {
            let lines = Lines::new(&text);
            let Snippet { text: snippet, marks } =
                lines.snippet(&(focus..focus + 1), std::slice::from_ref(&mask));
            assert!(snippet.len() < LINE_BYTES_MAX + 20, "{snippet}");
            assert!(!snippet.contains("SEC") && !snippet.contains("RET"), "{snippet}");
            let marked = &snippet[marks[0].clone()];
            assert!(matches!(marked, "a" | "b" | MASK), "{focus}: {marked:?} in {snippet}");
        }
    }

    #[test]
    fn columns_are_those_an_editor_shows() {
        let text = "a = 1\n\u{1f600}é = f(\n    b)\n";
        let lines = Lines::new(text);
        let at = |part: &str| text.find(part).unwrap();
        assert_eq!(lines.columns(&(at("f(")..at(")") + 1)), Some((7, 7)));
        assert_eq!(lines.columns(&(0..1)), Some((1, 2)));
        let long = format!("{}x", " ".repeat(COLUMNS_BYTES_MAX + 1));
        assert_eq!(Lines::new(&long).columns(&(long.len() - 1..long.len())), None);
    }

    #[test]
    fn the_hash_is_that_of_the_files_own_lines() {
        let text = "a\nb\nc";
        let hash = Lines::new(text).hash(LineRange { first: 2, last: 3 });
        assert_eq!(hash, SnippetHash::of("b\nc\n"));
    }
}
