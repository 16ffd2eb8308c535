//! The schema itself: its order, its lock, and that it comes up the same for everyone.

use tests::TestDatabase;

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let database = TestDatabase::create().await;
    let mut session = database.owner().session().await.unwrap();
    let done = store::migrations::apply(&mut session).await.unwrap();
    assert!(done.names.is_empty(), "{:?}", done.names);
}

#[tokio::test]
async fn of_four_migrators_at_once_all_succeed_and_one_does_the_work() {
    let database = TestDatabase::create().await;
    // An empty database next to the test's own: the template is migrated already.
    let empty = format!(
        "{}_empty",
        database.owner_url().split('/').next_back().unwrap().split('?').next().unwrap()
    );
    database.sql().await.batch_execute(&format!("CREATE DATABASE {empty}")).await.unwrap();
    let url = database.owner_url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let url = format!("{server}/{empty}?sslmode=disable");

    let mut migrators = Vec::new();
    for _ in 0..4 {
        let url = url.clone();
        migrators.push(tokio::spawn(async move {
            let database = store::Database::open(&url).unwrap();
            let mut session = database.session().await.unwrap();
            store::migrations::apply(&mut session).await.map(|done| done.names.len())
        }));
    }
    let mut worked = Vec::new();
    for migrator in migrators {
        worked.push(migrator.await.unwrap().unwrap());
    }
    assert_eq!(worked.iter().filter(|count| **count > 0).count(), 1, "{worked:?}");
}
