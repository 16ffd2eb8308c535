//! The environment: the only crate that reads it.
//!
//! Settings are read once, when a function starts, and an error names the variable. Secrets are
//! [`Secret`]s: either a literal (a laptop) or the ARN of a Secrets Manager secret, fetched when
//! first needed so that starting up waits for nobody.

mod logs;
mod metrics;
mod secret;
mod settings;

pub use logs::init_logs;
pub use metrics::{Unit, count, measure};
pub use secrecy::{ExposeSecret, SecretString};
pub use secret::{Secret, SecretError};
pub use settings::{SettingError, optional, optional_secret, parsed, required, secret};
