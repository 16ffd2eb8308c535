//! Variables of a package: what they hold if nothing changes them.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::{
    constant::Evaluator,
    package::Package,
    types::{Names, Signed, Ty, basic},
};
use crate::{
    ir::{Expr, Global, Program, Type},
    syntax::{children, each, text},
};

/// Variables of a package that are followed although they change: each unknown call may change
/// all of them.
const CHANGING_MAX: usize = 24;

impl Package {
    pub(super) fn variables(
        &mut self,
        node: Node<'_>,
        source: &str,
        lengths: &HashMap<String, i128>,
        assigned: &HashSet<String>,
        program: &mut Program,
    ) {
        let names = Names { source, lengths, generic: &[] };
        let mut specs = Vec::new();
        each(node, &mut |inner| specs.extend((inner.kind() == "var_spec").then_some(inner)));
        for spec in specs {
            let declared = spec.child_by_field_name("type").map(|ty| Ty::of(ty, &names));
            let values = spec.child_by_field_name("value").map(children).unwrap_or_default();
            let mut cursor = spec.walk();
            let named: Vec<_> = spec
                .children_by_field_name("name", &mut cursor)
                .filter(|name| name.kind() == "identifier")
                .collect();
            for (at, name) in named.iter().enumerate() {
                let name = text(*name, source);
                let value = values.get(at).filter(|_| values.len() == named.len()).copied();
                let exported = name.starts_with(char::is_uppercase);
                let fixed = !exported && !assigned.contains(name);
                let global =
                    self.global(name, declared.as_ref(), value, values.is_empty(), fixed, &names);
                let Some((global, ty)) = global else { continue };
                let changing = program.globals.iter().filter(|own| own.constant.is_none()).count();
                if name == "_" || (global.constant.is_none() && changing >= CHANGING_MAX) {
                    continue;
                }
                self.globals.insert(name.to_owned(), (program.globals.len(), ty));
                program.globals.push(global);
            }
        }
    }

    fn global(
        &self,
        name: &str,
        declared: Option<&Ty>,
        value: Option<Node<'_>>,
        zero: bool,
        fixed: bool,
        names: &Names<'_>,
    ) -> Option<(Global, Ty)> {
        let evaluator = Evaluator { source: names.source, constants: &self.constants, iota: None };
        let constant = value.and_then(|value| evaluator.value(value));
        let made = value.and_then(|value| made(value, names));
        let ty = match (declared, &constant, &made) {
            (Some(ty), ..) => ty.clone(),
            (None, Some((_, Ty::ConstInt)), _) => super::types::INT,
            (None, Some((_, Ty::ConstFloat)), _) => Ty::Float { single: false },
            (None, Some((_, ty)), _) | (None, None, Some(ty)) => ty.clone(),
            (None, None, None) => return None,
        };
        let under = self.under(&ty);
        let first = match constant {
            Some((value, _)) => Some(value),
            None if zero => super::value::zero(&under),
            None => None,
        };
        let fits = |value: &Expr| {
            matches!(
                (value, under.ir()),
                (Expr::Int(_), Type::Int(_))
                    | (Expr::Bool(_), Type::Bool)
                    | (Expr::Float(_), Type::Float { .. })
                    | (Expr::New(_) | Expr::Null, Type::Ref)
            )
        };
        let global = Global {
            name: name.to_owned(),
            ty: under.ir(),
            constant: first.filter(|value| fixed && fits(value)),
            assumed: true,
            nullable: under.is_nilable() && !(fixed && made.is_some()),
        };
        Some((global, ty))
    }
}

/// The type of an expression that makes something which is not nil.
fn made(value: Node<'_>, names: &Names<'_>) -> Option<Ty> {
    match value.kind() {
        "composite_literal" => {
            Some(value.child_by_field_name("type").map_or(Ty::Unknown, |ty| Ty::of(ty, names)))
        }
        "unary_expression" if text(value, names.source).starts_with('&') => {
            let operand = value.child_by_field_name("operand")?;
            Some(Ty::Ptr(Box::new(made(operand, names)?)))
        }
        "func_literal" => Some(Ty::Func(Signed::default())),
        "call_expression" => {
            let name = text(value.child_by_field_name("function")?, names.source);
            let first = value.child_by_field_name("arguments").and_then(|list| list.named_child(0));
            match name {
                "errors.New" | "fmt.Errorf" => Some(Ty::Error),
                "make" => Some(Ty::of(first?, names)),
                "new" => Some(Ty::Ptr(Box::new(Ty::of(first?, names)))),
                _ => basic(name).filter(|ty| !ty.is_nilable()),
            }
        }
        _ => None,
    }
}
