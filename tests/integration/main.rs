//! Integration tests: one binary, a module a flow.

#![expect(clippy::unwrap_used, reason = "tests: panicking is the report")]

mod api;
mod approvals;
mod architecture;
mod artifacts;
mod attest;
mod corpus;
mod custom_rules;
mod dismissals;
mod entities;
mod events;
mod formal;
mod incremental;
mod insight;
mod intake;
mod live_view;
mod merge;
mod migrations;
mod model;
mod notices;
mod openapi;
mod operating;
mod operations;
mod orchestrator;
mod policy;
mod redrive;
mod reports;
mod resuming;
mod runs;
mod runs_guide;
mod scan_cli;
mod scans;
mod scene;
mod schedules;
mod search;
mod shop;
mod stack;
mod sweep;
mod syncs;
mod template;
mod tenancy;
mod traces;
mod transactions;
