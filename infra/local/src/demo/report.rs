//! How the demo shows what it sees.

use serde_json::Value;

use super::{Output, repository::Repository};
use crate::{
    api::{key_file, text},
    commands::Local,
    progress::{Ink, Screen},
    state::Stack,
};

/// How many pre-existing findings are shown; they decide nothing.
const EXISTING_MAX: usize = 5;
const HITS_MAX: usize = 3;
/// What a step's output is told of; the rest is in the API.
const TOLD: [&str; 9] = [
    "files",
    "changes",
    "bytes",
    "version",
    "functions",
    "classes",
    "findings",
    "deciding",
    "verdict",
];

/// One step of the run, with the numbers that it left.
pub(super) fn step(local: &Local, step: &Value) {
    let screen = &local.screen;
    let status = text(step, "status").unwrap_or_default();
    let mark = match status.as_str() {
        "succeeded" => screen.ink(Ink::Green, "✓"),
        "skipped" => screen.ink(Ink::Grey, "–"),
        _ => screen.ink(Ink::Red, "✗"),
    };
    let name = text(step, "step").unwrap_or_default();
    let took = step["duration_ms"].as_i64().unwrap_or_default();
    let output = &step["output"];
    let numbers: Vec<String> = TOLD
        .iter()
        .filter_map(|field| match &output[field] {
            Value::Number(number) => Some(format!("{field} {number}")),
            Value::String(word) => Some(word.clone()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        })
        .collect();
    let numbers = screen.ink(Ink::Grey, &numbers.join(", "));
    println!("  {mark} {name:<9} {took:>5} ms  {numbers}");
}

pub(super) fn findings(
    local: &Local,
    repository: &Repository,
    analysis: &Value,
    findings: &[Value],
) {
    let screen = &local.screen;
    let verdict = text(analysis, "verdict").unwrap_or_default();
    let ink = if verdict == "passed" { Ink::Green } else { Ink::Red };
    let is_new = |finding: &&Value| text(finding, "state").as_deref() == Some("new");
    let (new, existing): (Vec<_>, Vec<_>) = findings.iter().partition(is_new);
    screen.headline(&format!(
        "verdict: {} — {} findings in the change, {} that were there before",
        screen.ink(ink, &verdict.to_uppercase()),
        new.len(),
        existing.len(),
    ));
    println!("  {}..{}", &short(&repository.base), &short(&repository.head));
    for finding in new {
        show(screen, finding);
        frame(screen, finding);
    }
    if !existing.is_empty() {
        println!("\n  there before, and not counted:");
    }
    for finding in existing.iter().take(EXISTING_MAX) {
        show(screen, finding);
    }
}

fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

fn show(screen: &Screen, finding: &Value) {
    let severity = text(finding, "severity").unwrap_or_default();
    let ink = match severity.as_str() {
        "critical" | "high" => Ink::Red,
        "medium" => Ink::Yellow,
        _ => Ink::Grey,
    };
    let severity = screen.ink(ink, &format!("{severity:<8}"));
    let path = text(finding, "path").unwrap_or_default();
    let place = format!("{path}:{}", finding["line_start"]);
    let rule = text(finding, "rule").unwrap_or_default();
    println!("\n  {severity} {}  {}", screen.ink(Ink::Bold, &place), screen.ink(Ink::Grey, &rule));
    println!("           {}", text(finding, "title").unwrap_or_default());
}

/// The lines that a finding cites, with their numbers.
fn frame(screen: &Screen, finding: &Value) {
    let first = finding["line_start"].as_u64().unwrap_or(1);
    let snippet = text(finding, "snippet").unwrap_or_default();
    for (number, line) in (first..).zip(snippet.lines()) {
        let line = line.replace('\t', "    ");
        println!("       {} {line}", screen.ink(Ink::Grey, &format!("{number:>4} │")));
    }
    if let Some(fix) = text(finding, "fix_suggestion") {
        println!("            {} {fix}", screen.ink(Ink::Green, "→"));
    }
}

pub(super) fn search(local: &Local, question: &str, hits: &Value) {
    local.screen.headline(&format!("search: {question}"));
    for hit in hits.as_array().into_iter().flatten().take(HITS_MAX) {
        let path = text(hit, "path").unwrap_or_default();
        let name = text(hit, "name").unwrap_or_default();
        let place = format!("{path}:{}-{}", hit["line_start"], hit["line_end"]);
        let score = hit["score"].as_f64().unwrap_or_default();
        println!("  {score:.3}  {} {name}", local.screen.ink(Ink::Bold, &place));
    }
}

pub(super) fn links(
    local: &Local,
    stack: &Stack,
    run: &str,
    analysis: &str,
    attestation: &Value,
    output: &Output,
) {
    local.screen.headline("to look at");
    let api = &stack.api_url;
    if let Some(badge) = text(attestation, "badge_url") {
        println!("  badge        {badge}");
    }
    println!("  run          {api}/v1/runs/{run}");
    println!("  analysis     {api}/v1/analyses/{analysis}");
    println!("  API          {api}/openapi.json");
    let key = key_file(&local.checkout);
    println!("  key          curl -H \"Authorization: Bearer $(cat {})\" …", key.display());
    println!("  attestation  {}", output.folder.display());
}
