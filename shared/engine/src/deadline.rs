use std::time::{Duration, Instant, SystemTime};

/// What an invocation is granted when its runtime does not say: local runtimes send a deadline
/// that is long past.
const UNKNOWN_TIME: Duration = Duration::from_secs(110);

/// When this invocation ends.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline as Lambda gives it.
    #[expect(clippy::disallowed_methods, reason = "Lambda gives its deadline by the wall clock")]
    pub fn at(time: SystemTime) -> Self {
        let remaining = time.duration_since(SystemTime::now());
        // Whoever is just being called has some time left.
        Self::after(remaining.unwrap_or(UNKNOWN_TIME))
    }

    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The moment at which work must stop so that `reserve` is left.
    pub fn less(self, reserve: Duration) -> Instant {
        self.0.checked_sub(reserve).unwrap_or(self.0)
    }
}
