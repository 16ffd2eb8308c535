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

    /// The lines with every range of `masks` made unreadable, long ones clipped around `focus`.
    pub(crate) fn snippet(&self, lines: LineRange, focus: usize, masks: &[Range<usize>]) -> String {
        let count = (lines.last - lines.first) as usize + 1;
        let mut out = String::new();
        for (index, line) in (lines.first..=lines.last).take(SNIPPET_LINES_MAX).enumerate() {
            if index > 0 {
                out.push('\n');
            }
            self.push_line(&mut out, self.bytes(line), focus, masks);
        }
        if count > SNIPPET_LINES_MAX {
            out.push_str("\n…");
        }
        out
    }

    fn push_line(
        &self,
        out: &mut String,
        line: Range<usize>,
        focus: usize,
        masks: &[Range<usize>],
    ) {
        let shown = self.clip(&line, focus);
        if shown.start > line.start {
            out.push('…');
        }
        let mut at = shown.start;
        let hidden = masks.iter().filter(|mask| mask.start < shown.end && mask.end > shown.start);
        for mask in hidden {
            if mask.end <= at {
                continue;
            }
            out.push_str(&self.text[at..mask.start.max(at)]);
            out.push_str(MASK);
            at = mask.end.min(shown.end);
        }
        out.push_str(&self.text[at..shown.end]);
        if shown.end < line.end {
            out.push('…');
        }
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

    fn bytes(&self, line: u32) -> Range<usize> {
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
fn next_branch(cursor: &mut TreeCursor<'_>) -> bool {
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
        let range = LineRange { first: 1, last: 3 };
        let snippet = lines.snippet(range, 0, std::slice::from_ref(&mask));
        assert_eq!(snippet, "one\nkey = '***'\nthree");
        assert_eq!(lines.around(&mask), LineRange { first: 2, last: 2 });
    }

    #[test]
    fn a_long_line_is_clipped_around_the_match_and_stays_masked() {
        let text = format!("{}é SECRETSECRET {}", "a".repeat(1000), "b".repeat(1000));
        let at = text.find("SECRET").unwrap();
        let mask = at..at + 12;
        for focus in [0, at - 230, at - 200, at, at + 10, 1900] {
            let lines = Lines::new(&text);
            let range = LineRange { first: 1, last: 1 };
            let snippet = lines.snippet(range, focus, std::slice::from_ref(&mask));
            assert!(snippet.len() < LINE_BYTES_MAX + 20, "{snippet}");
            assert!(!snippet.contains("SEC") && !snippet.contains("RET"), "{snippet}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_files_own_lines() {
        let text = "a\nb\nc";
        let hash = Lines::new(text).hash(LineRange { first: 2, last: 3 });
        assert_eq!(hash, SnippetHash::of("b\nc\n"));
    }
}
