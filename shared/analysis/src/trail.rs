//! Trails of findings: how they are known again in a file of another name, behind other
//! formatting, or by a rule that was reworked.

use std::ops::Range;

use domain::{Finding, Language, Trail};
use tree_sitter::{Node, Tree};

use crate::{Clock, excerpt::next_branch, scan::Exact, symbols::SymbolCollector, tree::Parsers};

/// More of a statement does not make it any more distinct.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Formatters add, remove and exchange these.
const FORMATTING: [char; 7] = ['(', ')', ',', ';', '\'', '"', '`'];

/// Nodes that hold statements and do not end in `block` or `body`.
const CONTAINERS: [&str; 13] = [
    "module",
    "program",
    "source_file",
    "declaration_list",
    "field_declaration_list",
    "statement_list",
    "switch_case",
    "switch_default",
    "expression_case",
    "default_case",
    "type_case",
    "communication_case",
    "switch_block_statement_group",
];

/// Gives every finding of a file its trail, but for secrets, which have one. None of them has
/// one when the file cannot be parsed in time.
pub(crate) fn lay(
    language: Language,
    text: &str,
    parsers: &mut Parsers,
    clock: Clock,
    findings: &mut [Finding],
    places: &[Exact],
) {
    if findings.iter().all(|finding| finding.trail.is_some()) {
        return;
    }
    let Ok(tree) = parsers.parse(language, text, clock) else { return };
    for (finding, exact) in findings.iter_mut().zip(places) {
        if finding.trail.is_none() {
            finding.trail = Some(trail(language, text, &tree, weakness(finding), &exact.bytes));
        }
    }
}

/// The trail of a secret is the secret, whatever stands around it.
pub(crate) fn of_secret(rule: &str, digest: &str) -> Trail {
    Trail::of(rule, "", digest, digest)
}

fn weakness(finding: &Finding) -> &str {
    finding.cwe.first().map_or(&finding.rule, String::as_str)
}

fn trail(
    language: Language,
    text: &str,
    tree: &Tree,
    weakness: &str,
    bytes: &Range<usize>,
) -> Trail {
    let mut collector = SymbolCollector::new(language, text);
    let mut cursor = tree.walk();
    let (mut chain, mut depth) = (vec![cursor.node()], 0);
    while cursor.node().byte_range() != *bytes
        && cursor.goto_first_child_for_byte(bytes.start).is_some()
    {
        if cursor.node().end_byte() < bytes.end || cursor.node().start_byte() > bytes.start {
            break;
        }
        depth += 1;
        collector.enter(&cursor, depth);
        chain.push(cursor.node());
    }
    let enclosing = collector.enclosing();
    let symbols = collector.finish();
    let symbol = enclosing.map_or("", |index| symbols[index].name.as_str());
    let matched = chain[chain.len() - 1];
    // The node whose parent holds statements is a statement.
    let parents = chain.iter().rev().skip(1);
    let statement = chain.iter().rev().zip(parents).find(|(_, parent)| is_container(**parent));
    let statement = statement.map_or(matched, |(statement, _)| *statement);
    Trail::of(weakness, symbol, &tokens(matched, text), &tokens(statement, text))
}

/// Whether a node holds statements, and is none itself.
pub(crate) fn is_container(node: Node<'_>) -> bool {
    let kind = node.kind();
    kind.ends_with("block") || kind.ends_with("body") || CONTAINERS.contains(&kind)
}

/// The words of a node without comments, layout and whatever a formatter may change, and without
/// the statements inside it: a change in the body of an `if` is none of its condition.
fn tokens(node: Node<'_>, text: &str) -> String {
    let mut tokens = Words { text, out: String::new(), at: node.start_byte() };
    let mut cursor = node.walk();
    loop {
        let here = cursor.node();
        let inner = here.id() != node.id() && is_container(here);
        if inner || (here.is_extra() && !here.is_error()) {
            tokens.until(here.start_byte());
            tokens.at = tokens.at.max(here.end_byte());
        } else if here.child_count() == 0 {
            // Some grammars leave text, such as a string's content, between their leaves.
            tokens.until(here.start_byte());
            tokens.until(here.end_byte());
        } else if cursor.goto_first_child() {
            continue;
        }
        if tokens.out.len() >= TOKEN_BYTES_MAX || !next_branch(&mut cursor) {
            break;
        }
    }
    if tokens.out.len() < TOKEN_BYTES_MAX {
        tokens.until(node.end_byte());
    }
    tokens.out
}

struct Words<'a> {
    text: &'a str,
    out: String,
    /// Everything before this byte has been taken or left out.
    at: usize,
}

impl Words<'_> {
    fn until(&mut self, end: usize) {
        let piece = self.text.get(self.at..end.max(self.at)).unwrap_or_default();
        self.at = self.at.max(end);
        for word in piece.split_whitespace() {
            let word = word.trim_matches(FORMATTING);
            if !word.is_empty() {
                self.out.push_str(word);
                self.out.push('\n');
            }
        }
    }
}

#[cfg(test)]
mod edits;
#[cfg(test)]
mod tests {
    use super::*;

    fn trail_of(language: Language, text: &str, matched: &str) -> Trail {
        let tree = Parsers::default().parse(language, text, Clock::unlimited()).unwrap();
        let at = text.find(matched).unwrap();
        trail(language, text, &tree, "CWE-95", &(at..at + matched.len()))
    }

    #[test]
    fn formatting_leaves_no_trace() {
        let cases = [
            (
                Language::Python,
                "def run(x):\n    y = eval('a', x)\n",
                "import os\n\n\nclass Other:\n    pass\n\n\ndef run(x):\n    if x:\n        y = (\n            \
                 eval(\n                \"a\",  # first\n                x,\n            )\n        )\n",
            ),
            (
                Language::JavaScript,
                "function run(x) { const y = eval('a', x) }",
                "function run(x) {\n  const y = eval(\n    \"a\",\n    x,\n  );\n}\n",
            ),
        ];
        for (language, before, after) in cases {
            let end = after.rfind(')').unwrap();
            let start = after.find("eval(").unwrap();
            let close = after[start..end + 1].find("x").unwrap() + start;
            let close = after[close..].find(')').unwrap() + close + 1;
            let one = trail_of(language, before, "eval('a', x)");
            let other = trail_of(language, after, &after[start..close]);
            assert_eq!(one, other, "{language}");
        }
    }

    #[test]
    fn the_symbol_and_the_code_take_part() {
        let of = |text: &str, matched: &str| trail_of(Language::Python, text, matched);
        let one = of("def run(x):\n    y = eval(x)\n", "eval(x)");
        assert_ne!(one, of("def start(x):\n    y = eval(x)\n", "eval(x)"));
        assert_ne!(one, of("def run(x):\n    z = eval(x)\n", "eval(x)"));
        assert_ne!(one, of("class A:\n    def run(x):\n        y = eval(x)\n", "eval(x)"));
    }

    #[test]
    fn the_body_of_a_statement_is_not_its_own() {
        let of = |text: &str| trail_of(Language::Python, text, "eval(x)");
        let one = of("if eval(x):\n    a = 1\n");
        assert_eq!(one, of("if eval(x):\n    b = 2\n    c = 3\n"));
        assert_ne!(one, of("while eval(x):\n    a = 1\n"));
    }
}
