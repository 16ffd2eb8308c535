//! The wall between tenants, over HTTP: every route of the document, with a stranger's key.

use http::StatusCode;

use super::{
    walk::{document, operations},
    world::{Answer, Tenant, World},
};

/// Everything by which the other organisation could be recognised.
fn traces(tenant: &Tenant) -> Vec<String> {
    let findings = tenant.findings.iter().map(ToString::to_string);
    let waiting = tenant.waiting.iter();
    let waiting = waiting.flat_map(|it| [it.failed_run, it.questions[0], it.questions[1]]);
    findings
        .chain(waiting.map(|id| id.to_string()))
        .chain([
            tenant.org.to_string(),
            tenant.repository.to_string(),
            tenant.run.to_string(),
            tenant.open_run.to_string(),
            tenant.analysis.to_string(),
            tenant.attestation.to_string(),
            tenant.scan.to_string(),
            tenant.trust_score.to_string(),
            tenant.diff_summary.to_string(),
            tenant.schedule.to_string(),
            tenant.rule.to_string(),
            tenant.project.to_string(),
            tenant.artifact.to_string(),
            tenant.key_id.to_string(),
            tenant.badge_token.clone(),
            "theirs".to_owned(),
        ])
        .collect()
}

fn assert_silent(answer: &Answer, theirs: &Tenant, call: &str) {
    let text = String::from_utf8_lossy(&answer.bytes);
    for trace in traces(theirs) {
        assert!(!text.contains(&trace), "{call} shows {trace}: {text}");
    }
}

#[tokio::test]
async fn with_a_key_of_one_organisation_no_route_shows_or_changes_anything_of_another() {
    let world = World::create().await;
    let (ours, theirs) = (world.busy_tenant("ours", 1).await, world.busy_tenant("theirs", 2).await);
    let before = state_of(&world, &theirs).await;
    let mut walked = 0;
    for operation in operations(&document(&world).await) {
        if operation.is_public() {
            continue;
        }
        let call = format!("{} {}", operation.method, operation.path);
        let answer = world.send(operation.request(&theirs, Some(&ours.key))).await;
        if operation.names_something() {
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{call}");
        } else {
            assert!(answer.status.is_success(), "{call}: {}", answer.status);
        }
        assert_silent(&answer, &theirs, &call);
        walked += 1;
    }
    assert!(walked >= 25, "{walked} operations: is the document empty?");
    assert_eq!(state_of(&world, &theirs).await, before);
}

/// The same walk with their own key succeeds everywhere, so the one above proves something.
#[tokio::test]
async fn with_its_own_key_an_organisation_reaches_every_route() {
    let world = World::create().await;
    let tenant = world.busy_tenant("acme", 1).await;
    // The walk revokes the tenant's first key.
    let (_, key) = world.key(tenant.org, domain::Scope::ALL).await;
    for operation in operations(&document(&world).await) {
        let answer = world.send(operation.request(&tenant, Some(&key))).await;
        let text = String::from_utf8_lossy(&answer.bytes);
        let call = format!("{} {}", operation.method, operation.path);
        assert!(answer.status.is_success(), "{call}: {} {text}", answer.status);
    }
}

