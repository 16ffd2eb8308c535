//! GitHub does not deliver a webhook again by itself; so we ask for those that failed.

use std::collections::BTreeMap;

use clients::github::HookDelivery;
use jiff::{SignedDuration, Timestamp};

use crate::{Deps, Error};

/// How far back failed deliveries are looked for; GitHub keeps them for three days.
const WINDOW: SignedDuration = SignedDuration::from_hours(12);
/// Pages of a hundred that one sweep reads.
const PAGES_MAX: usize = 5;
/// Deliveries that one sweep asks for.
const REQUESTS_MAX: usize = 20;
/// After this many attempts a delivery is left alone: it will not get better.
const ATTEMPTS_MAX: u32 = 6;

/// Asks GitHub to send again what did not arrive.
pub(crate) async fn reconcile(deps: &Deps, now: Timestamp) -> Result<u64, Error> {
    let Some(github) = deps.github().await? else { return Ok(0) };
    let mut deliveries = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = github.hook_deliveries(cursor.as_deref()).await?;
        let reached = page.deliveries.last().is_none_or(|last| last.delivered_at < now - WINDOW);
        deliveries.extend(page.deliveries);
        cursor = page.cursor;
        if reached || cursor.is_none() {
            break;
        }
    }
    let mut requested = 0;
    for id in to_redeliver(&deliveries, now).into_iter().take(REQUESTS_MAX) {
        github.redeliver(id).await?;
        requested += 1;
    }
    Ok(requested)
}

/// Which deliveries are asked for again: those of which no attempt succeeded, after a pause that
/// doubles with each attempt. Oldest first, by the id of their newest attempt.
pub fn to_redeliver(deliveries: &[HookDelivery], now: Timestamp) -> Vec<i64> {
    let mut by_guid: BTreeMap<&str, Vec<&HookDelivery>> = BTreeMap::new();
    for delivery in deliveries.iter().filter(|one| one.delivered_at >= now - WINDOW) {
        by_guid.entry(&delivery.guid).or_default().push(delivery);
    }
    let mut due: Vec<&HookDelivery> = by_guid
        .into_values()
        .filter(|attempts| !attempts.iter().any(|one| (200..300).contains(&one.status_code)))
        .filter_map(|attempts| {
            let newest = *attempts.iter().max_by_key(|one| one.delivered_at)?;
            let count = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
            let pause = SignedDuration::from_mins(1 << count.min(ATTEMPTS_MAX));
            (count < ATTEMPTS_MAX && newest.delivered_at + pause <= now).then_some(newest)
        })
        .collect();
    due.sort_by_key(|one| (one.delivered_at, one.id));
    due.into_iter().map(|one| one.id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: i64, guid: &str, minutes_ago: i64, status_code: u16) -> HookDelivery {
        HookDelivery {
            id,
            guid: guid.to_owned(),
            delivered_at: now() - SignedDuration::from_mins(minutes_ago),
            status_code,
            event: "push".to_owned(),
            action: None,
            redelivery: false,
        }
    }

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn only_what_never_arrived_is_asked_for_again() {
        let deliveries = [
            attempt(9, "arrived", 10, 200),
            attempt(8, "failed", 20, 500),
            attempt(7, "arrived later", 10, 202),
            attempt(6, "arrived later", 30, 0),
            attempt(5, "not answered", 40, 0),
            attempt(4, "too old", 13 * 60, 500),
        ];
        assert_eq!(to_redeliver(&deliveries, now()), [5, 8]);
    }

    #[test]
    fn each_attempt_doubles_the_pause_and_the_last_one_ends_it() {
        let attempts = |count: i64, newest_minutes_ago: i64| {
            let made: Vec<HookDelivery> = (0..count)
                .map(|n| attempt(100 - n, "one", newest_minutes_ago + n * 10, 502))
                .collect();
            to_redeliver(&made, now())
        };
        assert!(attempts(1, 1).is_empty());
        assert_eq!(attempts(1, 2), [100]);
        assert!(attempts(3, 7).is_empty());
        assert_eq!(attempts(3, 8), [100]);
        assert!(attempts(i64::from(ATTEMPTS_MAX), 600).is_empty());
    }
}
