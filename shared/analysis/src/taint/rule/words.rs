//! Small pieces of a rule: names, patterns, regular expressions.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{OneOrMany, Port};
use crate::taint::name::{Name, NameError};

/// A plain string: a name if it can be one, and a pattern if it cannot. A list: names.
pub(super) fn shorthand(entry: &Value) -> Option<(Option<OneOrMany>, Option<String>)> {
    if let Some(list) = entry.as_array() {
        let names = list.iter().map(|name| name.as_str().map(str::to_owned));
        return Some((Some(OneOrMany::Many(names.collect::<Option<_>>()?)), None));
    }
    let text = entry.as_str()?.to_owned();
    Some(match Name::parse(&text) {
        Ok(_) => (Some(OneOrMany::One(text)), None),
        Err(_) => (None, Some(text)),
    })
}

pub(super) fn object<T: for<'de> Deserialize<'de>>(entry: &Value) -> Result<T, String> {
    if !entry.is_object() {
        return Err(format!("{entry} is neither a name, a pattern nor an object"));
    }
    T::deserialize(entry).map_err(|error| error.to_string())
}

pub(super) fn names(given: OneOrMany) -> Result<Vec<Name>, String> {
    let parsed = given.all().iter().map(|text| Name::parse(text)).collect::<Result<Vec<_>, _>>();
    let names = parsed.map_err(|error: NameError| error.to_string())?;
    if names.is_empty() { Err("the list of names is empty".to_owned()) } else { Ok(names) }
}

pub(super) fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

pub(super) fn port(value: &Value) -> Result<Port, String> {
    match (value.as_u64(), value.as_str()) {
        (Some(index), _) => Ok(Port::Argument(usize::try_from(index).unwrap_or(usize::MAX))),
        (None, Some("arguments")) => Ok(Port::Arguments),
        (None, Some("receiver")) => Ok(Port::Receiver),
        (None, Some("result")) => Ok(Port::Result),
        _ => Err(format!("{value} is not an argument's number, arguments, receiver or result")),
    }
}
