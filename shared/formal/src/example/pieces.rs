//! Values of several parts, put together as their language writes them.

use std::{collections::BTreeMap, fmt::Write};

use super::{Literal, length};
use crate::{
    ir::{Container, Piece, Size, Var},
    smt::Concrete,
    symbol::Part,
};

/// The largest code of a character.
const CHAR_MAX: u32 = 0x0010_FFFF;

/// Texts up to this length are written out, letter by letter.
const LETTERS_MAX: i128 = 12;

/// How a language writes a number of a type.
type Float = fn(f64, &str) -> String;

pub(super) fn literal(
    pieces: &[Piece],
    float: Float,
    of: &impl Fn(Var, Part) -> Option<Concrete>,
) -> Literal {
    Values { float, of }.all(pieces)
}

struct Values<'a, F> {
    float: Float,
    of: &'a F,
}

impl<F: Fn(Var, Part) -> Option<Concrete>> Values<'_, F> {
    fn all(&self, pieces: &[Piece]) -> Literal {
        pieces.iter().map(|piece| self.one(piece)).collect()
    }

    fn one(&self, piece: &Piece) -> Literal {
        Ok(match piece {
            Piece::Text(words) => words.clone(),
            Piece::Bool(var) => self.truth(*var, Part::Value).to_string(),
            Piece::Int(var) => self.number(*var).to_string(),
            Piece::Char(var) => {
                let code = u32::try_from(self.number(*var)).unwrap_or(CHAR_MAX).min(CHAR_MAX);
                let letter = char::from_u32(code).ok_or("no character")?;
                format!("'{}'", letter.escape_default())
            }
            Piece::Float(var, name) => {
                let value = match (self.of)(*var, Part::Value) {
                    Some(Concrete::Float(value)) => value,
                    _ => 0.0,
                };
                (self.float)(value, name)
            }
            Piece::Length(var) => self.length(*var)?.to_string(),
            Piece::Letters(var) => match self.length(*var)? {
                length @ 0..=LETTERS_MAX => {
                    (0..length).fold("\"".to_owned(), |all, _| all + "a") + "\""
                }
                length => format!("strings.Repeat(\"a\", {length})"),
            },
            Piece::Choice(var, yes, no) => {
                self.all(if self.truth(*var, Part::Value) { yes } else { no })?
            }
            Piece::OneOf(var, each) => {
                let index = usize::try_from(self.number(*var)).unwrap_or(usize::MAX);
                self.all(each.get(index).or(each.last()).ok_or("no value")?)?
            }
            Piece::Nil(var, nil, inner) => {
                let asked = (self.of)(*var, Part::Length).is_some() || self.matters(inner);
                let is_nil = match (self.of)(*var, Part::Null) {
                    Some(null) => null == Concrete::Bool(true),
                    None => !asked,
                };
                if is_nil { nil.clone() } else { self.all(inner)? }
            }
            Piece::List(each) => {
                let known = each.iter().filter(|one| self.matters(one));
                known.map(|one| self.all(one)).collect::<Result<Vec<_>, _>>()?.join(", ")
            }
            Piece::Container(own) => self.container(own)?,
            Piece::Unwritable(vars, words) => {
                let matters = vars.is_empty() || vars.iter().any(|var| self.is_asked(*var));
                return if matters { Err(words) } else { Ok(String::new()) };
            }
        })
    }

    fn number(&self, var: Var) -> i128 {
        match (self.of)(var, Part::Value) {
            Some(Concrete::Int(value)) => value,
            _ => 0,
        }
    }

    fn truth(&self, var: Var, part: Part) -> bool {
        (self.of)(var, part) == Some(Concrete::Bool(true))
    }

    fn length(&self, var: Var) -> Result<i128, &'static str> {
        length(|part| (self.of)(var, part))
    }

    fn is_asked(&self, var: Var) -> bool {
        [Part::Value, Part::Null, Part::Length].iter().any(|part| (self.of)(var, *part).is_some())
    }

    /// Whether the failure hangs on any part of a value.
    fn matters(&self, pieces: &[Piece]) -> bool {
        let mut variables = Vec::new();
        pieces.iter().for_each(|piece| piece.variables(&mut variables));
        variables.into_iter().any(|var| self.is_asked(var))
    }

    /// Go's way to make one: all at once, or with its elements one by one.
    fn container(&self, own: &Container) -> Literal {
        let Container { ty, size, capacity, elements } = own;
        let (empty, count) = match size {
            Size::Map => (format!("{ty}{{}}"), None),
            Size::Array(length) => (format!("{ty}{{}}"), Some(*length)),
            Size::Slice(var) => {
                let length = self.length(*var)?;
                let room = capacity.filter(|room| self.is_asked(*room));
                let made = match room.map(|room| self.number(room)) {
                    Some(room) if room > super::LENGTH_MAX => return Err("a very long sequence"),
                    Some(room) => format!("make({ty}, {length}, {room})"),
                    None => format!("make({ty}, {length})"),
                };
                (made, Some(length))
            }
        };
        let mut known = BTreeMap::new();
        for (key, value) in elements.iter().filter(|(_, value)| self.matters(value)) {
            let (key, value) = (self.all(key)?, self.all(value)?);
            let index = key.parse::<i128>().ok();
            // Where there is none it was asked for too late.
            if count.is_some_and(|count| index.is_none_or(|index| index < 0 || index >= count)) {
                continue;
            }
            let other = known.insert((index, key), value.clone());
            if other.is_some_and(|other| other != value) {
                return Err("an element that is two things at once");
            }
        }
        if known.is_empty() {
            return Ok(empty);
        }
        let mut text = format!("func() {ty} {{ made := {empty}; ");
        for ((_, key), value) in known {
            let _ = write!(text, "made[{key}] = {value}; ");
        }
        Ok(text + "return made }()")
    }
}
