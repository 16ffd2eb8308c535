//! One function, from its beginning to its ends, with what is known at each point.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use tree_sitter::Node;

use super::{
    book::Book,
    state::State,
    summary::{Demand, Found, Summary, Use},
    syntax::{Form, text},
    types::Ty,
    value::{Cause, Fact, Is, Kind, Place, Root, Spot, Value, Whole},
};

/// Steps that one function may take: beyond them it is not followed further, and says nothing.
pub(super) const STEPS_MAX: usize = 20_000;

/// What one function demands of its callers, at most.
const DEMANDS_MAX: usize = 64;

pub(super) struct Walk<'b, 't> {
    pub(super) book: &'b Book<'t>,
    pub(super) file: usize,
    pub(super) source: &'t str,
    pub(super) generic: Vec<Rc<str>>,
    pub(super) scopes: Vec<Scope<'t>>,
    types: Vec<Ty>,
    globals: HashMap<&'t str, u32>,
    /// Parameters that still are what the caller passed.
    parameters: Vec<Option<(Root, Spot)>>,
    /// Variables that function literals write to, at whatever time.
    pub(super) shared: BTreeSet<Root>,
    /// Variables whose objects other places lead to.
    pub(super) escaped: BTreeSet<Root>,
    /// Variables that a condition is about, by its text.
    conditions: HashMap<Rc<str>, Vec<Root>>,
    pub(super) frames: Vec<Frame<'t>>,
    pub(super) jumps: Vec<Jump<'t>>,
    pub(super) found: Vec<Found>,
    pub(super) summary: Summary<'t>,
    pub(super) steps: usize,
    /// Function literals that are being walked.
    pub(super) literals: Vec<usize>,
    /// The names that function literals see.
    pub(super) seen_by: HashMap<usize, Vec<Scope<'t>>>,
    /// Within a function literal that runs at a time nobody knows.
    pub(super) detached: bool,
    /// The call that was walked last does not come back.
    pub(super) ended: bool,
}

/// The variables that a block declares: few, so that looking at each is quicker than anything.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope<'t>(Vec<(&'t str, Root)>);

impl<'t> Scope<'t> {
    pub(super) fn get(&self, name: &str) -> Option<Root> {
        self.0.iter().find(|(own, _)| *own == name).map(|(_, root)| *root)
    }

    fn insert(&mut self, name: &'t str, root: Root) {
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, own)) => *own = root,
            None => self.0.push((name, root)),
        }
    }
}

/// A function or function literal that is being walked.
pub(super) struct Frame<'t> {
    pub(super) results: Vec<(Ty, Option<Root>)>,
    pub(super) returned: Option<(State<'t>, Vec<Value<'t>>)>,
    /// Loops from here on are its own.
    pub(super) jumps: usize,
}

/// A loop, or something else that can be left.
pub(super) struct Jump<'t> {
    pub(super) label: Option<&'t str>,
    pub(super) is_loop: bool,
    pub(super) breaks: Option<State<'t>>,
    pub(super) continues: Option<State<'t>>,
}

impl<'b, 't> Walk<'b, 't> {
    pub(super) fn new(book: &'b Book<'t>, file: usize, generic: Vec<Rc<str>>) -> Self {
        Self {
            book,
            file,
            source: book.files[file].text,
            generic,
            scopes: vec![Scope::default()],
            types: Vec::new(),
            globals: HashMap::new(),
            parameters: Vec::new(),
            shared: BTreeSet::new(),
            escaped: BTreeSet::new(),
            conditions: HashMap::new(),
            frames: Vec::new(),
            jumps: Vec::new(),
            found: Vec::new(),
            summary: Summary::default(),
            steps: 0,
            literals: Vec::new(),
            seen_by: HashMap::new(),
            detached: false,
            ended: false,
        }
    }

    pub(super) fn spot(&self, node: Node<'_>) -> Spot {
        Spot::of(self.file, node)
    }

    pub(super) fn type_of(&self, node: Option<Node<'_>>) -> Ty {
        node.map_or(Ty::Unknown, |node| Ty::of(node, self.source, &self.generic))
    }

