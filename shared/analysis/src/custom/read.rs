//! From text to rules, with everything that is wrong about them at once.

use std::collections::HashMap;

use domain::RuleType;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    CustomRule, RULE_BYTES_MAX, RULE_FILE_BYTES_MAX, RULES_MAX,
    compile::Compiled,
    document::{self, Lines},
    foreign,
    problem::{Flaw, RuleProblem, RuleProblems, joined},
    written::{Body, Examples, Head},
};

const HEAD_FIELDS: [&str; 15] = [
    "id",
    "type",
    "title",
    "message",
    "description",
    "severity",
    "confidence",
    "category",
    "cwe",
    "owasp",
    "languages",
    "files",
    "exclude",
    "enabled",
    "fix",
];

const SEE: &str = "docs/custom-rules.md lists the fields";

/// Rules that were read from one text, each of which compiles.
#[derive(Debug, Default)]
pub struct RuleFile {
    pub rules: Vec<CustomRule>,
    /// What was left out of the rules because it has no effect here.
    pub notes: Vec<String>,
    /// Where each rule stands.
    places: Vec<String>,
    lines: Lines,
    documents: usize,
}

impl RuleFile {
    /// Takes a list of rules, one rule, an object with `rules`, or several of these separated by
    /// `---`; a rule may be written in our words or in those of ast-grep's files.
    pub fn read(yaml: &str) -> Result<Self, RuleProblems> {
        if yaml.len() > RULE_FILE_BYTES_MAX {
            let problem = format!("it has {} bytes, at most {RULE_FILE_BYTES_MAX}", yaml.len());
            let flaw = Flaw::new("", problem, "make several files of it");
            return Err(RuleProblems(vec![flaw.of_rule(None)]));
        }
        let document = document::read(yaml).map_err(|(flaw, line)| {
            RuleProblems(vec![RuleProblem { line, ..flaw.of_rule(None) }])
        })?;
        let documents = document.values.len();
        let file = Self { documents, lines: document.lines, ..Self::default() };
        let mut problems = Vec::new();
        let mut entries = Vec::new();
        for (index, value) in document.values.into_iter().enumerate() {
            match rules_in(value, format!("[{index}]")) {
                Ok(found) => entries.extend(found),
                Err((path, flaw)) => problems.push(file.placed(&path, None, flaw)),
            }
        }
        file.take(entries, problems)
    }

    /// One rule that came as JSON.
    pub fn of_value(rule: Value) -> Result<Self, RuleProblems> {
        Self { documents: 1, ..Self::default() }.take(vec![("[0]".into(), rule)], Vec::new())
    }

    fn take(
        mut self,
        entries: Vec<(String, Value)>,
        mut problems: Vec<RuleProblem>,
    ) -> Result<Self, RuleProblems> {
        if entries.is_empty() && problems.is_empty() {
            let remedy = "write at least one: docs/custom-rules.md has examples";
            problems.push(Flaw::new("", "there is no rule in it", remedy).of_rule(None));
        }
        if entries.len() > RULES_MAX {
            let problem = format!("there are {} rules, at most {RULES_MAX}", entries.len());
            let flaw = Flaw::new("", problem, "make several files of them");
            return Err(RuleProblems(vec![flaw.of_rule(None)]));
        }
        let mut known: HashMap<String, String> = HashMap::new();
        for (path, value) in entries {
            let id = value.get("id").and_then(Value::as_str).map(str::to_owned);
            match read_one(value) {
                Ok((rule, notes)) => {
                    if let Some(first) = known.insert(rule.head.id.clone(), path.clone()) {
                        let problem = format!("{} has the same id", self.shown(&first));
                        let flaw = Flaw::new("id", problem, "give each rule an id of its own");
                        problems.push(self.placed(&path, id.clone(), flaw));
                    }
                    self.notes.extend(notes);
                    self.rules.push(rule);
                    self.places.push(path);
                }
                Err(flaws) => {
                    let placed = |flaw| self.placed(&path, id.clone(), flaw);
                    problems.extend(flaws.into_iter().map(placed));
                }
            }
        }
        if problems.is_empty() { Ok(self) } else { Err(RuleProblems(problems)) }
    }

    /// Runs each rule over its own examples.
    pub fn try_examples(&self) -> Result<(), RuleProblems> {
        let mut problems = Vec::new();
        for (rule, path) in self.rules.iter().zip(&self.places) {
            let flaws = super::examples::flaws(rule);
            let placed = |flaw| self.placed(path, Some(rule.head.id.clone()), flaw);
            problems.extend(flaws.into_iter().map(placed));
        }
        if problems.is_empty() { Ok(()) } else { Err(RuleProblems(problems)) }
    }

    fn placed(&self, path: &str, rule: Option<String>, flaw: Flaw) -> RuleProblem {
        let path = joined(path, &flaw.at);
        RuleProblem { at: self.shown(&path), line: self.lines.of(&path), ..flaw.of_rule(rule) }
    }

    /// The number of the document is told only where there are several.
    fn shown(&self, path: &str) -> String {
        match self.documents {
            0 | 1 => path.strip_prefix("[0]").unwrap_or(path).trim_start_matches('.').to_owned(),
            _ => format!("documents{path}"),
        }
    }
}

