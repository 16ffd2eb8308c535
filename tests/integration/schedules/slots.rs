//! One slot at a time: who may take it, and what keeps a schedule from being run.

use domain::{CatchUp, ScanScheduleId, SkipReason};
use store::scan_schedules::{self, DueSlot};

use super::{Begun, Place, at};

const MADE: &str = "2026-11-20T08:30Z";
const NINE: &str = "2026-11-20T09:00Z";
const TEN: &str = "2026-11-20T10:00Z";

impl Place {
    async fn hourly(&self) -> ScanScheduleId {
        self.schedule("@hourly", "UTC", CatchUp::Latest, at(MADE)).await
    }
}

#[tokio::test]
async fn a_slot_is_run_when_it_comes_and_never_again() {
    let place = Place::new().await;
    let id = place.hourly().await;
    assert_eq!(place.tick(at("2026-11-20T08:59:59.999999Z")).await, 0, "not before its time");
    assert_eq!(place.tick(at(NINE)).await, 1);
    assert_eq!(place.tick(at(NINE)).await, 0);
    assert_eq!(place.stored(id).await.next_run_at, Some(at(TEN)));

    // Someone sets the clock back: the slot has its run already.
    place.finish_runs().await;
    place.change(&format!("UPDATE scan_schedules SET next_run_at = '{NINE}'")).await;
    assert_eq!(place.tick(at(NINE)).await, 0);
    assert_eq!(place.begun(id).await, [Begun { slot: at(NINE), missed: 0 }]);
    assert_eq!(place.stored(id).await.next_run_at, Some(at(TEN)));
}

#[tokio::test]
async fn while_a_run_is_open_slots_are_skipped_and_said_to_be() {
    let place = Place::new().await;
    let id = place.hourly().await;
    assert_eq!(place.tick(at(NINE)).await, 1);
    for (status, slot) in [
        ("queued", "2026-11-20T10:00Z"),
        ("running", "2026-11-20T11:00Z"),
        ("waiting", "2026-11-20T12:00Z"),
    ] {
        let waits = if status == "waiting" { "'children'" } else { "NULL" };
        place.change(&format!("UPDATE runs SET status = '{status}', waiting_for = {waits}")).await;
        assert_eq!(place.tick(at(slot)).await, 0, "{status}");
        let stored = place.stored(id).await;
        assert_eq!(stored.last_skipped, Some((at(slot), SkipReason::Overlap)), "{status}");
        assert_eq!(stored.last_run_at, Some(at(NINE)));
        assert!(stored.next_run_at.unwrap() > at(slot), "it is not tried again every minute");
    }
    place
        .change(
            "UPDATE runs SET status = 'failed', error_code = 'unknown_error', waiting_for = NULL,
                             finished_at = now()",
        )
        .await;
    assert_eq!(place.tick(at("2026-11-20T13:00Z")).await, 1, "an ended run is in nobody's way");
    let slots: Vec<_> = place.begun(id).await.into_iter().map(|run| run.slot).collect();
    assert_eq!(slots, [at(NINE), at("2026-11-20T13:00Z")]);
}

#[tokio::test]
async fn a_run_that_the_schedule_did_not_begin_is_not_in_its_way() {
    let place = Place::new().await;
    let id = place.hourly().await;
    let other = place.hourly().await;
    assert_eq!(place.tick(at(NINE)).await, 2, "two schedules of one branch, two runs");
    place.change(&format!("UPDATE runs SET schedule_id = NULL WHERE schedule_id = '{id}'")).await;
    assert_eq!(place.tick(at(TEN)).await, 1);
    assert_eq!(place.begun(id).await, [Begun { slot: at(TEN), missed: 0 }]);
    assert_eq!(place.stored(other).await.last_skipped, Some((at(TEN), SkipReason::Overlap)));
}

#[tokio::test]
async fn what_nobody_wants_is_not_run_and_caught_up_with_once_it_is_wanted_again() {
    let unwanted = [
        ("scan_schedules SET enabled = false", "scan_schedules SET enabled = true"),
        ("repositories SET enabled = false", "repositories SET enabled = true"),
        ("repositories SET archived_at = now()", "repositories SET archived_at = NULL"),
        ("installations SET suspended_at = now()", "installations SET suspended_at = NULL"),
        ("installations SET deleted_at = now()", "installations SET deleted_at = NULL"),
    ];
    for (unwanted, wanted) in unwanted {
        let place = Place::new().await;
        place
            .change(&format!(
                "WITH made AS (
                     INSERT INTO installations (org_id, github_installation_id, account_type,
                                                account_login)
                     VALUES ('{}', 1, 'Organization', 'acme') RETURNING id)
                 UPDATE repositories SET installation_id = made.id FROM made",
                place.org
            ))
            .await;
        let id = place.hourly().await;
        place.change(&format!("UPDATE {unwanted}")).await;
        for slot in [NINE, TEN, "2026-11-20T11:00Z"] {
            assert_eq!(place.tick(at(slot)).await, 0, "{unwanted}");
        }
        place.change(&format!("UPDATE {wanted}")).await;
        assert_eq!(place.tick(at("2026-11-20T11:20Z")).await, 1, "the control: {wanted}");
        let newest = Begun { slot: at("2026-11-20T11:00Z"), missed: 2 };
        assert_eq!(place.begun(id).await, [newest], "{unwanted}");
    }
}

