/// What went wrong, in the only terms the edges need.
///
/// The API turns a kind into an HTTP status, the queue into "redeliver" or "give up".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller sent something we will never accept.
    Invalid,
    NotFound,
    /// Someone else changed the thing first; the same call may succeed later.
    Conflict,
    /// A dependency did not answer.
    Unavailable,
    /// Our own invariant is broken.
    Bug,
}

pub trait Classify: std::error::Error + 'static {
    fn kind(&self) -> ErrorKind;
}
