//! Places that a program reports, ours or another's, in one form.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use analysis::{Clock, Examiner};
use domain::SourceFile;
use serde::Deserialize;

use crate::{Stop, families, files};

/// Findings longer than this are about a whole, not about one of its lines.
const SPAN_LINES_MAX: u32 = 10;

/// Something that a program objects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// The program's own name for what it objects to.
    pub(crate) rule: String,
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) cwes: Vec<u32>,
}

/// What one program reports, by path below the suite.
pub(crate) type Reports = BTreeMap<String, Vec<Report>>;

impl Report {
    /// Whether it is about the statement that begins on `line` and ends on `end`.
    pub(crate) fn stands_at(&self, line: u32, end: u32) -> bool {
        let begins_there = (line..=end).contains(&self.first);
        let covers = (self.first..=self.last).contains(&line);
        begins_there || covers && self.last - self.first < SPAN_LINES_MAX
    }

    pub(crate) fn is_about(&self, cwes: &[u32]) -> bool {
        self.cwes.iter().any(|own| cwes.iter().any(|other| families::are_one(*own, *other)))
    }
}

/// What Assay reports on one file.
pub(crate) fn ours(examiner: &mut Examiner, file: &SourceFile) -> Vec<Report> {
    let examined = examiner.examine(file, Clock::unlimited());
    let report = |located: analysis::Located| Report {
        rule: located.finding.rule,
        first: located.finding.lines.first,
        last: located.finding.lines.last,
        cwes: located.finding.cwe.iter().filter_map(|cwe| families::number(cwe)).collect(),
    };
    examined.findings.into_iter().map(report).collect()
}

/// The last line of the statement that begins on `line`: as far as its brackets are open.
///
/// Braces do not count, they hold other statements; nor are strings told apart, whose brackets
/// come in pairs where it matters.
pub(crate) fn statement_end(lines: &[&str], line: u32) -> u32 {
    let mut open = 0_i32;
    let start = (line as usize).saturating_sub(1);
    for (offset, text) in lines.iter().skip(start).enumerate() {
        for byte in text.bytes() {
            match byte {
                b'(' | b'[' => open += 1,
                b')' | b']' => open -= 1,
                _ => {}
            }
        }
        if open <= 0 || offset as u32 >= SPAN_LINES_MAX {
            return line + offset as u32;
        }
    }
    line
}

#[derive(Deserialize)]
struct BanditOutput {
    results: Vec<BanditResult>,
}

#[derive(Deserialize)]
struct BanditResult {
    filename: String,
    test_id: String,
    line_number: u32,
    line_range: Vec<u32>,
    issue_cwe: Option<BanditCwe>,
}

#[derive(Deserialize)]
struct BanditCwe {
    id: Option<u32>,
}

/// Runs Bandit over a folder.
pub(crate) fn bandit(program: &Path, root: &Path) -> Result<Reports, Stop> {
    let arguments = ["--quiet", "--recursive", "--format", "json"];
    let bytes = output(Command::new(program).args(arguments).arg(root))?;
    let parsed: BanditOutput = parsed(program, &bytes)?;
    let mut reports = Reports::new();
    for result in parsed.results {
        let path = files::relative(root, Path::new(&result.filename));
        let report = Report {
            rule: result.test_id,
            first: result.line_number,
            last: result.line_range.last().copied().unwrap_or(result.line_number),
            cwes: result.issue_cwe.and_then(|cwe| cwe.id).into_iter().collect(),
        };
        reports.entry(path).or_default().push(report);
    }
    Ok(reports)
}

#[derive(Deserialize)]
struct RuffResult {
    filename: String,
    code: Option<String>,
    location: RuffPlace,
    end_location: RuffPlace,
}

#[derive(Deserialize)]
struct RuffPlace {
    row: u32,
}

/// Runs Ruff's rules that come from Bandit. Ruff names no weakness: `cwe_of` gives what Bandit
/// says of the check with the same number.
pub(crate) fn ruff(
    program: &Path,
    root: &Path,
    cwe_of: &BTreeMap<String, Vec<u32>>,
) -> Result<Reports, Stop> {
    let arguments = ["check", "--select", "S", "--isolated", "--no-cache", "--exit-zero"];
    let root = fs::canonicalize(root).map_err(|error| {
        Stop::new(format_args!("cannot find {}: {error}", root.display()), "check it out")
    })?;
    let mut command = Command::new(program);
    command.args(arguments).args(["--output-format", "json"]).arg(&root);
    let parsed: Vec<RuffResult> = parsed(program, &output(&mut command)?)?;
    let mut reports = Reports::new();
    for result in parsed {
        let Some(rule) = result.code else { continue };
        let path = files::relative(&root, Path::new(&result.filename));
        let same = rule.replacen('S', "B", 1);
        let cwes = cwe_of.get(&same).cloned().unwrap_or_default();
        let (first, last) = (result.location.row, result.end_location.row);
        reports.entry(path).or_default().push(Report { rule, first, last, cwes });
    }
    Ok(reports)
}

/// Which weaknesses each check of a program is about.
pub(crate) fn cwes_by_rule(reports: &Reports) -> BTreeMap<String, Vec<u32>> {
    let all = reports.values().flatten();
    all.map(|report| (report.rule.clone(), report.cwes.clone())).collect()
}

fn output(command: &mut Command) -> Result<Vec<u8>, Stop> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| {
        Stop::new(format_args!("cannot start {name}: {error}"), "name the program with its path")
    })?;
    if done.stdout.is_empty() {
        let told = String::from_utf8_lossy(&done.stderr);
        let last = told.lines().last().unwrap_or("nothing");
        return Err(Stop::new(
            format_args!("{name} printed no result, and said: {last}"),
            "run it by hand",
        ));
    }
    Ok(done.stdout)
}

fn parsed<'a, T: Deserialize<'a>>(program: &Path, bytes: &'a [u8]) -> Result<T, Stop> {
    serde_json::from_slice(bytes).map_err(|error| {
        Stop::new(
            format_args!("{} printed something else than its JSON: {error}", program.display()),
            "use the version that docs/accuracy.md names",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(first: u32, last: u32) -> Report {
        Report { rule: String::new(), first, last, cwes: vec![78] }
    }

    #[test]
    fn a_report_stands_at_the_statement_it_begins_in_or_covers() {
        let cases = [
            (report(5, 5), 5, 5, true),
            (report(6, 6), 5, 7, true),
            (report(4, 6), 5, 5, true),
            (report(6, 6), 5, 5, false),
            (report(1, 40), 5, 5, false),
        ];
        for (report, line, end, stands) in cases {
            assert_eq!(report.stands_at(line, end), stands, "{report:?} {line}-{end}");
        }
        assert!(report(1, 1).is_about(&[77]) && !report(1, 1).is_about(&[89]));
    }

    #[test]
    fn a_statement_ends_where_its_brackets_close() {
        let lines = ["f(", "  a,", "  b)", "g(a)", "if (x) {"];
        let ends: Vec<u32> = (1..=5).map(|line| statement_end(&lines, line)).collect();
        assert_eq!(ends, [3, 2, 3, 4, 5]);
    }
}
