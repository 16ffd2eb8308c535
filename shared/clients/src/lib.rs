//! Calls out: the only crate that opens connections to other people's servers.
//!
//! [`git`] fetches one commit of any git server, [`github`] speaks to GitHub's REST API, and
//! [`AddressGuard`] decides which addresses either may be led to.

mod address;
pub mod git;
pub mod github;
#[cfg(test)]
mod test_server;
mod tls;

pub use address::{AddressGuard, AddressRefused, is_public};
