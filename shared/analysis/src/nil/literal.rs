//! Function literals: walked where they are called, and once on their own.

use tree_sitter::Node;

use super::{
    state::State,
    syntax::{Form, each, listed, text},
    types::{Ty, parameters, results},
    value::{Is, Kind, Place, Root, Value},
    walk::{Frame, Scope, Walk},
};

/// Function literals within function literals that are followed where they are called.
const LITERALS_MAX: usize = 4;

impl<'t> Walk<'_, 't> {
    /// A function literal that goes somewhere: it runs at a time nobody knows.
    pub(super) fn literal(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let value = self.named_literal(node);
        self.share(node, state);
        value
    }

    /// A function literal that gets a name.
    pub(super) fn named_literal(&mut self, node: Node<'t>) -> Value<'t> {
        let scopes = self.scopes.clone();
        self.seen_by.insert(node.id(), scopes);
        if self.literals.len() < LITERALS_MAX && !self.literals.contains(&node.id()) {
            let detached = std::mem::replace(&mut self.detached, true);
            let arguments = Vec::new();
            self.walk_literal(node, arguments, State::default());
            self.detached = detached;
        }
        let ty = self.type_of_literal(node);
        Value { literal: Some(node), ..Value::surely(ty, Is::NotNil) }
    }

    fn type_of_literal(&self, node: Node<'t>) -> Ty {
        let slots = results(node.part("result"), self.source, &self.generic);
        Ty::Func(slots.into_iter().map(|slot| slot.ty).collect())
    }

    /// Whatever it writes to may be anything from now on.
    pub(super) fn share(&mut self, node: Node<'t>, state: &mut State<'t>) {
        let mut open = vec![node];
        let mut seen = Vec::new();
        while let Some(literal) = open.pop() {
            if seen.contains(&literal) {
                continue;
            }
            seen.push(literal);
            for root in self.share_names(literal) {
                // What it calls by name runs whenever it runs.
                open.extend(state.get(&Place::of(root)).and_then(|value| value.literal));
            }
        }
        let shared = self.shared.clone();
        state.remove_roots(&|root| shared.contains(&root));
    }

    /// The variables that a function literal mentions; those that it writes to are shared.
    pub(super) fn share_names(&mut self, node: Node<'t>) -> Vec<Root> {
        let (mut written, mut mentioned) = (Vec::new(), Vec::new());
        each(node, &mut |inner, _| {
            match inner.form() {
                "assignment_statement" | "range_clause" => {
                    written.extend(listed(inner.part("left")));
                }
                "inc_statement" | "dec_statement" => written.extend(inner.named_child(0)),
                "identifier" => mentioned.push(inner),
                _ => {}
            }
            true
        });
        let written = written.into_iter().filter(|name| name.form() == "identifier");
        let roots: Vec<Root> =
            written.filter_map(|name| self.local(text(name, self.source))).collect();
        for root in roots {
            self.shared.insert(root);
            self.replace_parameter(root);
        }
        // Objects that it sees may be changed by it.
        let mentioned: Vec<Root> =
            mentioned.iter().filter_map(|name| self.local(text(*name, self.source))).collect();
        self.escaped.extend(&mentioned);
        mentioned
    }

    /// A call of a function literal, right here.
    pub(super) fn run_literal(
        &mut self,
        node: Node<'t>,
        arguments: Vec<Value<'t>>,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        let is_known = self.literals.len() < LITERALS_MAX && !self.literals.contains(&node.id());
        if !is_known {
            self.share(node, state);
            self.unseen(state);
            return Vec::new();
        }
        match self.walk_literal(node, arguments, std::mem::take(state)) {
            Some((behind, values)) => {
                *state = behind;
                values
            }
            None => {
                self.ended = true;
                Vec::new()
            }
        }
    }

    fn walk_literal(
        &mut self,
        node: Node<'t>,
        arguments: Vec<Value<'t>>,
        state: State<'t>,
    ) -> Option<(State<'t>, Vec<Value<'t>>)> {
        let scopes = self.seen_by.get(&node.id()).cloned();
        let scopes = scopes.unwrap_or_else(|| self.scopes.clone());
        let before = std::mem::replace(&mut self.scopes, scopes);
        self.scopes.push(Scope::default());
        self.literals.push(node.id());
        let mut state = state;
        let list = node.part("parameters");
        let generic = self.generic.clone();
        let (slots, variadic) =
            list.map(|list| parameters(list, self.source, &generic)).unwrap_or_default();
        let names = names(list, self.source);
        let mut arguments = arguments.into_iter().map(Some).collect::<Vec<_>>();
        arguments.resize_with(slots.len(), || None);
        let last = slots.len().saturating_sub(1);
        for (at, (slot, name)) in slots.iter().zip(names).enumerate() {
            let root = self.declare(name, slot.ty.clone());
            let is_one = !variadic || at < last;
            let value = arguments[at].take().filter(|_| is_one);
            let value = value.map(|value| self.converted(value, &slot.ty));
            let mut value = value.unwrap_or_else(|| Value::unknown(slot.ty.clone()));
            if let Some(from) = value.place.take() {
                for (inner, part) in state.parts(&from) {
                    let way = from.way_to(&inner).unwrap_or_default();
                    value.parts.push((way.into(), part));
                }
                self.escaped.extend([from.root, root]);
            }
            state.put(&Place::of(root), value);
        }
        let result = node.part("result");
        let body = node.part("body");
        let returned = body.and_then(|body| self.body(body, result, state));
        self.literals.pop();
        self.scopes = before;
        returned
    }

    /// A body, with the variables that its results have names for.
    pub(super) fn body(
        &mut self,
        body: Node<'t>,
        result: Option<Node<'t>>,
        mut state: State<'t>,
    ) -> Option<(State<'t>, Vec<Value<'t>>)> {
        let slots = results(result, self.source, &self.generic);
        let own = result.filter(|result| result.form() == "parameter_list");
        let names = names(own, self.source);
        let mut expected: Vec<(Ty, Option<Root>)> = Vec::new();
        for (at, slot) in slots.into_iter().enumerate() {
            let name = names.get(at).copied().filter(|name| !name.is_empty());
            let root = name.map(|name| {
                let root = self.declare(name, slot.ty.clone());
                let under = self.book.package.under(&slot.ty);
                let spot = result.map_or_else(|| self.spot(body), |result| self.spot(result));
                let zero = Value::zero(slot.ty.clone(), &under, Kind::Unassigned, spot);
                state.put(&Place::of(root), zero);
                root
            });
            expected.push((slot.ty, root));
        }
        let jumps = self.jumps.len();
        self.frames.push(Frame { results: expected.clone(), returned: None, jumps });
        let end = self.block(body, state);
        self.jumps.truncate(jumps);
        if let Some(end) = end {
            let values = expected.iter().map(|(ty, _)| Value::unknown(ty.clone())).collect();
            self.arrive(end, values);
        }
        self.frames.pop().and_then(|frame| frame.returned)
    }
}

/// The names of a list of parameters, empty where there is none.
pub(super) fn names<'t>(list: Option<Node<'t>>, source: &'t str) -> Vec<&'t str> {
    let mut all = Vec::new();
    for declared in list.map(super::syntax::children).unwrap_or_default() {
        let mut cursor = declared.walk();
        let before = all.len();
        all.extend(
            declared
                .children_by_field_name("name", &mut cursor)
                .filter(|name| name.form() == "identifier")
                .map(|name| text(name, source)),
        );
        if all.len() == before {
            all.push("");
        }
    }
    all
}
