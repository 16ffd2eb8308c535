//! Gitleaks: its rules are made by Go programs that list what each must match (`tps`) and must not
//! (`fps`). Only literals are read; what the programs put together or draw by lot is not.
//!
//! Nothing was written with this suite at hand: it is here to tell whether what was learned
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

/// Literals come without a file name, so that none may help.
const NAME: &str = "example";

/// A literal of a rule's program.
#[derive(Debug, PartialEq, Eq)]
struct Label {
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
            let file = SourceFile { path: NAME.to_owned(), bytes: label.text.into_bytes() };
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
        if node.kind() != "literal_element" {
            open.extend(node.named_children(&mut node.walk()));
            continue;
        }
        let Some(literal) = node.named_child(0) else { continue };
        let quoted = &text[literal.byte_range()];
        let value = match literal.kind() {
            "raw_string_literal" => Some(quoted.trim_matches('`').to_owned()),
            // Go's escapes are JSON's but for a few, which nobody needs in a secret.
            "interpreted_string_literal" => serde_json::from_str(quoted).ok(),
            _ => None,
        };
        if let Some(text) = value {
            labels.push(Label { text, line: literal.start_position().row + 1, is_secret });
        }
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
        let label = |text: &str, line, is_secret| Label { text: text.to_owned(), line, is_secret };
        let expected = [label("a \"b\"", 5, true), label("c\td", 6, true), label("g", 10, false)];
        assert_eq!(labels(text), expected);
    }
}
