use std::fmt::Write as _;

use clients::github::{Annotation, AnnotationLevel, CheckRun, Conclusion};
use domain::{RunStatus, Severity, Verdict};
use store::{
    analyses::{Analysis, Counts},
    findings::Stored,
    runs::Run,
};

/// Annotations of one check; a change with more findings is told so in the summary.
pub const ANNOTATIONS_MAX: usize = 200;
/// How the check is called beside a commit.
const NAME: &str = "Assay";

/// A run that is over.
pub struct Ending {
    pub run: Run,
    pub analysis: Option<Analysis>,
    /// The new findings, the gravest first; more than are shown when there are more.
    pub new: Vec<Stored>,
}

/// What GitHub shows. `None`: the run is not over, or was canceled and nobody waits for it.
pub fn check_run(ending: &Ending, public_url: Option<&str>) -> Option<CheckRun> {
    let (conclusion, title, summary) = match ending.run.status {
        RunStatus::Succeeded => judged(ending)?,
        RunStatus::Failed => not_checked(&ending.run),
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Canceled => {
            return None;
        }
    };
    let details_url = public_url.zip(ending.analysis.as_ref()).map(|(base, analysis)| {
        format!("{}/v1/analyses/{}", base.trim_end_matches('/'), analysis.id)
    });
    Some(CheckRun {
        name: NAME.to_owned(),
        head: ending.run.commit.clone()?,
        external_id: ending.run.id.to_string(),
        details_url,
        conclusion,
        title,
        summary,
        annotations: ending.new.iter().take(ANNOTATIONS_MAX).map(annotation).collect(),
    })
}

fn judged(ending: &Ending) -> Option<(Conclusion, String, String)> {
    let analysis = ending.analysis.as_ref()?;
    let conclusion = match analysis.verdict? {
        Verdict::Passed => Conclusion::Success,
        Verdict::Failed => Conclusion::Failure,
    };
    let counts: Counts = serde_json::from_value(analysis.counts.clone()).unwrap_or_default();
    let title = match counts.deciding.values().sum::<u32>() {
        0 => "Nothing that counts against this change".to_owned(),
        1 => "1 finding counts against this change".to_owned(),
        count => format!("{count} findings count against this change"),
    };
    Some((conclusion, title, summary(analysis, &counts, ending.new.len())))
}

fn summary(analysis: &Analysis, counts: &Counts, new: usize) -> String {
    let mut text = String::from("| severity | counts for the verdict |\n|---|---:|\n");
    for severity in Severity::ALL.iter().rev() {
        let count = counts.deciding.get(severity).copied().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {severity} | {count} |");
    }
    let _ = writeln!(
        text,
        "\nNew in this change: {}. Already there: {}. Dismissed: {}.",
        counts.new, counts.existing, counts.dismissed
    );
    if let Some(coverage) = &analysis.coverage {
        let _ = writeln!(
            text,
            "\nRead {} of {} files; {} were not looked at.",
            coverage.analysed,
            coverage.files,
            coverage.unanalysed.len()
        );
    }
    if new > ANNOTATIONS_MAX {
        let _ = writeln!(
            text,
            "\nOnly the {ANNOTATIONS_MAX} gravest findings are shown beside the code."
        );
    }
    text
}

/// A run that broke off says nothing about the change, neither good nor bad.
fn not_checked(run: &Run) -> (Conclusion, String, String) {
    let code = run.error_code.map_or("unknown_error", |code| code.as_str());
    let reason = run.error.as_deref().unwrap_or("no reason was noted");
    let summary = format!("The analysis broke off (`{code}`), so there is no verdict.\n\n{reason}");
    (Conclusion::Neutral, "Not checked".to_owned(), summary)
}

