//! What is known of a value: whether it is nil, why it may be, and what its fields hold.

use std::{
    ops::{Deref, Range},
    rc::Rc,
};

use tree_sitter::Node;

use super::types::Ty;

/// Causes that are kept of one value; more say nothing new.
const CAUSES_MAX: usize = 6;

/// Conditions that are kept of one cause. With fewer it is told more often, never less.
const FACTS_MAX: usize = 6;

/// Steps that are kept of a way.
const STEPS_MAX: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Root {
    Local(u32),
    Global(u32),
    /// What a call or a function gives back, by position, until it has a name.
    Result(u32),
    /// No variable: a condition, whose text is the path.
    Condition,
}

/// Steps from a variable to what is reached from it: `.f.g`, `[i]`. Most lead nowhere else, and
/// cost nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way(Option<Rc<str>>);

impl Deref for Way {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl From<&str> for Way {
    fn from(steps: &str) -> Self {
        Self((!steps.is_empty()).then(|| steps.into()))
    }
}

/// A variable, or what is reached from one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) root: Root,
    pub(super) path: Way,
}

impl Place {
    pub(super) fn of(root: Root) -> Self {
        Self { root, path: Way::default() }
    }

    pub(super) fn then(&self, step: &str) -> Self {
        let path = match self.path.is_empty() {
            true => step.into(),
            false => [&*self.path, step].concat().as_str().into(),
        };
        Self { root: self.root, path }
    }

    /// What leads from `self` to the other place.
    pub(super) fn way_to<'a>(&self, other: &'a Self) -> Option<&'a str> {
        let way = other.path.strip_prefix(&*self.path).filter(|_| self.root == other.root)?;
        (way.is_empty() || way.starts_with(['.', '['])).then_some(way)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    Nil,
    NotNil,
    True,
    False,
}

impl Is {
    pub(super) fn not(self) -> Self {
        match self {
            Self::Nil => Self::NotNil,
            Self::NotNil => Self::Nil,
            Self::True => Self::False,
            Self::False => Self::True,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) place: Place,
    pub(super) is: Is,
}

/// Bytes of a file of the package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Spot {
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Spot {
    pub(super) fn of(file: usize, node: Node<'_>) -> Self {
        Self { file, start: node.start_byte(), end: node.end_byte() }
    }

    pub(crate) fn bytes(&self) -> Range<usize> {
        self.start..self.end
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `nil`, written down.
    Literal,
    /// A variable that nothing was assigned to.
    Unassigned,
    /// A field that nothing was assigned to.
    Unset,
    /// An element of a map that may not be there.
    MapElement,
    /// What `x, ok :=` gives without `ok`.
    NotOk,
    /// Compared with nil.
    Compared,
    /// What a caller passes: a parameter and the way from it.
    Passed(usize, Way),
}

/// Where nil comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) kind: Kind,
    pub(super) spot: Spot,
}

/// What a value passed on its way, latest first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) spot: Spot,
    pub(super) before: Option<Rc<Step>>,
    length: usize,
}

/// One reason why a value may be nil, and what must hold for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) origin: Rc<Origin>,
    pub(super) when: Vec<Fact>,
    pub(super) way: Option<Rc<Step>>,
    /// It was one of several conditions that could not be kept.
    pub(super) perhaps: bool,
    /// It stands beside an error or a `false` that its receiver was given, too.
    pub(super) is_beside: bool,
}

impl Cause {
    pub(super) fn new(kind: Kind, spot: Spot) -> Self {
        let origin = Rc::new(Origin { kind, spot });
        Self { origin, when: Vec::new(), way: None, perhaps: false, is_beside: false }
    }

    pub(super) fn through(mut self, spot: Spot) -> Self {
        let length = self.way.as_ref().map_or(0, |step| step.length);
        let is_there = self.way.as_ref().map_or(&self.origin.spot, |step| &step.spot) == &spot;
        if length < STEPS_MAX && !is_there {
            self.way = Some(Rc::new(Step { spot, before: self.way, length: length + 1 }));
        }
        self
    }

    pub(super) fn if_also(&mut self, fact: Fact) {
        if self.when.contains(&fact) {
            return;
        }
        match self.when.len() < FACTS_MAX {
            true => self.when.push(fact),
            false => self.perhaps = true,
        }
    }

