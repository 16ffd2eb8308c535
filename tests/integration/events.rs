//! Following a run as a browser's EventSource does, while the real orchestrator works on it.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::{Method, header};
use serde_json::{Value, json};
use tests::function::Function;
use uuid::Uuid;

use crate::{
    api::world::{Answer, World, request, send},
    scene::Scene,
};

/// One event as the stream writes it.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    id: u64,
    event: String,
    data: Value,
}

/// Reads what a response holds: its events, and the pause that it asks for.
fn read(answer: &Answer) -> (Vec<Told>, Option<u64>) {
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/event-stream");
    let text = std::str::from_utf8(&answer.bytes).unwrap();
    let (mut told, mut retry) = (Vec::new(), None);
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        let field = |name: &str| {
            let mut lines = block.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(field, _)| *field == name).map(|(_, value)| value)
        };
        retry = retry.or(field("retry").map(|pause| pause.parse().unwrap()));
        if let Some(data) = field("data") {
            told.push(Told {
                id: field("id").unwrap().parse().unwrap(),
                event: field("event").unwrap().to_owned(),
                data: serde_json::from_str(data).unwrap(),
            });
        }
    }
    (told, retry)
}

async fn follow(world: &World, run: Uuid, key: &str, seen: usize, wait: u64) -> Answer {
    let path = format!("/v1/runs/{run}/events?wait_seconds={wait}");
    let mut request = request(Method::GET, &path, Some(key));
    if seen > 0 {
        request = request.header("last-event-id", seen.to_string());
    }
    // An instance of its own, as Lambda would start one for a request that comes meanwhile.
    send(&world.instance(), request.body(Body::empty()).unwrap()).await
}

/// Hears what is new and adds it to what was told, as whoever comes back after each answer does.
async fn hear(scene: &Scene, run: Uuid, told: &mut Vec<Told>) {
    let answer = follow(&scene.world, run, &scene.key, told.len(), 0).await;
    let (fresh, retry) = read(&answer);
    assert_eq!(retry, Some(1000));
    told.extend(fresh);
    let ids: Vec<u64> = told.iter().map(|event| event.id).collect();
    assert!(ids.into_iter().eq(1..=told.len() as u64), "{told:#?}");
    // From the beginning it is the same story.
    let again = follow(&scene.world, run, &scene.key, 0, 0).await;
    assert_eq!(&read(&again).0, told);
}

fn names(told: &[Told]) -> Vec<String> {
    let words = |event: &Told| {
        let word = |name: &str| event.data[name].as_str().map(|word| format!(" {word}"));
        let words = word("step").into_iter().chain(word("status")).collect::<String>();
        format!("{}{words}", event.event)
    };
    told.iter().map(words).collect()
}

#[tokio::test]
async fn a_run_is_told_piece_by_piece_and_then_no_more() {
    let scene = Scene::new().await;
    let run = scene.request_merge().await;
    let mut told = Vec::new();
    hear(&scene, run, &mut told).await;
    assert_eq!(told, [], "nobody has begun");
    scene.work().await;
    hear(&scene, run, &mut told).await;
    let asked = scene.question(run).await;
    scene.approve(&asked).await;
    hear(&scene, run, &mut told).await;
    assert_eq!(names(&told).last().unwrap(), "approval-decided approve approved");
    scene.work().await;
    hear(&scene, run, &mut told).await;
    let expected = [
        "run-started",
        "step-started plan",
        "step-finished plan succeeded",
        "step-started checks",
        "step-finished checks succeeded",
        "step-started approve",
        "approval-requested approve",
        "approval-decided approve approved",
        "step-finished approve succeeded",
        "step-started merge",
        "step-finished merge succeeded",
        "run-finished succeeded",
    ];
    assert_eq!(names(&told), expected);
    assert_eq!(told[6].data["intent_hash"], asked["intent_hash"]);
    assert_eq!(told[10].data["attempt"], 1);
    assert!(told[10].data["duration_ms"].as_i64().unwrap() >= 0);
    assert_eq!(told[11].data["summary"]["merged_by_us"], true);

    let over = follow(&scene.world, run, &scene.key, told.len(), 20).await;
    assert_eq!((over.status.as_u16(), over.bytes.len()), (204, 0));
    let path = format!("/v1/runs/{run}/events");
    let list =
        request(Method::GET, &path, Some(&scene.key)).header(header::ACCEPT, "application/json");
    let list = scene.world.send(list.body(Body::empty()).unwrap()).await.json();
    assert_eq!(list["over"], true);
    for (item, told) in list["items"].as_array().unwrap().iter().zip(&told) {
        assert_eq!(*item, json!({ "id": told.id, "event": told.event, "data": told.data }));
    }
    assert_eq!(list["items"].as_array().unwrap().len(), told.len());
}

