use std::{fmt, str::FromStr};

/// A W3C trace context header: which trace a piece of work belongs to.
///
/// Format: `00-{32 hex trace id}-{16 hex parent id}-{2 hex flags}` (W3C Trace Context, 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(String);

impl TraceParent {
    /// Begins a trace of our own from 16 random bytes; sampled.
    pub fn begin(random: &[u8; 16]) -> Self {
        // All zeros mean "invalid" in the standard; one bit makes that impossible.
        let trace = u128::from_be_bytes(*random) | 1;
        let parent = (trace >> 64) as u64 | 1;
        Self(format!("00-{trace:032x}-{parent:016x}-01"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 hex digits that logs and traces share.
    pub fn trace_id(&self) -> &str {
        &self.0[3..35]
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('-').collect();
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        match parts.as_slice() {
            ["00", trace, parent, flags]
                if hex(trace, 32)
                    && hex(parent, 16)
                    && hex(flags, 2)
                    && !zero(trace)
                    && !zero(parent) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidTraceParent),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not a W3C traceparent of version 00")]
pub struct InvalidTraceParent;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_trace_contexts_are_taken_over() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(good.parse::<TraceParent>().unwrap().trace_id(), &good[3..35]);
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert!(bad.parse::<TraceParent>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_trace_of_our_own_is_well_formed_even_without_luck() {
        let begun = TraceParent::begin(&[0; 16]);
        assert_eq!(begun.as_str().parse::<TraceParent>().unwrap(), begun);
    }
}
