//! Whose `.assay.yml` holds for an analysis, and what it does.
//!
//! Never that of the change that is judged: a pull request is judged by the policy of its base,
//! as the base branch has it now, not where the histories part, for that could be an old and
//! laxer one. A pushed commit is the branch itself. Whatever else is asked for is judged by the
//! policy of the default branch.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use analysis::{Incomplete, Package};
use clients::{
    git::{self, FetchRequest, GitError},
    github::GitHubError,
};
use domain::{
    ChangedFile, CommitSha, Coverage, Finding, Fingerprint, POLICY_PATH, PolicyFacts, PolicySource,
    Snapshot, SourceFile, Unanalysed, UnanalysedReason, kinds::analysis::Fetched,
};
use jiff::tz::TimeZone;
use policy::{BYTES_MAX, Held, Ruling, of_bytes, standing};
use store::{findings::Judged, runs::Run};

use crate::memory::{Work, base_files, blocking, output, snapshot};
use crate::{Deps, Error};

/// What a run says about itself that a push has asked for; only the default branch's are heard.
const PUSH: &str = "push";

/// What was fetched, and of what it was asked.
pub(super) struct Sides<'a> {
    /// What the change is said to start from.
    pub(super) base: Option<&'a CommitSha>,
    /// What it was compared with.
    pub(super) compared: Option<&'a CommitSha>,
    pub(super) fetched: &'a git::Fetched,
}

/// The policy that holds, as it stands where it stands.
pub(super) async fn find(
    deps: &Deps,
    work: &Work,
    request: FetchRequest,
    sides: &Sides<'_>,
) -> Result<PolicySource, Error> {
    let head = &sides.fetched.snapshot;
    let source = match (sides.base, sides.compared) {
        (Some(base), _) if *base == head.commit => standing(head, POLICY_PATH),
        (Some(base), Some(compared)) if base == compared => of_base(sides.fetched, base),
        (Some(base), Some(_)) => at(deps, work, request, base).await?,
        (None, _) if work.run().event_type == PUSH => standing(head, POLICY_PATH),
        // Asked for by itself, or the base is gone.
        (None, _) | (_, None) => of_default_branch(deps, work, request, head).await?,
    };
    let edited = sides.compared.is_some() && is_edited(sides.fetched);
    let proposed = if edited { Held::of(&standing(head, POLICY_PATH)).problem() } else { None };
    Ok(PolicySource { edited, proposed_problem: proposed, ..source })
}

fn is_edited(fetched: &git::Fetched) -> bool {
    let changes = fetched.changes.iter().flatten().any(|file| file.path == POLICY_PATH);
    // Whoever deletes it changes it, too.
    changes || fetched.base_files.as_ref().is_some_and(|base| has(base, POLICY_PATH))
}

fn has(snapshot: &Snapshot, path: &str) -> bool {
    snapshot.files.iter().any(|file| file.path == path)
}

/// In the base that was fetched for comparison: of that only the files that differ are there.
fn of_base(fetched: &git::Fetched, base: &CommitSha) -> PolicySource {
    let commit = Some(base.clone());
    let files = fetched.base_files.as_ref();
    let own = files.map(|files| standing(files, POLICY_PATH)).unwrap_or_default();
    if own.text.is_some() || own.unread.is_some() {
        return own;
    }
    let is_new = fetched.changes.iter().flatten().any(|file| file.path == POLICY_PATH);
    match is_new {
        true => PolicySource { commit, ..PolicySource::default() },
        false => PolicySource { commit, ..standing(&fetched.snapshot, POLICY_PATH) },
    }
}

