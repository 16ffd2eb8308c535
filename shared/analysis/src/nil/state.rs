//! What holds at one point of a function: the values of places, and what was asked to get there.

use super::{
    places::Places,
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
    values: Places<'t>,
    /// What holds on the way here.
    pub(super) taken: Vec<Fact>,
}

impl<'t> State<'t> {
    pub(super) fn get(&self, place: &Place) -> Option<&Value<'t>> {
        self.values.get(place)
    }

    /// Puts a value down as it is; what was reached from the place before is another thing now.
    pub(super) fn put(&mut self, place: &Place, mut value: Value<'t>) {
        self.forget_below(place);
        let parts = std::mem::take(&mut value.parts);
        value.place = None;
        if self.values.len() < PLACES_MAX {
            self.values.insert(place.clone(), value);
            for (way, mut part) in parts {
                part.parts = Vec::new();
                self.values.insert(place.then(&way), part);
            }
        } else {
            self.values.remove(place);
        }
    }

    /// What was said about conditions on a place is about its value before, and some conditions,
    /// by their text, nobody can ask any more.
    pub(super) fn release(&mut self, place: &Place, is_condition: &dyn Fn(&str) -> bool) {
        let concerns = |fact: &Fact| {
            place.way_to(&fact.place).is_some()
                || (fact.place.root == Root::Condition && is_condition(&fact.place.path))
        };
        self.taken.retain(|fact| !concerns(fact));
        let hangs = |value: &Value<'t>| value.causes.iter().any(|it| it.when.iter().any(concerns));
        self.values.change_all(
            |_, value| hangs(value),
            |_, value| {
                for cause in &mut value.causes {
                    cause.when.retain(|fact| !concerns(fact));
                }
            },
        );
    }

    /// Causes that hang on a place are gone: somebody asked about it.
    pub(super) fn settle(&mut self, place: &Place) {
        let hangs = |cause: &Cause| cause.when.iter().any(|fact| fact.place == *place);
        self.values.change_all(
            |_, value| value.causes.iter().any(hangs),
            |_, value| value.causes.retain(|cause| !hangs(cause)),
        );
    }

    pub(super) fn has_elements(&self) -> bool {
        self.values.iter().any(|(place, _)| place.path.contains('['))
    }

    /// Elements whose names mean others now.
    pub(super) fn forget_steps(&mut self, is: &dyn Fn(&str) -> bool) {
        self.values.drop_all(|place| is(&place.path));
    }

    pub(super) fn forget_below(&mut self, place: &Place) {
        self.values.drop_below(place, |_| true);
    }

    pub(super) fn parts(&self, place: &Place) -> Vec<(Place, Value<'t>)> {
        self.values.below(place).map(|(place, value)| (place.clone(), value.clone())).collect()
    }

    /// Somebody else may have written to what is reached from the place. An element that was
    /// found to be there is taken to stay.
    pub(super) fn expose(&mut self, place: &Place) {
        self.values.drop_below(place, |below| !below.path.ends_with(']'));
        if self.get(place).is_some_and(|value| value.whole != Whole::Unknown) {
            self.change(place, |value| value.whole = Whole::Unknown);
        }
    }

    /// All that is reached from places with such a root.
    pub(super) fn expose_roots(&mut self, is: &dyn Fn(Root) -> bool) {
        self.values.drop_all(|place| {
            !place.path.is_empty() && !place.path.ends_with(']') && is(place.root)
        });
        self.values.change_all(
            |place, value| value.whole != Whole::Unknown && is(place.root),
            |_, value| value.whole = Whole::Unknown,
        );
    }

    pub(super) fn remove_roots(&mut self, is: &dyn Fn(Root) -> bool) {
        self.values.drop_all(|place| is(place.root));
    }

    /// A field of this name was written to through another variable that may lead to the same.
    pub(super) fn doubt_field(&mut self, step: &str, but: Root, is_apart: &dyn Fn(Root) -> bool) {
        let is_named = |place: &Place| {
            !place.path.is_empty() && place.path.split(['.', '[']).any(|part| part == step)
        };
        self.values.change_all(
            |place, value| {
                (matches!(value.whole, Whole::Fresh(_)) || is_named(place))
                    && place.root != but
                    && !is_apart(place.root)
            },
            |place, value| match is_named(place) {
                true => *value = Value::unknown(value.ty.clone()),
                false => value.whole = Whole::Unknown,
            },
        );
    }

    pub(super) fn change(&mut self, place: &Place, change: impl FnOnce(&mut Value<'t>)) {
        self.values.change(place, change);
    }

    /// Takes for granted that a place is as it was found to be. `false`: that cannot be.
    pub(super) fn learn(&mut self, fact: &Fact) -> bool {
        let opposite = fact.is.not();
        if let Some(value) = self.get(&fact.place) {
            if value.is(opposite) {
                return false;
            }
            if !value.is(fact.is) || !value.causes.is_empty() {
                self.change(&fact.place, |value| {
                    value.sure = Sure::Is(fact.is);
                    if fact.is == Is::NotNil {
                        value.causes.clear();
                    }
                });
            }
        }
        let excluded = |one: &Fact| one.place == fact.place && one.is == opposite;
        let concerns = |cause: &Cause| cause.when.iter().any(|one| one.place == fact.place);
        self.values.change_all(
            |_, value| value.causes.iter().any(concerns),
            |_, value| {
                value.causes.retain(|cause| !cause.when.iter().any(excluded));
                for cause in &mut value.causes {
                    cause.when.retain(|one| one != fact);
                }
            },
        );
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
        if !self.values.is_same(&other.values) {
            let (mine, others) = differences(&self, &other);
            mark(&mut self.values, &other.values, &mine);
            mark(&mut other.values, &self.values, &others);
            self.fill(&other, absent);
            self.values.join(&other.values, |place, ty| absent(&other, place, ty));
        }
        self.taken.retain(|fact| other.taken.contains(fact));
        self
    }

    /// Names the places that only the other state names.
    fn fill(&mut self, other: &Self, absent: Absent<'_, 't>) {
        for (place, value) in self.values.lacking(&other.values) {
            let own = absent(self, place, &value.ty);
            self.values.insert(place.clone(), own);
        }
    }

    /// Whether the other knows no reason for nil that is not known here.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let covers = |(_, own, value): (&Place, Option<&Value<'t>>, &Value<'t>)| match own {
            Some(own) => {
                let known = |cause: &Cause| own.causes.iter().any(|one| one.origin == cause.origin);
                value.causes.iter().all(known)
                    && (own.sure == value.sure || own.sure == Sure::Nothing)
                    && (own.whole == Whole::Unknown || own.whole == value.whole)
            }
            None => value.causes.is_empty(),
        };
        self.values.is_same(&other.values) || self.values.beside(&other.values).all(covers)
    }

    pub(super) fn places(&self) -> impl Iterator<Item = (&Place, &Value<'t>)> {
        self.values.iter()
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
    let add = |place: &Place, value: &Value<'_>, beyond: &Value<'_>, into: &mut Vec<Fact>| {
        let Sure::Is(is) = value.sure else { return };
        let opposite = beyond.is(is.not());
        // Whatever the other way leaves open, this one was taken only if it is so.
        let asked = matches!(value.ty, Ty::Bool | Ty::Error) && beyond.sure == Sure::Nothing;
        if (!opposite && !asked) || into.len() >= DIFFERENCES_MAX {
            return;
        }
        let fact = Fact { place: place.clone(), is };
        if !into.contains(&fact) {
            into.push(fact);
        }
    };
    for (place, own, value) in one.values.beside(&other.values) {
        let Some(own) = own else { continue };
        add(place, own, value, &mut mine);
        add(place, value, own, &mut others);
    }
    (mine, others)
}

/// Notes what tells the ways apart at causes that only this way knows. That a value was compared
/// with nil is no reason behind the branch in which it is.
fn mark<'t>(values: &mut Places<'t>, others: &Places<'t>, facts: &[Fact]) {
    values.change_beside(
        others,
        |value| {
            let is_compared = |cause: &Cause| cause.origin.kind == Kind::Compared;
            value.causes.iter().any(|cause| !facts.is_empty() || is_compared(cause))
        },
        |place, value, known| {
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
        },
    );
}
