//! From a run's snapshot to a search that finds the right function.

mod world;

use std::time::{Duration, Instant};

use domain::CommitSha;
use embedder::{Error, handle};
use queue::Message;
use store::corpora;
use tests::function::Function;

use self::world::{CART, LEASES, README, World, shop};

#[tokio::test]
async fn a_question_finds_the_right_function_first() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    world.index(world.run(place, 'a', &shop()).await).await;

    for (question, path, name) in [
        ("take a queued job", "jobs/leases.py", "claim_job"),
        ("keep a lease for longer", "jobs/leases.py", "renew_lease"),
        ("total price including VAT", "web/cart.ts", "ShoppingCart::totalWithVat"),
        ("addProduct", "web/cart.ts", "ShoppingCart::addProduct"),
        ("save uploaded pictures", "server/uploads.go", "SaveAvatar"),
        ("password hashing", "server/uploads.go", "HashPassword"),
        ("who approves a production release", "README.md", "Shop::Deployment"),
    ] {
        let hits = world.search(place.0, Some(place.1), question).await;
        let best = hits.first().unwrap_or_else(|| panic!("{question}: nothing"));
        assert_eq!((best.path.as_str(), best.name.as_str()), (path, name), "{question}");
        assert!(hits.is_sorted_by(|one, next| one.score >= next.score));
    }

    let best = &world.search(place.0, None, "renew the lease").await[0];
    assert_eq!((best.lines.first, best.lines.last), (15, 19));
    assert!(best.excerpt.starts_with("def renew_lease(") && best.excerpt.contains("LeaseExpired"));
    assert_eq!(best.commit.as_ref().map(CommitSha::short), Some("aaaaaaaaaaaa"));
    assert_eq!(best.repository, Some(place.1));
    assert!(best.lexical.is_some_and(|score| score > 1.0));
    assert!(best.semantic.is_some_and(|score| (0.1..=1.0).contains(&score)));
}

#[tokio::test]
async fn indexing_again_changes_nothing() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    let message = world.run(place, 'a', &shop()).await;
    world.index(message).await;
    let rows = world.rows(place.0).await;
    assert!(rows.len() > 50, "{} rows", rows.len());

    world.index(message).await;
    assert_eq!(world.rows(place.0).await, rows, "a second delivery");

    world.index(world.run(place, 'b', &shop()).await).await;
    assert_eq!(world.rows(place.0).await, rows, "another commit with the same files");
}

#[tokio::test]
async fn two_deliveries_at_once_index_once() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    let message = world.run(place, 'a', &shop()).await;
    let stop_at = Instant::now() + Duration::from_secs(60);
    let (one, other) =
        tokio::join!(handle(&world.deps, message, stop_at), handle(&world.deps, message, stop_at));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(world.search(place.0, None, "password hashing").await[0].name, "HashPassword");

    let alone = world.repository("alone", 2).await;
    world.index(world.run(alone, 'a', &shop()).await).await;
    assert_eq!(world.statistics(place.0).await, world.statistics(alone.0).await);
}

#[tokio::test]
async fn a_change_touches_what_changed_and_nothing_else() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    world.index(world.run(place, 'a', &shop()).await).await;
    let leases = world.chunks(place.0, "jobs/leases.py").await;
    let cart = world.chunks(place.0, "web/cart.ts").await;

    // A new line above moves `renew_lease`, whose content stays; uploads.go is deleted.
    let changed = LEASES.replace("    return Lease(", "    log(row)\n    return Lease(");
    let files = [("README.md", README), ("jobs/leases.py", &changed), ("web/cart.ts", CART)];
    world.index(world.run(place, 'b', &files).await).await;

    assert_eq!(world.chunks(place.0, "web/cart.ts").await, cart);
    let after = world.chunks(place.0, "jobs/leases.py").await;
    let kept: Vec<_> = after.iter().filter(|it| leases.contains(it)).map(|it| &it.0[..]).collect();
    assert_eq!(kept, ["LeaseExpired", "renew_lease"]);
    let moved = &world.search(place.0, None, "renew the lease").await[0];
    assert_eq!((moved.name.as_str(), moved.lines.first), ("renew_lease", 16));
    assert_eq!(moved.commit.as_ref().map(CommitSha::short), Some("bbbbbbbbbbbb"));

    assert!(world.chunks(place.0, "server/uploads.go").await.is_empty());
    let hits = world.search(place.0, None, "password hashing").await;
    assert!(hits.iter().all(|hit| hit.path != "server/uploads.go"), "a deleted file was found");

    // What was counted up and down equals what is counted from nothing.
    let fresh = world.repository("fresh", 2).await;
    world.index(world.run(fresh, 'b', &files).await).await;
    assert_eq!(world.statistics(place.0).await, world.statistics(fresh.0).await);
}

