//! A scheduler that looks every minute, but for the hours when there was none.

use domain::{
    CatchUp::{self, Latest, Skip},
    SkipReason,
};
use jiff::SignedDuration;

use super::{Begun, Place, at};

struct Case {
    name: &'static str,
    expression: &'static str,
    zone: &'static str,
    catch_up: CatchUp,
    /// The schedule is made at the first moment, and watched until the last one.
    from: &'static str,
    to: &'static str,
    /// No scheduler from the first moment until just before the second one.
    outage: Option<(&'static str, &'static str)>,
    /// The slots that have runs, and what each run says of the slots before it.
    runs: &'static [(&'static str, u64)],
    /// The newest slot that has none.
    skipped: Option<&'static str>,
}

const MORNING: (&str, &str) = ("2026-11-20T08:30Z", "2026-11-20T14:30Z");
const THREE_HOURS: Option<(&str, &str)> = Some(("2026-11-20T09:50Z", "2026-11-20T12:50Z"));

const fn outage(
    name: &'static str,
    expression: &'static str,
    catch_up: CatchUp,
    runs: &'static [(&'static str, u64)],
    skipped: Option<&'static str>,
) -> Case {
    let (from, to) = MORNING;
    Case { name, expression, zone: "UTC", catch_up, from, to, outage: THREE_HOURS, runs, skipped }
}

#[rustfmt::skip]
const OUTAGES: &[Case] = &[
    outage("hourly: the newest of three, once", "0 * * * *", Latest,
        &[("2026-11-20T09:00Z", 0), ("2026-11-20T12:00Z", 2), ("2026-11-20T13:00Z", 0),
          ("2026-11-20T14:00Z", 0)], None),
    outage("hourly, not to be caught up with", "0 * * * *", Skip,
        &[("2026-11-20T09:00Z", 0), ("2026-11-20T13:00Z", 0), ("2026-11-20T14:00Z", 0)],
        Some("2026-11-20T12:00Z")),
    outage("daily, in the outage", "0 11 * * *", Latest, &[("2026-11-20T11:00Z", 0)], None),
    outage("daily, in the outage, not to be caught up with", "0 11 * * *", Skip,
        &[], Some("2026-11-20T11:00Z")),
    outage("daily, before it", "45 9 * * *", Latest, &[("2026-11-20T09:45Z", 0)], None),
    outage("daily, when it begins", "50 9 * * *", Latest, &[("2026-11-20T09:50Z", 0)], None),
    outage("daily, when it ends", "50 12 * * *", Skip, &[("2026-11-20T12:50Z", 0)], None),
    outage("daily, tomorrow", "0 8 * * *", Latest, &[], None),
    Case {
        from: "2026-11-20T09:40Z", to: "2026-11-20T13:02Z",
        ..outage("every five minutes: 37 slots are one run", "*/5 * * * *", Latest,
            &[("2026-11-20T09:45Z", 0), ("2026-11-20T12:50Z", 36), ("2026-11-20T12:55Z", 0),
              ("2026-11-20T13:00Z", 0)], None)
    },
    Case {
        from: "2026-11-20T09:40Z", to: "2026-11-20T13:02Z",
        outage: Some(("2026-11-20T09:50Z", "2026-11-20T12:52Z")),
        ..outage("every five minutes, the newest is not late yet", "*/5 * * * *", Skip,
            &[("2026-11-20T09:45Z", 0), ("2026-11-20T12:50Z", 36), ("2026-11-20T12:55Z", 0),
              ("2026-11-20T13:00Z", 0)], None)
    },
];

const fn change(
    name: &'static str,
    expression: &'static str,
    zone: &'static str,
    (from, to): (&'static str, &'static str),
    runs: &'static [(&'static str, u64)],
) -> Case {
    Case { name, expression, zone, catch_up: Latest, from, to, outage: None, runs, skipped: None }
}

const BERLIN_SPRING: (&str, &str) = ("2026-03-28T23:00Z", "2026-03-29T04:00Z");
const BERLIN_AUTUMN: (&str, &str) = ("2026-10-24T22:30Z", "2026-10-25T03:30Z");
const NEW_YORK_SPRING: (&str, &str) = ("2026-03-08T05:30Z", "2026-03-08T09:30Z");
const NEW_YORK_AUTUMN: (&str, &str) = ("2026-11-01T04:30Z", "2026-11-01T08:30Z");
const LORD_HOWE_SPRING: (&str, &str) = ("2026-10-03T14:30Z", "2026-10-03T17:00Z");
const LORD_HOWE_AUTUMN: (&str, &str) = ("2026-04-04T14:00Z", "2026-04-04T16:40Z");

