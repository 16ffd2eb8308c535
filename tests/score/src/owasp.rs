//! The OWASP Benchmark: thousands of small servlets, each of which has one flaw or only looks
//! as if it had.
//!
//! The list of expected results names a category and a CWE for each test. A test counts as
//! reported when anything in its file is reported about that weakness; the Benchmark's own score
//! of a category is the share of flaws that are found less the share of false alarms.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use analysis::Examiner;

use crate::{
    Stop, families, files,
    marked::Half,
    peers,
    reports::{self, Report},
    sheet::{Bound, Cell, Share, Sheet, Table, Target},
    watch::watched,
};

const FOUND_MIN: f64 = 0.80;
const ALARMS_MAX: f64 = 0.20;

/// One line of the list of expected results.
struct Expected {
    category: String,
    is_flaw: bool,
    cwe: u32,
}

#[derive(Default)]
struct Score {
    found: Share,
    alarms: Share,
}

pub(crate) fn score(path: &Path, half: Option<Half>) -> Result<Sheet, Stop> {
    let all = files::below(path)?;
    let mut expected = BTreeMap::new();
    for file in &all {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("expectedresults-") && name.ends_with(".csv") {
            let source = files::source(path, file)?;
            expected.extend(String::from_utf8_lossy(&source.bytes).lines().filter_map(line));
        }
    }
    if expected.is_empty() {
        return Err(Stop::new(
            format_args!("{} holds no expectedresults-*.csv", path.display()),
            "check out OWASP-Benchmark/BenchmarkJava or BenchmarkPython and name its folder",
        ));
    }
    if let Some(half) = half {
        let mut indices = 0..;
        expected.retain(|_, _| indices.next().is_some_and(|index| half.holds(index)));
    }
    let mut examiner = Examiner::default();
    let mut by_category: BTreeMap<String, Score> = BTreeMap::new();
    let mut sheet = Sheet { suite: "owasp", ..Sheet::default() };
    for file in watched("files", all.iter().collect()) {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        // Pages of a test have its name, too, and are no code.
        let name = files::relative(path, file);
        let Some(test) = expected.get(&*stem) else { continue };
        if domain::Language::of_path(&name).is_none() || name.contains("/webapp/") {
            continue;
        }
        let reports = reports::ours(&mut examiner, &files::source(path, file)?);
        let by = reports.iter().find(|report: &&Report| {
            report.cwes.iter().any(|own| families::are_one(*own, test.cwe))
        });
        let score = by_category.entry(test.category.clone()).or_default();
        let share = if test.is_flaw { &mut score.found } else { &mut score.alarms };
        share.count(by.is_some());
        if by.is_some() != test.is_flaw {
            let what = by.map_or("missed".to_owned(), |by| format!("false alarm of {}", by.rule));
            sheet.wrong.push(format!("{}: {stem} {what}", test.category));
        }
    }
    let mut sheet = filled(sheet, &by_category);
    let is_python = |file: &PathBuf| file.ends_with("testcode/BenchmarkTest00001.py");
    if half.is_none() && all.iter().any(is_python) {
        sheet.tables.push(others());
    }
    Ok(sheet)
}

/// What others reached on the tests in Python.
fn others() -> Table {
    let mut table = Table::new(["others", "flaws found", "false alarms"]);
    for peer in &peers::BENCHMARK_PYTHON {
        table.row([peer.name.into(), peer.found.into(), peer.alarms.into()]);
    }
    table
}

/// `BenchmarkTest00001,pathtraver,true,22`
fn line(text: &str) -> Option<(String, Expected)> {
    let mut parts = text.split(',').map(str::trim);
    let name = parts.next().filter(|name| name.starts_with("BenchmarkTest"))?;
    let category = parts.next()?.to_owned();
    let is_flaw = parts.next()?.parse().ok()?;
    let cwe = parts.next()?.parse().ok()?;
    Some((name.to_owned(), Expected { category, is_flaw, cwe }))
}

fn filled(mut sheet: Sheet, by_category: &BTreeMap<String, Score>) -> Sheet {
    let mut table = Table::new(["category", "flaws found", "false alarms", "score"]);
    let (mut all, mut points) = (Score::default(), 0.0);
    for (category, score) in by_category {
        for (sum, one) in [(&mut all.found, score.found), (&mut all.alarms, score.alarms)] {
            sum.part += one.part;
            sum.whole += one.whole;
        }
        let own =
            score.found.ratio().unwrap_or_default() - score.alarms.ratio().unwrap_or_default();
        points += own;
        let cells = [score.found.into(), score.alarms.into(), Cell::from(&*format!("{own:.3}"))];
        table.row([category.as_str().into(), cells[0].clone(), cells[1].clone(), cells[2].clone()]);
    }
    let mean = points / by_category.len().max(1) as f64;
    sheet.notes = vec![format!("The mean of the categories' scores is {mean:.3}.")];
    let target = |what: &str, share, bound| Target { what: what.to_owned(), share, bound };
    sheet.targets = vec![
        target("flaws found", all.found, Bound::AtLeast(FOUND_MIN)),
        target("false alarms", all.alarms, Bound::AtMost(ALARMS_MAX)),
    ];
    sheet.tables = vec![table];
    sheet
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_test_is_judged_by_its_own_weakness() {
        let root = tempfile::tempdir().unwrap();
        let list = "# test name, category, real vulnerability, cwe\n\
                    BenchmarkTest00001,cmdi,true,78\nBenchmarkTest00002,cmdi,false,78\n\
                    BenchmarkTest00003,xpathi,true,643\n";
        fs::write(root.path().join("expectedresults-1.csv"), list).unwrap();
        let run = |name: &str, command: &str| {
            let code = format!(
                "class {name} {{\n  void doGet(HttpServletRequest request) throws IOException {{\n    \
                 Runtime.getRuntime().exec({command});\n  }}\n}}\n"
            );
            fs::write(root.path().join(format!("{name}.java")), code).unwrap();
        };
        run("BenchmarkTest00001", "request.getParameter(\"a\")");
        run("BenchmarkTest00002", "\"ls\"");
        run("BenchmarkTest00003", "request.getParameter(\"a\")");
        let sheet = score(root.path(), None).unwrap();
        let share = |part, whole| Cell::Share(Share::new(part, whole));
        assert_eq!(sheet.tables[0].rows[0][1..], [share(1, 1), share(0, 1), "1.000".into()]);
        assert_eq!(sheet.tables[0].rows[1][1..], [share(0, 1), share(0, 0), "0.000".into()]);
        assert_eq!(sheet.wrong, ["xpathi: BenchmarkTest00003 missed"]);
    }
}
