//! The `scan_schedules` table: which branches are scanned when.
//!
//! A slot is the time at which a schedule is to be run, and `next_run_at` is the one that nobody
//! has taken yet. It is taken under the row's lock, together with what becomes of it.

use domain::{CatchUp, OrgId, ProjectId, RepositoryId, RunId, ScanScheduleId, SkipReason};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx, Unscoped,
    page::{Page, follows},
    rows::{parse, parse_opt},
};

const COLUMNS: &str =
    "s.id, s.org_id, s.repo_id, s.branch, s.cron_expression, s.time_zone, s.enabled,
     s.catch_up, s.next_run_at, s.last_run_at, s.last_skipped_at, s.last_skip_reason, s.created_at,
     s.updated_at";

#[derive(Debug, Clone)]
pub struct ScanSchedule {
    pub id: ScanScheduleId,
    pub org: OrgId,
    pub repository: RepositoryId,
    pub branch: String,
    pub expression: String,
    pub time_zone: String,
    pub enabled: bool,
    pub catch_up: CatchUp,
    /// The slot that nobody has taken yet; none while it is disabled.
    pub next_run_at: Option<Timestamp>,
    /// The newest slot that was run.
    pub last_run_at: Option<Timestamp>,
    /// The newest slot that was not, and why.
    pub last_skipped: Option<(Timestamp, SkipReason)>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl TryFrom<&Row> for ScanSchedule {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let reason = parse_opt(row, "scan_schedules", "last_skip_reason")?;
        Ok(Self {
            id: ScanScheduleId::new(row.get("id")),
            org: OrgId::new(row.get("org_id")),
            repository: RepositoryId::new(row.get("repo_id")),
            branch: row.get("branch"),
            expression: row.get("cron_expression"),
            time_zone: row.get("time_zone"),
            enabled: row.get("enabled"),
            catch_up: parse(row, "scan_schedules", "catch_up")?,
            next_run_at: row.get("next_run_at"),
            last_run_at: row.get("last_run_at"),
            last_skipped: row.get::<_, Option<_>>("last_skipped_at").zip(reason),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
        })
    }
}

/// What a person decides about a schedule, and the slot that follows from it.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    pub branch: &'a str,
    pub expression: &'a str,
    pub time_zone: &'a str,
    pub enabled: bool,
    pub catch_up: CatchUp,
    pub next_run_at: Option<Timestamp>,
}

pub async fn insert(
    tx: &Tx<'_>,
    org: OrgId,
    repository: RepositoryId,
    new: &Settings<'_>,
) -> Result<ScanSchedule, StoreError> {
    let row = tx
        .query_one(
            &format!(
                "INSERT INTO scan_schedules AS s (org_id, repo_id, branch, cron_expression,
                                                  time_zone, enabled, catch_up, next_run_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 RETURNING {COLUMNS}"
            ),
            &[
                org.as_uuid(),
                repository.as_uuid(),
                &new.branch,
                &new.expression,
                &new.time_zone,
                &new.enabled,
                &new.catch_up.as_str(),
                &new.next_run_at,
            ],
        )
        .await?;
    ScanSchedule::try_from(&row)
}

pub async fn count(tx: &Tx<'_>, repository: RepositoryId) -> Result<i64, StoreError> {
    let row = tx
        .query_one(
            "SELECT count(*) AS schedules FROM scan_schedules WHERE repo_id = $1",
            &[repository.as_uuid()],
        )
        .await?;
    Ok(row.get("schedules"))
}

/// The schedule that scans the same branch at the same times.
pub async fn find_same(
    tx: &Tx<'_>,
    repository: RepositoryId,
    settings: &Settings<'_>,
) -> Result<Option<ScanScheduleId>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT id FROM scan_schedules
             WHERE repo_id = $1 AND branch = $2 AND cron_expression = $3 AND time_zone = $4
             ORDER BY created_at, id LIMIT 1",
            &[repository.as_uuid(), &settings.branch, &settings.expression, &settings.time_zone],
        )
        .await?;
    Ok(row.map(|row| ScanScheduleId::new(row.get("id"))))
}

pub async fn find(tx: &Tx<'_>, id: ScanScheduleId) -> Result<Option<ScanSchedule>, StoreError> {
    let row = tx
        .query_opt(
            &format!("SELECT {COLUMNS} FROM scan_schedules s WHERE s.id = $1"),
            &[id.as_uuid()],
        )
        .await?;
    row.as_ref().map(ScanSchedule::try_from).transpose()
}

/// Reads a schedule and keeps others from taking its slot or changing it until this transaction
/// ends.
pub async fn find_locked(
    tx: &Tx<'_>,
    id: ScanScheduleId,
) -> Result<Option<ScanSchedule>, StoreError> {
    let row = tx
        .query_opt(
            &format!("SELECT {COLUMNS} FROM scan_schedules s WHERE s.id = $1 FOR NO KEY UPDATE"),
            &[id.as_uuid()],
        )
        .await?;
    row.as_ref().map(ScanSchedule::try_from).transpose()
}

/// Which schedules a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub repository: Option<RepositoryId>,
    pub enabled: Option<bool>,
}

