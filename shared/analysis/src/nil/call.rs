//! Calls: of functions of the package by what they say of themselves, of others by their names.

use std::rc::Rc;

use tree_sitter::Node;

use super::{
    library,
    state::State,
    summary::Use,
    syntax::{Form, bare, children, text},
    types::{Method, Ty},
    value::{Is, Kind, Place, Sure, Value},
    walk::Walk,
};

impl<'t> Walk<'_, 't> {
    /// What a call gives back.
    pub(super) fn call(&mut self, node: Node<'t>, state: &mut State<'t>) -> Vec<Value<'t>> {
        let Some(function) = node.part("function").map(bare) else {
            return Vec::new();
        };
        match function.form() {
            "identifier" => self.call_by_name(node, function, state),
            "selector_expression" => self.call_method(node, function, state),
            "func_literal" => {
                let arguments = self.arguments(node, state);
                self.run_literal(function, arguments, state)
            }
            "index_expression" | "type_instantiation_expression" => {
                let name = function.named_child(0).map_or("", |it| text(it, self.source));
                let arguments = self.arguments(node, state);
                match self.book.package.functions.get(name) {
                    Some(index) => self.apply(*index, arguments, node, state),
                    None => self.call_unknown(&arguments, state),
                }
            }
            "unary_expression" if self.names_type(function) => {
                let target = function.part("operand");
                let ty = self.type_of(target).pointer_to();
                let mut arguments = self.arguments(node, state);
                arguments.pop().map(|value| self.converted(value, &ty)).into_iter().collect()
            }
            "array_type" | "slice_type" | "map_type" | "function_type" | "interface_type" => {
                let ty = self.type_of(Some(function));
                let mut arguments = self.arguments(node, state);
                arguments.pop().map(|value| self.converted(value, &ty)).into_iter().collect()
            }
            _ => {
                let of = self.value(function, state);
                self.using(&of, function, Use::Called, state);
                let arguments = self.arguments(node, state);
                let results = self.results_of(&of);
                self.call_unknown(&arguments, state);
                results
            }
        }
    }

    fn names_type(&self, function: Node<'t>) -> bool {
        let operand = function.part("operand");
        operand.is_some_and(|it| self.book.package.types.contains_key(text(it, self.source)))
    }

    fn results_of(&self, function: &Value<'t>) -> Vec<Value<'t>> {
        let under = self.book.package.under(&function.ty);
        let Ty::Func(results) = under else { return Vec::new() };
        results.iter().map(|ty| Value::unknown(ty.clone())).collect()
    }

    /// The path of the import and the name, where a function of another package is called.
    pub(super) fn foreign(&self, call: Node<'t>) -> Option<(&'t str, &'t str)> {
        let function = bare(call.part("function")?);
        let operand = function.part("operand")?;
        let name = text(function.part("field")?, self.source);
        Some((self.import(operand)?, name))
    }

    fn arguments(&mut self, node: Node<'t>, state: &mut State<'t>) -> Vec<Value<'t>> {
        let nodes = node.part("arguments").map(children).unwrap_or_default();
        if let [only] = nodes.as_slice()
            && only.form() == "call_expression"
        {
            let mut values = self.call(*only, state);
            values.iter_mut().for_each(Self::forget_results);
            return values;
        }
        let mut values = Vec::new();
        for argument in nodes {
            let argument = match argument.form() {
                "variadic_argument" => argument.named_child(0).unwrap_or(argument),
                _ => argument,
            };
            if !argument.form().ends_with("_type") && argument.form() != "type_identifier" {
                values.push(self.value(argument, state));
            } else {
                values.push(Value::unknown(self.type_of(Some(argument)).pointer_to()));
            }
        }
        values
    }

    fn call_by_name(
        &mut self,
        node: Node<'t>,
        function: Node<'t>,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        let name = text(function, self.source);
        let arguments = self.arguments(node, state);
        if let Some(root) = self.local(name) {
            let place = Place::of(root);
            let known = state.get(&place).filter(|_| !self.shared.contains(&root)).cloned();
            let of = known.unwrap_or_else(|| Value::unknown(self.type_of_root(root)));
            if let Some(literal) = of.literal {
                return self.run_literal(literal, arguments, state);
            }
            let of = Value { place: Some(place), ..of };
            self.using(&of, function, Use::Called, state);
            self.call_unknown(&arguments, state);
            return self.results_of(&of);
        }
        if let Some(index) = self.book.package.functions.get(name) {
            return self.apply(*index, arguments, node, state);
        }
        if self.book.package.types.contains_key(name)
            || !matches!(Ty::of(function, self.source, &[]), Ty::Named(_))
        {
            let ty = Ty::of(function, self.source, &self.generic);
            let value = arguments.into_iter().next();
            return value.map(|value| self.converted(value, &ty)).into_iter().collect();
        }
        if self.book.package.globals.contains_key(name) {
            let of = self.value(function, state);
            self.using(&of, function, Use::Called, state);
            self.call_unknown(&arguments, state);
            return self.results_of(&of);
        }
        self.builtin(node, name, arguments, state)
    }

    fn builtin(
        &mut self,
        node: Node<'t>,
        name: &str,
        arguments: Vec<Value<'t>>,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        let first = arguments.first().map_or(Ty::Unknown, |value| value.ty.clone());
        match name {
            "panic" => {
                self.ended = true;
                Vec::new()
            }
            "len" | "cap" | "copy" | "min" | "max" | "real" | "imag" | "complex" => {
                vec![Value::surely(Ty::Plain, Is::NotNil)]
            }
            "append" => {
                for argument in arguments.iter().skip(1) {
                    self.hand_over(argument);
                }
                let is_more = arguments.len() > 1;
                let all = arguments.into_iter().next();
                let all = all.map(|all| Value { place: None, ..all });
                let longer = Value::surely(first, Is::NotNil);
                vec![if is_more { longer } else { all.unwrap_or(longer) }]
            }
            "make" => {
                let ty = first.target().cloned().unwrap_or(Ty::Unknown);
                vec![Value::surely(ty, Is::NotNil)]
            }
            "new" => {
                let target = first.target().cloned().unwrap_or(Ty::Unknown);
                let spot = self.spot(node);
                let under = self.book.package.under(&target);
                let made = Value::zero(target.clone(), &under, Kind::Unset, spot);
                let whole = made.whole;
                vec![Value { whole, ..Value::surely(target.pointer_to(), Is::NotNil) }]
            }
            "delete" | "print" | "println" | "close" | "clear" => Vec::new(),
            "recover" => vec![Value::unknown(Ty::Interface(Rc::new([])))],
            _ => self.call_unknown(&arguments, state),
        }
    }

    fn call_method(
        &mut self,
        node: Node<'t>,
        function: Node<'t>,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        if let Some((path, name)) = self.foreign(node) {
            return self.call_foreign(node, path, name, state);
        }
        let (Some(operand), Some(field)) = (function.part("operand"), function.part("field"))
        else {
            return Vec::new();
        };
        let of = self.value(operand, state);
        let name = text(field, self.source);
        let mut arguments = self.arguments(node, state);
        let under = self.book.package.under(&of.ty);
        if let Some((index, embedded)) = self.book.package.method(&of.ty, name)
            && !matches!(under, Ty::Interface(_))
        {
            let receiver = self.receiver(of, operand, (index, embedded), state);
            arguments.insert(0, receiver);
            return self.apply(index, arguments, node, state);
        }
        if let Ty::Interface(methods) = &under {
            self.using(&of, operand, Use::Asked, state);
            if let Some(holds) = of.holds.clone()
                && let Some((index, false)) = self.book.package.method(&holds, name)
            {
                let receiver = Value { ty: holds, ..of };
                arguments.insert(0, receiver);
                return self.apply(index, arguments, node, state);
            }
            self.expose(&of, state);
            self.call_unknown(&arguments, state);
            return self.results_of_method(methods, name);
        }
        if under == Ty::Error {
            self.using(&of, operand, Use::Asked, state);
            return vec![Value::surely(Ty::Plain, Is::NotNil)];
        }
        if let Some(ty) = self.book.package.field(&of.ty, name) {
            self.enter(&of, operand, state);
            let of = self.part(&of, &format!(".{name}"), ty, state);
            self.using(&of, function, Use::Called, state);
            self.call_unknown(&arguments, state);
            return self.results_of(&of);
        }
        if library::method_never_returns(name) {
            self.ended = true;
        }
        self.expose(&of, state);
        self.call_unknown(&arguments, state)
    }

    /// What a method of the package gets that is called on a value.
    fn receiver(
        &mut self,
        of: Value<'t>,
        operand: Node<'t>,
        (index, embedded): (usize, bool),
        state: &mut State<'t>,
    ) -> Value<'t> {
        let by_pointer = self.book.package.declared[index].by_pointer;
        let is_pointer = matches!(self.book.package.under(&of.ty), Ty::Pointer(_));
        if embedded || (!by_pointer && is_pointer) {
            self.enter(&of, operand, state);
        }
        match embedded {
            true => {
                self.expose(&of, state);
                Value::unknown(Ty::Unknown)
            }
            false if by_pointer && !is_pointer => Value {
                sure: Sure::Is(Is::NotNil),
                causes: Vec::new(),
                ty: of.ty.clone().pointer_to(),
                ..of
            },
            false => of,
        }
    }

    fn results_of_method(&self, methods: &[Method], name: &str) -> Vec<Value<'t>> {
        let method = methods.iter().find(|method| *method.name == *name);
        let results = method.map(|method| method.results.as_slice()).unwrap_or_default();
        results.iter().map(|ty| Value::unknown(ty.clone())).collect()
    }

    fn call_foreign(
        &mut self,
        node: Node<'t>,
        path: &str,
        name: &str,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        if let Some((at, is)) = library::asserts(path, name) {
            return self.asserted(node, at, is, state);
        }
        let arguments = self.arguments(node, state);
        if library::never_returns(path, name) {
            self.ended = true;
        }
        if library::makes(path, name) {
            let ty = if path == "context" { Ty::Unknown } else { Ty::Error };
            return vec![Value::surely(ty, Is::NotNil)];
        }
        if let Some(wrapped) = library::wraps(path, name).and_then(|at| arguments.get(at)) {
            return vec![Value { place: None, ..wrapped.clone() }];
        }
        self.call_unknown(&arguments, state)
    }

    /// A test ends, or says so, unless it is as it should be.
    fn asserted(
        &mut self,
        node: Node<'t>,
        at: usize,
        is: Is,
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        let nodes = node.part("arguments").map(children).unwrap_or_default();
        let known = nodes.get(at).copied();
        for argument in nodes.iter().filter(|node| Some(**node) != known) {
            self.value(*argument, state);
        }
        let Some(asserted) = known else { return Vec::new() };
        let held = match is {
            Is::True | Is::False => {
                let (yes, no) = self.branch(asserted, state.clone());
                if is == Is::True { yes } else { no }
            }
            Is::Nil | Is::NotNil => {
                let value = self.value(asserted, state);
                self.asked(&value, is, asserted, state.clone()).0
            }
        };
        match held {
            Some(held) => *state = held,
            None => self.ended = true,
        }
        vec![Value::unknown(Ty::Bool)]
    }

    pub(super) fn call_unknown(
        &mut self,
        arguments: &[Value<'t>],
        state: &mut State<'t>,
    ) -> Vec<Value<'t>> {
        for argument in arguments {
            self.expose(argument, state);
        }
        self.unseen(state);
        Vec::new()
    }
}