fn annotation(finding: &Stored) -> Annotation {
    let level = match (finding.deciding, finding.severity) {
        (true, Severity::Critical | Severity::High) => AnnotationLevel::Failure,
        (true, Severity::Medium | Severity::Low) => AnnotationLevel::Warning,
        (true, Severity::Info) | (false, _) => AnnotationLevel::Notice,
    };
    let mut message = finding.description.clone().unwrap_or_default();
    if let Some(fix) = &finding.fix_suggestion {
        let _ = write!(message, "\n\n{fix}");
    }
    let _ = write!(message, "\n\n{} ({})", finding.rule, finding.severity);
    Annotation {
        path: finding.path.clone(),
        start_line: finding.lines.first,
        end_line: finding.lines.last,
        level,
        title: finding.title.clone(),
        message: message.trim_start().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        AnalysisId, ErrorCode, FindingId, Fingerprint, LineRange, OrgId, ProjectId, RunId, RunKind,
        SnippetHash,
    };
    use serde_json::json;

    use super::*;

    fn run(status: RunStatus) -> Run {
        Run {
            id: RunId::new("0190a5b0-0000-7000-8000-000000000002".parse().unwrap()),
            org: OrgId::new("0190a5b0-0000-7000-8000-000000000001".parse().unwrap()),
            project: None,
            repository: None,
            kind: RunKind::Analysis,
            status,
            event_type: "pull_request".into(),
            git_ref: None,
            commit: Some("a".repeat(40).parse().unwrap()),
            pull_request: Some(7),
            input: json!({}),
            summary: None,
            error_code: Some(ErrorCode::CommitNotFound),
            error: Some("the commit is gone".into()),
            last_error: None,
            attempts: 1,
            traceparent: None,
            parent: None,
            resumes: None,
            origin: RunId::new("0190a5b0-0000-7000-8000-000000000002".parse().unwrap()),
            schedule: None,
            waiting_for: None,
            wake_at: None,
            created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
            started_at: None,
            finished_at: None,
        }
    }

    fn analysis(verdict: Verdict, high: u32) -> Analysis {
        let id = "0190a5b0-0000-7000-8000-000000000003".parse().unwrap();
        Analysis {
            id: AnalysisId::new(id),
            org: OrgId::new(id),
            project: ProjectId::new(id),
            repository: None,
            run: None,
            kind: "pull_request".into(),
            pull_request: Some(7),
            title: None,
            git_ref: None,
            head: None,
            base: None,
            commit_object_sha256: None,
            status: "completed".into(),
            verdict: Some(verdict),
            rules_version: None,
            counts: json!(Counts {
                deciding: [(Severity::High, high)].into(),
                new: high,
                ..Counts::default()
            }),
            coverage: None,
            metadata: json!({}),
            error_message: None,
            started_at: None,
            completed_at: None,
            created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
        }
    }

    fn finding(severity: Severity, deciding: bool) -> Stored {
        Stored {
            id: FindingId::new("0190a5b0-0000-7000-8000-000000000004".parse().unwrap()),
            rule: "python.injection.eval".into(),
            severity,
            title: "eval".into(),
            description: Some("Runs text as code.".into()),
            path: "a.py".into(),
            lines: LineRange { first: 3, last: 4 },
            snippet_hash: SnippetHash::of(""),
            fingerprint: Fingerprint::stored(String::new()),
            fix_suggestion: Some("Use a parser.".into()),
            deciding,
        }
    }

    #[test]
    fn an_ending_is_told_as_what_it_is() {
        let cases = [
            (RunStatus::Succeeded, Some(analysis(Verdict::Passed, 0)), Some(Conclusion::Success)),
            (RunStatus::Succeeded, Some(analysis(Verdict::Failed, 2)), Some(Conclusion::Failure)),
            (RunStatus::Failed, None, Some(Conclusion::Neutral)),
            (RunStatus::Canceled, None, None),
            (RunStatus::Running, None, None),
        ];
        for (status, analysis, conclusion) in cases {
            let ending = Ending { run: run(status), analysis, new: Vec::new() };
            let told = check_run(&ending, None).map(|check| check.conclusion);
            assert_eq!(told, conclusion, "{status}");
        }
    }

    #[test]
    fn a_check_is_found_again_by_its_run_and_leads_to_the_analysis() {
        let analysis = Some(analysis(Verdict::Failed, 1));
        let ending = Ending { run: run(RunStatus::Succeeded), analysis, new: Vec::new() };
        let check = check_run(&ending, Some("https://assay.example.com/")).unwrap();
        assert_eq!(check.external_id, ending.run.id.to_string());
        assert_eq!(
            check.details_url.as_deref(),
            Some("https://assay.example.com/v1/analyses/0190a5b0-0000-7000-8000-000000000003")
        );
        assert_eq!(check.title, "1 finding counts against this change");
        assert!(check.summary.contains("| high | 1 |"), "{}", check.summary);
    }

    #[test]
    fn a_run_that_broke_off_says_why_and_claims_nothing() {
        let ending = Ending { run: run(RunStatus::Failed), analysis: None, new: Vec::new() };
        let check = check_run(&ending, None).unwrap();
        assert_eq!(check.title, "Not checked");
        assert!(check.summary.contains("commit_not_found"), "{}", check.summary);
        assert!(check.summary.contains("the commit is gone"), "{}", check.summary);
    }

    #[test]
    fn a_finding_stands_beside_its_lines_as_gravely_as_it_counts() {
        let cases = [
            (Severity::Critical, true, AnnotationLevel::Failure),
            (Severity::Medium, true, AnnotationLevel::Warning),
            (Severity::Critical, false, AnnotationLevel::Notice),
        ];
        for (severity, deciding, level) in cases {
            let annotation = annotation(&finding(severity, deciding));
            assert_eq!(annotation.level, level, "{severity} {deciding}");
            assert_eq!((annotation.start_line, annotation.end_line), (3, 4));
            assert!(annotation.message.starts_with("Runs text as code.\n\nUse a parser."));
        }
    }

    #[test]
    fn findings_that_are_not_shown_are_told_of() {
        let new = vec![finding(Severity::High, true); ANNOTATIONS_MAX + 1];
        let analysis = Some(analysis(Verdict::Failed, 201));
        let ending = Ending { run: run(RunStatus::Succeeded), analysis, new };
        let check = check_run(&ending, None).unwrap();
        assert_eq!(check.annotations.len(), ANNOTATIONS_MAX);
        assert!(check.summary.contains("Only the 200 gravest"), "{}", check.summary);
    }
}
