//! Trying rules before they are kept.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use analysis::{
    Clock, CustomRules, Examiner, Incomplete, IncompleteReason, Located, RuleFile, RuleProblem,
    custom::ID_PREFIX,
};
use axum::{Json, extract::State};
use domain::{Scope, Severity, SourceFile};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::written::{Rule, blocking};
use crate::{
    Deps,
    auth::Caller,
    extract::Body,
    problem::{Checks, Problem},
    words::SeverityWord,
};

/// All the code of one trial together may take so long: well below the function's timeout, and long
/// enough that on a busy machine it is a rule's fuel that ends first.
const TRIAL_TIME_MAX: Duration = Duration::from_secs(20);
const FILES_MAX: usize = 20;
const PATH_CHARS_MAX: usize = 500;
/// Findings that an answer shows.
const FINDINGS_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(test_rules))
}

/// Rules, as `rule` or as `yaml`, and code to try them on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestRules {
    /// One rule, in the words of docs/custom-rules.md.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// Any number of rules.
    #[schema(max_length = 262_144)]
    yaml: Option<String>,
    /// At most 20.
    #[serde(default)]
    #[schema(max_items = 20)]
    files: Vec<TrialFile>,
}

/// A file that rules are tried on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrialFile {
    /// Its name says in which language it is, and whether a rule looks at it.
    #[schema(max_length = 500)]
    path: String,
    code: String,
}

/// What came of a trial.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleTrial)]
struct TrialView {
    /// Whether the rules could be kept: they can be read, and keep to their own examples.
    valid: bool,
    problems: Vec<RuleProblemView>,
    /// What of the rules has no effect here.
    notes: Vec<String>,
    /// The names of the rules that were tried.
    rules: Vec<String>,
    /// What they found in the given files, by file and line; at most 200.
    findings: Vec<TrialFinding>,
    /// Where a rule did not come to an end, so that no finding proves nothing.
    incomplete: Vec<TrialIncomplete>,
}

/// Something that is wrong with a rule.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleProblem)]
struct RuleProblemView {
    rule: Option<String>,
    /// The field of the rule, or of the YAML.
    at: String,
    /// Of the YAML.
    line: Option<u32>,
    problem: String,
    /// What to do about it.
    remedy: String,
}

impl From<RuleProblem> for RuleProblemView {
    fn from(from: RuleProblem) -> Self {
        let RuleProblem { rule, at, line, problem, remedy } = from;
        Self { rule, at, line, problem, remedy }
    }
}

#[derive(Serialize, ToSchema)]
struct TrialFinding {
    rule: String,
    path: String,
    line_start: u32,
    line_end: u32,
    /// Counted from 1 in UTF-16 code units.
    column_start: Option<u32>,
    column_end: Option<u32>,
    title: String,
    #[schema(value_type = SeverityWord)]
    severity: Severity,
    /// Secrets are masked.
    snippet: String,
    /// In test, generated or vendored code, where nothing decides.
    demoted: bool,
}

impl From<Located> for TrialFinding {
    fn from(Located { finding, columns, .. }: Located) -> Self {
        Self {
            rule: finding.rule,
            path: finding.path,
            line_start: finding.lines.first,
            line_end: finding.lines.last,
            column_start: columns.map(|columns| columns.start),
            column_end: columns.map(|columns| columns.end),
            title: finding.title,
            severity: finding.severity,
            snippet: finding.snippet,
            demoted: finding.demoted,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct TrialIncomplete {
    path: String,
    /// Null: no rule was finished.
    rule: Option<String>,
    /// `timed_out`, `out_of_fuel`, `too_many` or `too_deep`.
    #[schema(value_type = String)]
    reason: IncompleteReason,
}

impl From<Incomplete> for TrialIncomplete {
    fn from(Incomplete { path, rule, reason }: Incomplete) -> Self {
        Self { path, rule, reason }
    }
}

impl TestRules {
    fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        let detail = format!("expected at most {FILES_MAX} files");
        checks.require(self.files.len() <= FILES_MAX, "files", detail);
        for (index, file) in self.files.iter().enumerate() {
            let fits = !file.path.is_empty() && file.path.chars().count() <= PATH_CHARS_MAX;
            let detail = format!("expected 1 to {PATH_CHARS_MAX} characters");
            checks.require(fits, &format!("files[{index}].path"), detail);
        }
        checks.done()
    }
}

/// Try rules on code without keeping them. What is wrong with a rule is part of the answer.
#[utoipa::path(post, path = "/v1/rules/test", tag = "rules", request_body = TestRules,
    responses((status = 200, description = "What came of it.", body = TrialView)))]
async fn test_rules(
    State(deps): State<Deps>,
    caller: Caller,
    Body(wanted): Body<TestRules>,
) -> Result<Json<TrialView>, Problem> {
    wanted.check()?;
    let TestRules { rule, yaml, files } = wanted;
    let written = Rule::of(rule, yaml)?;
    let mut session = deps.session().await?;
    caller.enter(&mut session, Scope::Read).await?.commit().await?;
    // Nothing is written, so nobody's connection is held while it lasts.
    drop(session);
    blocking(move || tried(written, files)).await.map(Json)
}

fn tried(written: Rule, files: Vec<TrialFile>) -> TrialView {
    let mut view = TrialView {
        valid: false,
        problems: Vec::new(),
        notes: Vec::new(),
        rules: Vec::new(),
        findings: Vec::new(),
        incomplete: Vec::new(),
    };
    let file = match written.read() {
        Ok(file) => file,
        Err(problems) => {
            view.problems = problems.0.into_iter().map(RuleProblemView::from).collect();
            return view;
        }
    };
    let (rules, unusable) = CustomRules::load(&enabled(&file));
    let by_examples = file.try_examples().err().map(|problems| problems.0).unwrap_or_default();
    view.problems = unusable.0.into_iter().chain(by_examples).map(RuleProblemView::from).collect();
    view.valid = view.problems.is_empty();
    view.rules = file.rules.iter().map(|rule| rule.head.id.clone()).collect();
    view.notes = file.notes;
    look(rules, files, &mut view);
    view
}

/// A rule that is off is tried all the same.
fn enabled(file: &RuleFile) -> Vec<analysis::CustomRule> {
    let mut rules = file.rules.clone();
    rules.iter_mut().for_each(|rule| rule.head.enabled = true);
    rules
}

fn look(rules: CustomRules, files: Vec<TrialFile>, view: &mut TrialView) {
    let start = Instant::now();
    let time_is_up = || start.elapsed() > TRIAL_TIME_MAX;
    let mut examiner = Examiner::with_rules(Arc::new(rules));
    let is_own = |rule: &str| rule.starts_with(ID_PREFIX);
    for file in files {
        let file = SourceFile { path: file.path, bytes: file.code.into_bytes() };
        let examined = examiner.examine(&file, Clock::new(&time_is_up));
        let found = examined.findings.into_iter().filter(|one| is_own(&one.finding.rule));
        view.findings.extend(found.map(TrialFinding::from));
        let missed = examined.incomplete.into_iter();
        let missed = missed.filter(|one| one.rule.as_deref().is_none_or(is_own));
        view.incomplete.extend(missed.map(TrialIncomplete::from));
    }
    view.findings.truncate(FINDINGS_MAX);
}
