//! `assay runs` against the real API: what an operator does in an evening.

use serde_json::Value;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    api::world::{Tenant, World},
    live_view::assay,
};

/// An organisation whose API is served, and a terminal with its key.
struct Terminal {
    world: World,
    tenant: Tenant,
    url: String,
}

struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Terminal {
    async fn open() -> Self {
        let world = World::create().await;
        let tenant = world.tenant("acme", 1).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = world.instance();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { world, tenant, url }
    }

    async fn runs(&self, arguments: &[&str]) -> Told {
        let output = assay(&[&["runs"], arguments].concat(), &self.url, &self.tenant.key).await;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        Told { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Lets the open run die in its third step, as it does after too many claims.
    async fn kill(&self) -> Uuid {
        let Tenant { org, open_run: run, .. } = self.tenant;
        self.world
            .sql(&format!(
                "INSERT INTO run_steps (run_id, step_id, org_id, step_name, status, attempt,
                                        lease_token, output, error, started_at)
                 VALUES ('{run}', 'fetch', '{org}', 'fetch', 'succeeded', 1, 1, '{{\"files\": 3}}',
                         NULL, clock_timestamp() - interval '1 second'),
                        ('{run}', 'manifest', '{org}', 'manifest', 'succeeded', 1, 1, '{{}}',
                         NULL, clock_timestamp()),
                        ('{run}', 'parse', '{org}', 'parse', 'failed', 8, 9, NULL,
                         '{{\"message\": \"the parser was killed\"}}', clock_timestamp());
                 UPDATE runs SET status = 'failed', error_code = 'max_attempts_exceeded',
                     error = 'gave up after 8 attempts', last_error = 'the parser was killed',
                     started_at = clock_timestamp(), finished_at = clock_timestamp(), attempts = 9
                 WHERE id = '{run}'"
            ))
            .await;
        run
    }
}

#[tokio::test]
async fn a_dead_run_is_found_understood_and_gone_on_with_from_its_failed_step() {
    let terminal = Terminal::open().await;
    let dead = terminal.kill().await.to_string();

    let found = terminal.runs(&["dead"]).await;
    assert_eq!(found.code, 0, "{}", found.err);
    assert!(
        found.out.contains(&dead) && found.out.contains("the parser was killed"),
        "{}",
        found.out
    );
    assert!(found.out.contains(&format!("assay runs retry {dead}")), "{}", found.out);
    assert!(!found.out.contains(&terminal.tenant.run.to_string()), "{}", found.out);

    // The ending of an id is as good as its beginning, and differs sooner.
    let ending = &dead[24..];
    let shown = terminal.runs(&["show", ending]).await;
    assert_eq!(shown.code, 0, "{}", shown.err);
    for part in [&dead, "max_attempts_exceeded", "✓ fetch", "✗ parse", "the parser was killed"]
    {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert!(!shown.out.contains('\u{1b}'), "a pipe gets no colours: {}", shown.out);

    let retried = terminal.runs(&["retry", ending]).await;
    assert_eq!(retried.code, 0, "{}", retried.err);
    assert!(retried.out.contains("taken over  fetch, manifest\n"), "{}", retried.out);
    assert!(
        retried.out.contains("runs again  parse, security, formal, verdict\n"),
        "{}",
        retried.out
    );
    let next = retried.out.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();

    let again = terminal.runs(&["retry", &dead]).await;
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(
        again.out.contains("was asked for before") && again.out.contains(&next),
        "{}",
        again.out
    );
    let found = terminal.runs(&["dead"]).await;
    assert!(found.out.contains(&format!("went on as  {next}")), "{}", found.out);
    assert!(!found.out.contains("runs retry"), "{}", found.out);

    let canceled = terminal.runs(&["cancel", &next]).await;
    assert_eq!(
        (canceled.code, canceled.out.as_str()),
        (0, format!("run {next} is canceled\n").as_str())
    );
    let canceled = terminal.runs(&["cancel", &next]).await;
    assert_eq!(canceled.code, 1, "{}", canceled.err);
    assert!(canceled.out.contains("has ended already, as canceled"), "{}", canceled.out);
    let refused = terminal.runs(&["retry", &next]).await;
    assert_eq!(refused.code, 1, "{}", refused.err);
    assert!(refused.out.contains("only a failed run"), "{}", refused.out);
}

#[tokio::test]
async fn a_list_is_narrowed_and_handed_to_other_programs() {
    let terminal = Terminal::open().await;
    let (done, open) = (terminal.tenant.run.to_string(), terminal.tenant.open_run.to_string());
    let list = terminal.runs(&["list"]).await;
    assert_eq!(list.code, 0, "{}", list.err);
    let lines: Vec<&str> = list.out.lines().collect();
    assert!(lines[0].starts_with("ID ") && lines[0].contains("STATUS"), "{}", list.out);
    assert!(lines[1].starts_with(&open) && lines[2].starts_with(&done), "{}", list.out);

    let list = terminal.runs(&["list", "--status", "queued", "--kind", "analysis", "--json"]).await;
    let runs: Value = serde_json::from_str(&list.out).unwrap();
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "{runs}");
    assert_eq!(runs[0]["id"], open.as_str());

    let cut = terminal.runs(&["list", "--limit", "1"]).await;
    assert!(cut.out.contains("there are more: --limit 5"), "{}", cut.out);
    let none = terminal.runs(&["list", "--error-code", "head_moved"]).await;
    assert_eq!((none.code, none.out.as_str()), (0, "no such runs\n"));
}

#[tokio::test]
async fn a_part_of_an_id_must_mean_one_run() {
    let terminal = Terminal::open().await;
    let run = terminal.tenant.run.to_string();
    // Made in the same second, so both begin alike.
    let both = terminal.runs(&["show", &run[..7]]).await;
    assert_eq!(both.code, 2);
    assert!(both.err.contains("2 runs begin or end with"), "{}", both.err);
    assert!(both.err.contains("next: write more of the id"), "{}", both.err);
    for (part, said) in [("ffffffff", "none of the newest 2 runs"), ("abc", "is too short")] {
        let told = terminal.runs(&["show", part]).await;
        assert_eq!(told.code, 2);
        assert!(told.err.contains(said) && told.err.contains("assay runs list"), "{}", told.err);
    }
    let gone = terminal.runs(&["show", &Uuid::now_v7().to_string()]).await;
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("There is no such thing"), "{}", gone.err);
}

