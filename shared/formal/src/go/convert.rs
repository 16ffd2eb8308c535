//! Conversions: where a value may not fit the type that it is put into.

use tree_sitter::Node;

use super::{
    Lowering,
    types::{Ty, basic},
    value::Typed,
};
use crate::{
    ir::{CheckKind, Expr, IntType, Read},
    syntax::{children, line},
};

impl Lowering<'_> {
    /// The type that a call converts to, if it is a conversion.
    pub(super) fn conversion_type(&self, function: Node<'_>) -> Option<Ty> {
        match function.kind() {
            "identifier" => {
                let name = self.text(function);
                let generic = &self.package.signatures[&self.body.function].generic;
                if self.local(name).is_some() || generic.iter().any(|own| own == name) {
                    return None;
                }
                let own = self.package.types.contains_key(name);
                let own = own.then(|| Ty::Named(name.to_owned()));
                own.or_else(|| basic(name))
            }
            "parenthesized_expression" => {
                let inner = function.named_child(0)?;
                let operand = inner.child_by_field_name("operand")?;
                let ty = self.conversion_type(operand)?;
                (inner.kind() == "unary_expression").then(|| Ty::Ptr(Box::new(ty)))
            }
            "selector_expression" => {
                let name = self.text(function);
                let ty = self.under(&Ty::Named(name.to_owned()));
                let is_number = matches!(ty, Ty::Int { .. });
                is_number.then(|| Ty::Named(name.to_owned()))
            }
            _ => None,
        }
    }

    pub(super) fn type_conversion(&mut self, node: Node<'_>) -> Typed {
        let (Some(ty), Some(operand)) =
            (node.child_by_field_name("type"), node.child_by_field_name("operand"))
        else {
            return Typed::unknown();
        };
        let to = self.ty(ty);
        let value = self.expr(operand, Some(&to));
        self.converted(value, &to, ty)
    }

    pub(super) fn conversion(&mut self, node: Node<'_>, to: &Ty) -> Typed {
        let given = node.child_by_field_name("arguments").map(children).unwrap_or_default();
        let [operand] = given.as_slice() else { return Typed::unknown() };
        // Bits that are shifted or masked into a number are meant as bits.
        let value = self.expr(*operand, None);
        let Some(ty) = node.child_by_field_name("function") else { return Typed::unknown() };
        self.converted(value, to, ty)
    }

    /// `at` is the type as it is written there.
    fn converted(&mut self, value: Typed, to: &Ty, at: Node<'_>) -> Typed {
        let (from, wanted) = (self.under(&value.ty), self.under(to));
        match (&from, &wanted) {
            (Ty::Int { int: own, word: one }, Ty::Int { int, word: two }) => {
                let fits = own
                    .range()
                    .zip(int.range())
                    .is_some_and(|((least, most), (low, high))| low <= least && most <= high);
                if fits {
                    return Typed::new(value.value, to.clone());
                }
                let kept = self.keep(value);
                // Between the words of the machine nothing is cut off: handles and bit patterns
                // go back and forth.
                if !(*one && *two) {
                    self.narrow(*int, &kept.value, at);
                }
                Typed::new(Expr::Wrap(*int, Box::new(kept.value)), to.clone())
            }
            (Ty::ConstInt, Ty::Int { int, .. }) => {
                Typed::new(Expr::Wrap(*int, Box::new(value.value)), to.clone())
            }
            (Ty::Float { .. }, Ty::Int { .. }) => {
                self.opaque(to, "a conversion from floating point")
            }
            (Ty::Int { .. }, Ty::Float { single }) => {
                let float = Expr::IntToFloat(Box::new(value.value));
                let float = if *single { Expr::Single(Box::new(float)) } else { float };
                Typed::new(float, to.clone())
            }
            (Ty::Float { single: false }, Ty::Float { single: true }) => {
                Typed::new(Expr::Single(Box::new(value.value)), to.clone())
            }
            (Ty::Str, Ty::Slice(element)) => self.bytes(&value, element, to),
            (Ty::Slice(_), Ty::Str) => self.opaque(to, "the length of a string"),
            (Ty::Int { .. } | Ty::ConstInt, Ty::Str) => {
                let read = Read { length_min: 1, ..Read::opaque("the length of a string") };
                Typed::new(self.read(to, read), to.clone())
            }
            (Ty::Slice(_), Ty::Array(Some(_), _)) => self.opaque(to, "an array of a slice"),
            _ => self.coerced(value, to),
        }
    }

    /// A string as bytes has its length; as runes it has at most as many.
    fn bytes(&mut self, value: &Typed, element: &Ty, to: &Ty) -> Typed {
        let byte = matches!(self.under(element), Ty::Int { int, .. } if int.bits == Some(8));
        match self.length(value).filter(|_| byte) {
            Some(length) => Typed::new(Expr::New(Some(Box::new(length))), to.clone()),
            None => {
                let length = self.read(&super::types::INT, self.any_length());
                Typed::new(Expr::New(Some(Box::new(length))), to.clone())
            }
        }
    }

    pub(super) fn any_length(&self) -> Read {
        let most = crate::ir::LengthBits::Word.length_max();
        Read { range: Some((0, most)), ..Read::opaque("the length of a sequence") }
    }

    fn narrow(&mut self, to: IntType, value: &Expr, at: Node<'_>) {
        let violation = Expr::InRange(to, Box::new(value.clone())).not();
        self.conversions.push((line(at), at.byte_range()));
        self.check(CheckKind::NarrowingConversion, line(at), violation, false);
    }
}
