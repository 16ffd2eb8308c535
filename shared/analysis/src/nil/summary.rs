//! What functions say of themselves, and what was found in them.

use std::rc::Rc;

use super::value::{Cause, Fact, Spot, Step, Value, Way};

/// How nil does harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// A field, what a pointer points to, or a method that wants it.
    Dereferenced,
    /// A method of an interface.
    Asked,
    Called,
    /// An element of a slice.
    Indexed,
    /// An element of a map is written to.
    Written,
}

impl Use {
    /// What is done with it, for whoever reads the finding.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Dereferenced => "Here what it points to is used.",
            Self::Asked => "Here a method of an interface is called.",
            Self::Called => "Here a function is called.",
            Self::Indexed => "Here an element of a slice is used, and nil has none.",
            Self::Written => "Here an element of a map is written to, and nil can hold none.",
        }
    }
}

/// A place where nil arrives that must not.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) spot: Spot,
    pub(super) how: Use,
    pub(super) cause: Cause,
}

/// What a function needs of its caller.
#[derive(Debug, Clone)]
pub(super) struct Demand {
    pub(super) parameter: usize,
    /// From the parameter to what must not be nil.
    pub(super) way: Way,
    /// Of other parameters, for it to be needed.
    pub(super) when: Vec<Fact>,
    pub(super) spot: Spot,
    pub(super) how: Use,
    pub(super) passed: Option<Rc<Step>>,
    /// Something else decides whether it is needed.
    pub(super) perhaps: bool,
}

/// What callers know of a function.
#[derive(Debug, Default)]
pub(super) struct Summary<'t> {
    pub(super) results: Vec<Value<'t>>,
    pub(super) demands: Vec<Demand>,
    /// What is in parts of parameters behind the call.
    pub(super) effects: Vec<(usize, Way, Value<'t>)>,
    /// Parameters whose parts may be anything behind it.
    pub(super) exposed: Vec<bool>,
    /// It comes back.
    pub(super) returns: bool,
}
