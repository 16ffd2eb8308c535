//! Follows nil through the functions of a Go package, from where the code itself writes it, leaves
//! it, or gives it back, to where it is used as if something were there.
//!
//! A function is walked once, with what is known of places at each point ([`state`]); what callers
//! need of it is kept as a summary ([`summary`]). What only a caller that nobody sees could pass is
//! nobody's fault. This is a semantic finding with its way as evidence, not a refutation: nothing
//! is executed, so conditions that exclude each other for reasons of arithmetic are not seen.

mod apply;
mod assign;
mod book;
mod builtin;
mod call;
mod composite;
mod condition;
mod expression;
mod leave;
mod library;
mod literal;
mod mentions;
mod operator;
mod package;
mod places;
mod state;
mod statement;
mod summary;
mod switch;
mod syntax;
mod types;
mod value;
mod walk;

use tree_sitter::Node;

use serde::Deserialize;

use crate::Clock;
use book::Book;
pub(crate) use builtin::{info, infos, is_asked_for, texts};
pub(crate) use summary::Use;
pub(crate) use value::Spot;
use value::{Cause, Kind};

/// A file of a package. All of them have one package clause.
pub(crate) struct File<'t> {
    pub(crate) text: &'t str,
    pub(crate) root: Node<'t>,
}

/// What kind of carelessness it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Care {
    /// Nil is written down, or left, and arrives.
    Flow,
    /// It is nil beside an error or a `false` that nobody asked about.
    Unchecked,
    /// A map need not have the element.
    Element,
}

/// Nil on its way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NilFlow {
    pub(crate) care: Care,
    pub(crate) how: Use,
    /// Where it is used.
    pub(crate) spot: Spot,
    /// From where it comes from to where it is used.
    pub(crate) path: Vec<Spot>,
    /// 0.0 to 1.0, to be taken together with the rule's.
    pub(crate) confidence: f64,
}

#[derive(Debug, Default)]
pub(crate) struct NilOutcome {
    /// In the order of the files; one for each place of use.
    pub(crate) flows: Vec<NilFlow>,
    pub(crate) timed_out: bool,
}

/// How much less is thought of a flow that conditions may exclude.
const PERHAPS: f64 = 0.6;

/// Follows nil through these files, which are all of their package, or some of them.
pub(crate) fn run(files: &[File<'_>], clock: Clock) -> NilOutcome {
    let mut book = Book::of(files);
    let mut found = Vec::new();
    let timed_out = !book.run(clock, &mut found);
    let mut flows: Vec<NilFlow> = found
        .into_iter()
        .filter(|one| book::is_told(&one.cause))
        .map(|one| {
            let confidence = if one.cause.perhaps { PERHAPS } else { 1.0 };
            let path = path(&one.cause, &one.spot);
            NilFlow { care: care(&one.cause), how: one.how, spot: one.spot, path, confidence }
        })
        .collect();
    // Of several reasons the clearest is told.
    flows.sort_by(|one, other| {
        (&one.spot, one.care, one.path.len())
            .cmp(&(&other.spot, other.care, other.path.len()))
            .then(other.confidence.total_cmp(&one.confidence))
            .then_with(|| one.path.cmp(&other.path))
    });
    flows.dedup_by(|next, kept| next.spot == kept.spot);
    NilOutcome { flows, timed_out }
}

fn care(cause: &Cause) -> Care {
    match cause.origin.kind {
        Kind::MapElement => Care::Element,
        Kind::NotOk => Care::Unchecked,
        Kind::Literal | Kind::Unassigned | Kind::Unset | Kind::Compared | Kind::Passed(..) => {
            if cause.is_beside {
                Care::Unchecked
            } else {
                Care::Flow
            }
        }
    }
}

fn path(cause: &Cause, end: &Spot) -> Vec<Spot> {
    let mut path = Vec::new();
    let mut step = cause.way.as_ref();
    while let Some(one) = step {
        path.push(one.spot.clone());
        step = one.before.as_ref();
    }
    path.push(cause.origin.spot.clone());
    path.reverse();
    path.push(end.clone());
    path.dedup();
    path
}

/// The examples of every rule.
#[cfg(test)]
pub(crate) use builtin::examples;

#[cfg(test)]
mod tests;