#[tokio::test]
async fn a_run_that_has_ended_is_watched_from_its_beginning() {
    let terminal = Terminal::open().await;
    let dead = terminal.kill().await.to_string();
    let watched = terminal.runs(&["watch", &dead]).await;
    assert_eq!(watched.code, 1, "{}", watched.err);
    for part in ["run-started", "fetch succeeded", "parse failed", "(attempt 8)", "run-finished"] {
        assert!(watched.out.contains(part), "{part}: {}", watched.out);
    }
    let watched = terminal.runs(&["watch", &terminal.tenant.run.to_string(), "--json"]).await;
    assert_eq!(watched.code, 0, "{}", watched.err);
    let events: Vec<Value> =
        watched.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<String> = (1..=events.len()).map(|id| id.to_string()).collect();
    assert_eq!(events.iter().map(|event| event["id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    assert_eq!(events.last().unwrap()["event"], "run-finished");
}

#[tokio::test]
async fn a_run_is_watched_while_someone_else_ends_it() {
    let terminal = Terminal::open().await;
    let run = terminal.tenant.open_run.to_string();
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        terminal.runs(&["cancel", &run]).await
    };
    let watch = ["watch", &run];
    let (watched, canceled) = tokio::join!(terminal.runs(&watch), cancel);
    assert_eq!(canceled.code, 0, "{}", canceled.err);
    assert_eq!(watched.code, 1, "{}", watched.err);
    assert!(watched.out.contains("run-finished        canceled"), "{}", watched.out);
}
