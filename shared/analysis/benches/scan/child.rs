//! One measurement, in a process of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use analysis::{Clock, Examiner, Packages, Part};
use clap::ValueEnum;
use domain::{Language, SourceFile};
use serde::{Deserialize, Serialize};

use crate::{generated, process};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    Parse,
    HalfTheRules,
    AllRules,
    Everything,
    /// Twenty files, once in a fresh process and once more.
    PullRequest,
    /// The first small file of each language, and the first text with a secret.
    First,
}

/// What a measurement tells the one who asked for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) lines: u64,
    pub(crate) findings: usize,
    /// Processor seconds of the work's last part alone, where it has one.
    pub(crate) warm_seconds: f64,
    pub(crate) peak_megabytes: f64,
    /// What each first file took: name, milliseconds, megabytes.
    pub(crate) firsts: Vec<(String, f64, f64)>,
}

/// Files of a pull request.
const PULL_REQUEST_FILES: usize = 20;

/// Shorter files are no fair part of a pull request.
const PULL_REQUEST_FILE_BYTES_MIN: usize = 4 * 1024;

pub(crate) fn run(work: Work, folders: &[PathBuf]) {
    let files = match (work, folders) {
        (Work::First, _) => Vec::new(),
        (Work::PullRequest, []) => pull_request(&generated::files()),
        (Work::PullRequest, folders) => pull_request(&read(folders)),
        (_, []) => generated::files(),
        (_, folders) => read(folders),
    };
    let lines = files.iter().map(|file| lines(&file.bytes)).sum();
    let (mut findings, mut warm_seconds, mut firsts) = (0, 0.0, Vec::new());
    match work {
        Work::Parse => parse(&files),
        Work::HalfTheRules => findings = Part::of_rules(2).run(&files),
        Work::AllRules => findings = Part::of_rules(1).run(&files),
        Work::Everything => findings = examine(&mut Examiner::default(), &files),
        Work::PullRequest => {
            let mut examiner = Examiner::default();
            examine(&mut examiner, &files);
            let before = process::own_seconds();
            findings = examine(&mut examiner, &files);
            warm_seconds = process::own_seconds() - before;
        }
        Work::First => firsts = first(),
    }
    let peak_megabytes = process::peak_megabytes("self");
    let told = Told { lines, findings, warm_seconds, peak_megabytes, firsts };
    println!("{}", serde_json::to_string(&told).expect("numbers and names can be written"));
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// One after the other, as the engine does: trees are not kept.
fn parse(files: &[SourceFile]) {
    for file in files {
        let (Some(language), Ok(text)) =
            (Language::of_path(&file.path), std::str::from_utf8(&file.bytes))
        else {
            continue;
        };
        std::hint::black_box(analysis::syntax_tree(language, text, &Clock::unlimited()));
    }
}

fn examine(examiner: &mut Examiner, files: &[SourceFile]) -> usize {
    let packages = Packages::of(files);
    let mut found = 0;
    for file in files {
        let around = packages.around(file);
        found += examiner.examine_within(file, around, Clock::unlimited()).findings.len();
    }
    found
}

/// Code alone: that is what the peers read.
fn read(folders: &[PathBuf]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    folders.iter().for_each(|folder| read_into(&mut files, folder));
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

fn read_into(files: &mut Vec<SourceFile>, folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        let name = path.to_string_lossy().into_owned();
        if kind.is_dir() {
            read_into(files, &path);
        } else if kind.is_file()
            && Language::of_path(&name).is_some()
            && let Ok(bytes) = fs::read(&path)
        {
            files.push(SourceFile { path: name, bytes });
        }
    }
}

/// Files that lie apart, as those of a change do.
fn pull_request(files: &[SourceFile]) -> Vec<SourceFile> {
    let fair: Vec<&SourceFile> =
        files.iter().filter(|file| file.bytes.len() >= PULL_REQUEST_FILE_BYTES_MIN).collect();
    let step = (fair.len() / PULL_REQUEST_FILES).max(1);
    fair.into_iter().step_by(step).take(PULL_REQUEST_FILES).cloned().collect()
}

fn first() -> Vec<(String, f64, f64)> {
    let mut examiner = Examiner::default();
    let code = generated::TEMPLATES.iter().map(|template| {
        let text = format!("{}{}{}", template.start, template.flawed, template.end);
        (format!("first.{}", template.extension), text)
    });
    // A key whose checks all pass would look like a leak of ours.
    let secret = ("first.txt".to_owned(), "api_key = aG9sZTpvcGVuOnNlc2FtZTE5\n".to_owned());
    let measured = std::iter::once(secret).chain(code).map(|(path, text)| {
        let file = SourceFile { path: path.clone(), bytes: text.into_bytes() };
        let (seconds, megabytes) = (process::own_seconds(), process::resident_megabytes());
        examiner.examine(&file, Clock::unlimited());
        let milliseconds = (process::own_seconds() - seconds) * 1000.0;
        (path, milliseconds, process::resident_megabytes() - megabytes)
    });
    measured.collect()
}
