//! What is known behind a condition, in both of its branches.

use tree_sitter::Node;

use super::{
    library,
    package::Constant,
    state::State,
    syntax::{Form, bare, children, text},
    types::Ty,
    value::{Cause, Fact, Is, Kind, Place, Root, Sure, Value},
    walk::Walk,
};

type Branches<'t> = (Option<State<'t>>, Option<State<'t>>);

impl<'t> Walk<'_, 't> {
    /// The states in which the condition holds and does not.
    pub(super) fn branch(&mut self, node: Node<'t>, mut state: State<'t>) -> Branches<'t> {
        self.steps += 1;
        match node.form() {
            "parenthesized_expression" => match node.named_child(0) {
                Some(inner) => self.branch(inner, state),
                None => (Some(state.clone()), Some(state)),
            },
            "unary_expression" if text(node, self.source).starts_with('!') => {
                let Some(operand) = node.part("operand") else {
                    return (Some(state.clone()), Some(state));
                };
                let (yes, no) = self.branch(operand, state);
                (no, yes)
            }
            "binary_expression" => self.binary_branch(node, state),
            "call_expression" => self.call_branch(node, state),
            _ => {
                let value = self.value(node, &mut state);
                self.by_value(node, &value, state)
            }
        }
    }

    fn binary_branch(&mut self, node: Node<'t>, mut state: State<'t>) -> Branches<'t> {
        let (Some(left), Some(right), Some(operator)) =
            (node.part("left"), node.part("right"), node.part("operator"))
        else {
            return (Some(state.clone()), Some(state));
        };
        match operator.form() {
            "&&" => {
                let (yes, no) = self.branch(left, state);
                let Some(yes) = yes else { return (None, no) };
                let (both, second) = self.branch(right, yes);
                (both, self.join(no, second))
            }
            "||" => {
                let (yes, no) = self.branch(left, state);
                let Some(no) = no else { return (yes, None) };
                let (second, neither) = self.branch(right, no);
                (self.join(yes, second), neither)
            }
            "==" => self.equality(node, (left, right), state),
            "!=" => {
                let (same, different) = self.equality(node, (left, right), state);
                (different, same)
            }
            "<" | ">" | "<=" | ">=" => self.order(node, operator.form(), (left, right), state),
            _ => {
                self.value(node, &mut state);
                (Some(state.clone()), Some(state))
            }
        }
    }

    fn equality(
        &mut self,
        node: Node<'t>,
        (left, right): (Node<'t>, Node<'t>),
        mut state: State<'t>,
    ) -> Branches<'t> {
        let (left, right) = (bare(left), bare(right));
        if let Some(branches) = self.constant_equality(left, right, &state) {
            return branches;
        }
        if let Some(branches) = self.length_branch("==", (left, right), &mut state) {
            return branches;
        }
        let (one, other) = (self.value(left, &mut state), self.value(right, &mut state));
        for (node, value, other) in [(right, &one, &other), (left, &other, &one)] {
            if node.form() == "nil" {
                return self.asked(value, Is::Nil, node, state);
            }
            if matches!(node.form(), "true" | "false") {
                let is = if other.is(Is::True) { Is::True } else { Is::False };
                return self.asked(value, is, node, state);
            }
        }
        let (mut yes, no) = self.by_key(node, state);
        // Equal to what is there is there, too.
        for (value, other) in [(&one, &other), (&other, &one)] {
            if other.is(Is::NotNil)
                && let (Some(place), Some(state)) = (&value.place, &mut yes)
                && !matches!(value.ty, Ty::Plain | Ty::Bool)
            {
                self.learn(&Fact { place: place.clone(), is: Is::NotNil }, &value.ty, state);
            }
        }
        (yes, no)
    }

    /// Constants that are compared with each other.
    fn constant_equality(
        &self,
        left: Node<'t>,
        right: Node<'t>,
        state: &State<'t>,
    ) -> Option<Branches<'t>> {
        let (left, right) = (self.number(left)?, self.number(right)?);
        let only = Some(state.clone());
        Some(if left == right { (only, None) } else { (None, only) })
    }

    fn order(
        &mut self,
        node: Node<'t>,
        operator: &str,
        (left, right): (Node<'t>, Node<'t>),
        mut state: State<'t>,
    ) -> Branches<'t> {
        if let Some(branches) = self.length_branch(operator, (left, right), &mut state) {
            return branches;
        }
        self.value(left, &mut state);
        self.value(right, &mut state);
        self.by_key(node, state)
    }

    /// `len(s) > 0` and its like: something that is nil has no length.
    pub(super) fn length_branch(
        &mut self,
        operator: &str,
        (left, right): (Node<'t>, Node<'t>),
        state: &mut State<'t>,
    ) -> Option<Branches<'t>> {
        let (of, other, flipped) = match (self.measured(left), self.measured(right)) {
            (Some(of), _) => (of, right, false),
            (None, Some(of)) => (of, left, true),
            (None, None) => return None,
        };
        let value = self.value(of, state);
        self.value(other, state);
        let place = value.place?;
        let operator = match (operator, flipped) {
            ("<", true) => ">",
            (">", true) => "<",
            ("<=", true) => ">=",
            (">=", true) => "<=",
            (operator, _) => operator,
        };
        // Whether the branches can be taken without any element.
        let (mut yes_is_empty, mut no_is_empty) = match (operator, self.number(other)) {
            (">", Some(0..)) => (false, true),
            (">=" | "==", Some(1..)) => (false, true),
            ("==" | "<=", Some(0)) => (true, false),
            ("<", Some(1)) => (true, false),
            // Compared with what nobody knows, such as an index that is in bounds.
            (_, None) => (false, false),
            (_, Some(_)) => (true, true),
        };
        if operator == "<" && self.number(other).is_some_and(|number| number > 1) {
            (yes_is_empty, no_is_empty) = (true, false);
        }
        let fact = Fact { place, is: Is::NotNil };
        let one = |is_empty: bool| {
            let mut state = state.clone();
            let can_be = is_empty || self.learn(&fact, &value.ty, &mut state);
            can_be.then_some(state)
        };
        Some((one(yes_is_empty), one(no_is_empty)))
    }

    /// What `len` is asked about.
    fn measured(&self, node: Node<'t>) -> Option<Node<'t>> {
        let node = bare(node);
        let function = node.part("function")?;
        let is_length = node.form() == "call_expression" && text(function, self.source) == "len";
        node.part("arguments").filter(|_| is_length)?.named_child(0)
    }

    /// A truth value of its own.
    fn by_value(&mut self, node: Node<'t>, value: &Value<'t>, state: State<'t>) -> Branches<'t> {
        if value.is(Is::True) {
            return (Some(state), None);
        }
        if value.is(Is::False) {
            return (None, Some(state));
        }
        match value.place {
            Some(_) => self.asked(value, Is::True, node, state),
            None => self.by_key(node, state),
        }
    }

    /// The states in which a value is so and is not.
    pub(super) fn asked(
        &mut self,
        value: &Value<'t>,
        is: Is,
        node: Node<'t>,
        state: State<'t>,
    ) -> Branches<'t> {
        let Some(place) = &value.place else {
            if value.is(is) {
                return (Some(state), None);
            }
            let is_other = value.is(is.not());
            return if is_other { (None, Some(state)) } else { (Some(state.clone()), Some(state)) };
        };
        let one = |is: Is, mut state: State<'t>| {
            let fact = Fact { place: place.clone(), is };
            let can_be = self.learn(&fact, &value.ty, &mut state);
            state.take(&fact);
            can_be.then_some(state)
        };
        let (mut yes, no) = (one(is, state.clone()), one(is.not(), state));
        if let (Is::Nil, Some(state)) = (is, &mut yes) {
            let spot = self.spot(node);
            state.change(place, |own| {
                own.causes.retain(|cause| cause.passed().is_none());
                if own.causes.is_empty() {
                    own.add(Cause::new(Kind::Compared, spot));
                }
            });
        }
        (yes, no)
    }

    /// A condition that says nothing by itself, but the same when it is asked again.
    fn by_key(&mut self, node: Node<'t>, state: State<'t>) -> Branches<'t> {
        let Some((key, roots)) = self.key_of(node) else {
            return (Some(state.clone()), Some(state));
        };
        self.depend(&key, roots);
        let place = Place { root: Root::Condition, path: key.as_str().into() };
        let one = |is: Is, mut state: State<'t>| {
            let fact = Fact { place: place.clone(), is };
            if state.taken.iter().any(|one| one.place == fact.place && one.is != is) {
                return None;
            }
            state.learn(&fact);
            state.take(&fact);
            Some(state)
        };
        (one(Is::True, state.clone()), one(Is::False, state))
    }

    /// What a function was asked about a value is taken for a check of it.
    fn call_branch(&mut self, node: Node<'t>, mut state: State<'t>) -> Branches<'t> {
        let arguments = node.part("arguments").map(children).unwrap_or_default();
        let function = node.part("function");
        let of = function.and_then(|it| it.part("operand"));
        let results = self.call(node, &mut state);
        if self.ended {
            return (None, None);
        }
        if let Some(value) = results.first()
            && let Sure::Is(is @ (Is::True | Is::False)) = value.sure
        {
            let only = Some(state);
            return if is == Is::True { (only, None) } else { (None, only) };
        }
        let path = self.foreign(node);
        let (mut yes, mut no) = (Some(state.clone()), Some(state));
        let asks_error =
            path.as_ref().is_some_and(|(path, name)| library::tells_errors(path, name));
        for (at, argument) in of.into_iter().chain(arguments).enumerate() {
            let Some(state) = &mut yes else { break };
            if !matches!(bare(argument).form(), "identifier" | "selector_expression") {
                continue;
            }
            let Some(place) = self.path_of(argument) else { continue };
            let first = usize::from(of.is_some());
            if asks_error {
                if at == first {
                    self.learn(&Fact { place, is: Is::NotNil }, &Ty::Error, state);
                }
                continue;
            }
            // Either answer may mean that it is there.
            for state in [Some(state), no.as_mut()].into_iter().flatten() {
                state.change(&place, |own| own.causes.clear());
                state.settle(&place);
            }
        }
        (yes, no)
    }

    /// What a tag or a case is, if it is constant.
    pub(super) fn constant(&self, node: Node<'t>) -> Option<Constant> {
        let node = bare(node);
        match node.form() {
            "true" => Some(Constant::Bool(true)),
            "false" => Some(Constant::Bool(false)),
            _ => self.number(node).map(Constant::Int),
        }
    }
}
