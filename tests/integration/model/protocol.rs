//! When it can happen, and what it changes.

use stateright::{Model, Property};

use super::{
    Mutation, PARENT, Protocol,
    action::Action,
    properties,
    state::{
        Approval, CLAIMS_MAX, DECIDERS, Hold, Notice, Plan, Run, State, Status, Step, WORKERS,
        WaitingFor, Worker,
    },
    transitions::{announce, expire, holds, is_due, siblings_are_over},
};

/// More messages for one run change nothing that fewer do not.
pub(super) const MESSAGES_MAX: u8 = 2;

const DECISIONS: [Approval; 3] =
    [Approval::Approved(Plan::Asked), Approval::Approved(Plan::Edited), Approval::Rejected];

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            runs: self.scenario.runs(),
            workers: [Worker::Idle; WORKERS],
            deciders: [false; DECIDERS],
            left: self.scenario.faults(),
            left_an_ending: false,
            took_a_live_lease: false,
            took_a_sleeper: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (worker, knows) in state.workers.iter().enumerate() {
            self.actions_of_worker(state, worker, *knows, actions);
        }
        for run in 0..state.runs.len() {
            self.actions_around(state, run, actions);
        }
        if self.has(Mutation::DecideWithoutLock) {
            for (decider, has_looked) in state.deciders.iter().enumerate() {
                if *has_looked {
                    let all = DECISIONS.map(|decision| Action::DecideBlindly { decider, decision });
                    actions.extend(all);
                } else if may_decide(&state.runs[PARENT]) {
                    actions.push(Action::LookAtApproval { decider });
                }
            }
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut after = before.clone();
        self.apply(&mut after, action);
        observe(before, &mut after);
        (after != *before).then_some(after)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self.scenario)
    }
}

/// Notes what no state shows by itself.
fn observe(before: &State, after: &mut State) {
    for (was, is) in before.runs.iter().zip(&after.runs) {
        let changed = was.status != is.status || was.rows != is.rows;
        after.left_an_ending |= was.status.is_over() && changed;
        let claimed = is.token > was.token;
        after.took_a_live_lease |= claimed && was.status == Status::Running && was.leased;
        after.took_a_sleeper |= claimed && was.status == Status::Waiting && !is_due(was);
    }
}

fn may_decide(run: &Run) -> bool {
    run.approval == Approval::Pending && run.status == Status::Waiting && !run.due
}

