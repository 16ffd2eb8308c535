use serde::{Deserialize, Serialize};

/// Most places that one part names; its count stays true.
pub const PLACES_MAX: usize = 20;

/// One thing that was looked at for a factor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    /// What it weighs within its factor.
    pub weight: f64,
    /// 0 to 1, as the factor uses it. Null: it does not apply.
    pub value: Option<f64>,
    /// How often it was seen.
    pub count: u64,
    /// Among how many.
    pub of: Option<u64>,
    /// In words, or why it does not apply.
    pub note: String,
    /// Where it was seen; the first [`PLACES_MAX`].
    pub places: Vec<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub line: u32,
    /// The rule that found it, if a rule did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl Place {
    pub(super) fn line(line: u32) -> Self {
        Self { line, rule: None }
    }
}

impl Part {
    pub(super) fn new(name: &str, weight: f64) -> Self {
        Self { name: name.to_owned(), weight, ..Self::default() }
    }

    pub(super) fn value(self, value: f64) -> Self {
        Self { value: Some(super::stepped(value)), ..self }
    }

    pub(super) fn counted(self, count: usize, of: Option<usize>) -> Self {
        Self { count: count as u64, of: of.map(|of| of as u64), ..self }
    }

    pub(super) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    pub(super) fn at(self, places: impl IntoIterator<Item = Place>) -> Self {
        Self { places: places.into_iter().take(PLACES_MAX).collect(), ..self }
    }

    pub(super) fn at_lines(self, lines: &[u32]) -> Self {
        let places = lines.iter().copied().map(Place::line);
        Self { count: lines.len() as u64, ..self.at(places) }
    }
}
