//! Every order in which lease, fence, outbox, sweeper, approvals and children can meet.
//!
//! The protocol of `engine` and `store` as a state machine, searched to its end by `stateright`:
//! two workers, bounded crashes, stalls, lost and doubled messages. An action is one transaction,
//! because each takes its row locks before it reads; the comments name the functions it mirrors.
//! Then the protocol is mutilated, one rule at a time, and the search must find what breaks.
//!
//! No path runs in a circle, which is tested too: so "in the end" is "where nothing is sure to
//! happen any more", and liveness is searched for as exactly as safety.

mod action;
mod properties;
mod protocol;
mod state;
mod transitions;

use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    time::Instant,
};

use stateright::{Checker, HasDiscoveries, Model};

use properties::*;
use state::{Faults, Run, State, Step};

/// A rule of the protocol that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutation {
    /// A step is committed without asking whether the lease still holds.
    NoFence,
    /// The fence compares tokens, and not that the run is still running.
    FenceIgnoresStatus,
    /// A message is sent after the commit, and written down nowhere.
    NoOutbox,
    /// The outbox row goes although the queue did not confirm.
    ForgetUnconfirmed,
    /// The effect and its step row are two transactions.
    EffectApartFromRow,
    /// Nobody looks for expired leases, lost messages and timers.
    NoSweeper,
    /// A claim does not ask whether the lease has run out.
    ClaimLiveLease,
    /// A claim takes a parked run that is not due.
    ClaimParked,
    /// Claims that found nothing to do but wait are counted like those of crashed workers.
    WaitingIsNoProgress,
    /// The key of a call differs from attempt to attempt.
    KeyPerAttempt,
    /// Children are looked at first, and the run is parked in another transaction.
    ParkWithoutRecheck,
    /// The first child that ends wakes its parent, which takes that for the end of all.
    WakeAtFirstChild,
    /// A child that ends looks at its siblings before it holds the parent's row.
    EndWithoutParentLock,
    /// A run that is given up does not wake its parent.
    GiveUpInSilence,
    /// An approval is read, and decided in another transaction without looking again.
    DecideWithoutLock,
    /// A run that wakes by its timer takes that for consent.
    WakingIsConsent,
    /// What is carried out is the plan that was asked for, not the one that was approved.
    ActOnWhatWasAsked,
}

/// Kinds of runs, as short as they can be and still hold what is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    /// A run that writes, and then calls out.
    Plain,
    /// A run that polls, asks, and then calls out.
    Merge,
    /// A run with two child runs.
    Children,
}

/// The protocol, whole or with one rule left out.
#[derive(Debug, Clone, Copy)]
struct Protocol {
    scenario: Scenario,
    mutation: Option<Mutation>,
}

impl Scenario {
    const ALL: [Self; 3] = [Self::Plain, Self::Merge, Self::Children];

    fn steps(self, run: usize) -> &'static [Step] {
        match (self, run) {
            (Self::Plain, _) => &[Step::Effect, Step::Call],
            (Self::Merge, _) => &[Step::Poll, Step::Ask, Step::Act],
            (Self::Children, PARENT) => &[Step::FanOut, Step::Join],
            (Self::Children, _) => &[Step::Effect],
        }
    }

    fn runs(self) -> Vec<Run> {
        match self {
            Self::Plain | Self::Merge => vec![Run::requested()],
            Self::Children => vec![Run::requested(), Run::unborn(), Run::unborn()],
        }
    }

    /// As much as can be searched in seconds, without optimisation.
    fn faults(self) -> Faults {
        match self {
            Self::Plain => Faults {
                crashes: 2,
                drops: 1,
                duplicates: 1,
                stalls: 2,
                troubles: 1,
                failures: 1,
                cancels: 1,
            },
            Self::Merge => Faults {
                crashes: 1,
                drops: 1,
                duplicates: 1,
                stalls: 1,
                troubles: 1,
                failures: 0,
                cancels: 1,
            },
            Self::Children => Faults {
                crashes: 1,
                drops: 0,
                duplicates: 0,
                stalls: 1,
                troubles: 0,
                failures: 0,
                cancels: 1,
            },
        }
    }
}

/// The run that makes the others, where there are others.
const PARENT: usize = 0;

fn search(protocol: Protocol, until: HasDiscoveries) -> impl Checker<Protocol> {
    protocol.checker().threads(2).finish_when(until).spawn_bfs().join()
}

