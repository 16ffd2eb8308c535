//! Integration tests: one binary, a module a flow.

mod architecture;
mod entities;
mod intake;
mod migrations;
mod search;
mod tenancy;