impl Protocol {
    pub(super) fn has(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    fn actions_of_worker(
        &self,
        state: &State,
        worker: usize,
        knows: Worker,
        actions: &mut Vec<Action>,
    ) {
        let left = state.left;
        match knows {
            Worker::Idle => {
                let asked = (0..state.runs.len()).filter(|run| state.runs[*run].messages > 0);
                actions.extend(asked.map(|run| Action::Deliver { worker, run }));
                return;
            }
            Worker::Prepares(hold) => {
                let call = matches!(self.step(hold), Step::Call | Step::Act);
                actions.push(if call {
                    Action::CallOut { worker }
                } else {
                    Action::Commit { worker }
                });
                if left.troubles > 0 {
                    actions.push(Action::GiveBack { worker });
                }
                if left.failures > 0 {
                    actions.push(Action::Fail { worker });
                }
            }
            Worker::Called(_) | Worker::Halfway(_) | Worker::SawSiblings { .. } => {
                actions.push(Action::Commit { worker });
            }
            Worker::SawOpenChildren(_) => actions.push(Action::Park { worker }),
            Worker::Sends { .. } => {
                actions.push(Action::Send { worker });
                if left.drops > 0 {
                    actions.push(Action::FailToSend { worker });
                }
            }
        }
        if left.crashes > 0 {
            actions.push(Action::Crash { worker });
        }
    }

    /// What the clock, the queue, the scheduler and callers of the API do with a run.
    fn actions_around(&self, state: &State, run: usize, actions: &mut Vec<Action>) {
        let (row, left) = (&state.runs[run], state.left);
        let abandoned = !state.workers.iter().any(|worker| holds(*worker, run, row.token));
        if row.status == Status::Running && row.leased && (abandoned || left.stalls > 0) {
            actions.push(Action::Expire { run });
        }
        let timed = matches!(row.waiting_for, WaitingFor::Approval | WaitingFor::Timer);
        if (timed || row.status == Status::Queued) && !row.due {
            actions.push(Action::Due { run });
        }
        if row.messages > 0 && left.drops > 0 {
            actions.push(Action::Drop { run });
        }
        if (1..MESSAGES_MAX).contains(&row.messages) && left.duplicates > 0 {
            actions.push(Action::Double { run });
        }
        if !self.has(Mutation::NoSweeper) {
            if row.outbox > 0 {
                actions.push(Action::SweepOutbox { run });
            }
            if row.notice == Notice::InOutbox {
                actions.push(Action::SweepNotice { run });
            }
            if is_due(row) && row.messages == 0 && row.outbox == 0 {
                actions.push(Action::SweepRun { run });
            }
        }
        if may_decide(row) && !self.has(Mutation::DecideWithoutLock) {
            actions.extend(DECISIONS.map(|decision| Action::Decide { run, decision }));
        }
        let open = row.status != Status::Unborn && !row.status.is_over();
        if open && left.cancels > 0 {
            actions.push(Action::Cancel { run });
        }
    }

    fn apply(&self, state: &mut State, action: Action) {
        match action {
            Action::Deliver { worker, run } => self.claim(state, worker, run),
            Action::CallOut { worker } => self.call_out(state, worker),
            Action::Commit { worker } => self.commit(state, worker),
            Action::Send { worker } => self.send(state, worker, true),
            Action::FailToSend { worker } => {
                state.left.drops -= 1;
                self.send(state, worker, false);
            }
            Action::GiveBack { worker } => {
                state.left.troubles -= 1;
                self.give_back(state, worker);
            }
            Action::Fail { worker } => {
                state.left.failures -= 1;
                self.fail(state, worker);
            }
            Action::Park { worker } => self.park(state, worker),
            Action::Crash { worker } => {
                state.left.crashes -= 1;
                state.workers[worker] = Worker::Idle;
            }
            Action::Expire { run } => expire(state, run),
            Action::Due { run } => state.runs[run].due = true,
            Action::Drop { run } => {
                state.left.drops -= 1;
                state.runs[run].messages -= 1;
            }
            Action::Double { run } => {
                state.left.duplicates -= 1;
                state.runs[run].messages += 1;
            }
            Action::SweepOutbox { run } => {
                announce(&mut state.runs[run]);
                state.runs[run].outbox = 0;
            }
            Action::SweepNotice { run } => state.runs[run].notice = Notice::Sent,
            Action::SweepRun { run } => state.runs[run].messages = 1,
            Action::Decide { run, decision } => self.decide(state, run, decision),
            Action::LookAtApproval { decider } => state.deciders[decider] = true,
            Action::DecideBlindly { decider, decision } => {
                state.deciders[decider] = false;
                self.decide(state, PARENT, decision);
            }
            Action::Cancel { run } => self.cancel(state, run),
        }
    }

    fn step(&self, hold: Hold) -> Step {
        self.scenario.steps(hold.run)[hold.step]
    }

    /// `store::runs::claim`: what is due is taken, and what was taken too often is given up.
    fn claim(&self, state: &mut State, worker: usize, run: usize) {
        let row = &mut state.runs[run];
        row.messages -= 1;
        // Whoever receives the message knows that it went, so its row may go.
        row.outbox = 0;
        let also = match row.status {
            Status::Running => self.has(Mutation::ClaimLiveLease),
            Status::Waiting => self.has(Mutation::ClaimParked),
            Status::Unborn
            | Status::Queued
            | Status::Succeeded
            | Status::Failed
            | Status::Canceled => false,
        };
        if !is_due(row) && !also {
            return;
        }
        let step = usize::from(row.rows);
        if step == self.scenario.steps(run).len() {
            // Only a run that was revived has nothing left to do.
            self.end(state, run, Status::Succeeded);
            return;
        }
        if row.claims >= CLAIMS_MAX {
            row.given_up = true;
            self.end(state, run, Status::Failed);
            state.workers[worker] = Worker::Sends { run, next: None };
            return;
        }
        row.status = Status::Running;
        row.token += 1;
        row.leased = true;
        row.claims += 1;
        row.waiting_for = WaitingFor::Nothing;
        let hold = Hold { run, token: row.token, step, plan: self.plan_of(row) };
        state.workers[worker] = Worker::Prepares(hold);
    }

    /// The plan that the step after an approval carries out.
    fn plan_of(&self, row: &Run) -> Option<Plan> {
        match row.approval {
            Approval::Approved(_) if self.has(Mutation::ActOnWhatWasAsked) => Some(Plan::Asked),
            Approval::Approved(plan) => Some(plan),
            Approval::None
            | Approval::Pending
            | Approval::Rejected
            | Approval::Expired
            | Approval::Canceled => None,
        }
    }

    /// Another service knows a key that it has seen: find before create.
    fn call_out(&self, state: &mut State, worker: usize) {
        let Worker::Prepares(hold) = state.workers[worker] else { return };
        let step = self.step(hold);
        let row = &mut state.runs[hold.run];
        let done = &mut row.effects[hold.step];
        if *done == 0 || self.has(Mutation::KeyPerAttempt) {
            *done += 1;
            if step == Step::Act {
                row.acted = Some(hold.plan.unwrap_or(Plan::Asked));
            }
        }
        state.workers[worker] = Worker::Called(hold);
    }

    /// `store::runs::fence`.
    pub(super) fn is_fenced_off(&self, row: &Run, hold: Hold) -> bool {
        if self.has(Mutation::NoFence) {
            return false;
        }
        let runs = row.status == Status::Running || self.has(Mutation::FenceIgnoresStatus);
        row.token != hold.token || !runs
    }

    /// One transaction, from the fence to the outbox.
    fn commit(&self, state: &mut State, worker: usize) {
        let (hold, half_done) = match state.workers[worker] {
            Worker::Prepares(hold) | Worker::Called(hold) => (hold, false),
            Worker::Halfway(hold) | Worker::SawSiblings { hold, .. } => (hold, true),
            Worker::Idle | Worker::Sends { .. } | Worker::SawOpenChildren(_) => return,
        };
        if self.is_fenced_off(&state.runs[hold.run], hold) {
            state.workers[worker] = Worker::Idle;
            return;
        }
        match self.step(hold) {
            Step::Effect if !half_done && self.must_look_around(hold) => {
                let over = siblings_are_over(state, hold.run);
                state.workers[worker] = Worker::SawSiblings { hold, over };
            }
            Step::Effect if half_done && self.has(Mutation::EffectApartFromRow) => {
                self.finish_step(state, worker, hold);
            }
            Step::Effect => {
                state.runs[hold.run].effects[hold.step] += 1;
                if self.has(Mutation::EffectApartFromRow) {
                    state.workers[worker] = Worker::Halfway(hold);
                } else {
                    self.finish_step(state, worker, hold);
                }
            }
            Step::Call | Step::Act => self.finish_step(state, worker, hold),
            Step::FanOut => {
                state.runs[hold.run].effects[hold.step] += 1;
                for child in state.runs.iter_mut().filter(|run| run.status == Status::Unborn) {
                    *child = Run::written_down();
                }
                self.finish_step(state, worker, hold);
            }
            Step::Join => self.join(state, worker, hold),
            Step::Poll => self.poll(state, worker, hold),
            Step::Ask => self.ask(state, worker, hold),
        }
    }

    fn must_look_around(&self, hold: Hold) -> bool {
        self.has(Mutation::EndWithoutParentLock) && hold.run != PARENT
    }

    /// Writes the step's row, and with the last one the run's ending.
    pub(super) fn finish_step(&self, state: &mut State, worker: usize, hold: Hold) {
        let row = &mut state.runs[hold.run];
        row.rows = row.rows.max(hold.step as u8 + 1);
        row.claims = 0;
        row.setbacks = 0;
        let next = Hold { step: hold.step + 1, plan: self.plan_of(row), ..hold };
        let is_last = next.step == self.scenario.steps(hold.run).len();
        if is_last {
            let seen = match state.workers[worker] {
                Worker::SawSiblings { over, .. } => Some(over),
                Worker::Idle
                | Worker::Prepares(_)
                | Worker::Called(_)
                | Worker::Sends { .. }
                | Worker::Halfway(_)
                | Worker::SawOpenChildren(_) => None,
            };
            self.end_having_seen(state, hold.run, Status::Succeeded, seen);
        }
        let wrote_down = is_last || self.step(hold) == Step::FanOut;
        let next = (!is_last).then_some(next);
        state.workers[worker] = match next {
            Some(next) if !wrote_down => Worker::Prepares(next),
            next => Worker::Sends { run: hold.run, next },
        };
    }
}
