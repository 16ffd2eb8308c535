//! Findings as one SARIF run.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use domain::{Finding, LineRange, VerificationType};

use crate::{
    FINGERPRINT_KEY, RESULTS_MAX, Rule, TRAIL_KEY, log,
    place::uri,
    rule::{level, name, sentence},
};

const PRODUCT: &str = "Assay";

/// What stands in snippets instead of a secret.
const REDACTION: &str = "***";

/// The notice that not every finding is there.
const LEFT_OUT: &str = "results-left-out";

/// What one run found.
#[derive(Debug)]
pub struct Report<'a> {
    pub engine_version: &'a str,
    pub rules_version: &'a str,
    /// Every rule that was tried, in the order in which they shall be listed.
    pub rules: Vec<Rule<'a>>,
    pub results: Vec<Reported<'a>>,
    pub notices: Vec<Notice<'a>>,
    /// Whether the analysis came to its end. Findings do not make it a failure.
    pub successful: bool,
    /// What tells this kind of run from others of the same commit, such as `assay`.
    pub category: &'a str,
}

#[derive(Debug, Clone)]
pub struct Reported<'a> {
    pub finding: &'a Finding,
    /// First column, and the one after the last, from 1 in UTF-16 code units.
    pub columns: Option<(u32, u32)>,
    /// Known only where there is a baseline.
    pub baseline: Option<Baseline>,
    /// Why somebody dismissed it.
    pub dismissed: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    New,
    Unchanged,
}

/// Something to know about the run itself: what was not looked at, and why.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// In the manner of a rule's id, such as `too-large`.
    pub id: &'a str,
    /// What every notice with this id is about.
    pub title: &'a str,
    pub level: NoticeLevel,
    pub text: Cow<'a, str>,
    pub path: Option<&'a str>,
    pub line: Option<u32>,
    /// The rule that it concerns, by id.
    pub rule: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    Note,
    Warning,
    Error,
}

impl NoticeLevel {
    fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The log as text. Equal reports give equal bytes; results are sorted by path, line and rule.
///
/// Of more than [`RESULTS_MAX`] results the worst are kept and a notice says how many are not.
pub fn to_json(report: &Report<'_>) -> String {
    let (results, left_out) = kept(&report.results);
    let mut notices = report.notices.clone();
    notices.extend(left_out);
    let artifacts = Artifacts::of(&results, &notices);
    let rules = Index::new(report.rules.iter().map(|rule| rule.id));
    let descriptors = notice_descriptors(&notices);
    let ids = Index::new(descriptors.iter().map(|descriptor| descriptor.id));
    let has_secrets =
        results.iter().any(|one| one.finding.verification == VerificationType::Secret);
    let run = log::Run {
        tool: log::Tool { driver: driver(report, descriptors) },
        invocations: [log::Invocation {
            execution_successful: report.successful,
            tool_execution_notifications: notices
                .iter()
                .map(|notice| notification(notice, &artifacts, &ids, &rules))
                .collect(),
        }],
        // The slash says that this is a category, not the name of one run.
        automation_details: log::AutomationDetails { id: format!("{}/", report.category).into() },
        original_uri_base_ids: BTreeMap::from([(
            log::ROOT,
            log::UriBase { description: log::Text { text: "The root of the repository.".into() } },
        )]),
        column_kind: "utf16CodeUnits",
        redaction_tokens: if has_secrets { vec![REDACTION] } else { Vec::new() },
        artifacts: artifacts.list(),
        results: results.iter().map(|one| result(one, &artifacts, &rules)).collect(),
    };
    let log = log::Log { schema: log::SCHEMA, version: log::VERSION, runs: [run] };
    serde_json::to_string_pretty(&log).expect("text, numbers and lists can be written as JSON")
}

/// The results of a log that GitHub accepts, and the notice about the others.
fn kept<'a>(results: &[Reported<'a>]) -> (Vec<Reported<'a>>, Option<Notice<'a>>) {
    let mut kept = results.to_vec();
    let left_out = kept.len().saturating_sub(RESULTS_MAX);
    if left_out > 0 {
        kept.sort_by_key(|one| (Reverse(one.finding.severity), place(one)));
        kept.truncate(RESULTS_MAX);
    }
    kept.sort_by_key(place);
    let notice = (left_out > 0).then(|| Notice {
        id: LEFT_OUT,
        title: "Results that did not fit",
        level: NoticeLevel::Warning,
        text: format!(
            "{left_out} results are left out: a run may have {RESULTS_MAX}. The worst are here."
        )
        .into(),
        path: None,
        line: None,
        rule: None,
    });
    (kept, notice)
}

fn place<'a>(one: &Reported<'a>) -> (&'a str, LineRange, &'a str, &'a str) {
    let finding = one.finding;
    (&finding.path, finding.lines, &finding.rule, finding.fingerprint.as_str())
}

fn driver<'a>(report: &Report<'a>, notifications: Vec<log::Descriptor<'a>>) -> log::Driver<'a> {
    log::Driver {
        name: PRODUCT,
        organization: PRODUCT,
        full_name: format!(
            "{PRODUCT} {} with rules {}",
            report.engine_version, report.rules_version
        ),
        version: report.engine_version,
        semantic_version: report.engine_version,
        rules: report.rules.iter().map(Rule::descriptor).collect(),
        notifications,
    }
}

