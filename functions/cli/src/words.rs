//! How things are told to people: times, colours, columns.
//!
//! Colours are written as escape sequences; the stream that is written to drops them when nobody
//! can see them.

use std::io;

use jiff::{SignedDuration, Timestamp};

#[expect(clippy::disallowed_methods, reason = "a person's machine has no other clock than this")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Text that someone else wrote must not steer the terminal.
pub(crate) fn shown(text: &str) -> String {
    let is_steering = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
    text.chars().map(|c| if is_steering(c) { '\u{fffd}' } else { c }).collect()
}

/// The same on one line, cut where it gets long.
pub(crate) fn excerpt(text: &str, chars_max: usize) -> String {
    let mut line = shown(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    if line.chars().count() > chars_max {
        line = line.chars().take(chars_max.saturating_sub(1)).collect();
        line.push('…');
    }
    line
}

/// A duration as people say it.
pub(crate) fn span(duration: SignedDuration) -> String {
    let (ms, seconds) = (duration.as_millis(), duration.as_secs());
    match seconds {
        0 => format!("{} ms", ms.max(0)),
        1..60 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        172_800.. => format!("{} days", seconds / 86_400),
        // The other machine's clock is ahead of ours.
        _ => "0 ms".to_owned(),
    }
}

/// How long ago something was, in its largest unit.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Bold,
    Grey,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Ink {
    /// The colour of a run's or a step's status.
    pub(crate) fn of_status(status: &str) -> Self {
        match status {
            "succeeded" => Self::Green,
            "failed" => Self::Red,
            "canceled" | "waiting" => Self::Yellow,
            "running" => Self::Cyan,
            _ => Self::Grey,
        }
    }

    pub(crate) fn on(self, text: &str) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Bold => 1,
            Self::Grey => 90,
            Self::Red => 31,
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Cyan => 36,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// The mark that stands before a step.
pub(crate) fn mark(status: &str) -> &'static str {
    match status {
        "succeeded" => "✓",
        "failed" => "✗",
        "canceled" => "⊘",
        "skipped" => "–",
        "running" => "▸",
        "waiting" => "⏸",
        _ => "·",
    }
}

pub(crate) type Cell = (Ink, String);

/// Writes rows in columns as wide as their widest cell; the last one is never filled up.
pub(crate) fn table(
    out: &mut impl io::Write,
    header: &[&str],
    rows: &[Vec<Cell>],
) -> io::Result<()> {
    let header: Vec<Cell> = header.iter().map(|name| (Ink::Grey, (*name).to_owned())).collect();
    let all = || std::iter::once(&header).chain(rows);
    let width = |column: usize| {
        all().filter_map(|row| row.get(column)).map(|(_, text)| text.chars().count()).max()
    };
    let widths: Vec<usize> = (0..header.len()).filter_map(width).collect();
    for row in all() {
        let mut line = String::new();
        for (column, (ink, text)) in row.iter().enumerate() {
            line += &ink.on(text);
            if column + 1 < row.len() {
                let missing = widths[column].saturating_sub(text.chars().count());
                line += &" ".repeat(missing + 2);
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_cannot_steer_the_terminal() {
        assert_eq!(
            shown("a\x1b[2Jb\r\nc\u{202e}d\u{9b}"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c\u{fffd}d\u{fffd}"
        );
        assert_eq!(
            shown("git+https://github.com/acme/wídget"),
            "git+https://github.com/acme/wídget"
        );
    }

    #[test]
    fn durations_are_told_in_the_unit_that_fits() {
        let cases = [
            (-3, "0 ms"),
            (0, "0 ms"),
            (812, "812 ms"),
            (4_250, "4.2 s"),
            (185_000, "3 min 05 s"),
            (7_500_000, "2 h 05 min"),
            (4 * 86_400_000, "4 days"),
        ];
        for (ms, told) in cases {
            assert_eq!(span(SignedDuration::from_millis(ms)), told);
        }
    }

    #[test]
    fn columns_line_up_whatever_their_colour() {
        let mut out = Vec::new();
        let rows = [
            vec![(Ink::Plain, "a".to_owned()), (Ink::Red, "failed".to_owned())],
            vec![(Ink::Green, "längst".to_owned()), (Ink::Plain, String::new())],
        ];
        table(&mut out, &["ID", "STATUS"], &rows).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(text, "ID      STATUS\na       failed\nlängst\n");
    }

    #[test]
    fn an_excerpt_is_one_line_of_bounded_length() {
        assert_eq!(excerpt("git:\n  not  found", 80), "git: not found");
        assert_eq!(excerpt("abcdef", 4), "abc…");
    }
}
