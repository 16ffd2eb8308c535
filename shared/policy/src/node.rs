//! YAML as a tree that knows where everything stands.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{
    Location, MessageFormatter, Spanned, UserMessageFormatter,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use crate::{
    limits::{DEPTH_MAX, NODES_MAX},
    problem::Problem,
};

/// Where something begins, and the bytes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) bytes: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    Null,
    Flag(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Fields(Vec<(Key, Node)>),
}

#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) place: Place,
}

impl Node {
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: DEPTH_MAX,
                max_nodes: NODES_MAX,
                max_events: NODES_MAX * 4,
                max_documents: 1,
            },
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: NODES_MAX,
            },
            duplicate_keys: DuplicateKeyPolicy::Error,
            merge_keys: MergeKeyPolicy::Error,
            strict_booleans: true,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let error = error.without_snippet();
            let place = error.location().map_or_else(Place::start, Place::of);
            let message = UserMessageFormatter.format_message(error).into_owned();
            Problem::new(place, message)
        })
    }

    /// Where a text has a zero character: databases keep none, and nobody means one.
    pub(crate) fn zero(&self) -> Option<&Place> {
        match &self.content {
            Content::Text(text) => text.contains('\0').then_some(&self.place),
            Content::List(items) => items.iter().find_map(Self::zero),
            Content::Fields(fields) => fields.iter().find_map(|(key, node)| {
                let own = key.name.contains('\0').then_some(&key.place);
                own.or_else(|| node.zero())
            }),
            Content::Null | Content::Flag(_) | Content::Integer(_) | Content::Number(_) => None,
        }
    }

    /// What it is, for a message that says what it is not.
    pub(crate) fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "nothing",
            Content::Flag(_) => "true or false",
            Content::Integer(_) | Content::Number(_) => "a number",
            Content::Text(_) => "text",
            Content::List(_) => "a list",
            Content::Fields(_) => "fields",
        }
    }

    /// Without the places.
    pub(crate) fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Flag(flag) => Value::Bool(*flag),
            Content::Integer(number) => Value::Number((*number).into()),
            Content::Number(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Fields(fields) => {
                let fields = fields.iter().map(|(key, node)| (key.name.clone(), node.to_json()));
                Value::Object(fields.collect::<Map<String, Value>>())
            }
        }
    }
}

impl Place {
    /// The beginning of the file.
    pub(crate) fn start() -> Self {
        Self { line: 1, column: 1, bytes: 0..0 }
    }

    fn of(location: Location) -> Self {
        if location == Location::UNKNOWN {
            return Self::start();
        }
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        let offset = |bytes: Option<u64>| bytes.and_then(|bytes| usize::try_from(bytes).ok());
        let start = offset(location.span().byte_offset()).unwrap_or_default();
        let length = offset(location.span().byte_len()).unwrap_or_default();
        Self {
            line: number(location.line()),
            column: number(location.column()),
            bytes: start..start.saturating_add(length),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = Spanned::<Content>::deserialize(from)?;
        Ok(Self { place: Place::of(found.referenced), content: found.value })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = Spanned::<String>::deserialize(from)?;
        Ok(Self { place: Place::of(found.referenced), name: found.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyContent)
    }
}

struct AnyContent;

impl<'de> Visitor<'de> for AnyContent {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Content, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Content, E> {
        Ok(Content::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(Content::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        // Beyond what any field takes, so how far beyond does not matter.
        Ok(i64::try_from(number).map_or(Content::Number(number as f64), Content::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Content, E> {
        Ok(Content::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            fields.push(entry);
        }
        Ok(Content::Fields(fields))
    }
}