/// The rules of one document, with their paths.
fn rules_in(value: Value, path: String) -> Result<Vec<(String, Value)>, (String, Flaw)> {
    let list = |items: Vec<Value>, path: &str| {
        let place = |(index, item)| (format!("{path}[{index}]"), item);
        items.into_iter().enumerate().map(place).collect()
    };
    match value {
        Value::Array(items) => Ok(list(items, &path)),
        Value::Object(mut fields) => match fields.remove("rules") {
            None => Ok(vec![(path, Value::Object(fields))]),
            Some(Value::Array(items)) => match fields.keys().next() {
                None => Ok(list(items, &format!("{path}.rules"))),
                Some(other) => {
                    let flaw =
                        Flaw::new(other.as_str(), "unknown field", "only `rules` may be here");
                    Err((path, flaw))
                }
            },
            Some(_) => {
                Err((path, Flaw::new("rules", "it is no list", "write `rules:` and a list")))
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err((path, Flaw::new("", "it is no rule", "write `rules:` and a list of rules")))
        }
    }
}

/// Whether some text has a NUL character, which no file of text and no database has.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => {
            fields.iter().any(|(name, field)| name.contains('\0') || has_nul(field))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn read_one(value: Value) -> Result<(CustomRule, Vec<String>), Vec<Flaw>> {
    let bytes = value.to_string().len();
    if bytes > RULE_BYTES_MAX {
        let problem = format!("it has {bytes} bytes, at most {RULE_BYTES_MAX}");
        return Err(vec![Flaw::new("", problem, "make several rules of it, or show less")]);
    }
    if has_nul(&value) {
        return Err(vec![Flaw::new("", "it has a NUL character", "take it out")]);
    }
    let Value::Object(fields) = value else {
        return Err(vec![Flaw::new("", "it is no rule", format!("write an object; {SEE}"))]);
    };
    let mut notes = Vec::new();
    let is_ast_grep = foreign::is_ast_grep(&fields);
    let fields = if is_ast_grep || foreign::is_semgrep_taint(&fields) {
        let read = match is_ast_grep {
            true => foreign::from_ast_grep(fields),
            false => foreign::from_semgrep_taint(fields),
        };
        let (fields, dropped) = read.map_err(|flaw| vec![flaw])?;
        let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
        notes.extend(
            dropped.into_iter().map(|name| format!("rule `{id}`: `{name}` has no effect here")),
        );
        fields
    } else {
        fields
    };
    let rule = typed_rule(fields).map_err(|flaw| vec![flaw])?;
    Compiled::new(&rule)?;
    Ok((rule, notes))
}

/// The fields that only rules of this type have.
fn body_fields(of: RuleType) -> &'static [&'static str] {
    match of {
        RuleType::Pattern => &["pattern", "unless", "case_sensitive"],
        RuleType::Ast => &["rule", "constraints", "utils", "transform", "rewrite"],
        RuleType::Semantic => &[
            "sources",
            "sinks",
            "sanitizers",
            "propagators",
            "sanitisers",
            "pattern-sources",
            "pattern-sinks",
            "pattern-sanitizers",
            "pattern-propagators",
        ],
        RuleType::Composite => &["scope", "all", "any", "not"],
    }
}

fn typed_rule(mut fields: Map<String, Value>) -> Result<CustomRule, Flaw> {
    let rule_type = type_of(&fields)?;
    let own = body_fields(rule_type);
    let mut body = Map::new();
    for name in own {
        body.extend(fields.remove(*name).map(|value| ((*name).to_owned(), value)));
    }
    let examples = fields.remove("examples");
    if let Some(name) = fields.keys().find(|name| !HEAD_FIELDS.contains(&name.as_str())) {
        return Err(unknown(name, rule_type));
    }
    let head: Head = typed(Value::Object(fields), "")?;
    let body = match rule_type {
        RuleType::Pattern => Body::Pattern(typed(Value::Object(body), "")?),
        RuleType::Ast => Body::Ast(typed(Value::Object(body), "")?),
        RuleType::Semantic => Body::Semantic(body),
        RuleType::Composite => Body::Composite(typed(Value::Object(body), "")?),
    };
    let examples: Examples = match examples {
        Some(examples) => typed(examples, "examples")?,
        None => Examples::default(),
    };
    Ok(CustomRule { head, body, examples })
}

fn type_of(fields: &Map<String, Value>) -> Result<RuleType, Flaw> {
    let remedy = "write `type: pattern`, `ast`, `semantic` or `composite`";
    let Some(written) = fields.get("type") else {
        return Err(Flaw::new("type", "it is missing", remedy));
    };
    let word = written.as_str().unwrap_or_default();
    word.parse().map_err(|_| Flaw::new("type", format!("there is no type {written}"), remedy))
}

fn unknown(name: &str, rule_type: RuleType) -> Flaw {
    let owner = RuleType::ALL.iter().find(|other| body_fields(**other).contains(&name));
    let remedy = match owner {
        Some(owner) => format!("it belongs to rules of type {owner}, and this one is {rule_type}"),
        None => {
            let own = body_fields(rule_type).join(", ");
            format!("beside {} and examples a {rule_type} rule has {own}", HEAD_FIELDS.join(", "))
        }
    };
    Flaw::new(name, "unknown field", remedy)
}

pub(super) fn typed<T: DeserializeOwned>(value: Value, at: &str) -> Result<T, Flaw> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { path.trim_end_matches(".?") };
        Flaw::new(joined(at, path), error.inner().to_string(), SEE)
    })
}
