use proptest::prelude::*;

use super::*;

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Apia",
];

fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule::parse(expression, zone).unwrap_or_else(|error| panic!("{expression}: {error}"))
}

/// The first fires after a moment, as the zone's clocks show them.
fn fires(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = schedule(expression, zone);
    let after: Timestamp = after.parse().unwrap();
    let local = |fire| schedule.local(fire).strftime("%F %H:%M%:z").to_string();
    schedule.fires_after(after).take(count).map(local).collect()
}

#[test]
fn on_days_whose_clocks_are_changed() {
    let spring_berlin = "2026-03-28T12:00+01:00";
    let autumn_berlin = "2026-10-24T12:00+02:00";
    #[rustfmt::skip]
    let cases: &[(&str, &str, &str, &[&str])] = &[
        // 02:30 does not exist: the first moment after the gap.
        ("30 2 * * *", "Europe/Berlin", spring_berlin,
         &["2026-03-29 03:00+02:00", "2026-03-30 02:30+02:00"]),
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00-05:00",
         &["2026-03-08 03:00-04:00", "2026-03-09 02:30-04:00"]),
        // All times that the gap swallows make one fire, and it may be someone else's.
        ("0,30 2 * * *", "Europe/Berlin", spring_berlin,
         &["2026-03-29 03:00+02:00", "2026-03-30 02:00+02:00", "2026-03-30 02:30+02:00"]),
        ("30 2,3 * * *", "Europe/Berlin", spring_berlin,
         &["2026-03-29 03:00+02:00", "2026-03-29 03:30+02:00", "2026-03-30 02:30+02:00"]),
        // 02:30 exists twice: the first one.
        ("30 2 * * *", "Europe/Berlin", autumn_berlin,
         &["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00-04:00",
         &["2026-11-01 01:30-04:00", "2026-11-02 01:30-05:00"]),
        ("0 2,14 * * *", "Europe/Berlin", autumn_berlin,
         &["2026-10-24 14:00+02:00", "2026-10-25 02:00+02:00", "2026-10-25 14:00+01:00"]),
        // Asked for between the two, it has been.
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:10+01:00", &["2026-10-26 02:30+01:00"]),
        // Time that passes: the skipped hour is skipped, the repeated one counts.
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T01:15+01:00",
         &["2026-03-29 01:30+01:00", "2026-03-29 03:00+02:00", "2026-03-29 03:30+02:00"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T02:15+02:00",
         &["2026-10-25 02:30+02:00", "2026-10-25 02:00+01:00", "2026-10-25 02:30+01:00",
           "2026-10-25 03:00+01:00"]),
        ("@hourly", "America/New_York", "2026-11-01T00:30-04:00",
         &["2026-11-01 01:00-04:00", "2026-11-01 01:00-05:00", "2026-11-01 02:00-05:00"]),
        // Half an hour, at two in the morning.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00+10:30",
         &["2026-10-04 02:30+11:00", "2026-10-05 02:15+11:00"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00+11:00",
         &["2026-04-05 01:45+11:00", "2026-04-06 01:45+10:30"]),
        ("*/15 * * * *", "Australia/Lord_Howe", "2026-04-05T01:40+11:00",
         &["2026-04-05 01:45+11:00", "2026-04-05 01:30+10:30", "2026-04-05 01:45+10:30",
           "2026-04-05 02:00+10:30"]),
        // Midnight itself does not exist.
        ("0 0 * * *", "America/Santiago", "2026-09-05T12:00-04:00",
         &["2026-09-06 01:00-03:00", "2026-09-07 00:00-03:00"]),
        // A whole day does not.
        ("0 9 30 12 *", "Pacific/Apia", "2011-12-29T12:00-10:00", &["2011-12-31 00:00+14:00"]),
        // Clocks that are never changed.
        ("30 2 * * *", "Asia/Kolkata", "2026-03-28T12:00+05:30",
         &["2026-03-29 02:30+05:30", "2026-03-30 02:30+05:30"]),
        ("30 2 * * *", "UTC", "2026-10-24T12:00Z", &["2026-10-25 02:30+00:00"]),
    ];
    for (expression, zone, after, expected) in cases {
        let found = fires(expression, zone, after, expected.len());
        assert_eq!(found, *expected, "{expression} in {zone}");
    }
}

