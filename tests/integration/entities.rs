//! Every column that the source documents name has a home in the schema, or is known to be
//! missing. See tests/fixtures/entities/README.md.

use std::collections::{BTreeMap, BTreeSet};

use tests::TestDatabase;

const ENTITIES: &str = include_str!("../fixtures/entities/entities.tsv");
const RENAMES: &str = include_str!("../fixtures/entities/renames.tsv");
const TO_COME: &str = include_str!("../fixtures/entities/to_come.tsv");

/// Table and column; an empty column stands for the table as a whole.
type Column = (String, String);

#[tokio::test]
async fn every_named_column_has_a_home_or_is_known_to_be_missing() {
    let schema = schema().await;
    let renames: BTreeMap<[&str; 3], Column> = rows(RENAMES)
        .map(|row| ([row[0], row[1], row[2]], (row[3].to_owned(), row[4].to_owned())))
        .collect();
    let to_come: BTreeSet<[&str; 2]> = rows(TO_COME).map(|row| [row[0], row[1]]).collect();

    let mut homeless = Vec::new();
    let mut used = BTreeSet::new();
    for row in rows(ENTITIES) {
        let (document, table, column) = (row[0], row[1], row[2]);
        if to_come.contains(&[document, table]) {
            continue;
        }
        let name = [document, table, column];
        let home = match renames.get(&name) {
            Some(home) => {
                used.insert(name);
                home.clone()
            }
            None => (table.to_owned(), column.to_owned()),
        };
        if !schema.contains(&home) {
            homeless
                .push(format!("{document}: {table}.{column} (looked for {}.{})", home.0, home.1));
        }
    }
    assert!(homeless.is_empty(), "without a home:\n{}", homeless.join("\n"));
    let idle: Vec<_> = renames.keys().filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "renames that nothing needs: {idle:?}");
}

#[tokio::test]
async fn what_is_still_to_come_is_really_missing() {
    let schema = schema().await;
    for row in rows(TO_COME) {
        // Two documents use the name webhook_deliveries for two things; the other one is here.
        let other = ["verification", "webhook_deliveries"];
        let table = (row[1].to_owned(), String::new());
        assert!(
            !schema.contains(&table) || [row[0], row[1]] == other,
            "{} exists now: remove it from to_come.tsv",
            row[1],
        );
    }
}

/// Columns of all tables and views, and each table with an empty column.
async fn schema() -> BTreeSet<Column> {
    let database = TestDatabase::create().await;
    let rows = database
        .sql()
        .await
        .query(
            "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = 'public'",
            &[],
        )
        .await
        .unwrap();
    let mut schema = BTreeSet::new();
    for row in rows {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        schema.insert((table.clone(), String::new()));
        schema.insert((table, column));
    }
    schema
}

fn rows(tsv: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    tsv.lines().skip(1).map(|line| line.split('\t').collect())
}
