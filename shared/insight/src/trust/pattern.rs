//! Nine risky patterns: seven that rules find, two that are read off the tree.

use domain::{Language, VerificationType};
use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use super::{Measured, Observation, Observed, Part, Place, quality::names_errors};
use crate::{
    Read,
    read::{is_comment, line_of},
};

/// More hits of one pattern say nothing new.
const HITS_MAX: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Risky {
    CodeEvaluation,
    CommandExecution,
    UnsafeDeserialization,
    ShellCommand,
    CertificateCheckOff,
    PasswordLiteral,
    KeyLiteral,
    SwallowedError,
    CheckerSilenced,
}

impl Risky {
    pub(super) const ALL: [Self; 9] = [
        Self::CodeEvaluation,
        Self::CommandExecution,
        Self::UnsafeDeserialization,
        Self::ShellCommand,
        Self::CertificateCheckOff,
        Self::PasswordLiteral,
        Self::KeyLiteral,
        Self::SwallowedError,
        Self::CheckerSilenced,
    ];

    pub(super) fn weight(self) -> f64 {
        match self {
            Self::CodeEvaluation | Self::CommandExecution => 0.9,
            Self::UnsafeDeserialization | Self::CertificateCheckOff => 0.85,
            Self::ShellCommand => 0.8,
            Self::PasswordLiteral | Self::KeyLiteral => 0.95,
            Self::SwallowedError => 0.7,
            Self::CheckerSilenced => 0.5,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::CodeEvaluation => "code_evaluation",
            Self::CommandExecution => "command_execution",
            Self::UnsafeDeserialization => "unsafe_deserialization",
            Self::ShellCommand => "shell_command",
            Self::CertificateCheckOff => "certificate_check_off",
            Self::PasswordLiteral => "password_literal",
            Self::KeyLiteral => "key_literal",
            Self::SwallowedError => "swallowed_error",
            Self::CheckerSilenced => "checker_silenced",
        }
    }

    /// Which pattern a finding is an instance of; most findings are of none.
    pub(super) fn of(finding: &Observation) -> Option<Self> {
        let is = |numbers: &[&str]| finding.cwe.iter().any(|cwe| numbers.contains(&cwe.as_str()));
        let says = |word: &str| finding.rule.contains(word);
        if finding.verification == VerificationType::Secret
            || is(&["CWE-798", "CWE-259", "CWE-321"])
        {
            let password = says("password") || says("credential") || is(&["CWE-259"]);
            return Some(if password { Self::PasswordLiteral } else { Self::KeyLiteral });
        }
        if is(&["CWE-94", "CWE-95", "CWE-96"]) {
            return Some(Self::CodeEvaluation);
        }
        if is(&["CWE-77", "CWE-78", "CWE-88"]) {
            return Some(if says("shell") { Self::ShellCommand } else { Self::CommandExecution });
        }
        if is(&["CWE-502"]) {
            return Some(Self::UnsafeDeserialization);
        }
        is(&["CWE-295", "CWE-297", "CWE-599"]).then_some(Self::CertificateCheckOff)
    }
}

/// Lines of the two patterns that no rule looks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) swallowed: Vec<u32>,
    pub(super) silenced: Vec<u32>,
}

impl Facts {
    pub(super) fn enter(&mut self, read: &Read<'_>, node: Node<'_>) {
        if swallows(read, node) {
            self.swallowed.push(line_of(node));
        }
        if silences(read, node) {
            self.silenced.push(line_of(node));
        }
    }
}

/// A handler that does nothing at all with the error.
fn swallows(read: &Read<'_>, node: Node<'_>) -> bool {
    match (read.language, node.kind()) {
        (Language::Python, "except_clause") => {
            let mut cursor = node.walk();
            let block = node.named_children(&mut cursor).find(|child| child.kind() == "block");
            // Whoever names an error may have a reason to pass over it.
            names_errors(read, node) == Some(false)
                && block.is_some_and(|block| only(block, |kind| kind == "pass_statement"))
        }
        (
            Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java,
            "catch_clause",
        ) => node.child_by_field_name("body").is_some_and(|body| only(body, |_| false)),
        (Language::Go, "if_statement") => {
            let on_error = node.child_by_field_name("condition").is_some_and(|condition| {
                condition.child_by_field_name("operator").is_some_and(|it| it.kind() == "!=")
                    && condition.child_by_field_name("right").is_some_and(|it| it.kind() == "nil")
            });
            let body = node.child_by_field_name("consequence");
            on_error
                && node.child_by_field_name("alternative").is_none()
                && body.is_some_and(|body| only(body, |_| false))
        }
        (
            Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Go
            | Language::Java
            | Language::Rust,
            _,
        ) => false,
    }
}

/// Whether a block holds nothing but comments and what `idle` names.
fn only(block: Node<'_>, idle: impl Fn(&str) -> bool) -> bool {
    let mut cursor = block.walk();
    block.named_children(&mut cursor).all(|child| is_comment(child) || idle(child.kind()))
}

/// An instruction to a checker to look away.
fn silences(read: &Read<'_>, node: Node<'_>) -> bool {
    let says = |words: &[&str]| {
        let text = read.text_of(node);
        words.iter().any(|word| text.contains(word))
    };
    match read.language {
        Language::Python => is_comment(node) && says(&["type: ignore", "noqa", "nosec"]),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            is_comment(node)
                && says(&["@ts-ignore", "@ts-nocheck", "@ts-expect-error", "eslint-disable"])
        }
        Language::Go => is_comment(node) && says(&["nolint", "#nosec"]),
        Language::Java => {
            matches!(node.kind(), "annotation" | "marker_annotation")
                && says(&["@SuppressWarnings"])
        }
        Language::Rust => {
            matches!(node.kind(), "attribute_item" | "inner_attribute_item") && says(&["[allow("])
        }
    }
}

pub(super) fn measure(facts: &Facts, observed: &Observed) -> Measured {
    let mut loss = 0.0;
    let parts = Risky::ALL.map(|risky| {
        let mut places: Vec<Place> = match risky {
            Risky::SwallowedError => facts.swallowed.iter().copied().map(Place::line).collect(),
            Risky::CheckerSilenced => facts.silenced.iter().copied().map(Place::line).collect(),
            Risky::CodeEvaluation
            | Risky::CommandExecution
            | Risky::UnsafeDeserialization
            | Risky::ShellCommand
            | Risky::CertificateCheckOff
            | Risky::PasswordLiteral
            | Risky::KeyLiteral => found(risky, observed),
        };
        places.sort_unstable();
        let hits = places.len();
        let seen = hits.min(HITS_MAX) as f64 / HITS_MAX as f64;
        loss += risky.weight() * seen;
        Part::new(risky.as_str(), risky.weight())
            .value(seen)
            .counted(hits, None)
            .note(format!("hits; {HITS_MAX} or more are as bad as it gets"))
            .at(places)
    });
    let value = 1.0 - loss / Risky::ALL.len() as f64;
    Measured { value: Ok(value), formula: value, parts: parts.into() }
}

fn found(risky: Risky, observed: &Observed) -> Vec<Place> {
    let open = observed.findings.iter().filter(|finding| finding.is_open());
    let of_it = open.filter(|finding| Risky::of(finding) == Some(risky));
    of_it
        .map(|finding| Place { line: finding.lines.first, rule: Some(finding.rule.clone()) })
        .collect()
}
