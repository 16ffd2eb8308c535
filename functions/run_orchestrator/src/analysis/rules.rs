//! The customer's own rules: read together with the claim, made ready when a step first examines
//! code with them. What ran is kept with what it found, so that a result can be explained when
//! the rules are others by then.

use std::{collections::BTreeSet, sync::Arc};

use analysis::{
    CustomRules, Incomplete, IncompleteReason, RuleFile,
    custom::{EVERY_FILE, ID_PREFIX},
};
use domain::{RunKind, kinds::scan_shard};
use serde_json::Value;
use store::{
    StoreError, Tx,
    custom_rules::{self, StoredRule},
    runs::{Fence, Run},
};

use super::policy;
use crate::Error;
use crate::memory::{Work, blocking};

/// The rules of a run, and how far they are.
#[derive(Debug)]
pub(crate) enum Own {
    /// As the table or a kept set has them.
    Written(Vec<Value>),
    /// The set that the run is to go by is not there.
    Missing,
    /// In [`Memory::rules`](crate::memory::Memory), but for those that cannot be run.
    Ready { unusable: Vec<Incomplete> },
}

/// An analysis goes by the rules of this moment, a shard by those of its scan.
pub(crate) async fn load(tx: &Tx<'_>, run: &Run) -> Result<Own, StoreError> {
    match run.kind {
        RunKind::Analysis | RunKind::CodebaseScan => {
            let Some(repository) = run.repository else { return Ok(Own::Written(Vec::new())) };
            let rows = custom_rules::list_effective(tx, repository).await?;
            Ok(Own::Written(rows.iter().map(StoredRule::written).collect()))
        }
        RunKind::ScanShard => {
            let input: Option<scan_shard::Input> = serde_json::from_value(run.input.clone()).ok();
            let Some(hash) = input.and_then(|input| input.rules) else {
                return Ok(Own::Written(Vec::new()));
            };
            let set = custom_rules::find_set(tx, &hash).await?;
            let rules = set.as_ref().and_then(|set| set["rules"].as_array());
            Ok(rules.map_or(Own::Missing, |rules| Own::Written(rules.clone())))
        }
        RunKind::Merge | RunKind::RepositorySync => Ok(Own::Written(Vec::new())),
    }
}

/// Makes the rules ready, once for as long as a worker has the run.
pub(crate) async fn ready(work: &mut Work) -> Result<(), Error> {
    let mut written = match &mut work.memory.own_rules {
        Own::Ready { .. } => return Ok(()),
        Own::Missing => return Err(Error::Incomplete("set of rules")),
        Own::Written(written) => std::mem::take(written),
    };
    // The set of a shard has those of the policy in it.
    if work.run().kind != RunKind::ScanShard {
        let held = policy::held(work)?;
        let in_policy = held.policy.custom_rules.iter().map(|rule| rule.rule.clone());
        written = nearest(written, in_policy.collect());
    }
    let (rules, unusable) = blocking(move || compiled(written)).await?;
    if !unusable.is_empty() {
        tracing::warn!(count = unusable.len(), "rules of the customer cannot be run");
    }
    work.memory.rules = Arc::new(rules);
    work.memory.own_rules = Own::Ready { unusable };
    Ok(())
}

/// A rule of the policy stands in for the one of its name that the customer keeps with us: it
/// holds for this repository, and went through the review of its base.
fn nearest(kept: Vec<Value>, in_policy: Vec<Value>) -> Vec<Value> {
    let stood_in_for =
        |rule: &Value| in_policy.iter().any(|nearer| nearer.get("id") == rule.get("id"));
    let mut all: Vec<Value> = kept.into_iter().filter(|rule| !stood_in_for(rule)).collect();
    all.extend(in_policy);
    all
}

/// A rule was checked when it was kept. An engine that has since changed its mind says so.
fn compiled(written: Vec<Value>) -> (CustomRules, Vec<Incomplete>) {
    let mut rules = Vec::new();
    let mut unusable: BTreeSet<String> = BTreeSet::new();
    for rule in written {
        let name = rule["id"].as_str().unwrap_or_default().to_owned();
        match RuleFile::of_value(rule) {
            Ok(file) => rules.extend(file.rules),
            Err(problems) => {
                tracing::warn!(%problems, "a rule of the customer cannot be read");
                unusable.insert(name);
            }
        }
    }
    let (rules, problems) = CustomRules::load(&rules);
    unusable.extend(problems.0.into_iter().filter_map(|problem| problem.rule));
    let ids = unusable.into_iter().map(|name| format!("{ID_PREFIX}{name}"));
    (rules, ids.map(unusable_rule).collect())
}

/// Nothing was looked at with this rule.
pub(crate) fn unusable_rule(id: String) -> Incomplete {
    let path = EVERY_FILE.to_owned();
    Incomplete { path, rule: Some(id), reason: IncompleteReason::Unusable }
}

impl Own {
    /// Rules that nothing was looked at with.
    pub(crate) fn unusable(&self) -> &[Incomplete] {
        match self {
            Self::Ready { unusable } => unusable,
            Self::Written(_) | Self::Missing => &[],
        }
    }
}

/// Keeps which rules the results of this run stand on.
pub(crate) async fn record(tx: &Tx<'_>, fence: &Fence, work: &Work) -> Result<(), StoreError> {
    match (work.memory.rules.hash(), work.memory.rules.document()) {
        (Some(hash), Some(rules)) => custom_rules::record_set(tx, fence, hash, rules).await,
        (_, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearer_rule_of_a_name_counts() {
        let rule = |id: &str, pattern: &str| json!({ "id": id, "pattern": pattern });
        let kept = vec![rule("a", "1"), rule("b", "1")];
        let nearer = vec![rule("b", "2"), rule("c", "2")];
        let all = nearest(kept, nearer);
        assert_eq!(all, [rule("a", "1"), rule("b", "2"), rule("c", "2")]);
    }

    #[test]
    fn a_rule_that_cannot_be_run_any_more_is_named_and_the_others_run() {
        let rule = |id: &str, pattern: &str| json!({ "id": id, "type": "pattern", "message": "m", "pattern": pattern });
        let future = json!({ "id": "c", "type": "telepathy", "message": "m" });
        let (rules, unusable) = compiled(vec![rule("a", "x"), rule("b", "("), future]);
        let kept: Vec<&str> = rules.infos().map(|info| info.id.as_str()).collect();
        assert_eq!(kept, ["custom.a"]);
        let named: Vec<_> = unusable.iter().map(|one| one.rule.as_deref().unwrap()).collect();
        assert_eq!(named, ["custom.b", "custom.c"]);
        let set = rules.document().unwrap();
        let (again, none) = compiled(set["rules"].as_array().unwrap().clone());
        assert_eq!((again.hash(), none.len()), (rules.hash(), 0), "a set gives itself again");
    }
}
