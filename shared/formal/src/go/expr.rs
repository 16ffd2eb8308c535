//! Expressions of Go.

use tree_sitter::Node;

use super::{
    DEPTH_MAX, Lowering,
    constant::Evaluator,
    library,
    types::{Signed, Ty},
    uses::chain,
    value::{Parts, Typed},
};
use crate::{
    emit::Emit,
    ir::{Expr, Read, Stmt},
    syntax::{children, each, line},
};

impl<'a> Lowering<'a> {
    /// Lowers an expression; `hint` is the type that the context wants, for what has none.
    pub(super) fn expr(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        self.depth += 1;
        let lowered = match self.depth > DEPTH_MAX {
            true => {
                self.failed = Some("it is nested too deeply".to_owned());
                Typed::unknown()
            }
            false => self.expr_inner(node, hint),
        };
        self.depth -= 1;
        lowered
    }

    fn expr_inner(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        match node.kind() {
            "parenthesized_expression" => match node.named_child(0) {
                Some(inner) => self.expr(inner, hint),
                None => Typed::unknown(),
            },
            "nil" => Typed::new(Expr::Null, Ty::Nil),
            "identifier" => self.name(node),
            "selector_expression" => self.selector(node),
            "index_expression" => self.element(node),
            "slice_expression" => self.sliced(node),
            "binary_expression" => self.binary(node, hint),
            "unary_expression" => self.unary(node, hint),
            "call_expression" => self.one_of(node, hint),
            "composite_literal" => self.composite(node, None),
            "literal_value" => self.composite(node, hint),
            "type_conversion_expression" => self.type_conversion(node),
            "type_assertion_expression" => self.assertion(node),
            "func_literal" => {
                let ty = Ty::Func(super::types::signed(node, &self.names()));
                Typed::new(Expr::New(None), ty)
            }
            "interpreted_string_literal" | "raw_string_literal" => self.string(node),
            _ => match self.constant(node) {
                Some(value) => value,
                None => self.not_modelled(node),
            },
        }
    }

