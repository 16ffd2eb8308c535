//! Judges files and words changes.
//!
//! [`trust`] says how much there is to go by in a file: named factors, each with the evidence that
//! it was computed from. [`change`] compares two commits: which symbols differ, what that breaks,
//! how risky it is. Both are facts, computed without I/O, clock or chance; [`change::word`] makes
//! prose of the facts, and whoever rewrites the prose has no way to change them.

pub mod change;
mod read;
pub mod trust;

pub use read::Read;
