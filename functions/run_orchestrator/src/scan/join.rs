use std::collections::BTreeMap;

use ::policy::Held;
use analysis::Incomplete;
use domain::{
    Coverage, PolicyFacts, RunId, RunStatus, Severity,
    kinds::{analysis::Fetched, codebase_scan::Sharded},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    Tx, analyses, run_steps,
    runs::{self, Fence, Run},
};

use super::{ScanError, error::Ended, part::Examined};
use crate::{
    Error,
    analysis::{policy, rules},
    examine::Reuse,
    memory::{Work, Written, output, written},
};

/// What `join` leaves.
#[derive(Serialize, Deserialize)]
pub(super) struct Joined {
    pub(super) shards: usize,
    /// All files of the commit.
    pub(super) files: u32,
    /// As the shards counted them; every severity is named.
    pub(super) findings: BTreeMap<Severity, u32>,
    /// How many files the shards examined anew.
    #[serde(default)]
    pub(super) reuse: Reuse,
    /// What the repository's policy did.
    #[serde(default)]
    pub(super) policy: PolicyFacts,
    /// The hash of the set of the customer's own rules.
    #[serde(default)]
    pub(super) rules: Option<String>,
    /// Sorted by path, as the shards are; rules that could not be run come first.
    pub(super) incomplete: Vec<Incomplete>,
}

/// Adds up what the shards found; the engine begins this step when none of them is open.
pub(super) async fn write(tx: &Tx<'_>, fence: &Fence, work: &Work) -> Result<Written, Error> {
    let sharded: Sharded = output(work, "shard")?;
    let shards = runs::list_latest(tx, &sharded.shards).await?;
    all_succeeded(&sharded, &shards)?;
    let ids: Vec<RunId> = shards.iter().map(|shard| shard.id).collect();
    let outputs = run_steps::list_outputs(tx, &ids, "scan").await?;
    if outputs.len() != ids.len() {
        return Err(ScanError::ChildrenGone { missing: ids.len() - outputs.len() }.into());
    }
    let fetched: Fetched = output(work, "fetch")?;
    let policy = policy::rule(&Held::of(&fetched.policy), work.run(), &[]).facts;
    let (joined, coverage) = add_up(sharded, policy, outputs)?;
    analyses::set_coverage(tx, fence, &coverage).await?;
    written("join", &joined)
}

fn all_succeeded(sharded: &Sharded, shards: &[Run]) -> Result<(), ScanError> {
    let all = sharded.shards.len();
    if shards.len() != all {
        return Err(ScanError::ChildrenGone { missing: all - shards.len() });
    }
    let mut unsuccessful = shards.iter().filter(|shard| shard.status != RunStatus::Succeeded);
    match unsuccessful.next() {
        None => Ok(()),
        Some(first) => Err(ScanError::Child {
            failed: 1 + unsuccessful.count(),
            all,
            run: first.id,
            ended: Ended {
                status: first.status,
                code: first.error_code,
                error: first.error.clone(),
            },
        }),
    }
}

/// `outputs` are in the order of the files.
fn add_up(
    sharded: Sharded,
    policy: PolicyFacts,
    outputs: Vec<Value>,
) -> Result<(Joined, Coverage), Error> {
    let left_out = u32::try_from(sharded.left_out.len()).unwrap_or(u32::MAX);
    let mut coverage =
        Coverage { files: left_out, unanalysed: sharded.left_out, ..Coverage::default() };
    let mut joined = Joined {
        shards: outputs.len(),
        files: 0,
        findings: Severity::ALL.iter().map(|severity| (*severity, 0)).collect(),
        reuse: Reuse::default(),
        policy,
        rules: sharded.rules,
        incomplete: sharded.unusable_rules.into_iter().map(rules::unusable_rule).collect(),
    };
    for output in outputs {
        let examined: Examined = serde_json::from_value(output)
            .map_err(|source| Error::Output { step: "scan", source })?;
        for (severity, count) in examined.findings {
            *joined.findings.entry(severity).or_default() += count;
        }
        joined.reuse.hits += examined.reuse.hits;
        joined.reuse.misses += examined.reuse.misses;
        joined.policy.add(&examined.policy);
        joined.incomplete.extend(examined.incomplete);
        coverage.add(examined.coverage);
    }
    coverage.unanalysed.sort_by(|one, other| one.path.cmp(&other.path));
    joined.files = coverage.files;
    Ok((joined, coverage))
}

#[cfg(test)]
mod tests {
    use domain::{Unanalysed, UnanalysedReason};
    use serde_json::json;

    use super::*;

    #[test]
    fn shards_are_added_up_and_nothing_that_was_not_read_is_lost() {
        let unread =
            |path: &str| Unanalysed { path: path.into(), reason: UnanalysedReason::Binary };
        let sharded = Sharded {
            files: 5,
            shards: Vec::new(),
            left_out: vec![unread("m.bin")],
            rules: Some("0".repeat(64)),
            unusable_rules: vec!["custom.a".into()],
        };
        let examined = |path: &str, high| {
            json!(Examined {
                files: 2,
                findings: BTreeMap::from([(Severity::High, high)]),
                coverage: Coverage {
                    files: 2,
                    analysed: 1,
                    unanalysed: vec![unread(path)],
                    ..Coverage::default()
                },
                reuse: Reuse { hits: 1, misses: 1 },
                policy: PolicyFacts { excluded: 1, ..PolicyFacts::default() },
                scored: 1,
                unscored: 0,
                incomplete: Vec::new(),
            })
        };
        let outputs = vec![examined("a.png", 2), examined("z.png", 3)];
        let (joined, coverage) = add_up(sharded, PolicyFacts::default(), outputs).unwrap();
        assert_eq!((joined.shards, joined.files, coverage.analysed), (2, 5, 2));
        assert_eq!(joined.policy.excluded, 2);
        assert_eq!(joined.reuse, Reuse { hits: 2, misses: 2 });
        assert_eq!((joined.findings[&Severity::High], joined.findings[&Severity::Low]), (5, 0));
        let paths: Vec<&str> = coverage.unanalysed.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["a.png", "m.bin", "z.png"]);
    }

    #[test]
    fn a_scan_without_files_is_complete_at_once() {
        let nothing = Sharded {
            files: 0,
            shards: Vec::new(),
            left_out: Vec::new(),
            rules: None,
            unusable_rules: Vec::new(),
        };
        assert!(all_succeeded(&nothing, &[]).is_ok());
        let (joined, coverage) = add_up(nothing, PolicyFacts::default(), Vec::new()).unwrap();
        assert_eq!((joined.shards, joined.files), (0, 0));
        assert_eq!(coverage, Coverage::default());
    }
}
