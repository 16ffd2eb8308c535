//! Which rules are asked for.

use std::sync::Arc;

use analysis::{CustomRules, RuleInfo};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::examine::Found;
use crate::Trouble;

/// Names that are offered when one is not known.
const OFFERED_MAX: usize = 3;

pub(super) struct Rules {
    /// `None`: all of them.
    wanted: Option<GlobSet>,
    /// Beside the built-in ones.
    own: Arc<CustomRules>,
}

impl Rules {
    /// A name that fits no rule is a mistake: the report would be empty for the wrong reason.
    pub(super) fn of(names: &[String], own: CustomRules) -> Result<Self, Trouble> {
        let own = Arc::new(own);
        if names.is_empty() {
            return Ok(Self { wanted: None, own });
        }
        let mut wanted = GlobSetBuilder::new();
        for name in names {
            let glob = GlobBuilder::new(name).build().map_err(|error| {
                Trouble::new(format!("--rule {name}: {}", error.kind()), "write * for anything")
            })?;
            let matcher = glob.compile_matcher();
            let fits = |rule: &RuleInfo| matcher.is_match(&rule.id);
            if !analysis::rules().iter().any(fits) && !own.infos().any(fits) {
                return Err(unknown(name));
            }
            wanted.add(glob);
        }
        let wanted = wanted
            .build()
            .map_err(|error| Trouble::new(format!("--rule: {error}"), "name fewer rules"))?;
        Ok(Self { wanted: Some(wanted), own })
    }

    pub(super) fn own(&self) -> &Arc<CustomRules> {
        &self.own
    }

    /// Names the rules that are there to be asked for.
    pub(super) fn version(&self) -> String {
        self.own.rules_version()
    }

    pub(super) fn contains(&self, rule: &str) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.is_match(rule))
    }

    /// Those that were tried and whose findings are reported, sorted by id.
    pub(super) fn list(&self) -> Vec<&RuleInfo> {
        let all = analysis::rules().iter().chain(self.own.infos());
        let mut list: Vec<&RuleInfo> = all.filter(|rule| self.contains(&rule.id)).collect();
        list.sort_by(|one, other| one.id.cmp(&other.id));
        list
    }

    pub(super) fn keep(&self, found: &mut Found) {
        found.findings.retain(|located| self.contains(&located.finding.rule));
        let concerns = |rule: &Option<String>| rule.as_ref().is_none_or(|rule| self.contains(rule));
        found.incomplete.retain(|incomplete| concerns(&incomplete.rule));
    }
}

fn unknown(name: &str) -> Trouble {
    Trouble::new(
        format!("--rule {name}: no rule has this name"),
        format!("did you mean {}? docs/rules.md lists all of them", nearest(name).join(", ")),
    )
}

/// The names of rules that come closest.
pub(crate) fn nearest(name: &str) -> Vec<&'static str> {
    let mut near: Vec<(usize, &str)> = analysis::rules()
        .iter()
        .map(|rule| (strsim::damerau_levenshtein(name, &rule.id), rule.id.as_str()))
        .collect();
    near.sort_unstable();
    near.into_iter().take(OFFERED_MAX).map(|(_, id)| id).collect()
}
