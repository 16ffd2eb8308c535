use domain::{RiskLevel, Severity};

use super::{FactorName, Observation};

/// Patterns below this are critical whatever the number.
const PATTERN_MIN: f64 = 0.3;
/// From here on the patterns say clearly that nothing is wrong.
const PATTERN_CLEAR: f64 = 0.9;

/// As the plain formula has it.
pub(super) fn by_number(score: f64, pattern: f64) -> RiskLevel {
    if pattern < PATTERN_MIN {
        return RiskLevel::Critical;
    }
    match score {
        _ if score >= 80.0 => RiskLevel::Low,
        _ if score >= 60.0 => RiskLevel::Medium,
        _ if score >= 40.0 => RiskLevel::High,
        _ => RiskLevel::Critical,
    }
}

/// The level, and why. A number that is good on the whole does not outweigh one grave finding.
pub(super) fn judge(
    score: f64,
    pattern: f64,
    findings: &[Observation],
) -> (RiskLevel, Vec<String>) {
    let mut level = by_number(score, pattern);
    let mut reasons = vec![match level {
        RiskLevel::Critical if pattern < PATTERN_MIN => {
            format!("risky patterns leave {pattern:.2} of 1, less than {PATTERN_MIN}")
        }
        RiskLevel::Low => format!("a score of {score:.1}, 80 or more"),
        RiskLevel::Medium => format!("a score of {score:.1}, from 60 to 80"),
        RiskLevel::High => format!("a score of {score:.1}, from 40 to 60"),
        RiskLevel::Critical => format!("a score of {score:.1}, less than 40"),
    }];
    let open = findings.iter().filter(|finding| finding.is_open());
    let gravest = open.max_by(|one, other| {
        (one.severity, other.lines.first).cmp(&(other.severity, one.lines.first))
    });
    if let Some(finding) = gravest {
        let floor = match finding.severity {
            Severity::Critical => RiskLevel::High,
            Severity::High => RiskLevel::Medium,
            Severity::Medium | Severity::Low | Severity::Info => RiskLevel::Low,
        };
        if floor > level {
            level = floor;
            reasons.push(format!(
                "an open finding of severity {} in line {}: {}",
                finding.severity, finding.lines.first, finding.rule
            ));
        }
    }
    (level, reasons)
}

/// How much of what a score stands on was there.
pub(super) fn confidence(not_measured: &[FactorName], pattern: f64) -> f64 {
    let there = |name| !not_measured.contains(&name);
    let verification = if there(FactorName::Verification) { 0.9 } else { 0.5 };
    let history = if there(FactorName::History) { 0.8 } else { 0.5 };
    let extreme = !(PATTERN_MIN..PATTERN_CLEAR).contains(&pattern);
    let pattern = if extreme { 0.9 } else { 0.6 };
    super::stepped((verification + history + pattern) / 3.0)
}
