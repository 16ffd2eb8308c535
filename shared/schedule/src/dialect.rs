//! Which expressions are read. What croner takes beyond the dialect is refused here, and where it
//! says only that something is wrong, this says in which field.

use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use jiff::civil::{DateTime, date};

use crate::{Field, Part, ScheduleError};

/// As the database's column allows.
pub const EXPRESSION_CHARS_MAX: usize = 100;
/// A scan takes minutes; and a sweep looks once a minute.
pub const INTERVAL_MINUTES_MIN: u16 = 5;
/// Where the search for a date ends: it would take croner long to find out that none comes.
const YEARS: &str = "1970-2199";
const MINUTES_PER_DAY: u16 = 24 * 60;

const NICKNAMES: [(&str, &str); 6] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

const MONTHS: &[&str] =
    &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

pub(crate) struct Read {
    pub(crate) expression: String,
    pub(crate) cron: Cron,
    /// There is no `*` in minute and hour.
    pub(crate) names_times: bool,
}

pub(crate) fn read(expression: &str) -> Result<Read, ScheduleError> {
    if expression.chars().count() > EXPRESSION_CHARS_MAX {
        return Err(ScheduleError::TooLong { part: Part::Expression, max: EXPRESSION_CHARS_MAX });
    }
    let written = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    let expanded = expand(&written)?;
    let fields = five_fields(expanded)?;
    for (field, text) in Field::ALL.into_iter().zip(fields) {
        check_words(field, text)?;
        check_alone(field, text)?;
    }
    let cron = parse(expanded).map_err(|_| never(&written))?;
    check_frequency(&cron)?;
    check_occurs(&cron, &written)?;
    let names_times = !fields[0].contains('*') && !fields[1].contains('*');
    Ok(Read { expression: written, cron, names_times })
}

fn expand(written: &str) -> Result<&str, ScheduleError> {
    if !written.starts_with('@') {
        return Ok(written);
    }
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(written));
    known.map(|(_, fields)| *fields).ok_or_else(|| ScheduleError::UnknownNickname {
        name: written.to_owned(),
        expected: NICKNAMES.map(|(name, _)| name).join(", "),
    })
}

fn five_fields(expanded: &str) -> Result<[&str; 5], ScheduleError> {
    if expanded.contains('(') {
        return Err(ScheduleError::Wrapped);
    }
    let fields: Vec<&str> = expanded.split(' ').filter(|field| !field.is_empty()).collect();
    let found = fields.len();
    let hint = if found > 5 { "; seconds and years are not part of it" } else { "" };
    let fields = fields.try_into().map_err(|_| ScheduleError::FieldCount { found, hint })?;
    if expanded.contains('?') {
        return Err(ScheduleError::QuestionMark);
    }
    Ok(fields)
}

/// croner replaces names anywhere, also within a number, and passes over empty items.
fn check_words(field: Field, text: &str) -> Result<(), ScheduleError> {
    let wrong = |problem: String| ScheduleError::Field { field, text: text.to_owned(), problem };
    if let Some(stranger) =
        text.chars().find(|c| !c.is_ascii_alphanumeric() && !"*,-/#".contains(*c))
    {
        return Err(wrong(format!("`{stranger}` has no meaning here")));
    }
    if text.split(',').any(str::is_empty) {
        return Err(wrong("an item of the list is empty".to_owned()));
    }
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let upper: Vec<String> = words.map(str::to_ascii_uppercase).collect();
    if let Some(word) = upper.iter().find(|word| !is_word(field, word)) {
        return Err(wrong(format!("`{word}` has no meaning here")));
    }
    // Both at once croner takes for the second alone.
    let has = |word: &str| upper.iter().any(|one| one == word);
    if has("L") && has("LW") {
        return Err(wrong("`L` and `LW` exclude each other".to_owned()));
    }
    // Alone in a list it would be ignored.
    if field == Field::DayOfWeek && text.split(',').any(|item| item.eq_ignore_ascii_case("L")) {
        return Err(wrong("`L` needs the weekday whose last one is meant, as in `5L`".to_owned()));
    }
    Ok(())
}

fn is_word(field: Field, word: &str) -> bool {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit());
    is_number(word)
        || match field {
            Field::Minute | Field::Hour => false,
            Field::DayOfMonth => {
                matches!(word, "L" | "LW") || word.strip_suffix('W').is_some_and(is_number)
            }
            Field::Month => MONTHS.contains(&word),
            Field::DayOfWeek => {
                let day = word.strip_suffix('L').unwrap_or(word);
                day.is_empty() || is_number(day) || WEEKDAYS.contains(&day)
            }
        }
}

/// Reads one field with nothing else around it, so that an error can be told apart.
fn check_alone(field: Field, text: &str) -> Result<(), ScheduleError> {
    let mut fields = ["*"; 5];
    for (place, other) in fields.iter_mut().zip(Field::ALL) {
        if other == field {
            *place = text;
        }
    }
    let wrong = |problem: String| ScheduleError::Field { field, text: text.to_owned(), problem };
    parse(&fields.join(" ")).map(drop).map_err(|error| {
        let words = error.to_string();
        let words = words.split_once(": ").map_or(words.as_str(), |(_, detail)| detail);
        let words = words.trim_end_matches('.');
        // A sentence of croner's in the middle of ours.
        let mut letters = words.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        wrong(first.into_iter().chain(letters).collect())
    })
}

fn parse(five_fields: &str) -> Result<Cron, croner::errors::CronError> {
    let parser = CronParser::builder().seconds(Seconds::Required).build();
    parser.parse(&format!("0 {five_fields} {YEARS}"))
}

/// The times of one day, last to first included: which days they come on makes no difference.
fn check_frequency(cron: &Cron) -> Result<(), ScheduleError> {
    let minutes = cron.pattern.minutes.values();
    let hours = cron.pattern.hours.values();
    let times: Vec<u16> = hours
        .iter()
        .flat_map(|hour| minutes.iter().map(move |minute| hour * 60 + minute))
        .collect();
    let Some(first) = times.first() else { return Ok(()) };
    let tomorrow = times.iter().skip(1).copied().chain([first + MINUTES_PER_DAY]);
    let closest = times.iter().zip(tomorrow).map(|(time, next)| (next - time, *time)).min();
    match closest {
        Some((gap, time)) if gap < INTERVAL_MINUTES_MIN => Err(ScheduleError::TooOften {
            first: format!("{:02}:{:02}", time / 60, time % 60),
            gap,
            min: INTERVAL_MINUTES_MIN,
        }),
        _ => Ok(()),
    }
}

/// From here on every date there is comes within eight years, 29 February across 2100 included.
fn check_occurs(cron: &Cron, written: &str) -> Result<(), ScheduleError> {
    let start: DateTime = date(2000, 1, 1).at(0, 0, 0, 0);
    cron.find_next_occurrence(&start, true).map(drop).map_err(|_| never(written))
}

fn never(written: &str) -> ScheduleError {
    ScheduleError::Never { expression: written.to_owned() }
}
