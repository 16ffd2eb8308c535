//! CodeQL's tests of its security queries (github/codeql).
//!
//! A folder `CWE-089` holds programs and, for each query, a file of expected results beside a
//! `.qlref`: its last part (`#select`, or all of it) names the places of the alerts. What is fine
//! is said by comments: `// OK`, `# GOOD`, on the line or above it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::LazyLock,
};

use domain::Language;
use regex::Regex;

use crate::{
    Stop, files,
    marked::{self, Case, Half},
    reports::statement_end,
    sheet::Sheet,
};

pub(crate) fn score(path: &Path, half: Option<Half>) -> Result<Sheet, Stop> {
    let all: BTreeSet<String> =
        files::below(path)?.iter().map(|file| files::relative(path, file)).collect();
    let mut alerts: BTreeMap<(String, String), BTreeSet<(u32, u32)>> = BTreeMap::new();
    let mut folders: BTreeSet<String> = BTreeSet::new();
    for name in &all {
        let Some(stem) = name.strip_suffix(".expected") else { continue };
        if !all.contains(&format!("{stem}.qlref")) {
            continue;
        }
        let folder = stem.rsplit_once('/').map_or("", |(folder, _)| folder);
        let source = files::source(path, &path.join(name))?;
        for (file, lines) in expected(&String::from_utf8_lossy(&source.bytes)) {
            let file = format!("{folder}/{file}");
            alerts.entry((file, folder.to_owned())).or_default().insert(lines);
        }
        folders.insert(folder.to_owned());
    }
    let mut cases = Vec::new();
    for folder in &folders {
        let prefix = format!("{folder}/");
        for name in all.iter().filter(|name| name.starts_with(&prefix)) {
            // Tests of a folder further down have their own expectations.
            let own = folders.iter().filter(|it| name.starts_with(&format!("{it}/"))).max();
            if own != Some(folder) || Language::of_path(name).is_none() {
                continue;
            }
            let bytes = files::source(path, &path.join(name))?.bytes;
            let flaws = alerts.remove(&(name.clone(), folder.clone())).unwrap_or_default();
            cases.extend(case(folder, name, &String::from_utf8_lossy(&bytes), &flaws));
        }
    }
    if cases.is_empty() {
        return Err(Stop::new(
            format_args!("{} holds no tests of queries", path.display()),
            "check out github/codeql and name its folder, or one like javascript/ql/test",
        ));
    }
    marked::score("codeql", path, cases, half)
}

fn case(folder: &str, path: &str, text: &str, flaws: &BTreeSet<(u32, u32)>) -> Option<Case> {
    static CWE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"CWE-0*(\d+)").expect("the expression is constant"));
    let cwe: u32 = CWE.captures(folder)?[1].parse().ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let whole = |(first, last): (u32, u32)| (first, last.max(statement_end(&lines, first)));
    let flaws: Vec<_> = flaws.iter().copied().map(whole).collect();
    let is_flaw = |line: u32| flaws.iter().any(|(first, last)| (*first..=*last).contains(&line));
    let fine: Vec<_> = fine_lines(&lines)
        .into_iter()
        .filter(|line| !is_flaw(*line))
        .map(|line| (line, line))
        .collect();
    let language = Language::of_path(path)?;
    (!flaws.is_empty() || !fine.is_empty()).then(|| Case {
        language: format!("{language:?}").to_lowercase(),
        group: folder.to_owned(),
        weakness: format!("CWE-{cwe:03}"),
        path: path.to_owned(),
        cwes: vec![cwe],
        flaws,
        fine,
    })
}

/// The places in a file of expected results: path, and first and last line.
fn expected(text: &str) -> Vec<(String, (u32, u32))> {
    static ROW: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\| ([^|:]+):(\d+):\d+:(\d+):\d+ \|").expect("the expression is constant")
    });
    let has_parts = text.lines().any(|line| line == "#select");
    let mut is_result = !has_parts;
    let mut found = Vec::new();
    for line in text.lines() {
        if !line.starts_with('|') {
            is_result = if has_parts {
                line == "#select"
            } else {
                !matches!(line, "nodes" | "edges" | "subpaths")
            };
            continue;
        }
        if let Some(row) = ROW.captures(line)
            && is_result
            && let (Ok(first), Ok(last)) = (row[2].parse(), row[3].parse())
        {
            found.push((row[1].to_owned(), (first, last)));
        }
    }
    found
}

/// Lines that a comment on them, or above them, calls fine.
fn fine_lines(lines: &[&str]) -> Vec<u32> {
    static FINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?://|#|/\*|<!--).*?\b(NOT OK|NOT GOOD|BAD|OK|GOOD)\b")
            .expect("the expression is constant")
    });
    let (mut waits, mut found) = (false, Vec::new());
    for (index, text) in lines.iter().enumerate() {
        let start = text.trim_start();
        let verdict = FINE.captures(text).map(|found| matches!(&found[1], "OK" | "GOOD"));
        if ["#", "//", "/*", "*"].iter().any(|it| start.starts_with(it)) {
            waits = verdict.unwrap_or(waits);
            continue;
        }
        if start.is_empty() {
            waits = false;
            continue;
        }
        let says = verdict.unwrap_or(std::mem::take(&mut waits));
        if says {
            found.push(u32::try_from(index + 1).unwrap_or(u32::MAX));
        }
        waits = false;
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sheet::{Cell, Share};

    #[test]
    fn the_last_part_of_the_expected_results_names_the_alerts() {
        let text = "nodes\n| a.js:1:2:1:3 | x |\n#select\n| a.js:4:5:6:7 | y | z |\n";
        assert_eq!(expected(text), [("a.js".to_owned(), (4, 6))]);
        let text = "| lib/a.js:4:5:4:7 | y |\n";
        assert_eq!(expected(text), [("lib/a.js".to_owned(), (4, 4))]);
        assert!(expected("nodes\n| a.js:1:2:1:3 | x |\n").is_empty());
    }

    #[test]
    fn a_comment_is_about_its_line_or_the_one_below() {
        let text = "f() // OK\nf() // NOT OK\n// GOOD: because\n// of this\nf()\nf()\n\
                    # BAD\nf()\n# GOOD\n\nf()\n";
        assert_eq!(fine_lines(&text.lines().collect::<Vec<_>>()), [1, 5]);
    }

    #[test]
    fn a_folder_of_tests_is_scored() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("ql/test/CWE-078");
        fs::create_dir_all(&folder).unwrap();
        let code = "import os\n\nos.system('rm ' + input())\nos.system('ls') # OK\n";
        fs::write(folder.join("a.py"), code).unwrap();
        fs::write(folder.join("Command.qlref"), "Security/CWE-078/Command.ql\n").unwrap();
        fs::write(folder.join("Command.expected"), "#select\n| a.py:3:1:3:9 | x |\n").unwrap();
        // The library's own tests have no reference to a query.
        fs::write(folder.join("Nodes.expected"), "| a.py:1:1:1:9 | x |\n").unwrap();
        let sheet = score(root.path(), None).unwrap();
        let share = |part, whole| Cell::Share(Share::new(part, whole));
        assert_eq!(sheet.tables[0].rows[0][2..], [share(1, 1), share(0, 1), share(0, 1)]);
        assert!(score(&root.path().join("ql/test/CWE-078/none"), None).is_err());
    }
}
