//! The rules of Assay, free of I/O, clocks and randomness, so that they cannot fail.
//!
//! Everything else stands on these types: what a run may become, what a finding is, when a
//! pull request passes. Time and ids come in as arguments.

mod api_key;
mod commit;
mod coverage;
mod error;
mod finding;
mod id;
mod language;
mod lines;
mod manifest;
mod run;
mod search;
mod snapshot;
mod terms;
mod tier;
mod trace;
mod verdict;

pub use api_key::{ApiKey, InvalidApiKey, Scope};
pub use commit::{CommitSha, InvalidCommitSha};
pub use coverage::{Coverage, ParseProblem, Unanalysed, UnanalysedReason};
pub use error::{Classify, ErrorKind};
pub use finding::{Category, Finding, Fingerprint, Severity, SnippetHash, VerificationType};
pub use id::*;
pub use language::Language;
pub use lines::{LineRange, LineRanges};
pub use manifest::{Manifest, ManifestFile};
pub use run::{AnalysisInput, ErrorCode, IllegalMove, RunKind, RunStatus, StepStatus};
pub use search::{LEG_CANDIDATES, QueryTerm, Ranked, SearchQuery, TERM_DIMENSIONS, fuse};
pub use snapshot::{ChangedFile, Snapshot, SourceFile};
pub use terms::UnknownTerm;
pub use tier::Tier;
pub use trace::{InvalidTraceParent, TraceParent};
pub use verdict::{Gate, Verdict, judge};
