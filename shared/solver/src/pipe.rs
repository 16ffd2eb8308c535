//! A process that answers S-expressions, read by a thread of its own so that waiting can end.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// Memory that Z3 may take, in megabytes.
const MEMORY_MB_MAX: u32 = 512;

/// Depth of parentheses that an answer may have; no value needs as much.
const DEPTH_MAX: u32 = 64;

pub(crate) struct Pipe {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Pipe {
    pub(crate) fn start(program: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(["-smt2", "-in", &format!("-memory:{MEMORY_MB_MAX}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("its pipes are missing"));
        };
        let (sender, answers) = channel();
        thread::spawn(move || {
            let mut answer = String::new();
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                answer.push_str(&line);
                answer.push(' ');
                if is_whole(&answer) {
                    let whole = std::mem::take(&mut answer).trim().to_owned();
                    if sender.send(whole).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self { child, input, answers })
    }

    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        self.input.write_all(text.as_bytes())?;
        self.input.flush()
    }

    pub(crate) fn receive(&self, limit: Duration) -> io::Result<String> {
        self.answers.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => io::Error::new(io::ErrorKind::TimedOut, "it hangs"),
            RecvTimeoutError::Disconnected => io::Error::other("it ended"),
        })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // It may have ended by itself; either way it must not stay as a zombie.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_whole(text: &str) -> bool {
    let opened = text.matches('(').count();
    opened <= text.matches(')').count() && !text.trim().is_empty()
}

/// `((a 1) (b (- 2)))` as its pairs; what is no pair is left out.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let inner = text.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let (mut found, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    let inner = inner.unwrap_or_default();
    for (at, letter) in inner.char_indices() {
        match letter {
            '(' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            ')' => {
                depth = depth.saturating_sub(1);
                let pair = inner.get(start..at).filter(|_| depth == 0);
                let pair = pair.and_then(|pair| pair.trim().split_once(char::is_whitespace));
                found.extend(pair.map(|(name, value)| (name.to_owned(), value.trim().to_owned())));
            }
            _ => {}
        }
        if depth > DEPTH_MAX {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart_into_names_and_values() {
        let text = "((t1 5)  (t2 (- 7)) (t3 (fp #b0 #b01 #x5)))";
        let expected = [("t1", "5"), ("t2", "(- 7)"), ("t3", "(fp #b0 #b01 #x5)")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs(text), expected);
        assert!(pairs("unsat").is_empty());
        assert!(pairs(&"(".repeat(100_000)).is_empty());
    }

    #[test]
    fn an_answer_ends_with_its_last_parenthesis() {
        assert!(is_whole("sat "));
        assert!(is_whole("((t1 5)) "));
        assert!(!is_whole("((t1 5) "));
        assert!(!is_whole(" "));
    }
}
