//! How a taint rule is written down: where values come from, where they must not go, what makes
//! them harmless on the way, and what carries them along.
//!
//! Every list takes plain names (`os.system`, `*.execute`), ast-grep patterns, or objects that
//! say more. Whatever is wrong is refused here, with the place in the rule.

mod words;

use domain::Language;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::name::Name;
use crate::RuleInfo;
use words::{names, object, port, regex, shorthand};

/// Entries of one list; a longer one is a mistake, or meant to cost time.
const ENTRIES_MAX: usize = 400;

/// The part of a rule that is about taint, as it stands in the YAML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaintBody {
    #[serde(alias = "pattern-sources")]
    pub(crate) sources: Vec<Value>,
    #[serde(alias = "pattern-sinks")]
    pub(crate) sinks: Vec<Value>,
    #[serde(default, alias = "pattern-sanitizers", alias = "sanitisers")]
    pub(crate) sanitizers: Vec<Value>,
    #[serde(default, alias = "pattern-propagators")]
    pub(crate) propagators: Vec<Value>,
}

/// A rule that was found to make sense.
#[derive(Debug, Clone)]
pub(crate) struct TaintRule {
    pub(crate) info: RuleInfo,
    /// Other rules that say less about the same code.
    pub(crate) supersedes: Vec<String>,
    /// Rules that see less of the same: silent in files that this one has followed.
    pub(crate) replaces: Vec<String>,
    /// Rules that tell the same sink by its look alone, and keep telling it where they can.
    pub(crate) yields_to: Vec<String>,
    pub(super) sources: Vec<Source>,
    pub(super) sinks: Vec<Sink>,
    pub(super) sanitizers: Vec<Sanitizer>,
    pub(super) propagators: Vec<Propagator>,
}

/// Why a taint rule was refused: the rule, the entry, the reason.
#[derive(Debug, thiserror::Error)]
#[error("{rule}: {place}: {reason}")]
pub(crate) struct TaintError {
    rule: String,
    place: String,
    reason: String,
}

/// How a place in the code is recognised.
#[derive(Debug, Clone)]
pub(super) enum Spot {
    Names(Vec<Name>),
    Pattern(String),
}

#[derive(Debug, Clone)]
pub(super) enum Source {
    At {
        spot: Spot,
        confidence: f64,
    },
    /// A parameter of a function that strangers call.
    Parameter(ParameterSource),
    /// A literal that is dangerous in itself, such as a plain `http://` address.
    Literal(Literal),
    /// A string that is put together of more than what is written in the code, and whose fixed
    /// parts look like this.
    Text(Regex),
}

/// Which literals.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    pub(super) like: Regex,
    pub(super) unless: Option<Regex>,
}

/// Which parameters of which functions; a field that is missing admits every one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterSource {
    #[serde(default)]
    pub(super) name: Vec<String>,
    /// Last part of the function's name.
    #[serde(default)]
    pub(super) function: Vec<String>,
    /// Last part of a decorator's name, such as `route` in `@app.route("/")`.
    #[serde(default)]
    pub(super) decorator: Vec<String>,
    /// Annotation or decorator of the parameter itself, such as `RequestParam`.
    #[serde(default)]
    pub(super) annotation: Vec<String>,
    /// Its declared type, without package and type arguments.
    #[serde(default, rename = "type")]
    pub(super) kind: Vec<String>,
    /// From 0, not counting a receiver.
    pub(super) index: Option<usize>,
    /// Only of functions that code of other files can call.
    #[serde(default)]
    pub(super) visible: bool,
    #[serde(default)]
    pub(super) except: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Sink {
    pub(super) what: SinkKind,
    /// Regular expressions for the text of the whole sink.
    pub(super) only_if: Option<Regex>,
    pub(super) unless: Option<Regex>,
    /// For the fixed text that the value begins with.
    pub(super) unless_begins: Option<Regex>,
    /// Looked for in the function, up to the sink.
    pub(super) unless_before: Option<Regex>,
}

