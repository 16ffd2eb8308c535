//! What can happen.

use super::state::Approval;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// The queue delivers a message of a run: `store::runs::claim`.
    Deliver {
        worker: usize,
        run: usize,
    },
    /// `engine::Worker::prepare` calls another service.
    CallOut {
        worker: usize,
    },
    /// `store::runs::fence`, the effects, `store::run_steps::finish`, the outbox, one commit.
    Commit {
        worker: usize,
    },
    /// `queue::Sender::send` of what was committed, confirmed.
    Send {
        worker: usize,
    },
    /// The same, not confirmed.
    FailToSend {
        worker: usize,
    },
    /// The step failed in a way that passes: `store::runs::retry_later`.
    GiveBack {
        worker: usize,
    },
    /// The step failed for good: `store::runs::fail`.
    Fail {
        worker: usize,
    },
    /// Only with [`super::Mutation::ParkWithoutRecheck`]: the second of its two transactions.
    Park {
        worker: usize,
    },
    Crash {
        worker: usize,
    },
    /// The database's clock passes `leased_until`.
    Expire {
        run: usize,
    },
    /// The database's clock passes `wake_at`.
    Due {
        run: usize,
    },
    /// The queue loses a message.
    Drop {
        run: usize,
    },
    /// The queue delivers a message twice.
    Double {
        run: usize,
    },
    /// The scheduler sends what stands in the outbox: `take_due_outbox`.
    SweepOutbox {
        run: usize,
    },
    /// The scheduler tells of an ending: the same.
    SweepNotice {
        run: usize,
    },
    /// The scheduler asks for a run that nobody works on: `runs_to_wake`.
    SweepRun {
        run: usize,
    },
    /// `store::approvals::decide`: approved, as it is or edited, or rejected.
    Decide {
        run: usize,
        decision: Approval,
    },
    /// Only with [`super::Mutation::DecideWithoutLock`]: the first of its two transactions.
    LookAtApproval {
        decider: usize,
    },
    /// Only with [`super::Mutation::DecideWithoutLock`]: the second.
    DecideBlindly {
        decider: usize,
        decision: Approval,
    },
    /// `store::runs::cancel`, with all descendants.
    Cancel {
        run: usize,
    },
}

impl Action {
    /// Whether it is sure to happen some day. Faults and people's decisions need not.
    pub(super) fn is_sure(self) -> bool {
        match self {
            Self::Deliver { .. }
            | Self::CallOut { .. }
            | Self::Commit { .. }
            | Self::Send { .. }
            | Self::Park { .. }
            | Self::Expire { .. }
            | Self::Due { .. }
            | Self::SweepOutbox { .. }
            | Self::SweepNotice { .. }
            | Self::SweepRun { .. } => true,
            Self::FailToSend { .. }
            | Self::GiveBack { .. }
            | Self::Fail { .. }
            | Self::Crash { .. }
            | Self::Drop { .. }
            | Self::Double { .. }
            | Self::Decide { .. }
            | Self::LookAtApproval { .. }
            | Self::DecideBlindly { .. }
            | Self::Cancel { .. } => false,
        }
    }
}