    /// The parameter and way that a caller decides about.
    pub(super) fn passed(&self) -> Option<(usize, &Way)> {
        if let Kind::Passed(parameter, way) = &self.origin.kind {
            return Some((*parameter, way));
        }
        None
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sure {
    #[default]
    Nothing,
    Is(Is),
}

#[derive(Debug, Clone)]
pub(super) struct Value<'t> {
    pub(super) ty: Ty,
    pub(super) sure: Sure,
    pub(super) causes: Vec<Cause>,
    pub(super) whole: Whole,
    /// What is known of its parts, by the way to each; only until it has a place.
    pub(super) parts: Vec<(Way, Value<'t>)>,
    /// The function literal that it is.
    pub(super) literal: Option<Node<'t>>,
    /// Where it can be read again.
    pub(super) place: Option<Place>,
    /// What an interface holds.
    pub(super) holds: Option<Ty>,
}

/// What there is to say about those parts of an object that nothing else is known about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whole {
    Unknown,
    /// Made here: they are at their zero values.
    Fresh(Rc<Origin>),
    /// They are as a caller handed them over.
    Given,
}

impl<'t> Value<'t> {
    pub(super) fn unknown(ty: Ty) -> Self {
        Self {
            ty,
            sure: Sure::Nothing,
            causes: Vec::new(),
            whole: Whole::Unknown,
            parts: Vec::new(),
            literal: None,
            place: None,
            holds: None,
        }
    }

    pub(super) fn surely(ty: Ty, is: Is) -> Self {
        Self { sure: Sure::Is(is), ..Self::unknown(ty) }
    }

    pub(super) fn nil(ty: Ty, cause: Cause) -> Self {
        Self { causes: vec![cause], ..Self::surely(ty, Is::Nil) }
    }

    /// The zero value of a type, here called `under` its name.
    pub(super) fn zero(ty: Ty, under: &Ty, kind: Kind, spot: Spot) -> Self {
        if under.is_nilable() {
            return Self::nil(ty, Cause::new(kind, spot));
        }
        let is = if *under == Ty::Bool { Sure::Is(Is::False) } else { Sure::Nothing };
        let is_struct = matches!(under, Ty::Struct(_));
        let whole = match is_struct {
            true => Whole::Fresh(Rc::new(Origin { kind: Kind::Unset, spot })),
            false => Whole::Unknown,
        };
        Self { sure: is, whole, ..Self::unknown(ty) }
    }

    pub(super) fn is(&self, is: Is) -> bool {
        self.sure == Sure::Is(is)
    }

    pub(super) fn through(mut self, spot: &Spot) -> Self {
        let causes = std::mem::take(&mut self.causes);
        self.causes = causes.into_iter().map(|cause| cause.through(spot.clone())).collect();
        self
    }

    /// Whether taking in the other is known to change nothing.
    pub(super) fn holds_all_of(&self, other: &Self) -> bool {
        self.ty != Ty::Unknown
            && self.sure == other.sure
            && self.whole == other.whole
            && self.holds == other.holds
            && self.literal == other.literal
            && self.causes.len() < 2
            && self.causes == other.causes
    }

    /// Takes in what it may be instead.
    pub(super) fn or(&mut self, other: &Self) {
        if self.ty == Ty::Unknown {
            self.ty = other.ty.clone();
        }
        if self.is(Is::Nil) {
            self.whole.clone_from(&other.whole);
        } else if !other.is(Is::Nil) && self.whole != other.whole {
            self.whole = Whole::Unknown;
        }
        if self.holds != other.holds {
            self.holds = None;
        }
        if self.sure != other.sure {
            self.sure = Sure::Nothing;
        }
        for cause in &other.causes {
            self.add(cause.clone());
        }
        if self.literal != other.literal {
            self.literal = None;
        }
    }

    pub(super) fn add(&mut self, cause: Cause) {
        if let Some(own) = self.causes.iter_mut().find(|own| own.origin == cause.origin) {
            own.when.retain(|fact| cause.when.contains(fact));
            own.perhaps &= cause.perhaps;
        } else if self.causes.len() < CAUSES_MAX {
            self.causes.push(cause);
        }
    }
}
