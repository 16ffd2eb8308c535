//! Values that no expression computes: each is a symbol, named so that a run can be told it.

use super::{
    Exec,
    state::{Origin, State, Value},
};
use crate::{
    ir::{Read, Site, Source, Type, Var},
    symbol::{Key, Kind, Part, Symbol},
    term::{Sort, Term},
};

impl Exec<'_> {
    pub(super) fn global_value(&mut self, index: usize, reason: &str) -> Value {
        let global = &self.program.globals[index];
        let read = Read { nullable: global.nullable, ..Read::opaque(reason) };
        let key = self.abstract_key();
        self.read(global.ty, key, Kind::Opaque, &read, reason)
    }

    pub(super) fn clobber(&mut self, state: &mut State) {
        for (index, global) in self.program.globals.iter().enumerate() {
            if global.constant.is_none() {
                let value = self.global_value(index, "a field after an unknown call");
                state.set(Var::global(index), value);
            }
        }
    }

    pub(super) fn read(
        &mut self,
        ty: Type,
        key: Key,
        kind: Kind,
        read: &Read,
        about: &str,
    ) -> Value {
        let symbol = |part, sort, range: Option<(i128, i128)>| Symbol {
            key: Key {
                part: if key.part == Part::Abstract { Part::Abstract } else { part },
                ..key.clone()
            },
            sort,
            kind,
            low: range.map(|(low, _)| low),
            high: range.map(|(_, high)| high),
            about: about.to_owned(),
        };
        match ty {
            Type::Bool => Value::Bool(self.terms.symbol(symbol(Part::Value, Sort::Bool, None))),
            Type::Int(ty) => {
                let mut number = symbol(Part::Value, Sort::Int, read.range);
                if read.range.is_none() {
                    (number.low, number.high) = (ty.low(), ty.high());
                }
                Value::Int(self.terms.symbol(number))
            }
            Type::Float { single } => {
                let term = self.terms.symbol(symbol(Part::Value, Sort::Float, None));
                if single {
                    self.single.insert(term);
                }
                Value::Float(term)
            }
            Type::Ref => {
                let null = match read.nullable {
                    true => {
                        let mut null = symbol(Part::Null, Sort::Bool, None);
                        if kind == Kind::Opaque {
                            null.kind = Kind::Assumed;
                        }
                        self.terms.symbol(null)
                    }
                    false => self.terms.bool(false),
                };
                // A second abstract symbol needs a key of its own.
                let length_key =
                    if key.part == Part::Abstract { self.abstract_key() } else { key.clone() };
                let mut length = symbol(
                    Part::Length,
                    Sort::Int,
                    Some((i128::from(read.length_min), self.program.length_bits.length_max())),
                );
                if key.part == Part::Abstract {
                    length.key = length_key;
                }
                let origin = match kind {
                    Kind::External => Origin::External,
                    Kind::Parameter => Origin::Parameter,
                    Kind::Assumed | Kind::Raises | Kind::Opaque => Origin::Opaque,
                };
                Value::Ref { null, length: self.terms.symbol(length), origin }
            }
        }
    }

    pub(super) fn abstract_key(&mut self) -> Key {
        self.abstracted += 1;
        Key { context: Vec::new(), site: self.abstracted, part: Part::Abstract }
    }

    pub(crate) fn fresh(
        &mut self,
        sort: Sort,
        kind: Kind,
        about: &str,
        range: Option<(i128, i128)>,
    ) -> Term {
        let key = self.abstract_key();
        let (low, high) = (range.map(|range| range.0), range.map(|range| range.1));
        self.terms.symbol(Symbol { key, sort, kind, low, high, about: about.to_owned() })
    }

    pub(super) fn never_set(&mut self, var: Var) -> Value {
        let function = self.calls.last().copied().unwrap_or_default();
        let ty = self.program.functions[function]
            .variables
            .get(var.0 as usize)
            .map_or(Type::Ref, |variable| variable.ty);
        let key = self.abstract_key();
        let reason = "a variable that was not set";
        self.read(ty, key, Kind::Opaque, &Read::opaque(reason), reason)
    }

    pub(super) fn ty(&self, var: Var) -> Type {
        if let Some(global) = var.as_global() {
            return self.program.globals[global].ty;
        }
        let function = self.calls.last().copied().unwrap_or_default();
        self.program.functions[function].variables[var.0 as usize].ty
    }

    pub(super) fn read_into(&mut self, state: &mut State, var: Var, site: Site, read: &Read) {
        let (kind, about) = match &read.source {
            Source::External => (Kind::External, "input".to_owned()),
            Source::Opaque(reason) => (Kind::Opaque, reason.clone()),
            Source::Within(of) => match state.get(*of) {
                Some(Value::Ref { origin: Origin::External, .. }) => {
                    (Kind::External, "input".to_owned())
                }
                Some(Value::Ref { origin: Origin::Parameter, .. }) => {
                    (Kind::Parameter, "part of a parameter".to_owned())
                }
                _ => (Kind::Opaque, "the contents of an object".to_owned()),
            },
        };
        let key = Key { context: self.context.clone(), site, part: Part::Value };
        let value = self.read(self.ty(var), key, kind, read, &about);
        state.set(var, value);
    }
}
