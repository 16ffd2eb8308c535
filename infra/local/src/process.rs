//! Starting, recognising and stopping processes.

use std::{
    fs::{self, File},
    io::Write,
    net::TcpListener,
    ops::Range,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use backon::{BlockingRetryable, ExponentialBuilder};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::stop::{OrStop, Result, Stop};

const POLL: Duration = Duration::from_millis(50);
/// How many lines of a failed command's output are repeated in the error.
const TAIL_LINES_MAX: usize = 30;

/// Ports below those that systems hand out to whoever connects: while a server of ours is down, to be
/// started again, nobody takes its port.
const PORTS: Range<u16> = 21_000..32_000;

/// How often a command that fetches something is tried again.
const FETCH_AGAIN_MAX: usize = 4;
/// How long to wait before the first new try; each further one waits twice as long.
const FETCH_PAUSE: Duration = Duration::from_secs(2);

/// A process of ours, told apart from a later one with the same number by when it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    started: String,
}

impl Running {
    pub(crate) fn identify(pid: i32) -> Option<Self> {
        Some(Self { pid, started: started(pid)? })
    }

    pub(crate) fn is_alive(&self) -> bool {
        started(self.pid).as_ref() == Some(&self.started)
    }

    /// Whether its program has this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let comm = fs::read_to_string(format!("/proc/{}/comm", self.pid));
        let comm = comm.or_else(|_| {
            let mut ps = Command::new("ps");
            ps.args(["-o", "comm=", "-p", &self.pid.to_string()])
                .output()
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        });
        comm.is_ok_and(|comm| comm.trim().rsplit('/').next() == Some(name))
    }

    /// Asks the process to end, and after `patience` ends it with everything that it started.
    pub(crate) fn stop(&self, patience: Duration) {
        if !self.is_alive() {
            return;
        }
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        // A failure means that it ended by itself meanwhile.
        let _ = kill_process(pid, Signal::TERM);
        let deadline = Instant::now() + patience;
        while self.is_alive() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// When a process started, in whatever the system counts; `None` once it has ended.
fn started(pid: i32) -> Option<String> {
    if !Path::new("/proc/self/stat").exists() {
        return started_by_ps(pid);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in the second field may itself contain blanks and parentheses.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    // A zombie has ended, only nobody has asked for its exit code.
    (*fields.first()? != "Z").then(|| fields.get(19).map(|ticks| (*ticks).to_owned()))?
}

fn started_by_ps(pid: i32) -> Option<String> {
    test_kill_process(Pid::from_raw(pid)?).ok()?;
    let output =
        Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let started = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!started.is_empty()).then_some(started)
}

/// Starts a process that outlives this one, in a process group of its own.
pub(crate) fn start_in_background(command: &mut Command, log: &Path) -> Result<Running> {
    let program = command.get_program().to_string_lossy().into_owned();
    let file = new_log(log)?;
    let errors = file.try_clone().or_stop("cannot share a log", "free some file handles")?;
    let child =
        command.stdin(Stdio::null()).stdout(file).stderr(errors).process_group(0).spawn().or_stop(
            format_args!("cannot start {program}"),
            "run `cargo local clean` and try again",
        )?;
    let pid = i32::try_from(child.id()).expect("process numbers are below 2^22");
    Running::identify(pid)
        .ok_or_else(|| Stop::new(format_args!("{program} ended at once"), see(log)))
}

/// Runs a command to its end; its output goes to `log`, and into the error if it fails.
pub(crate) fn run(command: &mut Command, log: &Path, next: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let file = new_log(log)?;
    let errors = file.try_clone().or_stop("cannot share a log", "free some file handles")?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .status()
        .or_stop(format_args!("cannot start {program}"), next)?;
    if status.success() {
        return Ok(());
    }
    // The cause comes first: whoever shows only the beginning of an error still sees it.
    let (cause, said) = (last_line(log), tail(log));
    Err(Stop::new(format_args!("{program} failed ({status}): {cause}\n{said}"), next))
}

/// As [`run`], for a command that fetches from a registry and can be repeated: a connection that
/// breaks halfway is no reason to give up.
pub(crate) fn fetch(command: &mut Command, log: &Path, next: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let pauses =
        ExponentialBuilder::new().with_min_delay(FETCH_PAUSE).with_max_times(FETCH_AGAIN_MAX);
    (|| run(command, log, next))
        .retry(pauses)
        .notify(|_, pause| {
            let cause = last_line(log);
            eprintln!("{program} is tried again in {} s: {cause}", pause.as_secs());
        })
        .call()
}

/// Runs a command, hands it `input`, and returns what it prints.
pub(crate) fn ask(command: &mut Command, input: &str, next: &str) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let cannot_start = format!("cannot start {program}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .or_stop(&cannot_start, next)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read its input says why on its way out.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().or_stop(&cannot_start, next)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Stop::new(format_args!("{program} failed ({}):\n{}", output.status, said.trim()), next))
}

fn new_log(log: &Path) -> Result<File> {
    File::create(log).or_stop(
        format_args!("cannot write {}", log.display()),
        "make the checkout writable, or run `cargo local clean`",
    )
}

pub(crate) fn see(log: &Path) -> String {
    format!("read {}", log.display())
}

/// The last thing that was said in a log, which mostly is why a program ended.
fn last_line(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES_MAX)..].join("\n")
}

