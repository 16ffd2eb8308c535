//! The wall between tenants holds even for SQL that forgets its WHERE.

use tests::TestDatabase;
use tokio_postgres::error::SqlState;

/// Tables that hold no tenant's rows, each with its reason.
const WITHOUT_TENANT: &[(&str, &str)] = &[
    ("embedding_models", "the same models for everyone"),
    ("log_checkpoints", "the transparency log is public"),
    ("log_entries", "the transparency log is public and names no repository"),
    ("log_tiles", "the transparency log is public"),
    ("refinery_schema_history", "the migrator's own, not granted to anyone"),
    ("sessions", "behind row-level security without a policy: nobody sees any"),
    ("signing_keys", "public keys are published"),
    ("users", "seen through memberships only"),
];

#[tokio::test]
async fn every_table_is_behind_the_wall_or_says_why_not() {
    let database = TestDatabase::create().await;
    let rows = database
        .sql()
        .await
        .query(
            "SELECT c.relname,
                    c.relrowsecurity AND EXISTS (
                        SELECT FROM pg_policies p
                        WHERE p.tablename = c.relname AND p.qual LIKE '%assay_org()%') AS walled
             FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
               AND NOT c.relispartition",
            &[],
        )
        .await
        .unwrap();
    assert!(rows.len() > 30, "the schema looks empty");
    for row in rows {
        let (table, walled): (&str, bool) = (row.get(0), row.get(1));
        let excused = WITHOUT_TENANT.iter().any(|(name, _)| *name == table);
        assert!(walled || excused, "{table} has no tenant policy");
    }
}

#[tokio::test]
async fn sql_as_the_functions_role_shows_no_row_of_another_organisation() {
    let database = TestDatabase::create().await;
    let (ours, theirs) =
        (database.organization("ours").await, database.organization("theirs").await);
    database.repository(ours, 1, "https://example.com/ours.git").await;
    database.repository(theirs, 2, "https://example.com/theirs.git").await;

    let sql = database.sql_as_functions().await;
    let seen = "SELECT count(*) FROM organizations UNION ALL SELECT count(*) FROM repositories
                UNION ALL SELECT count(*) FROM projects";
    let counts = async || {
        let rows = sql.query(seen, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>()
    };

    assert_eq!(counts().await, [0, 0, 0], "without a tenant nothing is seen");
    sql.execute("SELECT set_config('assay.org_id', $1, false)", &[&ours.to_string()])
        .await
        .unwrap();
    assert_eq!(counts().await, [1, 1, 1], "with a tenant only its rows are seen");

    let planted = sql
        .execute(
            "INSERT INTO projects (org_id, name, slug) VALUES ($1, 'x', 'x')",
            &[theirs.as_uuid()],
        )
        .await
        .unwrap_err();
    assert_eq!(planted.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let moved =
        sql.execute("UPDATE projects SET org_id = $1", &[theirs.as_uuid()]).await.unwrap_err();
    assert_eq!(moved.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
}

#[tokio::test]
async fn the_functions_role_can_neither_bypass_the_wall_nor_take_it_down() {
    let database = TestDatabase::create().await;
    let sql = database.sql_as_functions().await;
    for attempt in [
        "ALTER TABLE runs DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON runs",
        "SET ROLE postgres",
        "UPDATE audit_logs SET action = 'x'",
        "DELETE FROM verification_attestations",
        "SELECT password_hash FROM users",
        "SELECT * FROM sessions",
    ] {
        let error = sql.batch_execute(attempt).await.expect_err(attempt);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{attempt}");
    }
}
