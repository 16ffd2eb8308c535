//! A run's rows in all tables as they stand, every column, for those who audit.
//!
//! Nothing is picked here, so that nothing can be forgotten: a column that is added tomorrow is
//! evidence tomorrow. Times are in UTC whatever the server's setting is.

use domain::RunId;
use serde_json::Value;

use crate::{StoreError, Tx};

/// A reader that has made Postgres write times in UTC until the end of the transaction.
pub struct Evidence<'t, 'a> {
    tx: &'t Tx<'a>,
    run: RunId,
}

impl<'t, 'a> Evidence<'t, 'a> {
    pub async fn of(tx: &'t Tx<'a>, run: RunId) -> Result<Self, StoreError> {
        tx.query_one("SELECT set_config('TimeZone', 'UTC', true)", &[]).await?;
        Ok(Self { tx, run })
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Value>, StoreError> {
        let rows = self.tx.query(sql, &[self.run.as_uuid()]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// `None`: the organisation has no such run.
    pub async fn run(&self) -> Result<Option<Value>, StoreError> {
        Ok(self.rows("SELECT to_jsonb(r) FROM runs r WHERE r.id = $1").await?.pop())
    }

    /// What the run was about, without what a sync changes. `None`: it was about no repository.
    pub async fn repository(&self) -> Result<Option<Value>, StoreError> {
        let rows = self
            .rows(
                "SELECT to_jsonb(p) - '{settings,next_sync_at,sync_interval_minutes,updated_at}'::text[]
                 FROM runs r JOIN repositories p ON p.id = r.repository_id WHERE r.id = $1",
            )
            .await?;
        Ok(rows.into_iter().next())
    }

    /// In the order in which they were done.
    pub async fn steps(&self) -> Result<Vec<Value>, StoreError> {
        self.rows(
            "SELECT to_jsonb(s) FROM run_steps s WHERE s.run_id = $1
             ORDER BY s.finished_at, s.step_id COLLATE \"C\"",
        )
        .await
    }

    pub async fn sandbox_jobs(&self) -> Result<Vec<Value>, StoreError> {
        self.rows(
            "SELECT to_jsonb(j) FROM sandbox_jobs j WHERE j.run_id = $1
             ORDER BY j.created_at, j.id",
        )
        .await
    }

    pub async fn approvals(&self) -> Result<Vec<Value>, StoreError> {
        self.rows(
            "SELECT to_jsonb(a) FROM approvals a WHERE a.run_id = $1 ORDER BY a.created_at, a.id",
        )
        .await
    }

    pub async fn deployments(&self) -> Result<Vec<Value>, StoreError> {
        self.rows(
            "SELECT to_jsonb(d) FROM deployments d WHERE d.run_id = $1 ORDER BY d.created_at, d.id",
        )
        .await
    }

    /// The runs that this one began.
    pub async fn children(&self) -> Result<Vec<Value>, StoreError> {
        self.rows(
            "SELECT to_jsonb(c) FROM runs c WHERE c.parent_run_id = $1 ORDER BY c.created_at, c.id",
        )
        .await
    }
}
