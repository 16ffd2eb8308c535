//! The HTTP API on a real database, driven through the router that Lambda runs.

mod access;
mod badges;
mod deciding;
pub(crate) mod documents;
mod merging;
mod problems;
mod reading;
mod requests;
mod scanning;
pub(crate) mod waiting;
pub(crate) mod walk;
mod wall;
pub(crate) mod world;