#[test]
fn the_dialect() {
    let sunday = "2026-03-01T00:00Z";
    let days = |expression: &str| -> Vec<String> {
        fires(expression, "UTC", sunday, 3).iter().map(|fire| fire[..16].to_owned()).collect()
    };
    #[rustfmt::skip]
    let cases = [
        // 1 is Monday; 0 and 7 are Sunday.
        ("0 9 * * 1", ["2026-03-02 09:00", "2026-03-09 09:00", "2026-03-16 09:00"]),
        ("0 9 * * 7", ["2026-03-01 09:00", "2026-03-08 09:00", "2026-03-15 09:00"]),
        ("0 9 * * fri-SUN", ["2026-03-01 09:00", "2026-03-06 09:00", "2026-03-07 09:00"]),
        // Either day is enough.
        ("0 9 1,15 * MON", ["2026-03-01 09:00", "2026-03-02 09:00", "2026-03-09 09:00"]),
        ("0 9 L * *", ["2026-03-31 09:00", "2026-04-30 09:00", "2026-05-31 09:00"]),
        ("0 9 LW * *", ["2026-03-31 09:00", "2026-04-30 09:00", "2026-05-29 09:00"]),
        ("0 9 15W * *", ["2026-03-16 09:00", "2026-04-15 09:00", "2026-05-15 09:00"]),
        ("0 9 * * 5L", ["2026-03-27 09:00", "2026-04-24 09:00", "2026-05-29 09:00"]),
        ("0 9 * * 5#3", ["2026-03-20 09:00", "2026-04-17 09:00", "2026-05-15 09:00"]),
        ("10-40/15 9 * mar *", ["2026-03-01 09:10", "2026-03-01 09:25", "2026-03-01 09:40"]),
        ("0 0 29 2 *", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("@weekly", ["2026-03-08 00:00", "2026-03-15 00:00", "2026-03-22 00:00"]),
        ("@Daily", ["2026-03-02 00:00", "2026-03-03 00:00", "2026-03-04 00:00"]),
    ];
    for (expression, expected) in cases {
        assert_eq!(days(expression), expected, "{expression}");
    }
}

#[test]
fn what_is_refused_says_where_and_what_to_write() {
    #[rustfmt::skip]
    let cases = [
        ("0 0 * *", "found 4 fields, expected 5: minute, hour, day of month, month, day of week"),
        ("0 18 ? * MON-FRI *", "seconds and years are not part of it"),
        ("0 0 1 * ?", "`?` is EventBridge's; write `*` in its place"),
        ("cron(0 10 * * ? *)", "write the five fields alone"),
        ("rate(5 minutes)", "write the five fields alone"),
        ("@noon", "`@noon` is not known; expected one of @hourly, @daily"),
        ("", "found 0 fields"),
        ("61 * * * *", "minute `61`: number out of bounds; expected 0-59"),
        ("0 25 * * *", "hour `25`: number out of bounds; expected 0-23"),
        ("0 0 32 * *", "day of month `32`"),
        ("0 0 * 13 *", "month `13`"),
        ("0 0 * * 8", "day of week `8`"),
        ("0 0 * * SAT-MON", "day of week `SAT-MON`: range out of bounds"),
        ("JAN 0 * * *", "minute `JAN`: `JAN` has no meaning here"),
        ("1MON 0 * * *", "minute `1MON`"),
        ("0 0 * 1FEB *", "month `1FEB`"),
        ("0 0,,6 * * *", "hour `0,,6`: an item of the list is empty"),
        ("0 0 * * ,", "an item of the list is empty"),
        ("0 0 * * L", "`L` needs the weekday whose last one is meant"),
        ("0 0 L,LW * *", "`L` and `LW` exclude each other"),
        ("0 0 1 * +MON", "day of week `+MON`: `+` has no meaning here"),
        ("5/15 * * * *", "minute `5/15`: invalid step syntax"),
        ("*/0 * * * *", "minute `*/0`: step cannot be zero"),
        ("0 0 * * ſun", "`ſ` has no meaning here"),
        ("0 0 31 2 *", "it never fires: no year has a day that `0 0 31 2 *` describes"),
        ("0 0 30-31 2 *", "it never fires"),
        ("* * * * *", "it fires at 00:00 and again 1 min later"),
        ("*/4 * * * *", "leave at least 5 min between two fires, as in `*/5 * * * *`"),
        ("58,1 * * * *", "it fires at 00:58 and again 3 min later"),
        ("0,58 0,23 * * *", "it fires at 23:58 and again 2 min later"),
    ];
    for (expression, expected) in cases {
        let error = Schedule::parse(expression, "UTC").expect_err(expression);
        assert!(error.to_string().contains(expected), "{expression}: {error}");
        assert_eq!(error.part(), Part::Expression, "{expression}");
    }
    let long = "0 0 * * ".to_owned() + &"1,".repeat(50) + "1";
    let error = Schedule::parse(&long, "UTC").unwrap_err();
    assert_eq!(error.to_string(), "it is longer than the 100 characters that are read");
}

#[test]
fn five_minutes_apart_is_often_enough() {
    for expression in
        ["*/5 * * * *", "58,3 * * * *", "58,1 3 * * *", "0 */1 * * *", "0-55/5 0 * * *"]
    {
        schedule(expression, "UTC");
    }
}

#[test]
fn an_unknown_zone_is_answered_with_its_neighbours() {
    let cases = [
        ("Europe/Berln", "did you mean Europe/Berlin"),
        ("Berlin", "did you mean Europe/Berlin"),
        ("new york", "did you mean America/New_York"),
        ("Mars/Olympus_Mons_Base", "expected a name such as Europe/Berlin, or UTC"),
        ("+02:00", "is not a zone of the IANA time zone database"),
        ("", "is not a zone of the IANA time zone database"),
    ];
    for (zone, expected) in cases {
        let error = Schedule::parse("@daily", zone).expect_err(zone);
        assert!(error.to_string().contains(expected), "{zone}: {error}");
        assert_eq!(error.part(), Part::Zone, "{zone}");
    }
    let error = Schedule::parse("@daily", &"x".repeat(65)).unwrap_err();
    assert_eq!(error.part(), Part::Zone, "{error}");
}

#[test]
fn what_is_kept_is_spelled_as_it_should_be() {
    let schedule = schedule("  0  9 * *  mon ", " europe/berlin ");
    assert_eq!((schedule.expression(), schedule.zone_name()), ("0 9 * * mon", "Europe/Berlin"));
}

#[test]
fn after_an_outage_the_newest_slot_is_due_and_the_others_are_counted() {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    #[rustfmt::skip]
    let cases = [
        // Expression, the oldest slot, now, the newest slot, how many before it.
        ("*/5 * * * *", "2026-03-01T09:00Z", "2026-03-01T09:00:30Z", "2026-03-01T09:00Z", 0),
        ("*/5 * * * *", "2026-03-01T09:00Z", "2026-03-01T12:00Z", "2026-03-01T12:00Z", 36),
        ("@hourly", "2026-03-01T09:00Z", "2026-03-01T12:10Z", "2026-03-01T12:00Z", 3),
        ("@daily", "2026-03-01T00:00Z", "2026-03-01T03:00Z", "2026-03-01T00:00Z", 0),
        // Years: counting ends, the newest is found all the same.
        ("*/5 * * * *", "2016-03-01T09:00Z", "2026-03-01T12:02Z", "2026-03-01T12:00Z", MISSED_COUNTED_MAX),
        ("*/5 0 1,15 * *", "1976-03-01T00:00Z", "2026-02-14T12:00Z", "2026-02-01T00:55Z", MISSED_COUNTED_MAX),
    ];
    for (expression, first, now, latest, missed) in cases {
        let due = schedule(expression, "UTC").due(at(first), at(now));
        assert_eq!(due, Due { latest: at(latest), missed }, "{expression} from {first}");
    }
}

/// Whether it fires at the start of this minute, found by looking at every clock face.
fn fires_at(schedule: &Schedule, minute: Timestamp) -> bool {
    let describes = |local: DateTime| schedule.cron.is_time_matching(&local).unwrap();
    let zone = &schedule.zone;
    let local = zone.to_datetime(minute);
    let shown_before = |local: DateTime| {
        let shown = zone.to_ambiguous_timestamp(local);
        shown.earlier().unwrap() < minute && matches!(shown.offset(), AmbiguousOffset::Fold { .. })
    };
    if schedule.times == Times::Passing {
        return describes(local);
    }
    // What the clocks skipped in getting here.
    let mut skipped = zone.to_datetime(minute - SignedDuration::from_mins(1));
    loop {
        skipped += SignedDuration::from_mins(1);
        if skipped >= local {
            break;
        }
        if describes(skipped) {
            return true;
        }
    }
    describes(local) && !shown_before(local)
}

#[test]
fn every_minute_around_a_change_agrees_with_looking_at_the_clock() {
    let changes = [
        "2026-03-29T01:00Z",
        "2026-10-25T01:00Z",
        "2026-03-08T07:00Z",
        "2026-11-01T06:00Z",
        "2026-10-03T15:30Z",
        "2026-04-04T15:00Z",
        "2026-09-06T04:00Z",
        "2026-04-05T03:00Z",
    ];
    let expressions = [
        "*/5 * * * *",
        "30 2 * * *",
        "0,30 2 * * *",
        "30 1 * * *",
        "0 0-6 * * *",
        "15,45 0-4 * * *",
        "0 */2 * * *",
        "*/10 1-3 * * *",
        "59 23 * * *",
        "0 0 * * 0",
        "45 1,2 * * SUN",
        "@hourly",
    ];
    let mut count = 0;
    for zone in ZONES {
        for expression in expressions {
            let schedule = schedule(expression, zone);
            for change in changes {
                let change: Timestamp = change.parse().unwrap();
                let (from, to) = (
                    change - SignedDuration::from_hours(6),
                    change + SignedDuration::from_hours(6),
                );
                let minutes = (1..=720).map(|minute| from + SignedDuration::from_mins(minute));
                let expected: Vec<_> =
                    minutes.filter(|minute| fires_at(&schedule, *minute)).collect();
                let found = schedule.fires_between(from, to, usize::MAX);
                assert_eq!(found, expected, "{expression} in {zone} around {change}");
                count += found.len();
            }
        }
    }
    assert!(count > 5_000, "{count}: next to nothing was looked at");
}

/// Expressions of the dialect, many of them impossible or too frequent.
fn expressions() -> impl Strategy<Value = String> {
    let minute =
        prop::sample::select(vec!["0", "30", "*/5", "*/20", "7-47/10", "59", "0,15", "1,2"]);
    let hour = prop::sample::select(vec!["*", "2", "1-3", "0,23", "*/4", "*/7", "12-13"]);
    let day = prop::sample::select(vec!["*", "1", "31", "29", "L", "LW", "15W", "*/9", "30,31"]);
    let month = prop::sample::select(vec!["*", "2", "FEB-APR", "*/5", "10,11"]);
    let weekday = prop::sample::select(vec!["*", "0", "MON-FRI", "5L", "7#1", "*/3", "SUN"]);
    (minute, hour, day, month, weekday).prop_map(|(a, b, c, d, e)| format!("{a} {b} {c} {d} {e}"))
}

fn moments() -> impl Strategy<Value = Timestamp> {
    // 1990 to 2100, with parts of seconds.
    (631_152_000_000_i64..4_102_444_800_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

proptest! {
    #[test]
    fn the_next_fire_is_later_and_nothing_is_between(
        expression in expressions(), zone in prop::sample::select(&ZONES[..]), moment in moments()
    ) {
        let Ok(schedule) = Schedule::parse(&expression, zone) else { return Ok(()) };
        let next = schedule.next_after(moment).expect("dates come back");
        prop_assert!(next > moment);
        let one_before = next - SignedDuration::from_nanos(1);
        prop_assert_eq!(schedule.next_after(one_before), Some(next));
        prop_assert!(schedule.fires_between(moment, one_before, usize::MAX).is_empty());
    }

    #[test]
    fn fires_between_are_the_next_ones_one_after_another(
        expression in expressions(), zone in prop::sample::select(&ZONES[..]), moment in moments(),
        days in 1_i64..40, at_most in 0_usize..50
    ) {
        let Ok(schedule) = Schedule::parse(&expression, zone) else { return Ok(()) };
        let to = moment + SignedDuration::from_hours(24 * days);
        let mut expected = Vec::new();
        let mut at = moment;
        while let Some(next) = schedule.next_after(at).filter(|next| *next <= to) {
            if expected.len() == at_most {
                break;
            }
            prop_assert!(next > at);
            expected.push(next);
            at = next;
        }
        prop_assert_eq!(schedule.fires_between(moment, to, at_most), expected);
    }

    #[test]
    fn what_is_due_agrees_with_walking_there(
        expression in expressions(), zone in prop::sample::select(&ZONES[..]), moment in moments(),
        hours in 0_i64..100
    ) {
        let Ok(schedule) = Schedule::parse(&expression, zone) else { return Ok(()) };
        let first = schedule.next_after(moment).expect("dates come back");
        let now = first + SignedDuration::from_hours(hours);
        let due = schedule.due(first, now);
        let since = schedule.fires_between(first, now, usize::MAX);
        prop_assert_eq!(due.missed as usize, since.len());
        prop_assert_eq!(due.latest, since.last().copied().unwrap_or(first));
        prop_assert_eq!(schedule.last_until(now).filter(|last| *last >= first), Some(due.latest));
        prop_assert!(schedule.next_after(now).expect("dates come back") > now);
    }

    #[test]
    fn whatever_is_read_is_read_or_refused(text in "\\PC{0,60}", zone in "\\PC{0,20}") {
        let _ = Schedule::parse(&text, &zone);
        let _ = Schedule::parse(&text, "Europe/Berlin");
    }

    #[test]
    fn what_looks_like_an_expression_is_read_or_refused(
        text in "([0-9*/,#LW-]{1,6}|[A-Z]{3}|[0-9]{1,2}) ([0-9*/,-]{1,5}) ([0-9*/,LW-]{1,5}) ([A-Z0-9*/,-]{1,5}) ([A-Z0-9*/,#L-]{1,6})"
    ) {
        if let Ok(schedule) = Schedule::parse(&text, "UTC") {
            let moment = Timestamp::from_second(1_772_000_000).unwrap();
            prop_assert!(schedule.next_after(moment).expect("dates come back") > moment);
            let again = Schedule::parse(schedule.expression(), schedule.zone_name()).unwrap();
            prop_assert_eq!(again.next_after(moment), schedule.next_after(moment));
        }
    }
}
