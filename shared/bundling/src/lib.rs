//! What was made, as files that are the same every time: equal input, equal bytes.
//!
//! A [`Bundle`] takes files and becomes a zip with a manifest of their hashes. Names come from
//! [`safe_path`], so that nothing unpacks outside of its folder; values go through [`redact`], so
//! that no secret leaves with them; and nothing is left out or overwritten without an error.

mod bundle;
mod difference;
mod json;
mod path;
mod patterns;
mod redact;

// `zip` leaves the choice of an implementation of deflate to whoever uses it: ours is pure Rust.
use flate2 as _;

pub use bundle::{Bundle, BundleError, Packed};
pub use difference::unified_diff;
pub use json::pretty_json;
pub use path::safe_path;
pub use redact::{REDACTED, redact, redact_text};
