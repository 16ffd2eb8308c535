//! What a run may cost.

use tests::{function::Function, queue_server::QueueServer};
use tokio_postgres::Client;

use super::Place;

#[tokio::test]
async fn a_run_writes_in_one_transaction_for_its_claim_and_one_for_each_step() {
    let place = Place::new().await;
    let queues = QueueServer::start().await;
    let settings = place.settings(&place.server.address().to_string(), &queues);
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let run = place.pull_request().await;
    let sql = place.database.sql().await;
    record_writing_transactions(&sql).await;

    let function = Function::start("run_orchestrator", &settings).await;
    function.invoke(place.event(run)).await.unwrap();
    let history = place.history(run).await;
    assert_eq!((history.status.as_str(), history.outbox.len()), ("succeeded", 3));

    let query = "SELECT count(DISTINCT xid), array_agg(DISTINCT written::text) FROM writes";
    let row = sql.query_one(query, &[]).await.unwrap();
    let (transactions, tables): (i64, Vec<String>) = (row.get(0), row.get(1));
    // The control: the recorder saw every kind of write that a run makes.
    let written = [
        "analyses",
        "file_results",
        "findings",
        "outbox",
        "project_manifests",
        "run_steps",
        "runs",
    ];
    for table in written {
        assert!(tables.iter().any(|seen| seen == table), "writes to {table} were not seen");
    }
    // With intake's, a run of five steps makes seven.
    assert_eq!(transactions, 1 + history.steps.len() as i64, "{:?}", history.steps);
}

/// Has every table note the transaction of each statement that changes it. Unlike the counters
/// in `pg_stat_database` this sees only this database, at once, and only what writes.
async fn record_writing_transactions(sql: &Client) {
    sql.batch_execute(
        "CREATE TABLE writes (xid text, written regclass);
         CREATE FUNCTION note_write() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
         BEGIN
             INSERT INTO public.writes VALUES (pg_current_xact_id()::text, TG_RELID);
             RETURN NULL;
         END $$;
         DO $$ DECLARE target regclass; BEGIN
             FOR target IN SELECT c.oid FROM pg_class c
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                   AND c.relname <> 'writes' AND NOT c.relispartition
             LOOP
                 EXECUTE format('CREATE TRIGGER note_write
                     AFTER INSERT OR UPDATE OR DELETE ON %s
                     FOR EACH STATEMENT EXECUTE FUNCTION note_write()', target);
             END LOOP;
         END $$;",
    )
    .await
    .unwrap();
}
