//! Which rules are asked for.

use std::sync::Arc;

use analysis::{Asked, CustomRules, RuleInfo};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

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
                return Err(unknown(name, &own));
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

    /// For the engine: what nobody asks for hides nothing.
    pub(super) fn asked(&self) -> Asked {
        match self.wanted.clone() {
            Some(wanted) => Asked::only(move |rule| wanted.is_match(rule)),
            None => Asked::default(),
        }
    }
}

fn unknown(name: &str, own: &CustomRules) -> Trouble {
    let all = analysis::rules().iter().chain(own.infos());
    let near = nearest(name, all.map(|rule| rule.id.as_str())).join(", ");
    Trouble::new(
        format!("--rule {name}: no rule has this name"),
        format!("did you mean {near}? docs/rules.md lists all of ours; * stands for anything"),
    )
}

/// The names of rules that come closest. Whoever writes `sql-string` leaves out what is before it.
pub(crate) fn nearest<'a>(name: &str, ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let dots = name.matches('.').count();
    let distance = |id: &'a str| {
        let end = id.rmatch_indices('.').nth(dots).map_or(id, |(at, _)| &id[at + 1..]);
        (strsim::damerau_levenshtein(name, end), id)
    };
    let mut near: Vec<(usize, &str)> = ids.map(distance).collect();
    near.sort_unstable();
    near.into_iter().take(OFFERED_MAX).map(|(_, id)| id).collect()
}
