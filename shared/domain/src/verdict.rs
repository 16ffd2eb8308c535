//! The gate: which findings decide, and whether the commit passes.

use serde::{Deserialize, Serialize};

use crate::{Finding, Severity, terms::terms};

terms! {
    Verdict ("verdict") { Passed = "passed", Failed = "failed" }
}

/// How many deciding findings of each severity a commit may carry.
///
/// Defaults follow spec/verification: no critical, no high, five medium, ten low.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    pub critical_max: u32,
    pub high_max: u32,
    pub medium_max: u32,
    pub low_max: u32,
    /// Findings below it are shown and do not decide.
    pub confidence_min: f64,
}

impl Default for Gate {
    fn default() -> Self {
        Self { critical_max: 0, high_max: 0, medium_max: 5, low_max: 10, confidence_min: 0.5 }
    }
}

impl Gate {
    /// Whether a finding is of the kind that may decide at all.
    pub fn counts(&self, finding: &Finding) -> bool {
        !finding.demoted && finding.confidence >= self.confidence_min
    }

    fn allows(&self, severity: Severity, count: u32) -> bool {
        match severity {
            Severity::Critical => count <= self.critical_max,
            Severity::High => count <= self.high_max,
            Severity::Medium => count <= self.medium_max,
            Severity::Low => count <= self.low_max,
            Severity::Info => true,
        }
    }
}

/// Judges by the severities of the deciding findings.
pub fn judge(gate: &Gate, deciding: impl IntoIterator<Item = Severity>) -> Verdict {
    let mut counts = [0_u32; Severity::ALL.len()];
    for severity in deciding {
        counts[severity as usize] += 1;
    }
    let passed = Severity::ALL.iter().all(|level| gate.allows(*level, counts[*level as usize]));
    if passed { Verdict::Passed } else { Verdict::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_fails_by_the_first_threshold_it_exceeds() {
        use Severity::{Critical, High, Info, Low, Medium};
        let cases: [(&[(Severity, usize)], Verdict); 7] = [
            (&[], Verdict::Passed),
            (&[(Critical, 1)], Verdict::Failed),
            (&[(High, 1)], Verdict::Failed),
            (&[(Medium, 5), (Low, 10)], Verdict::Passed),
            (&[(Medium, 6)], Verdict::Failed),
            (&[(Low, 11)], Verdict::Failed),
            (&[(Info, 1000)], Verdict::Passed),
        ];
        for (counts, verdict) in cases {
            let severities =
                counts.iter().flat_map(|(level, count)| std::iter::repeat_n(*level, *count));
            assert_eq!(judge(&Gate::default(), severities), verdict, "{counts:?}");
        }
    }
}
