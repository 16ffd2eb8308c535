//! Postgres: the only crate that speaks SQL.
//!
//! One module a table. A module's functions take a [`Tx`], which exists only with a tenant set,
//! so that row-level security holds even for a query that forgets its WHERE; the caller decides
//! what happens together:
//!
//! ```text
//! let mut session = database.session().await?;
//! let tx = session.begin(org).await?;
//! runs::insert(&tx, &run).await?;
//! outbox::insert(&tx, &message).await?;
//! tx.commit().await?;
//! ```
//!
//! Questions that must be asked before the tenant is known (whose key is this? whose webhook?)
//! are functions of [`Unscoped`], and each is one SECURITY DEFINER function in the migrations.
//!
//! # Order of locks
//!
//! Two transactions that each wait for what the other holds are both stopped by Postgres, and one
//! of them for nothing. Whoever locks rows takes them in this order, and may leave out any:
//!
//! 1. the repository's row ([`repositories::find_locked`]);
//! 2. a parent run, then its children, and siblings by their ids ([`runs::fence`]);
//! 3. what belongs to a run: its steps, approvals, analysis and findings, and the versions of its
//!    repository's manifest;
//! 4. rows that many runs share, such as results of files and embeddings, each statement's sorted by
//!    their keys.
//!
//! Rows of the outbox stand outside: they are never waited for (`SKIP LOCKED`), so they may be
//! locked at any time. The same goes for runs of many families at once ([`runs::note_wake_up`]).
//! The fault suite counts deadlocks, and names the statements of any.

pub mod analyses;
pub mod api_keys;
pub mod approvals;
pub mod artifacts;
pub mod attestations;
pub mod audit_logs;
pub mod badges;
pub mod chunks;
pub mod citations;
pub mod codebase_scans;
pub mod corpora;
pub mod custom_rules;
pub mod deliveries;
pub mod diff_summaries;
pub mod dispositions;
pub mod embeddings;
pub mod evidence;
pub mod file_results;
pub mod finding_lineages;
pub mod findings;
pub mod formal_results;
pub mod installations;
pub mod manifests;
pub mod migrations;
pub mod organizations;
pub mod outbox;
pub mod projects;
pub mod repo_syncs;
pub mod repositories;
pub mod run_steps;
pub mod runs;
pub mod scan_schedules;
pub mod search;
pub mod signing_keys;
pub mod trust_scores;

mod error;
mod page;
mod rows;
mod session;
mod term_statistics;
mod unscoped;

pub use error::StoreError;
pub use page::Page;
pub use session::{Database, Session, Tx, Unscoped};
pub use unscoped::{DueSync, LocatedInstallation, LocatedKey, LocatedRepository, RunToWake};