#[test]
fn the_protocol_keeps_every_promise() {
    for scenario in Scenario::ALL {
        let began = Instant::now();
        let protocol = Protocol { scenario, mutation: None };
        let found = search(protocol, HasDiscoveries::AnyFailures);
        println!(
            "{scenario:?}: {} states, {} of them unique, {} deep, {:?}",
            found.state_count(),
            found.unique_state_count(),
            found.max_depth(),
            began.elapsed()
        );
        found.assert_properties();
        assert!(found.is_done() && found.unique_state_count() > 1_000, "searched too little");
    }
}

/// Every mutation is its own test: the search must find the promise that it breaks.
macro_rules! caught {
    ($( $test:ident: $mutation:ident in $scenario:ident breaks $property:expr; )+) => { $(
        #[test]
        fn $test() {
            let mutation = Some(Mutation::$mutation);
            let protocol = Protocol { scenario: Scenario::$scenario, mutation };
            let until = HasDiscoveries::AllOf(BTreeSet::from([$property]));
            let found = search(protocol, until);
            let path = found.assert_any_discovery($property);
            println!("{:?} breaks {:?}: {:?}", Mutation::$mutation, $property, path.into_actions());
        }
    )+ };
}

caught! {
    without_a_fence_an_effect_happens_twice: NoFence in Plain breaks ONCE;
    without_a_fence_an_ending_is_left: NoFence in Plain breaks FINAL;
    a_fence_that_ignores_the_status_writes_after_the_end: FenceIgnoresStatus in Plain breaks FINAL;
    without_an_outbox_an_ending_is_not_told: NoOutbox in Plain breaks TOLD;
    an_unconfirmed_message_must_not_be_forgotten: ForgetUnconfirmed in Plain breaks TOLD;
    an_effect_apart_from_its_row_shows: EffectApartFromRow in Plain breaks TOGETHER;
    an_effect_apart_from_its_row_happens_twice: EffectApartFromRow in Plain breaks ONCE;
    without_a_sweeper_a_run_is_stuck: NoSweeper in Plain breaks ENDS;
    without_a_sweeper_nobody_tells: NoSweeper in Plain breaks TOLD;
    a_live_lease_must_not_be_taken: ClaimLiveLease in Plain breaks HELD;
    a_healthy_run_is_given_up_when_live_leases_are_taken: ClaimLiveLease in Plain breaks PATIENT;
    a_parked_run_must_not_be_claimed: ClaimParked in Merge breaks ASLEEP;
    a_run_that_waits_is_not_given_up: WaitingIsNoProgress in Merge breaks PATIENT;
    a_call_needs_the_same_key_each_time: KeyPerAttempt in Plain breaks ONCE;
    a_parent_must_look_again_under_its_lock: ParkWithoutRecheck in Children breaks ENDS;
    a_parent_must_not_sleep_when_nobody_is_left: ParkWithoutRecheck in Children breaks AWAKE;
    the_first_child_does_not_wake_the_parent: WakeAtFirstChild in Children breaks JOINED;
    two_children_that_end_at_once_see_each_other: EndWithoutParentLock in Children breaks ENDS;
    a_child_that_is_given_up_wakes_its_parent: GiveUpInSilence in Children breaks ENDS;
    two_deciders_without_a_lock_both_decide: DecideWithoutLock in Merge breaks DECIDED;
    a_decider_without_a_lock_revives_a_run: DecideWithoutLock in Merge breaks FINAL;
    waking_up_is_not_consent: WakingIsConsent in Merge breaks CONSENT;
    what_is_done_is_what_was_approved: ActOnWhatWasAsked in Merge breaks CONSENT;
}

/// A circle would be a way never to end that no state shows.
#[test]
fn no_behaviour_runs_in_a_circle() {
    for scenario in Scenario::ALL {
        let protocol = Protocol { scenario, mutation: None };
        // By their hashes, so that a path holds the only copy of each state on it.
        let mut on_path: HashMap<u64, bool> = HashMap::new();
        let mut path: Vec<(u64, Vec<State>)> = vec![(0, protocol.init_states())];
        while let Some((hash, open)) = path.last_mut() {
            let Some(state) = open.pop() else {
                on_path.insert(*hash, false);
                path.pop();
                continue;
            };
            let hash = hashed(&state);
            match on_path.get(&hash) {
                Some(true) => panic!("{scenario:?} comes back to {state:#?}"),
                Some(false) => {}
                None => {
                    on_path.insert(hash, true);
                    path.push((hash, protocol.next_states(&state)));
                }
            }
        }
        assert!(on_path.len() > 1_000, "searched too little");
    }
}

fn hashed(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
