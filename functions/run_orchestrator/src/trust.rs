//! Scores of files, from what their text says and what is known about them: the same for the files of
//! a change and for those of a scan.

use std::collections::{BTreeSet, HashMap};

use ::insight::{
    Read,
    trust::{self, Facts, HISTORY_MAX, History, Observation, Observed, Record, TestNames},
};
use analysis::{Clock, Incomplete};
use domain::{Coverage, Language, SourceFile};
use store::{
    Tx, findings,
    trust_scores::{self, NewScore},
};

use crate::{Error, memory::Work};

/// What the texts say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) files: Vec<Facts>,
    /// Files that could have a score and have none.
    pub(crate) left_out: usize,
}

/// Reads those of `files` that can have a score, in their order, and no more than `files_max`.
pub(crate) fn see<'a>(
    files: impl IntoIterator<Item = &'a SourceFile>,
    files_max: usize,
    coverage: &Coverage,
    tests: &TestNames,
    clock: &Clock,
) -> Seen {
    let unread = unread(coverage);
    let wanted = files.into_iter().filter(|file| can_have_a_score(file, &unread));
    let mut seen = Seen::default();
    for file in wanted {
        // What would not be kept is not read.
        let read = (seen.files.len() < files_max).then(|| Read::of(file, clock)).flatten();
        match read {
            Some(read) => seen.files.push(Facts::of(&read).among(tests)),
            None => seen.left_out += 1,
        }
    }
    seen
}

/// The same of files that have been examined, all of them.
pub(crate) fn seen_of(
    files: &[SourceFile],
    facts: &[Option<Facts>],
    coverage: &Coverage,
    tests: &TestNames,
) -> Seen {
    let unread = unread(coverage);
    let mut seen = Seen::default();
    for (file, facts) in files.iter().zip(facts) {
        match facts {
            Some(facts) => seen.files.push(facts.clone().among(tests)),
            None => seen.left_out += usize::from(can_have_a_score(file, &unread)),
        }
    }
    seen
}

fn unread(coverage: &Coverage) -> BTreeSet<&str> {
    coverage.unanalysed.iter().map(|file| file.path.as_str()).collect()
}

fn can_have_a_score(file: &SourceFile, unread: &BTreeSet<&str>) -> bool {
    Language::of_path(&file.path).is_some() && !unread.contains(file.path.as_str())
}

/// Scores the files by the findings as they stand in the table. Of a change, what it brought in is
/// part of each file's history.
pub(crate) async fn scores(
    tx: &Tx<'_>,
    work: &Work,
    files: &[Facts],
    incomplete: &[Incomplete],
    is_change: bool,
) -> Result<Vec<NewScore>, Error> {
    let commit = work.run().commit.as_ref().ok_or(Error::Incomplete("commit"))?;
    let repository = work.memory.repository()?.id;
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let found = findings::list_observed(tx, work.run().id, &paths).await?;
    let history =
        trust_scores::list_history(tx, repository, commit, &paths, HISTORY_MAX.into()).await?;
    let mut history: HashMap<String, History> =
        history.into_iter().map(|known| (known.path.clone(), history_of(&known))).collect();
    let mut by_path: HashMap<&str, Vec<&findings::Observed>> = HashMap::new();
    for finding in &found {
        by_path.entry(&finding.path).or_default().push(finding);
    }
    let unfinished: BTreeSet<&str> = incomplete
        .iter()
        .filter(|missed| missed.rule.is_none())
        .map(|missed| missed.path.as_str())
        .collect();
    let scores = files.iter().map(|file| {
        let found = by_path.remove(file.path.as_str()).unwrap_or_default();
        let observed = Observed {
            findings: found.iter().map(|finding| observation(finding)).collect(),
            unfinished: unfinished.contains(file.path.as_str()),
            history: history.remove(&file.path).unwrap_or_default(),
        };
        let introduced = found.iter().filter(|finding| finding.deciding).count();
        let introduced = u32::try_from(introduced).unwrap_or(u32::MAX);
        new_score(file, &observed, is_change.then_some(introduced))
    });
    scores.collect()
}

fn history_of(known: &trust_scores::History) -> History {
    let record = |of: trust_scores::Record| Record { changes: of.changes, clean: of.clean };
    History { file: record(known.file), folder: record(known.folder) }
}

fn observation(finding: &findings::Observed) -> Observation {
    Observation {
        rule: finding.rule.clone(),
        category: finding.category,
        severity: finding.severity,
        confidence: finding.confidence,
        verification: finding.verification,
        cwe: finding.cwe.clone(),
        lines: finding.lines,
        dismissed: finding.dismissed,
        demoted: finding.demoted,
    }
}

fn new_score(
    file: &trust::Facts,
    observed: &Observed,
    introduced: Option<u32>,
) -> Result<NewScore, Error> {
    let scored = trust::score(file, observed);
    Ok(NewScore {
        path: file.path.clone(),
        score: scored.score,
        formula_score: scored.formula.score,
        risk_level: scored.risk_level,
        confidence: scored.confidence,
        introduced,
        method: scored.method.clone(),
        factors: serde_json::to_value(&scored)
            .map_err(|source| Error::Output { step: "trust", source })?,
    })
}
