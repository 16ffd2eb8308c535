//! Numbers for CloudWatch, as log lines in its embedded metric format.
//!
//! A function prints a line and goes on: no agent, no call, no wait. Format: Amazon CloudWatch
//! user guide, "Embedded metric format specification".

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::settings::optional;

/// What a number counts, in CloudWatch's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

/// Adds to a counter such as `assay.runs.finished`; `labels` become dimensions.
pub fn count(name: &str, by: u64, labels: &[(&str, &str)]) {
    emit(name, Unit::Count, by as f64, labels);
}

/// Records a duration such as `assay.step.duration`.
pub fn measure(name: &str, took: Duration, labels: &[(&str, &str)]) {
    emit(name, Unit::Milliseconds, took.as_secs_f64() * 1000.0, labels);
}

fn emit(name: &str, unit: Unit, value: f64, labels: &[(&str, &str)]) {
    let Some(namespace) = optional("ASSAY_METRICS_NAMESPACE") else { return };
    let line = embedded_metric(&namespace, now_ms(), name, unit, value, labels);
    #[expect(clippy::print_stdout, reason = "CloudWatch reads metrics from standard output")]
    {
        println!("{line}");
    }
}

fn embedded_metric(
    namespace: &str,
    timestamp_ms: u64,
    name: &str,
    unit: Unit,
    value: f64,
    labels: &[(&str, &str)],
) -> Value {
    let dimensions: Vec<&str> = labels.iter().map(|(label, _)| *label).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": timestamp_ms,
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [dimensions],
                "Metrics": [{ "Name": name, "Unit": unit.as_str() }],
            }],
        },
        name: value,
    });
    for (label, text) in labels {
        line[*label] = json!(text);
    }
    line
}

#[expect(clippy::disallowed_methods, reason = "a metric is stamped with the worker's own time")]
fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_line_has_what_cloudwatch_asks_for() {
        let line = embedded_metric(
            "Assay",
            1_700_000_000_000,
            "assay.runs.finished",
            Unit::Count,
            1.0,
            &[("kind", "analysis")],
        );
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["kind"]]));
        assert_eq!(directive["Metrics"][0]["Name"], "assay.runs.finished");
        assert_eq!(line["assay.runs.finished"], 1.0);
        assert_eq!(line["kind"], "analysis");
    }
}