#[tokio::test]
async fn whoever_waits_hears_at_once_and_holds_nothing_meanwhile() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    let mut told = Vec::new();
    hear(&scene, run, &mut told).await;
    let began = Instant::now();
    let decide = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                     AND state IN ('active', 'idle in transaction') AND pid <> pg_backend_pid()";
        let mut least = i64::MAX;
        for _ in 0..20 {
            least = least.min(scene.sql.query_one(query, &[]).await.unwrap().get(0));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(least, 0, "a transaction is held while waiting");
        assert_eq!(scene.approve(&asked).await.status, 200);
        Instant::now()
    };
    let answer = follow(&scene.world, run, &scene.key, told.len(), 20);
    let (answer, decided) = tokio::join!(answer, decide);
    // Long before the twenty seconds are over that it would wait for anything.
    assert!(decided.elapsed() < Duration::from_secs(15), "told late");
    assert!(began.elapsed() > Duration::from_millis(1500));
    let (fresh, retry) = read(&answer);
    assert_eq!(names(&fresh), ["approval-decided approve approved"]);
    assert_eq!((fresh[0].id, retry), (told.len() as u64 + 1, Some(1000)));
}

#[tokio::test]
async fn with_nothing_to_tell_the_answer_comes_late_and_shows_signs_of_life() {
    let scene = Scene::new().await;
    let run = scene.request_merge().await;
    let began = Instant::now();
    let answer = follow(&scene.world, run, &scene.key, 0, 6).await;
    assert!(began.elapsed() >= Duration::from_secs(6));
    assert_eq!(read(&answer), (vec![], Some(1000)));
    assert!(answer.bytes.starts_with(b":"), "no heartbeat in six seconds");
}

#[tokio::test]
async fn an_event_that_never_was_is_not_gone_on_from() {
    let scene = Scene::new().await;
    let run = scene.request_merge().await;
    for (id, detail) in [("7", "has 0 events"), ("x", "a number"), ("-1", "a number")] {
        let path = format!("/v1/runs/{run}/events");
        let request = request(Method::GET, &path, Some(&scene.key)).header("last-event-id", id);
        let answer = scene.world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.problem().0, 400);
        let error = &answer.json()["errors"][0];
        assert_eq!(error["field"], "Last-Event-ID");
        assert!(error["detail"].as_str().unwrap().contains(detail), "{error}");
    }
    let too_long = follow(&scene.world, run, &scene.key, 0, 21).await;
    assert_eq!(too_long.json()["errors"][0]["field"], "wait_seconds");
}

#[tokio::test]
async fn a_canceled_run_tells_what_became_of_its_steps_and_its_question() {
    let scene = Scene::new().await;
    let (run, _) = scene.asked().await;
    let mut told = Vec::new();
    hear(&scene, run, &mut told).await;
    scene.post(&format!("/v1/runs/{run}/cancel"), &json!(null)).await;
    hear(&scene, run, &mut told).await;
    let expected = [
        "approval-decided approve canceled",
        "step-finished approve canceled",
        "step-finished merge canceled",
        "run-finished canceled",
    ];
    assert_eq!(names(&told)[7..], expected);
}

/// A function URL's request (AWS Lambda developer guide, "Request payload format").
fn url_request(run: Uuid, key: &str, seen: Option<u64>, wait: u64) -> Value {
    let path = format!("/v1/runs/{run}/events");
    let mut headers = json!({
        "authorization": format!("Bearer {key}"),
        "accept": "text/event-stream",
        "host": "api.example",
    });
    if let Some(seen) = seen {
        headers["last-event-id"] = json!(seen.to_string());
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path,
        "rawQueryString": format!("wait_seconds={wait}"),
        "queryStringParameters": { "wait_seconds": wait.to_string() },
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous", "apiId": "api", "domainName": "api.example",
            "domainPrefix": "api", "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "21/Nov/2026:07:00:00 +0000", "timeEpoch": 1_795_000_000_000_i64,
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
        },
        "isBase64Encoded": false,
    })
}

/// The deployed binary sends a response as a whole: an answer that never ended would never come.
#[tokio::test]
async fn behind_a_function_url_each_portion_is_one_answer() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    let settings = [
        ("DATABASE_URL", scene.world.database.functions_url()),
        ("RUNS_QUEUE_URL", "http://127.0.0.1:1/000000000000/runs".to_owned()),
        ("SYNC_QUEUE_URL", "http://127.0.0.1:1/000000000000/sync".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let function = Function::start("api", &settings).await;
    let ask = async |seen, wait| {
        let answer = function.invoke(url_request(run, &scene.key, seen, wait)).await.unwrap();
        let status = answer["statusCode"].as_u64().unwrap();
        assert_eq!(answer["isBase64Encoded"], false, "{answer}");
        (status, answer["body"].as_str().unwrap_or_default().to_owned())
    };
    let (status, body) = ask(None, 20).await;
    assert_eq!(status, 200);
    assert!(body.starts_with("id: 1\nevent: run-started\ndata: {"), "{body}");
    assert_eq!((body.matches("\nevent: ").count(), body.ends_with("retry: 1000\n\n")), (7, true));

    let (heard, _) = tokio::join!(ask(Some(7), 20), async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        scene.reject(&asked, "no").await;
    });
    assert!(heard.1.starts_with("id: 8\nevent: approval-decided\n"), "{}", heard.1);
    assert!(heard.1.contains("event: run-finished"));
    let last = heard.1.matches("\nevent: ").count() as u64 + 7;
    assert_eq!(ask(Some(last), 20).await, (204, String::new()));
}
