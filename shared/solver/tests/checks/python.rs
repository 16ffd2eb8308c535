//! Python functions with the verdict that each marked check must get.
//!
//! A line ends in `#~ VERDICT KIND`; a check that is not marked must not be refuted. What is
//! refuted and can be called is called by Python itself, which must raise what was foretold.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use domain::Language;
use formal::{Verdict, test_program};

use crate::{
    marks::{self, Marks},
    world::reports,
};

const MARKS: Marks = Marks { language: Language::Python, file: "subject.py", sign: "#~ " };

#[test]
fn every_marked_check_gets_its_verdict() {
    let functions = include_str!("../fixtures/python.txt");
    let wrong: Vec<String> =
        marks::cut(functions).flat_map(|(name, text)| marks::compare(&MARKS, name, text)).collect();
    assert!(marks::cut(functions).count() >= 30, "too few functions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Counterexamples that a call alone brings about; fewer would test nothing.
const RUN_MIN: usize = 15;

#[test]
fn python_itself_fails_where_a_counterexample_says() {
    let mut run = 0;
    for (name, text) in marks::cut(include_str!("../fixtures/python.txt")) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python").join(name);
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::write(folder.join(MARKS.file), text).expect("a file can be written");
        for report in reports(Language::Python, MARKS.file, text) {
            for check in report.checks {
                let (Verdict::Refuted(example) | Verdict::CallerDependent(example)) =
                    &check.verdict
                else {
                    continue;
                };
                let Some(program) =
                    test_program(Language::Python, MARKS.file, check.kind, check.line, example)
                else {
                    continue;
                };
                fs::write(folder.join("test.py"), &program).expect("a file can be written");
                let Output { status, stderr, .. } = Command::new("python3")
                    .arg("test.py")
                    .current_dir(&folder)
                    .output()
                    .expect("python3 is on the PATH, as `cargo local` wants it");
                let stderr = String::from_utf8_lossy(&stderr);
                assert!(status.success(), "{name}: {check:?}\n{program}\n{stderr}");
                run += 1;
            }
        }
    }
    assert!(run >= RUN_MIN, "only {run} counterexamples could be run");
}
