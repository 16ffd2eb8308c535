//! The runbook, `docs/operations.md`, against the template, the schema and the programs.

use std::{collections::BTreeSet, fs, path::Path};

use clap::Parser;
use regex::Regex;
use serde_json::Value;
use tests::TestDatabase;

fn read(path: &str) -> String {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    fs::read_to_string(root.join(path)).unwrap()
}

fn runbook() -> String {
    read("docs/operations.md")
}

/// The alarms' logical ids, with what each one watches.
fn alarms() -> Vec<(String, Value)> {
    let template: Value = serde_saphyr::from_str(&read("infra/template.yaml")).unwrap();
    let resources = template["Resources"].as_object().unwrap();
    resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm")
        .map(|(name, resource)| (name.clone(), resource["Properties"].clone()))
        .collect()
}

/// What the fenced blocks of a language hold.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = Regex::new(&format!("(?s)```{language}\n(.*?)```")).unwrap();
    fence.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_alarm_has_a_section_and_every_section_an_alarm() {
    let text = runbook();
    let (_, sections) = text.split_once("\n## Alarms\n").unwrap();
    let (sections, _) = sections.split_once("\n## ").unwrap();
    let headings = sections.lines().filter_map(|line| line.strip_prefix("### "));
    let headings = headings.filter(|heading| !heading.contains(' ') || heading.contains(", "));
    let told: Vec<&str> = headings.flat_map(|heading| heading.split(", ")).collect();
    let known: BTreeSet<String> = alarms().into_iter().map(|(name, _)| name).collect();
    assert_eq!(known, told.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(told.len(), known.len(), "an alarm has two sections");
    for section in sections.split("\n### ").skip(1).filter(|section| !section.starts_with("What")) {
        assert!(section.contains("*Means"), "{section}");
    }
}

/// CloudWatch never says that an alarm watches a number which nobody reports.
#[test]
fn an_alarm_on_a_metric_of_ours_watches_what_the_code_counts() {
    let mut code = String::new();
    for folder in ["functions", "shared"] {
        gather(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(folder), &mut code);
    }
    let ours: Vec<(String, Value)> =
        alarms().into_iter().filter(|(_, alarm)| alarm["Namespace"] == "Assay").collect();
    assert!(!ours.is_empty());
    for (name, alarm) in ours {
        let metric = alarm["MetricName"].as_str().unwrap();
        let labels = alarm["Dimensions"].as_array().unwrap();
        let labels: Vec<&str> = labels.iter().map(|it| it["Name"].as_str().unwrap()).collect();
        let labels: Vec<String> =
            labels.iter().map(|it| format!("\\(\"{it}\", [^)]*\\)")).collect();
        let call = format!(
            "startup::count\\(\\s*\"{}\",\\s*[^,]+,\\s*&\\[{}\\]",
            regex::escape(metric),
            labels.join(", ")
        );
        assert!(Regex::new(&call).unwrap().is_match(&code), "{name}: nobody counts {metric} so");
    }
}

fn gather(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *code += &fs::read_to_string(&path).unwrap();
        }
    }
}

#[tokio::test]
async fn the_questions_to_the_database_fit_the_schema() {
    let database = TestDatabase::create().await;
    let sql = database.sql().await;
    let questions = blocks(&runbook(), "sql");
    assert!(questions.len() >= 8, "is this test looking in the right place?");
    for question in questions {
        let answer = sql.batch_execute(&question).await;
        assert!(answer.is_ok(), "{question}\n{answer:?}");
    }
}

#[test]
fn the_commands_are_ones_that_the_program_takes() {
    let commands: Vec<String> = blocks(&runbook(), "sh")
        .iter()
        .flat_map(|block| block.lines())
        .filter(|line| line.starts_with("assay "))
        .map(|line| line.split('#').next().unwrap().trim().to_owned())
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let parsed = cli::Arguments::try_parse_from(command.split_whitespace());
        assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
    }
}

#[test]
fn the_connections_that_workers_may_hold_are_counted_right() {
    let template: Value = serde_saphyr::from_str(&read("infra/template.yaml")).unwrap();
    let functions = template["Resources"].as_object().unwrap().values();
    let events = functions.filter_map(|function| function["Properties"]["Events"].as_object());
    let bounds = events
        .flat_map(|events| events.values())
        .filter_map(|event| event["Properties"]["ScalingConfig"]["MaximumConcurrency"].as_u64());
    let sum: u64 = bounds.sum();
    assert!(runbook().contains(&format!("| **together** | **{sum}** |")), "{sum}");
}

#[test]
fn what_the_runbook_says_of_retries_is_what_the_code_does() {
    let text = runbook();
    assert!(text.contains(&format!("After {} claims in a row", store::runs::CLAIMS_MAX)));
    let days = engine::APPROVAL_TIME.as_secs() / 86_400;
    assert_eq!(days, 7);
    assert!(text.contains("After seven days it fails with\n`approval_expired`"));
}

#[test]
fn links_within_the_runbook_lead_somewhere() {
    let text = runbook();
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-").replace(',', "");
    let headings = text.lines().filter_map(|line| line.trim_start_matches('#').strip_prefix(' '));
    let anchors: BTreeSet<String> = headings.map(anchor).collect();
    let link = Regex::new(r"\]\(#([^)]+)\)").unwrap();
    for found in link.captures_iter(&text) {
        assert!(anchors.contains(&found[1]), "#{} leads nowhere", &found[1]);
    }
}
