//! Which locals are of one type wherever they are set. A name is of a type if every value that is
//! ever put into it is, so the answer holds whichever way the function goes.

mod expression;

use expression::binary;
pub(super) use expression::is_bytes;

use std::collections::HashMap;

use tree_sitter::Node;

use super::{
    Lowering, children, each,
    scope::{Parameter, is_inner},
};
use crate::ir::{Expr, Tag};

/// What is known of the values of a name or expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing was seen yet.
    Nothing,
    One(Tag),
    Any,
}

impl Known {
    fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, known) | (known, Self::Nothing) => known,
            (one, two) if one == two => one,
            _ => Self::Any,
        }
    }

    pub(super) fn tag(self) -> Option<Tag> {
        if let Self::One(tag) = self { Some(tag) } else { None }
    }
}

#[derive(Debug, Default)]
pub(super) struct Types {
    names: HashMap<String, Known>,
    /// What the elements of a parameter are that is never set to something else.
    elements: HashMap<String, Tag>,
    /// The elements themselves, of a name that only ever is one list or tuple of numbers.
    displays: HashMap<String, Vec<Expr>>,
}

/// The longest list whose elements are remembered.
const DISPLAY_MAX: usize = 16;

/// How often the types are joined until they stay; each name can only change twice.
const ROUNDS_MAX: usize = 64;

impl Types {
    pub(super) fn of(node: Node<'_>, lowering: &Lowering<'_>, parameters: &[Parameter]) -> Self {
        let mut types = Self::default();
        for parameter in parameters {
            let known = parameter.ty.filter(|_| parameter.is_plain).map_or(Known::Any, Known::One);
            types.names.insert(parameter.name.clone(), known);
            types.elements.extend(parameter.element.map(|tag| (parameter.name.clone(), tag)));
        }
        let body = node.child_by_field_name("body").unwrap_or(node);
        let mut nodes = Vec::new();
        each(body, &mut |node| {
            let is_inner = is_inner(node.kind());
            nodes.push((node, is_inner));
            !is_inner
        });
        let settled = (0..ROUNDS_MAX).any(|_| {
            let before = types.names.clone();
            for (node, is_inner) in &nodes {
                match is_inner {
                    true => types.bind(node.child_by_field_name("name"), Known::Any, lowering),
                    false => types.visit(*node, lowering),
                }
            }
            types.names == before
        });
        if !settled {
            types.names.values_mut().for_each(|known| *known = Known::Any);
        }
        let mut mentions: HashMap<&str, Vec<Node<'_>>> = HashMap::new();
        each(body, &mut |node| {
            if node.kind() == "identifier" {
                mentions.entry(lowering.text(node)).or_default().push(node);
            }
            true
        });
        for name in &lowering.scope.locals {
            let of_name = mentions.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            let Some((tag, written)) = types.displayed(of_name, lowering) else { continue };
            types.elements.insert(name.clone(), tag);
            let is_given = parameters.iter().any(|parameter| parameter.name == *name);
            if let ([written], false) = (written.as_slice(), is_given)
                && let Some(parts) = numbers(*written, tag, lowering.source)
            {
                types.displays.insert(name.clone(), parts);
            }
        }
        types
    }

    /// What the elements of a local are that is only ever a list or tuple that is written out,
    /// read by index, measured, or gone through: then nobody puts anything else into it.
    fn displayed<'tree>(
        &self,
        mentions: &[Node<'tree>],
        lowering: &Lowering<'_>,
    ) -> Option<(Tag, Vec<Node<'tree>>)> {
        let mut written = Vec::new();
        let (mut known, mut sound) = (Known::Nothing, true);
        for node in mentions {
            let Some(parent) = node.parent() else { continue };
            let field = |field: &str| parent.child_by_field_name(field);
            let target = parent.parent().and_then(|outer| outer.child_by_field_name("left"));
            sound &= match parent.kind() {
                "assignment" if field("left") == Some(*node) => {
                    let value = field("right").filter(|it| matches!(it.kind(), "list" | "tuple"));
                    value.is_some_and(|value| {
                        written.push(value);
                        let parts = children(value).into_iter();
                        known = parts.fold(known, |all, part| all.join(self.expr(part, lowering)));
                        true
                    })
                }
                "subscript" => field("value") == Some(*node) && target != Some(parent),
                "for_statement" => field("right") == Some(*node),
                "argument_list" => parent.parent().is_some_and(|call| {
                    let function = call.child_by_field_name("function");
                    function.is_some_and(|it| lowering.text(it) == "len")
                        && lowering.is_builtin("len")
                }),
                _ => false,
            };
        }
        let tag = known.tag().filter(|tag| !matches!(tag, Tag::None | Tag::Object | Tag::List))?;
        sound.then_some((tag, written))
    }

    /// The one type of a local, if it has one.
    pub(super) fn of_name(&self, name: &str) -> Option<Tag> {
        self.names.get(name)?.tag().filter(|tag| !matches!(tag, Tag::None | Tag::Object))
    }

