//! The rules of Assay, free of I/O, clocks and randomness, so that they cannot fail.
//!
//! Everything else stands on these types: what a run may become, what a finding is, when a
//! pull request passes. Time and ids come in as arguments.

mod api_key;
mod artifact;
mod canonical;
mod commit;
mod coverage;
mod custom_rule;
mod dismissal;
mod error;
mod finding;
mod formal;
mod id;
pub mod kinds;
mod language;
mod lines;
mod manifest;
mod pairing;
mod policy;
mod run;
mod schedule;
mod search;
mod snapshot;
mod terms;
mod tier;
mod trace;
mod trail;
mod trust;
mod verdict;

pub use api_key::{ApiKey, InvalidApiKey, Scope};
pub use artifact::{
    ArtifactKind, CITATIONS_MAX, Citation, CitationSource, Content, InvalidArtifact, LogicalKey,
    Subject, UnknownArtifactKind,
};
pub use canonical::{canonical_json, canonical_sha256};
pub use commit::{CommitSha, InvalidCommitSha};
pub use coverage::{Coverage, ParseProblem, Unanalysed, UnanalysedReason};
pub use custom_rule::RuleType;
pub use dismissal::Ground;
pub use error::{Classify, ErrorKind};
pub use finding::{Category, Finding, Fingerprint, Severity, SnippetHash, VerificationType};
pub use formal::{FormalSummary, FormalVerdict};
pub use id::*;
pub use kinds::{ApprovalScope, Intent, InvalidPlan, RunKind, StepKind, StepSpec};
pub use language::Language;
pub use lines::{LineRange, LineRanges};
pub use manifest::{Manifest, ManifestFile};
pub use pairing::{Sighting, pair};
pub use policy::{IgnoreFacts, POLICY_PATH, PolicyFacts, PolicyProblem, PolicySource, PolicyState};
pub use run::{ApprovalStatus, ErrorCode, IllegalMove, RunStatus, StepStatus, WaitingFor};
pub use schedule::{CatchUp, SkipReason};
pub use search::{LEG_CANDIDATES, QueryTerm, Ranked, SearchQuery, TERM_DIMENSIONS, fuse};
pub use snapshot::{ChangedFile, Snapshot, SourceFile};
pub use terms::UnknownTerm;
pub use tier::Tier;
pub use trace::{InvalidTraceParent, TraceParent};
pub use trail::Trail;
pub use trust::{RiskLevel, Trend};
pub use verdict::{Gate, Verdict, judge};
