//! Runs that somebody has to do something about: those that failed, and those that ask.

use domain::{OrgId, RepositoryId};
use uuid::Uuid;

use super::world::{Tenant, World};

/// Of what is asked in these tests; nobody recomputes it.
pub(crate) const INTENT_HASH: &str =
    "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456";

/// What somebody has to do something about.
pub(crate) struct Waiting {
    pub(crate) failed_run: Uuid,
    /// Two approvals that are pending, each of a run that waits for it.
    pub(crate) questions: [Uuid; 2],
}

impl World {
    /// An organisation with one of everything, and what waits for somebody.
    pub(crate) async fn busy_tenant(&self, login: &str, number: i64) -> Tenant {
        let tenant = self.tenant(login, number).await;
        let (org, repository) = (tenant.org, tenant.repository);
        let failed_run = self.failed_run(org, repository).await;
        let (first, _) = self.question(org, repository).await;
        let (second, _) = self.question(org, repository).await;
        let waiting = Some(Waiting { failed_run, questions: [first, second] });
        Tenant { waiting, ..tenant }
    }

    /// An analysis that failed at its second step.
    pub(crate) async fn failed_run(&self, org: OrgId, repository: RepositoryId) -> Uuid {
        let id = Uuid::now_v7();
        self.sql(&format!(
            "INSERT INTO runs (id, org_id, project_id, repository_id, kind, idempotency_key, status,
                               event_type, error_code, error, lease_token, created_at, started_at,
                               finished_at)
             SELECT '{id}', org_id, project_id, id, 'analysis', '{id}', 'failed', 'manual',
                    'git_fetch_failed', 'the server does not answer', 3, clock_timestamp(),
                    clock_timestamp(), clock_timestamp()
             FROM repositories WHERE id = '{repository}' AND org_id = '{org}';
             INSERT INTO run_steps (run_id, step_id, org_id, step_name, status, attempt, lease_token,
                                    output, error, started_at)
             VALUES ('{id}', 'fetch', '{org}', 'fetch', 'succeeded', 1, 1, '{{\"files\": 3}}', NULL,
                     clock_timestamp()),
                    ('{id}', 'manifest', '{org}', 'manifest', 'failed', 2, 3, NULL,
                     '{{\"code\": \"git_fetch_failed\", \"message\": \"no answer\"}}',
                     clock_timestamp())"
        ))
        .await;
        id
    }

    /// The approval that a merge waits for, and the merge.
    pub(crate) async fn question(&self, org: OrgId, repository: RepositoryId) -> (Uuid, Uuid) {
        let (id, run) = (Uuid::now_v7(), Uuid::now_v7());
        self.sql(&format!(
            "INSERT INTO runs (id, org_id, project_id, repository_id, kind, idempotency_key, status,
                               waiting_for, wake_at, event_type, pull_request, input,
                               lease_token, created_at, started_at)
             SELECT '{run}', org_id, project_id, id, 'merge', '{run}', 'waiting', 'approval',
                    clock_timestamp() + interval '7 days', 'manual', 8, '{{\"method\": \"merge\"}}', 1,
                    clock_timestamp(), clock_timestamp()
             FROM repositories WHERE id = '{repository}' AND org_id = '{org}';
             INSERT INTO approvals (id, org_id, run_id, step_id, scope, intent_summary, intent_hash,
                                    plan, expires_at, created_at)
             VALUES ('{id}', '{org}', '{run}', 'approve', 'repo.merge', 'Merge #8 of acme/widget',
                     '{INTENT_HASH}', '{{\"pull_request\": 8}}',
                     clock_timestamp() + interval '7 days', clock_timestamp())"
        ))
        .await;
        (id, run)
    }
}
