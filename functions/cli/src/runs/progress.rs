//! How far a run is, as its events tell it. Knows nothing of screens.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{
    events::Event,
    model::{Detail, Run, is_over, text_of},
};
use crate::words::{excerpt, span};

const TOLD_CHARS_MAX: usize = 300;

/// What an event says; which of it depends on its name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub(super) at: Option<Timestamp>,
    step: Option<String>,
    status: Option<String>,
    attempt: Option<i64>,
    duration_ms: Option<i64>,
    error_code: Option<String>,
    error: Option<Value>,
    resumes: Option<String>,
    taken_over: Vec<String>,
    scope: Option<String>,
    /// A text when a person is asked, numbers when the run is over.
    summary: Option<Value>,
    expires_at: Option<Timestamp>,
    decided_by: Option<String>,
    reason: Option<String>,
}

impl Said {
    pub(super) fn of(event: &Event) -> Self {
        Self::deserialize(&event.data).unwrap_or_default()
    }

    /// How it went, in a line, beside the step's name.
    fn told(&self) -> String {
        let asked = self.scope.as_ref().map(|scope| {
            let what = self.summary.as_ref().and_then(Value::as_str).unwrap_or_default();
            let until = self.expires_at.map(|at| format!(" (until {at:.0})")).unwrap_or_default();
            format!("asks for {scope}{until}: {what}")
        });
        let parts = [
            self.resumes.as_ref().map(|run| format!("goes on from {run}")),
            asked,
            self.status.clone(),
            self.decided_by.as_ref().map(|who| format!("by {who}")),
            self.duration_ms.map(|ms| format!("in {}", span(SignedDuration::from_millis(ms)))),
            self.attempt
                .filter(|attempt| *attempt > 1)
                .map(|attempt| format!("(attempt {attempt})")),
        ];
        let what = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let error = self.error.as_ref().filter(|error| !error.is_null()).map(text_of);
        let why = [self.error_code.clone(), error, self.reason.clone()];
        let told = std::iter::once(what).filter(|what| !what.is_empty());
        let told: Vec<String> = told.chain(why.into_iter().flatten()).collect();
        excerpt(&told.join(": "), TOLD_CHARS_MAX)
    }

    /// The whole event in a line.
    pub(super) fn line(&self) -> String {
        let parts = [self.step.clone().unwrap_or_default(), self.told()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        excerpt(&parts.join(" "), TOLD_CHARS_MAX)
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
        let (status, told) = (said.status.clone().unwrap_or_default(), said.told());
        match event.name.as_str() {
            "run-started" => {
                self.become_status("running", told);
                for name in &said.taken_over {
                    self.step(name).be("succeeded", "taken over");
                }
            }
            "step-started" => self.on_step(&said, "running", String::new()),
            "approval-requested" => {
                self.on_step(&said, "waiting", told);
                self.become_status("waiting", "for approval".to_owned());
            }
            "approval-decided" => {
                self.become_status("running", String::new());
                self.on_step(&said, "running", told);
            }
            // Its status has a place of its own.
            "step-finished" => {
                let told = Said { status: None, ..said };
                self.on_step(&told, &status, told.told());
            }
            "run-finished" => self.become_status(&status, Said { status: None, ..said }.told()),
            // A newer server may tell more than we can show.
            _ => {}
        }
    }

    /// Takes over what only the run's row says: that it waits, is tried again, or has ended.
    pub(super) fn refresh(&mut self, run: &Run) {
        let until = run.wake_at.map(|at| format!(" until {at:.0}")).unwrap_or_default();
        let told = match (&run.waiting_for, &run.last_error) {
            (Some(what), _) => format!("for {what}{until}"),
            (None, Some(error)) if run.wake_at.is_some() => {
                format!("{}, then tried again after: {error}", until.trim())
            }
            _ if run.is_over() => run.trouble().unwrap_or_default(),
            _ => String::new(),
        };
        self.become_status(&run.status, excerpt(&told, TOLD_CHARS_MAX));
    }

    fn become_status(&mut self, status: &str, told: String) {
        (self.status, self.told) = (status.to_owned(), told);
    }

    fn on_step(&mut self, said: &Said, status: &str, told: String) {
        if let Some(name) = &said.step {
            let step = self.step(name);
            step.be(status, &told);
            step.since = said.at.filter(|_| status == "running");
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
        let name = excerpt(name, TOLD_CHARS_MAX);
        Self { name, status: "pending".to_owned(), since: None, told: String::new() }
    }

    fn be(&mut self, status: &str, told: &str) {
        (self.status, self.told) = (status.to_owned(), told.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str, data: Value) -> Event {
        Event { id: None, name: name.to_owned(), data }
    }

    fn merge() -> Progress {
        let steps = ["plan", "approve", "merge"].map(StepProgress::pending);
        Progress {
            kind: "merge".to_owned(),
            status: "queued".to_owned(),
            told: String::new(),
            steps: steps.into(),
        }
    }

    #[test]
    fn a_run_is_followed_through_taking_over_asking_and_failing() {
        let mut progress = merge();
        progress.apply(&event(
            "run-started",
            json!({ "at": "2026-11-21T06:00:00Z", "resumes": "0198", "taken_over": ["plan"] }),
        ));
        assert_eq!(
            (progress.status.as_str(), progress.told.as_str()),
            ("running", "goes on from 0198")
        );
        assert_eq!(
            (progress.steps[0].status.as_str(), progress.steps[0].told.as_str()),
            ("succeeded", "taken over")
        );

        progress.apply(&event(
            "approval-requested",
            json!({
                "step": "approve", "scope": "repo.merge", "summary": "merge #2 into main",
                "expires_at": "2026-11-28T06:00:00Z",
            }),
        ));
        assert_eq!(progress.status, "waiting");
        let told = "asks for repo.merge (until 2026-11-28T06:00:00Z): merge #2 into main";
        assert_eq!(
            (progress.steps[1].status.as_str(), progress.steps[1].told.as_str()),
            ("waiting", told)
        );

        let decided = json!({ "step": "approve", "status": "approved", "decided_by": "ada" });
        progress.apply(&event("approval-decided", decided));
        assert_eq!(
            (progress.status.as_str(), progress.steps[1].told.as_str()),
            ("running", "approved by ada")
        );

        progress.apply(&event(
            "step-finished",
            json!({ "step": "merge", "status": "failed", "attempt": 2, "duration_ms": 812,
                    "error": { "code": "head_moved", "message": "new commits" } }),
        ));
        let step = &progress.steps[2];
        assert_eq!(
            (step.status.as_str(), step.told.as_str()),
            ("failed", "in 812 ms (attempt 2): new commits")
        );
        progress.apply(&event(
            "run-finished",
            json!({ "status": "failed", "error_code": "head_moved", "error": "new commits", "summary": { "n": 1 } }),
        ));
        assert!(progress.is_over());
        assert_eq!(progress.told, "head_moved: new commits");
    }

    #[test]
    fn what_a_newer_server_tells_is_passed_over() {
        let mut progress = merge();
        progress.apply(&event("run-admired", json!({ "by": 3 })));
        progress.apply(&event("step-started", json!({ "step": "celebrate" })));
        progress.apply(&event("step-finished", json!(["no", "object"])));
        assert_eq!(progress.steps.last().map(|step| step.name.as_str()), Some("celebrate"));
    }

    #[test]
    fn a_line_names_the_step_first() {
        let finished =
            json!({ "step": "fetch", "status": "succeeded", "duration_ms": 4200, "attempt": 1 });
        assert_eq!(Said::of(&event("step-finished", finished)).line(), "fetch succeeded in 4.2 s");
    }
}
