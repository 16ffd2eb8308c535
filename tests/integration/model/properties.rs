//! What must hold, whatever happens.

use stateright::{Model, Property};

use super::{
    PARENT, Protocol, Scenario,
    action::Action,
    state::{Approval, CLAIMS_MAX, Notice, Plan, Run, State, Status, Step, WaitingFor},
    transitions::children_are_over,
};

pub(super) const ONCE: &str = "a step takes effect at most once";
pub(super) const TOGETHER: &str = "a step has a row exactly when it has taken effect";
pub(super) const FINAL: &str = "what is over stays as it ended";
pub(super) const HELD: &str = "a lease that has not run out is not taken";
pub(super) const ASLEEP: &str = "a parked run is left alone until its time or its event comes";
pub(super) const PATIENT: &str = "a run is given up only after as many setbacks in a row";
pub(super) const DECIDED: &str = "an approval is decided once";
pub(super) const CONSENT: &str = "nothing is done but what was approved";
pub(super) const JOINED: &str = "a parent goes on only when all its children are over";
pub(super) const AWAKE: &str = "a parent sleeps only while a child is not over";
pub(super) const ENDS: &str = "in the end every run is over";
pub(super) const TOLD: &str = "in the end every ending has been told";

type Promise = Property<Protocol>;

pub(super) fn all(scenario: Scenario) -> Vec<Promise> {
    let mut all = vec![
        Promise::always(ONCE, |_, state| {
            state.runs.iter().all(|run| run.effects.iter().all(|times| *times <= 1))
        }),
        Promise::always(TOGETHER, rows_and_effects_agree),
        Promise::always(FINAL, |_, state| !state.left_an_ending),
        Promise::always(HELD, |_, state| !state.took_a_live_lease),
        Promise::always(ASLEEP, |_, state| !state.took_a_sleeper),
        Promise::always(PATIENT, |_, state| {
            state.runs.iter().all(|run| !run.given_up || run.setbacks >= CLAIMS_MAX)
        }),
        Promise::always(ENDS, |model, state| {
            state.runs.iter().all(is_over) || !is_at_rest(model, state)
        }),
        Promise::always(TOLD, |model, state| {
            state.runs.iter().all(is_told) || !is_at_rest(model, state)
        }),
        Promise::eventually("every run comes to be over", |_, state| {
            state.runs.iter().all(is_over)
        }),
        Promise::sometimes("a run succeeds after a crash", |_, state| {
            let crashed = state.left.crashes == 0;
            crashed && state.runs.iter().all(|run| run.status == Status::Succeeded)
        }),
        Promise::sometimes("a run is given up", |_, state| {
            state.runs.iter().any(|run| run.given_up)
        }),
    ];
    match scenario {
        Scenario::Plain => {}
        Scenario::Merge => all.extend([
            Promise::always(DECIDED, |_, state| state.runs[PARENT].decisions <= 1),
            Promise::always(CONSENT, only_what_was_approved),
            Promise::sometimes("an approval expires", |_, state| {
                state.runs[PARENT].approval == Approval::Expired
            }),
            Promise::sometimes("an edited plan is carried out", |_, state| {
                state.runs[PARENT].status == Status::Succeeded
                    && state.runs[PARENT].acted == Some(Plan::Edited)
            }),
        ]),
        Scenario::Children => all.extend([
            Promise::always(JOINED, |_, state| {
                !state.runs[PARENT].has_row(JOIN) || children_are_over(state)
            }),
            Promise::always(AWAKE, |_, state| {
                state.runs[PARENT].waiting_for != WaitingFor::Children || !children_are_over(state)
            }),
            Promise::sometimes("a parent is woken and ends well", |_, state| {
                state.runs[PARENT].status == Status::Succeeded && state.runs[PARENT].token > 1
            }),
        ]),
    }
    all
}

/// Where the parent of the model waits for its children.
const JOIN: usize = 1;

/// Calls are left out: one happens before its row, and finding it again is what its key is for.
fn rows_and_effects_agree(model: &Protocol, state: &State) -> bool {
    state.runs.iter().enumerate().all(|(number, run)| {
        model.scenario.steps(number).iter().enumerate().all(|(step, kind)| {
            let took_effect = run.effects[step] > 0;
            match kind {
                Step::Effect | Step::FanOut => run.has_row(step) == took_effect,
                Step::Call | Step::Act => !run.has_row(step) || took_effect,
                Step::Poll | Step::Ask | Step::Join => true,
            }
        })
    })
}

fn only_what_was_approved(_: &Protocol, state: &State) -> bool {
    let run = &state.runs[PARENT];
    run.acted.is_none_or(|plan| run.approval == Approval::Approved(plan))
}

/// Nothing happens any more unless something breaks or someone decides: a run that is not over
/// here is stuck. No path runs in a circle, so every path in which all that is sure to happen does
/// happen comes to such a state.
fn is_at_rest(model: &Protocol, state: &State) -> bool {
    let mut actions = Vec::new();
    model.actions(state, &mut actions);
    !actions.into_iter().any(Action::is_sure)
}

/// A child whose parent ended before making it is no run.
fn is_over(run: &Run) -> bool {
    run.status.is_over() || run.status == Status::Unborn
}

/// Who cancels a run knows.
fn is_told(run: &Run) -> bool {
    let to_tell = matches!(run.status, Status::Succeeded | Status::Failed);
    !to_tell || run.notice == Notice::Sent
}
