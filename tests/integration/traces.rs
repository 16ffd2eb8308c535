//! The functions that everything but the fault suite uses hold no trace of it.

use std::path::PathBuf;

use regex::bytes::Regex;

/// The variable that a plan of faults comes in; `startup` names it in builds for the suite alone.
/// The suite itself refuses functions that do not have it, so this would be seen if it changed.
const MARKER: &str = "ASSAY_FAULTS";

const FUNCTIONS: [&str; 5] = ["webhook_intake", "run_orchestrator", "scheduler", "api", "syncer"];

#[test]
fn no_ordinary_binary_can_be_told_to_fail() {
    let test = std::env::current_exe().unwrap();
    let folder: PathBuf = test.parent().and_then(|deps| deps.parent()).unwrap().to_owned();
    let marker = Regex::new(MARKER).unwrap();
    for name in FUNCTIONS {
        let path = folder.join(name);
        let binary = std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; build it first", path.display()));
        assert!(!marker.is_match(&binary), "{name} was built with the feature `faults`");
    }
}