/// It is the database that keeps the wall: without it the same calls would show the rows.
#[tokio::test]
async fn without_row_level_security_the_wall_would_be_seen_to_be_gone() {
    let world = World::create().await;
    let (ours, theirs) = (world.busy_tenant("ours", 1).await, world.busy_tenant("theirs", 2).await);
    let (run, finding) = (theirs.run, theirs.findings[0]);
    for (table, path) in
        [("runs", format!("/v1/runs/{run}")), ("findings", format!("/v1/findings/{finding}"))]
    {
        assert_eq!(world.get(&path, &ours.key).await.status, StatusCode::NOT_FOUND);
        world.sql(&format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")).await;
        assert_eq!(world.get(&path, &ours.key).await.status, StatusCode::OK, "{table}");
    }
}

#[tokio::test]
async fn a_filter_by_another_organisations_id_finds_nothing() {
    let world = World::create().await;
    let (ours, theirs) = (world.busy_tenant("ours", 1).await, world.busy_tenant("theirs", 2).await);
    let lists = [
        format!("/v1/runs?repository_id={}", theirs.repository),
        format!("/v1/runs?cursor={}", theirs.open_run),
        format!("/v1/runs?parent_run_id={}", theirs.open_run),
        format!("/v1/approvals?run_id={}", theirs.open_run),
        format!("/v1/approvals?cursor={}", theirs.waiting.as_ref().unwrap().questions[0]),
        format!("/v1/analyses?repository_id={}", theirs.repository),
        format!("/v1/analyses?cursor={}", theirs.analysis),
        format!("/v1/repositories?cursor={}", theirs.repository),
        format!("/v1/scans?repository_id={}", theirs.repository),
        format!("/v1/scans?cursor={}", theirs.scan),
        format!("/v1/trust-scores?repository_id={}", theirs.repository),
        format!("/v1/trust-scores?project_id={}", theirs.project),
        format!("/v1/trust-scores?cursor={}", theirs.trust_score),
        format!("/v1/diff-summaries?repository_id={}", theirs.repository),
        format!("/v1/diff-summaries?cursor={}", theirs.diff_summary),
        format!("/v1/schedules?repository_id={}", theirs.repository),
        format!("/v1/schedules?cursor={}", theirs.schedule),
        format!("/v1/rules?repository_id={}", theirs.repository),
        format!("/v1/rules?cursor={}", theirs.rule),
        format!("/v1/keys?cursor={}", theirs.key_id),
        format!("/v1/audit-logs?api_key_id={}", theirs.key_id),
        format!("/v1/analyses/{}/findings?cursor={}", ours.analysis, theirs.findings[0]),
        format!("/v1/projects/{}/artifacts?run_id={}", ours.project, theirs.run),
        format!("/v1/projects/{}/artifacts?cursor={}", ours.project, theirs.artifact),
        format!("/v1/artifacts/{}/versions?cursor={}", ours.artifact, theirs.artifact),
    ];
    for path in lists {
        let answer = world.get(&path, &ours.key).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), 0, "{path}");
    }
    let search = format!("/v1/search?q=greet&repository_id={}", theirs.repository);
    assert_eq!(world.get(&search, &ours.key).await.problem().0, 404);
}

/// What a stranger could have changed.
async fn state_of(world: &World, tenant: &Tenant) -> Vec<String> {
    let org = tenant.org;
    let sql = format!(
        "SELECT 'repository ' || r::text FROM repositories r WHERE org_id = '{org}'
         UNION ALL SELECT 'run ' || r::text FROM runs r WHERE org_id = '{org}'
         UNION ALL SELECT 'step ' || s::text FROM run_steps s WHERE org_id = '{org}'
         UNION ALL SELECT 'approval ' || a::text FROM approvals a WHERE org_id = '{org}'
         UNION ALL SELECT 'finding ' || f::text FROM findings f WHERE org_id = '{org}'
         UNION ALL SELECT 'scan ' || s::text FROM codebase_scans s WHERE org_id = '{org}'
         UNION ALL SELECT 'schedule ' || s::text FROM scan_schedules s WHERE org_id = '{org}'
         UNION ALL SELECT 'rule ' || c::text FROM custom_rules c WHERE org_id = '{org}'
         UNION ALL SELECT 'rules ' || s::text FROM custom_rule_sets s WHERE org_id = '{org}'
         UNION ALL SELECT 'key ' || k::text FROM api_keys k WHERE org_id = '{org}'
         UNION ALL SELECT 'decision ' || d::text FROM finding_dispositions d WHERE org_id = '{org}'
         UNION ALL SELECT 'audit ' || l::text FROM audit_logs l WHERE org_id = '{org}'
         UNION ALL SELECT 'outbox ' || o::text FROM outbox o WHERE org_id = '{org}'
         ORDER BY 1"
    );
    let rows = world.database.sql().await.query(&sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
