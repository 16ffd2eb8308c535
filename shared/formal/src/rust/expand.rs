//! The macros of the standard library as plain code, so that what is in them can be read.
//!
//! A macro's arguments are but tokens to the grammar. The known ones are written out, with as
//! many lines as before, and the file is parsed anew; every other macro stays what it was.

use std::{collections::HashSet, ops::ControlFlow};

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use super::{each, text};
use crate::Source;

/// Macros within macros within macros.
const ROUNDS_MAX: usize = 4;

/// How often the parser may ask whether to go on: a file that takes more stays as it is.
const PROGRESS_MAX: u32 = 20_000;

/// Calls of what the macros stand for; no code has such names.
pub(super) const ASSERT: &str = "__formal_assert";
pub(super) const ASSERT_EQ: &str = "__formal_assert_eq";
pub(super) const ASSERT_NE: &str = "__formal_assert_ne";
pub(super) const PANIC: &str = "__formal_panic";
pub(super) const UNREACHABLE: &str = "__formal_unreachable";
pub(super) const VEC: &str = "__formal_vec";

pub(super) struct Expanded {
    pub(super) text: String,
    pub(super) tree: Tree,
}

pub(super) fn expanded(source: &Source<'_>) -> Expanded {
    let mut own = Expanded { text: source.text.to_owned(), tree: source.tree.clone() };
    let defined = defined(&own);
    for _ in 0..ROUNDS_MAX {
        let Some(text) = written_out(&own, &defined) else { break };
        let Some(tree) = parse(&text) else { break };
        own = Expanded { text, tree };
    }
    own
}

fn parse(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_rust::LANGUAGE.into()).ok()?;
    let mut asked = 0;
    let mut watch = |_: &tree_sitter::ParseState| {
        asked += 1;
        if asked > PROGRESS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut watch);
    let read = |at: usize, _| text.as_bytes().get(at..).unwrap_or_default();
    parser.parse_with_options(&mut { read }, None, Some(options))
}

/// Macros that the file itself defines: their names say nothing.
fn defined(own: &Expanded) -> HashSet<String> {
    let mut names = HashSet::new();
    each(own.tree.root_node(), &mut |node| {
        if node.kind() == "macro_definition"
            && let Some(name) = node.child_by_field_name("name")
        {
            names.insert(text(name, &own.text).to_owned());
        }
        true
    });
    names
}

/// None if no known macro is left.
fn written_out(own: &Expanded, defined: &HashSet<String>) -> Option<String> {
    let mut edits = Vec::new();
    each(own.tree.root_node(), &mut |node| {
        if node.kind() != "macro_invocation" {
            return node.kind() != "macro_definition";
        }
        if let Some(plain) = plain(node, &own.text, defined) {
            edits.push((node.byte_range(), plain));
        }
        false
    });
    if edits.is_empty() {
        return None;
    }
    let (mut written, mut done) = (String::with_capacity(own.text.len()), 0);
    for (range, plain) in edits {
        written.push_str(own.text.get(done..range.start)?);
        written.push_str(&plain);
        let lines = |part: &str| part.matches('\n').count();
        let missing = lines(own.text.get(range.clone())?).saturating_sub(lines(&plain));
        written.push_str(&"\n".repeat(missing));
        done = range.end;
    }
    written.push_str(own.text.get(done..)?);
    Some(written)
}

fn plain(node: Node<'_>, source: &str, defined: &HashSet<String>) -> Option<String> {
    let path = text(node.child_by_field_name("macro")?, source);
    let name = path.rsplit("::").next()?;
    if defined.contains(name) {
        return None;
    }
    let mut cursor = node.walk();
    let tokens = node.children(&mut cursor).find(|child| child.kind() == "token_tree")?;
    let parts = arguments(tokens, source);
    let part = |at: usize| parts.get(at).copied().filter(|part| !part.trim().is_empty());
    // Line breaks before the arguments stay before them.
    Some(match name.strip_prefix("debug_").unwrap_or(name) {
        "assert" => format!("{ASSERT}({})", part(0)?),
        "assert_eq" => format!("{ASSERT_EQ}({},{})", part(0)?, part(1)?),
        "assert_ne" => format!("{ASSERT_NE}({},{})", part(0)?, part(1)?),
        "panic" | "todo" | "unimplemented" => format!("{PANIC}()"),
        "unreachable" => format!("{UNREACHABLE}()"),
        "matches" => {
            let rest = parts.get(1..)?.join(",");
            let pattern = rest.trim_end().trim_end_matches(',');
            format!("(match {} {{{pattern} => true, _ => false}})", part(0)?)
        }
        "vec" => {
            let inner = text(tokens, source);
            let inner = inner.get(1..inner.len().checked_sub(1)?)?;
            format!("{VEC}([{inner}])")
        }
        _ => return None,
    })
}

/// What stands between the commas.
fn arguments<'s>(tokens: Node<'_>, source: &'s str) -> Vec<&'s str> {
    let mut cursor = tokens.walk();
    let commas = tokens.children(&mut cursor).filter(|child| child.kind() == ",");
    let mut ends: Vec<usize> = commas.map(|comma| comma.start_byte()).collect();
    ends.push(tokens.end_byte().saturating_sub(1));
    let mut start = tokens.start_byte() + 1;
    ends.into_iter()
        .map(|end| {
            let part = source.get(start..end).unwrap_or_default();
            start = end + 1;
            part
        })
        .collect()
}
