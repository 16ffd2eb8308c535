//! How far something can be relied on, in the words that are stored and spoken.

use crate::terms::terms;

terms! {
    /// Ordered: `Low < Critical`.
    RiskLevel ("risk level") {
        Low = "low",
        Medium = "medium",
        High = "high",
        Critical = "critical",
    }
}

terms! {
    /// Which way the scores of a file go.
    Trend ("trend") {
        Improving = "improving",
        Declining = "declining",
        Stable = "stable",
    }
}

/// Fewer scores than this have no direction.
const TREND_MIN: usize = 4;
/// Halves that differ by no more than this are alike.
const DIFFERENCE_MIN: f64 = 5.0;

impl Trend {
    /// Compares the newer half of some scores with the older one; of an odd number the one in the
    /// middle belongs to the newer.
    pub fn of(newest_first: &[f64]) -> Option<Self> {
        if newest_first.len() < TREND_MIN {
            return None;
        }
        let (newer, older) = newest_first.split_at(newest_first.len().div_ceil(2));
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        let difference = mean(newer) - mean(older);
        Some(match difference {
            _ if difference > DIFFERENCE_MIN => Self::Improving,
            _ if difference < -DIFFERENCE_MIN => Self::Declining,
            _ => Self::Stable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_half_is_compared_with_the_older_one() {
        let cases: [(&[f64], Option<Trend>); 7] = [
            (&[], None),
            (&[90.0, 10.0, 10.0], None),
            (&[90.0, 80.0, 70.0, 60.0], Some(Trend::Improving)),
            (&[60.0, 70.0, 80.0, 90.0], Some(Trend::Declining)),
            (&[80.0, 80.0, 75.0, 75.0], Some(Trend::Stable)),
            (&[80.1, 80.1, 75.0, 75.0], Some(Trend::Improving)),
            // The one in the middle is among the newer: (90 + 90 + 0) / 3 beside 50.
            (&[90.0, 90.0, 0.0, 50.0, 50.0], Some(Trend::Improving)),
        ];
        for (scores, expected) in cases {
            assert_eq!(Trend::of(scores), expected, "{scores:?}");
        }
    }
}
