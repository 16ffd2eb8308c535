//! Counterexamples as programs, run by the languages themselves: what was foretold must happen.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use formal::{Verdict, test_program};

use crate::{
    fixtures::{ECMA, Fixtures, GO, JAVA, PYTHON, RUST},
    golang, rustc,
    world::{program, reports_of},
};

/// Counterexamples that a call alone brings about; fewer would test nothing.
const PYTHON_MIN: usize = 25;
const JAVA_MIN: usize = 20;
const GO_MIN: usize = 75;
const RUST_MIN: usize = 60;
const ECMA_MIN: usize = 70;

/// Each test in a folder of its own, beside the code that it is about.
fn written(fixtures: &Fixtures, under: &str, test: &str) -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(under);
    // Of an earlier run with other functions.
    let _ = fs::remove_dir_all(&root);
    let mut folders = Vec::new();
    for (name, text) in fixtures.files() {
        let file = fixtures.marks.file;
        let program = program(fixtures.marks.language, file, &text);
        for report in reports_of(&program) {
            let caller = &program.functions[report.function];
            for check in &report.checks {
                let (Verdict::Refuted(example) | Verdict::CallerDependent(example)) =
                    &check.verdict
                else {
                    continue;
                };
                let Some(code) = test_program(file, caller, check.kind, check.line, example) else {
                    continue;
                };
                let folder = root.join(name).join(folders.len().to_string());
                fs::create_dir_all(&folder).expect("a folder can be made");
                fs::write(folder.join(file), &text).expect("a file can be written");
                fs::write(folder.join(test), code).expect("a file can be written");
                folders.push(folder);
            }
        }
    }
    folders
}

/// Standard output, if the program ends well.
fn run(command: &mut Command, install: &str) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().unwrap_or_else(|error| {
        panic!("{program} cannot be started ({error}): this test needs {install}")
    });
    said(output)
}

fn said(output: Output) -> Result<String, String> {
    let (said, failed) = (output.stdout, output.stderr);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(said)) } else { Err(text(said) + &text(failed)) }
}

#[test]
fn python_itself_fails_where_a_counterexample_says() {
    let folders = written(&PYTHON, "python", "test.py");
    for folder in &folders {
        let mut python = Command::new("python3");
        python.arg("test.py").current_dir(folder);
        if let Err(said) = run(&mut python, "Python 3 (Debian: apt-get install python3)") {
            let code = fs::read_to_string(folder.join("test.py")).unwrap_or_default();
            panic!("{}\n{code}\n{said}", folder.display());
        }
    }
    assert!(folders.len() >= PYTHON_MIN, "only {} could be run", folders.len());
}

/// One machine compiles and runs all: starting one takes longer than any test.
#[test]
fn java_itself_fails_where_a_counterexample_says() {
    let folders = written(&JAVA, "java", "FailsAsForetold.java");
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/RunAll.java");
    let mut java = Command::new("java");
    java.arg(driver).args(&folders);
    let jdk = "a JDK, 17 or later (Debian: apt-get install default-jdk-headless)";
    if let Err(said) = run(&mut java, jdk) {
        panic!("{said}\nThis test needs {jdk}, not only a JRE.");
    }
    assert!(folders.len() >= JAVA_MIN, "only {} could be run", folders.len());
}

/// All of them are modules of one program: compiling takes longer than any test.
#[test]
fn rust_itself_panics_where_a_counterexample_says() {
    let folders = written(&RUST, "rust", "test.rs");
    let (mut modules, mut calls) = (String::new(), String::new());
    for (at, folder) in folders.iter().enumerate() {
        let test = folder.join("test.rs");
        let _ = writeln!(modules, "#[path = {test:?}]\nmod test_{at};");
        let _ = writeln!(calls, "    run({test:?}, test_{at}::main, &mut failed);");
    }
    let whole = format!(
        r#"{modules}
fn run(path: &str, test: fn(), failed: &mut bool) {{
    if std::panic::catch_unwind(test).is_err() {{
        eprintln!("{{path}} does not fail as foretold");
        *failed = true;
    }}
}}

fn main() {{
    let mut failed = false;
{calls}    std::process::exit(failed.into());
}}
"#
    );
    let mut program = Command::new(rustc::compiled("counterexamples", &whole));
    if let Err(said) = run(&mut program, "what rustc made of it") {
        panic!("{said}");
    }
    assert!(folders.len() >= RUST_MIN, "only {} could be run", folders.len());
}

/// Each test is a file of a package's own, so that the packages can be tested together.
#[test]
fn go_itself_fails_where_a_counterexample_says() {
    let folders = written(&GO, "go", "test.go");
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("go");
    let (mut packages, mut functions) = (Vec::new(), Vec::new());
    for (at, folder) in folders.iter().enumerate() {
        let package = folder.strip_prefix(&root).expect("it is below").display().to_string();
        let code = fs::read_to_string(folder.join("test.go")).expect("it was written");
        let test = code.split_once("func Test").and_then(|(_, rest)| rest.split_once('('));
        let (name, _) = test.expect("it is a test");
        functions.push((package.clone(), format!("p{at}.Test{name}")));
        packages.push(package);
    }
    if let Err(said) = said(golang::tested(&root, &packages, &functions)) {
        panic!("{said}");
    }
    assert!(folders.len() >= GO_MIN, "only {} could be run", folders.len());
}

/// One process runs all, each test as a module of its own.
#[test]
fn node_itself_fails_where_a_counterexample_says() {
    let folders: Vec<PathBuf> = ECMA
        .iter()
        .enumerate()
        .flat_map(|(at, fixtures)| written(fixtures, &format!("ecma/{at}"), "test.js"))
        .collect();
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/run_all.js");
    let mut node = Command::new("node");
    node.arg(driver).args(&folders);
    if let Err(said) = run(&mut node, "Node.js 18 or later (Debian: apt-get install nodejs)") {
        panic!("{said}");
    }
    assert!(folders.len() >= ECMA_MIN, "only {} could be run", folders.len());
}
