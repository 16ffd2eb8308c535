//! What a rule may cost, judged before anything of it is compiled.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::{
    problem::{Flaw, joined},
    written::AstBody,
};

/// A compiled regular expression of up to so many bytes counts for so much.
const REGEX_CLASSES: [(usize, u64); 3] = [(128 << 10, 1), (512 << 10, 4), (1 << 20, 8)];

/// All regular expressions of a rule set together; one class of [`REGEX_CLASSES`] is 128 KiB.
pub(super) const SET_WEIGHT_MAX: u64 = 600;

/// Characters of one regular expression or pattern.
const TEXT_BYTES_MAX: usize = 4096;

/// Nested rule objects, lists included.
const DEPTH_MAX: usize = 32;

/// Rule objects that one rule stands for, once every `matches` is replaced by what it names.
const PARTS_MAX: u64 = 2000;

/// A regular expression and what it counts for.
#[derive(Debug, Clone)]
pub(super) struct Weighed {
    pub(super) regex: Regex,
    pub(super) weight: u64,
}

pub(super) fn regex(at: &str, text: &str, case_sensitive: bool) -> Result<Weighed, Flaw> {
    if text.is_empty() {
        return Err(Flaw::new(at, "it matches everything", "write what to look for"));
    }
    short(at, text)?;
    let mut refused = None;
    for (bytes, weight) in REGEX_CLASSES {
        let built = RegexBuilder::new(text)
            .case_insensitive(!case_sensitive)
            .size_limit(bytes)
            .dfa_size_limit(bytes)
            .build();
        match built {
            Ok(regex) => return Ok(Weighed { regex, weight }),
            Err(error @ regex::Error::CompiledTooBig(_)) => refused = Some(error),
            Err(error) => return Err(unreadable(at, &error)),
        }
    }
    let told = refused.map(|error| error.to_string()).unwrap_or_default();
    let remedy = "repeat less in it: `{1,1000}` is written out a thousand times, \
                  and `\\w` and `\\d` are large unless written `(?-u:\\w)` and `[0-9]`";
    Err(Flaw::new(at, format!("the regular expression is too large: {told}"), remedy))
}

fn unreadable(at: &str, error: &regex::Error) -> Flaw {
    // The last line says what is wrong; those before it draw a picture.
    let told = error.to_string();
    let told = told.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let remedy = "the syntax is that of Rust's regex crate: no look-around, no back-references; \
                  in YAML put it in single quotes";
    Flaw::new(at, format!("the regular expression cannot be read: {told}"), remedy)
}

fn short(at: &str, text: &str) -> Result<(), Flaw> {
    if text.len() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    let problem = format!("it has {} bytes, and {TEXT_BYTES_MAX} are allowed", text.len());
    Err(Flaw::new(at, problem, "make several rules of it"))
}

/// What an ast-grep rule weighs: its regular expressions, and the parts it stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) weight: u64,
    pub(super) parts: u64,
}

/// ast-grep compiles whatever it is given, and tries parts on a node without taking a step: both
/// must be bounded before it sees the rule.
pub(super) fn ast(body: &AstBody) -> Result<Cost, Flaw> {
    let mut cost = Cost::default();
    let fields = [("rule", Some(&body.rule)), ("constraints", body.constraints.as_ref())];
    let utils = ("utils", body.utils.as_ref());
    for (name, value) in fields.into_iter().chain([utils]) {
        if let Some(value) = value {
            look(value, name, 0, &["regex"], &mut cost.weight)?;
        }
    }
    if let Some(rewrite) = &body.rewrite {
        look(rewrite, "rewrite", 0, &["regex"], &mut cost.weight)?;
        if let Some(transform) = &body.transform {
            look(transform, "transform", 0, &["replace"], &mut cost.weight)?;
            spelled_out(transform)?;
        }
    }
    let mut named = Named { utils: HashMap::new(), known: HashMap::new() };
    if let Some(Value::Object(utils)) = &body.utils {
        named.utils.extend(utils.iter().map(|(name, rule)| (name.as_str(), rule)));
    }
    cost.parts = named.parts(&body.rule, 0)?;
    for value in [&body.constraints, &body.rewrite].into_iter().flatten() {
        cost.parts = cost.parts.saturating_add(named.parts(value, 0)?);
    }
    if cost.parts > PARTS_MAX {
        let problem = format!("with all that its `matches` name, it has over {PARTS_MAX} parts");
        return Err(Flaw::new("rule", problem, "make several rules of it"));
    }
    Ok(cost)
}

