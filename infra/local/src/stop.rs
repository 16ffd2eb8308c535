use std::fmt;

/// Why a command stops, and what to do about it.
#[derive(Debug)]
pub(crate) struct Stop {
    what: String,
    next: String,
}

pub(crate) type Result<T, E = Stop> = std::result::Result<T, E>;

impl Stop {
    pub(crate) fn new(what: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self { what: what.to_string(), next: next.to_string() }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nerror: {}\n next: {}", self.what, self.next)
    }
}

/// Turns any failure into a [`Stop`] that says what was attempted.
pub(crate) trait OrStop<T> {
    fn or_stop(self, attempted: impl fmt::Display, next: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> OrStop<T> for std::result::Result<T, E> {
    fn or_stop(self, attempted: impl fmt::Display, next: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Stop::new(format_args!("{attempted}: {error}"), next))
    }
}
