//! Z3 as a process of its own: started once, asked over SMT-LIB, killed when it hangs.
//!
//! The only crate that starts a process. Whatever goes wrong with Z3 is an answer,
//! [`Answer::Unknown`] or [`Answer::Unavailable`], so that no analysis fails by it.

mod pipe;

use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use formal::{Answer, Query, Solver};
use pipe::Pipe;

/// Failures in a row after which it is left alone.
const FAILURES_MAX: u32 = 3;

/// Z3 keeps no limit below this.
const LIMIT_MIN: Duration = Duration::from_millis(5);

/// Beyond its own limit, Z3 has this long to answer before it is killed.
const GRACE: Duration = Duration::from_millis(450);

/// Keeps one Z3 running and asks it one query at a time.
pub struct Z3 {
    program: PathBuf,
    running: Option<Pipe>,
    failures: u32,
    /// Why it is not tried any more.
    gone: Option<String>,
    spent: Duration,
    restarts: u32,
}

impl Z3 {
    /// Nothing is started before the first query.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            running: None,
            failures: 0,
            gone: None,
            spent: Duration::ZERO,
            restarts: 0,
        }
    }

    /// Time that queries took, starts included.
    pub fn spent(&self) -> Duration {
        self.spent
    }

    /// How often a process was killed or lost.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    fn try_ask(&mut self, query: &Query, limit: Duration) -> io::Result<Answer> {
        let mut pipe = match self.running.take() {
            Some(pipe) => pipe,
            None => Pipe::start(&self.program)?,
        };
        let answer = exchange(&mut pipe, query, limit)?;
        // A process that ends after its answer has still given it.
        if pipe.send("(pop)\n").is_ok() {
            self.running = Some(pipe);
        }
        Ok(answer)
    }

    fn failed(&mut self, error: &io::Error, was_running: bool) -> Answer {
        let why = format!("{}: {error}", self.program.display());
        tracing::warn!(%error, "z3 was lost");
        self.restarts += 1;
        self.failures += 1;
        if self.failures >= FAILURES_MAX {
            self.gone = Some(why.clone());
        }
        if was_running { Answer::Unknown } else { Answer::Unavailable(why) }
    }
}

impl Solver for Z3 {
    fn ask(&mut self, query: &Query, limit: Duration) -> Answer {
        if let Some(why) = &self.gone {
            return Answer::Unavailable(why.clone());
        }
        let (begun, was_running) = (Instant::now(), self.running.is_some());
        let answer = self.try_ask(query, limit.max(LIMIT_MIN));
        self.spent += begun.elapsed();
        match answer {
            Ok(answer) => {
                self.failures = 0;
                answer
            }
            Err(error) => self.failed(&error, was_running),
        }
    }
}

/// One query after a push; the caller pops. An error leaves the pipe in no known state, so the
/// caller drops it, and with it the process.
fn exchange(pipe: &mut Pipe, query: &Query, limit: Duration) -> io::Result<Answer> {
    let millis = limit.as_millis();
    pipe.send(&format!("(push)\n(set-option :timeout {millis})\n{}(check-sat)\n", query.script))?;
    let answer = match pipe.receive(limit + GRACE)?.as_str() {
        "unsat" => Answer::Unsat,
        "unknown" | "timeout" => Answer::Unknown,
        "sat" if query.symbols.is_empty() => Answer::Sat(Vec::new()),
        "sat" => {
            pipe.send(&format!("(get-value ({}))\n", query.symbols.join(" ")))?;
            Answer::Sat(pipe::pairs(&pipe.receive(limit + GRACE)?))
        }
        other => return Err(io::Error::other(other.to_owned())),
    };
    Ok(answer)
}
