//! Integration tests: one binary, a module a flow.

#![expect(clippy::unwrap_used, reason = "tests: panicking is the report")]

mod migrations;
mod tenancy;
