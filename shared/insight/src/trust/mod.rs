//! The trust score of a file: how much evidence there is that it can be relied on.
//!
//! No forecast of bugs. Five factors with fixed weights, each between 0 and 1 and each with what it
//! was computed from. A factor for which there is no evidence takes no part: the others share its
//! weight in proportion to their own. The number that the plain formula gives, with its stand-ins
//! for what is missing, is kept beside it.

mod complexity;
mod evidence;
mod history;
mod level;
mod pattern;
mod quality;
#[cfg(test)]
mod tests;
mod verification;

use domain::{Category, Language, LineRange, RiskLevel, Severity, VerificationType};
use serde::{Deserialize, Serialize};

use crate::Read;

pub use evidence::{PLACES_MAX, Part, Place};
pub use history::{HISTORY_MAX, HISTORY_MIN, History, Record};

/// Names how scores are computed: scores of different versions are not compared.
pub const METHOD: &str = "1";

/// What decides about the score of a file beside its text.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    pub findings: Vec<Observation>,
    /// No rule was finished on this file, so that nothing was found means nothing.
    pub unfinished: bool,
    pub history: History,
}

/// A finding, as far as a score cares.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    pub rule: String,
    pub category: Category,
    pub severity: Severity,
    pub confidence: f64,
    pub verification: VerificationType,
    pub cwe: Vec<String>,
    pub lines: LineRange,
    /// People decided to live with it.
    pub dismissed: bool,
    /// It stands in test, generated or vendored code.
    pub demoted: bool,
}

/// Less sure findings are shown and count for nothing, as at the gate.
const CONFIDENCE_MIN: f64 = 0.5;

impl Observation {
    fn is_open(&self) -> bool {
        !self.dismissed
            && !self.demoted
            && self.confidence >= CONFIDENCE_MIN
            && self.severity > Severity::Info
    }
}

/// What the text alone says, and the path: it can be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub path: String,
    language: Language,
    lines: u32,
    complexity: complexity::Facts,
    quality: quality::Facts,
    pattern: pattern::Facts,
    /// Functions: units that a finding can stand in.
    functions: Vec<LineRange>,
}

/// Which tests there are, by name: whether a file is tested is looked up in it.
pub use quality::TestNames;

impl Facts {
    pub fn of(read: &Read<'_>) -> Self {
        let functions = read.symbols_of(analysis::SymbolKind::Function);
        let mut facts = Self {
            path: read.path.to_owned(),
            language: read.language,
            lines: u32::try_from(read.text.lines().count()).unwrap_or(u32::MAX),
            complexity: complexity::Facts::of(read),
            quality: quality::Facts::of(read),
            pattern: pattern::Facts::default(),
            functions: functions.map(|symbol| symbol.lines).collect(),
        };
        read.walk(|node| {
            facts.complexity.enter(read, node);
            facts.quality.enter(read, node);
            facts.pattern.enter(read, node);
        });
        facts
    }

    /// The same in a commit with these tests.
    pub fn among(mut self, tests: &TestNames) -> Self {
        self.quality.look_up(&self.path, tests);
        self
    }
}

/// The factors of the formula, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorName {
    Complexity,
    Pattern,
    History,
    Verification,
    Quality,
}

impl FactorName {
    fn weight(self) -> f64 {
        match self {
            Self::Complexity | Self::Quality => 0.15,
            Self::Pattern => 0.20,
            Self::History | Self::Verification => 0.25,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Complexity => "complexity",
            Self::Pattern => "pattern",
            Self::History => "history",
            Self::Verification => "verification",
            Self::Quality => "quality",
        }
    }
}

/// What a factor was found to be.
#[derive(Debug, Clone, PartialEq)]
struct Measured {
    /// 0 to 1, more is better; or why there is nothing to go by.
    value: Result<f64, String>,
    /// What the plain formula puts in its place.
    formula: f64,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    pub name: FactorName,
    /// 0 to 1, more is better. Null: not measured.
    pub value: Option<f64>,
    /// As the formula has it.
    pub weight: f64,
    /// Its share of this score; 0 when it was not measured.
    pub share: f64,
    /// What it adds to the score; the points of all factors are the score.
    pub points: f64,
    /// Why it was not measured.
    pub not_measured: Option<String>,
    /// What it was computed from.
    pub parts: Vec<Part>,
}

