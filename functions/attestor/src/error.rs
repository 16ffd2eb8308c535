use domain::{Classify, ErrorKind, RunId};
use signing::SignerError;
use startup::SecretError;
use store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the statement cannot be signed")]
    Signer(#[from] SignerError),
    #[error("run {0} has no analysis with a verdict")]
    NoVerdict(RunId),
    #[error("the analysis of run {run} has no {field}")]
    Incomplete { run: RunId, field: &'static str },
    #[error("the signing key {0} is retired; set SIGNING_KEY to a current one")]
    RetiredKey(String),
    #[error("others attested the same repository again and again")]
    Overtaken,
    #[error("no randomness for a badge's token: {0}")]
    Randomness(getrandom::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Secret(error) => error.kind(),
            Self::Signer(error) => error.kind(),
            // Whoever sent the message committed the verdict with it: it will never appear.
            Self::NoVerdict(_) => ErrorKind::NotFound,
            Self::Overtaken => ErrorKind::Conflict,
            Self::Randomness(_) => ErrorKind::Unavailable,
            Self::Incomplete { .. } | Self::RetiredKey(_) => ErrorKind::Bug,
        }
    }
}