/// Replacements in one word hide their regular expression from being weighed.
fn spelled_out(transform: &Value) -> Result<(), Flaw> {
    let fields = transform.as_object().into_iter().flatten();
    for (name, field) in fields {
        if field.as_str().is_some_and(|text| text.trim_start().starts_with("replace")) {
            let remedy = "write it as `replace: { source: $A, replace: '…', by: '…' }`";
            return Err(Flaw::new(joined("transform", name), "it is written in one line", remedy));
        }
    }
    Ok(())
}

/// Weighs the texts of fields called by one of `expressions`, at any depth.
fn look(
    value: &Value,
    at: &str,
    depth: usize,
    expressions: &[&str],
    weight: &mut u64,
) -> Result<(), Flaw> {
    if depth > DEPTH_MAX {
        let problem = format!("it is nested more than {DEPTH_MAX} deep");
        return Err(Flaw::new(at, problem, "make it flatter, or give a part a name in `utils`"));
    }
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let at = joined(at, name);
                if let (Some(text), true) = (field.as_str(), expressions.contains(&name.as_str())) {
                    *weight += regex(&at, text, true)?.weight;
                }
                look(field, &at, depth + 1, expressions, weight)?;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                look(item, &format!("{at}[{index}]"), depth + 1, expressions, weight)?;
            }
        }
        Value::String(text) => short(at, text)?,
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// What the regular expressions of a taint rule weigh.
pub(super) fn semantic(body: &Map<String, Value>) -> Result<u64, Flaw> {
    let mut weight = 0;
    for (name, value) in body {
        look(value, name, 0, &["literal", "only_if", "unless", "text"], &mut weight)?;
    }
    Ok(weight)
}

/// Utilities, and how many parts each stands for.
struct Named<'a> {
    utils: HashMap<&'a str, &'a Value>,
    /// `None` while it is being counted.
    known: HashMap<&'a str, Option<u64>>,
}

impl<'a> Named<'a> {
    fn parts(&mut self, value: &'a Value, depth: usize) -> Result<u64, Flaw> {
        let mut parts = 0_u64;
        match value {
            Value::Object(fields) => {
                parts += 1;
                for (name, field) in fields {
                    let inner = match (name.as_str(), field.as_str()) {
                        ("matches", Some(util)) => self.util(util, depth)?,
                        _ => self.parts(field, depth)?,
                    };
                    parts = parts.saturating_add(inner);
                }
            }
            Value::Array(items) => {
                for item in items {
                    parts = parts.saturating_add(self.parts(item, depth)?);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(parts)
    }

    fn util(&mut self, name: &str, depth: usize) -> Result<u64, Flaw> {
        let at = format!("utils.{name}");
        let Some((name, rule)) = self.utils.get_key_value(name).map(|(name, rule)| (*name, *rule))
        else {
            let remedy = "define it in `utils`, or mend the name in `matches`";
            return Err(Flaw::new(at, "there is no such utility", remedy));
        };
        match self.known.get(name) {
            Some(Some(parts)) => return Ok(*parts),
            Some(None) => {
                let remedy = "break the circle: a utility cannot be part of itself";
                return Err(Flaw::new(at, "it names itself, directly or through others", remedy));
            }
            None if depth >= DEPTH_MAX => {
                let problem = format!("utilities name each other more than {DEPTH_MAX} deep");
                return Err(Flaw::new(at, problem, "write some of them out"));
            }
            None => {}
        }
        self.known.insert(name, None);
        let parts = self.parts(rule, depth + 1)?;
        self.known.insert(name, Some(parts));
        Ok(parts)
    }
}
