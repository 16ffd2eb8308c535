//! NilAway's own test data, line by line.
//!
//! A line with `// want "…"` is one where NilAway reports that nil may be used; other lines are
//! fine. Each folder is a package, and is read as one. Two stages look: the formal one refutes, and
//! the semantic one follows nil. The targets are about what either of them reports; what depends on
//! the caller is counted apart. Halves are counted, too: the second was not looked at while nil's
//! flow was written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use analysis::{Clock, Examiner, Packages};
use domain::{Language, SourceFile};
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

/// What the rules that follow nil are called.
const NIL_RULES: &str = "go.correctness.nil-";

type Lines = BTreeSet<(String, u32)>;

#[derive(Default)]
struct Found {
    wanted: Lines,
    refuted: Lines,
    callers: Lines,
    flows: Lines,
    /// The folders, in whose order the halves take turns, that want something.
    folders: BTreeSet<String>,
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
            let wanted = wants(text).map(|line| (path.clone(), line));
            let before = found.wanted.len();
            found.wanted.extend(wanted);
            if found.wanted.len() > before {
                found.folders.insert(folder(path).to_owned());
            }
        }
        follow(&files, &mut found);
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

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What the semantic stage says of a package.
fn follow(files: &[(String, String)], into: &mut Found) {
    let file = |(path, text): &(String, String)| SourceFile {
        path: path.clone(),
        bytes: text.clone().into_bytes(),
    };
    let files: Vec<SourceFile> = files.iter().map(file).collect();
    let packages = Packages::of(&files);
    let mut examiner = Examiner::default();
    for file in &files {
        let examined = examiner.examine_within(file, packages.around(file), Clock::unlimited());
        let nil = examined.findings.into_iter().map(|located| located.finding);
        let nil = nil.filter(|finding| finding.rule.starts_with(NIL_RULES));
        into.flows.extend(nil.map(|finding| (finding.path, finding.lines.first)));
    }
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
        let with_callers = union(&self.refuted, &self.callers);
        let both = union(&self.refuted, &self.flows);
        let mut table = Table::new(["counted", "found", "right"]);
        for (what, lines) in [
            ("refuted", &self.refuted),
            ("refuted, with what callers decide", &with_callers),
            ("nil followed", &self.flows),
            ("refuted or followed", &both),
        ] {
            let (recall, precision) = shares(&self.wanted, lines);
            table.row([what.into(), recall.into(), precision.into()]);
        }
        for (what, is_first) in [("first half of the folders", true), ("second half", false)] {
            let (wanted, lines) = (self.half(&self.wanted, is_first), self.half(&both, is_first));
            let (recall, precision) = shares(&wanted, &lines);
            table.row([what.into(), recall.into(), precision.into()]);
        }
        let (recall, precision) = shares(&self.wanted, &both);
        let target = |what: &str, share, bound| Target {
            what: what.to_owned(),
            share,
            bound: Bound::AtLeast(bound),
        };
        let missed = self.wanted.difference(&both);
        let missed = missed.map(|(path, line)| format!("missed: {path}:{line}"));
        let alarms = both.difference(&self.wanted);
        let alarms = alarms.map(|(path, line)| format!("alarm: {path}:{line}"));
        Sheet {
            suite: "nilaway",
            tables: vec![table],
            targets: vec![
                target("lines found", recall, RECALL_MIN),
                target("reports that are right", precision, PRECISION_MIN),
            ],
            notes: Vec::new(),
            wrong: alarms.chain(missed).collect(),
        }
    }

    /// Every other folder. Alarms in folders where nothing is wanted belong to the second half.
    fn half(&self, lines: &Lines, is_first: bool) -> Lines {
        let is_in_first = |path: &str| {
            let at = self.folders.iter().position(|own| own == folder(path));
            at.is_some_and(|at| at % 2 == 0)
        };
        lines.iter().filter(|(path, _)| is_in_first(path) == is_first).cloned().collect()
    }
}

fn union(one: &Lines, other: &Lines) -> Lines {
    one.union(other).cloned().collect()
}

/// How many of the wanted lines were found, and how many of those found are wanted.
fn shares(wanted: &Lines, found: &Lines) -> (Share, Share) {
    let right = wanted.intersection(found).count();
    (Share::new(right, wanted.len()), Share::new(right, found.len()))
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
