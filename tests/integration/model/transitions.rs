//! How runs are given back, parked, woken, decided on and ended.

use super::{
    Mutation, PARENT, Protocol,
    state::{Approval, Hold, Notice, POLLS, Run, State, Status, WaitingFor, Worker},
};

/// What `store::runs::claim` and `runs_to_wake` take for a run that someone should work on.
pub(super) fn is_due(run: &Run) -> bool {
    match run.status {
        Status::Queued => run.due,
        Status::Running => !run.leased,
        Status::Waiting => run.due,
        Status::Unborn | Status::Succeeded | Status::Failed | Status::Canceled => false,
    }
}

/// Whether a worker is at work under this very lease.
pub(super) fn holds(worker: Worker, run: usize, token: u8) -> bool {
    let hold = match worker {
        Worker::Idle => None,
        Worker::Prepares(hold)
        | Worker::Called(hold)
        | Worker::Halfway(hold)
        | Worker::SawOpenChildren(hold)
        | Worker::SawSiblings { hold, .. } => Some(hold),
        Worker::Sends { next, .. } => next,
    };
    hold.is_some_and(|hold| (hold.run, hold.token) == (run, token))
}

pub(super) fn expire(state: &mut State, run: usize) {
    let row = &state.runs[run];
    if state.workers.iter().any(|worker| holds(*worker, run, row.token)) {
        state.left.stalls -= 1;
    }
    state.runs[run].leased = false;
    state.runs[run].setbacks += 1;
}

/// The message is in the queue, confirmed. Whose row it is says who may forget it.
pub(super) fn announce(run: &mut Run) {
    if run.outbox > 0 {
        run.messages = (run.messages + 1).min(super::protocol::MESSAGES_MAX);
    }
}

impl Protocol {
    /// Sends what the worker's last commit wrote down, as far as nobody was faster. The row stays
    /// until whoever receives the message, or the sweeper, knows that it went.
    pub(super) fn send(&self, state: &mut State, worker: usize, confirmed: bool) {
        let Worker::Sends { run, next } = state.workers[worker] else { return };
        state.workers[worker] = next.map_or(Worker::Idle, Worker::Prepares);
        // With its own message a run has those of its children, or of its parent.
        for (number, row) in state.runs.iter_mut().enumerate() {
            let concerned = number == run || run == PARENT || number == PARENT;
            if concerned && confirmed {
                announce(row);
            } else if concerned && self.has(Mutation::ForgetUnconfirmed) {
                row.outbox = 0;
            }
        }
        let row = &mut state.runs[run];
        let owed = row.notice == Notice::InOutbox
            || (self.has(Mutation::NoOutbox) && row.notice == Notice::None && row.status.is_over());
        if owed && confirmed {
            row.notice = Notice::Sent;
        } else if owed && self.has(Mutation::ForgetUnconfirmed) {
            row.notice = Notice::None;
        }
    }

    /// Queued again, not due before a while, with a message that comes as late.
    pub(super) fn give_back(&self, state: &mut State, worker: usize) {
        let Some(hold) = self.fenced(state, worker) else { return };
        let row = &mut state.runs[hold.run];
        row.status = Status::Queued;
        row.due = false;
        row.leased = false;
        row.outbox = 1;
        row.setbacks += 1;
        state.workers[worker] = Worker::Sends { run: hold.run, next: None };
    }

    pub(super) fn fail(&self, state: &mut State, worker: usize) {
        let Some(hold) = self.fenced(state, worker) else { return };
        self.end(state, hold.run, Status::Failed);
        state.workers[worker] = Worker::Sends { run: hold.run, next: None };
    }

    /// `None`: the lease was lost, and so the worker stops.
    fn fenced(&self, state: &mut State, worker: usize) -> Option<Hold> {
        let Worker::Prepares(hold) = state.workers[worker] else { return None };
        if self.is_fenced_off(&state.runs[hold.run], hold) {
            state.workers[worker] = Worker::Idle;
            return None;
        }
        Some(hold)
    }

    /// `engine::parking::children_are_over`: parks, unless the children are over. The parent's row is
    /// locked before its children are looked at, and a child that ends locks it too.
    pub(super) fn join(&self, state: &mut State, worker: usize, hold: Hold) {
        let woken = self.has(Mutation::WakeAtFirstChild) && hold.token > 1;
        if woken || children_are_over(state) {
            self.finish_step(state, worker, hold);
        } else if self.has(Mutation::ParkWithoutRecheck) {
            state.workers[worker] = Worker::SawOpenChildren(hold);
        } else {
            self.park_run(&mut state.runs[hold.run], WaitingFor::Children);
            state.workers[worker] = Worker::Idle;
        }
    }

    /// `engine::parking::wait`, after `Outcome::Wait`.
    pub(super) fn poll(&self, state: &mut State, worker: usize, hold: Hold) {
        let row = &mut state.runs[hold.run];
        row.polls += 1;
        if row.polls >= POLLS {
            self.finish_step(state, worker, hold);
        } else {
            self.park_run(row, WaitingFor::Timer);
            state.workers[worker] = Worker::Idle;
        }
    }

