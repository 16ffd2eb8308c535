use domain::Severity;
use serde_json::json;
use store::{
    analyses::{Analysis, Metadata},
    findings::{Input, Proof},
};

use super::*;
use crate::sample::{analysis, failed, finding, run};

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
    assert!(check.summary.contains("| high | 0 | 1 |"), "{}", check.summary);
}

#[test]
fn what_the_policy_did_is_told_beside_the_counts() {
    let facts = domain::PolicyFacts { edited: true, ..domain::PolicyFacts::default() };
    let metadata = Metadata { policy: Some(facts), ..Metadata::default() };
    let analysis = Analysis { metadata: json!(metadata), ..analysis(Verdict::Failed, 1) };
    let new = Vec::new();
    let ending = Ending { run: run(RunStatus::Succeeded), analysis: Some(analysis), new };
    let summary = check_run(&ending, None).unwrap().summary;
    assert!(summary.contains("takes effect after it is merged"), "{summary}");
    assert!(summary.contains("| high | 0 | 1 |"), "{summary}");
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
    let analysis = Some(analysis(Verdict::Failed, 1001));
    let ending = Ending { run: run(RunStatus::Succeeded), analysis, new };
    let check = check_run(&ending, None).unwrap();
    assert_eq!(check.annotations.len(), ANNOTATIONS_MAX);
    assert!(check.summary.contains("Only the 1000 gravest"), "{}", check.summary);
}

#[test]
fn the_check_says_what_the_change_did() {
    let check = check_run(&failed(), Some("https://assay.example.com")).unwrap();
    insta::assert_snapshot!(check.summary);
    insta::assert_snapshot!(check.annotations[1].message);
}

#[test]
fn a_repository_may_ask_for_less_beside_the_code() {
    let mut ending = failed();
    let policy = domain::PolicyFacts { max_inline_comments: Some(1), ..Default::default() };
    let metadata = Metadata { policy: Some(policy), ..Default::default() };
    ending.analysis.as_mut().unwrap().metadata = json!(metadata);
    let check = check_run(&ending, None).unwrap();
    assert_eq!(check.annotations.len(), 1);
    assert!(check.summary.contains("Only the 1 gravest"), "{}", check.summary);
}

/// A division that fails for two inputs, and a program that shows it.
fn refuted(test: &str) -> Stored {
    let input = |name: &str, value: &str| Input { name: name.into(), value: value.into() };
    let inputs = vec![input("total", "7"), input("count", "0")];
    Stored {
        title: "Division by zero".into(),
        rule: "python.formal.division-by-zero".into(),
        description: Some("In `mean`, it does so for total = 7, count = 0.".into()),
        fix_diff: None,
        proof: Some(Proof { inputs, test: Some(test.into()) }),
        ..finding(Severity::Medium, true)
    }
}

#[test]
fn what_is_refuted_is_shown_with_its_inputs_and_the_test_that_fails() {
    let test = "def test_mean():\n    with pytest.raises(ZeroDivisionError):\n        mean(7, 0)\n";
    let ending = Ending { new: vec![refuted(test)], ..failed() };
    let check = check_run(&ending, None).unwrap();
    assert_eq!(check.annotations[0].details.as_deref(), Some(test));
    let (_, counterexamples) = check.summary.split_once("### Counterexamples").unwrap();
    insta::assert_snapshot!(counterexamples);
}

#[test]
fn counterexamples_leave_room_for_the_rest() {
    let long = refuted(&"x".repeat(7_000));
    let ending = Ending { new: vec![long; 12], ..failed() };
    let summary = check_run(&ending, None).unwrap().summary;
    assert!(summary.len() < 65_535, "{}", summary.len());
    assert!(summary.ends_with("The other counterexamples stand beside the code.\n"), "{summary}");
    assert_eq!(summary.matches("```").count(), 10, "each block that begins also ends");
}

#[test]
fn a_fix_is_there_to_be_copied() {
    let check = check_run(&failed(), None).unwrap();
    let details = check.annotations[0].details.as_deref().unwrap();
    assert!(details.starts_with("--- a/a.py\n+++ b/a.py\n@@"), "{details}");
    assert_eq!(check.annotations[1].details, None, "there is no fix for it");
}
