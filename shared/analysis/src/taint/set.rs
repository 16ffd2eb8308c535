//! The taint rules of one language, merged: what a name means to all of them at once.
//!
//! Each rule is one bit. Code is lowered and followed once for all bits, so the cost grows with
//! the code and not with the rules.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::AhoCorasick;
use domain::Language;
use regex::Regex;

use super::{
    name::Name,
    pattern::Patterns,
    refused::Refused,
    rule::{Inputs, Literal, ParameterSource, Port, Sink, SinkKind, Source, Spot, TaintRule},
};
use crate::RuleInfo;

/// Rules as bits.
pub(super) type Mask = u64;

/// Rules that are followed at a time; more are followed in further rounds.
pub(crate) const RULES_PER_SET_MAX: usize = Mask::BITS as usize;

/// What a source is worth when its rule does not say less.
const FULL: u16 = 1000;

pub(crate) struct TaintSet {
    pub(super) language: Language,
    pub(crate) rules: Vec<Compiled>,
    /// By the last part of the name.
    names: HashMap<String, Vec<(Name, Role)>>,
    pub(super) sources: Vec<SourceKind>,
    pub(super) sinks: Vec<CompiledSink>,
    pub(super) parameters: Vec<(ParameterSource, usize)>,
    pub(super) literals: Vec<(Literal, usize)>,
    /// Sources that are strings put together.
    pub(super) text_sources: Vec<(Regex, usize)>,
    /// Sinks that are strings put together.
    pub(super) texts: Vec<usize>,
    /// Sinks that are results of decorated functions.
    pub(super) returns: Vec<(Vec<String>, usize)>,
    pub(super) patterns: Patterns,
    pub(super) pattern_roles: Vec<Role>,
    pub(super) refused: Refused,
    words: AhoCorasick,
    /// For each word the rules that wait for it, as a source and as a sink.
    waiting: Vec<(Mask, Mask)>,
    /// Rules whose sources or sinks can be recognised by no word.
    wordless: (Mask, Mask),
}

pub(crate) struct Compiled {
    pub(crate) info: RuleInfo,
    pub(crate) supersedes: Vec<String>,
    pub(crate) replaces: Vec<String>,
    pub(crate) yields_to: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SourceKind {
    pub(super) mask: Mask,
    /// In thousandths, so that sources can be compared.
    pub(super) confidence: u16,
}

pub(super) struct CompiledSink {
    pub(super) rule: usize,
    pub(super) inputs: Inputs,
    pub(super) only_if: Option<Regex>,
    pub(super) unless: Option<Regex>,
    pub(super) unless_begins: Option<Regex>,
    pub(super) unless_before: Option<Regex>,
    pub(super) text: Option<Regex>,
}

/// What a name or pattern is to a rule. Sources and sinks by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Source(usize),
    Sink(usize),
    AssignSink(usize),
    Clean(Mask),
    Guard(Mask),
    Carry(Mask, Port, Port),
}

impl TaintSet {
    /// Merges at most [`RULES_PER_SET_MAX`] rules; those for other languages are passed over.
    pub(crate) fn new(rules: &[TaintRule], language: Language) -> Result<Self, String> {
        let mut builder = Builder::default();
        let own = rules.iter().filter(|rule| rule.info.languages.contains(&language));
        let own: Vec<_> = own.take(RULES_PER_SET_MAX).collect();
        for (index, rule) in own.iter().enumerate() {
            builder.rule(index, rule);
        }
        let compiled = |rule: &&TaintRule| Compiled {
            info: rule.info.clone(),
            supersedes: rule.supersedes.clone(),
            replaces: rule.replaces.clone(),
            yields_to: rule.yields_to.clone(),
        };
        let (texts, roles): (Vec<_>, Vec<_>) = builder.patterns.into_iter().unzip();
        let words: Vec<_> = builder.words.keys().cloned().collect();
        let mut names: HashMap<String, Vec<(Name, Role)>> = HashMap::new();
        for (name, role) in merged(builder.names) {
            let last = name.parts.last().cloned().unwrap_or_default();
            names.entry(last).or_default().push((name, role));
        }
        let rules: Vec<Compiled> = own.iter().map(compiled).collect();
        Ok(Self {
            language,
            refused: Refused::new(&rules),
            rules,
            names,
            sources: builder.sources,
            sinks: builder.sinks,
            parameters: builder.parameters,
            literals: builder.literals,
            text_sources: builder.text_sources,
            texts: builder.texts,
            returns: builder.returns,
            patterns: Patterns::new(language, &texts)?,
            pattern_roles: roles,
            words: AhoCorasick::new(&words).map_err(|error| error.to_string())?,
            waiting: builder.words.into_values().collect(),
            wordless: builder.wordless,
        })
    }

