//! Calls: built-in, of the package's own functions, of the platform, of anything else.

use tree_sitter::Node;

use super::{
    Lowering, kind, library,
    package::type_name,
    types::Ty,
    uses::{CAPACITY, is_index},
    value::{Parts, Typed},
};
use crate::{
    emit::Emit,
    ir::{Expr, Stmt},
    syntax::{children, line},
};

impl Lowering<'_> {
    /// All values that a call gives back.
    pub(super) fn call(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Vec<Typed> {
        let Some(function) = node.child_by_field_name("function") else { return Vec::new() };
        let given = node.child_by_field_name("arguments");
        if let Some(to) = self.conversion_type(function) {
            return vec![self.conversion(node, &to)];
        }
        match function.kind() {
            "identifier" => self.named_call(node, function, given, hint),
            "selector_expression" => self.selected_call(node, function, given, hint),
            "parenthesized_expression"
            | "func_literal"
            | "call_expression"
            | "index_expression"
            | "type_instantiation_expression"
            | "type_assertion_expression" => self.value_call(node, function, given, hint),
            _ => {
                let arguments = self.all(given);
                self.unknown("a function", arguments, &[], hint)
            }
        }
    }

    fn named_call(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        given: Option<Node<'_>>,
        hint: Option<&Ty>,
    ) -> Vec<Typed> {
        let name = self.text(function);
        if self.local(name).is_some() || self.package.globals.contains_key(name) {
            return self.value_call(node, function, given, hint);
        }
        if let Some(function) = self.package.functions.get(name).copied() {
            return self.own_call(function, None, given);
        }
        let nodes = given.map(children).unwrap_or_default();
        match self.builtin(name, &nodes, line(node)) {
            Some(values) => values,
            None => {
                let arguments = self.all(given);
                self.unknown(name, arguments, &[], hint)
            }
        }
    }

    /// A call of what a variable or field holds.
    fn value_call(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        given: Option<Node<'_>>,
        hint: Option<&Ty>,
    ) -> Vec<Typed> {
        let callee = self.expr(function, None);
        let callee = self.named(callee);
        let arguments = self.all(given);
        let mut results = Vec::new();
        if let Ty::Func(own) = self.under(&callee.ty) {
            self.dereference(&callee.value, line(node));
            results = own.results;
        }
        let name = self.text(function).lines().next().unwrap_or_default().to_owned();
        self.unknown(&name, arguments, &results, hint)
    }

    fn selected_call(
        &mut self,
        node: Node<'_>,
        function: Node<'_>,
        given: Option<Node<'_>>,
        hint: Option<&Ty>,
    ) -> Vec<Typed> {
        let (Some(operand), Some(field)) =
            (function.child_by_field_name("operand"), function.child_by_field_name("field"))
        else {
            return Vec::new();
        };
        let name = self.text(field);
        if let Some(package) = self.is_package(operand) {
            return self.platform(package, name, given, hint);
        }
        let receiver = self.expr(operand, None);
        let method = type_name(&receiver.ty).and_then(|class| {
            self.package.methods.get(&(class.to_owned(), name.to_owned())).copied()
        });
        if let Some(method) = method {
            let wants_value = {
                let own = self.package.signatures[&method].parameters.first();
                own.is_some_and(|(_, ty)| !matches!(self.under(ty), Ty::Ptr(_)))
            };
            let receiver = self.named(receiver);
            if wants_value && matches!(self.under(&receiver.ty), Ty::Ptr(_)) {
                self.dereference(&receiver.value, line(node));
            }
            return self.own_call(method, Some(receiver), given);
        }
        let is_field = type_name(&receiver.ty).is_some_and(|_| {
            let path = [name.to_owned()];
            self.package.at(&receiver.ty, &path).is_some()
        });
        if is_field {
            return self.value_call(node, function, given, hint);
        }
        let receiver = self.named(receiver);
        if matches!(self.under(&receiver.ty), Ty::Interface | Ty::Error) {
            self.dereference(&receiver.value, line(node));
        }
        let error = self.under(&receiver.ty) == Ty::Error && name == "Error";
        let results = if error { vec![Ty::Str] } else { Vec::new() };
        let mut arguments = self.all(given);
        arguments.push(receiver);
        self.unknown(name, arguments, &results, hint)
    }

    /// A function of another package.
    fn platform(
        &mut self,
        package: &str,
        name: &str,
        given: Option<Node<'_>>,
        hint: Option<&Ty>,
    ) -> Vec<Typed> {
        let path = self.imports.get(package).cloned().unwrap_or_default();
        let arguments = self.all(given);
        let Some(known) = library::function(&path, name) else {
            return self.unknown(name, arguments, &[], hint);
        };
        if !known.returns {
            self.block.push(Stmt::Throw(super::PANIC.to_owned()));
        }
        let mut values = Vec::new();
        for gives in known.gives {
            let (ty, mut read) = library::read(*gives, name);
            if let (Some(Expr::Int(bits)), true) =
                (arguments.get(2).map(|bits| &bits.value), path == "strconv")
                && read.range.is_some()
            {
                read.range = library::parsed(name, *bits).or(read.range);
            }
            let bounded = matches!(name, "Intn" | "IntN" | "Int63n" | "Int31n");
            if let (Some(Typed { value: Expr::Int(bound), .. }), true) =
                (arguments.first(), bounded)
                && *bound > 0
            {
                read.range = Some((0, bound - 1));
                read.source = crate::ir::Source::External;
            }
            let value = self.read(&ty, read);
            values.push(Typed::new(value, ty));
        }
        values
    }

    /// A call of a function of this package.
    pub(super) fn own_call(
        &mut self,
        function: usize,
        receiver: Option<Typed>,
        given: Option<Node<'_>>,
    ) -> Vec<Typed> {
        let package = self.package;
        let signature = &package.signatures[&function];
        let own = usize::from(receiver.is_some());
        let nodes = given.map(children).unwrap_or_default();
        let hints: Vec<Option<Ty>> =
            signature.parameters.iter().skip(own).map(|(_, ty)| Some(ty.clone())).collect();
        let mut given = match nodes.as_slice() {
            [one] if one.kind() == "call_expression" && hints.len() > 1 => {
                self.values(&nodes, &hints)
            }
            _ => self.arguments(&nodes, &hints, signature.variadic),
        };
        given.splice(0..0, receiver);
        let mut values: Vec<Typed> = Vec::new();
        for (at, (_, ty)) in signature.parameters.iter().enumerate() {
            let value = given.get(at).cloned().unwrap_or_else(|| self.zero_slice(ty));
            let value = self.coerced_receiver(value, ty);
            values.push(self.named(value));
        }
        let places: Vec<Expr> = signature
            .places
            .iter()
            .map(|(at, path, ty)| self.handed(&values[*at], path, ty))
            .collect();
        let arguments = values.into_iter().map(|own| own.value).chain(places).collect();
        let first = signature.results.first().map(|(_, ty)| self.variable("", ty));
        let site = self.site();
        self.block.push(Stmt::Call { to: first, function, arguments, site });
        let mut results: Vec<Typed> = first
            .into_iter()
            .zip(&signature.results)
            .map(|(var, (_, ty))| Typed::new(Expr::Var(var), ty.clone()))
            .collect();
        for (at, (_, ty)) in signature.results.iter().enumerate().skip(1) {
            results.push(self.register(at, ty));
        }
        self.forget_places();
        results
    }

    /// Arguments in the order of parameters; those of a variadic one become a slice.
    fn arguments(
        &mut self,
        nodes: &[Node<'_>],
        hints: &[Option<Ty>],
        variadic: bool,
    ) -> Vec<Typed> {
        let several = nodes.len() > 1;
        let fixed = if variadic { hints.len().saturating_sub(1) } else { nodes.len() };
        let mut values = Vec::new();
        for (at, node) in nodes.iter().enumerate().take(fixed) {
            let value = self.expr(*node, hints.get(at).and_then(Option::as_ref));
            values.push(if several { self.named(value) } else { value });
        }
        if !variadic {
            return values;
        }
        let rest = nodes.get(fixed..).unwrap_or_default();
        if let [one] = rest
            && one.kind() == "variadic_argument"
        {
            let inner = one.named_child(0).unwrap_or(*one);
            values.push(self.expr(inner, None));
            return values;
        }
        for one in rest {
            self.expr(*one, None);
        }
        let count = i128::try_from(rest.len()).unwrap_or(0);
        let value =
            if rest.is_empty() { Expr::Null } else { Expr::New(Some(Box::new(Expr::Int(count)))) };
        let ty = hints.last().cloned().flatten().unwrap_or(Ty::Unknown);
        values.push(Typed::new(value, ty));
        values
    }

    fn zero_slice(&mut self, ty: &Ty) -> Typed {
        self.opaque(ty, "an argument that is not modelled")
    }

    /// A receiver is a pointer or a value as the method wants it.
    fn coerced_receiver(&mut self, value: Typed, ty: &Ty) -> Typed {
        let (own, wanted) = (self.under(&value.ty), self.under(ty));
        match (&own, &wanted) {
            (Ty::Struct(_), Ty::Ptr(_)) => {
                Typed { value: Expr::New(None), ty: ty.clone(), parts: value.parts }
            }
            (Ty::Ptr(_), Ty::Struct(_)) => {
                Typed { value: Expr::New(None), ty: ty.clone(), parts: value.parts }
            }
            _ => self.coerced(value, ty),
        }
    }

    /// A field of an argument, as the callee is to know it.
    fn handed(&mut self, value: &Typed, path: &[String], ty: &Ty) -> Expr {
        let mut parts = value.parts.clone();
        for (at, name) in path.iter().enumerate() {
            let last = at + 1 == path.len();
            let next = match &parts {
                Parts::Unknown => None,
                Parts::Of(..) => self.followed(&parts, name),
                Parts::Made(fields) => {
                    let own = fields.iter().find(|(own, _)| own == name);
                    match own {
                        Some((_, own)) => Some(own.clone()),
                        None if is_index(name) || name == CAPACITY => None,
                        None => return self.zero(ty).value,
                    }
                }
            };
            let Some(next) = next else { break };
            if last {
                return self.coerced(next, ty).value;
            }
            parts = next.parts;
        }
        let read = self.part_of(&value.value, "a field of an argument");
        self.read(ty, read)
    }

    /// What a call left for one of its further results.
    fn register(&mut self, at: usize, ty: &Ty) -> Typed {
        let under = self.under(ty);
        let Some(register) = self.registers.get(&(kind(under.ir()), at)) else {
            return self.opaque(ty, "a result");
        };
        let value = match under.int() {
            Some(int) => Expr::Wrap(int, Box::new(Expr::Var(*register))),
            None => Expr::Var(*register),
        };
        let value = self.temporary_of(value, ty);
        Typed::new(value, ty.clone())
    }

    fn temporary_of(&mut self, value: Expr, ty: &Ty) -> Expr {
        let var = self.variable("", ty);
        self.block.push(Stmt::Assign(var, value));
        Expr::Var(var)
    }

    /// Leaves a further result for the caller.
    pub(super) fn leave_result(&mut self, at: usize, value: Typed, ty: &Ty) {
        let value = self.coerced(value, ty).value;
        let kind = kind(self.under(ty).ir());
        if let Some(register) = self.registers.get(&(kind, at)) {
            self.block.push(Stmt::Assign(*register, value));
        }
    }

    /// A call that nothing is known of: it may write to every field, and give back anything.
    pub(super) fn unknown(
        &mut self,
        name: &str,
        arguments: Vec<Typed>,
        results: &[Ty],
        hint: Option<&Ty>,
    ) -> Vec<Typed> {
        let known = |it: &Typed| it.ty != Ty::Unknown || matches!(it.value, Expr::Var(_));
        let given = match may_refuse(name) {
            true => arguments.into_iter().filter(known).map(|it| it.value).collect(),
            false => Vec::new(),
        };
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: name.to_owned(),
            site,
            arguments: given,
            throws: Vec::new(),
            external: false,
            clobbers: true,
        });
        self.forget_places();
        let reason = format!("the result of {name}");
        if results.is_empty() {
            return match hint {
                Some(ty) if *ty != Ty::Unknown => vec![self.opaque(ty, &reason)],
                _ => vec![Typed::unknown()],
            };
        }
        results.iter().map(|ty| self.opaque(ty, &reason)).collect()
    }
}

/// What in a function's name says that it may not return for every argument. Others give back an
/// error where they refuse something.
const REFUSING: &[&str] = &[
    "must", "require", "assert", "ensure", "check", "valid", "verify", "fatal", "fail", "panic",
    "abort", "exit", "throw", "expect", "equal", "nil", "noerror", "skip", "empty", "true",
    "false", "len", "contains",
];

pub(super) fn may_refuse(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    REFUSING.iter().any(|word| name.contains(word))
}
