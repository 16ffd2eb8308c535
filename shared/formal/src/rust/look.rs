//! Methods of slices, vectors and texts that only look, or leave the length as it is.

use tree_sitter::Node;

use super::{
    Lowering,
    sequence::made,
    types::{Kind, Ty, USIZE},
    value::Value,
};
use crate::ir::{Expr, IntType};

/// Another text, of whose length nothing is known.
const TRIMS: &[&str] = &[
    "trim",
    "trim_start",
    "trim_end",
    "trim_matches",
    "trim_start_matches",
    "trim_end_matches",
    "to_lowercase",
    "to_uppercase",
];

/// Yes or no.
const ANSWERS: &[&str] = &[
    "contains",
    "starts_with",
    "ends_with",
    "is_char_boundary",
    "is_ascii",
    "eq_ignore_ascii_case",
    "is_sorted",
];

/// Change the elements and nothing else.
const IN_PLACE: &[&str] = &[
    "sort",
    "sort_unstable",
    "reverse",
    "make_ascii_lowercase",
    "make_ascii_uppercase",
    "shrink_to_fit",
];

/// The same, by what they are given.
const IN_PLACE_BY: &[&str] =
    &["fill", "reserve", "sort_by", "sort_by_key", "sort_unstable_by", "sort_unstable_by_key"];

/// Methods that only look, or leave the length as it is.
const SAME_LENGTH: &[&str] = &[
    "iter",
    "iter_mut",
    "into_iter",
    "sort",
    "sort_unstable",
    "sort_by",
    "sort_by_key",
    "sort_unstable_by",
    "sort_unstable_by_key",
    "reverse",
    "fill",
    "contains",
    "chars",
    "bytes",
    "char_indices",
    "lines",
    "split",
    "rsplit",
    "split_whitespace",
    "windows",
    "chunks",
    "chunks_exact",
    "join",
    "concat",
    "to_lowercase",
    "to_uppercase",
    "parse",
    "find",
    "rfind",
    "starts_with",
    "ends_with",
    "is_ascii",
    "as_ptr",
    "splitn",
    "rsplitn",
    "split_once",
    "rsplit_once",
    "strip_prefix",
    "strip_suffix",
    "matches",
    "replace",
    "hash",
    "fmt",
    "reserve",
    "get_mut",
    "last_mut",
    "first_mut",
    "as_mut_slice",
    "eq_ignore_ascii_case",
    "rotate_left",
    "rotate_right",
    "select_nth_unstable",
    "to_ascii_lowercase",
    "to_ascii_uppercase",
    "make_ascii_lowercase",
    "make_ascii_uppercase",
    "shrink_to_fit",
];

impl<'a> Lowering<'a> {
    /// Methods that neither check anything nor change a length.
    pub(super) fn plain_method(
        &mut self,
        of: &Value,
        name: &str,
        given: &[Node<'a>],
    ) -> Option<Value> {
        let length = of.length()?;
        let is_text = matches!(of.ty.bare(), Ty::Text { .. });
        if given.is_empty()
            && let Some(copied) = self.copied(of, length.clone(), name)
        {
            return Some(copied);
        }
        match (name, given) {
            _ if is_text && TRIMS.contains(&name) => {
                self.looked_at(given);
                Some(self.element_once(of, &Ty::Text { owned: name.starts_with("to_") }))
            }
            _ if ANSWERS.contains(&name) => {
                self.looked_at(given);
                Some(self.opaque(&Ty::Bool, "the contents of a sequence"))
            }
            ("find" | "rfind", [_]) if is_text => {
                self.looked_at(given);
                let index = self.below(length, true);
                let known = self.opaque(&Ty::Bool, "whether a text is found").leaf();
                Some(Value { ty: Ty::option(Ty::Int(USIZE)), leaves: vec![known, index] })
            }
            ("capacity", []) => {
                let value = self.opaque(&Ty::Int(USIZE), "a capacity").leaf();
                Some(self.extreme(false, value, length, USIZE))
            }
            (_, []) if IN_PLACE.contains(&name) => Some(Value::unit()),
            (_, [_]) if IN_PLACE_BY.contains(&name) => {
                self.looked_at(given);
                Some(Value::unit())
            }
            _ if SAME_LENGTH.contains(&name) => {
                self.looked_at(given);
                Some(Value::unknown())
            }
            _ => None,
        }
    }

    /// Another view of the same elements, or a copy of them.
    pub(super) fn copied(&mut self, of: &Value, length: Expr, name: &str) -> Option<Value> {
        let known = [
            "as_str",
            "as_slice",
            "as_ref",
            "borrow",
            "to_vec",
            "to_owned",
            "clone",
            "into_string",
            "as_bytes",
            "into_bytes",
            "to_string",
            "into_boxed_str",
            "into_boxed_slice",
            "as_mut_slice",
            "as_mut_str",
            "as_deref",
        ];
        let is_text = matches!(of.ty.bare(), Ty::Text { .. });
        if !known.contains(&name) || (name == "to_string" && !is_text) {
            return None;
        }
        let same = |ty: Ty| Value { ty, leaves: vec![made(length)] };
        Some(match (of.ty.bare(), name) {
            (_, "as_bytes" | "into_bytes") => {
                let byte = Box::new(Ty::Int(IntType::unsigned(8)));
                self.with_origin(of, Ty::Sequence(byte, Kind::Slice))
            }
            (Ty::Text { .. }, _) => {
                let owned = ["to_", "into", "clone"].iter().any(|start| name.starts_with(start));
                self.with_origin(of, Ty::Text { owned })
            }
            (Ty::Sequence(element, _), "to_vec" | "to_owned") => {
                same(Ty::Sequence(element.clone(), Kind::Vec))
            }
            (Ty::Sequence(element, Kind::Array(_)), _) if name != "clone" => {
                same(Ty::Sequence(element.clone(), Kind::Slice))
            }
            _ => of.clone().bare(),
        })
    }

    /// The same length, and as known as it was.
    pub(super) fn with_origin(&mut self, of: &Value, ty: Ty) -> Value {
        match of.leaves.first() {
            Some(leaf) => Value { ty, leaves: vec![leaf.clone()] },
            None => {
                let length = of.length().unwrap_or(Expr::Int(0));
                Value { ty, leaves: vec![made(length)] }
            }
        }
    }

    pub(super) fn looked_at(&mut self, given: &[Node<'a>]) {
        for argument in given {
            let value = self.expr(*argument, None);
            self.escape(&value.ty);
        }
    }
}