    fn names(&self) -> super::types::Names<'_> {
        let generic = &self.package.signatures[&self.body.function].generic;
        super::types::Names { source: self.source, lengths: self.lengths, generic }
    }

    /// A call as one value.
    fn one_of(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        self.call(node, hint).into_iter().next().unwrap_or_else(Typed::unknown)
    }

    /// As many values as are wanted: those of a call, or of an operation that also says whether
    /// there was anything.
    pub(super) fn values(&mut self, nodes: &[Node<'_>], hints: &[Option<Ty>]) -> Vec<Typed> {
        let wanted = hints.len();
        let hint = |at: usize| hints.get(at).and_then(Option::as_ref);
        if let ([one], true) = (nodes, wanted > 1) {
            let mut values = match one.kind() {
                "call_expression" => self.call(*one, None),
                _ => self.with_ok(*one),
            };
            values.resize_with(wanted, Typed::unknown);
            return values;
        }
        let several = nodes.len() > 1;
        let mut values = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let value = self.expr(*node, hint(at));
            // One assignment may change what the other reads.
            values.push(match several {
                true => Typed { parts: Parts::Unknown, ..self.keep(value) },
                false => value,
            });
        }
        values
    }

    /// `v, ok := m[k]`, `x.(T)` or `<-c`: without `ok` the value is zero.
    fn with_ok(&mut self, node: Node<'_>) -> Vec<Typed> {
        if node.kind() == "parenthesized_expression"
            && let Some(inner) = node.named_child(0)
        {
            return self.with_ok(inner);
        }
        let Some(operand) = node.child_by_field_name("operand") else {
            return vec![self.not_modelled(node)];
        };
        let of = self.expr(operand, None);
        let of = self.named(of);
        let under = self.under(&of.ty);
        let ty = match node.kind() {
            "type_assertion_expression" => node.child_by_field_name("type").map(|ty| self.ty(ty)),
            "index_expression" => {
                if let Some(index) = node.child_by_field_name("index") {
                    self.expr(index, None);
                }
                under.map_value().cloned()
            }
            _ => under.channel_element().cloned(),
        };
        let ty = ty.unwrap_or(Ty::Unknown);
        let read = self.part_of(&of.value, "whether there is a value");
        let there = self.read(&Ty::Bool, read);
        let read = self.part_of(&of.value, "the contents of an object");
        let value = self.read(&ty, read);
        let Some(zero) = super::value::zero(&self.under(&ty)) else {
            return vec![Typed::new(value, ty), Typed::truth(there)];
        };
        let value = self.choose(there.clone(), value, zero, &ty);
        vec![Typed::new(value, ty), Typed::truth(there)]
    }

    /// Something that is not modelled: its result is anything, and so is what it may change.
    pub(super) fn not_modelled(&mut self, node: Node<'_>) -> Typed {
        if self.has_effects(node) {
            self.forget_places();
            self.block.push(Stmt::Clobber);
        }
        Typed::unknown()
    }

    pub(super) fn constant(&self, node: Node<'_>) -> Option<Typed> {
        // A local of that name is not the constant of the package.
        let mut hidden = false;
        each(node, &mut |inner| {
            hidden |= inner.kind() == "identifier" && self.local(self.text(inner)).is_some();
        });
        if hidden {
            return None;
        }
        let evaluator =
            Evaluator { source: self.source, constants: &self.package.constants, iota: None };
        let (value, ty) = evaluator.value(node)?;
        Some(Typed::new(value, ty))
    }

    fn string(&mut self, node: Node<'_>) -> Typed {
        match self.constant(node) {
            Some(value) => value,
            None => {
                let value = self.read(&Ty::Str, Read::opaque("the length of a string"));
                Typed::new(value, Ty::Str)
            }
        }
    }

    fn name(&mut self, node: Node<'_>) -> Typed {
        let name = self.text(node);
        if let Some(local) = self.local(name) {
            if local.shared {
                let reason = "a variable that a function literal or pointer may change";
                return self.opaque(&local.ty, reason);
            }
            let parts = Parts::Of(local.var, Vec::new());
            return Typed { value: Expr::Var(local.var), ty: local.ty, parts };
        }
        if let Some(constant) = self.constant(node) {
            return constant;
        }
        if let Some((global, ty)) = self.package.globals.get(name) {
            return Typed::new(Expr::Var(crate::ir::Var::global(*global)), ty.clone());
        }
        if let Some(function) = self.package.functions.get(name) {
            let results = &self.package.signatures[function].results;
            let results = results.iter().map(|(_, ty)| ty.clone()).collect();
            let ty = Ty::Func(Signed { parameters: None, results });
            return Typed::new(Expr::New(None), ty);
        }
        Typed::unknown()
    }

    /// Whether an expression names a package, not a value.
    pub(super) fn is_package(&self, node: Node<'_>) -> Option<&'a str> {
        let name = self.text(node);
        let is_name = node.kind() == "identifier"
            && self.local(name).is_none()
            && !self.package.globals.contains_key(name);
        (is_name && self.imports.contains_key(name)).then_some(name)
    }

    fn selector(&mut self, node: Node<'_>) -> Typed {
        let (Some(operand), Some(field)) =
            (node.child_by_field_name("operand"), node.child_by_field_name("field"))
        else {
            return Typed::unknown();
        };
        if self.is_package(operand).is_some() {
            if let Some(constant) = self.constant(node) {
                return constant;
            }
            return match library::variable(self.text(node)) {
                Some((ty, read)) => Typed::new(self.read(&ty, read), ty),
                None => Typed::unknown(),
            };
        }
        let object = self.expr(operand, None);
        self.field_of(object, self.text(field), line(node))
    }

    /// A field of an object that is not followed.
    fn field_of(&mut self, object: Typed, field: &str, at: u32) -> Typed {
        let under = self.under(&object.ty);
        let pointer = under.target().is_some();
        let target = under.target().map_or_else(|| under.clone(), |target| self.under(target));
        if let (Parts::Made(fields), false) = (&object.parts, pointer)
            && let Some((_, value)) = fields.iter().find(|(name, _)| name == field)
        {
            return value.clone();
        }
        let fields = target.fields().unwrap_or_default();
        let own = fields.iter().find(|own| own.name == field).cloned();
        let object = self.named(object);
        // What is not a field is a method, whose receiver may well be nil.
        let known = own.is_some() || target == Ty::Unknown;
        if pointer && known {
            self.dereference(&object.value, at);
        }
        if let Some(followed) = self.followed(&object.parts, field) {
            return followed;
        }
        let Some(own) = own else { return Typed::unknown() };
        let read = self.part_of(&object.value, "the field of an object");
        let value = self.read(&own.ty, read);
        Typed::new(value, own.ty)
    }

    /// A condition that decides where to go. Each comparison in it is asked whether it is
    /// constant, if it is about a local variable.
    pub(super) fn condition(&mut self, node: Node<'_>) -> Expr {
        if node.kind() == "parenthesized_expression"
            && let Some(inner) = node.named_child(0)
        {
            return self.condition(inner);
        }
        let operator = node.child_by_field_name("operator").map(|it| it.kind());
        let sides = (node.child_by_field_name("left"), node.child_by_field_name("right"));
        if let (Some(and @ ("&&" | "||")), (Some(left), Some(right))) = (operator, sides) {
            return self.short_circuit(left, right, and == "&&", true);
        }
        if let (Some("!"), Some(operand)) = (operator, node.child_by_field_name("operand")) {
            return self.condition(operand).not();
        }
        let value = self.boolean(node);
        if self.is_about_locals(node) {
            let site = self.site();
            let condition = value.clone();
            self.block.push(Stmt::Condition { site, line: line(node), condition });
        }
        value
    }

    pub(super) fn boolean(&mut self, node: Node<'_>) -> Expr {
        let value = self.expr(node, Some(&Ty::Bool));
        self.coerced(value, &Ty::Bool).value
    }

    /// Comparisons with `nil` of errors are left out: a function that never fails today may fail
    /// tomorrow.
    fn is_about_locals(&self, node: Node<'_>) -> bool {
        let (mut local, mut other) = (false, false);
        each(node, &mut |inner| match inner.kind() {
            "identifier" => match self.local(self.text(inner)) {
                Some(own) if own.ty == Ty::Error => other = true,
                Some(_) => local = true,
                None => {}
            },
            "call_expression" | "func_literal" => other = true,
            "selector_expression" => {
                let ends = chain(inner, self.source).and_then(|(root, path)| {
                    let local = self.local(&root)?;
                    self.package.at(&local.ty, &path)
                });
                other |= ends.is_none_or(|(ty, _)| ty == Ty::Error);
            }
            _ => {}
        });
        local && !other
    }

    /// Whether lowering it may change what was read before.
    pub(super) fn has_effects(&self, node: Node<'_>) -> bool {
        let mut effects = false;
        each(node, &mut |inner| {
            effects |= inner.kind() == "call_expression"
                || (inner.kind() == "unary_expression" && self.text(inner).starts_with("<-"));
        });
        effects
    }

    pub(super) fn all(&mut self, list: Option<Node<'_>>) -> Vec<Typed> {
        let nodes = list.map(children).unwrap_or_default();
        nodes.into_iter().map(|node| self.expr(node, None)).collect()
    }
}
