use std::collections::BTreeSet;

use domain::RiskLevel;

use super::{Changes, CommitKind, FileKind, ReasonCode, Risk};

/// A change of fewer lines than this has the size of the word beside it.
const SIZES: [(u64, &str); 4] =
    [(10, "size/xs"), (50, "size/s"), (250, "size/m"), (1000, "size/l")];
const LARGEST: &str = "size/xl";

/// Sorted, each once.
pub(super) fn list(changes: &Changes, risk: &Risk, kind: CommitKind) -> Vec<String> {
    let mut labels = BTreeSet::new();
    let lines = changes.totals.lines_added + changes.totals.lines_removed;
    let size = SIZES.iter().find(|(below, _)| lines < *below).map_or(LARGEST, |(_, word)| word);
    labels.insert(size.to_owned());
    labels.insert(format!("type/{kind}"));
    for file in &changes.files {
        if let Some(language) = file.language {
            labels.insert(format!("language/{language}"));
        }
        let about = match file.kind {
            FileKind::Test => "tests",
            FileKind::Documentation => "documentation",
            FileKind::Dependencies => "dependencies",
            FileKind::ContinuousIntegration => "ci",
            FileKind::DatabaseMigration => "database",
            FileKind::Code | FileKind::Configuration | FileKind::Other => continue,
        };
        labels.insert(about.to_owned());
    }
    if !changes.breaking.is_empty() {
        labels.insert("breaking-change".to_owned());
    }
    if risk.reasons.iter().any(|reason| reason.code == ReasonCode::Findings) {
        labels.insert("security".to_owned());
    }
    if risk.level >= RiskLevel::High {
        labels.insert("risk/high".to_owned());
    }
    labels.into_iter().collect()
}
