//! Gitleaks: its rules are made by Go programs that list what each must match (`tps`) and must not
//! (`fps`). Only literals are read; what the programs put together or draw by lot is not. Where a
//! list gives its literals the names of files, they have them here, too.
//!
//! Few patterns were written with this suite at hand: it is here to tell whether what was learned
//! elsewhere holds.

use std::path::Path;

use analysis::{Clock, Examiner, syntax_tree};
use domain::{Language, SourceFile, VerificationType};
use tree_sitter::Node;

use crate::{
    Stop, files, peers,
    sheet::{Cell, Share, Sheet, Table},
    watch::watched,
};

/// Where the rules are in the repository.
const RULES: &str = "cmd/generate/config/rules";

/// Most literals come without a file name, so that none may help.
const NAME: &str = "example";

/// A literal of a rule's program.
#[derive(Debug, PartialEq, Eq)]
struct Label {
    /// What the suite calls the file.
    path: Option<String>,
    text: String,
    line: usize,
    is_secret: bool,
}

pub(crate) fn score(path: &Path) -> Result<Sheet, Stop> {
    let root = match path.join(RULES) {
        rules if rules.is_dir() => rules,
        _ => path.to_owned(),
    };
    let mut examiner = Examiner::default();
    let (mut found, mut alarms) = (Share::default(), Share::default());
    let mut wrong = Vec::new();
    for file in watched("files", files::below(&root)?) {
        let name = files::relative(&root, &file);
        if Language::of_path(&name) != Some(Language::Go) {
            continue;
        }
        let source = files::source(&root, &file)?;
        for label in labels(&String::from_utf8_lossy(&source.bytes)) {
            let path = label.path.unwrap_or_else(|| NAME.to_owned());
            let file = SourceFile { path, bytes: label.text.into_bytes() };
            let examined = examiner.examine(&file, Clock::unlimited());
            let secret = |kind| kind == VerificationType::Secret;
            let by = examined.findings.into_iter().find(|it| secret(it.finding.verification));
            let share = if label.is_secret { &mut found } else { &mut alarms };
            share.count(by.is_some());
            match by {
                Some(by) if !label.is_secret => {
                    let rule = by.finding.rule;
                    wrong.push(format!("false alarm: {name}:{} {rule}", label.line));
                }
                None if label.is_secret => wrong.push(format!("missed: {name}:{}", label.line)),
                Some(_) | None => {}
            }
        }
    }
    if found.whole == 0 {
        return Err(Stop::new(
            format_args!("{} holds no rules with examples", path.display()),
            "check out gitleaks/gitleaks and name its folder",
        ));
    }
    let mut table = Table::new(["program", "secrets found", "false alarms"]);
    table.row([Cell::from("assay"), found.into(), alarms.into()]);
    for peer in &peers::GITLEAKS {
        table.row([Cell::from(peer.name), peer.found.into(), peer.alarms.into()]);
    }
    Ok(Sheet { suite: "gitleaks", tables: vec![table], wrong, ..Sheet::default() })
}

/// The literals given to `tps` and `fps`.
fn labels(text: &str) -> Vec<Label> {
    let Some(tree) = syntax_tree(Language::Go, text, &Clock::unlimited()) else {
        return Vec::new();
    };
    let mut labels = Vec::new();
    let mut open = vec![tree.root_node()];
    while let Some(node) = open.pop() {
        let name = node.child_by_field_name("left").map(|left| &text[left.byte_range()]);
        match (node.kind(), name) {
            ("short_var_declaration", Some(list @ ("tps" | "fps"))) => {
                literals(node, text, list == "tps", &mut labels);
            }
            _ => open.extend(node.named_children(&mut node.walk())),
        }
    }
    labels.sort_by_key(|label| label.line);
    labels
}

/// Elements of the list that are a literal and nothing else.
fn literals(declaration: Node<'_>, text: &str, is_secret: bool, labels: &mut Vec<Label>) {
    let mut open = vec![declaration];
    while let Some(node) = open.pop() {
        let (name, element) = match node.kind() {
            "keyed_element" => (node.named_child(0), node.named_child(1)),
            "literal_element" => (None, Some(node)),
            _ => {
                open.extend(node.named_children(&mut node.walk()));
                continue;
            }
        };
        let value = element.and_then(|element| literal(element, text));
        if let (Some(value), Some(element)) = (value, element) {
            let path = name.and_then(|name| literal(name, text));
            let line = element.start_position().row + 1;
            labels.push(Label { path, text: value, line, is_secret });
        }
    }
}

fn literal(element: Node<'_>, text: &str) -> Option<String> {
    let literal = element.named_child(0)?;
    let quoted = &text[literal.byte_range()];
    match literal.kind() {
        "raw_string_literal" => Some(quoted.trim_matches('`').to_owned()),
        // Go's escapes are JSON's but for a few, which nobody needs in a secret.
        "interpreted_string_literal" => serde_json::from_str(quoted).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literals_of_the_two_lists_are_read() {
        let text = "package rules\n\nfunc R() *config.Rule {\n\ttps := []string{\n\t\t`a \"b\"`,\n\
                    \t\t\"c\\td\",\n\t\tsecrets.New(\"x\"),\n\t\t\"e\" + f,\n\t}\n\
                    \tfps := []string{\"g\"}\n\tother := []string{\"h\"}\n}\n";
        let label = |text: &str, line, is_secret| {
            let (path, text) = (None, text.to_owned());
            Label { path, text, line, is_secret }
        };
        let expected = [label("a \"b\"", 5, true), label("c\td", 6, true), label("g", 10, false)];
        assert_eq!(labels(text), expected);
    }

    #[test]
    fn the_name_of_a_file_is_no_literal() {
        let text = "package rules\n\nfunc R() {\n\tfps := map[string]string{\n\
                    \t\t\"a.yaml\": `kind: b`,\n\t\tname(): \"c\",\n\t}\n}\n";
        let label = |path: Option<&str>, text: &str, line| Label {
            path: path.map(str::to_owned),
            text: text.to_owned(),
            line,
            is_secret: false,
        };
        assert_eq!(labels(text), [label(Some("a.yaml"), "kind: b", 5), label(None, "c", 6)]);
    }
}
