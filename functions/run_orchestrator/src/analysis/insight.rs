//! What the verdict step adds for readers: how far each file can be relied on, and what the
//! change does. Neither decides anything, so neither can fail a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use ::insight::{
    change::{self, Changes, Commits, Facts, Judged},
    trust::TestNames,
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
    runs::Fence,
    trust_scores::{self, NewScore},
};

use crate::memory::{COMMIT_TIME, Work, base_files, blocking, input, output, snapshot};
use crate::{
    Deps, Error,
    trust::{self, Seen},
};

/// Files of one commit that are scored: changed ones, or all of them by path when the commit is
/// compared with nothing. More of them are said to be left out.
const FILES_MAX: usize = 500;

/// What the texts say, before it is known what was found in them.
#[derive(Default)]
pub(crate) struct Found {
    seen: Seen,
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
    let changed: Option<BTreeSet<&str>> =
        changes.map(|changes| changes.iter().map(|file| file.path.as_str()).collect());
    let wanted = head
        .files
        .iter()
        .filter(|file| changed.as_ref().is_none_or(|paths| paths.contains(file.path.as_str())));
    let tests = TestNames::of(head.files.iter().map(|file| file.path.as_str()));
    let seen = trust::see(wanted, FILES_MAX, coverage, &tests, clock);
    let changes = base
        .zip(changes)
        .map(|(base, changes)| change::compare(&Commits { head, base: &base, changes }, clock));
    Found { seen, changes }
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
        let Seen { files, left_out } = &self.seen;
        let scores = trust::scores(tx, work, files, incomplete, self.changes.is_some()).await?;
        let new_scores = trust_scores::insert_all(tx, fence, &scores).await?;
        let mut told = Insight { trust: trust_line(&scores, *left_out), ..Insight::default() };
        let mut kept =
            Kept { scored: scores.len(), new_scores, left_out: *left_out, new_summary: None };
        if let Some(changes) = &self.changes {
            let judged = Judged { deciding: deciding.clone(), unread: unread(work, incomplete)? };
            let title = input::<Input>(work)?.pr_title;
            let facts = change::assess(changes.clone(), &judged, title.as_deref());
            kept.new_summary = Some(keep(tx, fence, &facts).await?);
            told.change = Some(change_line(&facts));
        }
        Ok((kept, told))
    }
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