/// `wanted` when nobody listens there, otherwise any free port of [`PORTS`].
pub(crate) fn free_port(wanted: Option<u16>) -> Result<u16> {
    // Two of these programs that look at the same moment do not begin at the same port.
    let own = std::process::id() as usize % PORTS.len();
    let ports = PORTS.cycle().skip(own).take(PORTS.len());
    wanted
        .into_iter()
        .chain(ports)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| {
            Stop::new("there is no free port on 127.0.0.1", "stop something that listens there")
        })
}

/// Asks `is_ready` until it says so, for as long as `process` lives.
pub(crate) fn wait_until(
    name: &str,
    process: &Running,
    log: &Path,
    patience: Duration,
    is_ready: impl Fn() -> bool,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !is_ready() {
        if !process.is_alive() {
            return Err(Stop::new(format_args!("{name} ended:\n{}", tail(log)), see(log)));
        }
        if Instant::now() > deadline {
            let what = format!("{name} did not answer within {} s", patience.as_secs());
            return Err(Stop::new(what, see(log)));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_and_gone_after_stop() {
        let log = std::env::temp_dir().join(format!("local-process-{}", std::process::id()));
        // The shell's own child must not survive it either.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' TERM; sleep 60 & wait; wait"]);
        let running = start_in_background(&mut command, &log).unwrap();
        assert!(running.is_alive());

        let namesake = Running { started: "another time".to_owned(), ..running.clone() };
        assert!(!namesake.is_alive());

        running.stop(Duration::from_millis(200));
        // Who was killed takes a while to be gone.
        let gone = (0..600).any(|_| {
            thread::sleep(POLL);
            !running.is_alive()
        });
        assert!(gone);
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_taken_port_is_not_chosen() {
        let bind = |port| TcpListener::bind(("127.0.0.1", port)).ok();
        let listener = PORTS.into_iter().find_map(bind).expect("none of 11,000 ports is free");
        let taken = listener.local_addr().unwrap().port();
        assert_ne!(free_port(Some(taken)).unwrap(), taken);
        drop(listener);
        // A child that another test forks holds the listener until it becomes its own program.
        let chosen = (0..100)
            .inspect(|_| thread::sleep(POLL))
            .map(|_| free_port(Some(taken)).unwrap())
            .find(|&port| port == taken);
        assert_eq!(chosen, Some(taken));
    }

    #[test]
    fn what_is_fetched_is_tried_again_after_a_failure() {
        let folder = std::env::temp_dir().join(format!("local-fetch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("/bin/sh");
        // Fails the first time only.
        command.args(["-c", "test -e tried || { touch tried; exit 7; }"]).current_dir(&folder);
        let log = folder.join("log");
        run(&mut command, &log, "").unwrap_err();
        fs::remove_file(folder.join("tried")).unwrap();
        fetch(&mut command, &log, "").unwrap();
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_failed_run_begins_with_the_cause() {
        let log = std::env::temp_dir().join(format!("local-cause-{}", std::process::id()));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo one; echo the cause; exit 3"]);
        let stop = run(&mut command, &log, "try again").unwrap_err().to_string();
        assert!(stop.contains("failed (exit status: 3): the cause\none\nthe cause"), "{stop}");
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_failed_command_says_what_it_said() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo it broke >&2; exit 3"]);
        let stop = ask(&mut command, "", "try again").unwrap_err().to_string();
        assert!(stop.contains("it broke") && stop.contains("next: try again"), "{stop}");
    }
}
