//! A policy over files and findings.

use domain::{
    Finding, IgnoreFacts, Language, PolicyFacts, PolicyState, Severity, Snapshot, Unanalysed,
    UnanalysedReason,
};
use jiff::civil::Date;

use crate::{Ignore, Policy};

impl Policy {
    /// Whether a file is looked at.
    pub fn covers(&self, path: &str) -> bool {
        let is_spoken = || match (&self.languages, Language::of_path(path)) {
            (Some(spoken), Some(language)) => spoken.contains(&language),
            (None, _) | (_, None) => true,
        };
        (self.include.is_empty() || self.include.contain(path))
            && !self.exclude.contain(path)
            && is_spoken()
    }

    /// Whether it leaves any file out.
    pub fn narrows(&self) -> bool {
        self.languages.is_some() || !self.include.is_empty() || !self.exclude.is_empty()
    }

    /// The commit without the files that are not looked at; they are listed as left out. `None`:
    /// all of them are looked at.
    pub fn narrowed(&self, whole: &Snapshot) -> Option<Snapshot> {
        if !self.narrows() || whole.files.iter().all(|file| self.covers(&file.path)) {
            return None;
        }
        let mut part = Snapshot {
            commit: whole.commit.clone(),
            files: Vec::new(),
            left_out: whole.left_out.clone(),
        };
        for file in &whole.files {
            if self.covers(&file.path) {
                part.files.push(file.clone());
            } else {
                let path = file.path.clone();
                part.left_out.push(Unanalysed { path, reason: UnanalysedReason::Policy });
            }
        }
        part.left_out.sort_by(|one, other| one.path.cmp(&other.path));
        Some(part)
    }

    /// How much a rule's findings weigh. `None`: it is off.
    pub fn severity(&self, rule: &str, own: Severity) -> Option<Severity> {
        let decided = self.rules.iter().rev().find(|entry| entry.rule.fits(rule));
        decided.map_or(Some(own), |entry| entry.severity)
    }
}

impl Ignore {
    fn fits(&self, finding: &Finding) -> bool {
        let here = self.path.is_empty() || self.path.contain(&finding.path);
        here && self.rule.as_ref().is_none_or(|rule| rule.fits(&finding.rule))
    }

    pub fn is_over(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }
}

/// What a policy says about a finding.
#[derive(Debug, PartialEq)]
pub enum Ruling<'p> {
    /// Its rule is off: it is counted, and not shown.
    Off,
    /// The repository lives with it.
    Ignored(&'p Ignore),
    Stands,
}

/// Applies a policy to one finding after the other, and counts what it does.
#[derive(Debug)]
pub struct Judge<'p> {
    policy: &'p Policy,
    today: Date,
    facts: PolicyFacts,
}

impl<'p> Judge<'p> {
    /// On the day `today`, in UTC.
    pub fn new(policy: &'p Policy, today: Date) -> Self {
        let facts = PolicyFacts { state: PolicyState::Applied, ..PolicyFacts::default() };
        Self::beginning(policy, today, facts)
    }

    /// With what is known of the policy already.
    pub(crate) fn beginning(policy: &'p Policy, today: Date, facts: PolicyFacts) -> Self {
        let entry = |entry: &Ignore| IgnoreFacts {
            line: entry.line,
            path: (!entry.path.is_empty()).then(|| entry.path.written().join(", ")),
            rule: entry.rule.as_ref().map(|rule| rule.written().to_owned()),
            reason: entry.reason.clone(),
            expires: entry.expires,
            expired: entry.is_over(today),
            findings: 0,
        };
        let facts = PolicyFacts {
            ignores: policy.ignore.iter().map(entry).collect(),
            comment_on_pass: policy.comment_on_pass,
            max_inline_comments: policy.max_inline_comments,
            ..facts
        };
        Self { policy, today, facts }
    }

    /// Gives the finding the weight that it has in this repository.
    pub fn rule(&mut self, finding: &mut Finding) -> Ruling<'p> {
        let Some(severity) = self.policy.severity(&finding.rule, finding.severity) else {
            *self.facts.off.entry(finding.rule.clone()).or_default() += 1;
            return Ruling::Off;
        };
        self.facts.reweighted += u32::from(severity != finding.severity);
        finding.severity = severity;
        for (entry, facts) in self.policy.ignore.iter().zip(&mut self.facts.ignores) {
            if entry.fits(finding) {
                facts.findings += 1;
                if !entry.is_over(self.today) {
                    return Ruling::Ignored(entry);
                }
            }
        }
        Ruling::Stands
    }

    /// What was done so far.
    pub fn facts(self) -> PolicyFacts {
        self.facts
    }
}
