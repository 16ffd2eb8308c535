//! What each field of a policy means.

use std::collections::BTreeSet;

use domain::{Gate, Language, Severity};
use jiff::civil::Date;

use crate::{
    Broken, CustomRule, Formal, Ignore, OFF, Policy, RuleOverride, VERSION,
    decode::{Decoder, Fields},
    limits::*,
    node::{Content, Node, Place},
    patterns::Paths,
    problem::Problem,
};

pub(crate) const FIELDS: [&str; 11] = [
    "version",
    "languages",
    "include",
    "exclude",
    "gate",
    "rules",
    "ignore",
    "custom_rules",
    "formal",
    "comment_on_pass",
    "max_inline_comments",
];
pub(crate) const GATE_FIELDS: [&str; 5] =
    ["critical_max", "high_max", "medium_max", "low_max", "confidence_min"];
pub(crate) const RULE_FIELDS: [&str; 3] = ["rule", "severity", "reason"];
pub(crate) const IGNORE_FIELDS: [&str; 4] = ["path", "rule", "reason", "expires"];
pub(crate) const FORMAL_FIELDS: [&str; 3] = ["enabled", "query_timeout_ms", "function_timeout_ms"];

pub(crate) fn policy(bytes: &[u8]) -> Result<Policy, Broken> {
    let refused = |text: &str, problem| Broken::new(text, vec![problem]);
    if bytes.len() > BYTES_MAX {
        let message = format!("the file has {} bytes, {BYTES_MAX} are read", bytes.len());
        return Err(refused("", Problem::new(Place::start(), message)));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(error) => {
            let message = format!("the file is not UTF-8 (byte {})", error.valid_up_to());
            return Err(refused("", Problem::new(Place::start(), message)));
        }
    };
    let root = Node::parse(text).map_err(|problem| refused(text, problem))?;
    if let Some(place) = root.zero() {
        return Err(refused(text, Problem::new(place.clone(), "a zero character")));
    }
    let mut decoder = Decoder::default();
    let policy = decoder.policy(&root);
    if decoder.problems.is_empty() { Ok(policy) } else { Err(Broken::new(text, decoder.problems)) }
}

impl Decoder {
    fn policy(&mut self, root: &Node) -> Policy {
        let mut policy = Policy::default();
        if matches!(root.content, Content::Null) {
            self.note(
                Problem::new(Place::start(), "the policy is empty").help("begin with `version: 1`"),
            );
            return policy;
        }
        let Some(fields) = self.fields(root, "a policy", &FIELDS) else { return policy };
        self.version(&fields);
        policy.languages = fields.get("languages").map(|node| self.languages(node));
        policy.include = self.patterns(&fields, "include");
        policy.exclude = self.patterns(&fields, "exclude");
        if let Some(node) = fields.get("gate") {
            policy.gate = self.gate(node);
        }
        if let Some(node) = fields.get("rules") {
            let items = self.list(node, "rules", OVERRIDES_MAX);
            policy.rules = items.iter().filter_map(|item| self.rule_override(item)).collect();
        }
        if let Some(node) = fields.get("ignore") {
            let items = self.list(node, "ignore entries", IGNORES_MAX);
            policy.ignore = items.iter().filter_map(|item| self.ignore(item)).collect();
        }
        if let Some(node) = fields.get("custom_rules") {
            let items = self.list(node, "custom rules", CUSTOM_RULES_MAX);
            policy.custom_rules = items.iter().filter_map(|item| self.custom_rule(item)).collect();
        }
        if let Some(node) = fields.get("formal") {
            policy.formal = self.formal(node);
        }
        if let Some(node) = fields.get("comment_on_pass") {
            policy.comment_on_pass = self.flag(node).unwrap_or_default();
        }
        policy.max_inline_comments = fields
            .get("max_inline_comments")
            .and_then(|node| self.number(node, 0..=INLINE_COMMENTS_MAX));
        policy
    }

    fn version(&mut self, fields: &Fields<'_>) {
        match fields.get("version") {
            Some(node) if matches!(node.content, Content::Integer(1)) => {}
            Some(node) => {
                let message = format!("this version is not known; there is only {VERSION}");
                self.note(Problem::new(node.place.clone(), message).help("write `version: 1`"));
            }
            None => self.missing(fields, "the version", "begin with `version: 1`"),
        }
    }

    fn languages(&mut self, node: &Node) -> BTreeSet<Language> {
        let all: Vec<&str> = Language::ALL.iter().map(|language| language.as_str()).collect();
        let items = self.list(node, "languages", all.len());
        items.iter().filter_map(|item| self.word(item, "language", &all)).collect()
    }

    fn patterns(&mut self, fields: &Fields<'_>, name: &str) -> Paths {
        let Some(node) = fields.get(name) else { return Paths::default() };
        let items = self.list(node, "path patterns", PATTERNS_MAX);
        self.paths(items, PATTERN_CHARS_MAX)
    }

