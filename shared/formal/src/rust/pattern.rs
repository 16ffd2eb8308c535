//! Patterns: whether a value fits, and what they name of it.

use std::rc::Rc;

use tree_sitter::Node;

use super::{
    Lowering, children,
    literal::{self, Folded},
    types::{Struct, Ty},
    value::{Value, conjunction, field, payload},
};
use crate::ir::{Cmp, Expr};

impl<'a> Lowering<'a> {
    /// The pattern itself; none of `_`.
    pub(super) fn inner(pattern: Node<'a>) -> Option<Node<'a>> {
        match pattern.kind() {
            "match_pattern" => {
                let first = pattern.child(0)?;
                first.is_named().then_some(first)
            }
            "_" | "remaining_field_pattern" => None,
            _ => Some(pattern),
        }
    }

    /// Whether the value fits; what cannot be told is unknown.
    pub(super) fn test(&mut self, pattern: Node<'a>, value: &Value) -> Expr {
        let Some(pattern) = Self::inner(pattern) else { return Expr::Bool(true) };
        let last = |node: Node<'a>| children(node).into_iter().last();
        match pattern.kind() {
            "mut_pattern" | "ref_pattern" | "reference_pattern" => {
                last(pattern).map_or(Expr::Bool(true), |it| self.test(it, value))
            }
            "captured_pattern" => {
                let inner = children(pattern).into_iter().nth(1);
                inner.map_or(Expr::Bool(true), |it| self.test(it, value))
            }
            "or_pattern" => self.test_any(pattern, value),
            "tuple_pattern" => self.test_places(pattern, value, None),
            "tuple_struct_pattern" => {
                let Some((fits, part)) = self.variant_of(pattern, value) else {
                    return self.untold();
                };
                conjunction(
                    fits,
                    self.test_places(pattern, &part, pattern.child_by_field_name("type")),
                )
            }
            "struct_pattern" => {
                let Some((fits, part)) = self.variant_of(pattern, value) else {
                    return self.untold();
                };
                let mut all = fits;
                for (own, inner) in named_fields(pattern) {
                    let Some(inner) = inner else { continue };
                    let name = self.text(own).to_owned();
                    let own = self.field_of(&part, &name).unwrap_or_else(Value::unknown);
                    all = conjunction(all, self.test(inner, &own));
                }
                all
            }
            "slice_pattern" => self.test_slice(pattern, value),
            "identifier" => match self.named_constant(pattern, value) {
                Some(fits) => fits,
                None => Expr::Bool(true),
            },
            "scoped_identifier" => self.test_path(pattern, value),
            "range_pattern" => self.test_range(pattern, value),
            "boolean_literal" if value.ty.bare() == &Ty::Bool => {
                if self.text(pattern) == "true" {
                    value.leaf()
                } else {
                    value.leaf().not()
                }
            }
            "string_literal" | "raw_string_literal" => {
                let same = self.untold();
                match (value.length(), literal::length(pattern, self.source)) {
                    (Some(own), Some(length)) => {
                        let fits = Expr::cmp(Cmp::Eq, own, Expr::Int(length));
                        if length == 0 { fits } else { fits.and(same) }
                    }
                    _ => same,
                }
            }
            "tuple_expression" | "unit_expression" => Expr::Bool(true),
            _ => match (self.constant_of(pattern, value), value.ty.bare()) {
                (Some(number), Ty::Int(_) | Ty::IntVar(_) | Ty::Char) => {
                    Expr::cmp(Cmp::Eq, value.leaf(), Expr::Int(number))
                }
                _ => self.untold(),
            },
        }
    }

    /// One of several patterns.
    fn test_any(&mut self, pattern: Node<'a>, value: &Value) -> Expr {
        let mut all = Expr::Bool(false);
        for part in children(pattern) {
            let one = self.test(part, value);
            all = match (&all, &one) {
                (Expr::Bool(false), _) | (_, Expr::Bool(true)) => one,
                _ => all.or(one),
            };
        }
        let mut cursor = pattern.walk();
        let wild = pattern.children(&mut cursor).any(|it| it.kind() == "_");
        if wild { Expr::Bool(true) } else { all }
    }

    fn untold(&mut self) -> Expr {
        self.opaque(&Ty::Bool, "whether a pattern fits").leaf()
    }

    /// The number that a pattern without names stands for.
    fn constant_of(&mut self, pattern: Node<'a>, value: &Value) -> Option<i128> {
        let own = self.body.own.as_deref();
        let at = (self.body.module.as_str(), own);
        let (text, hint) = (self.text(pattern), value.ty.bare().clone());
        if pattern.kind() == "negative_literal" {
            return literal::integer(text.strip_prefix('-')?.trim()).map(|(number, _)| -number);
        }
        if pattern.kind() == "integer_literal" {
            return literal::integer(text).map(|(number, _)| number);
        }
        if pattern.kind() == "identifier" && self.foreign.contains(text) {
            return None;
        }
        match literal::fold(pattern, self.items, at, Some(&hint), 0)?.0 {
            Folded::Int(number) => Some(number),
            Folded::Bool(_) => None,
        }
    }

    /// A name that stands for a value; none if it is a new one.
    fn named_constant(&mut self, pattern: Node<'a>, value: &Value) -> Option<Expr> {
        let name = self.text(pattern);
        if name == "None" && matches!(value.ty.bare(), Ty::Option(_)) {
            return Some(value.leaf().not());
        }
        if !name.starts_with(char::is_uppercase) {
            return None;
        }
        if let Ty::Enum(of) = value.ty.bare()
            && let Some(index) = of.variants.iter().position(|variant| variant.name == name)
        {
            return Some(tagged(value, index));
        }
        match (self.constant_of(pattern, value), value.ty.bare()) {
            (Some(number), Ty::Int(_) | Ty::Char) => {
                Some(Expr::cmp(Cmp::Eq, value.leaf(), Expr::Int(number)))
            }
            _ => Some(self.untold()),
        }
    }

    fn test_path(&mut self, pattern: Node<'a>, value: &Value) -> Expr {
        let name = pattern.child_by_field_name("name").map_or("", |it| self.text(it));
        let ty = value.ty.bare();
        if let Ty::Enum(of) = ty
            && let Some(index) = of.variants.iter().position(|variant| variant.name == name)
        {
            return tagged(value, index);
        }
        if matches!(ty, Ty::Option(_)) && name == "None" {
            return value.leaf().not();
        }
        match self.constant_of(pattern, value).filter(|_| ty.is_number()) {
            Some(number) => Expr::cmp(Cmp::Eq, value.leaf(), Expr::Int(number)),
            None => self.untold(),
        }
    }

    fn test_range(&mut self, pattern: Node<'a>, value: &Value) -> Expr {
        if !matches!(value.ty.bare(), Ty::Int(_) | Ty::IntVar(_) | Ty::Char) {
            return self.untold();
        }
        let text = self.text(pattern);
        let mut all = Expr::Bool(true);
        if let Some(left) = pattern.child_by_field_name("left") {
            let Some(low) = self.constant_of(left, value) else { return self.untold() };
            all = Expr::cmp(Cmp::Le, Expr::Int(low), value.leaf());
        }
        if let Some(right) = pattern.child_by_field_name("right") {
            let Some(high) = self.constant_of(right, value) else { return self.untold() };
            let cmp = if text.contains("..=") || text.contains("...") { Cmp::Le } else { Cmp::Lt };
            all = conjunction(all, Expr::cmp(cmp, value.leaf(), Expr::Int(high)));
        }
        all
    }

    /// Whether it is the variant, and what is in it.
    pub(super) fn variant_of(&mut self, pattern: Node<'a>, value: &Value) -> Option<(Expr, Value)> {
        let path = self.text(pattern.child_by_field_name("type")?);
        let name = path.rsplit("::").next().unwrap_or(path);
        let name = name.split('<').next().unwrap_or(name);
        let ty = value.ty.bare();
        if ty.is_perhaps() {
            let fits = if name == "Err" { value.leaf().not() } else { value.leaf() };
            let (ty, range) = payload(&value.ty, name)?;
            let part = value.part(ty, range);
            return Some((fits, Value { ty: Ty::Tuple(vec![part.ty]), leaves: part.leaves }));
        }
        if let Ty::Struct(_) = ty {
            return Some((Expr::Bool(true), value.clone()));
        }
        let Ty::Enum(of) = ty else { return None };
        let index = of.variants.iter().position(|variant| variant.name == name)?;
        let count = |of: &Struct| -> usize { of.fields.iter().map(|(_, ty)| ty.count()).sum() };
        let start = 1 + of.variants[..index].iter().map(count).sum::<usize>();
        let own = &of.variants[index];
        let range = start..start + count(own);
        let fields = Struct { name: own.name.clone(), fields: own.fields.clone() };
        let part = value.part(Ty::Struct(Rc::new(fields)), range);
        Some((tagged(value, index), part))
    }

    /// The patterns of a tuple with what each stands for; those behind `..` count from the end.
    pub(super) fn places(
        &mut self,
        pattern: Node<'a>,
        value: &Value,
        skip: Option<Node<'a>>,
    ) -> Vec<(Node<'a>, Value)> {
        let mut cursor = pattern.walk();
        let parts: Vec<Node<'a>> = pattern
            .children(&mut cursor)
            .filter(|it| Some(*it) != skip && (it.is_named() || it.kind() == "_"))
            .filter(|it| !it.is_extra())
            .collect();
        let total = value.ty.fields().len();
        let rest = parts.iter().position(|it| it.kind() == "remaining_field_pattern");
        let count = parts.len();
        let mut found = Vec::new();
        for (at, part) in parts.into_iter().enumerate() {
            if Some(at) == rest {
                continue;
            }
            let behind = rest.is_some_and(|rest| at > rest);
            let index = if behind { (total + at).checked_sub(count) } else { Some(at) };
            let own = index.and_then(|index| field(&value.ty, &index.to_string()));
            let own = own.map_or_else(Value::unknown, |(ty, range)| value.part(ty, range));
            found.push((part, own));
        }
        found
    }

    fn test_places(&mut self, pattern: Node<'a>, value: &Value, skip: Option<Node<'a>>) -> Expr {
        let mut all = Expr::Bool(true);
        for (part, own) in self.places(pattern, value, skip) {
            all = conjunction(all, self.test(part, &own));
        }
        all
    }

    fn test_slice(&mut self, pattern: Node<'a>, value: &Value) -> Expr {
        let Some(length) = value.length() else { return self.untold() };
        let (parts, open) = slice_parts(pattern);
        let count = Expr::Int(i128::try_from(parts.len()).unwrap_or(0) - i128::from(open));
        let mut fits = match open {
            true => Expr::cmp(Cmp::Le, count, length),
            false => Expr::cmp(Cmp::Eq, length, count),
        };
        let simple = |part: &Node<'a>| {
            matches!(
                part.kind(),
                "_" | "identifier" | "remaining_field_pattern" | "captured_pattern" | "mut_pattern"
            )
        };
        if !parts.iter().all(simple) {
            fits = fits.and(self.untold());
        }
        fits
    }
}

