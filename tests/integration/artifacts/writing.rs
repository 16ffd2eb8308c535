use domain::{ArtifactKind, CITATIONS_MAX, CitationSource, Content, InvalidArtifact, ProjectId};
use serde_json::json;
use store::{
    Database,
    artifacts::{self, WriteError},
};
use tests::TestDatabase;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::api::{
    documents::{cites, document, project_of, write},
    world::World,
};

const WRITERS: usize = 16;
const WRITES_EACH: usize = 6;
const KEYS: [&str; 3] = ["one", "two", "three"];

/// Every writer writes all keys in an order of its own, and gives every fourth version up after
/// it has its number: the number must be given again.
#[tokio::test]
async fn sixteen_writers_over_three_keys_leave_no_gap() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    let repository = database.repository(org, 1, "https://example.com/x.git").await;
    let project = project_of(&database, repository).await;
    let pool = Database::with_connections(&database.functions_url(), WRITERS).unwrap();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let pool = pool.clone();
        writers.push(tokio::spawn(async move {
            let mut session = pool.session().await.unwrap();
            for turn in 0..WRITES_EACH {
                let tx = session.begin(org).await.unwrap();
                let text = format!("{writer}, {turn}");
                let key = KEYS[(writer + turn) % KEYS.len()];
                let new = document(project, "ROADMAP", key, Content::markdown(text));
                artifacts::write(&tx, &new).await.unwrap();
                if (writer + turn) % 4 != 0 {
                    tx.commit().await.unwrap();
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let rows = database
        .sql()
        .await
        .query(
            "SELECT logical_key, h.version,
                    array_agg(a.version ORDER BY a.version) = array_agg(n::integer ORDER BY n),
                    array_agg(a.version ORDER BY a.version) = array_agg(a.version ORDER BY a.created_at)
             FROM artifact_heads h JOIN (
                 SELECT *, row_number() OVER (PARTITION BY logical_key ORDER BY version) AS n
                 FROM artifacts) a USING (project_id, kind, logical_key)
             GROUP BY 1, 2",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), KEYS.len());
    let mut versions = 0;
    for row in rows {
        let key: &str = row.get(0);
        assert!(row.get::<_, bool>(2), "the versions of {key} are 1 to n without a gap");
        assert!(row.get::<_, bool>(3), "the versions of {key} were made in their order");
        versions += row.get::<_, i32>(1);
    }
    let is_kept = |n: &usize| !(n / WRITES_EACH + n % WRITES_EACH).is_multiple_of(4);
    let kept = (0..WRITERS * WRITES_EACH).filter(is_kept).count();
    assert_eq!(versions as usize, kept, "the heads count what was committed");
}

#[tokio::test]
async fn what_is_not_cited_rightly_is_not_written() {
    let world = World::create().await;
    let (ours, theirs) = (world.tenant("ours", 1).await, world.tenant("theirs", 2).await);
    let before = world.count("artifacts").await;
    let [finding, run] = [ours.findings[0], ours.run];
    let say = |text: &str| document(ours.project, "PRD", "x", Content::markdown(text));
    let with = |text: &str, citations| artifacts::NewArtifact { citations, ..say(text) };
    let too_many = (1..=26).map(|n| cites(n, CitationSource::Run, run)).collect();
    let refused = [
        with("no mark", too_many),
        with("[[2]](citation:2)", vec![cites(1, CitationSource::Run, run)]),
        with("[[1]](citation:1)", vec![]),
        with("no mark", vec![cites(1, CitationSource::Run, run)]),
        with("[[1]](citation:1)", vec![cites(1, CitationSource::Path, "src/app.py:12")]),
        with("[[1]](citation:1)", vec![cites(1, CitationSource::Finding, "12")]),
    ];
    for new in refused {
        let error = write(&world.database, ours.org, &new).await.unwrap_err();
        assert!(matches!(error, WriteError::Invalid(_)), "{error}");
    }
    // A source must be there, be what it is said to be, and be ours.
    let absent = [
        (CitationSource::Finding, Uuid::nil()),
        (CitationSource::Finding, run),
        (CitationSource::Finding, theirs.findings[0]),
        (CitationSource::Run, theirs.run),
        (CitationSource::Artifact, theirs.artifact),
        (CitationSource::Chunk, finding),
    ];
    for (source, id) in absent {
        let citations = vec![cites(1, CitationSource::Run, run), cites(2, source, id)];
        let new = with("[[1]](citation:1) [[2]](citation:2)", citations);
        let error = write(&world.database, ours.org, &new).await.unwrap_err();
        assert!(
            matches!(&error, WriteError::NoSource { numbers } if numbers == &[2]),
            "{source}: {error}"
        );
    }
    for project in [theirs.project, ProjectId::new(Uuid::nil())] {
        let new = document(project, "PRD", "x", Content::markdown("x"));
        let error = write(&world.database, ours.org, &new).await.unwrap_err();
        assert!(matches!(error, WriteError::NoProject(_)), "{error}");
    }
    assert_eq!(world.count("artifacts").await, before);
    assert_eq!(world.count("artifact_heads WHERE kind = 'PRD'").await, 0);
}

#[tokio::test]
async fn twenty_five_sources_of_every_sort_are_bound_and_read_back() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let chunk: Uuid =
        world.database.sql().await.query_one("SELECT id FROM chunks", &[]).await.unwrap().get(0);
    let mut citations = vec![
        cites(1, CitationSource::Finding, tenant.findings[0]),
        cites(2, CitationSource::Chunk, chunk),
        cites(3, CitationSource::Run, tenant.run),
        cites(4, CitationSource::Artifact, tenant.artifact),
    ];
    citations.extend((5..=CITATIONS_MAX as u32).map(|number| {
        let payload = json!({ "snippet_hash": "a".repeat(64) });
        let place = format!("src/app.py:{number}-{}", number + 1);
        domain::Citation { payload, ..cites(number, CitationSource::Path, place) }
    }));
    let text: String =
        citations.iter().map(|one| format!("[[{0}]](citation:{0})\n", one.number)).collect();
    let content =
        Content::Markdown { text, fields: json!({ "title": "All" }).as_object().unwrap().clone() };
    let new = artifacts::NewArtifact {
        citations: citations.clone(),
        ..document(tenant.project, "RESEARCH_REPORT", "all", content.clone())
    };
    let written = write(&world.database, tenant.org, &new).await.unwrap();

    let mut session = world.database.functions().session().await.unwrap();
    let tx = session.begin(tenant.org).await.unwrap();
    let found = artifacts::find(&tx, written.id).await.unwrap().unwrap();
    assert_eq!((found.content, found.citations), (content, citations));
    assert_eq!((found.summary.version, found.summary.citations), (1, 25));
}

/// The database's words for kinds are those of the domain, no fewer and no more.
#[tokio::test]
async fn the_database_knows_every_kind_and_no_other() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    let repository = database.repository(org, 1, "https://example.com/x.git").await;
    let project = project_of(&database, repository).await;
    let longest = format!("SPEC_{}", "X".repeat(60));
    let words = ArtifactKind::WORDS.iter().map(|(word, _)| *word);
    for kind in words.chain(["ADR_0001", "SPEC_BILLING_2", &longest]) {
        let new = document(project, kind, "key", Content::Json(json!(null)));
        assert_eq!(write(&database, org, &new).await.unwrap().version, 1, "{kind}");
    }
    let sql = database.sql().await;
    for kind in ["NOTE", "prd", "ADR_", "ADR_x", "SPEC_X/Y", &format!("{longest}X")] {
        let statement =
            format!("INSERT INTO artifact_heads VALUES ('{org}', '{project}', '{kind}', 'key', 1)");
        let error = sql.batch_execute(&statement).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::CHECK_VIOLATION), "{kind}");
        assert!(kind.parse::<ArtifactKind>().is_err(), "{kind}");
    }
}

#[tokio::test]
async fn a_version_and_its_citations_can_neither_be_changed_nor_taken_away() {
    let world = World::create().await;
    world.tenant("acme", 1).await;
    let sql = world.database.sql_as_functions().await;
    for attempt in [
        "UPDATE artifacts SET content = '{}'",
        "DELETE FROM artifacts",
        "UPDATE citations SET source_ref = 'x'",
        "DELETE FROM citations",
    ] {
        let error = sql.batch_execute(attempt).await.expect_err(attempt);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{attempt}");
    }
}

#[tokio::test]
async fn content_that_postgres_could_not_keep_is_refused_before_it_is_asked() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let new = document(tenant.project, "PRD", "zero", Content::markdown("a\0b"));
    let error = write(&world.database, tenant.org, &new).await.unwrap_err();
    assert!(matches!(error, WriteError::Invalid(InvalidArtifact::ZeroCharacter)), "{error}");
}
