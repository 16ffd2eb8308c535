use std::io;

use crate::InputError;

/// Why the program stops without an answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
}

impl Error {
    /// Whether the reader of our output has gone, as `head` does when it has enough.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Something about the call or the connection is wrong, and this is what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n next: {next}")]
pub struct Trouble {
    what: String,
    next: String,
}

impl Trouble {
    pub(crate) fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }
}