async fn of_default_branch(
    deps: &Deps,
    work: &Work,
    request: FetchRequest,
    head: &Snapshot,
) -> Result<PolicySource, Error> {
    let (url, token, limits) = (request.url.clone(), request.token.clone(), request.limits);
    let guard = deps.guard.clone();
    let asked =
        blocking(move || git::default_branch_head(&url, token.as_ref(), &guard, &limits)).await?;
    match asked {
        Ok(branch) if branch.head == head.commit => Ok(standing(head, POLICY_PATH)),
        Ok(branch) => at(deps, work, request, &branch.head).await,
        Err(GitError::NoDefaultBranch) => Ok(PolicySource::default()),
        Err(error) => Err(error.into()),
    }
}

/// At a commit that was not fetched. GitHub gives the one file; others the whole commit.
async fn at(
    deps: &Deps,
    work: &Work,
    request: FetchRequest,
    commit: &CommitSha,
) -> Result<PolicySource, Error> {
    let repository = work.memory.repository()?;
    if let (Some(installation), Some(github)) =
        (repository.github_installation, deps.github().await?)
    {
        let name = &repository.full_name;
        let file = github.file(Some(installation), name, POLICY_PATH, commit, BYTES_MAX as u64);
        let source = match file.await {
            Ok(Some(bytes)) => of_bytes(&bytes),
            Ok(None) => PolicySource::default(),
            Err(GitHubError::TooLarge { .. }) => {
                PolicySource { unread: Some(UnanalysedReason::TooLarge), ..PolicySource::default() }
            }
            Err(error) => return Err(error.into()),
        };
        return Ok(PolicySource { commit: Some(commit.clone()), ..source });
    }
    let request = FetchRequest { head: commit.clone(), base: None, ..request };
    let guard = deps.guard.clone();
    let fetched = blocking(move || git::fetch(&request, &guard)).await??;
    Ok(standing(&fetched.snapshot, POLICY_PATH))
}

/// The policy that holds for this run, read once.
pub(crate) fn held(work: &mut Work) -> Result<Arc<Held>, Error> {
    if let Some(held) = &work.memory.policy {
        return Ok(Arc::clone(held));
    }
    let fetched: Fetched = output(work, "fetch")?;
    Ok(Arc::clone(work.memory.policy.insert(Arc::new(Held::of(&fetched.policy)))))
}

/// The code without the files that the policy leaves out; those it lists.
pub(crate) async fn narrowed(deps: &Deps, work: &mut Work) -> Result<Arc<Snapshot>, Error> {
    if let Some(part) = &work.memory.narrowed {
        return Ok(Arc::clone(part));
    }
    let (whole, held) = (snapshot(deps, work).await?, held(work)?);
    let part = narrow(whole, held).await?;
    Ok(Arc::clone(work.memory.narrowed.insert(part)))
}

/// The same of the files of the base that are not the same at the head.
pub(crate) async fn narrowed_base(
    deps: &Deps,
    work: &mut Work,
) -> Result<Option<Arc<Snapshot>>, Error> {
    if let Some(part) = &work.memory.narrowed_base {
        return Ok(Some(Arc::clone(part)));
    }
    let Some(whole) = base_files(deps, work).await? else { return Ok(None) };
    let part = narrow(whole, held(work)?).await?;
    Ok(Some(Arc::clone(work.memory.narrowed_base.insert(part))))
}

/// The same, and with them the files that did not change, where what is read together with them
/// did: what comes of those may be another thing, too.
pub(crate) async fn compared_base(
    deps: &Deps,
    work: &mut Work,
) -> Result<Option<Arc<Snapshot>>, Error> {
    if let Some(base) = &work.memory.compared_base {
        return Ok(Some(Arc::clone(base)));
    }
    let Some(part) = narrowed_base(deps, work).await? else { return Ok(None) };
    let head = narrowed(deps, work).await?;
    let changes = output::<Fetched>(work, "fetch")?.changes.unwrap_or_default();
    let base = blocking(move || with_neighbours(part, &head, &changes)).await?;
    Ok(Some(Arc::clone(work.memory.compared_base.insert(base))))
}

