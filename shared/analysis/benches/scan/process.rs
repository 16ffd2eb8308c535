//! What a process used, as the kernel counts it.

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// How often a peer's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a process that has ended used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) seconds: f64,
    pub(crate) peak_megabytes: f64,
}

/// Runs a program to its end. Its processor time comes from this process's account of its
/// children, so only one may run at a time.
pub(crate) fn measured(command: &mut Command) -> (Used, Vec<u8>) {
    let name = command.get_program().to_string_lossy().into_owned();
    let before = children_seconds();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
    let mut out = child.stdout.take().expect("it was asked for");
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).map(|_| bytes)
    });
    let id = child.id().to_string();
    let mut peak_megabytes = 0.0_f64;
    while child.try_wait().expect("it is our child").is_none() {
        peak_megabytes = peak_megabytes.max(self::peak_megabytes(&id));
        thread::sleep(LOOK_EVERY);
    }
    let printed = reader.join().expect("reading does not panic").expect("a pipe can be read");
    (Used { seconds: children_seconds() - before, peak_megabytes }, printed)
}

/// User and system time of the children that have ended.
fn children_seconds() -> f64 {
    // Ticks, of which every Linux has 100 a second for user space.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name stands in parentheses and may hold anything.
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<f64> = after.split(' ').map(|field| field.parse().unwrap_or(0.0)).collect();
    fields.get(13..15).map_or(f64::NAN, |children| children.iter().sum::<f64>() / 100.0)
}

/// Processor time of this thread.
pub(crate) fn own_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.unwrap_or(f64::NAN) / 1e9
}

/// The most memory that a process has held.
pub(crate) fn peak_megabytes(process: &str) -> f64 {
    status(process, "VmHWM:")
}

pub(crate) fn resident_megabytes() -> f64 {
    status("self", "VmRSS:")
}

fn status(process: &str, field: &str) -> f64 {
    let path = Path::new("/proc").join(process).join("status");
    let status = fs::read_to_string(path).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
