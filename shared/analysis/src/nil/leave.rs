//! The ways out of a function, and what is given back on each.

use tree_sitter::Node;

use super::{
    state::State,
    syntax::{children, listed},
    types::Ty,
    value::{Cause, Fact, Is, Place, Root, Sure, Value, Whole},
    walk::Walk,
};

impl<'t> Walk<'_, 't> {
    /// What a caller sees of a function's own end.
    pub(super) fn leave(&mut self, node: Node<'t>, mut state: State<'t>) {
        let sources: Vec<Node<'t>> =
            children(node).into_iter().flat_map(|it| listed(Some(it))).collect();
        let Some(frame) = self.frames.last() else { return };
        let expected = frame.results.clone();
        self.ended = false;
        let mut values = match sources.is_empty() {
            true => self.named_results(&expected, &state),
            false => self.values_of(&sources, expected.len(), &mut state),
        };
        if std::mem::take(&mut self.ended) {
            return;
        }
        let spot = self.spot(node);
        for (value, (ty, _)) in values.iter_mut().zip(&expected) {
            *value = self.converted(value.clone(), ty).through(&spot);
            if let Some(place) = value.place.clone() {
                for (inner, part) in state.parts(&place) {
                    let way = place.way_to(&inner).unwrap_or_default();
                    value.parts.push((way.into(), part));
                }
            }
        }
        // What the function was told decides whether it comes here.
        let ours: Vec<Fact> = state
            .taken
            .iter()
            .filter(|fact| self.parameter(fact.place.root).is_some())
            .cloned()
            .collect();
        // Whoever calls may know more of what was asked here.
        let is_asked = |fact: &Fact| fact.place.root == Root::Condition;
        let perhaps = state.taken.iter().any(is_asked);
        for cause in values.iter_mut().flat_map(|value| &mut value.causes) {
            cause.perhaps |= perhaps;
            ours.iter().for_each(|fact| cause.if_also(fact.clone()));
        }
        self.bind_results(&mut values, &expected);
        self.arrive(state, values);
    }

    pub(super) fn named_results(
        &mut self,
        expected: &[(Ty, Option<Root>)],
        state: &State<'t>,
    ) -> Vec<Value<'t>> {
        let value = |(ty, root): &(Ty, Option<Root>)| {
            let known = root.filter(|root| !self.shared.contains(root)).map(Place::of);
            let known = known.and_then(|place| Some((state.get(&place)?.clone(), place)));
            match known {
                Some((value, place)) => Value { place: Some(place), ..value },
                None => Value::unknown(ty.clone()),
            }
        };
        expected.iter().map(value).collect()
    }

    /// Says of each cause for which error or truth value beside it it holds.
    pub(super) fn bind_results(&self, values: &mut [Value<'t>], expected: &[(Ty, Option<Root>)]) {
        for (at, (ty, _)) in expected.iter().enumerate() {
            if !matches!(ty, Ty::Error | Ty::Bool) || values.len() != expected.len() {
                continue;
            }
            let beside = values[at].clone();
            let result = Place::of(Root::Result(u32::try_from(at).unwrap_or(u32::MAX)));
            let others = values.iter_mut().enumerate().filter(|(other, _)| *other != at);
            for cause in others.flat_map(|(_, value)| &mut value.causes) {
                bind(cause, &beside, &result, *ty == Ty::Error);
            }
        }
    }

    /// One more way out of the function that is being walked.
    pub(super) fn arrive(&mut self, state: State<'t>, values: Vec<Value<'t>>) {
        let Some(before) = self.frames.last_mut().map(|frame| frame.returned.take()) else {
            return;
        };
        let returned = match before {
            None => (state, values),
            Some((known, mut all)) => {
                for (own, other) in all.iter_mut().zip(&values) {
                    if own.place != other.place {
                        own.place = None;
                    }
                    merge_parts(own, other);
                    own.or(other);
                }
                let joined = self.join(Some(known), Some(state)).unwrap_or_default();
                (joined, all)
            }
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.returned = Some(returned);
        }
    }
}

fn bind<'t>(cause: &mut Cause, beside: &Value<'t>, result: &Place, is_error: bool) {
    let mut is_bound = false;
    for fact in &mut cause.when {
        if beside.place.as_ref() == Some(&fact.place) {
            fact.place = result.clone();
            is_bound = true;
        }
    }
    if is_bound {
        return;
    }
    let is = match beside.sure {
        Sure::Is(is) => is,
        // Whoever gives back nil beside an error that is not known means that there is one.
        Sure::Nothing if beside.causes.is_empty() => {
            if is_error {
                Is::NotNil
            } else {
                Is::False
            }
        }
        Sure::Nothing => {
            for place in beside.causes.iter().filter_map(Cause::passed).take(1) {
                let root = Root::Local(u32::try_from(place.0).unwrap_or(u32::MAX));
                cause.if_also(Fact { place: Place { root, path: place.1.clone() }, is: Is::Nil });
            }
            return;
        }
    };
    cause.if_also(Fact { place: result.clone(), is });
}

/// Parts that only one of two values names are unknown, unless the other is no object at all.
fn merge_parts<'t>(own: &mut Value<'t>, other: &Value<'t>) {
    if own.is(Is::Nil) {
        own.parts.clone_from(&other.parts);
        return;
    }
    if other.is(Is::Nil) {
        return;
    }
    let own_whole = own.whole.clone();
    own.parts.retain_mut(|(way, part)| {
        match other.parts.iter().find(|(other, _)| other == way) {
            Some((_, more)) => part.or(more),
            None => {
                part.sure = Sure::Nothing;
                return !part.causes.is_empty() && other.whole == Whole::Unknown;
            }
        }
        true
    });
    for (way, part) in &other.parts {
        let is_known = own.parts.iter().any(|(known, _)| known == way);
        if !is_known && own_whole == Whole::Unknown && !part.causes.is_empty() {
            own.parts.push((way.clone(), Value { sure: Sure::Nothing, ..part.clone() }));
        }
    }
}