/// Copies nothing where no package has changed.
fn with_neighbours(base: Arc<Snapshot>, head: &Snapshot, changes: &[ChangedFile]) -> Arc<Snapshot> {
    let changed: HashSet<&str> = changes.iter().map(|file| &*file.path).collect();
    let own = base.files.iter().map(|file| &*file.path);
    let folders: HashSet<&str> =
        own.chain(changed.iter().copied()).filter_map(Package::folder).collect();
    let is_neighbour = |file: &&SourceFile| {
        let folder = Package::folder(&file.path);
        folder.is_some_and(|folder| folders.contains(folder)) && !changed.contains(&*file.path)
    };
    let neighbours: Vec<SourceFile> = head.files.iter().filter(is_neighbour).cloned().collect();
    if neighbours.is_empty() {
        return base;
    }
    let mut all = Snapshot::clone(&base);
    all.files.extend(neighbours);
    all.files.sort_by(|one, other| one.path.cmp(&other.path));
    // A file of the base that is there at the head, and not the same, is the base's.
    all.files.dedup_by(|next, kept| next.path == kept.path);
    Arc::new(all)
}

/// Copies nothing when nothing is left out.
pub(crate) async fn narrow(whole: Arc<Snapshot>, held: Arc<Held>) -> Result<Arc<Snapshot>, Error> {
    if !held.policy.narrows() {
        return Ok(whole);
    }
    blocking(move || held.policy.narrowed(&whole).map_or(whole, Arc::new)).await
}

/// What a policy makes of findings, before it is known which of them are new.
pub(crate) struct Ruled {
    /// Without those whose rule is off, and with the severity that they have here.
    pub(crate) findings: Vec<Finding>,
    /// Who lives with a finding, and why.
    ignored: HashMap<Fingerprint, (String, String)>,
    pub(crate) facts: PolicyFacts,
}

pub(crate) fn rule(held: &Held, run: &Run, found: &[Finding]) -> Ruled {
    // The day on which the run was asked for: whoever tries it again comes to the same.
    let today = run.created_at.to_zoned(TimeZone::UTC).date();
    let mut judge = held.judge(today);
    let (mut findings, mut ignored) = (Vec::with_capacity(found.len()), HashMap::new());
    for finding in found {
        let mut finding = finding.clone();
        match judge.rule(&mut finding) {
            Ruling::Off => continue,
            Ruling::Stands => {}
            Ruling::Ignored(entry) => {
                let by = format!("policy:{POLICY_PATH}:{}", entry.line);
                ignored.insert(finding.fingerprint.clone(), (by, entry.reason.clone()));
            }
        }
        findings.push(finding);
    }
    Ruled { findings, ignored, facts: judge.facts() }
}

impl Ruled {
    /// Takes their say from the findings that the repository lives with.
    pub(crate) fn ignore(&self, judged: &mut [Judged]) {
        for one in judged {
            if let Some(ignored) = self.ignored.get(&one.finding.fingerprint) {
                // What a person said about the finding itself says more.
                one.dismissed.get_or_insert_with(|| ignored.clone());
                one.deciding = false;
            }
        }
    }

    /// With the number of files that were not looked at.
    pub(crate) fn facts(&self, coverage: &Coverage) -> PolicyFacts {
        let is_excluded = |file: &&Unanalysed| file.reason == UnanalysedReason::Policy;
        let excluded = coverage.unanalysed.iter().filter(is_excluded).count();
        let excluded = u32::try_from(excluded).unwrap_or(u32::MAX);
        PolicyFacts { excluded, ..self.facts.clone() }
    }
}

/// Findings of the base, as far as their rules are asked.
pub(crate) fn asked(held: &Held, found: &[Finding]) -> Vec<Finding> {
    let is_on = |finding: &&Finding| held.asks(&finding.rule);
    found.iter().filter(is_on).cloned().collect()
}

/// What was not finished, as far as it would have been asked.
pub(crate) fn unfinished(held: &Held, all: &[Incomplete]) -> Vec<Incomplete> {
    let is_on = |one: &&Incomplete| one.rule.as_deref().is_none_or(|rule| held.asks(rule));
    all.iter().filter(is_on).cloned().collect()
}

