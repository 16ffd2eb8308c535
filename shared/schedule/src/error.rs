use std::fmt;

use domain::{Classify, ErrorKind};

/// Why a schedule is refused: what, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("it is longer than the {max} characters that are read")]
    TooLong { part: Part, max: usize },
    #[error(
        "found {found} fields, expected 5: minute, hour, day of month, month, day of week{hint}"
    )]
    FieldCount { found: usize, hint: &'static str },
    #[error(
        "`cron(…)` and `rate(…)` are EventBridge's; write the five fields alone, as `0 */6 * * *`"
    )]
    Wrapped,
    #[error("`?` is EventBridge's; write `*` in its place")]
    QuestionMark,
    #[error("`{name}` is not known; expected one of {expected}, or five fields")]
    UnknownNickname { name: String, expected: String },
    #[error("{field} `{text}`: {problem}; {}", field.legend())]
    Field { field: Field, text: String, problem: String },
    #[error("it never fires: no year has a day that `{expression}` describes")]
    Never { expression: String },
    #[error(
        "it fires at {first} and again {gap} min later, on the clock's face; leave at least {min} min \
         between two fires, as in `*/{min} * * * *`"
    )]
    TooOften { first: String, gap: u16, min: u16 },
    #[error("`{zone}` is not a zone of the IANA time zone database{}", suggestion(nearest))]
    UnknownZone { zone: String, nearest: Vec<&'static str> },
}

fn suggestion(nearest: &[&str]) -> String {
    if nearest.is_empty() {
        return "; expected a name such as Europe/Berlin, or UTC".to_owned();
    }
    format!("; did you mean {}?", nearest.join(" or "))
}

/// Which of its two parts makes a schedule wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Expression,
    Zone,
}

impl ScheduleError {
    pub fn part(&self) -> Part {
        match self {
            Self::TooLong { part, .. } => *part,
            Self::FieldCount { .. }
            | Self::Wrapped
            | Self::QuestionMark
            | Self::UnknownNickname { .. }
            | Self::Field { .. }
            | Self::Never { .. }
            | Self::TooOften { .. } => Part::Expression,
            Self::UnknownZone { .. } => Part::Zone,
        }
    }
}

impl Classify for ScheduleError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A field of a cron expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

impl Field {
    pub const ALL: [Self; 5] =
        [Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    /// What may stand in the field.
    pub fn legend(self) -> &'static str {
        match self {
            Self::Minute => "expected 0-59, lists 0,30, ranges 10-20 or steps */15",
            Self::Hour => "expected 0-23, lists 6,18, ranges 9-17 or steps */6",
            Self::DayOfMonth => "expected 1-31, lists, ranges, steps, L, LW or 15W",
            Self::Month => "expected 1-12 or JAN-DEC, lists, ranges or steps",
            Self::DayOfWeek => {
                "expected 0-7 (1 is Monday) or MON-SUN, lists, ranges, steps, 5L or 5#3"
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}
