//! Rules made ready to run.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
};

use ast_grep_config::{DeserializeEnv, RuleCore, SerializableRuleCore};
use ast_grep_core::Matcher;
use domain::{Language, VerificationType, canonical_sha256};
use globset::GlobSet;
use serde_json::{Value, json};

use super::{
    CustomRule, RULES_MAX,
    condition::Composed,
    globs::globs,
    limits::{self, SET_WEIGHT_MAX, Weighed},
    mend::Mend,
    needed::Needed,
    problem::{Flaw, RuleProblem, RuleProblems},
    read::typed,
    semantic::{self, FlowSet},
    written::{AstBody, Body, Head, PatternBody},
};
use crate::{RuleInfo, grammar::Grammar, rules, rules_version, taint::TaintRule};

/// Rules of a customer, ready to run.
#[derive(Default)]
pub struct CustomRules {
    pub(super) rules: Vec<Compiled>,
    /// Those that follow values.
    pub(super) flows: Vec<FlowSet>,
    /// What is hashed, and the hash.
    set: Option<(Value, String)>,
}

pub(super) struct Compiled {
    pub(super) info: RuleInfo,
    pub(super) verification: VerificationType,
    files: Option<GlobSet>,
    exclude: Option<GlobSet>,
    pub(super) check: Check,
    weight: u64,
}

pub(super) enum Check {
    Lines(Pattern),
    Nodes(Trees),
    Together(Composed),
    /// In one of [`CustomRules::flows`].
    Flow(Box<TaintRule>),
}

pub(super) struct Pattern {
    pub(super) find: Weighed,
    pub(super) unless: Option<Weighed>,
    /// Without these no line matches.
    pub(super) needed: Option<Needed>,
}

/// An ast-grep rule for each of its languages.
pub(super) struct Trees {
    by_language: Vec<(Language, Tree)>,
    pub(super) parts: u64,
    weight: u64,
}

pub(super) struct Tree {
    pub(super) matcher: RuleCore,
    /// Ids of the node kinds that can match at all.
    pub(super) kinds: Vec<usize>,
    pub(super) mend: Option<Mend>,
}

