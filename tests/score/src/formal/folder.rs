//! Every function of a folder, without labels: what is decided, what is refuted, and what it takes.
//!
//! Files of Go and Java are lowered together, those of the other languages each on its own.

use std::{collections::BTreeMap, path::Path};

use domain::Language;
use formal::{Verdict, ir::CheckKind};

use super::Checks;
use crate::{
    Stop, files,
    sheet::{Cell, Share, Sheet, Table},
    watch::watched,
};

#[derive(Default)]
struct Count {
    proved: usize,
    refuted: usize,
    callers: usize,
    unknown: usize,
}

pub(crate) fn score(path: &Path, language: Language, mut checks: Checks) -> Result<Sheet, Stop> {
    let mut read = Vec::new();
    for file in files::below(path)? {
        let name = files::relative(path, &file);
        if Language::of_path(&name) == Some(language) {
            let source = files::source(path, &file)?;
            read.push((name, String::from_utf8_lossy(&source.bytes).into_owned()));
        }
    }
    let groups: Vec<Vec<(String, String)>> = match language {
        Language::Go | Language::Java => vec![read],
        Language::Python
        | Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Rust => read.into_iter().map(|file| vec![file]).collect(),
    };
    let mut sheet = Sheet { suite: "functions", ..Sheet::default() };
    let mut counts: BTreeMap<CheckKind, Count> = BTreeMap::new();
    let (mut lowered, mut whole) = (Share::default(), Share::default());
    for group in watched("files", groups) {
        let Some((program, reports)) = checks.of(language, &group, |_| true) else { continue };
        for report in reports {
            lowered.count(report.incomplete.is_none());
            whole.count(report.is_proved_as_a_whole());
            let path = &group[program.functions[report.function].file].0;
            for found in report.checks {
                let count = counts.entry(found.kind).or_default();
                match found.verdict {
                    Verdict::Proved => count.proved += 1,
                    Verdict::CallerDependent(_) => count.callers += 1,
                    Verdict::Unknown(_) => count.unknown += 1,
                    Verdict::Refuted(example) => {
                        count.refuted += 1;
                        let (kind, line) = (found.kind.as_str(), found.line);
                        sheet.wrong.push(format!("{path}:{line} {kind} {:?}", example.inputs));
                    }
                }
            }
        }
    }
    let head = ["check", "decided", "proved", "refuted", "callers decide", "unknown"];
    let mut table = Table::new(head);
    for (kind, count) in counts {
        let Count { proved, refuted, callers, unknown } = count;
        let all = proved + refuted + callers + unknown;
        table.row([
            Cell::from(kind.as_str()),
            Share::new(all - unknown, all).into(),
            proved.into(),
            refuted.into(),
            callers.into(),
            unknown.into(),
        ]);
    }
    let mut functions = Table::new(["functions", ""]);
    functions.row(["looked at to their end".into(), lowered.into()]);
    functions.row(["proved as a whole".into(), whole.into()]);
    sheet.tables = vec![table, functions];
    sheet.notes = vec![checks.note(), "Below: what is refuted, to be read.".to_owned()];
    Ok(sheet)
}
