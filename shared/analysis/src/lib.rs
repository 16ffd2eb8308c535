//! Reads code: a snapshot in, coverage and findings out.
//!
//! Pure: no I/O, no clock of its own, nothing of the analysed code is executed. [`parse`] says
//! what could be read, [`scan`] what the built-in rules and the secret patterns object to.
//! The same snapshot gives the same answer, unless the injected [`Clock`] ends the work early;
//! then [`Scan::incomplete`] says what is missing. An [`Examiner`] does both, a file at a time.

mod asked;
mod clock;
pub mod custom;
mod examine;
mod excerpt;
mod grammar;
#[cfg(test)]
mod limits;
mod mention;
mod nil;
mod package;
mod parse;
mod place;
mod rules;
mod scan;
mod secrets;
mod symbols;
mod syntax;
mod taint;
mod test_code;
mod trail;
mod tree;

pub use asked::Asked;
pub use clock::Clock;
pub use custom::{CustomRule, CustomRules, RuleFile, RuleProblem, RuleProblems};
pub use examine::{Columns, Examined, Examiner, Located};
pub use package::{Package, Packages};
pub use parse::{Parsed, parse, symbols};
pub use place::{FILE_BYTES_MAX, MARKER_LINES, is_demoted_by_name};
#[doc(hidden)]
pub use rules::Part;
pub use rules::{RuleInfo, rules, rules_version};
pub use scan::{Incomplete, IncompleteReason, Scan, scan, scan_with};
pub use symbols::{Symbol, SymbolKind};
pub use syntax::{outline, syntax_tree};
pub use tree_sitter::Tree;