    /// Rules that both a source and a sink of which the text mentions.
    pub(super) fn active(&self, text: &str) -> Mask {
        let (mut sources, mut sinks) = self.wordless;
        let all = mask_of_first(self.rules.len());
        let bytes = text.as_bytes();
        let letter =
            |at: Option<&u8>| at.is_some_and(|at| at.is_ascii_alphanumeric() || *at == b'_');
        for found in self.words.find_overlapping_iter(text) {
            let (source, sink) = self.waiting[found.pattern().as_usize()];
            if sources | source == sources && sinks | sink == sinks {
                continue;
            }
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            if letter(before) || letter(bytes.get(found.end())) {
                continue;
            }
            sources |= source;
            sinks |= sink;
            if sources & sinks & all == all {
                break;
            }
        }
        sources & sinks & all
    }

    /// Whether it matters that strings are put together.
    pub(super) fn reads_texts(&self) -> bool {
        !self.texts.is_empty() || !self.text_sources.is_empty()
    }

    /// What the rules say of names that end in `last`.
    pub(super) fn named(&self, last: &str) -> &[(Name, Role)] {
        self.names.get(last).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn mask_of_first(count: usize) -> Mask {
    if count >= RULES_PER_SET_MAX { Mask::MAX } else { (1 << count) - 1 }
}

/// One entry for each name and kind of role, so that rules that share a list cost as one.
fn merged(names: Vec<(Name, Role)>) -> Vec<(Name, Role)> {
    let mut kept: Vec<(Name, Role)> = Vec::new();
    let mut seen: HashMap<(Name, &'static str, u8), usize> = HashMap::new();
    for (name, role) in names {
        let key = match role {
            Role::Clean(_) => Some(("clean", 0)),
            Role::Guard(_) => Some(("guard", 0)),
            Role::Source(_) | Role::Sink(_) | Role::AssignSink(_) | Role::Carry(..) => None,
        };
        let Some((kind, number)) = key else {
            kept.push((name, role));
            continue;
        };
        match seen.get(&(name.clone(), kind, number)) {
            Some(index) => match (&mut kept[*index].1, role) {
                (Role::Clean(all) | Role::Guard(all), Role::Clean(more) | Role::Guard(more)) => {
                    *all |= more;
                }
                _ => kept.push((name, role)),
            },
            None => {
                seen.insert((name.clone(), kind, number), kept.len());
                kept.push((name, role));
            }
        }
    }
    kept
}

#[derive(Default)]
struct Builder {
    names: Vec<(Name, Role)>,
    sources: Vec<SourceKind>,
    /// Sources by what they are, so that rules that share a list share its entries.
    known: HashMap<(Name, u16), usize>,
    sinks: Vec<CompiledSink>,
    parameters: Vec<(ParameterSource, usize)>,
    literals: Vec<(Literal, usize)>,
    text_sources: Vec<(Regex, usize)>,
    texts: Vec<usize>,
    returns: Vec<(Vec<String>, usize)>,
    patterns: Vec<(String, Role)>,
    words: BTreeMap<String, (Mask, Mask)>,
    wordless: (Mask, Mask),
}

impl Builder {
    fn rule(&mut self, index: usize, rule: &TaintRule) {
        let bit = 1 << index;
        for source in &rule.sources {
            self.source(bit, source);
        }
        for sink in &rule.sinks {
            self.sink(bit, index, sink);
        }
        for sanitizer in &rule.sanitizers {
            let role = if sanitizer.guard { Role::Guard(bit) } else { Role::Clean(bit) };
            match &sanitizer.spot {
                Spot::Names(names) => {
                    self.names.extend(names.iter().map(|name| (name.clone(), role)));
                }
                Spot::Pattern(text) => self.patterns.push((text.clone(), role)),
            }
        }
        for carry in &rule.propagators {
            let role = Role::Carry(bit, carry.from, carry.to);
            self.names.extend(carry.names.iter().map(|name| (name.clone(), role)));
        }
    }

    fn word(&mut self, word: &str, source: Mask, sink: Mask) {
        let entry = self.words.entry(word.to_owned()).or_default();
        entry.0 |= source;
        entry.1 |= sink;
    }

    fn new_source(&mut self, mask: Mask, confidence: u16) -> usize {
        self.sources.push(SourceKind { mask, confidence });
        self.sources.len() - 1
    }

    fn source(&mut self, bit: Mask, source: &Source) {
        match source {
            Source::At { spot: Spot::Names(names), confidence } => {
                let confidence = (confidence * f64::from(FULL)).round() as u16;
                for name in names {
                    self.word(name.keyword(), bit, 0);
                    if let Some(known) = self.known.get(&(name.clone(), confidence)) {
                        self.sources[*known].mask |= bit;
                        continue;
                    }
                    let index = self.new_source(bit, confidence);
                    self.known.insert((name.clone(), confidence), index);
                    self.names.push((name.clone(), Role::Source(index)));
                }
            }
            Source::At { spot: Spot::Pattern(text), confidence } => {
                let index = self.new_source(bit, (confidence * f64::from(FULL)).round() as u16);
                self.wordless.0 |= bit;
                self.patterns.push((text.clone(), Role::Source(index)));
            }
            Source::Parameter(wanted) => {
                let index = self.new_source(bit, FULL);
                let lists = [
                    &wanted.annotation,
                    &wanted.decorator,
                    &wanted.function,
                    &wanted.name,
                    &wanted.kind,
                ];
                match lists.iter().find(|list| !list.is_empty()) {
                    Some(list) => list.iter().for_each(|word| self.word(word, bit, 0)),
                    None => self.wordless.0 |= bit,
                }
                self.parameters.push((wanted.clone(), index));
            }
            Source::Text(regex) => {
                let index = self.new_source(bit, FULL);
                self.wordless.0 |= bit;
                self.text_sources.push((regex.clone(), index));
            }
            Source::Literal(literal) => {
                let index = self.new_source(bit, FULL);
                self.wordless.0 |= bit;
                self.literals.push((literal.clone(), index));
            }
        }
    }

    fn sink(&mut self, bit: Mask, rule: usize, sink: &Sink) {
        let index = self.sinks.len();
        let mut compiled = CompiledSink {
            rule,
            inputs: Inputs::default(),
            only_if: sink.only_if.clone(),
            unless: sink.unless.clone(),
            unless_begins: sink.unless_begins.clone(),
            unless_before: sink.unless_before.clone(),
            text: None,
        };
        match &sink.what {
            SinkKind::Call { spot, inputs } => {
                compiled.inputs = inputs.clone();
                match spot {
                    Spot::Names(names) => {
                        for name in names {
                            self.word(name.keyword(), 0, bit);
                            self.names.push((name.clone(), Role::Sink(index)));
                        }
                    }
                    Spot::Pattern(text) => {
                        self.wordless.1 |= bit;
                        self.patterns.push((text.clone(), Role::Sink(index)));
                    }
                }
            }
            SinkKind::Assign(names) => {
                for name in names {
                    self.word(name.keyword(), 0, bit);
                    self.names.push((name.clone(), Role::AssignSink(index)));
                }
            }
            SinkKind::Text(regex) => {
                self.wordless.1 |= bit;
                compiled.text = Some(regex.clone());
                self.texts.push(index);
            }
            SinkKind::Returns { decorator } => {
                decorator.iter().for_each(|word| self.word(word, 0, bit));
                self.returns.push((decorator.clone(), index));
            }
        }
        self.sinks.push(compiled);
    }
}
