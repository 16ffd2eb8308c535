//! Parameters: what callers may pass, by their declared types, and what they are until the body
//! begins.

use tree_sitter::Node;

use super::{Lowering, PARAMETERS_MAX, scope, types::Declared, value::Value};
use crate::{
    emit::Emit,
    ir::{Expr, Given, Kind, Kinds, Slots, Var},
    syntax::children,
};

/// A parameter as it is written.
struct Parameter<'tree> {
    pattern: Node<'tree>,
    declared: Declared,
    default: Option<Node<'tree>>,
    is_rest: bool,
}

impl Lowering<'_> {
    /// Declares the parameters, and gives them what callers may pass.
    pub(super) fn parameters(
        &mut self,
        node: Node<'_>,
    ) -> (Vec<Var>, Option<Vec<(String, Given)>>) {
        let written: Vec<Node<'_>> = match node.child_by_field_name("parameters") {
            Some(list) => children(list),
            None => node.child_by_field_name("parameter").into_iter().collect(),
        };
        if written.len() > PARAMETERS_MAX {
            self.failed = Some("it has too many parameters".to_owned());
            return (Vec::new(), None);
        }
        let parameters: Vec<Parameter<'_>> =
            written.into_iter().filter_map(|it| self.parameter(it)).collect();
        let (mut own, mut given) = (Vec::new(), Vec::new());
        let mut is_callable = !self.text(node).starts_with("async");
        let mut values = Vec::new();
        for parameter in &parameters {
            let name = match parameter.pattern.kind() {
                "identifier" => self.text(parameter.pattern),
                _ => "an object to take apart",
            };
            is_callable &= !parameter.is_rest;
            let kinds = parameter.declared.kinds;
            let slots = self.slots(name);
            own.extend(own_slots(slots, kinds));
            let value = Value::of_slots(slots, kinds);
            self.constrain(&value);
            given.push((name.to_owned(), Given::Kinds(slots, kinds)));
            values.push(value);
        }
        for (parameter, value) in parameters.iter().zip(values) {
            self.bind(parameter, value);
        }
        (own, is_callable.then_some(given))
    }

    fn parameter<'tree>(&self, node: Node<'tree>) -> Option<Parameter<'tree>> {
        let annotation = node.child_by_field_name("type").map(|ty| self.module.annotated(ty));
        let pattern = node.child_by_field_name("pattern").unwrap_or(node);
        if pattern.kind() == "this" {
            return None;
        }
        let is_optional = node.kind() == "optional_parameter";
        let mut declared = annotation.unwrap_or(Declared::ANY);
        let (pattern, default) = match pattern.kind() {
            "assignment_pattern" => {
                (pattern.child_by_field_name("left")?, pattern.child_by_field_name("right"))
            }
            _ => (pattern, node.child_by_field_name("value")),
        };
        if is_optional || default.is_some() {
            declared.kinds = declared.kinds.with(Kind::Undefined);
        }
        let is_rest = pattern.kind() == "rest_pattern";
        let pattern = if is_rest { pattern.named_child(0)? } else { pattern };
        if is_rest {
            declared.kinds = Kinds::of(Kind::Array);
        }
        Some(Parameter { pattern, declared, default, is_rest })
    }

    /// What each may be given; none if one of them takes several values.
    pub(super) fn kinds_of_parameters(&self, written: Vec<Node<'_>>) -> Option<Vec<Kinds>> {
        let parameters = written.into_iter().filter_map(|it| self.parameter(it));
        parameters.map(|it| (!it.is_rest).then_some(it.declared.kinds)).collect()
    }

    /// No run gives a tag that is none of the kinds, or a number that no double holds.
    fn constrain(&mut self, value: &Value) {
        if value.kinds.single().is_none() {
            let all = Kinds::ALL.iter().filter(|kind| !value.kinds.contains(*kind));
            let least = value.kinds.iter().next().map_or(0, Kind::number);
            let most = value.kinds.iter().last().map_or(0, Kind::number);
            self.assume(value.tag_within(least, most));
            for kind in all.filter(|kind| (least..most).contains(&kind.number())) {
                self.assume(value.has_tag(kind).not());
            }
        }
        if value.kinds.contains(Kind::Int) {
            let safe = Expr::InRange(super::value::SAFE, Box::new(value.as_int()));
            let is_int = value.is(Kind::Int);
            self.assume(super::truth::one_of(is_int.not(), safe));
        }
    }

    fn bind(&mut self, parameter: &Parameter<'_>, value: Value) {
        let mut names = Vec::new();
        scope::bound(parameter.pattern, self.source, &mut names);
        for (name, at) in names {
            self.declare(name, at);
        }
        let value = match parameter.default {
            Some(default) => {
                let missing = value.is(Kind::Undefined);
                let given = value.narrowed(Kinds::ALL.without(Kinds::of(Kind::Undefined)));
                self.either(missing, |own| own.expr(default), |_| given)
            }
            None => value,
        };
        if parameter.pattern.kind() != "identifier" {
            let missing = value.is_nullish();
            let at = crate::syntax::line(parameter.pattern);
            self.check(crate::ir::CheckKind::NullDereference, at, missing, "TypeError");
        }
        self.store(parameter.pattern, &value);
        if let ("identifier", Some(element)) =
            (parameter.pattern.kind(), parameter.declared.element)
            && let Some(local) = self.local_index(self.text(parameter.pattern))
        {
            self.locals[local].element = Some(element);
        }
    }
}

/// The variables of a value of these kinds.
pub(super) fn own_slots(slots: Slots, kinds: Kinds) -> Vec<Var> {
    Value::of_slots(slots, kinds)
        .parts()
        .into_iter()
        .filter_map(|part| if let Expr::Var(var) = part { Some(var) } else { None })
        .collect()
}