impl CustomRules {
    pub fn none() -> &'static Self {
        static NONE: OnceLock<CustomRules> = OnceLock::new();
        NONE.get_or_init(Self::default)
    }

    /// All of the rules that are enabled, or what is wrong with them.
    pub fn compile(rules: &[CustomRule]) -> Result<Self, RuleProblems> {
        match Self::load(rules) {
            (rules, problems) if problems.0.is_empty() => Ok(rules),
            (_, problems) => Err(problems),
        }
    }

    /// As many of the rules that are enabled as can be run, and what is wrong with the others.
    pub fn load(rules: &[CustomRule]) -> (Self, RuleProblems) {
        let mut loaded = Self::default();
        let mut problems = Vec::new();
        let mut kept: Vec<&CustomRule> = Vec::new();
        let mut weight = 0;
        for rule in in_order(rules) {
            let refuse = |flaw: Flaw| flaw.of_rule(Some(rule.head.id.clone()));
            match Compiled::new(rule) {
                Err(flaws) => problems.extend(flaws.into_iter().map(refuse)),
                Ok(_) if kept.last().is_some_and(|last| last.head.id == rule.head.id) => {
                    let remedy = "give each rule an id of its own";
                    problems.push(refuse(Flaw::new("id", "another rule has it", remedy)));
                }
                Ok(_) if loaded.rules.len() == RULES_MAX => {
                    let problem = format!("there are more than {RULES_MAX} rules");
                    problems.push(refuse(Flaw::new("", problem, "disable some")));
                }
                Ok(compiled) if weight + compiled.weight > SET_WEIGHT_MAX => {
                    let problem = "the regular expressions of all rules are too large together";
                    problems.push(refuse(Flaw::new("", problem, "disable some, or repeat less")));
                }
                Ok(compiled) => {
                    weight += compiled.weight;
                    loaded.rules.push(compiled);
                    kept.push(rule);
                }
            }
        }
        loaded.flow_together(&mut problems);
        loaded.set = (!kept.is_empty()).then(|| {
            let set = set_of(&kept);
            let hash = canonical_sha256(&set);
            (set, hash)
        });
        (loaded, RuleProblems(problems))
    }

    /// The rules as they were written, to be kept so that a result can be explained.
    pub fn document(&self) -> Option<&Value> {
        self.set.as_ref().map(|(set, _)| set)
    }

    /// Each rule that follows values was tried alone; together they are not expected to fail.
    fn flow_together(&mut self, problems: &mut Vec<RuleProblem>) {
        let flow = |(index, rule): (usize, &'_ Compiled)| match &rule.check {
            Check::Flow(flow) => Some((index, flow.as_ref().clone())),
            Check::Lines(_) | Check::Nodes(_) | Check::Together(_) => None,
        };
        let flows: Vec<(usize, TaintRule)> =
            self.rules.iter().enumerate().filter_map(flow).collect();
        let borrowed: Vec<(usize, &TaintRule)> =
            flows.iter().map(|(index, flow)| (*index, flow)).collect();
        match semantic::sets(&borrowed) {
            Ok(sets) => self.flows = sets,
            Err(told) => problems.extend(flows.into_iter().map(|(_, flow)| {
                let id = flow.info.id.trim_start_matches(super::ID_PREFIX).to_owned();
                Flaw::new("", told.clone(), "disable some").of_rule(Some(id))
            })),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What each rule is, sorted by id.
    pub fn infos(&self) -> impl Iterator<Item = &RuleInfo> {
        self.rules.iter().map(|rule| &rule.info)
    }

    pub(crate) fn info(&self, rule: usize) -> &RuleInfo {
        &self.rules[rule].info
    }

    pub(crate) fn verification(&self, rule: usize) -> VerificationType {
        self.rules[rule].verification
    }

    /// Hex sha256 over the rules; none when there are none.
    pub fn hash(&self) -> Option<&str> {
        self.set.as_ref().map(|(_, hash)| hash.as_str())
    }

    /// Names the built-in rules and these: whichever of them changes, it changes.
    pub fn rules_version(&self) -> String {
        rules_version_with(self.hash())
    }
}

/// Names the built-in rules and those of a customer that have this hash.
pub fn rules_version_with(hash: Option<&str>) -> String {
    match hash {
        Some(hash) => {
            format!("{}.custom-{}", rules_version(), hash.get(..12).unwrap_or_default())
        }
        None => rules_version().to_owned(),
    }
}

/// By id, so that neither hash nor fuel depends on who wrote a rule first.
fn in_order(rules: &[CustomRule]) -> Vec<&CustomRule> {
    let mut rules: Vec<&CustomRule> = rules.iter().filter(|rule| rule.head.enabled).collect();
    rules.sort_by(|one, other| one.head.id.cmp(&other.head.id));
    rules
}

/// Examples show what a rule does and are no part of it.
fn set_of(rules: &[&CustomRule]) -> Value {
    let without_examples = |rule: &&CustomRule| {
        let mut value = rule.to_value();
        if let Value::Object(fields) = &mut value {
            fields.remove("examples");
        }
        value
    };
    json!({ "rules": rules.iter().map(without_examples).collect::<Vec<_>>() })
}

impl Compiled {
    pub(super) fn new(rule: &CustomRule) -> Result<Self, Vec<Flaw>> {
        let head = &rule.head;
        let mut flaws = super::written::check::head(head);
        flaws.extend(super::written::check::examples(&rule.examples));
        let files = globs("files", &head.files).unwrap_or_else(|flaw| {
            flaws.push(flaw);
            None
        });
        let exclude = globs("exclude", &head.exclude).unwrap_or_else(|flaw| {
            flaws.push(flaw);
            None
        });
        let checked = check(rule).map_err(|flaw| flaws.push(flaw));
        let (Ok((check, weight, verification)), true) = (checked, flaws.is_empty()) else {
            return Err(flaws);
        };
        Ok(Self { info: info(rule), verification, files, exclude, check, weight })
    }

    /// Whether the rule looks at a file at all.
    pub(super) fn concerns(&self, path: &str, language: Option<Language>) -> bool {
        let languages = &self.info.languages;
        let spoken = languages.is_empty() || language.is_some_and(|own| languages.contains(&own));
        let fits = |globs: &GlobSet| globs.is_match(path);
        spoken && self.files.as_ref().is_none_or(fits) && !self.exclude.as_ref().is_some_and(fits)
    }

    pub(super) fn wants_tree(&self) -> bool {
        match &self.check {
            Check::Lines(_) | Check::Flow(_) => false,
            Check::Nodes(_) => true,
            Check::Together(composed) => composed.wants_tree(),
        }
    }
}

fn check(rule: &CustomRule) -> Result<(Check, u64, VerificationType), Flaw> {
    let languages = &rule.head.languages;
    match &rule.body {
        Body::Pattern(body) => {
            let pattern = Pattern::new(body)?;
            let weight = pattern.weight();
            Ok((Check::Lines(pattern), weight, VerificationType::Pattern))
        }
        Body::Ast(body) => {
            let trees = Trees::new(body, languages, "")?;
            let weight = trees.weight();
            Ok((Check::Nodes(trees), weight, VerificationType::Syntax))
        }
        Body::Semantic(body) => {
            let (flow, weight) = semantic::read(body, info(rule))?;
            Ok((Check::Flow(Box::new(flow)), weight, VerificationType::Taint))
        }
        Body::Composite(body) => {
            let composed = Composed::new(body, languages)?;
            let (weight, verification) = (composed.weight(), composed.verification());
            Ok((Check::Together(composed), weight, verification))
        }
    }
}

fn info(rule: &CustomRule) -> RuleInfo {
    let Head { title, message, severity, confidence, category, cwe, owasp, languages, fix, .. } =
        &rule.head;
    RuleInfo {
        id: rule.finding_id(),
        languages: languages.clone(),
        severity: *severity,
        confidence: *confidence,
        category: *category,
        cwe: cwe.clone(),
        owasp: owasp.clone(),
        title: title.clone().unwrap_or_else(|| super::written::check::title_of(message)),
        message: message.clone(),
        fix: fix.clone(),
    }
}

impl Pattern {
    fn new(body: &PatternBody) -> Result<Self, Flaw> {
        let read = |text| limits::regex("unless", text, body.case_sensitive);
        let unless = body.unless.as_deref().map(read).transpose()?;
        Ok(Self { unless, ..Self::of("pattern", &body.pattern, body.case_sensitive)? })
    }

    pub(super) fn of(at: &str, text: &str, case_sensitive: bool) -> Result<Self, Flaw> {
        let find = limits::regex(at, text, case_sensitive)?;
        Ok(Self { find, unless: None, needed: Needed::of(text, case_sensitive) })
    }

    pub(super) fn weight(&self) -> u64 {
        self.find.weight + self.unless.as_ref().map_or(0, |unless| unless.weight)
    }
}

impl Trees {
    pub(super) fn new(body: &AstBody, languages: &[Language], at: &str) -> Result<Self, Flaw> {
        if languages.is_empty() {
            let remedy = "a syntax rule is compiled for each of its languages: name them";
            return Err(Flaw::new("languages", "it is missing", remedy));
        }
        let cost = limits::ast(body).map_err(|flaw| flaw.below(at))?;
        // How a match is mended is read apart: nothing that is found depends on it.
        let core: SerializableRuleCore = typed(
            json!({ "rule": body.rule, "constraints": body.constraints, "utils": body.utils }),
            at,
        )?;
        let tree = |language: &Language| {
            let mut tree = Tree::new(&core, *language).map_err(|told| {
                let remedy = "https://ast-grep.github.io/guide/rule-config.html says what a rule \
                              may be; a pattern must be code of the language";
                Flaw::new("rule", format!("for {language}: {told}"), remedy).below(at)
            })?;
            tree.mend = Mend::new(body, *language)?;
            Ok((*language, tree))
        };
        let by_language = languages.iter().map(tree).collect::<Result<_, Flaw>>()?;
        Ok(Self { by_language, parts: cost.parts, weight: cost.weight })
    }

    pub(super) fn of(&self, language: Language) -> Option<&Tree> {
        self.by_language.iter().find(|(own, _)| *own == language).map(|(_, tree)| tree)
    }

    pub(super) fn weight(&self) -> u64 {
        self.weight * self.by_language.len() as u64
    }
}

impl Tree {
    fn new(core: &SerializableRuleCore, language: Language) -> Result<Self, String> {
        let grammar = Grammar(language);
        // ast-grep is not ours, and what it is given here was written by anybody.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            core.get_matcher(DeserializeEnv::new(grammar)).map_err(|error| rules::chain(&error))
        }));
        let matcher = compiled.map_err(|_| "ast-grep breaks down over it".to_owned())??;
        let kind_count = grammar.tree_sitter().node_kind_count();
        let kinds = match matcher.potential_kinds() {
            Some(kinds) => kinds.iter().filter(|kind| *kind < kind_count).collect(),
            None => (0..kind_count).collect(),
        };
        Ok(Self { matcher, kinds, mend: None })
    }
}