#[tokio::test]
async fn a_message_that_was_overtaken_brings_nothing_back() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    let older = world.run(place, 'a', &shop()).await;
    let newer = world.run(place, 'b', &[("README.md", README)]).await;
    world.index(newer).await;
    let rows = world.rows(place.0).await;
    world.index(older).await;
    assert_eq!(world.rows(place.0).await, rows);
    let hits = world.search(place.0, None, "password hashing").await;
    assert!(hits.iter().all(|hit| hit.path == "README.md"), "{hits:?}");
}

/// The same race, inside of one index: the older run has read what to do when the newer begins.
#[tokio::test]
async fn a_run_that_is_overtaken_while_it_works_writes_nothing_more() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    let older = world.run(place, 'a', &shop()).await.run_id;
    let newer = world.run(place, 'b', &shop()).await.run_id;

    let mut session = world.database.functions().session().await.unwrap();
    let tx = session.begin(place.0).await.unwrap();
    let corpus = corpora::claim_repository(&tx, place.1, older).await.unwrap().unwrap();
    assert!(corpora::write(&tx, &corpus, older).await.unwrap().is_some());
    corpora::claim_repository(&tx, place.1, newer).await.unwrap().unwrap();
    assert!(corpora::write(&tx, &corpus, older).await.unwrap().is_none());
    assert!(corpora::write(&tx, &corpus, newer).await.unwrap().is_some());
}

#[tokio::test]
async fn another_organisation_finds_nothing() {
    let world = World::create().await;
    let ours = world.repository("ours", 1).await;
    let theirs = world.repository("theirs", 2).await;
    world.index(world.run(ours, 'a', &shop()).await).await;

    assert!(!world.search(ours.0, None, "password hashing").await.is_empty());
    assert!(world.search(theirs.0, None, "password hashing").await.is_empty());
    assert!(world.search(theirs.0, Some(ours.1), "password hashing").await.is_empty());

    let sql = world.database.sql_as_functions().await;
    sql.execute("SELECT set_config('assay.org_id', $1, false)", &[&theirs.0.to_string()])
        .await
        .unwrap();
    for table in
        ["corpora", "sources", "chunks", "term_statistics", "embeddings", "embedding_cache"]
    {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(sql.query_one(&count, &[]).await.unwrap().get::<_, i64>(0), 0, "{table}");
    }
    let partition = sql.query("SELECT * FROM embeddings_hashed_ngrams_v1", &[]).await;
    assert!(partition.is_err(), "a partition is reached through its parent only");
}

#[tokio::test]
async fn an_index_that_ran_out_of_time_goes_on_where_it_stopped() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    let files: Vec<(String, String)> = (0..40).map(large_file).collect();
    let mut files: Vec<_> = files.iter().map(|(path, text)| (&path[..], &text[..])).collect();
    files.extend(shop());
    files.sort_unstable();
    let message = world.run(place, 'a', &files).await;

    let interrupted = handle(&world.deps, message, Instant::now()).await.unwrap_err();
    assert!(matches!(interrupted, Error::OutOfTime { left } if left > 0), "{interrupted}");
    let early = world.rows(place.0).await;
    assert!(early.iter().any(|row| row.starts_with("chunk")));

    world.index(message).await;
    let late = world.rows(place.0).await;
    let is_row_of_content = |row: &&String| row.starts_with("chunk") || row.starts_with("embed");
    assert!(early.iter().filter(is_row_of_content).all(|row| late.contains(row)));

    // So many chunks that both legs are cut; and by the approximate index the same is found.
    let question = "take a queued job with a lease";
    let exact = world.search(place.0, None, question).await;
    assert_eq!(exact[0].name, "claim_job");
    let sql = world.database.sql().await;
    assert_eq!(sql.execute("UPDATE corpora SET chunks = chunks + 1000000", &[]).await.unwrap(), 1);
    let near = world.search(place.0, None, question).await;
    assert_eq!(near[0].chunk, exact[0].chunk);
    assert_eq!(near.len(), exact.len());
}

