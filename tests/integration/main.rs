//! Integration tests: one binary, a module a flow.

mod api;
mod architecture;
mod attest;
mod entities;
mod intake;
mod migrations;
mod openapi;
mod orchestrator;
mod runs;
mod search;
mod sweep;
mod syncs;
mod tenancy;
