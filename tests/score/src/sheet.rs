//! The result of one suite: tables, targets, and the cases that went wrong.

use serde::Serialize;
use serde_json::{Value, json};

/// What a suite gave.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sheet {
    pub(crate) suite: &'static str,
    pub(crate) tables: Vec<Table>,
    pub(crate) targets: Vec<Target>,
    /// How it was counted, and what was left out for which reason.
    pub(crate) notes: Vec<String>,
    /// Cases that count against us, one a line; never a secret's text.
    pub(crate) wrong: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Text(String),
    Count(usize),
    Share(Share),
    /// Nobody measured it.
    Unknown(Option<()>),
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Share {
    pub(crate) part: usize,
    pub(crate) whole: usize,
}

/// What the number should be, and is.
#[derive(Debug, Serialize)]
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) share: Share,
    pub(crate) bound: Bound,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Share {
    pub(crate) const fn new(part: usize, whole: usize) -> Self {
        Self { part, whole }
    }

    pub(crate) fn count(&mut self, is_part: bool) {
        self.whole += 1;
        self.part += usize::from(is_part);
    }

    /// `None` of nothing: there is no such number.
    pub(crate) fn ratio(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 / self.whole as f64)
    }
}

impl Target {
    /// A share of nothing reaches no target.
    pub(crate) fn reached(&self) -> bool {
        self.share.ratio().is_some_and(|ratio| match self.bound {
            Bound::AtLeast(bound) => ratio >= bound,
            Bound::AtMost(bound) => ratio <= bound,
        })
    }

    fn text(&self) -> String {
        let Self { what, share, bound } = self;
        let verdict = if self.reached() { "reached" } else { "MISSED" };
        let wanted = match bound {
            Bound::AtLeast(bound) => format!("at least {bound}"),
            Bound::AtMost(bound) => format!("at most {bound}"),
        };
        let measured = Cell::Share(*share).text();
        format!("{verdict:<8} {what}: {measured}, wanted {wanted}\n")
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Share> for Cell {
    fn from(share: Share) -> Self {
        Self::Share(share)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Share(share) => match share.ratio() {
                Some(ratio) => format!("{ratio:.3} ({}/{})", share.part, share.whole),
                None => "-".to_owned(),
            },
            Self::Unknown(_) => "-".to_owned(),
        }
    }
}

impl Table {
    pub(crate) fn new<const WIDTH: usize>(head: [&'static str; WIDTH]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row<const WIDTH: usize>(&mut self, cells: [Cell; WIDTH]) {
        self.rows.push(cells.to_vec());
    }

    fn text(&self) -> String {
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(Cell::text).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| {
            lines.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max()
        };
        let widths: Vec<usize> = (0..self.head.len()).map(|at| width(at).unwrap_or(0)).collect();
        let mut out = String::new();
        for line in &lines {
            let padded: Vec<String> =
                line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            out.push_str(padded.join("  ").trim_end());
            out.push('\n');
        }
        out
    }
}

impl Sheet {
    pub(crate) fn reached(&self) -> bool {
        self.targets.iter().all(Target::reached)
    }

    /// For people; the first `show` cases that went wrong.
    pub(crate) fn text(&self, show: usize) -> String {
        let mut out = format!("{} with rules {}\n", self.suite, analysis::rules_version());
        for table in &self.tables {
            out.push('\n');
            out.push_str(&table.text());
        }
        if !self.targets.is_empty() {
            out.push('\n');
        }
        self.targets.iter().for_each(|target| out.push_str(&target.text()));
        if !self.notes.is_empty() {
            out.push('\n');
        }
        for note in &self.notes {
            out.push_str(&format!("{note}\n"));
        }
        for case in self.wrong.iter().take(show) {
            out.push_str(&format!("  {case}\n"));
        }
        let more = self.wrong.len().saturating_sub(show);
        if more > 0 {
            out.push_str(&format!("{more} cases more: --show {}\n", self.wrong.len()));
        }
        out
    }

    /// For programs; everything.
    pub(crate) fn json(&self) -> String {
        let mut value = json!(self);
        value["rules_version"] = json!(analysis::rules_version());
        value["reached"] = Value::Bool(self.reached());
        for (shown, target) in
            value["targets"].as_array_mut().into_iter().flatten().zip(&self.targets)
        {
            shown["reached"] = Value::Bool(target.reached());
        }
        format!("{value:#}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(part: usize, bound: Bound) -> Sheet {
        let share = Share::new(part, 4);
        let mut table = Table::new(["who", "recall"]);
        table.row(["ours".into(), share.into()]);
        table.row(["somebody else".into(), Cell::Unknown(None)]);
        Sheet {
            suite: "a suite",
            tables: vec![table],
            targets: vec![Target { what: "recall".to_owned(), share, bound }],
            notes: Vec::new(),
            wrong: vec!["a.py:1".to_owned(), "a.py:2".to_owned()],
        }
    }

    #[test]
    fn a_target_is_reached_on_its_bound_and_never_by_nothing() {
        let cases = [
            (3, Bound::AtLeast(0.75), true),
            (2, Bound::AtLeast(0.75), false),
            (1, Bound::AtMost(0.25), true),
            (2, Bound::AtMost(0.25), false),
        ];
        for (part, bound, reached) in cases {
            assert_eq!(sheet(part, bound).reached(), reached, "{part} {bound:?}");
        }
        let nothing =
            Target { what: String::new(), share: Share::default(), bound: Bound::AtMost(1.0) };
        assert!(!nothing.reached());
    }

    #[test]
    fn people_see_columns_and_programs_see_everything() {
        let text = sheet(2, Bound::AtLeast(0.75)).text(1);
        assert!(text.contains("ours           0.500 (2/4)\nsomebody else  -\n"), "{text}");
        assert!(text.contains("MISSED   recall: 0.500 (2/4), wanted at least 0.75"), "{text}");
        assert!(text.contains("  a.py:1\n1 cases more: --show 2\n"), "{text}");
        let json: Value = serde_json::from_str(&sheet(2, Bound::AtLeast(0.75)).json()).unwrap();
        assert_eq!(json["reached"], false);
        assert_eq!(json["tables"][0]["rows"][0][1]["part"], 2);
        assert_eq!(json["wrong"].as_array().unwrap().len(), 2);
    }
}
