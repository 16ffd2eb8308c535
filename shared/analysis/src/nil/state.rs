//! What holds at one point of a function: the values of places, and what was asked to get there.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    types::Ty,
    value::{Cause, Fact, Is, Kind, Place, Root, Sure, Value, Whole},
};

/// Places that are kept; what is beyond them is unknown.
const PLACES_MAX: usize = 400;

/// Conditions on which the two ways into a join differ that are kept.
const DIFFERENCES_MAX: usize = 4;

/// What a place holds that a state does not name, given its type.
pub(super) type Absent<'a, 't> = &'a dyn Fn(&State<'t>, &Place, &Ty) -> Value<'t>;

#[derive(Debug, Clone, Default)]
pub(super) struct State<'t> {
    /// Shared between the states of branches until one of them says something else.
    values: BTreeMap<Place, Rc<Value<'t>>>,
    /// What holds on the way here.
    pub(super) taken: Vec<Fact>,
}

impl<'t> State<'t> {
    pub(super) fn get(&self, place: &Place) -> Option<&Value<'t>> {
        self.values.get(place).map(|value| &**value)
    }

    /// Puts a value down as it is; what was reached from the place before is another thing now.
    pub(super) fn put(&mut self, place: &Place, mut value: Value<'t>) {
        self.forget_below(place);
        let parts = std::mem::take(&mut value.parts);
        value.place = None;
        if self.values.len() < PLACES_MAX {
            self.values.insert(place.clone(), Rc::new(value));
            for (way, mut part) in parts {
                part.parts = Vec::new();
                self.values.insert(place.then(&way), Rc::new(part));
            }
        } else {
            self.values.remove(place);
        }
    }

    /// What was said about conditions on a place is about its value before.
    pub(super) fn release(&mut self, place: &Place) {
        let concerns = |fact: &Fact| place.way_to(&fact.place).is_some();
        self.drop_facts(&concerns);
    }

    /// Conditions, by their text, that nobody can ask any more.
    pub(super) fn release_conditions(&mut self, concerns: &dyn Fn(&str) -> bool) {
        let is = |fact: &Fact| fact.place.root == Root::Condition && concerns(&fact.place.path);
        self.drop_facts(&is);
    }

    fn drop_facts(&mut self, concerns: &dyn Fn(&Fact) -> bool) {
        self.taken.retain(|fact| !concerns(fact));
        for value in self.values.values_mut() {
            if value.causes.iter().any(|cause| cause.when.iter().any(concerns)) {
                for cause in &mut Rc::make_mut(value).causes {
                    cause.when.retain(|fact| !concerns(fact));
                }
            }
        }
    }

    /// Causes that hang on a place are gone: somebody asked about it.
    pub(super) fn settle(&mut self, place: &Place) {
        let hangs = |cause: &Cause| cause.when.iter().any(|fact| fact.place == *place);
        for value in self.values.values_mut() {
            if value.causes.iter().any(hangs) {
                Rc::make_mut(value).causes.retain(|cause| !hangs(cause));
            }
        }
    }

    pub(super) fn has_elements(&self) -> bool {
        self.values.keys().any(|place| place.path.contains('['))
    }

    /// Elements whose names mean others now.
    pub(super) fn forget_steps(&mut self, is: &dyn Fn(&str) -> bool) {
        self.values.retain(|place, _| !is(&place.path));
    }

    pub(super) fn forget_below(&mut self, place: &Place) {
        let below = self.below(place);
        for place in below {
            self.values.remove(&place);
        }
    }

    fn below(&self, place: &Place) -> Vec<Place> {
        let places = self.values.range(place..).map(|(other, _)| other);
        let places = places.take_while(|other| other.root == place.root);
        let is_below = |other: &&Place| place.way_to(other).is_some_and(|way| !way.is_empty());
        places.filter(is_below).cloned().collect()
    }

    pub(super) fn parts(&self, place: &Place) -> Vec<(Place, Value<'t>)> {
        let below = self.below(place).into_iter();
        below.filter_map(|place| Some((place.clone(), self.get(&place)?.clone()))).collect()
    }

    /// Somebody else may have written to what is reached from the place. An element that was
    /// found to be there is taken to stay.
    pub(super) fn expose(&mut self, place: &Place) {
        for below in self.below(place) {
            if !below.path.ends_with(']') {
                self.values.remove(&below);
            }
        }
        self.change(place, |value| value.whole = Whole::Unknown);
    }

    /// All that is reached from places with such a root.
    pub(super) fn expose_roots(&mut self, is: &dyn Fn(Root) -> bool) {
        self.values.retain(|place, value| {
            if !is(place.root) {
                return true;
            }
            if value.whole != Whole::Unknown {
                Rc::make_mut(value).whole = Whole::Unknown;
            }
            place.path.is_empty() || place.path.ends_with(']')
        });
    }

    pub(super) fn remove_roots(&mut self, is: &dyn Fn(Root) -> bool) {
        self.values.retain(|place, _| !is(place.root));
    }

    /// A field of this name was written to through another variable that may lead to the same.
    pub(super) fn doubt_field(&mut self, step: &str, but: Root, is_apart: &dyn Fn(Root) -> bool) {
        for (place, value) in &mut self.values {
            if place.root == but || is_apart(place.root) {
                continue;
            }
            let mut steps = place.path.split(['.', '[']);
            if steps.any(|part| part == step) {
                *value = Rc::new(Value::unknown(value.ty.clone()));
            } else if matches!(value.whole, Whole::Fresh(_)) {
                Rc::make_mut(value).whole = Whole::Unknown;
            }
        }
    }

    pub(super) fn change(&mut self, place: &Place, change: impl FnOnce(&mut Value<'t>)) {
        if let Some(value) = self.values.get_mut(place) {
            change(Rc::make_mut(value));
        }
    }

    /// Takes for granted that a place is as it was found to be. `false`: that cannot be.
    pub(super) fn learn(&mut self, fact: &Fact) -> bool {
        let opposite = fact.is.not();
        if let Some(value) = self.values.get_mut(&fact.place) {
            if value.is(opposite) {
                return false;
            }
            if !value.is(fact.is) || !value.causes.is_empty() {
                let value = Rc::make_mut(value);
                value.sure = Sure::Is(fact.is);
                if fact.is == Is::NotNil {
                    value.causes.clear();
                }
            }
        }
        let excluded = |one: &Fact| one.place == fact.place && one.is == opposite;
        let concerns = |cause: &Cause| cause.when.iter().any(|one| one.place == fact.place);
        for value in self.values.values_mut() {
            if !value.causes.iter().any(concerns) {
                continue;
            }
            let value = Rc::make_mut(value);
            value.causes.retain(|cause| !cause.when.iter().any(excluded));
            for cause in &mut value.causes {
                cause.when.retain(|one| one != fact);
            }
        }
        true
    }

    /// Notes that the way here was taken because of something.
    pub(super) fn take(&mut self, fact: &Fact) {
        if !self.taken.contains(fact) {
            self.taken.push(fact.clone());
        }
    }

    /// What holds where two ways meet. A cause that only one of them knows is only there if that
    /// way was taken: it keeps what tells the ways apart.
    pub(super) fn join(mut self, mut other: Self, absent: Absent<'_, 't>) -> Self {
        let (mine, others) = differences(&self, &other);
        mark(&mut self, &other, &mine);
        mark(&mut other, &self, &others);
        for (place, value) in &other.values {
            if !self.values.contains_key(place) {
                let own = absent(&self, place, &value.ty);
                self.values.insert(place.clone(), Rc::new(own));
            }
        }
        for (place, own) in &mut self.values {
            match other.values.get(place) {
                Some(value) if Rc::ptr_eq(own, value) => {}
                Some(value) => Rc::make_mut(own).or(value),
                None => {
                    let value = absent(&other, place, &own.ty);
                    Rc::make_mut(own).or(&value);
                }
            }
        }
        self.taken.retain(|fact| other.taken.contains(fact));
        self
    }

    /// Whether the other knows no reason for nil that is not known here.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.values.iter().all(|(place, value)| match self.values.get(place) {
            Some(own) if Rc::ptr_eq(own, value) => true,
            Some(own) => {
                let known = |cause: &Cause| own.causes.iter().any(|one| one.origin == cause.origin);
                value.causes.iter().all(known)
                    && (own.sure == value.sure || own.sure == Sure::Nothing)
                    && (own.whole == Whole::Unknown || own.whole == value.whole)
            }
            None => value.causes.is_empty(),
        })
    }

    pub(super) fn places(&self) -> impl Iterator<Item = (&Place, &Value<'t>)> {
        self.values.iter().map(|(place, value)| (place, &**value))
    }
}

