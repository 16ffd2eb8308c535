//! Calls of functions of the package: what they need, give back and change.

use tree_sitter::Node;

use super::{
    state::State,
    summary::{Demand, Summary},
    types::Ty,
    value::{Cause, Fact, Is, Place, Root, Spot, Sure, Value, Whole},
    walk::Walk,
};

impl<'t> Walk<'_, 't> {
    /// A call of a function of the package.
    pub(super) fn apply(
        &mut self,
        index: usize,
        mut arguments: Vec<Value<'t>>,
        node: Node<'t>,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        let declared = &self.book.package.declared[index];
        let fixed = declared.parameters.len() - usize::from(declared.variadic);
        if declared.variadic {
            for argument in arguments.drain(fixed.min(arguments.len())..) {
                self.expose(&argument, state);
            }
        }
        for (argument, slot) in arguments.iter_mut().zip(&declared.parameters) {
            *argument = self.converted(argument.clone(), &slot.ty);
        }
        arguments.resize_with(declared.parameters.len(), || Value::unknown(Ty::Unknown));
        let Some(summary) = self.book.summaries[index].clone() else {
            self.call_unknown(&arguments, state);
            return declared.results.iter().map(|slot| Value::unknown(slot.ty.clone())).collect();
        };
        let call = Call { spot: self.spot(node), arguments };
        for demand in &summary.demands {
            self.demand(demand, &call, state);
        }
        let results =
            summary.results.iter().map(|value| self.brought(value, &call, state)).collect();
        self.take_effect(&summary, &call, state);
        if !summary.returns {
            self.ended = true;
        }
        results
    }

    fn demand(&mut self, demand: &Demand, call: &Call<'t>, state: &State<'t>) {
        let Some(value) = self.reach(call, demand.parameter, &demand.way, state) else { return };
        for cause in &value.causes {
            let mut cause = cause.clone();
            cause.perhaps |= demand.perhaps;
            if !self.translate(&demand.when, &mut cause, call, state) {
                continue;
            }
            cause = cause.through(call.spot.clone());
            let mut steps = Vec::new();
            let mut step = demand.passed.as_ref();
            while let Some(one) = step {
                steps.push(one.spot.clone());
                step = one.before.as_ref();
            }
            for spot in steps.into_iter().rev() {
                cause = cause.through(spot);
            }
            self.blame(cause, demand.spot.clone(), demand.how, state);
        }
    }

    /// What an argument holds at the end of a way.
    fn reach(
        &self,
        call: &Call<'t>,
        parameter: usize,
        way: &str,
        state: &State<'t>,
    ) -> Option<Value<'t>> {
        let mut value = call.arguments.get(parameter)?.clone();
        let mut rest = way;
        while !rest.is_empty() {
            let end = rest[1..].find(['.', '[']).map_or(rest.len(), |at| at + 1);
            let (step, more) = rest.split_at(end);
            let ty = match step.strip_prefix('.') {
                Some("*") => value.ty.target().cloned(),
                Some(field) => self.book.package.field(&value.ty, field),
                None => self.book.package.under(&value.ty).element().cloned(),
            };
            value = self.part(&value, step, ty.unwrap_or(Ty::Unknown), state);
            rest = more;
        }
        Some(value)
    }

    /// Conditions on parameters as conditions on arguments. `false`: they do not hold here.
    fn translate(
        &self,
        when: &[Fact],
        cause: &mut Cause,
        call: &Call<'t>,
        state: &State<'t>,
    ) -> bool {
        for fact in when {
            let parameter = match fact.place.root {
                Root::Local(parameter) => parameter as usize,
                Root::Result(_) => {
                    cause.if_also(fact.clone());
                    continue;
                }
                Root::Global(_) | Root::Condition => {
                    cause.perhaps = true;
                    continue;
                }
            };
            let Some(value) = self.reach(call, parameter, &fact.place.path, state) else {
                cause.perhaps = true;
                continue;
            };
            match (value.sure, value.place) {
                (Sure::Is(is), _) if is == fact.is => {}
                (Sure::Is(is), _) if is == fact.is.not() => return false,
                // Nobody ever said that it may be nil.
                (_, _) if fact.is == Is::Nil && value.causes.is_empty() => return false,
                (_, Some(place)) => cause.if_also(Fact { place, is: fact.is }),
                (_, None) => cause.perhaps = true,
            }
        }
        true
    }

    /// A value of the callee's as the caller sees it.
    fn brought(&self, value: &Value<'t>, call: &Call<'t>, state: &State<'t>) -> Value<'t> {
        let mut own = Value { sure: value.sure, ..Value::unknown(value.ty.clone()) };
        for cause in &value.causes {
            match cause.passed() {
                None => {
                    let mut brought = Cause { when: Vec::new(), is_beside: false, ..cause.clone() };
                    if self.translate(&cause.when, &mut brought, call, state) {
                        own.add(brought.through(call.spot.clone()));
                    }
                }
                Some((parameter, way)) => {
                    let held = self.reach(call, parameter, way, state);
                    for passed in held.iter().flat_map(|held| &held.causes) {
                        let mut brought = passed.clone();
                        brought.perhaps |= cause.perhaps;
                        if self.translate(&cause.when, &mut brought, call, state) {
                            own.add(brought.through(call.spot.clone()));
                        }
                    }
                }
            }
        }
        if let Whole::Fresh(_) = value.whole {
            own.whole = value.whole.clone();
        }
        own.holds.clone_from(&value.holds);
        if let Some(Place { root: Root::Local(parameter), path }) = &value.place {
            let held = self.reach(call, *parameter as usize, path, state);
            if let Some(held) = held {
                own.place = held.place;
                own.whole = held.whole;
                own.sure = if own.sure == Sure::Nothing { held.sure } else { own.sure };
            }
        }
        for (way, part) in &value.parts {
            let part = self.brought(part, call, state);
            own.parts.push((way.clone(), Value { place: None, ..part }));
        }
        own
    }

    fn take_effect(&mut self, summary: &Summary<'t>, call: &Call<'t>, state: &mut State<'t>) {
        let has_effects = !summary.effects.is_empty();
        let before = if has_effects { state.clone() } else { State::default() };
        for (parameter, is_exposed) in summary.exposed.iter().enumerate() {
            if let (true, Some(argument)) = (is_exposed, call.arguments.get(parameter)) {
                self.expose(argument, state);
            }
        }
        if summary.exposed.iter().any(|is_exposed| *is_exposed) {
            self.unseen(state);
        } else {
            state.remove_roots(&|root| matches!(root, Root::Global(_)));
        }
        for (parameter, way, value) in &summary.effects {
            let Some(place) = call.arguments.get(*parameter).and_then(|it| it.place.clone()) else {
                continue;
            };
            let value = self.brought(value, call, &before);
            if let Some(field) = way.rfind('.').map(|at| &way[at..]) {
                self.doubt_field(&field[1..], place.root, state);
            }
            state.put(&place.then(way), Value { place: None, ..value });
        }
    }
}

/// One call, as its effects are worked out.
struct Call<'t> {
    spot: Spot,
    arguments: Vec<Value<'t>>,
}