/// What is true of every notice.
const NOTICE_HELP: &str =
    "Where something was not looked at, a log without results proves nothing.";

/// One descriptor for each kind of notice, in the order of their ids. GitHub's rules want of it
/// what they want of a rule.
fn notice_descriptors<'a>(notices: &[Notice<'a>]) -> Vec<log::Descriptor<'a>> {
    let kinds: BTreeMap<&str, &Notice<'a>> =
        notices.iter().map(|notice| (notice.id, notice)).collect();
    let descriptor = |(id, notice): (&'a str, &Notice<'a>)| log::Descriptor {
        id,
        // A word alone would be equal to its id but for the case, which validators dislike.
        name: format!("{}Notice", name(id)),
        short_description: log::Text { text: sentence(notice.title).into() },
        full_description: log::Text { text: sentence(notice.title).into() },
        help_uri: None,
        help: log::Help { text: NOTICE_HELP.to_owned(), markdown: NOTICE_HELP.to_owned() },
        default_configuration: log::Configuration { level: notice.level.as_str() },
        properties: None,
    };
    kinds.into_iter().map(descriptor).collect()
}

fn notification<'a>(
    notice: &Notice<'a>,
    artifacts: &Artifacts<'a>,
    ids: &Index<'a>,
    rules: &Index<'a>,
) -> log::Notification<'a> {
    let region = notice.line.map(|line| log::Region {
        start_line: line,
        start_column: None,
        end_line: line,
        end_column: None,
        snippet: None,
    });
    let location = notice.path.map(|path| log::Location {
        physical_location: log::PhysicalLocation {
            artifact_location: artifacts.location(path),
            region,
        },
    });
    log::Notification {
        descriptor: ids.reference(notice.id),
        associated_rule: notice
            .rule
            .filter(|rule| rules.0.contains_key(rule))
            .map(|rule| rules.reference(rule)),
        level: notice.level.as_str(),
        message: log::Text { text: sentence(&notice.text).into() },
        locations: location.into_iter().collect(),
    }
}

fn result<'a>(
    one: &Reported<'a>,
    artifacts: &Artifacts<'a>,
    rules: &Index<'a>,
) -> log::Finding<'a> {
    let finding = one.finding;
    let LineRange { first, last } = finding.lines;
    let region = log::Region {
        start_line: first,
        start_column: one.columns.map(|(start, _)| start),
        end_line: last,
        end_column: one.columns.map(|(_, end)| end),
        snippet: Some(log::Text { text: finding.snippet.as_str().into() }),
    };
    log::Finding {
        rule_id: &finding.rule,
        rule_index: rules.of(&finding.rule),
        level: level(finding.severity),
        message: log::Text { text: message(finding).into() },
        locations: [log::Location {
            physical_location: log::PhysicalLocation {
                artifact_location: artifacts.location(&finding.path),
                region: Some(region),
            },
        }],
        partial_fingerprints: [(FINGERPRINT_KEY, finding.fingerprint.as_str())]
            .into_iter()
            .chain(finding.trail.as_ref().map(|trail| (TRAIL_KEY, trail.as_str())))
            .collect(),
        suppressions: one.dismissed.map(|justification| {
            [log::Suppression { kind: "external", status: "accepted", justification }]
        }),
        baseline_state: one.baseline.map(|baseline| match baseline {
            Baseline::New => "new",
            Baseline::Unchanged => "unchanged",
        }),
        rank: finding.confidence * 100.0,
        properties: log::FindingProperties {
            severity: finding.severity.as_str(),
            confidence: finding.confidence,
            verification: finding.verification.as_str(),
            demoted: finding.demoted,
            snippet_sha256: finding.snippet_hash.as_str(),
        },
    }
}

fn message(finding: &Finding) -> String {
    let mut text = format!("{} {}", sentence(&finding.title), sentence(&finding.description));
    if let Some(fix) = &finding.fix_suggestion {
        text = format!("{text} {}", sentence(fix));
    }
    text
}

/// Where a list holds what is referred to.
struct Index<'a>(BTreeMap<&'a str, usize>);

impl<'a> Index<'a> {
    fn new(ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self(ids.into_iter().enumerate().map(|(index, id)| (id, index)).collect())
    }

    fn of(&self, id: &str) -> usize {
        *self.0.get(id).expect("the caller lists every rule, and notices list themselves")
    }

    fn reference(&self, id: &'a str) -> log::Reference<'a> {
        log::Reference { id, index: self.of(id) }
    }
}

/// Every file that something is said about.
struct Artifacts<'a>(Index<'a>);

impl<'a> Artifacts<'a> {
    fn of(results: &[Reported<'a>], notices: &[Notice<'a>]) -> Self {
        let named = results.iter().map(|one| one.finding.path.as_str());
        let paths: BTreeSet<&str> =
            named.chain(notices.iter().filter_map(|notice| notice.path)).collect();
        Self(Index::new(paths))
    }

    fn location(&self, path: &str) -> log::ArtifactLocation {
        let index = self.0.of(path);
        log::ArtifactLocation { uri: uri(path), uri_base_id: log::ROOT, index }
    }

    fn list(&self) -> Vec<log::Artifact> {
        let artifact = |path: &&str| log::Artifact {
            location: self.location(path),
            roles: ["analysisTarget"],
        };
        self.0.0.keys().map(artifact).collect()
    }
}

#[cfg(test)]
mod tests;
