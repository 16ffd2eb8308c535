//! Making, changing and deleting schedules over HTTP.

use domain::Scope;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::world::{Answer, Tenant, World};

async fn create(world: &World, tenant: &Tenant, body: Value) -> Answer {
    let mut whole = json!({ "repository_id": tenant.repository });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    world.post("/v1/schedules", &tenant.key, &whole).await
}

async fn change(world: &World, tenant: &Tenant, id: &str, body: Value) -> Answer {
    world.send_json(Method::PATCH, &format!("/v1/schedules/{id}"), &tenant.key, &body).await
}

fn id_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.bytes));
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// The fields that an answer calls wrong, and what it says of the first.
fn refused(answer: &Answer) -> (Vec<String>, String) {
    assert_eq!(answer.problem(), (400, "validation_failed".to_owned()));
    let document = answer.json();
    let errors = document["errors"].as_array().unwrap();
    let fields = errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect();
    (fields, errors[0]["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_schedule_is_made_read_changed_and_deleted() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    world.sql("DELETE FROM scan_schedules").await;
    world.sql("UPDATE repositories SET default_branch = 'trunk'").await;

    let made = create(&world, &tenant, json!({ "cron": " 30  4 * * MON-FRI" })).await;
    let id = id_of(&made);
    let path = format!("/v1/schedules/{id}");
    assert_eq!(made.header(http::header::LOCATION), path);
    let schedule = made.json();
    assert_eq!(schedule["cron"], "30 4 * * MON-FRI");
    assert_eq!(schedule["time_zone"], "UTC");
    assert_eq!(schedule["branch"], "trunk", "the repository's default branch");
    assert_eq!((&schedule["enabled"], &schedule["catch_up"]), (&json!(true), &json!("latest")));
    assert_eq!(schedule["last_run_at"], Value::Null);
    assert_eq!(world.get(&path, &tenant.key).await.json(), schedule);
    let list = world.get("/v1/schedules", &tenant.key).await.json();
    assert_eq!(list["items"], json!([schedule]));

    let body = json!({
        "cron": "0 2 * * 7", "time_zone": "america/new_york", "branch": "main", "catch_up": "skip",
    });
    let changed = change(&world, &tenant, &id, body).await.json();
    assert_eq!(changed["time_zone"], "America/New_York", "as the database spells it");
    assert_eq!((&changed["branch"], &changed["catch_up"]), (&json!("main"), &json!("skip")));
    assert_ne!(changed["next_run_at"], schedule["next_run_at"]);

    let disabled = change(&world, &tenant, &id, json!({ "enabled": false })).await.json();
    assert_eq!((&disabled["next_run_at"], &disabled["next_fires"]), (&Value::Null, &json!([])));
    assert_eq!(disabled["cron"], "0 2 * * 7", "what is left out stays");
    let enabled = change(&world, &tenant, &id, json!({ "enabled": true })).await.json();
    assert_eq!(enabled["next_run_at"], changed["next_run_at"]);

    let request = crate::api::world::request(Method::DELETE, &path, Some(&tenant.key));
    let gone = world.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((gone.status.as_u16(), gone.bytes.len()), (204, 0));
    assert_eq!(world.get(&path, &tenant.key).await.problem().0, 404);

    let audit = world.get(&format!("/v1/audit-logs?resource_id={id}"), &tenant.key).await.json();
    let actions: Vec<&str> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    let expected = [
        "schedule.deleted",
        "schedule.changed",
        "schedule.changed",
        "schedule.changed",
        "schedule.created",
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn the_next_five_fires_are_shown_as_the_clocks_of_the_zone_show_them() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let body = json!({ "cron": "30 2 * * *", "time_zone": "Europe/Berlin" });
    let id = id_of(&create(&world, &tenant, body).await);
    // The day before the clocks go forward.
    world
        .sql(&format!(
            "UPDATE scan_schedules SET next_run_at = '2026-03-28T01:30Z' WHERE id = '{id}'"
        ))
        .await;
    let schedule = world.get(&format!("/v1/schedules/{id}"), &tenant.key).await.json();
    let expected = json!([
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
        "2026-03-31T02:30:00+02:00",
        "2026-04-01T02:30:00+02:00",
    ]);
    assert_eq!(schedule["next_fires"], expected);
    assert_eq!(schedule["next_run_at"], "2026-03-28T01:30:00Z");
}

#[tokio::test]
async fn what_is_wrong_is_named_by_its_field_with_what_to_write_instead() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let count = "scan_schedules";
    let before = world.count(count).await;
    let cases = [
        (json!({ "cron": "0 0 31 2 *" }), vec!["cron"], "it never fires"),
        (json!({ "cron": "*/2 * * * *" }), vec!["cron"], "at least 5 min"),
        (json!({ "cron": "0 0 1 * ?" }), vec!["cron"], "write `*` in its place"),
        (json!({ "cron": "0 25 * * *" }), vec!["cron"], "hour `25`"),
        (json!({ "cron": "@daily", "time_zone": "Europe/Berln" }), vec!["time_zone"], "Berlin?"),
        (json!({ "cron": "x", "time_zone": "y" }), vec!["cron", "time_zone"], "found 1 fields"),
        (json!({ "cron": "@daily", "branch": "a b" }), vec!["branch"], "not a name"),
        (json!({ "cron": "@daily", "catch_up": "all" }), vec!["catch_up"], "unknown variant"),
        (json!({ "cron": "@daily", "seconds": 1 }), vec!["seconds"], "unknown field"),
        (json!({ "time_zone": "UTC" }), vec!["body"], "missing field `cron`"),
    ];
    for (body, fields, detail) in cases {
        let (wrong, first) = refused(&create(&world, &tenant, body.clone()).await);
        assert_eq!(wrong, fields, "{body}");
        assert!(first.contains(detail), "{body}: {first}");
    }
    let id = tenant.schedule.to_string();
    let stored = world.get(&format!("/v1/schedules/{id}"), &tenant.key).await.json();
    for (body, field) in [
        (json!({}), "body"),
        (json!({ "cron": "0 0 30 2 *" }), "cron"),
        (json!({ "time_zone": "nowhere" }), "time_zone"),
        (json!({ "branch": "-x" }), "branch"),
    ] {
        assert_eq!(refused(&change(&world, &tenant, &id, body.clone()).await).0, [field], "{body}");
    }
    assert_eq!(world.get(&format!("/v1/schedules/{id}"), &tenant.key).await.json(), stored);
    assert_eq!(world.count(count).await, before);
}

#[tokio::test]
async fn a_change_of_times_forgets_what_was_missed_and_any_other_keeps_it() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let id = tenant.schedule.to_string();
    let missed = "2026-01-01T00:00:00Z";
    for (body, keeps) in [
        (json!({ "branch": "stable" }), true),
        (json!({ "catch_up": "skip" }), true),
        (json!({ "enabled": true }), true),
        (json!({ "cron": "30 4  * * 1-5", "time_zone": "europe/berlin" }), true),
        (json!({ "cron": "30 5 * * 1-5" }), false),
        (json!({ "time_zone": "UTC" }), false),
    ] {
        world.sql(&format!("UPDATE scan_schedules SET next_run_at = '{missed}'")).await;
        let changed = change(&world, &tenant, &id, body.clone()).await.json();
        assert_eq!(changed["next_run_at"] == missed, keeps, "{body}: {changed}");
    }
}

#[tokio::test]
async fn a_repository_has_at_most_twenty_schedules_also_when_asked_twice_at_once() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    for minute in 0..18 {
        let body = json!({ "cron": format!("{minute} 5 * * *") });
        id_of(&create(&world, &tenant, body).await);
    }
    let other = world.instance();
    let body = json!({ "repository_id": tenant.repository, "cron": "@daily" });
    let request =
        crate::api::world::json_request(Method::POST, "/v1/schedules", &tenant.key, &body);
    let (one, two) = tokio::join!(
        create(&world, &tenant, json!({ "cron": "@weekly" })),
        crate::api::world::send(&other, request),
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let refused = create(&world, &tenant, json!({ "cron": "@monthly" })).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("at most 20 schedules"));
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_no_second_schedule() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let body = json!({ "cron": "0 5 * * *", "time_zone": "Europe/Berlin" });
    let id = id_of(&create(&world, &tenant, body).await);
    let same = json!({ "cron": "0  5 * * *", "time_zone": "europe/berlin", "branch": "main" });
    let refused = create(&world, &tenant, same).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(&format!("/v1/schedules/{id}")), "{detail}");
    for other in [
        json!({ "cron": "0 5 * * *", "time_zone": "UTC" }),
        json!({ "cron": "0 6 * * *", "time_zone": "Europe/Berlin" }),
        json!({ "cron": "0 5 * * *", "time_zone": "Europe/Berlin", "branch": "stable" }),
    ] {
        id_of(&create(&world, &tenant, other).await);
    }
}