#[rustfmt::skip]
const CHANGES: &[Case] = &[
    change("02:30 does not exist: at 03:00", "30 2 * * *", "Europe/Berlin", BERLIN_SPRING,
        &[("2026-03-29T01:00Z", 0)]),
    change("both 02:00 and 02:30 do not exist: one run", "0,30 2 * * *", "Europe/Berlin",
        BERLIN_SPRING, &[("2026-03-29T01:00Z", 0)]),
    change("hourly in spring: as time passes", "0 * * * *", "Europe/Berlin", BERLIN_SPRING,
        &[("2026-03-29T00:00Z", 0), ("2026-03-29T01:00Z", 0), ("2026-03-29T02:00Z", 0),
          ("2026-03-29T03:00Z", 0), ("2026-03-29T04:00Z", 0)]),
    change("02:30 exists twice: the first time", "30 2 * * *", "Europe/Berlin", BERLIN_AUTUMN,
        &[("2026-10-25T00:30Z", 0)]),
    change("hourly in autumn: as time passes", "0 * * * *", "Europe/Berlin", BERLIN_AUTUMN,
        &[("2026-10-24T23:00Z", 0), ("2026-10-25T00:00Z", 0), ("2026-10-25T01:00Z", 0),
          ("2026-10-25T02:00Z", 0), ("2026-10-25T03:00Z", 0)]),
    change("New York, spring", "30 2 * * *", "America/New_York", NEW_YORK_SPRING,
        &[("2026-03-08T07:00Z", 0)]),
    change("New York, autumn", "30 1 * * *", "America/New_York", NEW_YORK_AUTUMN,
        &[("2026-11-01T05:30Z", 0)]),
    change("half an hour is skipped: 02:15 at 02:30", "15 2 * * *", "Australia/Lord_Howe",
        LORD_HOWE_SPRING, &[("2026-10-03T15:30Z", 0)]),
    change("half an hour is repeated: 01:45 once", "45 1 * * *", "Australia/Lord_Howe",
        LORD_HOWE_AUTUMN, &[("2026-04-04T14:45Z", 0)]),
    change("half an hour is repeated: every fifteen minutes", "*/15 1 * * *",
        "Australia/Lord_Howe", LORD_HOWE_AUTUMN,
        &[("2026-04-04T14:15Z", 0), ("2026-04-04T14:30Z", 0), ("2026-04-04T14:45Z", 0),
          ("2026-04-04T15:00Z", 0), ("2026-04-04T15:15Z", 0)]),
    change("no change in Kolkata", "30 2 * * *", "Asia/Kolkata",
        ("2026-03-28T20:00Z", "2026-03-28T22:00Z"), &[("2026-03-28T21:00Z", 0)]),
    change("nor by UTC", "30 2 * * *", "UTC", ("2026-03-29T01:00Z", "2026-03-29T04:00Z"),
        &[("2026-03-29T02:30Z", 0)]),
    Case {
        outage: Some(("2026-03-28T23:30Z", "2026-03-29T02:30Z")),
        ..change("an outage across the gap: the slot that the clocks skipped is caught up with",
            "30 2 * * *", "Europe/Berlin", BERLIN_SPRING, &[("2026-03-29T01:00Z", 0)])
    },
    Case {
        outage: Some(("2026-10-25T00:10Z", "2026-10-25T03:10Z")),
        ..change("an outage across the repeated hour: it counts twice in what was missed",
            "*/30 * * * *", "Europe/Berlin", BERLIN_AUTUMN,
            &[("2026-10-24T23:00Z", 0), ("2026-10-24T23:30Z", 0), ("2026-10-25T00:00Z", 0),
              ("2026-10-25T03:00Z", 5), ("2026-10-25T03:30Z", 0)])
    },
    Case {
        outage: Some(("2026-10-25T00:10Z", "2026-10-25T03:10Z")),
        ..change("an outage across the repeated hour: once", "30 2 * * *", "Europe/Berlin",
            BERLIN_AUTUMN, &[("2026-10-25T00:30Z", 0)])
    },
];

/// Looks every minute at a clock that runs from the case's first moment to its last.
async fn watch(case: &Case) {
    let place = Place::new().await;
    let id = place.schedule(case.expression, case.zone, case.catch_up, at(case.from)).await;
    let outage = case.outage.map(|(first, last)| at(first)..at(last));
    let mut now = at(case.from);
    while now < at(case.to) {
        now += SignedDuration::from_mins(1);
        if outage.as_ref().is_some_and(|outage| outage.contains(&now)) {
            continue;
        }
        if place.tick(now).await > 0 {
            place.finish_runs().await;
        }
        let next = place.stored(id).await.next_run_at.expect("there is always a next one");
        assert!(next > now, "{}: at {now} the slot {next} is not taken", case.name);
    }
    let expected: Vec<Begun> =
        case.runs.iter().map(|(slot, missed)| Begun { slot: at(slot), missed: *missed }).collect();
    assert_eq!(place.begun(id).await, expected, "{}", case.name);
    let stored = place.stored(id).await;
    assert_eq!(stored.last_run_at, expected.last().map(|run| run.slot), "{}", case.name);
    let skipped = case.skipped.map(|slot| (at(slot), SkipReason::Late));
    assert_eq!(stored.last_skipped, skipped, "{}", case.name);
}

#[tokio::test]
async fn three_hours_without_a_scheduler() {
    for case in OUTAGES {
        watch(case).await;
    }
}

#[tokio::test]
async fn days_whose_clocks_are_changed() {
    for case in CHANGES {
        watch(case).await;
    }
}
