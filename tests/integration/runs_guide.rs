//! The guide to runs, `docs/runs.md`, against the code and the API that it tells of.

use std::collections::BTreeSet;

use domain::{ErrorCode, RunKind};
use regex::Regex;

use crate::api::{
    walk::{document, operations},
    world::World,
};

const GUIDE: &str = include_str!("../../docs/runs.md");

/// The rows of the table whose first column has this heading, each cell without its quotes.
fn table(heading: &str) -> Vec<Vec<String>> {
    let rows = GUIDE.lines().skip_while(|line| !line.starts_with(&format!("| {heading} |")));
    let rows: Vec<&str> = rows.skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(!rows.is_empty(), "no table of `{heading}`");
    let cells = |row: &&str| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    rows.iter().map(cells).collect()
}

#[test]
fn every_error_code_has_its_row() {
    let told: Vec<String> = table("error code").into_iter().map(|row| row[0].clone()).collect();
    let known: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(told, known);
}

#[test]
fn every_kind_is_listed_with_its_steps() {
    let told: Vec<(String, String)> =
        table("kind").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let steps = |kind: RunKind| -> Vec<&str> { kind.steps().iter().map(|step| step.id).collect() };
    let known: Vec<(String, String)> =
        RunKind::ALL.iter().map(|kind| (kind.to_string(), steps(*kind).join(", "))).collect();
    assert_eq!(told, known);
}

#[tokio::test]
async fn events_and_paths_are_those_of_the_api() {
    let document = document(&World::create().await).await;
    let told: BTreeSet<String> = table("event").into_iter().map(|row| row[0].clone()).collect();
    let known = &document["components"]["schemas"]["EventName"]["enum"];
    let known = known.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
    assert_eq!(told, known.collect());

    let operations = operations(&document);
    let call = Regex::new(r"`(GET|POST) (/v1/[^`]*)`").unwrap();
    let mut calls = 0;
    for found in call.captures_iter(GUIDE) {
        let (method, path) = (&found[1], &found[2]);
        let known = operations.iter().any(|one| one.method == method && one.path == path);
        assert!(known, "the guide tells of {method} {path}");
        calls += 1;
    }
    assert!(calls > 5);
    let address = Regex::new(r#""\$ASSAY(/v1/[a-z/$A-Z]*)"#).unwrap();
    for found in address.captures_iter(GUIDE) {
        let path = found[1].replace("$ID", "{id}");
        assert!(operations.iter().any(|one| one.path == path), "the guide calls {path}");
    }
}
