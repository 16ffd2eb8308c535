//! Runs as the API tells of them. Words stay text: a server may know more of them than we do.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::words::excerpt;

#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) event_type: String,
    pub(super) r#ref: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) pull_request: Option<i64>,
    pub(super) error_code: Option<String>,
    pub(super) error: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) attempts: i64,
    pub(super) created_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) duration_ms: Option<i64>,
    pub(super) waiting_for: Option<String>,
    pub(super) wake_at: Option<Timestamp>,
    pub(super) parent_run_id: Option<String>,
    /// The failed run that this one goes on from.
    pub(super) resumes: Option<String>,
}

/// A run with its steps.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    pub(super) run: Run,
    /// The run that goes on from this one.
    pub(super) resumed_by: Option<String>,
    #[serde(default)]
    pub(super) children: Children,
    pub(super) steps: Vec<Step>,
}

/// How many runs are part of this one, and how they are.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Children {
    pub(super) total: i64,
    open: i64,
    succeeded: i64,
    failed: i64,
    canceled: i64,
}

impl Children {
    pub(super) fn told(&self) -> String {
        let Self { total, open, succeeded, failed, canceled } = self;
        let counts =
            [(open, "open"), (succeeded, "succeeded"), (failed, "failed"), (canceled, "canceled")];
        let counts = counts.iter().filter(|(count, _)| **count > 0);
        let counts: Vec<String> = counts.map(|(count, name)| format!("{count} {name}")).collect();
        format!("{total}: {}", counts.join(", "))
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Step {
    pub(super) step: String,
    pub(super) status: String,
    pub(super) attempt: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    pub(super) error: Option<Value>,
    pub(super) output: Option<Map<String, Value>>,
}

impl Run {
    pub(super) fn is_over(&self) -> bool {
        is_over(&self.status)
    }

    pub(super) fn took(&self) -> Option<SignedDuration> {
        self.duration_ms.map(SignedDuration::from_millis)
    }

    /// What it is about: pull request, commit and ref, as far as it has them.
    pub(super) fn subject(&self) -> String {
        let parts = [
            self.pull_request.map(|number| format!("#{number}")),
            self.commit.as_ref().map(|commit| commit.chars().take(10).collect()),
            self.r#ref.clone(),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        excerpt(&parts.join(" "), 80)
    }

    /// The last thing that is known to have gone wrong, with its code.
    pub(super) fn trouble(&self) -> Option<String> {
        let text = self.error.as_deref().or(self.last_error.as_deref());
        match (self.error_code.as_deref(), text) {
            (Some(code), Some(text)) => Some(format!("{code}: {text}")),
            (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
            (None, None) => None,
        }
    }
}

pub(super) fn is_over(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "canceled")
}

impl Step {
    /// Whether it is done, and will not be done again.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.status.as_str(), "succeeded" | "skipped")
    }

    /// What went wrong, as one text.
    pub(super) fn trouble(&self) -> Option<String> {
        self.error.as_ref().map(text_of)
    }
}

/// An error as the step row keeps it: an object with a message, or anything else as it is.
pub(super) fn text_of(error: &Value) -> String {
    let message = ["message", "error", "detail"].iter().find_map(|field| error[*field].as_str());
    match (message, error) {
        (Some(message), _) => message.to_owned(),
        (None, Value::String(text)) => text.clone(),
        (None, other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_told_by_its_message_and_otherwise_whole() {
        assert_eq!(text_of(&json!({ "code": "x", "message": "broken" })), "broken");
        assert_eq!(text_of(&json!("broken")), "broken");
        assert_eq!(text_of(&json!({ "code": 3 })), r#"{"code":3}"#);
    }
}