/// What holds in one state and not in the other, for each of them.
fn differences(one: &State<'_>, other: &State<'_>) -> (Vec<Fact>, Vec<Fact>) {
    let (mut mine, mut others) = (Vec::new(), Vec::new());
    for fact in &one.taken {
        let opposite = Fact { place: fact.place.clone(), is: fact.is.not() };
        if other.taken.contains(&opposite) && mine.len() < DIFFERENCES_MAX {
            mine.push(fact.clone());
            others.push(opposite);
        }
    }
    for (own, of, into) in [(one, other, &mut mine), (other, one, &mut others)] {
        for (place, value) in &own.values {
            let Sure::Is(is) = value.sure else { continue };
            let beyond = of.get(place);
            let opposite = beyond.is_some_and(|value| value.is(is.not()));
            // Whatever the other way leaves open, this one was taken only if it is so.
            let asked = matches!(value.ty, Ty::Bool | Ty::Error)
                && beyond.is_some_and(|value| value.sure == Sure::Nothing);
            let fact = Fact { place: place.clone(), is };
            if (opposite || asked) && into.len() < DIFFERENCES_MAX && !into.contains(&fact) {
                into.push(fact);
            }
        }
    }
    (mine, others)
}

/// Notes what tells the ways apart at causes that only this way knows. That a value was compared
/// with nil is no reason behind the branch in which it is.
fn mark<'t>(state: &mut State<'t>, other: &State<'t>, facts: &[Fact]) {
    for (place, value) in &mut state.values {
        let known = other.values.get(place);
        if value.causes.is_empty() || known.is_some_and(|known| Rc::ptr_eq(known, value)) {
            continue;
        }
        let value = Rc::make_mut(value);
        let is_new = |cause: &Cause| {
            known.is_none_or(|known| known.causes.iter().all(|one| one.origin != cause.origin))
        };
        value.causes.retain(|cause| cause.origin.kind != Kind::Compared || !is_new(cause));
        // Where both ways know a cause, and not for the same conditions, each keeps its own.
        let is_same = |cause: &Cause| {
            let known = known.iter().flat_map(|known| &known.causes);
            known.clone().any(|one| one.origin == cause.origin && one.when == cause.when)
        };
        for cause in value.causes.iter_mut().filter(|cause| !is_same(cause)) {
            for fact in facts.iter().filter(|fact| fact.place != *place) {
                cause.if_also(fact.clone());
            }
        }
    }
}