#[tokio::test]
async fn lists_are_narrowed_and_cut_into_pages() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    world.sql("DELETE FROM scan_schedules").await;
    let second = world.database.repository(tenant.org, 77, "https://example.com/second.git").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let body = json!({ "cron": format!("{n} 5 * * *"), "enabled": n != 2 });
        ids.push(id_of(&create(&world, &tenant, body).await));
    }
    let body = json!({ "repository_id": second, "cron": "@daily" });
    let elsewhere = id_of(&world.post("/v1/schedules", &tenant.key, &body).await);
    ids.reverse();

    let listed = async |query: String| -> (Vec<String>, Value) {
        let list = world.get(&format!("/v1/schedules?{query}"), &tenant.key).await.json();
        let items = list["items"].as_array().unwrap();
        let ids = items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        (ids, list["next_cursor"].clone())
    };
    let of_the_first = format!("repository_id={}", tenant.repository);
    assert_eq!(listed(of_the_first.clone()).await.0, ids);
    assert_eq!(listed(format!("repository_id={second}")).await.0, [elsewhere]);
    assert_eq!(listed("enabled=false".to_owned()).await.0, [ids[2].clone()]);
    let mut walked = Vec::new();
    let mut cursor = String::new();
    loop {
        let (page, next) = listed(format!("{of_the_first}&limit=2{cursor}")).await;
        walked.extend(page);
        let Some(next) = next.as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(walked, ids);
}

