//! How far a run is, as its events tell it. Knows nothing of screens.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{
    events::Event,
    model::{Detail, Run, is_over, text_of},
};
use crate::words::{excerpt, span};

const TROUBLE_CHARS_MAX: usize = 300;

/// What an event says; which of it depends on its name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) at: Option<Timestamp>,
    pub(super) step: Option<String>,
    pub(super) status: Option<String>,
    pub(super) attempt: Option<i64>,
    pub(super) duration_ms: Option<i64>,
    pub(super) error_code: Option<String>,
    pub(super) error: Option<Value>,
    pub(super) waiting_for: Option<String>,
    pub(super) wake_at: Option<Timestamp>,
}

impl Said {
    pub(super) fn of(event: &Event) -> Self {
        Self::deserialize(&event.data).unwrap_or_default()
    }

    fn trouble(&self) -> Option<String> {
        let text = self.error.as_ref().filter(|error| !error.is_null()).map(text_of);
        let told = [self.error_code.clone(), text].into_iter().flatten().collect::<Vec<_>>();
        (!told.is_empty()).then(|| excerpt(&told.join(": "), TROUBLE_CHARS_MAX))
    }

    /// How it went, in a line.
    pub(super) fn told(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.step.clone());
        parts.extend(self.status.clone());
        if let Some(ms) = self.duration_ms {
            parts.push(format!("in {}", span(SignedDuration::from_millis(ms))));
        }
        if let Some(attempt) = self.attempt.filter(|attempt| *attempt > 1) {
            parts.push(format!("(attempt {attempt})"));
        }
        if let Some(what) = &self.waiting_for {
            parts.push(format!("for {what}"));
        }
        if let Some(until) = self.wake_at {
            parts.push(format!("until {until}"));
        }
        let told = [(!parts.is_empty()).then(|| parts.join(" ")), self.trouble()];
        let told: Vec<String> = told.into_iter().flatten().collect();
        excerpt(&told.join(": "), TROUBLE_CHARS_MAX)
    }
}

/// A step on its way.
#[derive(Debug, PartialEq)]
pub(super) struct StepProgress {
    pub(super) name: String,
    /// `pending`, `running`, or how it ended.
    pub(super) status: String,
    /// When it began, while it runs.
    pub(super) since: Option<Timestamp>,
    /// Time, attempt and trouble, once it ended.
    pub(super) told: String,
}

pub(super) struct Progress {
    pub(super) kind: String,
    pub(super) status: String,
    /// What the run waits for, or what ended it.
    pub(super) told: String,
    pub(super) steps: Vec<StepProgress>,
}

impl Progress {
    /// Nothing done yet: the events tell everything from the beginning.
    pub(super) fn of(detail: &Detail) -> Self {
        let steps = detail.steps.iter().map(|step| StepProgress::pending(&step.step)).collect();
        let (kind, status) = (detail.run.kind.clone(), "queued".to_owned());
        Self { kind, status, told: String::new(), steps }
    }

    pub(super) fn is_over(&self) -> bool {
        is_over(&self.status)
    }

    pub(super) fn apply(&mut self, event: &Event) {
        let said = Said::of(event);
        match event.name.as_str() {
            "run-queued" => self.become_status("queued", said.trouble()),
            "run-started" => self.become_status("running", None),
            "run-waiting" => {
                let told = Said { step: None, status: None, ..said }.told();
                self.become_status("waiting", Some(told));
            }
            "run-finished" => {
                let status = said.status.clone().unwrap_or_default();
                self.become_status(&status, said.trouble());
            }
            "step-started" => {
                if let Some(name) = &said.step {
                    self.become_status("running", None);
                    let step = self.step(name);
                    step.status = "running".to_owned();
                    step.since = said.at;
                    step.told = String::new();
                }
            }
            "step-finished" => {
                if let Some(name) = &said.step {
                    let told = Said { step: None, status: None, ..Said::of(event) }.told();
                    let step = self.step(name);
                    step.status = said.status.clone().unwrap_or_default();
                    (step.since, step.told) = (None, told);
                }
            }
            // A newer server may tell more than we can show.
            _ => {}
        }
    }

    /// Takes over how the run ended, when no event told it.
    pub(super) fn end(&mut self, run: &Run) {
        self.become_status(&run.status, run.trouble());
    }

    fn become_status(&mut self, status: &str, told: Option<String>) {
        self.status = status.to_owned();
        self.told = told.unwrap_or_default();
        if self.status != "running" {
            // Whoever worked on a step has put it down.
            for step in self.steps.iter_mut().filter(|step| step.status == "running") {
                (step.status, step.since) = ("pending".to_owned(), None);
            }
        }
    }

    /// The step of this name; one that was not planned is put at the end.
    fn step(&mut self, name: &str) -> &mut StepProgress {
        let known = self.steps.iter().position(|step| step.name == name);
        let index = known.unwrap_or_else(|| {
            self.steps.push(StepProgress::pending(name));
            self.steps.len() - 1
        });
        &mut self.steps[index]
    }
}

impl StepProgress {
    fn pending(name: &str) -> Self {
        let name = excerpt(name, TROUBLE_CHARS_MAX);
        Self { name, status: "pending".to_owned(), since: None, told: String::new() }
    }
}
