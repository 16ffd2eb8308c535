//! Schedules whose slot has come. However many slots were missed, one run begins.

use domain::{CatchUp, Classify, ErrorKind, RunKind, SkipReason, kinds::codebase_scan};
use jiff::{SignedDuration, Timestamp};
use schedule::{Due, Schedule, ScheduleError};
use store::{
    Session, Tx, codebase_scans,
    outbox::Unsent,
    runs::NewRun,
    scan_schedules::{self, DueSlot, Outcome, Taken},
};

use crate::{
    Error, Round,
    slots::{self, Owner},
};

/// How many slots are looked up at once.
const BATCH: i32 = 100;
/// A slot that is noticed later than this was missed. A sweep comes every minute, and one or two
/// may fail.
const LATE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Begins a scan for every schedule whose slot has come by the database's clock.
pub(crate) async fn sweep(round: &mut Round<'_>) -> Result<u64, Error> {
    let mut session = round.deps.session().await?;
    let tx = session.begin_unscoped().await?;
    let now = tx.clock().await?;
    tx.commit().await?;
    drop(session);
    sweep_at(round, now).await
}

/// The same, by any clock.
pub(crate) async fn sweep_at(round: &mut Round<'_>, now: Timestamp) -> Result<u64, Error> {
    let mut session = round.deps.session().await?;
    let mut started = 0;
    loop {
        let tx = session.begin_unscoped().await?;
        let due = tx.due_scan_schedules(now, BATCH).await?;
        tx.commit().await?;

        let mut settled = 0;
        for slot in &due {
            if round.is_over() {
                return Ok(started);
            }
            match settle(&mut session, slot, now).await {
                Ok(Settled::ByOthers) => {}
                Ok(Settled::Skipped) => settled += 1,
                Ok(Settled::Begun(unsent)) => {
                    settled += 1;
                    started += 1;
                    slots::announce(round, &mut session, &unsent).await?;
                }
                // One schedule that cannot be run does not keep the others from it.
                Err(error) if error.kind() == ErrorKind::Bug => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, schedule.id = %slot.schedule, "a slot was not settled");
                }
                Err(error) => return Err(error),
            }
        }
        // What is left is in other hands, or in none.
        if settled == 0 || due.len() < BATCH as usize {
            return Ok(started);
        }
    }
}

enum Settled {
    /// Someone else has taken the slot, or nobody wants it any more.
    ByOthers,
    Skipped,
    Begun(Unsent),
}

/// Decides about one slot, and writes the decision, the run and the next slot down together.
async fn settle(session: &mut Session, slot: &DueSlot, now: Timestamp) -> Result<Settled, Error> {
    let tx = session.begin(slot.org).await?;
    let Some(taken) = scan_schedules::take_slot(&tx, slot).await? else {
        return Ok(Settled::ByOthers);
    };
    let id = slot.schedule;
    let schedule = match read(&taken) {
        Ok(schedule) => schedule,
        Err(error) => {
            // It was read when it was written: the zone may have left the database since.
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, schedule.id = %id, "a schedule is not run any more");
            let outcome = Outcome::Skipped(SkipReason::Unreadable);
            scan_schedules::settle_slot(&tx, id, slot.due_at, outcome, None).await?;
            tx.commit().await?;
            return Ok(Settled::Skipped);
        }
    };
    let due = schedule.due(slot.due_at, now);
    let outcome = decide(&taken, due, now);
    let next = schedule.next_after(now);
    scan_schedules::settle_slot(&tx, id, due.latest, outcome, next).await?;
    let unsent = match outcome {
        Outcome::Run => begin(&tx, &taken, due).await?,
        Outcome::Skipped(_) => None,
    };
    tx.commit().await?;
    tell(&taken, due, outcome);
    Ok(unsent.map_or(Settled::Skipped, Settled::Begun))
}

fn read(taken: &Taken) -> Result<Schedule, ScheduleError> {
    Schedule::parse(&taken.schedule.expression, &taken.schedule.time_zone)
}

fn decide(taken: &Taken, due: Due, now: Timestamp) -> Outcome {
    let late = due.latest + LATE_MAX < now;
    if taken.open_run.is_some() {
        Outcome::Skipped(SkipReason::Overlap)
    } else if late && taken.schedule.catch_up == CatchUp::Skip {
        Outcome::Skipped(SkipReason::Late)
    } else {
        Outcome::Run
    }
}

async fn begin(tx: &Tx<'_>, taken: &Taken, due: Due) -> Result<Option<Unsent>, Error> {
    let schedule = &taken.schedule;
    let owner =
        Owner { org: schedule.org, project: taken.project, repository: schedule.repository };
    let input = codebase_scan::Input {
        branch: Some(schedule.branch.clone()),
        shards: None,
        fire_at: Some(due.latest),
        missed: due.missed,
    };
    let input = serde_json::to_value(input).map_err(Error::Input)?;
    let key = format!("schedule:{}:{}", schedule.id, due.latest);
    let run = NewRun {
        git_ref: Some(format!("refs/heads/{}", schedule.branch)),
        schedule: Some(schedule.id),
        ..slots::run(owner, RunKind::CodebaseScan, key, input)
    };
    let unsent = slots::write_down(tx, &run).await?;
    if unsent.is_some() {
        codebase_scans::request(tx, run.id).await?;
    }
    Ok(unsent)
}

fn tell(taken: &Taken, due: Due, outcome: Outcome) {
    let Taken { schedule, open_run, .. } = taken;
    let (org, id, slot, missed) = (schedule.org, schedule.id, due.latest, due.missed);
    if missed > 0 {
        startup::count("assay.schedules.missed", u64::from(missed), &[]);
    }
    match outcome {
        Outcome::Run => {
            tracing::info!(org.id = %org, schedule.id = %id, %slot, missed, "a slot has its run");
        }
        Outcome::Skipped(reason) => {
            let open = open_run.map(tracing::field::display);
            tracing::warn!(
                org.id = %org, schedule.id = %id, %slot, missed, %reason, open_run.id = open,
                "a slot was skipped"
            );
        }
    }
}
