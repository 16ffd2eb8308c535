use axum::body::Body;
use http::{Method, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{names, sha256, verified};
use crate::api::world::{Answer, Tenant, World, request, send};

async fn bundle(world: &World, tenant: &Tenant, query: &str) -> Answer {
    let path = format!("/v1/runs/{}/audit-bundle{query}", tenant.run);
    let call = request(Method::GET, &path, Some(&tenant.key)).body(Body::empty()).unwrap();
    // Another instance each time: nothing may depend on which one answers.
    send(&world.instance(), call).await
}

/// One of everything that a run can have, with secrets where none should be.
async fn with_everything(world: &World, secret: &str) -> Tenant {
    let tenant = world.tenant("acme", 1).await;
    let (org, project, run, repository) =
        (tenant.org, tenant.project, tenant.run, tenant.repository);
    let child = world.run(org, repository, "succeeded").await;
    let output = json!({ "log": format!("pushed with {secret}"), "api_token": "hunter2" });
    world
        .sql(&format!(
            "UPDATE run_steps SET output = '{output}', finished_at = started_at + interval '1 second'
                 WHERE run_id = '{run}' AND step_id = 'fetch';
             UPDATE runs SET parent_run_id = '{run}' WHERE id = '{child}';
             UPDATE repositories SET clone_url = 'https://me:hunter2@git.example/x.git';
             INSERT INTO sandbox_jobs (org_id, project_id, run_id, job_type, status, created_at)
                 VALUES ('{org}', '{project}', '{run}', 'verify.test', 'succeeded', now()),
                        ('{org}', '{project}', '{run}', '../escape', 'failed', '2026-01-01');
             INSERT INTO approvals (org_id, project_id, run_id, scope, intent_summary, intent_hash, plan)
                 VALUES ('{org}', '{project}', '{run}', 'repo.merge', 'merge', repeat('a', 64),
                         '{{\"client_secret\": \"hunter2\"}}');
             INSERT INTO deployments (org_id, project_id, run_id, provider, status, deployment_url)
                 VALUES ('{org}', '{project}', '{run}', 'vercel', 'ready', 'https://u:hunter2@x.example');"
        ))
        .await;
    tenant
}

#[tokio::test]
async fn a_bundle_holds_one_file_for_everything_and_is_the_same_every_time() {
    let world = World::create().await;
    let tenant = with_everything(&world, "nothing").await;
    let one = bundle(&world, &tenant, "").await;
    assert_eq!(one.header(header::ETAG), format!("\"{}\"", sha256(&one.bytes)));
    assert_eq!(sha256(&one.bytes), sha256(&bundle(&world, &tenant, "").await.bytes));

    let (files, manifest) = verified(&one, "bundle.json");
    let report = format!("SCAN_REPORT/run_{}.v1", tenant.run);
    let child: Uuid = world
        .database
        .sql()
        .await
        .query_one("SELECT id FROM runs WHERE parent_run_id = $1", &[&tenant.run])
        .await
        .unwrap()
        .get(0);
    let mut expected = vec![
        "approvals/001.repo.merge.json".to_owned(),
        format!("artifacts/{report}.md"),
        format!("children/{child}/run.json"),
        format!("citations/{report}.json"),
        "deployments/001.vercel.json".to_owned(),
        "repo.json".to_owned(),
        "run.json".to_owned(),
        "sandbox_jobs/001.___escape.json".to_owned(),
        "sandbox_jobs/002.verify.test.json".to_owned(),
    ];
    let steps = ["manifest", "parse", "security", "verdict", "fetch"];
    expected.extend(steps.iter().zip(1..).map(|(step, n)| format!("steps/{n:03}.{step}.json")));
    assert_eq!(names(&files), expected);
    assert_eq!(
        manifest["run"],
        json!({ "id": tenant.run, "kind": "analysis", "status": "succeeded" })
    );
}

/// A column that someone adds to a table is evidence without anyone thinking of it.
#[tokio::test]
async fn every_column_of_every_row_is_there() {
    let world = World::create().await;
    let tenant = with_everything(&world, "nothing").await;
    let (files, _) = verified(&bundle(&world, &tenant, "").await, "bundle.json");
    let tables = [
        ("run.json", "runs"),
        ("steps/", "run_steps"),
        ("sandbox_jobs/", "sandbox_jobs"),
        ("approvals/", "approvals"),
        ("deployments/", "deployments"),
        ("children/", "runs"),
    ];
    for (prefix, table) in tables {
        let columns = world
            .database
            .sql()
            .await
            .query(
                "SELECT column_name::text FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = $1",
                &[&table],
            )
            .await
            .unwrap();
        assert!(columns.len() > 5, "{table}");
        let mut seen = 0;
        for (name, content) in files.iter().filter(|(name, _)| name.starts_with(prefix)) {
            let row: Value = serde_json::from_str(content).unwrap();
            for column in &columns {
                let column: &str = column.get(0);
                assert!(row.get(column).is_some(), "{name} has no {column}");
            }
            seen += 1;
        }
        assert!(seen > 0, "{prefix}");
    }
    let run = &files.iter().find(|(name, _)| name == "run.json").unwrap().1;
    assert!(run.contains("+00:00\""), "times are in UTC: {run}");
}

#[tokio::test]
async fn a_secret_in_a_steps_output_is_not_in_the_bundle() {
    let world = World::create().await;
    let secret = format!("github_pat_{}", "9".repeat(40));
    let tenant = with_everything(&world, &secret).await;
    let row = "run_steps WHERE output::text LIKE '%github_pat_%' AND output::text LIKE '%hunter2%'";
    assert_eq!(world.count(row).await, 1, "it is in the database");
    let (files, _) = verified(&bundle(&world, &tenant, "").await, "bundle.json");
    for (name, content) in &files {
        assert!(!content.contains("hunter2") && !content.contains(&secret), "{name}: {content}");
    }
    let fetch = &files.iter().find(|(name, _)| name == "steps/005.fetch.json").unwrap().1;
    let fetch: Value = serde_json::from_str(fetch).unwrap();
    assert_eq!(
        fetch["output"],
        json!({ "log": "pushed with [REDACTED]", "api_token": "[REDACTED]" })
    );
    assert_eq!(fetch["lease_token"], 1, "a fence is no secret");
}

#[tokio::test]
async fn a_part_can_be_had_alone_and_says_so() {
    let world = World::create().await;
    let tenant = with_everything(&world, "nothing").await;
    for (part, count) in [("steps", 5), ("approvals", 1), ("artifacts", 2), ("children", 1)] {
        let answer = bundle(&world, &tenant, &format!("?part={part}")).await;
        let (files, manifest) = verified(&answer, "bundle.json");
        assert_eq!(files.len(), count + 2, "{part}");
        assert_eq!(manifest["only"], json!({ "part": part }));
    }
    let wrong = bundle(&world, &tenant, "?part=secrets").await;
    assert_eq!(wrong.problem(), (400, "validation_failed".to_owned()));
}

/// A run about no repository has no `repo.json`: nothing is made up.
#[tokio::test]
async fn a_run_without_a_repository_has_a_bundle_too() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    world.sql("UPDATE runs SET repository_id = NULL").await;
    let (files, _) = verified(&bundle(&world, &tenant, "").await, "bundle.json");
    assert!(names(&files).contains(&"run.json") && !names(&files).contains(&"repo.json"));
}