#[tokio::test]
async fn with_a_schedule_or_its_repository_its_slots_are_gone() {
    for (gone, runs_left) in [("scan_schedules", 1), ("repositories", 0)] {
        let place = Place::new().await;
        place.hourly().await;
        assert_eq!(place.tick(at(NINE)).await, 1);
        place.finish_runs().await;
        place.change(&format!("DELETE FROM {gone}")).await;
        assert_eq!(place.tick(at(TEN)).await, 0, "{gone}");
        assert_eq!(place.count("runs").await, runs_left, "{gone}");
        assert_eq!(place.count("scan_schedules").await, 0);
    }
}

#[tokio::test]
async fn a_schedule_that_someone_is_changing_waits_and_is_run_as_changed() {
    let place = Place::new().await;
    let id = place.hourly().await;
    let mut session = place.functions.session().await.unwrap();
    let editing = session.begin(place.org).await.unwrap();
    let row = scan_schedules::find_locked(&editing, id).await.unwrap().unwrap();
    let settings = scan_schedules::Settings {
        branch: "stable",
        expression: "30 * * * *",
        time_zone: "UTC",
        enabled: true,
        catch_up: row.catch_up,
        next_run_at: Some(at("2026-11-20T09:30Z")),
    };
    scan_schedules::update(&editing, id, &settings).await.unwrap();
    // It does not wait for the editor, and does not decide by what is about to be gone.
    assert_eq!(place.tick(at(NINE)).await, 0);
    editing.commit().await.unwrap();
    assert_eq!(place.tick(at(NINE)).await, 0, "nine is no slot any more");
    assert_eq!(place.tick(at("2026-11-20T09:30Z")).await, 1);
    let refs = "runs WHERE ref = 'refs/heads/stable' AND input ->> 'branch' = 'stable'";
    assert_eq!(place.count(refs).await, 1);
}

#[tokio::test]
async fn a_slot_that_was_seen_but_is_no_more_is_not_taken() {
    let changes = [
        "next_run_at = '2026-11-20T10:00Z'",
        "next_run_at = NULL",
        "enabled = false",
        "enabled = true",
    ];
    for change in changes {
        let place = Place::new().await;
        let id = place.hourly().await;
        let mut session = place.functions.session().await.unwrap();
        let tx = session.begin_unscoped().await.unwrap();
        let due: Vec<DueSlot> = tx.due_scan_schedules(at(NINE), 10).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(due.len(), 1);
        place.change(&format!("UPDATE scan_schedules SET {change}")).await;
        let tx = session.begin(place.org).await.unwrap();
        let taken = scan_schedules::take_slot(&tx, &due[0]).await.unwrap();
        assert_eq!(taken.is_some(), change == "enabled = true", "{change} of {id}");
    }
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_says_so_and_keeps_none_from_its_run() {
    let place = Place::new().await;
    let broken = place.hourly().await;
    let fine = place.hourly().await;
    place
        .change(&format!(
            "UPDATE scan_schedules SET time_zone = 'Mars/Olympus_Mons' WHERE id = '{broken}'"
        ))
        .await;
    assert_eq!(place.tick(at(NINE)).await, 1);
    assert_eq!(place.begun(fine).await.len(), 1);
    let stored = place.stored(broken).await;
    assert_eq!(stored.last_skipped, Some((at(NINE), SkipReason::Unreadable)));
    assert_eq!(stored.next_run_at, None, "it is not read again every minute");
}

#[tokio::test]
async fn another_organisation_sees_nothing_of_a_schedule() {
    let place = Place::new().await;
    let id = place.hourly().await;
    let stranger = place.database.organization("stranger").await;
    let mut session = place.functions.session().await.unwrap();
    let tx = session.begin(stranger).await.unwrap();
    assert!(scan_schedules::find(&tx, id).await.unwrap().is_none());
    assert!(!scan_schedules::delete(&tx, id).await.unwrap());
    let slot = DueSlot { org: stranger, schedule: id, due_at: at(NINE) };
    assert!(scan_schedules::take_slot(&tx, &slot).await.unwrap().is_none());
}
