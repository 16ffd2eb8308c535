//! NilAway's own test data, line by line.
//!
//! A line with `// want "…"` is one where NilAway reports that nil may be used; other lines are
//! fine. Each folder is a package, and is lowered as one. The targets are about refutations alone;
//! what depends on the caller is counted apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use domain::Language;
use formal::{Verdict, ir::CheckKind};

use super::Checks;
use crate::{
    Stop, files,
    sheet::{Bound, Share, Sheet, Table, Target},
    watch::watched,
};

const RECALL_MIN: f64 = 0.5;
const PRECISION_MIN: f64 = 0.8;

/// An index into a slice that is nil is one, too.
const KIND: CheckKind = CheckKind::NullDereference;

type Lines = BTreeSet<(String, u32)>;

#[derive(Default)]
struct Found {
    wanted: Lines,
    refuted: Lines,
    callers: Lines,
}

pub(crate) fn score(path: &Path, mut checks: Checks) -> Result<Sheet, Stop> {
    let root = path.join("testdata/src");
    let mut packages: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for file in files::below(&root)?.iter().filter(|file| file.extension() == Some("go".as_ref())) {
        let source = files::source(&root, file)?;
        let package = source.path.rsplit_once('/').map_or("", |(package, _)| package).to_owned();
        let text = String::from_utf8_lossy(&source.bytes).into_owned();
        packages.entry(package).or_default().push((source.path, text));
    }
    let mut found = Found::default();
    for files in watched("packages", packages.into_values().collect()) {
        for (path, text) in &files {
            found.wanted.extend(wants(text).map(|line| (path.clone(), line)));
        }
        judge(&files, &mut checks, &mut found);
    }
    let mut sheet = found.sheet();
    sheet.notes = vec![checks.note()];
    Ok(sheet)
}

/// Lines with the comment `// want "…"`.
fn wants(text: &str) -> impl Iterator<Item = u32> {
    let wants = |line: &str| {
        let comment = line.split_once("//").map_or("", |(_, comment)| comment.trim_start());
        comment.strip_prefix("want").is_some_and(|rest| rest.trim_start().starts_with(['"', '`']))
    };
    (1..).zip(text.lines()).filter(move |(_, line)| wants(line)).map(|(line, _)| line)
}

fn judge(files: &[(String, String)], checks: &mut Checks, into: &mut Found) {
    let Some((program, reports)) = checks.of(Language::Go, files, |_| true) else { return };
    let all = reports.iter().flat_map(|report| &report.checks);
    for check in all.filter(|check| check.kind == KIND) {
        let path = &files[program.functions[check.function].file].0;
        let line = (path.clone(), check.line);
        match &check.verdict {
            Verdict::Refuted(_) => into.refuted.insert(line),
            Verdict::CallerDependent(_) => into.callers.insert(line),
            Verdict::Proved | Verdict::Unknown(_) => false,
        };
    }
}

impl Found {
    fn sheet(&self) -> Sheet {
        let both: Lines = self.refuted.union(&self.callers).cloned().collect();
        let shares = |found: &Lines| {
            let right = self.wanted.intersection(found).count();
            (Share::new(right, self.wanted.len()), Share::new(right, found.len()))
        };
        let mut table = Table::new(["counted", "found", "right"]);
        let (recall, precision) = shares(&self.refuted);
        table.row(["refuted".into(), recall.into(), precision.into()]);
        let (more, less) = shares(&both);
        table.row(["with what callers decide".into(), more.into(), less.into()]);
        let target = |what: &str, share, bound| Target {
            what: what.to_owned(),
            share,
            bound: Bound::AtLeast(bound),
        };
        let missed = self.wanted.difference(&self.refuted);
        let missed = missed.map(|(path, line)| format!("missed: {path}:{line}"));
        let alarms = self.refuted.difference(&self.wanted);
        let alarms = alarms.map(|(path, line)| format!("alarm: {path}:{line}"));
        Sheet {
            suite: "nilaway",
            tables: vec![table],
            targets: vec![
                target("lines found", recall, RECALL_MIN),
                target("refutations that are right", precision, PRECISION_MIN),
            ],
            notes: Vec::new(),
            wrong: alarms.chain(missed).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_lines_are_those_with_the_comment() {
        let text = "a // want \"x\"\nb // wanted\nc //want `y`\nd";
        assert_eq!(wants(text).collect::<Vec<_>>(), [1, 3]);
    }
}