#[cfg(test)]
mod tests {
    use domain::LineRanges;

    use super::*;

    const LAX: &str = "version: 1\nexclude: [a]\n";
    const STRICT: &str = "version: 1\n";

    fn sha(digit: char) -> CommitSha {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn files(commit: char, policy: Option<&str>) -> Snapshot {
        let file = |text: &str| SourceFile { path: POLICY_PATH.into(), bytes: text.into() };
        Snapshot {
            commit: sha(commit),
            files: policy.map(file).into_iter().collect(),
            left_out: Vec::new(),
        }
    }

    /// As a fetch gives them: of the base only what differs, of the changes nothing deleted.
    fn fetched(base: Option<&str>, head: Option<&str>) -> git::Fetched {
        let lines = LineRanges::new(Vec::new());
        let change = ChangedFile { path: POLICY_PATH.into(), renamed_from: None, lines };
        let changes = if head.is_some() && base != head { vec![change] } else { Vec::new() };
        git::Fetched {
            snapshot: files('b', head),
            commit_object: Vec::new(),
            changes: Some(changes),
            base_files: Some(files('a', base.filter(|_| base != head))),
        }
    }

    #[test]
    fn the_base_decides_whatever_the_head_makes_of_it() {
        let cases = [
            (None, None, false),
            (None, Some(LAX), true),
            (Some(STRICT), Some(LAX), true),
            (Some(STRICT), None, true),
            (Some(STRICT), Some(STRICT), false),
        ];
        for (base, head, edited) in cases {
            let fetched = fetched(base, head);
            let source = of_base(&fetched, &sha('a'));
            assert_eq!(source.text.as_deref(), base, "{base:?} {head:?}");
            assert_eq!(source.commit, Some(sha('a')), "{base:?} {head:?}");
            assert_eq!(is_edited(&fetched), edited, "{base:?} {head:?}");
        }
    }

    #[test]
    fn files_that_did_not_change_are_compared_where_their_package_did() {
        let files = |files: &[(&str, &str)]| Snapshot {
            commit: sha('b'),
            files: files
                .iter()
                .map(|(path, text)| SourceFile { path: (*path).into(), bytes: (*text).into() })
                .collect(),
            left_out: Vec::new(),
        };
        let head = files(&[
            ("a/kept.go", "1"),
            ("a/kept.py", "1"),
            ("a/kept_test.go", "1"),
            ("b/changed.go", "2"),
            ("b/kept.go", "1"),
            ("c/added.go", "2"),
            ("c/kept.go", "1"),
            ("d/kept.go", "1"),
        ]);
        let lines = || LineRanges::new(Vec::new());
        let changed =
            |path: &str| ChangedFile { path: path.into(), renamed_from: None, lines: lines() };
        let compared = |base: &[(&str, &str)], changes: &[&str]| {
            let changes: Vec<ChangedFile> = changes.iter().map(|path| changed(path)).collect();
            let base = with_neighbours(Arc::new(files(base)), &head, &changes);
            let told = |file: &SourceFile| {
                format!("{} {}", file.path, String::from_utf8_lossy(&file.bytes))
            };
            base.files.iter().map(told).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(compared(&[("a/gone.go", "1")], &[]), "a/gone.go 1, a/kept.go 1");
        assert_eq!(
            compared(&[("b/changed.go", "1")], &["b/changed.go"]),
            "b/changed.go 1, b/kept.go 1"
        );
        assert_eq!(compared(&[], &["c/added.go"]), "c/kept.go 1");
        assert_eq!(
            compared(&[("a/gone.py", "1"), ("a/b_test.go", "1")], &[]),
            "a/gone.py 1, a/b_test.go 1"
        );
        let unlisted = compared(&[("b/changed.go", "1")], &[]);
        assert_eq!(unlisted, "b/changed.go 1, b/kept.go 1", "the base's own form is kept");
    }
}
