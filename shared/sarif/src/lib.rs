//! SARIF 2.1.0: findings in the format that code hosts and editors read, and back.
//!
//! [`to_json`] writes one run, the same bytes for the same findings, within the limits that
//! GitHub documents for uploads. [`read()`] takes the log of any tool; what of it cannot become a
//! finding is told, never dropped. The types are ours and hold only what is used: a model of the
//! whole standard is generated code many times the size of this crate.

mod category;
mod coverage;
mod log;
mod place;
mod read;
mod rule;
mod write;

pub use coverage::{capped, coverage_notices, problem, unanalysed};
pub use read::{
    BYTES_MAX, Imported, InvalidSarif, RUNS_MAX, Read, Skipped, SkippedReason, TEXT_BYTES_MAX, read,
};
pub use rule::Rule;
pub use write::{Baseline, Notice, NoticeLevel, Report, Reported, to_json};

/// Under this name a result carries [`domain::Fingerprint`]; a new way to make it gets a new name.
pub const FINGERPRINT_KEY: &str = "assayFingerprint/v1";

/// And under this one [`domain::Trail`], by which it is known again elsewhere.
pub const TRAIL_KEY: &str = "assayTrail/v2";

/// GitHub refuses a run with more results.
pub const RESULTS_MAX: usize = 25_000;
