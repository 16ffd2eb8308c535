//! How values of Rust are written in a test.

use super::{
    Signature,
    items::{Body, Items},
    types::{Kind, Ty},
};
use crate::ir::{Piece, Var};

/// Whether a test that includes the file can call the function by its name.
pub(super) fn callable(items: &Items<'_>, body: &Body<'_>, signature: &Signature<'_>) -> bool {
    let is_own = body.own.as_deref().is_none_or(|own| items.is_type("", own));
    body.module.is_empty()
        && is_own
        && body.generics.is_empty()
        && signature.is_plain
        && items.function("", "main").is_none()
}

/// The parts of a value's text; none if it cannot be written.
pub(super) fn pieces(ty: &Ty, vars: &[Var]) -> Option<Vec<Piece>> {
    let mut vars = vars.iter().copied();
    of(ty, &mut vars)
}

fn words(text: impl Into<String>) -> Piece {
    Piece::Text(text.into())
}

fn of(ty: &Ty, vars: &mut impl Iterator<Item = Var>) -> Option<Vec<Piece>> {
    Some(match ty {
        Ty::Unknown | Ty::Never | Ty::IntVar(_) => return None,
        Ty::Bool => vec![Piece::Bool(vars.next()?)],
        // Its type is that of the parameter.
        Ty::Int(_) => vec![Piece::Int(vars.next()?)],
        Ty::Char => vec![Piece::Char(vars.next()?)],
        Ty::Float { single } => {
            let name = if *single { "f32" } else { "f64" };
            vec![Piece::Float(vars.next()?, name)]
        }
        Ty::Text { owned: true } => {
            vec![words("\"a\".repeat("), Piece::Length(vars.next()?), words(")")]
        }
        Ty::Sequence(element, Kind::Vec) => {
            let element = nothing(element)?;
            vec![words(format!("vec![{element}; ")), Piece::Length(vars.next()?), words("]")]
        }
        Ty::Sequence(element, Kind::Array(length)) => {
            vec![words(format!("[{}; {length}]", nothing(element)?))]
        }
        // Only behind a reference.
        Ty::Text { owned: false } | Ty::Sequence(_, Kind::Slice) => return None,
        Ty::Ref { mutable, to } => {
            let sign = if *mutable { "&mut " } else { "&" };
            let inner = if let Ty::Text { .. } = &**to {
                of(&Ty::Text { owned: true }, vars)?
            } else if let Ty::Sequence(element, Kind::Slice) = &**to {
                of(&Ty::Sequence(element.clone(), Kind::Vec), vars)?
            } else {
                of(to, vars)?
            };
            std::iter::once(words(sign)).chain(inner).collect()
        }
        Ty::Option(inner) => {
            let there = vars.next()?;
            let inner = of(inner, vars)?;
            let some = [vec![words("Some(")], inner, vec![words(")")]].concat();
            vec![Piece::Choice(there, some, vec![words("None")])]
        }
        Ty::Result(value, error) => {
            let fine = vars.next()?;
            let value = [vec![words("Ok(")], of(value, vars)?, vec![words(")")]].concat();
            let error = [vec![words("Err(")], of(error, vars)?, vec![words(")")]].concat();
            vec![Piece::Choice(fine, value, error)]
        }
        Ty::Tuple(parts) => {
            let mut all = vec![words("(")];
            for part in parts {
                all.extend(of(part, vars)?);
                all.push(words(","));
            }
            all.push(words(")"));
            all
        }
        Ty::Struct(own) => fields(&own.name, &own.fields, vars)?,
        Ty::Enum(own) => {
            let tag = vars.next()?;
            let mut each = Vec::new();
            for variant in &own.variants {
                let name = format!("{}::{}", own.name, variant.name);
                each.push(fields(&name, &variant.fields, vars)?);
            }
            vec![Piece::OneOf(tag, each)]
        }
    })
}

/// `Name { a: …, 0: … }`, which tuples and units take as well.
fn fields(
    name: &str,
    fields: &[(String, Ty)],
    vars: &mut impl Iterator<Item = Var>,
) -> Option<Vec<Piece>> {
    let mut all = vec![words(format!("{name} {{ "))];
    for (name, ty) in fields {
        all.push(words(format!("{name}: ")));
        all.extend(of(ty, vars)?);
        all.push(words(", "));
    }
    all.push(words("}"));
    Some(all)
}

/// A value that means nothing, for elements that nobody asks of.
fn nothing(ty: &Ty) -> Option<String> {
    Some(match ty {
        Ty::Bool => "false".to_owned(),
        Ty::Int(_) => "0".to_owned(),
        Ty::Char => "'a'".to_owned(),
        Ty::Float { single } => format!("0.0_{}", if *single { "f32" } else { "f64" }),
        Ty::Text { owned: true } => "String::new()".to_owned(),
        Ty::Option(_) => "None".to_owned(),
        Ty::Sequence(_, Kind::Vec) => "Vec::new()".to_owned(),
        Ty::Ref { mutable: false, to } if **to == Ty::Text { owned: false } => "\"\"".to_owned(),
        Ty::Ref { mutable: false, to } => format!("&{}", nothing(to)?),
        Ty::Tuple(parts) => {
            let parts: Option<Vec<String>> = parts.iter().map(nothing).collect();
            format!("({},)", parts?.join(", "))
        }
        Ty::Unknown
        | Ty::Never
        | Ty::IntVar(_)
        | Ty::Text { owned: false }
        | Ty::Sequence(..)
        | Ty::Result(..)
        | Ty::Struct(_)
        | Ty::Enum(_)
        | Ty::Ref { .. } => return None,
    })
}
