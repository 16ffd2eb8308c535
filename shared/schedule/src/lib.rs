//! When something repeats: a cron expression, read on the clocks of a time zone.
//!
//! The calendar is croner's, the zones are those of the IANA database that is compiled in, and
//! there is no clock here: "now" is an argument. The dialect, and where each rule comes from:
//!
//! - Five fields: minute, hour, day of month, month, day of week (POSIX crontab). No seconds, no
//!   years, and `?` is EventBridge's. `@hourly` to `@yearly` are short forms (Vixie cron).
//! - `*`, lists `1,2`, ranges `1-5`, steps `*/5` and `10-40/5`; `JAN`…`DEC`, `SUN`…`SAT` (Vixie).
//! - Day of week: 1 is Monday, 0 and 7 are Sunday (POSIX; Quartz and EventBridge count from 1 =
//!   Sunday).
//! - Day of month and day of week both given: either is enough (POSIX).
//! - `L` the last day, `15W` the working day nearest to the 15th, `LW`, `5L` the last Friday,
//!   `5#3` the third Friday (croner, after Quartz).
//! - An expression without `*` in minute and hour names times of day. One that the clocks skip in
//!   spring comes at the first moment after the gap, one that they repeat in autumn comes the
//!   first time only (Vixie cron).
//! - An expression with `*` in minute or hour repeats through the day: what is skipped is
//!   skipped, and the repeated hour counts (Vixie cron).

mod dialect;
mod error;
mod zone;

use std::iter;

use croner::Cron;
use jiff::{
    SignedDuration, Timestamp, Zoned,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

pub use dialect::{EXPRESSION_CHARS_MAX, INTERVAL_MINUTES_MIN};
pub use error::{Field, Part, ScheduleError};
pub use zone::ZONE_CHARS_MAX;

/// Fires counted one by one, a month of every five minutes; more than that were missed is all
/// that anyone needs to know.
pub const MISSED_COUNTED_MAX: u32 = 9_000;

/// When something repeats.
#[derive(Debug, Clone)]
pub struct Schedule {
    expression: String,
    cron: Cron,
    times: Times,
    zone_name: &'static str,
    zone: TimeZone,
}

/// What the hours of an expression mean on a day whose clocks are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    /// Times of day: each comes once, whatever the clocks do.
    Named,
    /// Time that passes: each hour counts, also the repeated one.
    Passing,
}

/// What has come due, up to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The newest slot.
    pub latest: Timestamp,
    /// Slots before that one, at most [`MISSED_COUNTED_MAX`].
    pub missed: u32,
}

impl Schedule {
    /// Reads an expression and the name of a time zone. What can never fire, or fires more often
    /// than every [`INTERVAL_MINUTES_MIN`] minutes, is refused.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, ScheduleError> {
        let read = dialect::read(expression)?;
        let (zone_name, zone) = zone::find(zone)?;
        let times = if read.names_times { Times::Named } else { Times::Passing };
        Ok(Self { expression: read.expression, cron: read.cron, times, zone_name, zone })
    }

    /// The expression, with one blank between fields.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The zone as the IANA database spells it.
    pub fn zone_name(&self) -> &'static str {
        self.zone_name
    }

    /// A moment as the zone's clocks show it.
    pub fn local(&self, moment: Timestamp) -> Zoned {
        moment.to_zoned(self.zone.clone())
    }

    /// The first fire after `moment`. `None`: there is none before the year 2200.
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match self.times {
            Times::Named => self.next_named(moment),
            Times::Passing => {
                let from = self.local(moment);
                Some(self.cron.find_next_occurrence(&from, false).ok()?.timestamp())
            }
        }
    }

    /// Walks the calendar without a zone, and asks the zone about each time that is found.
    fn next_named(&self, moment: Timestamp) -> Option<Timestamp> {
        let mut local = self.local(moment).datetime();
        loop {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let fire = self.moment_of(local)?;
            // After the clocks went back, the times of the repeated hour have been.
            if fire > moment {
                return Some(fire);
            }
        }
    }

    /// When the clocks show `local` for the first time, or have just skipped it.
    fn moment_of(&self, local: DateTime) -> Option<Timestamp> {
        let shown = self.zone.to_ambiguous_timestamp(local);
        match shown.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // By the clocks as they go afterwards, it is less than a gap before the change.
                let before_the_change = after.to_timestamp(local).ok()?;
                self.zone.following(before_the_change).next().map(|change| change.timestamp())
            }
        }
    }

    /// The fires after `from`, up to and including `to`; the first `at_most` of them.
    pub fn fires_between(&self, from: Timestamp, to: Timestamp, at_most: usize) -> Vec<Timestamp> {
        self.fires_after(from).take_while(|fire| *fire <= to).take(at_most).collect()
    }

    /// The fires after `moment`, for ever.
    pub fn fires_after(&self, moment: Timestamp) -> impl Iterator<Item = Timestamp> {
        iter::successors(self.next_after(moment), |fire| self.next_after(*fire))
    }

    /// What has come due by `now`, when `first` is the oldest slot that nobody has taken.
    pub fn due(&self, first: Timestamp, now: Timestamp) -> Due {
        let at_most = MISSED_COUNTED_MAX as usize;
        let since = self.fires_between(first, now, at_most);
        let missed = u32::try_from(since.len()).unwrap_or(MISSED_COUNTED_MAX);
        let latest = match since.last() {
            Some(_) if since.len() == at_most => self.last_until(now),
            newest => newest.copied(),
        };
        Due { latest: latest.unwrap_or(first), missed }
    }

    /// The newest fire up to `now`, searched for in windows that double: few fires are walked
    /// through, however often the schedule fires.
    fn last_until(&self, now: Timestamp) -> Option<Timestamp> {
        (0..16).map(|doublings| SignedDuration::from_hours(1 << doublings)).find_map(|window| {
            let from = now.checked_sub(window).ok()?;
            self.fires_after(from).take_while(|fire| *fire <= now).last()
        })
    }
}

#[cfg(test)]
mod tests;