fn tagged(value: &Value, index: usize) -> Expr {
    Expr::cmp(Cmp::Eq, value.leaf(), Expr::Int(i128::try_from(index).unwrap_or(0)))
}

pub(super) fn is_rest(part: Node<'_>) -> bool {
    part.kind() == "remaining_field_pattern"
        || (part.kind() == "captured_pattern"
            && children(part).get(1).is_some_and(|it| it.kind() == "remaining_field_pattern"))
}

/// The parts of a slice's pattern, and whether one of them stands for any number of elements.
pub(super) fn slice_parts(pattern: Node<'_>) -> (Vec<Node<'_>>, bool) {
    let mut cursor = pattern.walk();
    let parts: Vec<Node<'_>> =
        pattern.children(&mut cursor).filter(|it| it.is_named() || it.kind() == "_").collect();
    let open = parts.iter().any(|part| is_rest(*part));
    (parts, open)
}

/// The fields that a pattern names, each with its own pattern if it has one.
pub(super) fn named_fields<'t>(pattern: Node<'t>) -> Vec<(Node<'t>, Option<Node<'t>>)> {
    let own = children(pattern).into_iter().filter(|it| it.kind() == "field_pattern");
    own.filter_map(|it| {
        let name = it.child_by_field_name("name")?;
        let inner = it.child_by_field_name("pattern");
        // `field: _` has no pattern that is named, and binds nothing.
        let ignored = inner.is_none() && name.kind() == "field_identifier";
        (!ignored).then_some((name, inner))
    })
    .collect()
}
