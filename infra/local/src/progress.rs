//! What a person sees while something takes long: a spinner on a terminal, plain lines in a pipe.

use std::{
    fs,
    io::{IsTerminal, Write, stderr},
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::stop::Result;

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME: Duration = Duration::from_millis(100);
/// How often a pipe is told that a step is still being worked on.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How much of a log's last line is shown beside the spinner.
const TAIL_CHARACTERS_MAX: usize = 70;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    terminal: bool,
    colour: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Ink {
    Green,
    Red,
    Yellow,
    Grey,
    Bold,
}

impl Screen {
    pub(crate) fn new(no_color: Option<&str>) -> Self {
        let terminal = stderr().is_terminal();
        Self { terminal, colour: terminal && no_color.is_none_or(str::is_empty) }
    }

    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Green => 32,
            Ink::Red => 31,
            Ink::Yellow => 33,
            Ink::Grey => 90,
            Ink::Bold => 1,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    pub(crate) fn headline(&self, text: &str) {
        println!("\n{}", self.ink(Ink::Bold, text));
    }

    /// Does `work`, showing that it goes on and how long it took.
    ///
    /// `log` is where the work writes; its last line is shown too.
    pub(crate) fn step<T>(
        &self,
        name: &str,
        log: Option<&Path>,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let started = Instant::now();
        let result = thread::scope(|scope| {
            let (done, wait) = mpsc::channel::<()>();
            scope.spawn(move || self.show(name, log, started, &wait));
            let result = work();
            drop(done);
            result
        });
        let mark = match result {
            Ok(_) => self.ink(Ink::Green, "✓"),
            Err(_) => self.ink(Ink::Red, "✗"),
        };
        let took = self.ink(Ink::Grey, &seconds(started.elapsed()));
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        eprintln!("{clear}{mark} {name} {took}");
        result
    }

    fn show(&self, name: &str, log: Option<&Path>, started: Instant, wait: &mpsc::Receiver<()>) {
        let pause = if self.terminal { FRAME } else { HEARTBEAT };
        for frame in FRAMES.iter().cycle() {
            if wait.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let tail = log.and_then(last_line).unwrap_or_default();
            let took = seconds(started.elapsed());
            if self.terminal {
                let tail = self.ink(Ink::Grey, &tail);
                eprint!("\r\x1b[2K{frame} {name} {took} {tail}");
                // A spinner that cannot be drawn is no reason to stop working.
                let _ = stderr().flush();
            } else {
                eprintln!("… {name} {took} {tail}");
            }
        }
    }
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(60) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

fn last_line(log: &Path) -> Option<String> {
    let text = fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    Some(line.trim().chars().filter(|c| !c.is_control()).take(TAIL_CHARACTERS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_out_of_pipes_and_out_of_no_color() {
        let pipe = Screen { terminal: false, colour: false };
        assert_eq!(pipe.ink(Ink::Red, "flaw"), "flaw");
        let terminal = Screen { terminal: true, colour: true };
        assert_eq!(terminal.ink(Ink::Red, "flaw"), "\x1b[31mflaw\x1b[0m");
    }

    #[test]
    fn long_times_are_told_in_minutes() {
        assert_eq!(seconds(Duration::from_millis(2340)), "2.3 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
    }
}
