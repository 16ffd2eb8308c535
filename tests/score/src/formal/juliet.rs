//! Juliet for Java, case by case.
//!
//! A refuted check of the case's kind in `bad` is a hit, in `good*` a false alarm; a `bad` whose
//! checks of that kind are all proved is a false proof. Flow variants within one function (01 to
//! 17 and 31) and within one file (21, 22, 41, 42, 44, 45) are told apart.

use std::{collections::BTreeMap, path::Path};

use domain::Language;
use formal::{
    Checked, Report, Verdict,
    ir::{CheckKind, Function},
};

use super::Checks;
use crate::{
    Stop, files,
    sheet::{Bound, Cell, Share, Sheet, Table, Target},
    watch::watched,
};

const RECALL_MIN: f64 = 0.95;
const RECALL_IN_FILE_MIN: f64 = 0.80;
const PRECISION_MIN: f64 = 0.99;

/// The weaknesses that the formal checks are about.
const CWES: [&str; 6] = ["CWE129", "CWE190", "CWE191", "CWE369", "CWE476", "CWE690"];

/// Files that cases call, beside their own.
const SUPPORT: [&str; 2] = [
    "src/testcasesupport/IO.java",
    "src/testcases/CWE690_NULL_Deref_From_Return/CWE690_NULL_Deref_From_Return__Class_Helper.java",
];

/// Cases whose label is wrong, by a part of their name, with the reason.
const MISLABELLED: &[(&str, &str)] = &[(
    "large_fixed_array_size",
    "an array of 100 elements is made and its first is written: nothing is out of bounds",
)];

#[derive(Default)]
struct Score {
    hits: Share,
    alarms: Share,
    good_proved: usize,
    false_proofs: usize,
}

/// Which case files are looked at: every so many, from one on, with this in the name.
pub(crate) struct Choice<'a> {
    pub(crate) every: usize,
    pub(crate) from: usize,
    pub(crate) name: &'a str,
}

pub(crate) fn score(path: &Path, choice: &Choice<'_>, mut checks: Checks) -> Result<Sheet, Stop> {
    let read = |name: &str| {
        let source = files::source(path, &path.join(name))?;
        Ok((source.path, String::from_utf8_lossy(&source.bytes).into_owned()))
    };
    let support: Vec<(String, String)> = SUPPORT.into_iter().map(read).collect::<Result<_, _>>()?;
    let cases: Vec<String> = files::below(&path.join("src/testcases"))?
        .iter()
        .map(|file| files::relative(path, file))
        .filter(|name| Case::of(name).is_some() && name.contains(choice.name))
        .skip(choice.from)
        .step_by(choice.every.max(1))
        .collect();
    let mut sheet = Sheet { suite: "juliet", ..Sheet::default() };
    let mut scores: BTreeMap<(&'static str, bool), Score> = BTreeMap::new();
    for name in watched("cases", cases) {
        let Some(case) = Case::of(&name) else { continue };
        let all: Vec<_> = std::iter::once(read(&name)?).chain(support.iter().cloned()).collect();
        let score = scores.entry((case.cwe, case.is_within)).or_default();
        let wanted = |function: &Function| function.file == 0 && case.role(function).is_some();
        let Some((program, reports)) = checks.of(Language::Java, &all, wanted) else { continue };
        for report in &reports {
            let function = &program.functions[report.function];
            case.count(function, report, score, &mut sheet.wrong);
        }
    }
    fill(&mut sheet, &scores);
    sheet.notes.push(checks.note());
    for (part, reason) in MISLABELLED {
        sheet.notes.push(format!("Left out: {part}: {reason}."));
    }
    Ok(sheet)
}

/// One file of the suite.
struct Case<'a> {
    name: &'a str,
    cwe: &'static str,
    /// Its flaw can be seen within one function.
    is_within: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Bad,
    Good,
}

impl<'a> Case<'a> {
    fn of(path: &'a str) -> Option<Self> {
        let name = path.rsplit('/').next()?.strip_suffix(".java")?;
        let cwe = CWES.into_iter().find(|cwe| name.starts_with(&format!("{cwe}_")))?;
        let (_, variant) = name.rsplit_once('_')?;
        let is_within = match variant.parse().ok()? {
            1_u32..=17 | 31 => true,
            21 | 22 | 41 | 42 | 44 | 45 => false,
            _ => return None,
        };
        let is_right = !MISLABELLED.iter().any(|(part, _)| name.contains(part));
        is_right.then_some(Self { name, cwe, is_within })
    }

