//! Assignments and declarations: who holds what from now on.

use tree_sitter::Node;

use super::{
    state::State,
    summary::Use,
    syntax::{Form, bare, each, listed, text},
    types::Ty,
    value::{Cause, Fact, Is, Kind, Place, Root, Sure, Value, Whole},
    walk::Walk,
};

impl<'t> Walk<'_, 't> {
    pub(super) fn assignment(&mut self, node: Node<'t>, mut state: State<'t>) -> Option<State<'t>> {
        let targets = listed(node.part("left"));
        let sources = listed(node.part("right"));
        let declares = node.form() == "short_var_declaration";
        let operator = node.part("operator").map_or("=", |it| it.form());
        self.ended = false;
        let values = self.values_of(&sources, targets.len(), &mut state);
        if std::mem::take(&mut self.ended) {
            return None;
        }
        if operator != "=" && !declares {
            // `+=` and its like are about numbers and texts.
            for target in targets {
                self.assign(target, Value::unknown(Ty::Plain), &mut state);
            }
            return Some(state);
        }
        self.assign_all(&targets, values, declares, &mut state);
        Some(state)
    }

    pub(super) fn declaration(
        &mut self,
        node: Node<'t>,
        mut state: State<'t>,
    ) -> Option<State<'t>> {
        let mut specs = Vec::new();
        each(node, &mut |inner, _| {
            if inner.form() == "var_spec" {
                specs.push(inner);
            }
            matches!(inner.form(), "var_declaration" | "var_spec_list")
        });
        for spec in specs {
            let mut cursor = spec.walk();
            let names: Vec<Node<'t>> = spec
                .children_by_field_name("name", &mut cursor)
                .filter(|name| name.form() == "identifier")
                .collect();
            let sources = listed(spec.part("value"));
            let ty = self.type_of(spec.part("type"));
            if sources.is_empty() {
                let under = self.book.package.under(&ty);
                for name in names {
                    let spot = self.spot(name);
                    let root = self.declare(text(name, self.source), ty.clone());
                    let zero = Value::zero(ty.clone(), &under, Kind::Unassigned, spot);
                    state.put(&Place::of(root), zero);
                }
                continue;
            }
            let values = self.values_of(&sources, names.len(), &mut state);
            let values = values.into_iter().map(|value| self.converted(value, &ty)).collect();
            self.assign_all(&names, values, true, &mut state);
        }
        Some(state)
    }

    /// The values of a list of expressions, of which a single one may give several.
    pub(super) fn values_of(
        &mut self,
        sources: &[Node<'t>],
        count: usize,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        let [only] = sources else {
            return sources.iter().map(|source| self.bound(*source, state)).collect();
        };
        if count < 2 {
            return vec![self.bound(*only, state)];
        }
        let only = bare(*only);
        let mut values = match only.form() {
            "call_expression" => self.call(only, state),
            "index_expression" | "type_assertion_expression" | "unary_expression" => {
                let value = self.value(only, state);
                vec![self.perhaps_not(only, value), Value::unknown(Ty::Bool)]
            }
            _ => vec![self.value(only, state)],
        };
        values.resize_with(count, || Value::unknown(Ty::Unknown));
        values
    }

    /// The first of `x, ok`: its zero value where `ok` is false.
    fn perhaps_not(&mut self, node: Node<'t>, mut value: Value<'t>) -> Value<'t> {
        value.causes.retain(|cause| cause.origin.kind != Kind::MapElement);
        if self.book.package.under(&value.ty).is_nilable() {
            let mut cause = Cause::new(Kind::NotOk, self.spot(node));
            cause.if_also(Fact { place: Place::of(Root::Result(1)), is: Is::False });
            value.add(cause);
        }
        if !value.is(Is::Nil) {
            value.sure = Sure::Nothing;
        }
        // It is a copy: what is found out about it says nothing about where it came from.
        Value { place: None, ..value }
    }

    /// A value that gets a name: a function literal may still be called by it alone.
    fn bound(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        match bare(node).form() {
            "func_literal" => self.named_literal(bare(node)),
            _ => self.value(node, state),
        }
    }

    pub(super) fn assign_all(
        &mut self,
        targets: &[Node<'t>],
        mut values: Vec<Value<'t>>,
        declares: bool,
        state: &mut State<'t>,
    ) {
        let places: Vec<Option<Place>> =
            targets.iter().map(|target| self.place_of(*target, declares)).collect();
        for (place, target) in places.iter().zip(targets) {
            let Some(place) = place else { continue };
            let is_wrapped =
                values.len() == 1 && values[0].ty == Ty::Error && self.mentions_itself(*target);
            if !is_wrapped {
                self.release(place, state);
            }
        }
        for value in &mut values {
            for cause in &mut value.causes {
                cause.when.retain_mut(|fact| {
                    let Root::Result(at) = fact.place.root else { return true };
                    cause.is_beside = true;
                    match places.get(at as usize).cloned().flatten() {
                        Some(place) => fact.place = place,
                        None => return false,
                    }
                    true
                });
            }
        }
        for (target, value) in targets.iter().zip(values) {
            self.target(*target, declares, value, state);
        }
    }

    /// `err = wrap(err)`: what was said about the error before still holds.
    fn mentions_itself(&self, target: Node<'t>) -> bool {
        let own = text(target, self.source);
        let statement = target.parent().and_then(|list| list.parent());
        let sources = listed(statement.and_then(|it| it.part("right")));
        let mut found = false;
        for source in sources {
            each(source, &mut |inner, _| {
                found |= inner.form() == "identifier" && text(inner, self.source) == own;
                !found
            });
        }
        found
    }

    /// Where a target is, if it is anywhere that is followed.
    fn place_of(&mut self, target: Node<'t>, declares: bool) -> Option<Place> {
        let target = bare(target);
        match target.form() {
            "identifier" => {
                let name = text(target, self.source);
                if name == "_" {
                    return None;
                }
                let innermost = self.scopes.last().and_then(|scope| scope.get(name));
                let root = match (innermost, declares) {
                    (Some(root), _) => root,
                    (None, true) => self.declare(name, Ty::Unknown),
                    (None, false) => match self.local(name) {
                        Some(root) => root,
                        None => self.global(name),
                    },
                };
                Some(Place::of(root))
            }
            _ => self.path_of(target),
        }
    }

    /// The place that an expression names, if it is a chain of names.
    pub(super) fn path_of(&mut self, node: Node<'t>) -> Option<Place> {
        let node = bare(node);
        match node.form() {
            "identifier" => {
                let name = text(node, self.source);
                if let Some(root) = self.local(name) {
                    return Some(Place::of(root));
                }
                let is_global = self.book.package.globals.contains_key(name);
                is_global.then(|| Place::of(self.global(name)))
            }
            "selector_expression" => {
                let of = self.path_of(node.part("operand")?)?;
                let field = text(node.part("field")?, self.source);
                Some(of.then(&format!(".{field}")))
            }
            "index_expression" => {
                let of = self.path_of(node.part("operand")?)?;
                let step = self.step_of(node.part("index")?)?;
                Some(of.then(&step))
            }
            _ => None,
        }
    }

    /// One value to one target.
    pub(super) fn target(
        &mut self,
        target: Node<'t>,
        declares: bool,
        value: Value<'t>,
        state: &mut State<'t>,
    ) {
        let name = text(target, self.source);
        let is_new = declares && target.form() == "identifier" && name != "_";
        if is_new && self.scopes.last().is_none_or(|scope| scope.get(name).is_none()) {
            self.declare(name, Ty::Unknown);
        }
        self.assign(target, value, state);
    }

    pub(super) fn assign(&mut self, target: Node<'t>, value: Value<'t>, state: &mut State<'t>) {
        let target = bare(target);
        match target.form() {
            "identifier" => {
                let name = text(target, self.source);
                if name == "_" {
                    return;
                }
                let root = match self.local(name) {
                    Some(root) => root,
                    None => self.global(name),
                };
                if self.shared.contains(&root) {
                    return;
                }
                self.replace_parameter(root);
                let value = self.converted(value, &self.type_of_root(root));
                self.hold(&Place::of(root), target, value, state);
            }
            "selector_expression" => self.assign_field(target, value, state),
            "index_expression" => self.assign_element(target, value, state),
            "unary_expression" => {
                let Some(operand) = target.part("operand") else { return };
                let of = self.value(operand, state);
                self.using(&of, operand, Use::Dereferenced, state);
                if let Some(place) = &of.place {
                    state.forget_below(place);
                    state.change(place, |own| own.whole = Whole::Unknown);
                }
            }
            _ => {}
        }
    }

    fn assign_field(&mut self, target: Node<'t>, value: Value<'t>, state: &mut State<'t>) {
        let (Some(operand), Some(field)) = (target.part("operand"), target.part("field")) else {
            return;
        };
        if self.import(operand).is_some() {
            return;
        }
        let of = self.value(operand, state);
        let step = format!(".{}", text(field, self.source));
        let ty = self.book.package.field(&of.ty, &step[1..]);
        if ty.is_some() {
            self.enter(&of, operand, state);
        }
        let Some(place) = of.place else { return };
        self.doubt_field(&step[1..], place.root, state);
        let value = self.converted(value, &ty.unwrap_or(Ty::Unknown));
        self.hold(&place.then(&step), target, value, state);
    }

    fn assign_element(&mut self, target: Node<'t>, value: Value<'t>, state: &mut State<'t>) {
        let (Some(operand), Some(index)) = (target.part("operand"), target.part("index")) else {
            return;
        };
        let of = self.value(operand, state);
        self.value(index, state);
        let mut under = self.book.package.under(&of.ty);
        if let Ty::Pointer(inner) = &under {
            self.using(&of, operand, Use::Dereferenced, state);
            under = self.book.package.under(inner);
        }
        let is_sure = of.is(Is::Nil) || self.number(index).is_some();
        if matches!(under, Ty::Map(_)) {
            self.using(&of, operand, Use::Written, state);
        } else if matches!(under, Ty::Slice(_)) && is_sure {
            self.using(&of, operand, Use::Indexed, state);
        }
        let step = self.step_of(index);
        let Some(place) = of.place else { return self.hand_over(&value) };
        if !matches!(under, Ty::Map(_)) {
            state.forget_below(&place);
        }
        if let Some(step) = step {
            let element = under.element().cloned().unwrap_or(Ty::Unknown);
            let value = self.converted(value, &element);
            self.hold(&place.then(&step), target, value, state);
        } else {
            self.hand_over(&value);
        }
    }

    /// The place holds the value from now on; two places may lead to one object.
    fn hold(
        &mut self,
        place: &Place,
        target: Node<'t>,
        mut value: Value<'t>,
        state: &mut State<'t>,
    ) {
        let spot = self.spot(target);
        if let Some(from) = value.place.take()
            && from != *place
        {
            let parts = state.parts(&from);
            for (inner, part) in parts {
                let way = from.way_to(&inner).unwrap_or_default();
                value.parts.push((way.into(), part));
            }
            let own = Value { place: Some(from), ..Value::unknown(value.ty.clone()) };
            self.hand_over(&own);
            if !place.path.is_empty() || !matches!(value.ty, Ty::Plain | Ty::Bool | Ty::Error) {
                self.escaped.insert(place.root);
            }
        }
        state.put(place, value.through(&spot));
    }
}