#[tokio::test]
async fn a_killed_embedder_leaves_nothing_half_done() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    let files: Vec<(String, String)> = (0..150).map(large_file).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (&path[..], &text[..])).collect();
    let message = world.run(place, 'a', &files).await;
    let event = serde_json::json!({
        "Records": [{ "messageId": "first", "body": message.body().to_string() }]
    });
    let (database_url, objects_url) = (world.database.functions_url(), world.objects_url());
    let settings = [("DATABASE_URL", &database_url[..]), ("OBJECTS_URL", &objects_url[..])];

    let sql = world.database.sql().await;
    // One of the later files waits for us, so that the kill comes before the end.
    sql.batch_execute(
        "CREATE FUNCTION wait_for_the_kill() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM pg_advisory_xact_lock(1);
             RETURN NEW;
         END $$;
         CREATE TRIGGER wait_for_the_kill BEFORE INSERT ON sources FOR EACH ROW
             WHEN (NEW.name = 'events/handlers_99.py') EXECUTE FUNCTION wait_for_the_kill();
         SELECT pg_advisory_lock(1)",
    )
    .await
    .unwrap();
    let first = Function::start("embedder", &settings).await;
    let unanswered = first.begin(event.clone());
    let count = async || {
        let row = sql.query_one("SELECT count(*) FROM chunks", &[]).await.unwrap();
        row.get::<_, i64>(0)
    };
    while count().await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.kill().await;
    assert!(count().await < 150 * 15, "the kill came too late to prove anything");
    drop(unanswered);
    sql.execute("SELECT pg_advisory_unlock(1)", &[]).await.unwrap();

    let second = Function::start("embedder", &settings).await;
    let answer = second.invoke(event).await.unwrap();
    assert_eq!(answer, serde_json::json!({ "batchItemFailures": [] }));
    let fresh = world.repository("fresh", 2).await;
    world.index(world.run(fresh, 'a', &files).await).await;
    assert_eq!(world.statistics(place.0).await, world.statistics(fresh.0).await);
    let embedded = "SELECT count(*) FROM embeddings WHERE org_id = $1 AND status = 'ready'";
    let embedded = sql.query_one(embedded, &[place.0.as_uuid()]).await.unwrap();
    assert_eq!(embedded.get::<_, i64>(0), 150 * 15);
}

/// Functions that are alike and yet different.
fn large_file(nth: usize) -> (String, String) {
    let functions: String = (0..15)
        .map(|number| {
            format!(
                "def handle_event_{nth}_{number}(event, context):\n    queue = context.queue_{nth}\n    \
                 queue.send(event.body, kind=\"event_{number}\", retries={number})\n    \
                 return queue.depth() + {nth} * {number}\n\n\n"
            )
        })
        .collect();
    (format!("events/handlers_{nth}.py"), functions)
}

#[tokio::test]
async fn a_vector_of_another_width_or_without_a_status_is_refused() {
    let world = World::create().await;
    let place = world.repository("acme", 1).await;
    world.index(world.run(place, 'a', &shop()).await).await;
    let sql = world.database.sql().await;
    for (change, constraint) in [
        ("embedding = '[1,2,3]'", "embeddings_hashed_ngrams_v1_embedding_check"),
        ("embedding = NULL", "embeddings_check"),
        ("status = 'pending'", "embeddings_check"),
    ] {
        let error = sql.execute(&format!("UPDATE embeddings SET {change}"), &[]).await.unwrap_err();
        let refused = error.as_db_error().and_then(|error| error.constraint());
        assert_eq!(refused, Some(constraint), "{change}");
    }
}
