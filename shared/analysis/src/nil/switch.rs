//! Branches of which one is taken: `switch` in its forms, and `select`.

use tree_sitter::Node;

use super::{
    state::State,
    syntax::{Form, bare, children, listed, statements, text},
    types::Ty,
    value::{Cause, Fact, Is, Kind, Place, Sure, Value},
    walk::{Jump, Walk},
};

impl<'t> Walk<'_, 't> {
    pub(super) fn switch(
        &mut self,
        node: Node<'t>,
        label: Option<&'t str>,
        state: State<'t>,
    ) -> Option<State<'t>> {
        let mut state = self.initialized(node, state)?;
        let tag = node.part("value");
        let of = tag.map(|tag| (tag, self.value(tag, &mut state)));
        let cases: Vec<Node<'t>> = children(node)
            .into_iter()
            .filter(|part| matches!(part.form(), "expression_case" | "default_case"))
            .collect();
        // Each case is entered where those before it did not match; the default where none did.
        let mut entries = vec![None; cases.len()];
        let mut rest = Some(state);
        for (at, case) in cases.iter().enumerate() {
            for value in listed(case.part("value")) {
                let Some(state) = rest.take() else { break };
                let (yes, no) = self.case(of.as_ref(), value, state);
                entries[at] = self.join(entries[at].take(), yes);
                rest = no;
            }
        }
        if let Some(at) = cases.iter().position(|case| case.form() == "default_case") {
            entries[at] = rest.take();
        }
        self.jumps.push(Jump { label, is_loop: false, breaks: None, continues: None });
        let mut through = None;
        let mut behind = rest;
        for (case, entry) in cases.iter().zip(entries) {
            let Some(entry) = self.join(entry, through.take()) else { continue };
            let body = statements(*case);
            let falls = body.last().is_some_and(|last| last.form() == "fallthrough_statement");
            let end = self.within(|walk| walk.all(&body, entry));
            match falls {
                true => through = end,
                false => behind = self.join(behind, end),
            }
        }
        let breaks = self.jumps.pop().and_then(|jump| jump.breaks);
        self.join(behind, breaks)
    }

    pub(super) fn case(
        &mut self,
        of: Option<&(Node<'t>, Value<'t>)>,
        value: Node<'t>,
        mut state: State<'t>,
    ) -> (Option<State<'t>>, Option<State<'t>>) {
        let Some((tag, of)) = of else { return self.branch(value, state) };
        if let (Some(one), Some(other)) = (self.constant(*tag), self.constant(value)) {
            return if one == other { (Some(state), None) } else { (None, Some(state)) };
        }
        if bare(value).form() == "nil" {
            return self.asked(of, Is::Nil, value, state);
        }
        if let Some(branches) = self.length_branch("==", (*tag, value), &mut state) {
            return branches;
        }
        let own = self.value(value, &mut state);
        if let Sure::Is(is @ (Is::True | Is::False)) = own.sure {
            return self.asked(of, is, value, state);
        }
        let mut yes = state.clone();
        if let (Some(place), true) = (&of.place, own.is(Is::NotNil) && of.ty != Ty::Plain) {
            self.learn(&Fact { place: place.clone(), is: Is::NotNil }, &of.ty, &mut yes);
        }
        (Some(yes), Some(state))
    }

    pub(super) fn type_switch(
        &mut self,
        node: Node<'t>,
        label: Option<&'t str>,
        state: State<'t>,
    ) -> Option<State<'t>> {
        let mut state = self.initialized(node, state)?;
        let of = self.value(node.part("value")?, &mut state);
        let alias = node.part("alias").and_then(|alias| alias.named_child(0));
        let alias = alias.map(|alias| text(alias, self.source));
        self.jumps.push(Jump { label, is_loop: false, breaks: None, continues: None });
        let mut behind = None;
        let mut has_default = false;
        let cases = children(node).into_iter();
        for case in cases.filter(|it| matches!(it.form(), "type_case" | "default_case")) {
            has_default |= case.form() == "default_case";
            let mut cursor = case.walk();
            let types: Vec<Node<'t>> = case
                .children_by_field_name("type", &mut cursor)
                .filter(|ty| ty.is_named() && !ty.is_extra())
                .collect();
            let is_nil = |ty: &Node<'t>| text(*ty, self.source) == "nil";
            let with_nil = types.iter().any(is_nil) || types.is_empty();
            let mut entry = state.clone();
            if let (Some(place), false) = (&of.place, with_nil) {
                self.learn(&Fact { place: place.clone(), is: Is::NotNil }, &of.ty, &mut entry);
            }
            let ty = match types.as_slice() {
                [only] if !with_nil => self.type_of(Some(*only)),
                _ => of.ty.clone(),
            };
            let only_nil = types.len() == 1 && with_nil;
            let spot = self.spot(case);
            let end = self.within(|walk| {
                if let Some(alias) = alias {
                    let root = walk.declare(alias, ty.clone());
                    let own = match only_nil {
                        true => Value::nil(of.ty.clone(), Cause::new(Kind::Compared, spot)),
                        false => Value::unknown(ty),
                    };
                    entry.put(&Place::of(root), own);
                }
                walk.all(&statements(case), entry)
            });
            behind = self.join(behind, end);
        }
        let breaks = self.jumps.pop().and_then(|jump| jump.breaks);
        let none = (!has_default).then_some(state);
        let behind = self.join(behind, breaks);
        self.join(behind, none)
    }

    pub(super) fn select(
        &mut self,
        node: Node<'t>,
        label: Option<&'t str>,
        state: State<'t>,
    ) -> Option<State<'t>> {
        self.jumps.push(Jump { label, is_loop: false, breaks: None, continues: None });
        let mut behind = None;
        for case in children(node) {
            let first = case.part("communication");
            let end = self.within(|walk| {
                let state = match first {
                    Some(first) => walk.statement(first, state.clone())?,
                    None => state.clone(),
                };
                walk.all(&statements(case), state)
            });
            behind = self.join(behind, end);
        }
        let breaks = self.jumps.pop().and_then(|jump| jump.breaks);
        self.join(behind, breaks)
    }
}
