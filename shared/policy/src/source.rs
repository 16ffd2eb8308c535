//! From what stands in a commit to the policy that holds.

use domain::{
    PolicyFacts, PolicyProblem, PolicySource, PolicyState, Severity, Snapshot, UnanalysedReason,
};
use jiff::civil::Date;

use crate::{BYTES_MAX, Judge, Policy, sha256, unread};

/// The policy that holds for an analysis, and why it is this one.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub policy: Policy,
    facts: PolicyFacts,
}

impl Held {
    /// A source that says nothing that can be followed is as good as none: nothing is left out or
    /// ignored, and every rule is on.
    pub fn of(source: &PolicySource) -> Self {
        let facts = PolicyFacts {
            commit: source.commit.clone(),
            sha256: source.text.as_deref().map(|text| sha256(text.as_bytes())),
            edited: source.edited,
            proposed_problem: source.proposed_problem.clone(),
            ..PolicyFacts::default()
        };
        let broken = |problem: PolicyProblem| {
            let state = PolicyState::Broken;
            let facts = PolicyFacts { state, problem: Some(problem), ..facts.clone() };
            Self { policy: Policy::default(), facts }
        };
        match (&source.text, source.unread) {
            (_, Some(reason)) => broken(unread(reason)),
            (None, None) => Self { policy: Policy::default(), facts },
            (Some(text), None) => match Policy::parse(text.as_bytes()) {
                Ok(policy) => {
                    Self { policy, facts: PolicyFacts { state: PolicyState::Applied, ..facts } }
                }
                Err(wrong) => broken(wrong.told()),
            },
        }
    }

    /// Whether there is a policy, and nothing is wrong with it.
    pub fn is_followed(&self) -> bool {
        self.facts.state == PolicyState::Applied
    }

    /// Whether a rule is on.
    pub fn asks(&self, rule: &str) -> bool {
        self.policy.severity(rule, Severity::Info).is_some()
    }

    /// What is wrong with it.
    pub fn problem(self) -> Option<PolicyProblem> {
        self.facts.problem
    }

    /// To judge findings on the day `today`, in UTC.
    pub fn judge(&self, today: Date) -> Judge<'_> {
        Judge::beginning(&self.policy, today, self.facts.clone())
    }
}

/// The policy as it stands in a snapshot. What is no text of a policy's size is not taken along.
pub fn standing(snapshot: &Snapshot, path: &str) -> PolicySource {
    let commit = Some(snapshot.commit.clone());
    let left_out = snapshot.left_out.iter().find(|file| file.path == path);
    match snapshot.files.iter().find(|file| file.path == path) {
        Some(file) => PolicySource { commit, ..of_bytes(&file.bytes) },
        None => {
            let unread = left_out.map(|file| file.reason);
            PolicySource { commit, unread, ..PolicySource::default() }
        }
    }
}

/// The policy that these bytes are.
pub fn of_bytes(bytes: &[u8]) -> PolicySource {
    let unread = |reason| PolicySource { unread: Some(reason), ..PolicySource::default() };
    if bytes.len() > BYTES_MAX {
        return unread(UnanalysedReason::TooLarge);
    }
    // No text for git, and none that a database keeps.
    if bytes.contains(&0) {
        return unread(UnanalysedReason::Binary);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => PolicySource { text: Some(text.to_owned()), ..PolicySource::default() },
        Err(_) => unread(UnanalysedReason::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use domain::{SourceFile, Unanalysed};

    use super::*;

    #[test]
    fn what_cannot_be_followed_lets_nothing_through() {
        let lax = "version: 1\ngate: {high_max: 9}\nexclude: [a]\n";
        let broken = format!("{lax}ignor: []\n");
        let cases: [(PolicySource, PolicyState); 6] = [
            (PolicySource::default(), PolicyState::Absent),
            (of_bytes(lax.as_bytes()), PolicyState::Applied),
            (of_bytes(broken.as_bytes()), PolicyState::Broken),
            (of_bytes(b"\xff"), PolicyState::Broken),
            (of_bytes(b"version: 1\0"), PolicyState::Broken),
            (of_bytes(&vec![b'#'; BYTES_MAX + 1]), PolicyState::Broken),
        ];
        for (source, state) in cases {
            let held = Held::of(&source);
            assert_eq!(held.facts.state, state);
            assert_eq!(held.policy == Policy::default(), state != PolicyState::Applied);
            assert_eq!(held.facts.problem.is_some(), state == PolicyState::Broken);
            assert_eq!(held.facts.sha256.is_some(), source.text.is_some());
        }
        let told = Held::of(&of_bytes(broken.as_bytes())).facts.problem.unwrap();
        assert_eq!((told.line, told.help.as_deref()), (4, Some("did you mean `ignore`?")));
    }

    #[test]
    fn a_policy_is_found_where_it_stands_and_nowhere_else() {
        let snapshot = |path: &str, left_out: Option<UnanalysedReason>| Snapshot {
            commit: "a".repeat(40).parse().unwrap(),
            files: vec![SourceFile { path: path.into(), bytes: b"version: 1".to_vec() }],
            left_out: left_out
                .map(|reason| Unanalysed { path: ".assay.yml".into(), reason })
                .into_iter()
                .collect(),
        };
        let found = standing(&snapshot(".assay.yml", None), ".assay.yml");
        assert_eq!(found.text.as_deref(), Some("version: 1"));
        assert!(found.commit.is_some());
        assert_eq!(standing(&snapshot("sub/.assay.yml", None), ".assay.yml").text, None);
        let link = snapshot("other", Some(UnanalysedReason::NotAFile));
        let found = standing(&link, ".assay.yml");
        assert_eq!((found.text.as_deref(), found.unread), (None, Some(UnanalysedReason::NotAFile)));
    }
}
