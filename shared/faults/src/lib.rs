//! Where the fault suite may strike, and which rules it may break to see that it would notice.
//!
//! Without the feature `on` a [`point`] is nothing and no rule is ever [`mutated`], so what is
//! deployed holds no trace of either. With it, a plan says what happens where: the process kills
//! itself, or freezes as a function does between two invocations.

#[cfg(feature = "on")]
mod plan;

#[cfg(feature = "on")]
pub use plan::{Effect, Fault, InstallError, Plan, When, install, mutated, point};

/// Every named point, so that a test run can say which of them it has passed.
pub const POINTS: &[&str] = &[
    "intake.before_commit",
    "intake.after_commit",
    "intake.after_send",
    "claim.before_commit",
    "claim.after_commit",
    "step.prepared",
    "step.fenced",
    "step.effects_written",
    "step.before_commit",
    "step.after_commit",
    "step.after_send",
    "park.before_commit",
    "park.after_commit",
    "retry.before_commit",
    "retry.after_commit",
    "hand_on.before_commit",
    "hand_on.after_commit",
    "finish.before_commit",
    "finish.after_commit",
    "fail.before_commit",
    "fail.after_commit",
    "sweep.outbox_taken",
    "sweep.outbox_sent",
    "sweep.outbox_settled",
    "sweep.wake_read",
    "sweep.wake_sent",
    "sweep.schedule_taken",
    "approve.before_commit",
    "approve.after_commit",
];

/// A rule of the protocol that is broken on purpose: the suite has to go red.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "on", derive(serde::Serialize, serde::Deserialize))]
pub enum Mutation {
    /// A worker whose lease was taken over still writes.
    NoFence,
    /// An outbox row is deleted although the queue did not confirm its message.
    ForgetUnsent,
    /// A message is only sent after the commit, and never written down.
    NoOutbox,
    /// The scheduler sweeps nothing.
    NoSweep,
    /// A step's effects and its row are committed apart.
    EffectsApart,
    /// A COMMIT whose outcome is unknown is taken for done.
    TrustCommit,
    /// A claim takes a run whose lease is alive.
    ClaimAlways,
    /// A message that cannot be read fails its whole batch, again and again.
    FailBatch,
    /// A run may be claimed without progress for ever.
    NeverGiveUp,
    /// A pooled connection is asked whether it lives, without a limit on the wait.
    NoRecycleTimeout,
    /// A second connection is asked for while the only one is held.
    SecondSession,
    /// A message is acknowledged although the database could not be reached.
    AckUnavailable,
    /// A conflict in the database ends the run.
    FailOnConflict,
    /// An approval is decided without locking its run.
    DecideUnlocked,
}

/// Passes a named point.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub fn point(_: &'static str) {}

/// Whether this rule is broken.
#[cfg(not(feature = "on"))]
#[inline(always)]
pub fn mutated(_: Mutation) -> bool {
    false
}