    fn gate(&mut self, node: &Node) -> Gate {
        let mut gate = Gate::default();
        let Some(fields) = self.fields(node, "gate", &GATE_FIELDS) else { return gate };
        for (name, count) in [
            ("critical_max", &mut gate.critical_max),
            ("high_max", &mut gate.high_max),
            ("medium_max", &mut gate.medium_max),
            ("low_max", &mut gate.low_max),
        ] {
            let number = fields.get(name).and_then(|node| self.number(node, 0..=GATE_COUNT_MAX));
            *count = number.unwrap_or(*count);
        }
        let share = fields.get("confidence_min").and_then(|node| self.share(node));
        gate.confidence_min = share.unwrap_or(gate.confidence_min);
        gate
    }

    fn rule_override(&mut self, node: &Node) -> Option<RuleOverride> {
        let fields = self.fields(node, "an entry of rules", &RULE_FIELDS)?;
        let rule = match fields.get("rule") {
            Some(node) => self.rule(node, PATTERN_CHARS_MAX),
            None => {
                let help = "name one, such as `rule: python.injection.*`";
                self.missing(&fields, "the rule", help);
                None
            }
        };
        let severity = match fields.get("severity") {
            Some(node) => self.weight(node),
            None => {
                let help = "write `severity: off`, or another severity";
                self.missing(&fields, "the severity", help);
                None
            }
        };
        let reason = fields
            .get("reason")
            .and_then(|node| self.text(node, REASON_CHARS_MIN..=REASON_CHARS_MAX));
        Some(RuleOverride { rule: rule?, severity: severity?, reason: reason.map(str::to_owned) })
    }

    /// A severity, or `Some(None)` for a rule that is off.
    fn weight(&mut self, node: &Node) -> Option<Option<Severity>> {
        if matches!(&node.content, Content::Text(text) if text == OFF) {
            return Some(None);
        }
        let words: Vec<&str> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
        let words = [&words[..], &[OFF]].concat();
        self.word(node, "severity", &words).map(Some)
    }

    fn ignore(&mut self, node: &Node) -> Option<Ignore> {
        let fields = self.fields(node, "an entry of ignore", &IGNORE_FIELDS)?;
        let path = match fields.get("path") {
            // One path is written without a list.
            Some(node) if matches!(node.content, Content::Text(_)) => {
                self.paths(std::slice::from_ref(node), PATTERN_CHARS_MAX)
            }
            Some(node) => {
                let items = self.list(node, "path patterns", PATTERNS_MAX);
                self.paths(items, PATTERN_CHARS_MAX)
            }
            None => Paths::default(),
        };
        let rule = fields.get("rule").and_then(|node| self.rule(node, PATTERN_CHARS_MAX));
        if fields.get("path").is_none() && fields.get("rule").is_none() {
            let help = "name what is ignored: a path, a rule, or both";
            self.missing(&fields, "`path` or `rule`", help);
        }
        let reason = match fields.get("reason") {
            Some(node) => self.text(node, REASON_CHARS_MIN..=REASON_CHARS_MAX),
            None => {
                let help = "say why this is no flaw, or who mends it until when";
                self.missing(&fields, "the reason", help);
                None
            }
        };
        let expires = fields.get("expires").and_then(|node| self.date(node));
        Some(Ignore { path, rule, reason: reason?.to_owned(), expires, line: node.place.line })
    }

    fn date(&mut self, node: &Node) -> Option<Date> {
        self.parsed(node, "date", 10, |text| {
            text.parse::<Date>().map_err(|_| "write it as 2027-01-31".to_owned())
        })
    }

    fn custom_rule(&mut self, node: &Node) -> Option<CustomRule> {
        if matches!(node.content, Content::Fields(_)) {
            return Some(CustomRule { rule: node.to_json(), line: node.place.line });
        }
        let message = format!("expected the fields of a rule, found {}", node.kind());
        self.note(
            Problem::new(node.place.clone(), message).help("docs/custom-rules.md lists them"),
        );
        None
    }

    fn formal(&mut self, node: &Node) -> Formal {
        let mut formal = Formal::default();
        let Some(fields) = self.fields(node, "formal", &FORMAL_FIELDS) else { return formal };
        if let Some(flag) = fields.get("enabled").and_then(|node| self.flag(node)) {
            formal.enabled = flag;
        }
        for (name, time, most) in [
            ("query_timeout_ms", &mut formal.query_timeout_ms, QUERY_TIMEOUT_MS_MAX),
            ("function_timeout_ms", &mut formal.function_timeout_ms, FUNCTION_TIMEOUT_MS_MAX),
        ] {
            let number = fields.get(name).and_then(|node| self.number(node, 1..=most));
            *time = number.unwrap_or(*time);
        }
        formal
    }
}
