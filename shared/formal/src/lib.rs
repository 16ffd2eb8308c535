//! Proves and refutes checks on single functions: division by zero, overflow, bounds, null.
//!
//! A language's functions are lowered to a small IR ([`ir`]), with its own arithmetic; what is
//! not modelled is read as an unknown, with the reason. The IR is executed symbolically, checks
//! become SMT-LIB queries, and a [`Solver`] answers them. A model of a failing check is replayed
//! in an interpreter before it counts. Pure: no I/O, no process, no clock of its own.

mod check;
mod clock;
mod ecma;
mod emit;
mod example;
mod exceptions;
mod exec;
mod go;
mod interp;
pub mod ir;
mod java;
mod python;
mod rust;
mod slots;
mod smt;
mod solver;
mod symbol;
mod syntax;
mod term;
mod verdict;

pub use check::{QUERY_TIME_MAX, check};
pub use clock::Clock;
pub use example::test_program;
pub use exec::INLINE_DEPTH_MAX;
pub use interp::run_on;
pub use smt::Query;
pub use solver::{Answer, NoSolver, Solver};
pub use verdict::{Checked, Counterexample, Reasons, Report, Unknown, Verdict};

use domain::Language;
use ir::Program;
use tree_sitter::Tree;

/// A file with its tree, parsed by the caller.
pub struct Source<'a> {
    pub path: &'a str,
    pub language: Language,
    pub text: &'a str,
    pub tree: &'a Tree,
}

/// Lowers files of one language together: they see each other's constants and functions.
pub fn lower(language: Language, sources: &[Source<'_>]) -> Program {
    match language {
        Language::Go => go::lower(sources),
        Language::Java => java::lower(sources),
        Language::Python => python::lower(sources),
        Language::Rust => rust::lower(sources),
        Language::JavaScript | Language::TypeScript | Language::Tsx => ecma::lower(sources),
    }
}