/// What the plain formula gives, with its stand-ins for what was not measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Formula {
    pub score: f64,
    pub risk_level: RiskLevel,
    /// Factors for which it has only a stand-in.
    pub assumed: Vec<FactorName>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrustScore {
    pub method: String,
    pub language: Language,
    pub lines: u32,
    /// 0 to 100.
    pub score: f64,
    pub risk_level: RiskLevel,
    /// Why it is at that level.
    pub risk_reasons: Vec<String>,
    /// 0 to 1: how much of what a score stands on was there.
    pub confidence: f64,
    pub factors: Vec<Factor>,
    pub not_measured: Vec<FactorName>,
    pub formula: Formula,
}

/// Scores are kept in ten-thousandths, so that the points add up exactly.
const STEPS: f64 = 10_000.0;

fn stepped(value: f64) -> f64 {
    (value * STEPS).round() / STEPS
}

pub fn score(facts: &Facts, observed: &Observed) -> TrustScore {
    let measured = [
        (FactorName::Complexity, complexity::measure(&facts.complexity)),
        (FactorName::Pattern, pattern::measure(&facts.pattern, observed)),
        (FactorName::History, history::measure(&observed.history)),
        (FactorName::Verification, verification::measure(facts, observed)),
        (FactorName::Quality, quality::measure(&facts.quality)),
    ];
    let pattern = measured[1].1.formula;
    let formula = formula(&measured, pattern);
    let factors = weighed(measured);
    // Whole steps are added, so the order of the factors does not matter.
    let steps: f64 = factors.iter().map(|factor| (factor.points * STEPS).round()).sum();
    let score = (steps / STEPS).clamp(0.0, 100.0);
    let (risk_level, risk_reasons) = level::judge(score, pattern, &observed.findings);
    let is_missing = |factor: &&Factor| factor.value.is_none();
    let not_measured: Vec<FactorName> =
        factors.iter().filter(is_missing).map(|factor| factor.name).collect();
    TrustScore {
        method: METHOD.to_owned(),
        language: facts.language,
        lines: facts.lines,
        score,
        risk_level,
        risk_reasons,
        confidence: level::confidence(&not_measured, pattern),
        factors,
        not_measured,
        formula,
    }
}

fn weighed(measured: [(FactorName, Measured); 5]) -> Vec<Factor> {
    let known = measured.iter().filter(|(_, measured)| measured.value.is_ok());
    let total: f64 = known.map(|(name, _)| name.weight()).sum();
    let factors = measured.into_iter().map(|(name, Measured { value, parts, .. })| {
        let share = if value.is_ok() { name.weight() / total } else { 0.0 };
        let (value, not_measured) = match value {
            Ok(value) => (Some(value.clamp(0.0, 1.0)), None),
            Err(reason) => (None, Some(reason)),
        };
        Factor {
            name,
            value: value.map(stepped),
            weight: name.weight(),
            share: stepped(share),
            points: stepped(100.0 * share * value.unwrap_or_default()),
            not_measured,
            parts,
        }
    });
    factors.collect()
}

fn formula(measured: &[(FactorName, Measured); 5], pattern: f64) -> Formula {
    let terms = measured.iter().map(|(name, measured)| name.weight() * measured.formula);
    let score = stepped(100.0 * terms.sum::<f64>()).clamp(0.0, 100.0);
    let assumed = measured.iter().filter(|(_, measured)| measured.value.is_err());
    Formula {
        score,
        risk_level: level::by_number(score, pattern),
        assumed: assumed.map(|(name, _)| *name).collect(),
    }
}

impl TrustScore {
    /// One sentence for people who see only that.
    pub fn line(&self) -> String {
        let lowest = self
            .factors
            .iter()
            .filter_map(|factor| Some((factor.value?, factor.name)))
            .min_by(|one, other| one.0.total_cmp(&other.0));
        let weakest =
            lowest.map_or(String::new(), |(_, name)| format!(", weakest in {}", name.as_str()));
        format!("{:.0} of 100, {} risk{weakest}", self.score, self.risk_level)
    }
}
