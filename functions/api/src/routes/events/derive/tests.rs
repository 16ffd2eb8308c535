use domain::{ApprovalId, OrgId, RunId, StepSpec, WaitingFor};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What the engine and the API write, one commit each.
#[derive(Debug, Clone, Copy)]
enum Change {
    Claim,
    Succeed,
    Skip,
    Fail,
    GiveUp,
    Ask,
    Approve,
    Reject,
    Expire,
    Cancel,
}

const CHANGES: [Change; 10] = [
    Change::Claim,
    Change::Succeed,
    Change::Skip,
    Change::Fail,
    Change::GiveUp,
    Change::Ask,
    Change::Approve,
    Change::Reject,
    Change::Expire,
    Change::Cancel,
];

/// Rows as the store would leave them after each change.
struct Rows {
    history: History,
    /// What the database's clock says next; nothing promises that it never goes back.
    now: Timestamp,
}

impl Rows {
    /// A run that takes over the first `done` steps of a failed one; none, if that is `None`.
    fn begin(kind: RunKind, resumes: Option<usize>) -> Self {
        let run = Run {
            id: RunId::new(Uuid::from_u128(1)),
            org: OrgId::new(Uuid::from_u128(2)),
            project: None,
            repository: None,
            kind,
            status: RunStatus::Queued,
            event_type: "manual".to_owned(),
            git_ref: None,
            commit: None,
            pull_request: None,
            input: json!({}),
            summary: None,
            error_code: None,
            error: None,
            last_error: None,
            attempts: 0,
            traceparent: None,
            parent: None,
            resumes: resumes.map(|_| RunId::new(Uuid::from_u128(3))),
            origin: RunId::new(Uuid::from_u128(3)),
            schedule: None,
            waiting_for: None,
            wake_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            started_at: None,
            finished_at: None,
        };
        let history = History { run, steps: Vec::new(), approvals: Vec::new() };
        let mut rows = Self { history, now: Timestamp::UNIX_EPOCH };
        if let Some(done) = resumes {
            let done = done.min(kind.steps().len() - 1);
            for step in &kind.steps()[..done] {
                rows.inherit(step, StepStatus::Succeeded);
            }
            rows.inherit(&kind.steps()[done], StepStatus::Failed);
        }
        rows
    }

    fn inherit(&mut self, step: &StepSpec, status: StepStatus) {
        self.write(step, status);
        self.history.steps.last_mut().unwrap().inherited = true;
    }

    /// `finish_step`: a failed row that was inherited is written over.
    fn write(&mut self, step: &StepSpec, status: StepStatus) {
        self.history.steps.retain(|row| row.step != step.id);
        self.history.steps.push(PastStep {
            step: step.id.to_owned(),
            kind: step.kind,
            status,
            attempt: 1,
            inherited: false,
            output: Some(json!({ "files": [1, 2] })),
            error: None,
            started_at: self.now,
            finished_at: self.now,
        });
    }