/// Newest first.
pub async fn list(
    tx: &Tx<'_>,
    filter: Filter,
    page: Page,
) -> Result<Vec<ScanSchedule>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM scan_schedules s
                 WHERE {}
                   AND ($3::uuid IS NULL OR s.repo_id = $3)
                   AND ($4::boolean IS NULL OR s.enabled = $4)
                 ORDER BY s.created_at DESC, s.id DESC
                 LIMIT $2",
                follows("scan_schedules", "s")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.enabled,
            ],
        )
        .await?;
    rows.iter().map(ScanSchedule::try_from).collect()
}

/// Writes what a person decided. `None`: there is no such schedule.
pub async fn update(
    tx: &Tx<'_>,
    id: ScanScheduleId,
    settings: &Settings<'_>,
) -> Result<Option<ScanSchedule>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "UPDATE scan_schedules s
                 SET branch = $2, cron_expression = $3, time_zone = $4, enabled = $5, catch_up = $6,
                     next_run_at = $7, updated_at = now()
                 WHERE s.id = $1
                 RETURNING {COLUMNS}"
            ),
            &[
                id.as_uuid(),
                &settings.branch,
                &settings.expression,
                &settings.time_zone,
                &settings.enabled,
                &settings.catch_up.as_str(),
                &settings.next_run_at,
            ],
        )
        .await?;
    row.as_ref().map(ScanSchedule::try_from).transpose()
}

/// Forgets a schedule. Runs that it began stay. `false`: there is no such schedule.
pub async fn delete(tx: &Tx<'_>, id: ScanScheduleId) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM scan_schedules WHERE id = $1", &[id.as_uuid()]).await? == 1)
}

/// The database's clock, by which slots come.
pub async fn clock(tx: &Tx<'_>) -> Result<Timestamp, StoreError> {
    Ok(tx.query_one("SELECT now() AS now", &[]).await?.get("now"))
}

/// A slot that has come.
#[derive(Debug, Clone, Copy)]
pub struct DueSlot {
    pub org: OrgId,
    pub schedule: ScanScheduleId,
    pub due_at: Timestamp,
}

impl Unscoped<'_> {
    /// The database's clock, by which slots come.
    pub async fn clock(&self) -> Result<Timestamp, StoreError> {
        // A SELECT without FROM answers one row.
        Ok(self.query("SELECT now() AS now", &[]).await?[0].get("now"))
    }

    /// Slots that have come by `now`, of every tenant, oldest first.
    pub async fn due_scan_schedules(
        &self,
        now: Timestamp,
        at_most: i32,
    ) -> Result<Vec<DueSlot>, StoreError> {
        let rows =
            self.query("SELECT * FROM due_scan_schedules($1, $2)", &[&now, &at_most]).await?;
        Ok(rows
            .iter()
            .map(|row| DueSlot {
                org: OrgId::new(row.get("org_id")),
                schedule: ScanScheduleId::new(row.get("schedule_id")),
                due_at: row.get("due_at"),
            })
            .collect())
    }
}

/// A schedule whose slot is being taken, with what a run of it needs to know.
#[derive(Debug, Clone)]
pub struct Taken {
    pub schedule: ScanSchedule,
    pub project: ProjectId,
    /// The run of an earlier slot that is not over.
    pub open_run: Option<RunId>,
}

/// Locks the schedule of a slot for as long as this transaction lasts. `None`: someone else has
/// taken the slot or is about to, the schedule was changed, or nobody wants it any more.
pub async fn take_slot(tx: &Tx<'_>, slot: &DueSlot) -> Result<Option<Taken>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "SELECT {COLUMNS}, r.project_id
                 FROM scan_schedules s JOIN repositories r ON r.id = s.repo_id
                 WHERE s.id = $1 AND s.next_run_at = $2 AND s.enabled
                   AND r.enabled AND r.archived_at IS NULL
                 FOR NO KEY UPDATE OF s SKIP LOCKED"
            ),
            &[slot.schedule.as_uuid(), &slot.due_at],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    // Only now, behind the lock: nobody can begin one between the question and the answer.
    let open = tx
        .query_opt(
            "SELECT id FROM runs
             WHERE schedule_id = $1 AND status IN ('queued', 'running', 'waiting')",
            &[slot.schedule.as_uuid()],
        )
        .await?;
    Ok(Some(Taken {
        schedule: ScanSchedule::try_from(&row)?,
        project: ProjectId::new(row.get("project_id")),
        open_run: open.map(|row| RunId::new(row.get("id"))),
    }))
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Run,
    Skipped(SkipReason),
}

/// Writes what became of `slot`, and that the schedule is to be run at `next`.
pub async fn settle_slot(
    tx: &Tx<'_>,
    id: ScanScheduleId,
    slot: Timestamp,
    outcome: Outcome,
    next: Option<Timestamp>,
) -> Result<(), StoreError> {
    let skipped = match outcome {
        Outcome::Run => None,
        Outcome::Skipped(reason) => Some(reason.as_str()),
    };
    tx.execute(
        "UPDATE scan_schedules
         SET next_run_at = $4,
             last_run_at = CASE WHEN $3::text IS NULL THEN $2 ELSE last_run_at END,
             last_skipped_at = CASE WHEN $3::text IS NULL THEN last_skipped_at ELSE $2 END,
             last_skip_reason = coalesce($3, last_skip_reason)
         WHERE id = $1",
        &[id.as_uuid(), &slot, &skipped, &next],
    )
    .await?;
    Ok(())
}
