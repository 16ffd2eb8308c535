//! Values by their places. Branches share them until one of them says something else.

use std::{cmp::Ordering, rc::Rc};

use super::{
    types::Ty,
    value::{Place, Value},
};

type Entry<'t> = (Place, Rc<Value<'t>>);

/// Sorted by place. They are few and copied often, so that one piece of memory beats a tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Places<'t>(Rc<Vec<Entry<'t>>>);

impl<'t> Places<'t> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Place, &Value<'t>)> {
        self.0.iter().map(|(place, value)| (place, &**value))
    }

    /// Whether nobody has said anything since the two parted.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn find(&self, place: &Place) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.cmp(place))
    }

    fn own(&mut self) -> &mut Vec<Entry<'t>> {
        Rc::make_mut(&mut self.0)
    }

    pub(super) fn get(&self, place: &Place) -> Option<&Value<'t>> {
        self.find(place).ok().map(|at| &*self.0[at].1)
    }

    pub(super) fn insert(&mut self, place: Place, value: Value<'t>) {
        let value = Rc::new(value);
        match self.find(&place) {
            Ok(at) => self.own()[at].1 = value,
            Err(at) => self.own().insert(at, (place, value)),
        }
    }

    pub(super) fn remove(&mut self, place: &Place) {
        if let Ok(at) = self.find(place) {
            self.own().remove(at);
        }
    }

    pub(super) fn change(&mut self, place: &Place, change: impl FnOnce(&mut Value<'t>)) {
        if let Ok(at) = self.find(place) {
            change(Rc::make_mut(&mut self.own()[at].1));
        }
    }

    /// Changes those that are to be, and copies nothing where there are none.
    pub(super) fn change_all(
        &mut self,
        is: impl Fn(&Place, &Value<'t>) -> bool,
        change: impl Fn(&Place, &mut Value<'t>),
    ) {
        let Some(first) = self.0.iter().position(|(place, value)| is(place, value)) else { return };
        for (place, value) in &mut self.own()[first..] {
            if is(place, value) {
                change(place, Rc::make_mut(value));
            }
        }
    }

    pub(super) fn drop_all(&mut self, is: impl Fn(&Place) -> bool) {
        if self.0.iter().any(|(place, _)| is(place)) {
            self.own().retain(|(place, _)| !is(place));
        }
    }

    /// What is reached from a place.
    pub(super) fn below(&self, place: &Place) -> impl Iterator<Item = (&Place, &Value<'t>)> {
        let first = self.find(place).map_or_else(|at| at, |at| at + 1);
        // Whatever begins with the same steps stands together.
        let below = self.0[first..].iter().map_while(move |(other, value)| {
            let is_near = other.root == place.root && other.path.starts_with(&*place.path);
            is_near.then_some((other, &**value))
        });
        below.filter(move |(other, _)| place.way_to(other).is_some_and(|way| !way.is_empty()))
    }

    pub(super) fn drop_below(&mut self, place: &Place, is: impl Fn(&Place) -> bool) {
        let is_below =
            |other: &Place| place.way_to(other).is_some_and(|way| !way.is_empty()) && is(other);
        if self.below(place).any(|(other, _)| is(other)) {
            self.own().retain(|(other, _)| !is_below(other));
        }
    }

    /// For each of the other's that is not the very same here, what is held here.
    pub(super) fn beside<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a Place, Option<&'a Value<'t>>, &'a Value<'t>)> {
        let mut here = Finger::of(self);
        let differs = move |(place, value): &'a Entry<'t>| {
            if here.passes(value) {
                return None;
            }
            let own = here.reach(place);
            let is_same = own.is_some_and(|own| Rc::ptr_eq(own, value));
            (!is_same).then_some((place, own.map(|own| &**own), &**value))
        };
        other.0.iter().filter_map(differs)
    }

    /// Those of the other's that have no name here.
    pub(super) fn lacking<'a>(&self, other: &'a Self) -> Vec<(&'a Place, &'a Value<'t>)> {
        let mut here = Finger::of(self);
        let lacks =
            |(place, value): &&'a Entry<'t>| !here.passes(value) && here.reach(place).is_none();
        other.0.iter().filter(lacks).map(|(place, value)| (place, &**value)).collect()
    }

    /// Changes those that are to be and are not the very same there, beside what is held there.
    pub(super) fn change_beside(
        &mut self,
        others: &Self,
        is: impl Fn(&Value<'t>) -> bool,
        change: impl Fn(&Place, &mut Value<'t>, Option<&Value<'t>>),
    ) {
        let mut there = Finger::of(others);
        for at in 0..self.0.len() {
            let (place, value) = &self.0[at];
            if there.passes(value) || !is(value) {
                continue;
            }
            let known = there.reach(place);
            if !known.is_some_and(|known| Rc::ptr_eq(known, value)) {
                let (place, value) = &mut self.own()[at];
                change(place, Rc::make_mut(value), known.map(|known| &**known));
            }
        }
    }

    /// Takes in what each may be instead, `absent` where the other has no name for it.
    pub(super) fn join(&mut self, other: &Self, absent: impl Fn(&Place, &Ty) -> Value<'t>) {
        let mut there = Finger::of(other);
        for at in 0..self.0.len() {
            let (place, own) = &self.0[at];
            if there.passes(own) {
                continue;
            }
            let made;
            let value = match there.reach(place) {
                Some(value) if Rc::ptr_eq(own, value) => continue,
                Some(value) => &**value,
                None => {
                    made = absent(place, &own.ty);
                    &made
                }
            };
            if !own.holds_all_of(value) {
                Rc::make_mut(&mut self.own()[at].1).or(value);
            }
        }
    }
}

/// Goes through sorted places once, for whoever asks in order.
struct Finger<'a, 't>(&'a [Entry<'t>]);