    /// What the elements of a list are, by the annotation of the parameter that it is.
    pub(super) fn element(&self, name: &str) -> Option<Tag> {
        self.elements.get(name).copied()
    }

    /// The elements of a list or tuple that never is another one.
    pub(super) fn display(&self, name: &str) -> &[Expr] {
        self.displays.get(name).map_or(&[], Vec::as_slice)
    }

    fn visit(&mut self, node: Node<'_>, lowering: &Lowering<'_>) {
        let left = node.child_by_field_name("left");
        let right = node.child_by_field_name("right");
        match node.kind() {
            "assignment" => {
                if let Some(right) = right {
                    self.assign(left, innermost(right), lowering);
                }
            }
            "augmented_assignment" => {
                let operator = node.child_by_field_name("operator");
                if let (Some(left), Some(right), Some(operator)) = (left, right, operator) {
                    let (one, two) = (self.expr(left, lowering), self.expr(right, lowering));
                    let operator = lowering.text(operator).trim_end_matches('=');
                    self.bind(Some(left), binary(operator, one, two), lowering);
                }
            }
            "for_statement" => self.loop_target(left, right, lowering),
            "for_in_clause" | "delete_statement" => {
                self.bind(left.or_else(|| node.named_child(0)), Known::Any, lowering);
            }
            "named_expression" => {
                let value = node.child_by_field_name("value");
                let known = value.map_or(Known::Any, |value| self.expr(value, lowering));
                self.bind(node.child_by_field_name("name"), known, lowering);
            }
            "as_pattern_target" => self.bind(node.named_child(0), Known::Any, lowering),
            "import_statement" | "import_from_statement" => {
                for name in super::scope::imported(node, lowering.source) {
                    self.names.insert(name, Known::Any);
                }
            }
            _ => {}
        }
    }

    fn assign(&mut self, left: Option<Node<'_>>, right: Node<'_>, lowering: &Lowering<'_>) {
        let Some(left) = left else { return };
        let is_list = |kind: &str| matches!(kind, "pattern_list" | "tuple_pattern");
        if is_list(left.kind()) && matches!(right.kind(), "expression_list" | "tuple") {
            let (targets, values) = (children(left), children(right));
            if targets.len() == values.len() {
                for (target, value) in targets.into_iter().zip(values) {
                    let known = self.expr(value, lowering);
                    self.bind(Some(target), known, lowering);
                }
                return;
            }
        }
        let known = self.expr(right, lowering);
        self.bind(Some(left), known, lowering);
    }

    fn loop_target(
        &mut self,
        left: Option<Node<'_>>,
        right: Option<Node<'_>>,
        lowering: &Lowering<'_>,
    ) {
        let (Some(left), Some(right)) = (left, right) else { return };
        let called = right.child_by_field_name("function").map(|it| lowering.text(it));
        match called.filter(|name| right.kind() == "call" && lowering.is_builtin(name)) {
            Some("range") => self.bind(Some(left), Known::One(Tag::Int), lowering),
            Some("enumerate") if left.kind() == "pattern_list" => {
                let mut targets = children(left).into_iter();
                self.bind(targets.next(), Known::One(Tag::Int), lowering);
                targets.for_each(|target| self.bind(Some(target), Known::Any, lowering));
            }
            _ => {
                let known = if self.expr(right, lowering) == Known::One(Tag::Str) {
                    Known::One(Tag::Str)
                } else {
                    self.element(lowering.text(right)).map_or(Known::Any, Known::One)
                };
                self.bind(Some(left), known, lowering);
            }
        }
    }

    fn bind(&mut self, target: Option<Node<'_>>, known: Known, lowering: &Lowering<'_>) {
        let Some(target) = target else { return };
        if target.kind() == "identifier" {
            let name = lowering.text(target);
            let before = self.names.get(name).copied().unwrap_or(Known::Nothing);
            self.names.insert(name.to_owned(), before.join(known));
            if lowering.scope.parameters.iter().any(|own| own.name == name) {
                self.elements.remove(name);
            }
            return;
        }
        let parts = matches!(
            target.kind(),
            "pattern_list" | "tuple_pattern" | "list_pattern" | "list_splat_pattern"
        );
        for part in if parts { children(target) } else { Vec::new() } {
            self.bind(Some(part), Known::Any, lowering);
        }
    }
}

/// Numbers that are written out, all of one type.
fn numbers(display: Node<'_>, of: Tag, source: &str) -> Option<Vec<Expr>> {
    let parts = children(display);
    if parts.len() > DISPLAY_MAX || !matches!(of, Tag::Bool | Tag::Int | Tag::Float) {
        return None;
    }
    let number = |part: Node<'_>| {
        let (tag, value) = super::expr::literal(part, source)?;
        (tag == of).then_some(value)
    };
    parts.into_iter().map(number).collect()
}

/// The last of `a = b = value`.
pub(super) fn innermost(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    while node.kind() == "assignment" {
        let Some(right) = node.child_by_field_name("right") else { break };
        node = right;
    }
    node
}
