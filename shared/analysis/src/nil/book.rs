//! The functions of a package, those that are called before those that call them.

use std::rc::Rc;

use super::{
    File,
    literal::names,
    mentions::Mentions,
    package::{Declared, Package},
    state::State,
    summary::{Found, Summary},
    syntax::{Form, children, each, listed, text},
    value::{Cause, Fact, Is, Place, Root, Spot, Sure, Value, Whole},
    walk::{STEPS_MAX, Walk},
};
use crate::Clock;

/// What a function is said to do to its parameters, at most.
const EFFECTS_MAX: usize = 64;

pub(super) struct Book<'t> {
    pub(super) files: &'t [File<'t>],
    pub(super) package: Package<'t>,
    mentions: Mentions<'t>,
    /// None: not walked yet, or it calls itself.
    pub(super) summaries: Vec<Option<Rc<Summary<'t>>>>,
}

impl<'t> Book<'t> {
    pub(super) fn of(files: &'t [File<'t>]) -> Self {
        let (package, mentions) = Package::of(files);
        let summaries = package.declared.iter().map(|_| None).collect();
        Self { files, package, mentions, summaries }
    }

    /// Walks every function. `false`: not all of them in time.
    pub(super) fn run(&mut self, clock: Clock, found: &mut Vec<Found>) -> bool {
        for index in self.order() {
            if clock.is_up() {
                return false;
            }
            let declared = &self.package.declared[index];
            if declared.too_deep {
                continue;
            }
            let (more, summary) = walked(self, declared);
            found.extend(more);
            self.summaries[index] = summary.map(Rc::new);
        }
        for file in 0..self.files.len() {
            found.extend(self.variables(file));
        }
        true
    }

    /// Function literals that package variables hold.
    fn variables(&self, file: usize) -> Vec<Found> {
        let mut walk = Walk::new(self, file, Vec::new());
        let top = children(self.files[file].root).into_iter();
        for node in top.filter(|node| node.form() == "var_declaration") {
            let (mut values, mut is_deep) = (Vec::new(), false);
            each(node, &mut |inner, depth| {
                if inner.form() == "var_spec" {
                    values.extend(listed(inner.part("value")));
                }
                is_deep |= depth > super::package::DEPTH_MAX;
                true
            });
            for value in values.into_iter().filter(|_| !is_deep) {
                walk.value(value, &mut State::default());
            }
        }
        walk.found
    }

    /// Callees before callers, as far as names tell who calls whom.
    fn order(&self) -> Vec<usize> {
        let mut order = Vec::new();
        let mut seen = vec![false; self.package.declared.len()];
        for first in 0..seen.len() {
            if std::mem::replace(&mut seen[first], true) {
                continue;
            }
            let mut open = vec![(first, self.mentions.callees(first))];
            while let Some((index, rest)) = open.last_mut() {
                match rest.pop() {
                    Some(next) if !std::mem::replace(&mut seen[next], true) => {
                        open.push((next, self.mentions.callees(next)));
                    }
                    Some(_) => {}
                    None => {
                        order.push(*index);
                        open.pop();
                    }
                }
            }
        }
        order
    }
}

fn walked<'t>(book: &Book<'t>, declared: &Declared<'t>) -> (Vec<Found>, Option<Summary<'t>>) {
    let Some(body) = declared.node.part("body") else { return (Vec::new(), None) };
    let mut walk = Walk::new(book, declared.file, declared.generic.clone());
    walk.summary.exposed = vec![false; declared.parameters.len()];
    let mut state = State::default();
    let receiver = names(declared.node.part("receiver"), walk.source);
    let own = names(declared.node.part("parameters"), walk.source);
    let nodes = spots(declared, walk.source);
    for (at, name) in receiver.into_iter().take(1).chain(own).enumerate() {
        let Some(slot) = declared.parameters.get(at) else { break };
        let spot = nodes.get(at).cloned().unwrap_or_else(|| walk.spot(declared.node));
        let root = walk.declare_parameter(name, slot.ty.clone(), spot.clone());
        let is_rest = declared.variadic && at + 1 == declared.parameters.len();
        if !is_rest {
            let value = walk.given_value(root, &slot.ty, at, spot);
            state.put(&Place::of(root), value);
        }
    }
    let result = declared.node.part("result");
    let returned = walk.body(body, result, state);
    if walk.steps > STEPS_MAX {
        return (Vec::new(), None);
    }
    let summary = summary(&mut walk, declared, returned);
    (walk.found, Some(summary))
}

/// Where the parameters are named, the receiver first.
fn spots(declared: &Declared<'_>, source: &str) -> Vec<Spot> {
    let lists = ["receiver", "parameters"].map(|list| declared.node.part(list));
    let mut all = Vec::new();
    for one in lists.into_iter().flatten().flat_map(children) {
        let mut cursor = one.walk();
        let before = all.len();
        let named = one.children_by_field_name("name", &mut cursor);
        let named =
            named.filter(|name| name.form() == "identifier" && !text(*name, source).is_empty());
        all.extend(named.map(|name| Spot::of(declared.file, name)));
        if all.len() == before {
            all.push(Spot::of(declared.file, one));
        }
    }
    all
}

fn summary<'t>(
    walk: &mut Walk<'_, 't>,
    declared: &Declared<'t>,
    returned: Option<(State<'t>, Vec<Value<'t>>)>,
) -> Summary<'t> {
    let mut summary = std::mem::take(&mut walk.summary);
    let Some((state, mut results)) = returned else { return summary };
    summary.returns = true;
    // A function that may end a panic comes back with whatever there was.
    let is_ours = |root: Root| walk.parameter(root).is_some();
    for value in &mut results {
        tidy(value, &is_ours);
        for (_, part) in &mut value.parts {
            tidy(part, &is_ours);
        }
    }
    summary.results = results;
    for (place, value) in state.places() {
        let Some(parameter) = walk.parameter(place.root) else { continue };
        let under = walk.book.package.under(&declared.parameters[parameter].ty);
        let is_followed = under.target().is_some() && !place.path.contains('[');
        let says = value.sure != Sure::Nothing
            || !value.causes.is_empty()
            || matches!(value.whole, Whole::Fresh(_));
        if place.path.is_empty() || !is_followed || !says || summary.effects.len() >= EFFECTS_MAX {
            continue;
        }
        let mut value = value.clone();
        tidy(&mut value, &is_ours);
        summary.effects.push((parameter, place.path.clone(), value));
    }
    summary
}

/// Leaves what a caller understands.
fn tidy(value: &mut Value<'_>, is_ours: &dyn Fn(Root) -> bool) {
    value.literal = None;
    if value.place.as_ref().is_some_and(|place| !is_ours(place.root) || place.path.contains('[')) {
        value.place = None;
    }
    if value.whole == Whole::Given && value.place.is_none() {
        value.whole = Whole::Unknown;
    }
    for cause in &mut value.causes {
        let is_known = |fact: &Fact| match fact.place.root {
            Root::Result(_) => true,
            Root::Local(_) => is_ours(fact.place.root) && !fact.place.path.contains('['),
            Root::Global(_) | Root::Condition => false,
        };
        let before = cause.when.len();
        cause.when.retain(is_known);
        cause.perhaps |= cause.when.len() < before;
    }
}

/// A reason that is told: what decides about it is not known to be otherwise.
pub(super) fn is_told(cause: &Cause) -> bool {
    let never = |fact: &Fact| fact.is == Is::Nil && fact.place.root == Root::Condition;
    !cause.when.iter().any(never)
}
