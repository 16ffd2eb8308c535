//! Values out of nodes. Whatever is wrong is noted, and reading goes on, so that people hear of
//! all their mistakes at once.

use std::{ops::RangeInclusive, str::FromStr};

use crate::{
    limits::PROBLEMS_MAX,
    node::{Content, Key, Node, Place},
    patterns::{Paths, RuleName},
    problem::Problem,
};

/// Names that are further from what was written are no help.
const SIMILARITY_MIN: f64 = 0.6;

#[derive(Default)]
pub(crate) struct Decoder {
    pub(crate) problems: Vec<Problem>,
}

/// The fields of a node, each taken once.
pub(crate) struct Fields<'n> {
    pub(crate) place: Place,
    entries: &'n [(Key, Node)],
}

impl<'n> Fields<'n> {
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        let found = self.entries.iter().find(|(key, _)| key.name == name);
        // `exclude:` with all its entries commented out is no mistake.
        found.map(|(_, node)| node).filter(|node| !matches!(node.content, Content::Null))
    }
}

impl Decoder {
    pub(crate) fn note(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    fn wrong(&mut self, node: &Node, expected: &str) {
        let message = format!("expected {expected}, found {}", node.kind());
        self.note(Problem::new(node.place.clone(), message));
    }

    /// Fields of which all are known; `what` names the node that has them.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
    ) -> Option<Fields<'n>> {
        let Content::Fields(entries) = &node.content else {
            self.wrong(node, &format!("the fields of {what}: {}", known.join(", ")));
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            let message = format!("{what} has no field `{}`", excerpt(&key.name));
            let problem = Problem::new(key.place.clone(), message);
            self.note(problem.help(suggestion(&key.name, known)));
        }
        Some(Fields { place: node.place.clone(), entries })
    }

    pub(crate) fn list<'n>(&mut self, node: &'n Node, what: &str, most: usize) -> &'n [Node] {
        let Content::List(items) = &node.content else {
            self.wrong(node, &format!("a list of {what}"));
            return &[];
        };
        if let Some(first) = items.get(most) {
            let message = format!("more than {most} {what}");
            self.note(Problem::new(first.place.clone(), message));
        }
        &items[..items.len().min(most)]
    }

    pub(crate) fn flag(&mut self, node: &Node) -> Option<bool> {
        match node.content {
            Content::Flag(flag) => Some(flag),
            Content::Null
            | Content::Integer(_)
            | Content::Number(_)
            | Content::Text(_)
            | Content::List(_)
            | Content::Fields(_) => {
                self.wrong(node, "true or false");
                None
            }
        }
    }

    pub(crate) fn number(&mut self, node: &Node, range: RangeInclusive<u32>) -> Option<u32> {
        let (least, most) = (range.start(), range.end());
        let number = match node.content {
            Content::Integer(number) => {
                u32::try_from(number).ok().filter(|number| range.contains(number))
            }
            Content::Null
            | Content::Flag(_)
            | Content::Number(_)
            | Content::Text(_)
            | Content::List(_)
            | Content::Fields(_) => None,
        };
        if number.is_none() {
            let found = self.written(node);
            let message = format!("expected a whole number from {least} to {most}, found {found}");
            self.note(Problem::new(node.place.clone(), message));
        }
        number
    }

    /// A number from 0 to 1.
    pub(crate) fn share(&mut self, node: &Node) -> Option<f64> {
        let number = match node.content {
            Content::Integer(number) => Some(number as f64),
            Content::Number(number) => Some(number),
            Content::Null
            | Content::Flag(_)
            | Content::Text(_)
            | Content::List(_)
            | Content::Fields(_) => None,
        };
        let share = number.filter(|number| (0.0..=1.0).contains(number));
        if share.is_none() {
            let found = self.written(node);
            let message = format!("expected a number from 0 to 1, found {found}");
            self.note(Problem::new(node.place.clone(), message));
        }
        share
    }

    fn written(&self, node: &Node) -> String {
        match &node.content {
            Content::Integer(number) => number.to_string(),
            Content::Number(number) => number.to_string(),
            Content::Text(text) => format!("`{}`", excerpt(text)),
            Content::Flag(flag) => flag.to_string(),
            Content::Null | Content::List(_) | Content::Fields(_) => node.kind().to_owned(),
        }
    }

    pub(crate) fn text<'n>(
        &mut self,
        node: &'n Node,
        chars: RangeInclusive<usize>,
    ) -> Option<&'n str> {
        let Content::Text(text) = &node.content else {
            self.wrong(node, "text");
            return None;
        };
        let text = text.trim();
        let length = text.chars().count();
        if chars.contains(&length) {
            return Some(text);
        }
        let (least, most) = (chars.start(), chars.end());
        let message = format!("expected {least} to {most} characters, found {length}");
        self.note(Problem::new(node.place.clone(), message));
        None
    }

    /// One of a closed list of words.
    pub(crate) fn word<T: FromStr>(&mut self, node: &Node, what: &str, all: &[&str]) -> Option<T> {
        let Content::Text(text) = &node.content else {
            self.wrong(node, &format!("{what}: {}", all.join(", ")));
            return None;
        };
        if let Some(word) = all.contains(&text.as_str()).then(|| text.parse().ok()).flatten() {
            return Some(word);
        }
        let message = format!("`{}` is no {what}", excerpt(text));
        self.note(Problem::new(node.place.clone(), message).help(suggestion(text, all)));
        None
    }

    /// What `read` makes of a short text, or why it makes nothing of it.
    pub(crate) fn parsed<T>(
        &mut self,
        node: &Node,
        what: &str,
        chars_max: usize,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(node, 1..=chars_max)?;
        match read(text) {
            Ok(value) => Some(value),
            Err(reason) => {
                let message = format!("`{}` is no {what}: {reason}", excerpt(text));
                self.note(Problem::new(node.place.clone(), message));
                None
            }
        }
    }

    pub(crate) fn rule(&mut self, node: &Node, chars_max: usize) -> Option<RuleName> {
        self.parsed(node, "name of a rule", chars_max, |text| RuleName::new(text.to_owned()))
    }

    pub(crate) fn paths(&mut self, nodes: &[Node], chars_max: usize) -> Paths {
        let mut written = Vec::new();
        for node in nodes {
            written.extend(self.parsed(node, "path pattern", chars_max, |text| {
                Paths::check(text).map(|()| text.to_owned())
            }));
        }
        // Each was compiled by itself; together they can only be too many, which is limited.
        Paths::new(written).unwrap_or_default()
    }

    pub(crate) fn missing(&mut self, fields: &Fields<'_>, what: &str, help: &str) {
        let problem = Problem::new(fields.place.clone(), format!("{what} is missing"));
        self.note(problem.help(help));
    }
}

/// The nearest of the names, or all of them.
pub(crate) fn suggestion(found: &str, known: &[&str]) -> String {
    let score = |name: &&&str| strsim::jaro_winkler(&found.to_lowercase(), name);
    let near = known.iter().max_by(|one, other| score(one).total_cmp(&score(other)));
    match near.filter(|name| score(name) >= SIMILARITY_MIN) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("expected one of {}", known.join(", ")),
    }
}

/// Foreign text in a message: on one line, and short.
fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() > CHARS_MAX {
        line = line.chars().take(CHARS_MAX - 1).collect();
        line.push('…');
    }
    line
}
