//! Integration tests: one binary, a module a flow.

mod architecture;
mod entities;
mod migrations;
mod tenancy;