#[derive(Debug, Clone)]
pub(super) enum SinkKind {
    Call {
        spot: Spot,
        inputs: Inputs,
    },
    /// `element.innerHTML = value`.
    Assign(Vec<Name>),
    /// A string that is put together and whose fixed parts look like this.
    Text(Regex),
    /// What a function with such a decorator returns.
    Returns {
        decorator: Vec<String>,
    },
}

/// What of a call reaches the dangerous thing; none named means every argument.
#[derive(Debug, Clone, Default)]
pub(super) struct Inputs {
    pub(super) arguments: Vec<usize>,
    pub(super) keywords: Vec<String>,
    pub(super) receiver: bool,
    /// Variables of the pattern.
    pub(super) focus: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Sanitizer {
    pub(super) spot: Spot,
    /// A question rather than a conversion: where it is answered with yes, its arguments are
    /// harmless.
    pub(super) guard: bool,
}

/// A call that puts what it is given somewhere else than into its result.
#[derive(Debug, Clone)]
pub(super) struct Propagator {
    pub(super) names: Vec<Name>,
    pub(super) from: Port,
    pub(super) to: Port,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    Argument(usize),
    Arguments,
    Receiver,
    Result,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    name: Option<OneOrMany>,
    pattern: Option<String>,
    parameter: Option<ParameterSource>,
    literal: Option<String>,
    text: Option<String>,
    unless: Option<String>,
    confidence: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SinkEntry {
    name: Option<OneOrMany>,
    pattern: Option<String>,
    assign: Option<OneOrMany>,
    text: Option<String>,
    returns: Option<ReturnsEntry>,
    #[serde(default)]
    arguments: Vec<usize>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    receiver: bool,
    focus: Option<OneOrMany>,
    only_if: Option<String>,
    unless: Option<String>,
    unless_begins: Option<String>,
    unless_before: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReturnsEntry {
    decorator: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SanitizerEntry {
    name: Option<OneOrMany>,
    pattern: Option<String>,
    #[serde(default)]
    guard: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PropagatorEntry {
    name: OneOrMany,
    from: Value,
    to: Value,
}

impl TaintRule {
    /// Checks the body of a rule for each of its languages.
    pub(crate) fn new(
        info: RuleInfo,
        supersedes: Vec<String>,
        body: &TaintBody,
    ) -> Result<Self, TaintError> {
        let reader = Reader { rule: &info.id, languages: &info.languages };
        let sources = reader.list("sources", &body.sources, Reader::source)?;
        let sinks = reader.list("sinks", &body.sinks, Reader::sink)?;
        let sanitizers = reader.list("sanitizers", &body.sanitizers, Reader::sanitizer)?;
        let propagators = reader.list("propagators", &body.propagators, Reader::propagator)?;
        for (place, empty) in [("sources", sources.is_empty()), ("sinks", sinks.is_empty())] {
            if empty {
                return Err(reader.error(place, "is empty: such a rule could never find anything"));
            }
        }
        let (replaces, yields_to) = (Vec::new(), Vec::new());
        Ok(Self { info, supersedes, replaces, yields_to, sources, sinks, sanitizers, propagators })
    }
}

struct Reader<'a> {
    rule: &'a str,
    languages: &'a [Language],
}

impl Reader<'_> {
    fn error(&self, place: &str, reason: impl ToString) -> TaintError {
        let (rule, place) = (self.rule.to_owned(), place.to_owned());
        TaintError { rule, place, reason: reason.to_string() }
    }

    fn list<T>(
        &self,
        list: &str,
        entries: &[Value],
        read: impl Fn(&Self, &Value) -> Result<T, String>,
    ) -> Result<Vec<T>, TaintError> {
        if entries.len() > ENTRIES_MAX {
            return Err(self.error(list, format!("has more than {ENTRIES_MAX} entries")));
        }
        let numbered = entries.iter().enumerate();
        numbered
            .map(|(index, entry)| {
                let place = format!("{list}[{index}]");
                read(self, entry).map_err(|reason| self.error(&place, reason))
            })
            .collect()
    }

    fn source(&self, entry: &Value) -> Result<Source, String> {
        let entry: SourceEntry = match shorthand(entry) {
            Some(text) => {
                let (name, pattern) = text;
                SourceEntry { name, pattern, ..SourceEntry::default() }
            }
            None => object(entry)?,
        };
        let confidence = entry.confidence.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&confidence) {
            return Err(format!("confidence {confidence} is not between 0 and 1"));
        }
        match (entry.name, entry.pattern, entry.parameter, entry.literal, entry.text) {
            (None, None, Some(parameter), None, None) => Ok(Source::Parameter(parameter)),
            (None, None, None, Some(literal), None) => {
                let unless = entry.unless.as_deref().map(regex).transpose()?;
                Ok(Source::Literal(Literal { like: regex(&literal)?, unless }))
            }
            (None, None, None, None, Some(text)) => Ok(Source::Text(regex(&text)?)),
            (name, pattern, None, None, None) => {
                Ok(Source::At { spot: self.spot(name, pattern)?, confidence })
            }
            _ => Err("give one of name, pattern, parameter, literal and text".to_owned()),
        }
    }

    fn sink(&self, entry: &Value) -> Result<Sink, String> {
        let entry: SinkEntry = match shorthand(entry) {
            Some((name, pattern)) => SinkEntry { name, pattern, ..SinkEntry::default() },
            None => object(entry)?,
        };
        let only_if = entry.only_if.as_deref().map(regex).transpose()?;
        let unless = entry.unless.as_deref().map(regex).transpose()?;
        let unless_begins = entry.unless_begins.as_deref().map(regex).transpose()?;
        let unless_before = entry.unless_before.as_deref().map(regex).transpose()?;
        let inputs = Inputs {
            arguments: entry.arguments,
            keywords: entry.keywords,
            receiver: entry.receiver,
            focus: entry.focus.map(OneOrMany::all).unwrap_or_default(),
        };
        let what = match (entry.assign, entry.text, entry.returns) {
            (None, None, None) => {
                SinkKind::Call { spot: self.spot(entry.name, entry.pattern)?, inputs }
            }
            (Some(assign), None, None) => SinkKind::Assign(names(assign)?),
            (None, Some(text), None) => SinkKind::Text(regex(&text)?),
            (None, None, Some(returns)) => SinkKind::Returns { decorator: returns.decorator },
            _ => return Err("give one of name, pattern, assign, text and returns".to_owned()),
        };
        Ok(Sink { what, only_if, unless, unless_begins, unless_before })
    }

    fn sanitizer(&self, entry: &Value) -> Result<Sanitizer, String> {
        let entry: SanitizerEntry = match shorthand(entry) {
            Some((name, pattern)) => SanitizerEntry { name, pattern, guard: false },
            None => object(entry)?,
        };
        if entry.guard && entry.pattern.is_some() {
            return Err("a guard is given by name".to_owned());
        }
        Ok(Sanitizer { spot: self.spot(entry.name, entry.pattern)?, guard: entry.guard })
    }

    #[expect(clippy::unused_self, reason = "all four readers are called alike")]
    fn propagator(&self, entry: &Value) -> Result<Propagator, String> {
        let entry: PropagatorEntry = object(entry)?;
        let (from, to) = (port(&entry.from)?, port(&entry.to)?);
        if from == to {
            return Err("from and to are the same".to_owned());
        }
        Ok(Propagator { names: names(entry.name)?, from, to })
    }

    fn spot(&self, name: Option<OneOrMany>, pattern: Option<String>) -> Result<Spot, String> {
        match (name, pattern) {
            (Some(name), None) => Ok(Spot::Names(names(name)?)),
            (None, Some(pattern)) => {
                for language in self.languages {
                    super::pattern::check(*language, &pattern)?;
                }
                Ok(Spot::Pattern(pattern))
            }
            (Some(_), Some(_)) => Err("give a name or a pattern, not both".to_owned()),
            (None, None) => Err("names nothing: give a name or a pattern".to_owned()),
        }
    }
}
