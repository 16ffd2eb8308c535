//! The line on a terminal that says how far a trial is.

use std::io::{IsTerminal, Write, stderr};

pub(crate) struct Line {
    terminal: bool,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self { terminal: stderr().is_terminal() }
    }

    /// Replaces the line; a pipe is spared.
    pub(crate) fn say(&self, text: &str) {
        if self.terminal {
            eprint!("\r\x1b[2K{text}");
            // A line that cannot be drawn is no reason to stop.
            let _ = stderr().flush();
        }
    }

    pub(crate) fn clear(&self) {
        self.say("");
    }
}
