//! What an expression is worth, and where it uses what may be nil.

use tree_sitter::Node;

use super::{
    package::{self, Constant},
    state::State,
    summary::Use,
    syntax::{Form, bare, children, text},
    types::Ty,
    value::{Cause, Fact, Is, Kind, Place, Root, Value, Whole},
    walk::Walk,
};

/// Fields from a parameter that its callers are asked about.
const GIVEN_STEPS_MAX: usize = 3;

impl<'t> Walk<'_, 't> {
    pub(super) fn value(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        self.steps += 1;
        match node.form() {
            "nil" => Value::nil(Ty::Unknown, Cause::new(Kind::Literal, self.spot(node))),
            "true" => Value::surely(Ty::Bool, Is::True),
            "false" => Value::surely(Ty::Bool, Is::False),
            "identifier" => self.variable(node, state),
            "parenthesized_expression" => match node.named_child(0) {
                Some(inner) => self.value(inner, state),
                None => Value::unknown(Ty::Unknown),
            },
            "selector_expression" => self.selector(node, state),
            "index_expression" => self.index(node, state),
            "slice_expression" => self.slice(node, state),
            "unary_expression" => self.unary(node, state),
            "binary_expression" => self.binary(node, state),
            "call_expression" => {
                let mut values = self.call(node, state);
                if values.is_empty() {
                    return Value::unknown(Ty::Unknown);
                }
                let mut first = values.swap_remove(0);
                Self::forget_results(&mut first);
                first
            }
            "composite_literal" => self.composite(node, state),
            "func_literal" => self.literal(node, state),
            "type_assertion_expression" => {
                if let Some(operand) = node.part("operand") {
                    self.value(operand, state);
                }
                Value::unknown(self.type_of(node.part("type")))
            }
            "type_conversion_expression" => {
                let ty = self.type_of(node.part("type"));
                let operand = node.part("operand");
                let value = operand.map(|operand| self.value(operand, state));
                value.map_or_else(|| Value::unknown(ty.clone()), |value| self.converted(value, &ty))
            }
            "type_instantiation_expression" => Value::surely(Ty::Unknown, Is::NotNil),
            "int_literal"
            | "float_literal"
            | "rune_literal"
            | "imaginary_literal"
            | "interpreted_string_literal"
            | "raw_string_literal" => Value::surely(Ty::Plain, Is::NotNil),
            _ => {
                for part in children(node) {
                    self.value(part, state);
                }
                Value::unknown(Ty::Unknown)
            }
        }
    }

    fn variable(&mut self, node: Node<'t>, state: &State<'t>) -> Value<'t> {
        let name = text(node, self.source);
        if let Some(root) = self.local(name) {
            let place = Place::of(root);
            let ty = self.type_of_root(root);
            let known = state.get(&place).filter(|_| !self.shared.contains(&root)).cloned();
            let value = known.unwrap_or_else(|| Value::unknown(ty));
            return Value { place: Some(place), ..value };
        }
        if let Some(constant) = self.book.package.constants.get(name) {
            return match constant {
                Constant::Bool(true) => Value::surely(Ty::Bool, Is::True),
                Constant::Bool(false) => Value::surely(Ty::Bool, Is::False),
                Constant::Int(_) => Value::surely(Ty::Plain, Is::NotNil),
            };
        }
        if let Some(global) = self.book.package.globals.get(name) {
            let place = Place::of(self.global(name));
            let known = state.get(&place).cloned();
            let value = known.unwrap_or_else(|| {
                let is = Value::surely(global.ty.clone(), Is::NotNil);
                if global.is_set { is } else { Value::unknown(global.ty.clone()) }
            });
            return Value { place: Some(place), ..value };
        }
        if let Some(function) = self.book.package.functions.get(name) {
            let results = &self.book.package.declared[*function].results;
            let results = results.iter().map(|slot| slot.ty.clone()).collect();
            return Value::surely(Ty::Func(results), Is::NotNil);
        }
        Value::unknown(Ty::Unknown)
    }

    /// A name before a dot that is no variable: a package.
    pub(super) fn import(&self, node: Node<'t>) -> Option<&'t str> {
        let name = text(node, self.source);
        let is_package = node.form() == "identifier" && self.local(name).is_none();
        is_package.then(|| self.book.package.imports[self.file].get(name).copied()).flatten()
    }

    fn selector(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let (Some(operand), Some(field)) = (node.part("operand"), node.part("field")) else {
            return Value::unknown(Ty::Unknown);
        };
        let name = text(field, self.source);
        if self.import(operand).is_some() {
            // The errors that packages declare are there.
            let is_error = name.starts_with("Err") || name == "EOF";
            let is = Value::surely(Ty::Error, Is::NotNil);
            return if is_error { is } else { Value::unknown(Ty::Unknown) };
        }
        let of = self.value(operand, state);
        let ty = self.book.package.field(&of.ty, name);
        if ty.is_some() {
            self.enter(&of, operand, state);
        }
        self.part(&of, &format!(".{name}"), ty.unwrap_or(Ty::Unknown), state)
    }

    /// Goes through a pointer to what it points to.
    pub(super) fn enter(&mut self, of: &Value<'t>, operand: Node<'t>, state: &mut State<'t>) {
        if matches!(self.book.package.under(&of.ty), Ty::Pointer(_)) {
            self.using(of, operand, Use::Dereferenced, state);
        }
    }

    /// What is reached from a value by one step.
    pub(super) fn part(&self, of: &Value<'t>, step: &str, ty: Ty, state: &State<'t>) -> Value<'t> {
        let place = of.place.as_ref().map(|place| place.then(step));
        if let Some(known) = place.as_ref().and_then(|place| state.get(place)) {
            return Value { place, ..known.clone() };
        }
        // Parts of parts are named by the whole way.
        let mut inner = Vec::new();
        let mut own = None;
        for (way, part) in &of.parts {
            if **way == *step {
                own = Some(part.clone());
            } else if let Some(rest) =
                way.strip_prefix(step).filter(|it| it.starts_with(['.', '[']))
            {
                inner.push((rest.into(), part.clone()));
            }
        }
        let value = own.unwrap_or_else(|| self.unnamed((&of.whole, of.place.as_ref()), step, ty));
        Value { place, parts: inner, ..value }
    }

    /// A part that nothing is said about but what is said about the whole.
    fn unnamed(&self, (whole, of): (&Whole, Option<&Place>), step: &str, ty: Ty) -> Value<'t> {
        let under = self.book.package.under(&ty);
        match (whole, of) {
            (Whole::Fresh(origin), _) if step.starts_with('.') => {
                let value = Value::zero(ty, &under, origin.kind.clone(), origin.spot.clone());
                // Whatever is within was made with it.
                if matches!(under, Ty::Struct(_)) {
                    return Value { whole: whole.clone(), ..value };
                }
                value
            }
            (Whole::Given, Some(place)) => self.given(&place.then(step), ty, &under),
            (Whole::Fresh(_) | Whole::Unknown | Whole::Given, _) => Value::unknown(ty),
        }
    }

    /// What a caller handed over.
    fn given(&self, place: &Place, ty: Ty, under: &Ty) -> Value<'t> {
        let Some(parameter) = self.parameter(place.root) else { return Value::unknown(ty) };
        let steps = place.path.matches(['.', '[']).count();
        if steps > GIVEN_STEPS_MAX || place.path.contains('[') {
            return Value::unknown(ty);
        }
        let mut value = Value { whole: Whole::Given, ..Value::unknown(ty) };
        if under.is_nilable() {
            let spot = self.parameter_spot(parameter);
            value.causes.push(Cause::new(Kind::Passed(parameter, place.path.clone()), spot));
        }
        value
    }

    /// What a place holds that a state does not name.
    pub(super) fn absent(&self, state: &State<'t>, place: &Place, ty: &Ty) -> Value<'t> {
        let Some(at) = place.path.rfind(['.', '[']) else { return Value::unknown(ty.clone()) };
        let parent = Place { root: place.root, path: place.path[..at].into() };
        let whole = match state.get(&parent) {
            Some(value) => value.whole.clone(),
            None => self.absent(state, &parent, &Ty::Unknown).whole,
        };
        self.unnamed((&whole, Some(&parent)), &place.path[at..], ty.clone())
    }

    fn index(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let (Some(operand), Some(index)) = (node.part("operand"), node.part("index")) else {
            return Value::unknown(Ty::Unknown);
        };
        let of = self.value(operand, state);
        let mut under = self.book.package.under(&of.ty);
        self.value(index, state);
        if let Ty::Pointer(target) = &under {
            self.using(&of, operand, Use::Dereferenced, state);
            under = self.book.package.under(target);
        }
        // How long a slice is, others may know better, unless the index is written down.
        if matches!(under, Ty::Slice(_)) && (of.is(Is::Nil) || self.number(index).is_some()) {
            self.using(&of, operand, Use::Indexed, state);
        }
        let ty = under.element().cloned().unwrap_or(Ty::Unknown);
        let Some(step) = self.step_of(index) else {
            let is_map = matches!(under, Ty::Map(_));
            return if is_map { self.map_element(node, ty) } else { Value::unknown(ty) };
        };
        let place = of.place.as_ref().map(|place| place.then(&step));
        if let Some(known) = place.as_ref().and_then(|place| state.get(place)) {
            return Value { place, ..known.clone() };
        }
        if matches!(under, Ty::Map(_)) {
            return Value { place, ..self.map_element(node, ty) };
        }
        Value { place, ..Value::unknown(ty) }
    }

    /// What a map gives for a key that may not be there.
    pub(super) fn map_element(&self, node: Node<'t>, ty: Ty) -> Value<'t> {
        let mut value = Value::unknown(ty.clone());
        if self.book.package.under(&ty).is_nilable() {
            value.causes.push(Cause::new(Kind::MapElement, self.spot(node)));
        }
        value
    }

    fn slice(&mut self, node: Node<'t>, state: &mut State<'t>) -> Value<'t> {
        let Some(operand) = node.part("operand") else {
            return Value::unknown(Ty::Unknown);
        };
        let of = self.value(operand, state);
        for bound in ["start", "end", "capacity"] {
            if let Some(bound) = node.part(bound) {
                self.value(bound, state);
            }
        }
        self.enter(&of, operand, state);
        Value::unknown(of.ty)
    }

    /// How an element is named: by a variable or a literal.
    pub(super) fn step_of(&mut self, index: Node<'t>) -> Option<String> {
        let index = bare(index);
        match index.form() {
            "identifier" => match self.local(text(index, self.source)) {
                Some(root) => Some(format!("[{root:?}]")),
                None => Some(format!("[{}]", text(index, self.source))),
            },
            "int_literal" | "interpreted_string_literal" | "rune_literal" => {
                let own = text(index, self.source);
                // Steps are told apart by these.
                (!own.contains(['.', '[', ']'])).then(|| format!("[{own}]"))
            }
            "selector_expression" => {
                let (key, roots) = self.key_of(index)?;
                let key = key.replace(['.', '['], ":");
                self.depend(&format!("[{key}]"), roots);
                Some(format!("[{key}]"))
            }
            _ => None,
        }
    }

    pub(super) fn number(&self, node: Node<'t>) -> Option<i64> {
        let node = bare(node);
        let named = match node.form() {
            "identifier" => self.book.package.constants.get(text(node, self.source)).copied(),
            _ => package::literal(node, self.source),
        };
        if let Some(Constant::Int(number)) = named { Some(number) } else { None }
    }

    /// Conditions on what a call gives back mean nothing where only one value is taken.
    pub(super) fn forget_results(value: &mut Value<'t>) {
        let is_result = |fact: &Fact| matches!(fact.place.root, Root::Result(_));
        for cause in &mut value.causes {
            cause.is_beside |= cause.when.iter().any(is_result);
            cause.when.retain(|fact| !is_result(fact));
        }
    }
}
