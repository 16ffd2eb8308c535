//! What there is: rows of the database, messages under way, and what each worker knows.

/// Of `store::runs::CLAIMS_MAX`, as small as can be searched to the end.
pub(super) const CLAIMS_MAX: u8 = 2;
pub(super) const WORKERS: usize = 2;
/// As many requests that decide on an approval at the same moment.
pub(super) const DECIDERS: usize = 2;
/// One more than a run may be claimed in vain: waiting must not count as that.
pub(super) const POLLS: u8 = CLAIMS_MAX + 1;
/// No kind in the model has more steps.
pub(super) const STEPS_MAX: usize = 3;

/// What a step does, as `domain::StepKind` and `engine::Worker::prepare` tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Writes to the database, beside its row.
    Effect,
    /// Calls out with the key `origin_id:step_id` and then writes its row.
    Call,
    /// Looks [`POLLS`] times whether something outside has come true, and parks in between.
    Poll,
    /// Parks until someone has decided on the plan.
    Ask,
    /// Calls out to do what was approved.
    Act,
    /// Makes the child runs.
    FanOut,
    /// Parks until all child runs are over.
    Join,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Status {
    /// A child that its parent has not made yet: there is no row.
    Unborn,
    Queued,
    Running,
    Waiting,
    Succeeded,
    Failed,
    Canceled,
}

impl Status {
    pub(super) fn is_over(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Canceled => true,
            Self::Unborn | Self::Queued | Self::Running | Self::Waiting => false,
        }
    }
}

/// Column `waiting_for`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum WaitingFor {
    Nothing,
    Approval,
    Children,
    Timer,
}

/// What is to be done, as the hash of an approval binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Plan {
    Asked,
    Edited,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Approval {
    None,
    Pending,
    Approved(Plan),
    Rejected,
    Expired,
    Canceled,
}

/// The message that tells of a run's ending, which nothing but the outbox remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Notice {
    None,
    InOutbox,
    Sent,
}

/// A row of `runs` with all that hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    pub(super) status: Status,
    pub(super) token: u8,
    /// Whether `leased_until` lies ahead.
    pub(super) leased: bool,
    /// Whether `wake_at` has come, or is not set.
    pub(super) due: bool,
    pub(super) claims: u8,
    pub(super) waiting_for: WaitingFor,
    /// Rows of `run_steps`, which are made in order.
    pub(super) rows: u8,
    /// How often something outside was asked whether it has come true.
    pub(super) polls: u8,
    pub(super) approval: Approval,
    /// Messages that ask for this run: written down, and in the queue.
    pub(super) outbox: u8,
    pub(super) messages: u8,
    pub(super) notice: Notice,

    // What an observer counts. No action asks for it.
    /// How often each step has changed the world: the database, or another service.
    pub(super) effects: [u8; STEPS_MAX],
    /// What `Step::Act` did.
    pub(super) acted: Option<Plan>,
    pub(super) decisions: u8,
    /// Leases that ran out, and troubles that passed, since the last finished step.
    pub(super) setbacks: u8,
    pub(super) given_up: bool,
}

impl Run {
    /// What intake leaves: committed, and its message sent.
    pub(super) fn requested() -> Self {
        Self { messages: 1, ..Self::written_down() }
    }

    /// Committed, and its message not sent yet.
    pub(super) fn written_down() -> Self {
        Self {
            status: Status::Queued,
            token: 0,
            leased: false,
            due: true,
            claims: 0,
            waiting_for: WaitingFor::Nothing,
            rows: 0,
            polls: 0,
            approval: Approval::None,
            outbox: 1,
            messages: 0,
            notice: Notice::None,
            effects: [0; STEPS_MAX],
            acted: None,
            decisions: 0,
            setbacks: 0,
            given_up: false,
        }
    }

    pub(super) fn unborn() -> Self {
        Self { status: Status::Unborn, outbox: 0, ..Self::written_down() }
    }

    pub(super) fn has_row(&self, step: usize) -> bool {
        usize::from(self.rows) > step
    }
}

/// A worker that holds, or believes to hold, a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hold {
    pub(super) run: usize,
    pub(super) token: u8,
    pub(super) step: usize,
    /// The plan that `Step::Act` carries out, as it was read with the approval.
    pub(super) plan: Option<Plan>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Worker {
    Idle,
    /// In `prepare`.
    Prepares(Hold),
    /// Has called out; its row is still to be written.
    Called(Hold),
    /// Has committed, and is about to send what it wrote down. Then comes the next step, if any.
    Sends {
        run: usize,
        next: Option<Hold>,
    },
    /// Only with [`super::Mutation::EffectApartFromRow`]: between the two commits.
    Halfway(Hold),
    /// Only with [`super::Mutation::ParkWithoutRecheck`]: saw children that are not over.
    SawOpenChildren(Hold),
    /// Only with [`super::Mutation::EndWithoutParentLock`]: saw whether its siblings are over.
    SawSiblings {
        hold: Hold,
        over: bool,
    },
}

/// Faults that may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Faults {
    /// A worker vanishes.
    pub(super) crashes: u8,
    /// The queue loses a message, or gives it up to the dead-letter queue.
    pub(super) drops: u8,
    /// The queue delivers a message twice.
    pub(super) duplicates: u8,
    /// A lease runs out while its worker lives.
    pub(super) stalls: u8,
    /// A step fails in a way that passes.
    pub(super) troubles: u8,
    /// A step fails for good.
    pub(super) failures: u8,
    /// Someone cancels.
    pub(super) cancels: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) runs: Vec<Run>,
    pub(super) workers: [Worker; WORKERS],
    /// Only with [`super::Mutation::DecideWithoutLock`]: requests that saw a pending approval.
    pub(super) deciders: [bool; DECIDERS],
    pub(super) left: Faults,

    // What an observer notes by comparing a state with the one before.
    pub(super) left_an_ending: bool,
    pub(super) took_a_live_lease: bool,
    pub(super) took_a_sleeper: bool,
}
