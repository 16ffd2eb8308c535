//! Tiers: what a series of passed analyses earns (spec/verification, 5.2).

use crate::terms::terms;

terms! {
    /// Ordered: `None < Platinum`.
    Tier ("tier") {
        None = "none",
        Bronze = "bronze",
        Silver = "silver",
        Gold = "gold",
        Platinum = "platinum",
    }
}

/// What a tier asks for and how long it lasts.
struct Requirement {
    tier: Tier,
    coverage_min: f64,
    high_max: u32,
    formal_ratio_min: f64,
    clean_runs_min: u32,
    valid_days: i64,
}

/// Highest first, so that the first that is met is the one earned. Critical findings: always 0.
const REQUIREMENTS: [Requirement; 4] = [
    Requirement {
        tier: Tier::Platinum,
        coverage_min: 0.95,
        high_max: 0,
        formal_ratio_min: 0.8,
        clean_runs_min: 25,
        valid_days: 180,
    },
    Requirement {
        tier: Tier::Gold,
        coverage_min: 0.85,
        high_max: 0,
        formal_ratio_min: 0.5,
        clean_runs_min: 10,
        valid_days: 90,
    },
    Requirement {
        tier: Tier::Silver,
        coverage_min: 0.7,
        high_max: 2,
        formal_ratio_min: 0.3,
        clean_runs_min: 5,
        valid_days: 60,
    },
    Requirement {
        tier: Tier::Bronze,
        coverage_min: 0.5,
        high_max: 5,
        formal_ratio_min: 0.0,
        clean_runs_min: 1,
        valid_days: 30,
    },
];

/// Days an attestation without a tier stays valid.
const VALID_DAYS_WITHOUT_TIER: i64 = 7;

impl Tier {
    /// The highest tier whose every requirement is met.
    ///
    /// `formal_ratio` is the share of checks that were decided by proof, and `clean_runs` counts
    /// passed analyses in a row, this one included; a failure breaks the row.
    pub fn earned(
        coverage: f64,
        critical: u32,
        high: u32,
        formal_ratio: f64,
        clean_runs: u32,
    ) -> Self {
        REQUIREMENTS
            .iter()
            .find(|needs| {
                critical == 0
                    && coverage >= needs.coverage_min
                    && high <= needs.high_max
                    && formal_ratio >= needs.formal_ratio_min
                    && clean_runs >= needs.clean_runs_min
            })
            .map_or(Self::None, |needs| needs.tier)
    }

    pub fn valid_days(self) -> i64 {
        REQUIREMENTS
            .iter()
            .find(|needs| needs.tier == self)
            .map_or(VALID_DAYS_WITHOUT_TIER, |needs| needs.valid_days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_earned_only_when_every_requirement_holds() {
        let cases = [
            ((0.95, 0, 0, 0.8, 25), Tier::Platinum),
            ((0.94, 0, 0, 0.8, 25), Tier::Gold),
            ((0.95, 0, 1, 0.8, 25), Tier::Silver),
            ((0.95, 0, 0, 0.0, 25), Tier::Bronze),
            ((0.5, 0, 5, 0.0, 1), Tier::Bronze),
            ((0.49, 0, 0, 1.0, 99), Tier::None),
            ((1.0, 1, 0, 1.0, 99), Tier::None),
            ((1.0, 0, 0, 1.0, 0), Tier::None),
        ];
        for ((coverage, critical, high, formal, clean), tier) in cases {
            assert_eq!(Tier::earned(coverage, critical, high, formal, clean), tier);
        }
    }

    #[test]
    fn a_higher_tier_lasts_longer() {
        assert!(Tier::ALL.windows(2).all(|pair| pair[0].valid_days() < pair[1].valid_days()));
    }
}
