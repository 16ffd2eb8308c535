//! How hard the text is to follow: long lines, deep nesting, branches, large units.

use analysis::SymbolKind;
use domain::Language;
use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use super::{Measured, Part, Place, evidence::PLACES_MAX};
use crate::{Read, read::line_of};

/// A longer line is a long one.
const LINE_CHARS_MAX: usize = 100;
/// Indentation in columns that is as deep as it gets.
const INDENT_MAX: f64 = 32.0;
/// A tab is as wide as four blanks, or code in Go would look flat.
const TAB_COLUMNS: usize = 4;
/// One branch for each so many lines is as many as there can be.
const LINES_A_BRANCH: f64 = 5.0;
/// A unit of so many lines is as large as it gets.
const UNIT_LINES_MAX: f64 = 50.0;
/// What the formula assumes for a file without units.
const NO_UNITS: f64 = 0.5;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) lines: usize,
    pub(super) long: usize,
    /// The first of them.
    pub(super) long_lines: Vec<u32>,
    /// Columns of the deepest line, and which it is.
    pub(super) indent: (usize, u32),
    pub(super) branches: Vec<u32>,
    pub(super) units: usize,
}

impl Facts {
    pub(super) fn of(read: &Read<'_>) -> Self {
        let mut facts = Self {
            lines: read.text.lines().count(),
            long: 0,
            long_lines: Vec::new(),
            indent: (0, 1),
            branches: Vec::new(),
            units: read.symbols_of(SymbolKind::Function).count()
                + read.symbols_of(SymbolKind::Type).count(),
        };
        for (number, line) in (1..).zip(read.text.lines()) {
            if line.chars().nth(LINE_CHARS_MAX).is_some() {
                facts.long += 1;
                if facts.long_lines.len() < PLACES_MAX {
                    facts.long_lines.push(number);
                }
            }
            let columns = columns(line);
            if columns > facts.indent.0 {
                facts.indent = (columns, number);
            }
        }
        facts
    }

    pub(super) fn enter(&mut self, read: &Read<'_>, node: Node<'_>) {
        if node.is_named() && is_branch(read.language, node.kind()) {
            self.branches.push(line_of(node));
        }
    }
}

fn columns(line: &str) -> usize {
    let indent = line.chars().take_while(|character| matches!(character, ' ' | '\t'));
    if line.trim().is_empty() {
        return 0;
    }
    indent.map(|character| if character == '\t' { TAB_COLUMNS } else { 1 }).sum()
}

fn is_branch(language: Language, kind: &str) -> bool {
    match language {
        Language::Python => matches!(
            kind,
            "if_statement"
                | "elif_clause"
                | "for_statement"
                | "while_statement"
                | "except_clause"
                | "case_clause"
                | "conditional_expression"
                | "with_statement"
                | "try_statement"
        ),
        Language::JavaScript | Language::TypeScript | Language::Tsx => matches!(
            kind,
            "if_statement"
                | "for_statement"
                | "for_in_statement"
                | "while_statement"
                | "do_statement"
                | "switch_case"
                | "catch_clause"
                | "ternary_expression"
                | "try_statement"
        ),
        Language::Go => matches!(
            kind,
            "if_statement"
                | "for_statement"
                | "expression_case"
                | "type_case"
                | "communication_case"
                | "select_statement"
        ),
        Language::Java => matches!(
            kind,
            "if_statement"
                | "for_statement"
                | "enhanced_for_statement"
                | "while_statement"
                | "do_statement"
                | "switch_label"
                | "catch_clause"
                | "ternary_expression"
                | "try_statement"
                | "try_with_resources_statement"
        ),
        Language::Rust => matches!(
            kind,
            "if_expression"
                | "for_expression"
                | "while_expression"
                | "loop_expression"
                | "match_arm"
        ),
    }
}

pub(super) fn measure(facts: &Facts) -> Measured {
    let lines = facts.lines.max(1) as f64;
    let long = facts.long as f64 / lines;
    let indent = (facts.indent.0 as f64 / INDENT_MAX).min(1.0);
    let branches = (facts.branches.len() as f64 / (lines / LINES_A_BRANCH)).min(1.0);
    let units = (facts.units > 0).then(|| (lines / facts.units as f64 / UNIT_LINES_MAX).min(1.0));

    let quarter = 0.25;
    let long_part = Part::new("long_lines", quarter)
        .value(long)
        .at_lines(&facts.long_lines)
        .counted(facts.long, Some(facts.lines))
        .note(format!("lines of more than {LINE_CHARS_MAX} characters"));
    let indent_part = Part::new("nesting", quarter)
        .value(indent)
        .counted(facts.indent.0, Some(INDENT_MAX as usize))
        .at([Place::line(facts.indent.1)])
        .note("columns of the deepest indentation; a tab is four");
    let branch_part = Part::new("branches", quarter)
        .value(branches)
        .at_lines(&facts.branches)
        .counted(facts.branches.len(), Some(facts.lines))
        .note("branches, loops and handlers, among lines");
    let unit_part = Part::new("unit_size", quarter).counted(facts.units, Some(facts.lines));
    let unit_part = match units {
        Some(units) => unit_part.value(units).note("functions and types, among lines"),
        None => unit_part.note("there is neither function nor type to measure"),
    };
    let known: Vec<f64> =
        [Some(long), Some(indent), Some(branches), units].into_iter().flatten().collect();
    let complexity = known.iter().sum::<f64>() / known.len() as f64;
    let assumed = (long + indent + branches + units.unwrap_or(NO_UNITS)) / 4.0;
    Measured {
        value: Ok(1.0 - complexity),
        formula: 1.0 - assumed,
        parts: vec![long_part, indent_part, branch_part, unit_part],
    }
}