    /// The second transaction of [`Mutation::ParkWithoutRecheck`].
    pub(super) fn park(&self, state: &mut State, worker: usize) {
        let Worker::SawOpenChildren(hold) = state.workers[worker] else { return };
        if !self.is_fenced_off(&state.runs[hold.run], hold) {
            self.park_run(&mut state.runs[hold.run], WaitingFor::Children);
        }
        state.workers[worker] = Worker::Idle;
    }

    /// `engine::parking::ask`: the request is made in the transaction that parks.
    pub(super) fn ask(&self, state: &mut State, worker: usize, hold: Hold) {
        let row = &mut state.runs[hold.run];
        match row.approval {
            Approval::None => {
                row.approval = Approval::Pending;
                self.park_run(row, WaitingFor::Approval);
                state.workers[worker] = Worker::Idle;
            }
            Approval::Pending if row.due && self.has(Mutation::WakingIsConsent) => {
                self.finish_step(state, worker, hold);
            }
            Approval::Pending if row.due => {
                row.approval = Approval::Expired;
                row.decisions += 1;
                self.end(state, hold.run, Status::Failed);
                state.workers[worker] = Worker::Sends { run: hold.run, next: None };
            }
            Approval::Pending => {
                self.park_run(row, WaitingFor::Approval);
                state.workers[worker] = Worker::Idle;
            }
            Approval::Approved(_) => self.finish_step(state, worker, hold),
            // The run ended with the approval.
            Approval::Rejected | Approval::Expired | Approval::Canceled => {
                state.workers[worker] = Worker::Idle;
            }
        }
    }

    /// `store::runs::park`. Having waited counts as progress.
    fn park_run(&self, run: &mut Run, waiting_for: WaitingFor) {
        run.status = Status::Waiting;
        run.waiting_for = waiting_for;
        run.due = false;
        run.leased = false;
        run.setbacks = 0;
        if !self.has(Mutation::WaitingIsNoProgress) {
            run.claims = 0;
        }
    }

    /// `store::approvals::decide`: the run's row is locked, then the approval's, and both are written.
    pub(super) fn decide(&self, state: &mut State, run: usize, decision: Approval) {
        let row = &mut state.runs[run];
        row.approval = decision;
        row.decisions += 1;
        if decision == Approval::Rejected {
            self.end(state, run, Status::Canceled);
        } else {
            wake(row);
        }
    }

    /// `store::runs::cancel`.
    pub(super) fn cancel(&self, state: &mut State, run: usize) {
        state.left.cancels -= 1;
        self.end(state, run, Status::Canceled);
    }

    pub(super) fn end(&self, state: &mut State, run: usize, status: Status) {
        self.end_having_seen(state, run, status, None);
    }

    /// Ends a run and, in the same transaction, `store::runs::wake_parent`. The parent is locked
    /// first, so that of two children that end at once one sees the other;
    /// `seen` is what a child saw without that.
    pub(super) fn end_having_seen(
        &self,
        state: &mut State,
        run: usize,
        status: Status,
        seen: Option<bool>,
    ) {
        let row = &mut state.runs[run];
        row.status = status;
        row.leased = false;
        row.due = true;
        row.waiting_for = WaitingFor::Nothing;
        if row.approval == Approval::Pending {
            row.approval = Approval::Canceled;
        }
        // Who cancels knows.
        if status != Status::Canceled && !self.has(Mutation::NoOutbox) {
            row.notice = Notice::InOutbox;
        }
        let in_silence = row.given_up && self.has(Mutation::GiveUpInSilence);
        let over = seen.unwrap_or_else(|| children_are_over(state));
        let was_last = over || self.has(Mutation::WakeAtFirstChild);
        let parent = &mut state.runs[PARENT];
        if parent.waiting_for == WaitingFor::Children && was_last && !in_silence {
            wake(parent);
        }
        if run == PARENT && status != Status::Succeeded {
            self.abandon_children(state);
        }
    }

    /// `store::runs::abandon_children`, and the same of a cancelation: nobody waits for them.
    fn abandon_children(&self, state: &mut State) {
        for child in PARENT + 1..state.runs.len() {
            let status = state.runs[child].status;
            if status != Status::Unborn && !status.is_over() {
                self.end(state, child, Status::Canceled);
            }
        }
    }
}

/// Queued, due at once, and its message written down.
fn wake(run: &mut Run) {
    run.status = Status::Queued;
    run.waiting_for = WaitingFor::Nothing;
    run.due = true;
    run.outbox = 1;
}

pub(super) fn siblings_are_over(state: &State, child: usize) -> bool {
    let siblings = (PARENT + 1..state.runs.len()).filter(|run| *run != child);
    siblings.into_iter().all(|run| state.runs[run].status.is_over())
}

pub(super) fn children_are_over(state: &State) -> bool {
    state.runs[PARENT + 1..].iter().all(|run| run.status.is_over())
}
