use std::fmt;

/// Why there is no score, and what to do about it.
#[derive(Debug)]
pub struct Stop {
    what: String,
    next: String,
}

impl Stop {
    pub(crate) fn new(what: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self { what: what.to_string(), next: next.to_string() }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n next: {}", self.what, self.next)
    }
}

impl std::error::Error for Stop {}
