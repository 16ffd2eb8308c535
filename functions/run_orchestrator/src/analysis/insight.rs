//! What the verdict step adds for readers: how far each file can be relied on, and what the
//! change does. Neither decides anything, so neither can fail a run.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use ::insight::{
    Read,
    change::{self, Changes, Commits, Facts, Judged},
    trust::{self, HISTORY_MAX, History, Observation, Observed, Record, TestNames},
};
use analysis::{Clock, Incomplete, IncompleteReason};
use domain::{
    ChangedFile, Coverage, Language, Severity, Snapshot, UnanalysedReason,
    kinds::analysis::Fetched, kinds::analysis::Input,
};
use engine::Deadline;
use serde::Serialize;
use serde_json::Value;
use store::{
    Tx,
    analyses::Insight,
    diff_summaries::{self, NewSummary},
    findings,
    runs::Fence,
    trust_scores::{self, NewScore},
};

use crate::memory::{COMMIT_TIME, Work, base_files, blocking, input, output, snapshot};
use crate::{Deps, Error};

/// Files of one commit that are scored: changed ones, or all of them by path when the commit is
/// compared with nothing. More of them are said to be left out.
const FILES_MAX: usize = 500;

/// What the texts say, before it is known what was found in them.
#[derive(Default)]
pub(crate) struct Found {
    files: Vec<trust::Facts>,
    /// Files that could have a score and have none.
    left_out: usize,
    /// None: there is nothing to compare with.
    changes: Option<Changes>,
}

/// What of it was kept: a part of the step's output.
#[derive(Debug, Default, Serialize)]
pub(super) struct Kept {
    scored: usize,
    /// How many of them had no score yet; the others keep what they had.
    new_scores: u64,
    left_out: usize,
    /// None: there is nothing to compare with, or the head's summary was kept before.
    new_summary: Option<bool>,
}

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let head = snapshot(deps, work).await?;
    let base = base_files(deps, work).await?;
    let changes = output::<Fetched>(work, "fetch")?.changes;
    let coverage: Coverage = output(work, "parse")?;
    let stop = deadline.less(COMMIT_TIME);
    let found = blocking(move || {
        let time_is_up = || Instant::now() >= stop;
        find(&head, base, changes.as_deref(), &coverage, &Clock::new(&time_is_up))
    });
    match found.await {
        Err(Error::AnalyserPanicked) => {
            tracing::error!("neither scores nor a summary: computing them panicked");
            Ok(Found::default())
        }
        found => found,
    }
}

fn find(
    head: &Snapshot,
    base: Option<Arc<Snapshot>>,
    changes: Option<&[ChangedFile]>,
    coverage: &Coverage,
    clock: &Clock,
) -> Found {
    let unread: BTreeSet<&str> =
        coverage.unanalysed.iter().map(|file| file.path.as_str()).collect();
    let changed: Option<BTreeSet<&str>> =
        changes.map(|changes| changes.iter().map(|file| file.path.as_str()).collect());
    let wanted = head.files.iter().filter(|file| {
        let path = file.path.as_str();
        Language::of_path(path).is_some()
            && !unread.contains(path)
            && changed.as_ref().is_none_or(|changed| changed.contains(path))
    });
    let tests = TestNames::of(head.files.iter().map(|file| file.path.as_str()));
    let (mut files, mut left_out) = (Vec::new(), 0);
    for file in wanted {
        // What would not be kept is not read.
        let read = (files.len() < FILES_MAX).then(|| Read::of(file, clock)).flatten();
        match read {
            Some(read) => files.push(trust::Facts::of(&read, &tests)),
            None => left_out += 1,
        }
    }
    let changes = base
        .zip(changes)
        .map(|(base, changes)| change::compare(&Commits { head, base: &base, changes }, clock));
    Found { files, left_out, changes }
}

