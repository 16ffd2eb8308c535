//! Artifacts: documents that runs leave behind, in versions, and what each stands on.
//!
//! A text cites with `[[n]](citation:n)`; the citation of that number says where to look. A text
//! whose marks and citations do not match is refused, so what is stored always resolves.

mod citation;
mod kind;

use std::{fmt, str::FromStr};

use serde_json::{Map, Value, json};

use crate::{Classify, ErrorKind};

pub use citation::{CITATIONS_MAX, Citation, CitationSource};
pub use kind::{ArtifactKind, Subject, UnknownArtifactKind};

/// As much of a key as is kept: it names a file when it is exported.
const KEY_CHARS_MAX: usize = 200;
/// A version as JSON; one answer of the API carries it, twice escaped, in less than six megabytes.
const CONTENT_BYTES_MAX: usize = 1024 * 1024;
/// What `format` says of content that is a text.
const MARKDOWN: &str = "markdown";

/// What tells the artifacts of one kind in a project apart, such as `run:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicalKey(String);

impl LogicalKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogicalKey {
    type Err = InvalidArtifact;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if length > KEY_CHARS_MAX || text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(InvalidArtifact::Key { length });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogicalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a version says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Markdown {
        text: String,
        /// Whatever else is kept beside the text.
        fields: Map<String, Value>,
    },
    Json(Value),
}

impl Content {
    pub fn markdown(text: impl Into<String>) -> Self {
        Self::Markdown { text: text.into(), fields: Map::new() }
    }

    /// `markdown` or `json`.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Markdown { .. } => MARKDOWN,
            Self::Json(_) => "json",
        }
    }

    /// As it is stored.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Markdown { text, fields } => {
                let mut fields = fields.clone();
                fields.insert("format".to_owned(), json!(MARKDOWN));
                fields.insert(MARKDOWN.to_owned(), json!(text));
                Value::Object(fields)
            }
            Self::Json(value) => value.clone(),
        }
    }

    /// Checks what is to be stored together: the content, and the citations it is bound to.
    pub fn check(&self, citations: &[Citation]) -> Result<(), InvalidArtifact> {
        let value = self.to_value();
        let bytes = value.to_string().len();
        if bytes > CONTENT_BYTES_MAX {
            return Err(InvalidArtifact::ContentTooLarge { bytes });
        }
        if holds_zero(&value) {
            return Err(InvalidArtifact::ZeroCharacter);
        }
        citation::check_all(citations)?;
        match self {
            Self::Markdown { text, .. } => citation::check_marks(text, citations, true),
            // A reference of JSON's own need not be a mark, but a mark must lead somewhere.
            Self::Json(value) => {
                strings(value).try_for_each(|text| citation::check_marks(text, citations, false))
            }
        }
    }
}

impl From<Value> for Content {
    fn from(mut value: Value) -> Self {
        if value["format"] == MARKDOWN
            && value[MARKDOWN].is_string()
            && let Some(fields) = value.as_object_mut()
            && let Some(Value::String(text)) = fields.remove(MARKDOWN)
        {
            fields.remove("format");
            return Self::Markdown { text, fields: std::mem::take(fields) };
        }
        Self::Json(value)
    }
}

/// Every string of a value, names of fields not included.
fn strings(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(items) => Box::new(items.iter().flat_map(strings)),
        Value::Object(fields) => Box::new(fields.values().flat_map(strings)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Box::new(std::iter::empty()),
    }
}

/// Postgres has no text with a zero character.
fn holds_zero(value: &Value) -> bool {
    let in_name = match value {
        Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || holds_zero(value))
        }
        Value::Array(items) => items.iter().any(holds_zero),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    in_name || strings(value).any(|text| text.contains('\0'))
}

/// Why a version is refused: what is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidArtifact {
    #[error(
        "the logical key has {length} characters; expected 1 to {KEY_CHARS_MAX}, and no control \
         characters"
    )]
    Key { length: usize },
    #[error(
        "the content has {bytes} bytes as JSON; at most {CONTENT_BYTES_MAX} are kept, so cut it \
         into several artifacts"
    )]
    ContentTooLarge { bytes: usize },
    #[error("the content holds a zero character, which cannot be stored; replace it")]
    ZeroCharacter,
    #[error("there are {count} citations; at most {CITATIONS_MAX} are bound to a version")]
    TooManyCitations { count: usize },
    #[error("a citation has the number {number}; expected 1 to {CITATIONS_MAX}")]
    Number { number: u32 },
    #[error("two citations have the number {number}")]
    NumberTwice { number: u32 },
    #[error("the text says `{mark}`; a citation is written [[n]](citation:n), with one number")]
    Mark { mark: String },
    #[error("the text cites [[{number}]], and there is no citation of that number")]
    NoCitation { number: u32 },
    #[error("citation {number} is nowhere in the text; write [[{number}]](citation:{number})")]
    NoMark { number: u32 },
    #[error("citation {number} cites `{reference}`; expected {expected}")]
    Reference { number: u32, reference: String, expected: &'static str },
    #[error("the payload of citation {number} is wrong; expected {expected}")]
    Payload { number: u32, expected: &'static str },
}

impl Classify for InvalidArtifact {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_short_line_of_text() {
        for key in ["run:1", "../../etc/passwd", "größe", &"x".repeat(KEY_CHARS_MAX)] {
            assert_eq!(key.parse::<LogicalKey>().unwrap().as_str(), key);
        }
        for key in ["", "  ", "a\nb", "a\0", &"x".repeat(KEY_CHARS_MAX + 1)] {
            assert!(key.parse::<LogicalKey>().is_err(), "{key:?}");
        }
    }

    #[test]
    fn content_is_read_back_as_it_was_written() {
        let fields = json!({ "title": "Report" }).as_object().unwrap().clone();
        let contents = [
            (Content::markdown("# Hello"), "markdown"),
            (Content::Markdown { text: String::new(), fields }, "markdown"),
            (Content::Json(json!({ "format": "markdown" })), "json"),
            (Content::Json(json!([1, "x", null])), "json"),
        ];
        for (content, format) in contents {
            assert_eq!(content.format(), format);
            assert_eq!(Content::from(content.to_value()), content);
        }
    }

    #[test]
    fn what_cannot_be_stored_is_refused() {
        let large = Content::markdown("x".repeat(CONTENT_BYTES_MAX));
        assert!(matches!(large.check(&[]), Err(InvalidArtifact::ContentTooLarge { .. })));
        for content in [
            Content::markdown("a\0b"),
            Content::Json(json!({ "a": ["\0"] })),
            Content::Json(json!({ "a\0": 1 })),
        ] {
            assert_eq!(content.check(&[]), Err(InvalidArtifact::ZeroCharacter));
        }
    }
}