    /// A new variable in the innermost scope.
    pub(super) fn declare(&mut self, name: &'t str, ty: Ty) -> Root {
        let root = Root::Local(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(ty);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, root);
        }
        root
    }

    pub(super) fn declare_parameter(&mut self, name: &'t str, ty: Ty, spot: Spot) -> Root {
        let root = self.declare(name, ty);
        self.parameters.push(Some((root, spot)));
        root
    }

    pub(super) fn local(&self, name: &str) -> Option<Root> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    pub(super) fn global(&mut self, name: &'t str) -> Root {
        let next = u32::try_from(self.globals.len()).unwrap_or(u32::MAX);
        Root::Global(*self.globals.entry(name).or_insert(next))
    }

    pub(super) fn type_of_root(&self, root: Root) -> Ty {
        let Root::Local(index) = root else { return Ty::Unknown };
        self.types.get(index as usize).cloned().unwrap_or(Ty::Unknown)
    }

    pub(super) fn parameter(&self, root: Root) -> Option<usize> {
        self.parameters.iter().position(|one| one.as_ref().is_some_and(|(own, _)| *own == root))
    }

    pub(super) fn parameter_spot(&self, parameter: usize) -> Spot {
        let known = self.parameters.get(parameter).and_then(Option::as_ref);
        known.map_or(Spot { file: self.file, start: 0, end: 0 }, |(_, spot)| spot.clone())
    }

    /// The variable is another one now: what the caller passed is out of reach by this name.
    pub(super) fn replace_parameter(&mut self, root: Root) {
        if let Some(parameter) = self.parameter(root) {
            self.parameters[parameter] = None;
            self.summary.exposed[parameter] = true;
        }
    }

    pub(super) fn within<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(Scope::default());
        let done = work(self);
        self.scopes.pop();
        done
    }

    pub(super) fn join(
        &self,
        one: Option<State<'t>>,
        other: Option<State<'t>>,
    ) -> Option<State<'t>> {
        match (one, other) {
            (Some(one), Some(other)) => {
                Some(one.join(other, &|state, place, ty| self.absent(state, place, ty)))
            }
            (one, other) => one.or(other),
        }
    }

    /// A value is used in a way that nil does not stand.
    pub(super) fn using(
        &mut self,
        of: &Value<'t>,
        operand: Node<'t>,
        how: Use,
        state: &mut State<'t>,
    ) {
        let spot = self.spot(operand);
        for cause in &of.causes {
            self.blame(cause.clone(), spot.clone(), how, state);
        }
        if let Some(place) = &of.place
            && !of.is(Is::NotNil)
        {
            self.learn(&Fact { place: place.clone(), is: Is::NotNil }, &of.ty, state);
        }
    }

    /// Behind this it is so. `false`: it cannot be.
    pub(super) fn learn(&self, fact: &Fact, ty: &Ty, state: &mut State<'t>) -> bool {
        if state.get(&fact.place).is_none() {
            let value = self.absent(state, &fact.place, ty);
            state.put(&fact.place, value);
        }
        state.learn(fact)
    }

    pub(super) fn blame(&mut self, mut cause: Cause, spot: Spot, how: Use, state: &State<'t>) {
        let Some((parameter, way)) = cause.passed() else {
            cause.perhaps |= self.detached;
            if !self
                .found
                .iter()
                .any(|known| known.spot == spot && known.cause.origin == cause.origin)
            {
                self.found.push(Found { spot, how, cause });
            }
            return;
        };
        let is_ours = |fact: &Fact| self.parameter(fact.place.root).is_some();
        let mut when = cause.when.clone();
        when.extend(state.taken.iter().cloned());
        let (when, others): (Vec<Fact>, Vec<Fact>) = when.into_iter().partition(is_ours);
        let perhaps = cause.perhaps || self.detached || !others.is_empty();
        let demand = Demand {
            parameter,
            way: way.clone(),
            when,
            spot,
            how,
            passed: cause.way.clone(),
            perhaps,
        };
        let demands = &mut self.summary.demands;
        let known = demands.iter().any(|one| {
            one.spot == demand.spot && one.parameter == demand.parameter && one.way == demand.way
        });
        if !known && demands.len() < DEMANDS_MAX {
            demands.push(demand);
        }
    }

    /// Somebody may write to what the value leads to, and keep it.
    pub(super) fn expose(&mut self, value: &Value<'t>, state: &mut State<'t>) {
        if let Some(literal) = value.literal {
            self.share(literal, state);
        }
        let Some(place) = &value.place else { return };
        if let Some(parameter) = self.parameter(place.root)
            && let Some(exposed) = self.summary.exposed.get_mut(parameter)
        {
            *exposed = true;
        }
        if state.get(place).is_none() {
            let own = Value { place: None, parts: Vec::new(), ..value.clone() };
            state.put(place, own);
        }
        state.expose(place);
        self.escaped.insert(place.root);
    }

    /// The value is held by another place, too.
    pub(super) fn hand_over(&mut self, value: &Value<'t>) {
        if let Some(literal) = value.literal {
            self.share_names(literal);
        }
        let Some(place) = &value.place else { return };
        let is_object = !matches!(value.ty, Ty::Plain | Ty::Bool | Ty::Error);
        if is_object {
            self.escaped.insert(place.root);
        }
    }

    /// A field was written to; other variables may lead to the same object.
    pub(super) fn doubt_field(&self, field: &str, root: Root, state: &mut State<'t>) {
        let is_apart = |root: Root| {
            let whole = state.get(&Place::of(root)).map(|value| &value.whole);
            matches!(whole, Some(Whole::Fresh(_))) && !self.escaped.contains(&root)
        };
        if is_apart(root) {
            return;
        }
        let mut roots: Vec<Root> = state.places().map(|(place, _)| place.root).collect();
        // They come sorted.
        roots.dedup();
        let apart: BTreeSet<Root> = roots.into_iter().filter(|root| is_apart(*root)).collect();
        state.doubt_field(field, root, &|root| apart.contains(&root));
    }

    /// Code that nobody sees runs.
    pub(super) fn unseen(&mut self, state: &mut State<'t>) {
        let escaped = &self.escaped;
        state.expose_roots(&|root| !matches!(root, Root::Global(_)) && escaped.contains(&root));
        state.remove_roots(&|root| matches!(root, Root::Global(_)));
        for (one, exposed) in self.parameters.iter().zip(&mut self.summary.exposed) {
            *exposed |= one.as_ref().is_some_and(|(root, _)| escaped.contains(root));
        }
    }

    /// A condition as a text that says the same wherever the same is asked, and what it is about.
    pub(super) fn key_of(&self, node: Node<'t>) -> Option<(String, Vec<Root>)> {
        let own = || text(node, self.source).to_owned();
        let part = |name: &str| self.key_of(node.part(name)?);
        match node.form() {
            "identifier" => match self.local(text(node, self.source)) {
                Some(root) if self.shared.contains(&root) => None,
                Some(root) => Some((format!("{root:?}"), vec![root])),
                None => Some((own(), Vec::new())),
            },
            "parenthesized_expression" => self.key_of(node.named_child(0)?),
            "selector_expression" => {
                let (key, roots) = part("operand")?;
                let field = text(node.part("field")?, self.source);
                Some((format!("{key}.{field}"), roots))
            }
            "binary_expression" => {
                let ((left, mut roots), (right, more)) = (part("left")?, part("right")?);
                let operator = node.part("operator")?.form();
                roots.extend(more);
                Some((format!("({left} {operator} {right})"), roots))
            }
            "call_expression" => {
                let function = node.part("function")?;
                let argument = node.part("arguments")?.named_child(0)?;
                let is_length = text(function, self.source) == "len";
                let (key, roots) = self.key_of(argument).filter(|_| is_length)?;
                Some((format!("len({key})"), roots))
            }
            "int_literal"
            | "interpreted_string_literal"
            | "rune_literal"
            | "nil"
            | "true"
            | "false" => Some((own(), Vec::new())),
            _ => None,
        }
    }

    pub(super) fn depend(&mut self, key: &str, roots: Vec<Root>) {
        self.conditions.insert(key.into(), roots);
    }

    /// What was asked about a variable is about its value before.
    pub(super) fn release(&self, place: &Place, state: &mut State<'t>) {
        let conditions = &self.conditions;
        state.release(place, &|key| {
            conditions.get(key).is_some_and(|roots| roots.contains(&place.root))
        });
        if !place.path.is_empty() || !state.has_elements() {
            return;
        }
        let keys: Vec<&str> = conditions
            .iter()
            .filter(|(key, roots)| key.starts_with('[') && roots.contains(&place.root))
            .map(|(key, _)| &**key)
            .collect();
        let own = format!("[{:?}]", place.root);
        state
            .forget_steps(&|path| path.contains(&own) || keys.iter().any(|key| path.contains(key)));
    }

    pub(super) fn given_value(
        &self,
        root: Root,
        ty: &Ty,
        parameter: usize,
        spot: Spot,
    ) -> Value<'t> {
        let under = self.book.package.under(ty);
        let mut value = Value { whole: Whole::Given, ..Value::unknown(ty.clone()) };
        if under.is_nilable() {
            value.causes.push(Cause::new(Kind::Passed(parameter, "".into()), spot));
        }
        value.place = Some(Place::of(root));
        value
    }
}
