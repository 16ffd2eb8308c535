//! What is said of an analysis, the same in the check and in the comment.

use std::{collections::BTreeMap, fmt::Write as _};

use domain::{FormalSummary, Language, RunStatus, Severity, Verdict};
use store::{
    analyses::{Analysis, Counts, Delta, Metadata},
    findings::{Proof, Stored},
    runs::Run,
};

use crate::markdown::{code, counted, words};

/// A run that is over.
pub struct Ending {
    pub run: Run,
    pub analysis: Option<Analysis>,
    /// The new findings, the gravest first; more than are shown when there are more.
    pub new: Vec<Stored>,
}

/// What an analysis came to. `None`: it did not come to an end.
pub(crate) struct Outcome<'a> {
    pub(crate) analysis: &'a Analysis,
    pub(crate) verdict: Verdict,
    pub(crate) counts: Counts,
    pub(crate) metadata: Metadata,
}

impl<'a> Outcome<'a> {
    pub(crate) fn of(ending: &'a Ending) -> Option<Self> {
        let analysis = ending.analysis.as_ref()?;
        let verdict = analysis.verdict.filter(|_| ending.run.status == RunStatus::Succeeded)?;
        // Rows of earlier versions lack some of it, and say less.
        let counts = serde_json::from_value(analysis.counts.clone()).unwrap_or_default();
        let metadata = serde_json::from_value(analysis.metadata.clone()).unwrap_or_default();
        Some(Self { analysis, verdict, counts, metadata })
    }

    pub(crate) fn title(&self) -> String {
        match self.counts.deciding.values().sum::<u32>() {
            0 => "Nothing that counts against this change".to_owned(),
            1 => "1 finding counts against this change".to_owned(),
            count => format!("{count} findings count against this change"),
        }
    }

    /// One row for each severity: what is new, and what of it counts.
    pub(crate) fn table(&self, new: &[Stored]) -> String {
        let mut by_severity: BTreeMap<Severity, u32> = BTreeMap::new();
        for finding in new {
            *by_severity.entry(finding.severity).or_default() += 1;
        }
        let mut text =
            String::from("| severity | new | counts for the verdict |\n|---|---:|---:|\n");
        for severity in Severity::ALL.iter().rev() {
            let deciding = self.counts.deciding.get(severity).copied().unwrap_or_default();
            let new = by_severity.get(severity).copied().unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {severity} | {new} | {deciding} |");
        }
        text
    }

    /// Paragraphs, in the order of their weight.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = vec![self.changes()];
        notes.extend(self.previous());
        notes.extend(self.expired());
        if let Some(facts) = &self.metadata.policy {
            notes.extend(policy::notes(facts));
        }
        let insight = &self.metadata.insight;
        notes.extend(insight.change.iter().chain(&insight.trust).cloned());
        notes.extend(self.coverage());
        notes.extend(self.metadata.formal.as_ref().and_then(formal));
        notes
    }

    fn changes(&self) -> String {
        let counts = &self.counts;
        match &counts.since_base {
            Some(Delta { fixed, .. }) => format!(
                "Against the base: {} new, {fixed} fixed, {} persisting. Dismissed: {}.",
                counts.new, counts.existing, counts.dismissed
            ),
            None => format!(
                "New in this change: {}. Already there: {}. Dismissed: {}.",
                counts.new, counts.existing, counts.dismissed
            ),
        }
    }

    fn previous(&self) -> Option<String> {
        let Delta { new, fixed, persisting } = self.counts.since_previous?;
        Some(format!("Since the push before: {new} new, {fixed} fixed, {persisting} persisting."))
    }

    fn expired(&self) -> Option<String> {
        let expired = self.counts.expired;
        (expired > 0).then(|| {
            format!(
                "Dismissal expired: {} again.",
                match expired {
                    1 => "1 finding counts".to_owned(),
                    _ => format!("{expired} findings count"),
                }
            )
        })
    }

    fn coverage(&self) -> Option<String> {
        let coverage = self.analysis.coverage.as_ref()?;
        let unread = coverage.unanalysed.len();
        Some(format!(
            "Read {} of {} files; {unread} were not looked at.",
            coverage.analysed, coverage.files
        ))
    }
}

/// How the formal checks came out, and what they did not look at. None: there was nothing to check.
fn formal(summary: &FormalSummary) -> Option<String> {
    let FormalSummary { proved, refuted, caller_dependent, unknown, .. } = summary;
    let mut text = format!(
        "Formal checks: {proved} proved, {refuted} refuted, {caller_dependent} depend on the caller, \
         {unknown} unknown."
    );
    if let Some(why) = &summary.solver_unavailable {
        let _ = write!(text, " The solver did not answer: {}.", words(why));
    }
    if summary.functions_skipped > 0 {
        let skipped = counted(summary.functions_skipped, "function");
        let _ = write!(text, " {skipped} not looked at, because the time was over.");
    }
    if summary.callers_unread > 0 {
        let unread = counted(summary.callers_unread, "file");
        let _ = write!(text, " {unread} not read that may call what changed.");
    }
    (summary.checks() + summary.functions_skipped > 0).then_some(text)
}

/// A run that broke off says nothing about the change, neither good nor bad.
pub(crate) fn not_checked(run: &Run) -> String {
    let code = run.error_code.map_or("unknown_error", |code| code.as_str());
    let reason = run.error.as_deref().map_or_else(|| "no reason was noted".to_owned(), words);
    format!("The analysis broke off (`{code}`), so there is no verdict.\n\n{reason}")
}

/// Whose dismissal of a finding is over, and since when.
pub(crate) fn ended(finding: &Stored) -> Option<String> {
    let expired = finding.expired.as_ref()?;
    let owner = expired.owner.as_ref().unwrap_or(&expired.by);
    Some(format!(
        "Dismissal expired on {}: {} ({}).",
        expired.at.strftime("%Y-%m-%d"),
        expired.reason,
        owner
    ))
}

/// For which inputs it goes wrong.
pub(crate) fn inputs(proof: &Proof) -> String {
    if proof.inputs.is_empty() {
        return "it goes wrong whenever it is reached".to_owned();
    }
    let inputs = proof.inputs.iter();
    let inputs: Vec<String> =
        inputs.map(|input| code(&format!("{} = {}", input.name, input.value))).collect();
    format!("it goes wrong for {}", inputs.join(", "))
}

/// What GitHub calls the language of a file, for its colours.
pub(crate) fn language(path: &str) -> &'static str {
    Language::of_path(path).map_or("", Language::as_str)
}

/// Where people read on.
pub(crate) fn link(ending: &Ending, public_url: Option<&str>) -> Option<String> {
    public_url.zip(ending.analysis.as_ref()).map(|(base, analysis)| {
        format!("{}/v1/analyses/{}", base.trim_end_matches('/'), analysis.id)
    })
}

/// How many findings there are beside those that are shown.
pub(crate) fn beside(shown: usize, all: usize, max: usize) -> Option<String> {
    match all {
        _ if all <= shown => None,
        // One more than is shown was read, to know that there are more.
        _ if all > max => Some(format!("Only the {shown} gravest findings are shown here.")),
        _ => {
            let count = u32::try_from(all - shown).unwrap_or(u32::MAX);
            Some(format!("{} more beside the code.", counted(count, "finding")))
        }
    }
}
