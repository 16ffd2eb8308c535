//! A refutation as a finding: what fails, where, and for which inputs.

use std::collections::HashMap;

use domain::{
    Category, Finding, Fingerprint, FormalVerdict, LineRange, Severity, SnippetHash,
    VerificationType,
};
use formal::ir::CheckKind;
use store::findings::{Input, Proof};

use super::examine::Outcome;

/// How often a refutation is right: it was run, and only what is modelled took part.
const CONFIDENCE: f64 = 0.95;

/// The same for what only fails if a caller wants it to; below every gate.
const CALLER_CONFIDENCE: f64 = 0.3;

/// Longest line that is shown.
const SNIPPET_CHARS_MAX: usize = 240;

/// What is shown of a refutation.
pub(super) struct Refutation {
    pub(super) finding: Finding,
    pub(super) proof: Proof,
    /// The base fails in the same way.
    pub(super) existing: bool,
}

/// The findings of an analysis. What depends on the caller is left out where a change is judged.
pub(super) fn of_all(outcomes: &[Outcome], is_change: bool) -> Vec<Refutation> {
    let mut occurrences = HashMap::new();
    let mut findings = Vec::new();
    for outcome in outcomes {
        let depends = match outcome.verdict {
            FormalVerdict::Refuted => false,
            FormalVerdict::CallerDependent if !is_change => true,
            FormalVerdict::CallerDependent | FormalVerdict::Proved | FormalVerdict::Unknown => {
                continue;
            }
        };
        let tokens = outcome.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let key = (outcome.path.clone(), outcome.function.clone(), outcome.kind, tokens.clone());
        let occurrence = occurrences.entry(key).or_insert(0_u32);
        let finding = finding(outcome, depends, &tokens, *occurrence);
        let proof = proof(outcome);
        findings.push(Refutation { finding, proof, existing: outcome.existing });
        *occurrence += 1;
    }
    findings
}

fn finding(outcome: &Outcome, depends: bool, tokens: &str, occurrence: u32) -> Finding {
    let rule = format!("{}.formal.{}", outcome.language, outcome.kind.as_str().replace('_', "-"));
    let (severity, title, cwe) = meaning(outcome.kind);
    let fingerprint = Fingerprint::of(&rule, &outcome.path, &outcome.function, tokens, occurrence);
    Finding {
        rule,
        category: Category::Correctness,
        severity: if depends { Severity::Info } else { severity },
        confidence: if depends { CALLER_CONFIDENCE } else { CONFIDENCE },
        verification: VerificationType::Formal,
        title: title.to_owned(),
        description: description(outcome, depends),
        path: outcome.path.clone(),
        lines: LineRange { first: outcome.line, last: outcome.line },
        snippet: outcome.text.chars().take(SNIPPET_CHARS_MAX).collect(),
        snippet_hash: SnippetHash::of(&outcome.text),
        fingerprint,
        trail: None,
        fix_suggestion: None,
        fix_diff: None,
        cwe: cwe.iter().map(|cwe| (*cwe).to_owned()).collect(),
        owasp: Vec::new(),
        demoted: false,
    }
}

/// The inputs on which it was run again, and the same as a program.
fn proof(outcome: &Outcome) -> Proof {
    let inputs = outcome.inputs.as_deref().unwrap_or_default().iter();
    Proof {
        inputs: inputs
            .map(|(name, value)| Input { name: name.clone(), value: value.clone() })
            .collect(),
        test: outcome.kept_test(),
    }
}

fn description(outcome: &Outcome, depends: bool) -> String {
    let inputs = outcome.inputs.as_deref().unwrap_or_default();
    let shown: Vec<String> =
        inputs.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let when = match (shown.as_slice(), depends) {
        ([], _) => "It does so whenever it is reached.".to_owned(),
        (shown, false) => format!("It does so for {}.", shown.join(", ")),
        (shown, true) => format!("It does so if a caller passes {}.", shown.join(", ")),
    };
    format!(
        "In `{}`, found by symbolic execution and run again on these inputs. {when}",
        outcome.function
    )
}

fn meaning(kind: CheckKind) -> (Severity, &'static str, &'static [&'static str]) {
    match kind {
        CheckKind::DivisionByZero => (Severity::Medium, "Division by zero", &["CWE-369"]),
        CheckKind::FloatDivisionByZero => {
            (Severity::Low, "Division of a floating-point number by zero", &["CWE-369"])
        }
        CheckKind::IntegerOverflow => (Severity::Medium, "Integer overflow", &["CWE-190"]),
        CheckKind::NarrowingConversion => (
            Severity::Medium,
            "Conversion to an integer type that cannot hold the value",
            &["CWE-681"],
        ),
        CheckKind::IndexOutOfBounds => (Severity::Medium, "Index out of bounds", &["CWE-129"]),
        CheckKind::NegativeArraySize => (Severity::Medium, "Negative array size", &["CWE-789"]),
        CheckKind::NegativeExponent => (Severity::Medium, "Negative exponent", &["CWE-682"]),
        CheckKind::TypeMismatch => {
            (Severity::Medium, "Operands that do not go together", &["CWE-843"])
        }
        CheckKind::NullDereference => {
            (Severity::Medium, "Use of something that is not there", &["CWE-476"])
        }
        CheckKind::ConstantCondition => {
            // Often a last `elif` that only says what is left.
            (Severity::Info, "Condition that never changes", &["CWE-570", "CWE-571"])
        }
        CheckKind::NullCheckAfterDereference => {
            (Severity::Low, "Null check after the dereference", &["CWE-476"])
        }
        CheckKind::Assertion => (Severity::Medium, "Assertion that fails", &["CWE-617"]),
    }
}