    fn next_step(&self) -> Option<&'static StepSpec> {
        let done = self.history.steps.iter().filter(|row| leads_on(row.status));
        let done: Vec<&str> = done.map(|row| row.step.as_str()).collect();
        self.history.run.kind.next_step(done)
    }

    fn end(&mut self, status: RunStatus, code: Option<ErrorCode>) {
        self.history.run.status = status;
        self.history.run.error_code = code;
        self.history.run.waiting_for = None;
        self.history.run.finished_at = Some(self.now);
    }

    fn decide(&mut self, status: ApprovalStatus) {
        for row in &mut self.history.approvals {
            if row.status == ApprovalStatus::Pending {
                row.status = status;
                row.decided_at = Some(self.now);
                row.decided_by = Some("someone".to_owned());
            }
        }
    }

    fn cancel(&mut self, decision: ApprovalStatus, code: Option<ErrorCode>) {
        self.decide(decision);
        let open = self.history.run.kind.steps().iter();
        let open: Vec<&StepSpec> =
            open.filter(|step| !self.history.steps.iter().any(|row| row.step == step.id)).collect();
        for step in open {
            self.write(step, StepStatus::Canceled);
        }
        self.end(RunStatus::Canceled, code);
    }

    /// Makes a change, unless nobody could make it now.
    fn make(&mut self, change: Change) {
        let run = &mut self.history.run;
        if run.status.is_terminal() {
            return;
        }
        let Some(step) = self.next_step() else { return };
        let run = &mut self.history.run;
        let waits = run.waiting_for == Some(WaitingFor::Approval);
        match (run.status, change) {
            (RunStatus::Queued, Change::Claim) => {
                run.started_at = run.started_at.or(Some(self.now));
                run.status = RunStatus::Running;
            }
            (RunStatus::Running, Change::Succeed | Change::Skip) => {
                let skip = matches!(change, Change::Skip);
                let status = if skip { StepStatus::Skipped } else { StepStatus::Succeeded };
                self.write(step, status);
                if self.history.run.kind.is_last(step.id) {
                    self.end(RunStatus::Succeeded, None);
                }
            }
            (RunStatus::Running, Change::Fail) => {
                self.write(step, StepStatus::Failed);
                self.end(RunStatus::Failed, Some(ErrorCode::UnknownError));
            }
            (_, Change::GiveUp) if !waits => {
                self.history.run.started_at = self.history.run.started_at.or(Some(self.now));
                self.end(RunStatus::Failed, Some(ErrorCode::MaxAttemptsExceeded));
            }
            (RunStatus::Running, Change::Ask) if self.history.approvals.is_empty() => {
                self.history.run.status = RunStatus::Waiting;
                self.history.run.waiting_for = Some(WaitingFor::Approval);
                self.history.approvals.push(PastApproval {
                    id: ApprovalId::new(Uuid::from_u128(9)),
                    step: Some(step.id.to_owned()),
                    scope: ApprovalScope::RepoMerge,
                    summary: "merge".to_owned(),
                    intent_hash: "0".repeat(64),
                    status: ApprovalStatus::Pending,
                    expires_at: Some(self.now),
                    decided_at: None,
                    decided_by: None,
                    reason: None,
                    created_at: self.now,
                });
            }
            (RunStatus::Waiting, Change::Approve) if waits => {
                self.decide(ApprovalStatus::Approved);
                self.history.run.status = RunStatus::Queued;
                self.history.run.waiting_for = None;
            }
            (RunStatus::Waiting, Change::Reject) if waits => {
                self.cancel(ApprovalStatus::Rejected, Some(ErrorCode::ApprovalRejected));
            }
            (RunStatus::Waiting, Change::Expire) if waits => {
                self.decide(ApprovalStatus::Expired);
                self.write(step, StepStatus::Failed);
                self.end(RunStatus::Failed, Some(ErrorCode::ApprovalExpired));
            }
            (_, Change::Cancel) => self.cancel(ApprovalStatus::Canceled, None),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// What was told at one moment is told at every later one, at the same positions.
    #[test]
    fn what_was_told_is_told_for_ever(
        kind in prop::sample::select(RunKind::ALL.to_vec()),
        resumes in prop::option::of(0_usize..5),
        changes in prop::collection::vec((prop::sample::select(CHANGES.to_vec()), 0_i64..100), 0..25),
    ) {
        let mut rows = Rows::begin(kind, resumes);
        let mut told: Vec<Event> = Vec::new();
        for (change, clock) in changes {
            rows.now = Timestamp::from_second(clock).unwrap();
            rows.make(change);
            let now = events(&rows.history);
            prop_assert!(now.starts_with(&told), "{change:?}:\n{told:#?}\n{now:#?}");
            prop_assert!(now.iter().map(|event| event.id).eq(1..=now.len() as u64));
            let over = now.iter().filter(|event| event.event == EventName::RunFinished).count();
            prop_assert_eq!(over == 1, rows.history.run.status.is_terminal());
            prop_assert_eq!(over == 1, now.last().is_some_and(|e| e.event == EventName::RunFinished));
            told = now;
        }
    }
}

fn told(rows: &Rows) -> Vec<String> {
    let line = |event: &Event| {
        let data = serde_json::to_value(&event.data).unwrap();
        let word = |name: &str| data[name].as_str().map(|word| format!(" {word}"));
        let words = word("step").into_iter().chain(word("status")).collect::<String>();
        format!("{} {}{words}", event.id, event.event.as_str())
    };
    events(&rows.history).iter().map(line).collect()
}

#[test]
fn a_run_that_asks_is_told_from_beginning_to_end() {
    let mut rows = Rows::begin(RunKind::Merge, None);
    use Change::{Approve, Ask, Claim, Succeed};
    for change in [Claim, Succeed, Succeed, Ask, Approve, Claim, Succeed, Succeed] {
        rows.make(change);
    }
    let expected = [
        "1 run-started",
        "2 step-started plan",
        "3 step-finished plan succeeded",
        "4 step-started checks",
        "5 step-finished checks succeeded",
        "6 step-started approve",
        "7 approval-requested approve",
        "8 approval-decided approve approved",
        "9 step-finished approve succeeded",
        "10 step-started merge",
        "11 step-finished merge succeeded",
        "12 run-finished succeeded",
    ];
    assert_eq!(told(&rows), expected);
}

#[test]
fn a_canceled_run_tells_of_its_open_steps_and_begins_none() {
    let mut rows = Rows::begin(RunKind::RepositorySync, None);
    rows.make(Change::Claim);
    rows.make(Change::Cancel);
    let expected = [
        "1 run-started",
        "2 step-started fetch",
        "3 step-finished fetch canceled",
        "4 step-finished manifest canceled",
        "5 run-finished canceled",
    ];
    assert_eq!(told(&rows), expected);
}

#[test]
fn a_resumed_run_tells_what_it_took_over_and_only_what_it_did_itself() {
    let mut rows = Rows::begin(RunKind::Analysis, Some(3));
    rows.make(Change::Claim);
    rows.make(Change::Succeed);
    let expected = [
        "1 run-started",
        "2 step-started security",
        "3 step-finished security succeeded",
        "4 step-started formal",
    ];
    assert_eq!(told(&rows), expected);
    let data = serde_json::to_value(&events(&rows.history)[0].data).unwrap();
    assert_eq!(data["taken_over"], json!(["fetch", "manifest", "parse"]));
    assert!(data["resumes"].is_string());
}