    fn role(&self, function: &Function) -> Option<Role> {
        let method = function.name.rsplit('.').next().unwrap_or_default();
        match method {
            "bad" => Some(Role::Bad),
            // `good` itself only calls the others.
            "good" => None,
            _ => method.starts_with("good").then_some(Role::Good),
        }
    }

    fn kinds(&self) -> &'static [CheckKind] {
        match self.cwe {
            "CWE129" => &[CheckKind::IndexOutOfBounds, CheckKind::NegativeArraySize],
            "CWE190" | "CWE191" => &[CheckKind::IntegerOverflow],
            "CWE369" => &[CheckKind::DivisionByZero, CheckKind::FloatDivisionByZero],
            _ => &[CheckKind::NullDereference, CheckKind::NullCheckAfterDereference],
        }
    }

    fn count(
        &self,
        function: &Function,
        report: &Report,
        score: &mut Score,
        wrong: &mut Vec<String>,
    ) {
        let own: Vec<&Checked> =
            report.checks.iter().filter(|check| self.kinds().contains(&check.kind)).collect();
        let refuted = own.iter().any(|check| matches!(check.verdict, Verdict::Refuted(_)));
        let proved = own.iter().all(|check| check.verdict == Verdict::Proved)
            && report.incomplete.is_none()
            && self.is_within;
        let mut note = |what: &str| {
            let method = function.name.rsplit('.').next().unwrap_or_default();
            let open: Vec<String> = own.iter().map(|check| said(check)).collect();
            wrong.push(format!("{what}: {} {method}: {}", self.name, open.join("; ")));
        };
        match self.role(function) {
            Some(Role::Bad) => {
                score.hits.count(refuted);
                score.false_proofs += usize::from(proved && !refuted);
                if proved && !refuted {
                    note("proved");
                } else if !refuted {
                    note("missed");
                }
            }
            Some(Role::Good) => {
                score.alarms.count(refuted);
                score.good_proved += usize::from(proved);
                if refuted {
                    note("alarm");
                }
            }
            None => {}
        }
    }
}

fn said(check: &Checked) -> String {
    let verdict = match &check.verdict {
        Verdict::Proved => "proved".to_owned(),
        Verdict::Refuted(example) => format!("fails for {:?}", example.inputs),
        Verdict::CallerDependent(_) => "callers decide".to_owned(),
        Verdict::Unknown(why) => format!("unknown, because {why}"),
    };
    format!("{} in line {}: {verdict}", check.kind.as_str(), check.line)
}

fn fill(sheet: &mut Sheet, scores: &BTreeMap<(&'static str, bool), Score>) {
    let head =
        ["weakness", "within a", "found", "false alarms", "good ones proved", "false proofs"];
    let mut table = Table::new(head);
    let (mut within, mut in_file, mut alarms, mut proofs) =
        (Share::default(), Share::default(), Share::default(), Share::default());
    for ((cwe, is_within), score) in scores {
        let all = if *is_within { &mut within } else { &mut in_file };
        all.part += score.hits.part;
        all.whole += score.hits.whole;
        alarms.part += score.alarms.part;
        alarms.whole += score.alarms.whole;
        proofs.part += score.false_proofs;
        proofs.whole += score.hits.whole;
        table.row([
            (*cwe).into(),
            if *is_within { "function" } else { "file" }.into(),
            score.hits.into(),
            score.alarms.into(),
            Share::new(score.good_proved, score.alarms.whole).into(),
            Cell::from(score.false_proofs),
        ]);
    }
    let hits = within.part + in_file.part;
    let target = |what: &str, share, bound| Target { what: what.to_owned(), share, bound };
    sheet.tables = vec![table];
    sheet.targets = vec![
        target("flaws found within a function", within, Bound::AtLeast(RECALL_MIN)),
        target("flaws found within a file", in_file, Bound::AtLeast(RECALL_IN_FILE_MIN)),
        target(
            "refutations that are right",
            Share::new(hits, hits + alarms.part),
            Bound::AtLeast(PRECISION_MIN),
        ),
        target("flaws called proved", proofs, Bound::AtMost(0.0)),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_known_by_its_name() {
        let of = |name: &str| Case::of(name).map(|case| (case.cwe, case.is_within));
        assert_eq!(of("a/CWE369_Divide_by_Zero__int_zero_divide_01.java"), Some(("CWE369", true)));
        assert_eq!(of("CWE190_Integer_Overflow__int_max_add_45.java"), Some(("CWE190", false)));
        assert_eq!(of("CWE190_Integer_Overflow__int_max_add_51a.java"), None);
        assert_eq!(of("CWE89_SQL_Injection__x_01.java"), None);
        assert_eq!(of("CWE129_x__large_fixed_array_size_01.java"), None);
    }
}