#[tokio::test]
async fn a_reader_changes_nothing_and_a_stranger_finds_nothing() {
    let world = World::create().await;
    let (ours, theirs) = (world.tenant("ours", 1).await, world.tenant("theirs", 2).await);
    let (_, reader) = world.key(ours.org, &[Scope::Read]).await;
    let path = format!("/v1/schedules/{}", ours.schedule);
    assert_eq!(world.get(&path, &reader).await.status, 200);
    let body = json!({ "enabled": false });
    assert_eq!(world.send_json(Method::PATCH, &path, &reader, &body).await.problem().0, 403);
    let body = json!({ "repository_id": ours.repository, "cron": "@daily" });
    assert_eq!(world.post("/v1/schedules", &reader, &body).await.problem().0, 403);

    let schedule = world.get(&path, &ours.key).await.json();
    for id in [ours.schedule, Uuid::nil()] {
        let path = format!("/v1/schedules/{id}");
        assert_eq!(world.get(&path, &theirs.key).await.problem().0, 404);
        let body = json!({ "enabled": false });
        assert_eq!(change(&world, &theirs, &id.to_string(), body).await.problem().0, 404);
    }
    assert_eq!(world.post("/v1/schedules", &theirs.key, &body).await.problem().0, 404);
    assert_eq!(world.get(&path, &ours.key).await.json(), schedule);
}
