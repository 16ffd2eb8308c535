//! The log of any tool, as findings.
//!
//! Read leniently where tools differ and strictly where a finding would be wrong: a result that
//! names no line of a file inside the repository is left out, and listed with the reason.

mod model;
mod resolve;

use domain::{Classify, ErrorKind, Finding};

/// A larger log is not read. GitHub takes 10 MB, compressed.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Runs in one log, as GitHub allows.
pub const RUNS_MAX: usize = 20;

/// Longer messages and snippets are cut.
pub const TEXT_BYTES_MAX: usize = 4 * 1024;

/// What a log holds.
#[derive(Debug, Default, PartialEq)]
pub struct Read {
    /// In the order of the log.
    pub findings: Vec<Imported>,
    pub skipped: Vec<Skipped>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub finding: Finding,
    /// The tool that found it.
    pub tool: String,
    /// Why it was suppressed, if it was; empty where nobody said.
    pub suppressed: Option<String>,
    /// Whether the fingerprint is Assay's own, so that it can be compared with a new scan's.
    pub is_own: bool,
}

/// A result that is no finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands in the log, such as `runs[0].results[3]`.
    pub at: String,
    pub reason: SkippedReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkippedReason {
    /// The tool says that it is not a failure, or is there no longer.
    NotAProblem,
    /// No file and line are named.
    NoPlace,
    /// The file does not lie in the repository.
    OutsideRepository,
}

impl SkippedReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAProblem => "is not reported as a problem",
            Self::NoPlace => "names no file and line",
            Self::OutsideRepository => "is about a file outside the repository",
        }
    }
}

/// Why a file is not taken for a SARIF log.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSarif {
    #[error("the log has {bytes} bytes; at most {BYTES_MAX} are read")]
    TooLarge { bytes: usize },
    #[error("the log is not UTF-8 (byte {at}); convert it first")]
    NotUtf8 { at: usize },
    #[error("{path}: {message}")]
    Field { path: String, message: String },
    #[error("version: expected \"2.1.0\", found {found:?}; convert the log first")]
    Version { found: String },
    #[error("{path}: {count} entries; at most {max} are allowed")]
    TooMany { path: String, count: usize, max: usize },
}

impl Classify for InvalidSarif {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// Reads a log that anybody may have written.
pub fn read(bytes: &[u8]) -> Result<Read, InvalidSarif> {
    if bytes.len() > BYTES_MAX {
        return Err(InvalidSarif::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| InvalidSarif::NotUtf8 { at: error.valid_up_to() })?;
    // Tools for .NET write a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut json = serde_json::Deserializer::from_str(text);
    let log: model::Log = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // What broke off has no path.
        let path = if matches!(path.as_str(), "." | "?") { "the log".to_owned() } else { path };
        InvalidSarif::Field { path, message: error.into_inner().to_string() }
    })?;
    json.end().map_err(|error| InvalidSarif::Field {
        path: "the log".to_owned(),
        message: error.to_string(),
    })?;
    check(&log)?;
    let mut read = Read::default();
    for (index, run) in log.runs.iter().flatten().enumerate() {
        resolve::run(index, run, &mut read);
    }
    Ok(read)
}

fn check(log: &model::Log) -> Result<(), InvalidSarif> {
    if log.version != crate::log::VERSION {
        return Err(InvalidSarif::Version { found: log.version.chars().take(40).collect() });
    }
    let runs = log.runs.as_deref().unwrap_or_default();
    let too_many = |path: String, count, max| match count > max {
        true => Err(InvalidSarif::TooMany { path, count, max }),
        false => Ok(()),
    };
    too_many("runs".to_owned(), runs.len(), RUNS_MAX)?;
    for (index, run) in runs.iter().enumerate() {
        let results = run.results.as_ref().map_or(0, Vec::len);
        too_many(format!("runs[{index}].results"), results, crate::RESULTS_MAX)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