impl<'a, 't> Finger<'a, 't> {
    fn of(places: &'a Places<'t>) -> Self {
        Self(&places.0)
    }

    /// Whether the next is this very value, which stands in one place only; goes past it.
    fn passes(&mut self, value: &Rc<Value<'t>>) -> bool {
        match self.0 {
            [(_, own), rest @ ..] if Rc::ptr_eq(own, value) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn reach(&mut self, place: &Place) -> Option<&'a Rc<Value<'t>>> {
        while let [(own, value), rest @ ..] = self.0 {
            match own.cmp(place) {
                Ordering::Less => self.0 = rest,
                Ordering::Equal => return Some(value),
                Ordering::Greater => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nil::value::{Is, Root};

    fn places(paths: &[&str]) -> Places<'static> {
        let mut places = Places::default();
        for path in paths {
            let place = Place::of(Root::Local(1)).then(path);
            places.insert(place, Value::unknown(Ty::Plain));
        }
        places.insert(Place::of(Root::Local(0)), Value::unknown(Ty::Plain));
        places.insert(Place::of(Root::Local(2)).then(".a.x"), Value::unknown(Ty::Plain));
        places
    }

    fn paths<'a>(places: impl Iterator<Item = (&'a Place, &'a Value<'static>)>) -> Vec<&'a str> {
        places.map(|(place, _)| &*place.path).collect()
    }

    #[test]
    fn what_is_reached_from_a_place_is_below_it_and_what_begins_like_its_name_is_not() {
        let mut places = places(&["", ".aB", ".a.x", ".a[0]", ".a", ".ab", ".b.a.x"]);
        let root = Place::of(Root::Local(1));
        let a = root.then(".a");
        assert_eq!(paths(places.below(&a)), [".a.x", ".a[0]"]);
        assert_eq!(places.below(&root).count(), 6);
        assert_eq!(places.below(&root.then(".c")).count(), 0);
        let before = places.clone();
        places.drop_below(&a, |place| !place.path.ends_with(']'));
        assert_eq!(paths(places.below(&a)), [".a[0]"]);
        assert_eq!((before.len(), places.len()), (9, 8));
    }

    #[test]
    fn only_what_differs_is_looked_at_and_only_what_changes_is_copied() {
        let mut one = places(&[".a", ".b"]);
        let mut other = one.clone();
        assert!(one.is_same(&other));
        one.change_all(|_, value| value.is(Is::Nil), |_, _| panic!("nothing is nil"));
        one.drop_all(|place| place.path.ends_with('c'));
        one.remove(&Place::of(Root::Condition));
        assert!(one.is_same(&other));

        let (b, c) = (Place::of(Root::Local(1)).then(".b"), Place::of(Root::Local(1)).then(".c"));
        other.insert(b.clone(), Value::surely(Ty::Plain, Is::NotNil));
        other.insert(c.clone(), Value::unknown(Ty::Plain));
        let beside: Vec<_> =
            one.beside(&other).map(|(place, own, _)| (place, own.is_some())).collect();
        assert_eq!(beside, [(&b, true), (&c, false)]);
        let lacking: Vec<_> = one.lacking(&other).into_iter().map(|(place, _)| place).collect();
        assert_eq!(lacking, [&c]);
        other.join(&one, |_, _| Value::surely(Ty::Plain, Is::Nil));
        assert!(other.get(&b).is_some_and(|value| !value.is(Is::NotNil)));
        assert_eq!((one.len(), other.len()), (4, 5));
    }
}
