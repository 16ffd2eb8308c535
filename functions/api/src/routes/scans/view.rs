//! Scans as the API shows them.

use domain::{ErrorCode, RiskLevel, RunStatus, Severity};
use jiff::Timestamp;
use serde::Serialize;
use store::codebase_scans::{Changes, CodebaseScan, Results, Trust};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::words::{ErrorCodeWord, RunStatusWord};

/// A scan of all the code of a branch.
#[derive(Serialize, ToSchema)]
#[schema(as = Scan)]
pub(super) struct ScanView {
    id: Uuid,
    repository_id: Uuid,
    /// The run that does it; after a retry, the newest one.
    run_id: Option<Uuid>,
    #[schema(value_type = Option<RunStatusWord>)]
    run_status: Option<RunStatus>,
    branch: String,
    /// The commit that the branch stood at when the scan began.
    commit: Option<String>,
    /// `pending`, `running`, `completed` or `failed`.
    status: String,
    /// `manual`, `schedule` or `api`.
    triggered_by: String,
    /// Files that were parsed; 0 until it is completed, as is the next.
    files_scanned: i32,
    findings_count: i32,
    #[schema(value_type = Option<ErrorCodeWord>)]
    error_code: Option<ErrorCode>,
    error: Option<String>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

impl From<&CodebaseScan> for ScanView {
    fn from(scan: &CodebaseScan) -> Self {
        Self {
            id: *scan.id.as_uuid(),
            repository_id: *scan.repository.as_uuid(),
            run_id: scan.run.map(|id| *id.as_uuid()),
            run_status: scan.run_status,
            branch: scan.branch.clone(),
            commit: scan.commit.as_ref().map(ToString::to_string),
            status: scan.status.clone(),
            triggered_by: scan.triggered_by.clone(),
            files_scanned: scan.files_scanned,
            findings_count: scan.findings_count,
            error_code: scan.error_code,
            error: scan.error_message.clone(),
            created_at: scan.created_at,
            started_at: scan.started_at,
            completed_at: scan.completed_at,
        }
    }
}

/// A scan with how far it is, and what came of it.
#[derive(Serialize, ToSchema)]
pub(super) struct ScanDetail {
    #[serde(flatten)]
    pub(super) scan: ScanView,
    /// Under which its findings are listed, once it has fetched the code.
    pub(super) analysis_id: Option<Uuid>,
    /// Null until the files are divided among shards.
    pub(super) shards: Option<ShardProgress>,
    /// Null until it is completed.
    pub(super) results: Option<ScanResults>,
}

/// How many shards there are, by how far each is.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
pub(super) struct ShardProgress {
    total: usize,
    /// Queued or parked.
    waiting: usize,
    running: usize,
    succeeded: usize,
    failed: usize,
    canceled: usize,
}

impl ShardProgress {
    pub(super) fn of(total: usize, statuses: impl Iterator<Item = RunStatus>) -> Self {
        let mut progress = Self { total, ..Self::default() };
        for status in statuses {
            let count = match status {
                RunStatus::Queued | RunStatus::Waiting => &mut progress.waiting,
                RunStatus::Running => &mut progress.running,
                RunStatus::Succeeded => &mut progress.succeeded,
                RunStatus::Failed => &mut progress.failed,
                RunStatus::Canceled => &mut progress.canceled,
            };
            *count += 1;
        }
        progress
    }
}

/// What came of a scan.
#[derive(Serialize, ToSchema)]
pub(super) struct ScanResults {
    /// All files of the commit.
    files: u32,
    findings: FindingCounts,
    /// Of the findings, those that people live with.
    dismissed: u32,
    /// Files that were not read, whatever for; the analysis lists them.
    unanalysed: usize,
    /// Places where a rule, or all of them, did not come to an end.
    incomplete: usize,
    /// Null for the first completed scan of a branch.
    changes: Option<ScanChanges>,
    /// Null for scans that are older than their scores.
    trust: Option<ScanTrust>,
    report_artifact_id: Uuid,
}

/// Findings by severity.
#[derive(Serialize, ToSchema)]
pub(super) struct FindingCounts {
    critical: u32,
    high: u32,
    medium: u32,
    low: u32,
    info: u32,
}

/// What the scan found beside what the one before found; what moves is the same.
#[derive(Serialize, ToSchema)]
pub(super) struct ScanChanges {
    /// The scan of the same branch that was completed last.
    since_scan_id: Uuid,
    new: u32,
    persisting: u32,
    fixed: u32,
    /// Not found again, in files that were not read to the end this time.
    not_checked: u32,
}

/// How far the files can be relied on; each one's score is found by the scan's commit.
#[derive(Serialize, ToSchema)]
pub(super) struct ScanTrust {
    files: u32,
    /// Null without a file that has a score, as are the next two.
    mean: Option<f64>,
    lowest: Option<f64>,
    lowest_path: Option<String>,
    low: u32,
    medium: u32,
    high: u32,
    critical: u32,
}

impl From<Trust> for ScanTrust {
    fn from(trust: Trust) -> Self {
        let of = |risk| trust.files.get(&risk).copied().unwrap_or_default();
        let (lowest_path, lowest) = trust.lowest.clone().unzip();
        Self {
            files: trust.files.values().sum(),
            mean: trust.mean,
            lowest,
            lowest_path,
            low: of(RiskLevel::Low),
            medium: of(RiskLevel::Medium),
            high: of(RiskLevel::High),
            critical: of(RiskLevel::Critical),
        }
    }
}

impl From<Changes> for ScanChanges {
    fn from(changes: Changes) -> Self {
        let Changes { since, new, persisting, fixed, not_checked } = changes;
        Self { since_scan_id: *since.as_uuid(), new, persisting, fixed, not_checked }
    }
}

impl From<&Results> for FindingCounts {
    fn from(results: &Results) -> Self {
        let of = |severity| results.findings.get(&severity).copied().unwrap_or_default();
        Self {
            critical: of(Severity::Critical),
            high: of(Severity::High),
            medium: of(Severity::Medium),
            low: of(Severity::Low),
            info: of(Severity::Info),
        }
    }
}

impl From<Results> for ScanResults {
    fn from(results: Results) -> Self {
        Self {
            files: results.files,
            findings: FindingCounts::from(&results),
            dismissed: results.dismissed,
            unanalysed: results.unanalysed,
            incomplete: results.incomplete,
            changes: results.changes.map(ScanChanges::from),
            trust: results.trust.map(ScanTrust::from),
            report_artifact_id: *results.report.as_uuid(),
        }
    }
}