impl Found {
    /// Writes scores and summary, and gives what people are told of them.
    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
        deciding: &BTreeMap<Severity, u32>,
        incomplete: &[Incomplete],
    ) -> Result<(Kept, Insight), Error> {
        let scores = self.scores(tx, work, incomplete).await?;
        let new_scores = trust_scores::insert_all(tx, fence, &scores).await?;
        let mut told = Insight { trust: trust_line(&scores, self.left_out), ..Insight::default() };
        let mut kept =
            Kept { scored: scores.len(), new_scores, left_out: self.left_out, new_summary: None };
        if let Some(changes) = &self.changes {
            let judged = Judged { deciding: deciding.clone(), unread: unread(work, incomplete)? };
            let title = input::<Input>(work)?.pr_title;
            let facts = change::assess(changes.clone(), &judged, title.as_deref());
            kept.new_summary = Some(keep(tx, fence, &facts).await?);
            told.change = Some(change_line(&facts));
        }
        Ok((kept, told))
    }

    async fn scores(
        &self,
        tx: &Tx<'_>,
        work: &Work,
        incomplete: &[Incomplete],
    ) -> Result<Vec<NewScore>, Error> {
        let commit = work.run().commit.as_ref().ok_or(Error::Incomplete("commit"))?;
        let repository = work.memory.repository()?.id;
        let paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
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
        let scores = self.files.iter().map(|file| {
            let found = by_path.remove(file.path.as_str()).unwrap_or_default();
            let observed = Observed {
                findings: found.iter().map(|finding| observation(finding)).collect(),
                unfinished: unfinished.contains(file.path.as_str()),
                history: history.remove(&file.path).unwrap_or_default(),
            };
            let introduced = found.iter().filter(|finding| finding.deciding).count();
            let introduced = u32::try_from(introduced).unwrap_or(u32::MAX);
            new_score(file, &observed, self.changes.is_some().then_some(introduced))
        });
        scores.collect()
    }
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
        factors: as_json(&scored)?,
    })
}

fn as_json(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|source| Error::Output { step: "verdict", source })
}

async fn keep(tx: &Tx<'_>, fence: &Fence, facts: &Facts) -> Result<bool, Error> {
    let prose = change::word(facts);
    let mut rest = as_json(facts)?;
    let mut column = |name: &str| {
        rest.as_object_mut().and_then(|fields| fields.remove(name)).unwrap_or_default()
    };
    let (changes, risk) = (column("symbols"), column("risk"));
    let summary = NewSummary {
        base: &facts.base,
        title: &prose.title,
        description: &prose.description,
        changelog: &prose.changelog,
        changes: &changes,
        risk_level: facts.risk.level,
        risk_assessment: &risk,
        facts: &rest,
    };
    Ok(diff_summaries::insert(tx, fence, &summary).await?)
}

/// Changed files that could have been looked at and were not, or not to the end.
fn unread(work: &Work, incomplete: &[Incomplete]) -> Result<Vec<String>, Error> {
    let changes = output::<Fetched>(work, "fetch")?.changes.unwrap_or_default();
    let coverage: Coverage = output(work, "parse")?;
    let unanalysed = coverage.unanalysed.iter().filter(|file| {
        Language::of_path(&file.path).is_some()
            && !matches!(file.reason, UnanalysedReason::Vendored | UnanalysedReason::Generated)
    });
    let cut_off = incomplete.iter().filter(|missed| {
        matches!(missed.reason, IncompleteReason::TimedOut | IncompleteReason::TooDeep)
    });
    let missed: BTreeSet<&str> = unanalysed
        .map(|file| file.path.as_str())
        .chain(cut_off.map(|missed| missed.path.as_str()))
        .collect();
    let missed = changes.into_iter().filter(|file| missed.contains(file.path.as_str()));
    Ok(missed.map(|file| file.path).collect())
}

fn trust_line(scores: &[NewScore], left_out: usize) -> Option<String> {
    let lowest = scores.iter().min_by(|one, other| {
        one.score.total_cmp(&other.score).then_with(|| one.path.cmp(&other.path))
    })?;
    let all = scores.len() + left_out;
    Some(format!(
        "Trust: {} of {all} files scored; the lowest is `{}` with {:.0} of 100.",
        scores.len(),
        // A path is anybody's words.
        lowest.path.replace('`', "'"),
        lowest.score
    ))
}

fn change_line(facts: &Facts) -> String {
    let reasons: Vec<&str> =
        facts.risk.reasons.iter().take(2).map(|reason| reason.text.as_str()).collect();
    match reasons.is_empty() {
        true => format!("Risk of the change: {}.", facts.risk.level),
        false => format!("Risk of the change: {} ({}).", facts.risk.level, reasons.join("; ")),
    }
}
