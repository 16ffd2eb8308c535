//! Every file through the engine, on as many cores as there are.

use std::{
    fs::File,
    io::{self, Read},
    num::NonZeroUsize,
    panic::resume_unwind,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use analysis::{Clock, Examined, Examiner, FILE_BYTES_MAX, Incomplete, Located};
use domain::{Coverage, SourceFile, Unanalysed, UnanalysedReason};

use super::{
    files::{Entry, Files},
    packages::Packages,
    progress::Progress,
    select::Rules,
};
use crate::input::reason;

/// What one file may take; the slowest honest ones take a hundredth of it.
const FILE_TIME_MAX: Duration = Duration::from_secs(30);

/// Matchers recurse into nested code; a thread's usual stack is a quarter of the main one's.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// What all files together hold, in the order of their paths.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Located>,
    pub(super) coverage: Coverage,
    pub(super) incomplete: Vec<Incomplete>,
    pub(super) unreadable: Vec<Unreadable>,
}

/// A file or folder that the operating system does not let us read.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Unreadable {
    pub(super) path: String,
    pub(super) reason: String,
}

pub(super) fn all(files: Files, threads: Option<NonZeroUsize>, rules: &Rules) -> Found {
    let Files { entries, unreadable, .. } = files;
    let entries: Vec<(String, Entry)> = entries.into_iter().collect();
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let threads = threads.unwrap_or(cores).get().min(entries.len()).max(1);
    let mut results = in_parallel(&entries, threads, rules);
    // Threads take files as they come; the order of the paths is what everybody gets.
    results.sort_by_key(|(index, _)| *index);

    let mut found = Found::default();
    let unlisted = |(path, reason)| Unreadable { path, reason };
    found.unreadable.extend(unreadable.into_iter().map(unlisted));
    for (index, result) in results {
        match result {
            Ok(examined) => {
                found.coverage.add(examined.coverage);
                found.findings.extend(examined.findings);
                found.incomplete.extend(examined.incomplete);
            }
            Err(error) => {
                found.coverage.files += 1;
                let path = entries[index].0.clone();
                found.unreadable.push(Unreadable { path, reason: reason(&error) });
            }
        }
    }
    found.unreadable.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

type Result = io::Result<Examined>;

fn in_parallel(entries: &[(String, Entry)], threads: usize, rules: &Rules) -> Vec<(usize, Result)> {
    let next = AtomicUsize::new(0);
    let running = AtomicUsize::new(threads);
    let watcher = thread::current();
    let packages = Packages::of(entries);
    let work = || {
        let mut examiner = Examiner::with_rules(Arc::clone(rules.own())).asking(rules.asked());
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((path, entry)) = entries.get(index) else { break };
            results.push((index, one(&mut examiner, &packages, path, entry)));
        }
        running.fetch_sub(1, Ordering::Release);
        watcher.unpark();
        results
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn_scoped(scope, work)
                    .expect("the operating system gives a thread for each core")
            })
            .collect();
        let is_over = || {
            // A thread that panics does not count down; it is over all the same.
            running.load(Ordering::Acquire) == 0 || workers.iter().all(|one| one.is_finished())
        };
        Progress::new(entries.len()).watch(&next, is_over);
        let results = workers.into_iter().map(|worker| worker.join());
        results.flat_map(|result| result.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

fn one(examiner: &mut Examiner, packages: &Packages<'_>, path: &str, entry: &Entry) -> Result {
    let unread = |reason| {
        let unanalysed = Unanalysed { path: path.to_owned(), reason };
        let coverage = Coverage { files: 1, unanalysed: vec![unanalysed], ..Coverage::default() };
        Ok(Examined { coverage, ..Examined::default() })
    };
    let Some(bytes) = bytes_of(entry) else {
        let is_policy = matches!(entry, Entry::LeftOut);
        let reason = if is_policy { UnanalysedReason::Policy } else { UnanalysedReason::NotAFile };
        return unread(reason);
    };
    let bytes = bytes?;
    let file = SourceFile { path: path.to_owned(), bytes };
    let start = Instant::now();
    let time_is_up = || start.elapsed() > FILE_TIME_MAX;
    Ok(examiner.examine_within(&file, packages.around(path), Clock::new(&time_is_up)))
}

/// What is read of an entry; none if it is not to be.
pub(super) fn bytes_of(entry: &Entry) -> Option<io::Result<Vec<u8>>> {
    match entry {
        Entry::File(place) => Some(bytes(place)),
        Entry::Staged(bytes) => Some(Ok(bytes.clone())),
        Entry::NotAFile | Entry::LeftOut => None,
    }
}

/// One byte more than is analysed shows that a file is too large, however large it is.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
