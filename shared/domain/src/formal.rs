//! What formal checks say of an analysis as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::terms::terms;

terms! {
    /// What is known of one check: never more than was shown.
    FormalVerdict ("formal verdict") {
        /// It cannot go wrong.
        Proved = "proved",
        /// It goes wrong for inputs that can come; a run of the model agrees.
        Refuted = "refuted",
        /// It goes wrong if a caller passes values that no caller may ever pass.
        CallerDependent = "caller_dependent",
        Unknown = "unknown",
    }
}

/// How many checks came out how, and what was not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormalSummary {
    /// Why the solver did not answer; null: it did, or was never needed.
    pub solver_unavailable: Option<String>,
    /// Functions whose checks were all looked at.
    pub functions: u32,
    /// Functions that could not be read, or not wholly.
    pub functions_incomplete: u32,
    /// Functions that nobody looked at because the time of the run was over.
    pub functions_skipped: u32,
    /// Files that name what a change touched, so may call it, and were not read with it because
    /// they are too many.
    #[serde(default)]
    pub callers_unread: u32,
    pub proved: u32,
    pub refuted: u32,
    pub caller_dependent: u32,
    pub unknown: u32,
    /// Results that are kept; the rest is only counted.
    pub kept: u32,
    /// Why checks are unknown and functions incomplete, with how often; the most frequent ones.
    pub reasons: BTreeMap<String, u32>,
}

impl FormalSummary {
    pub fn checks(&self) -> u32 {
        self.proved + self.refuted + self.caller_dependent + self.unknown
    }

    /// The share of checks that are proved. Neither a bug nor an unknown counts in its favour.
    pub fn proved_ratio(&self) -> f64 {
        match self.checks() {
            0 => 0.0,
            checks => f64::from(self.proved) / f64::from(checks),
        }
    }

    pub fn count(&mut self, verdict: FormalVerdict) {
        *match verdict {
            FormalVerdict::Proved => &mut self.proved,
            FormalVerdict::Refuted => &mut self.refuted,
            FormalVerdict::CallerDependent => &mut self.caller_dependent,
            FormalVerdict::Unknown => &mut self.unknown,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proofs_raise_the_ratio() {
        let mut summary = FormalSummary::default();
        assert_eq!(summary.proved_ratio(), 0.0, "nothing was checked, so nothing is proved");
        summary.count(FormalVerdict::Proved);
        assert_eq!(summary.proved_ratio(), 1.0);
        for worse in
            [FormalVerdict::Refuted, FormalVerdict::CallerDependent, FormalVerdict::Unknown]
        {
            let before = summary.proved_ratio();
            summary.count(worse);
            assert!(summary.proved_ratio() < before, "{worse}");
        }
    }
}
