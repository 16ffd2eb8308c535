//! YAML as JSON values, with the line of every field.

use std::{collections::HashMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Options, Spanned};

use super::problem::{Flaw, joined};

/// Deeper documents are nobody's rules; readers and matchers recurse.
pub(super) const DEPTH_MAX: usize = 48;

/// Scalars, lists and maps of one file, aliases counted as often as they are used.
const NODES_MAX: usize = 100_000;

/// Documents of one file, as ast-grep separates rules by `---`.
const DOCUMENTS_MAX: usize = 400;

/// The documents of a YAML text.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) values: Vec<Value>,
    pub(super) lines: Lines,
}

/// Where fields stand, by their path such as `[0].rules[2].pattern`.
#[derive(Debug, Default)]
pub(super) struct Lines(HashMap<String, u32>);

impl Lines {
    /// The line of a field, or of the nearest one around it.
    pub(super) fn of(&self, path: &str) -> Option<u32> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            path = &path[..path.rfind(['.', '['])?];
        }
    }
}

/// What is wrong, and the line when there is one.
pub(super) fn read(yaml: &str) -> Result<Document, (Flaw, Option<u32>)> {
    let documents: Vec<Marked> = serde_saphyr::from_multiple_with_options(yaml, options())
        .map_err(|error| {
            let line = error.location().and_then(|at| u32::try_from(at.line()).ok());
            let told = error.without_snippet().to_string();
            (Flaw::new("", format!("this is no YAML: {told}"), "mend it there"), line)
        })?;
    let mut lines = Lines::default();
    let values = documents
        .into_iter()
        .enumerate()
        .map(|(index, marked)| marked.into_value(format!("[{index}]"), &mut lines))
        .collect();
    Ok(Document { values, lines })
}

fn options() -> Options {
    let mut options = Options::default();
    options.strict_booleans = true;
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.with_snippet = false;
    if let Some(budget) = &mut options.budget {
        budget.max_depth = DEPTH_MAX;
        budget.max_nodes = NODES_MAX;
        budget.max_documents = DOCUMENTS_MAX;
    }
    options.alias_limits.max_total_replayed_events = NODES_MAX;
    options
}

/// A value and the line it begins in.
struct Marked {
    line: u32,
    shape: Shape,
}

enum Shape {
    Scalar(Value),
    List(Vec<Marked>),
    Fields(Vec<(String, Marked)>),
}

impl Marked {
    fn into_value(self, path: String, lines: &mut Lines) -> Value {
        let value = match self.shape {
            Shape::Scalar(value) => value,
            Shape::List(items) => {
                let item = |(index, item): (usize, Self)| {
                    item.into_value(format!("{path}[{index}]"), lines)
                };
                Value::Array(items.into_iter().enumerate().map(item).collect())
            }
            Shape::Fields(fields) => {
                let mut map = Map::new();
                for (name, field) in fields {
                    let field = field.into_value(joined(&path, &name), lines);
                    map.insert(name, field);
                }
                Value::Object(map)
            }
        };
        lines.0.insert(path, self.line);
        value
    }
}

impl<'de> Deserialize<'de> for Marked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Shape>::deserialize(deserializer)?;
        let line = u32::try_from(spanned.referenced.line()).unwrap_or(u32::MAX);
        Ok(Self { line, shape: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
        Ok(Shape::Scalar(Number::from_f64(value).map_or(Value::Null, Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Shape, E> {
        Ok(Shape::Scalar(value.into()))
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar(Value::Null))
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        Shape::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut fields = Vec::new();
        while let Some(entry) = access.next_entry()? {
            fields.push(entry);
        }
        Ok(Shape::Fields(fields))
    }
}
