//! What a condition is about, and what it is worth.

use tree_sitter::Node;

use super::{
    super::{expression::content_of, known},
    Facts, Lowerer, Subject,
};
use crate::taint::{
    ir::{Checked, FunctionName, Key, Reg, Trust},
    set::Mask,
    shape::{Child, Shape},
};

impl<'tree> Lowerer<'_, 'tree> {
    /// A prefix vouches for a path that has been resolved, or for an address up to its path.
    pub(super) fn prefix(
        &mut self,
        object: Option<Node<'tree>>,
        arguments: &[Node<'tree>],
    ) -> Option<Facts> {
        let (subject, prefix) = match arguments {
            [subject, prefix] => (*subject, *prefix),
            [prefix] => (object?, *prefix),
            _ => return None,
        };
        let text = content_of(self.text_of(prefix));
        let is_address = self.shape(prefix) == Shape::Text
            && text
                .split_once("://")
                .is_some_and(|(_, rest)| rest.trim_start_matches('/').contains('/'));
        let (slot, _) = self.subject(subject)?;
        let settled = self.now.slots[slot as usize].settled;
        // What leads up from where it starts does so at once, when the path has been settled.
        if settled && self.shape(prefix) == Shape::Text && text.starts_with("..") {
            let mask = self.set.refused.without("..");
            return Some(self.checked(subject, mask, Trust::Always).flipped());
        }
        (is_address || settled).then(|| self.checked(subject, Mask::MAX, Trust::Always))
    }

    pub(super) fn regex(
        &mut self,
        name: &str,
        object: Option<Node<'tree>>,
        arguments: &[Node<'tree>],
    ) -> Option<Facts> {
        let whole = matches!(name, "fullmatch" | "matches");
        let is_pattern = |own: &Self, node: Node<'_>| {
            matches!(own.shape(node), Shape::Text) || node.kind() == "regex"
        };
        let strict = |own: &Self, node: Node<'_>| {
            let text = own.text_of(node);
            let text = match node.kind() == "regex" {
                true => {
                    text.trim_start_matches('/').rsplit_once('/').map_or(text, |(body, _)| body)
                }
                false => content_of(text),
            };
            known::is_strict_regex(text, whole)
        };
        // `/[<>]/.test(text)`: where it is not, there is no markup.
        let refused = |own: &mut Self, pattern: Node<'tree>, subject: Node<'tree>| {
            let text = own.text_of(pattern);
            let text = if pattern.kind() == "regex" { text } else { content_of(text) };
            let mask = own.set.refused.unmatched(text, whole);
            (mask != 0).then(|| own.checked(subject, mask, Trust::Always).flipped())
        };
        match arguments {
            [pattern, subject, ..] if is_pattern(self, *pattern) && !strict(self, *pattern) => {
                refused(self, *pattern, *subject)
            }
            [pattern] if is_pattern(self, *pattern) && !strict(self, *pattern) => {
                refused(self, *pattern, object?)
            }
            [subject] if object.is_some_and(|one| is_pattern(self, one) && !strict(self, one)) => {
                refused(self, object?, *subject)
            }
            // `re.fullmatch("[a-z]+", name)`
            [pattern, subject, ..] if is_pattern(self, *pattern) => {
                strict(self, *pattern).then(|| self.checked(*subject, Mask::MAX, Trust::Always))
            }
            // `name.matches("[a-z]+")`, `name.match(/^a$/)`
            [pattern] if is_pattern(self, *pattern) => strict(self, *pattern)
                .then(|| self.checked(object?, Mask::MAX, Trust::Always).into())?,
            // `/^a$/.test(name)`
            [subject] if object.is_some_and(|object| is_pattern(self, object)) => {
                strict(self, object?).then(|| self.checked(*subject, Mask::MAX, Trust::Always))
            }
            // `NAME.fullmatch(name)`: what it says stands elsewhere, and the author wrote it.
            [subject, ..] => {
                let trust = self.against(object?);
                Some(self.checked(*subject, Mask::MAX, trust))
            }
            // `NAME.matcher(name).matches()`
            [] => {
                let inner = self.child(object?, Child::Arguments)?.named_child(0)?;
                Some(self.checked(inner, Mask::MAX, Trust::Always))
            }
        }
    }

    /// A function of this file that answers for its argument.
    pub(super) fn by_own_function(
        &mut self,
        function: Node<'tree>,
        object: Option<Node<'tree>>,
        arguments: &[Node<'tree>],
    ) -> Vec<Checked> {
        let (class, name) = match (self.shape(function), object) {
            (Shape::Member, Some(object)) if self.is_this(object) => {
                match self.member_parts(function) {
                    Some((_, field)) => (self.now.class, self.word_of(field)),
                    None => return Vec::new(),
                }
            }
            (Shape::Name, None) => {
                let java = self.language == domain::Language::Java;
                (self.now.class.filter(|_| java), self.word_of(function))
            }
            _ => return Vec::new(),
        };
        let mut checked = Vec::new();
        for (index, argument) in arguments.iter().enumerate() {
            let trust =
                Trust::Function(FunctionName { class, name }, u16::try_from(index).unwrap_or(0));
            checked.extend(self.checked(*argument, Mask::MAX, trust).yes);
        }
        checked
    }

    /// The value that a check compares with, which strangers must not have written.
    pub(super) fn against(&mut self, node: Node<'tree>) -> Trust {
        let reg: Reg = self.expression(node).reg;
        Trust::Against(reg)
    }

    pub(in crate::taint::lower) fn checked(
        &mut self,
        node: Node<'tree>,
        mask: Mask,
        trust: Trust,
    ) -> Facts {
        let Some((slot, key)) = self.subject(node) else { return Facts::default() };
        let mut yes = vec![Checked { slot, key, mask, trust }];
        if key.is_none() || self.now.slots[slot as usize].derived.is_some() {
            let mut at = self.now.slots[slot as usize].derived;
            if at.is_some() {
                yes.push(Checked { slot, key: None, mask, trust });
            }
            // What was checked is what it was made from.
            for _ in 0..4 {
                let Some(base) = at else { break };
                yes.push(Checked { slot: base, key: None, mask, trust });
                at = self.now.slots[base as usize].derived.filter(|next| *next != base);
            }
        }
        Facts { yes, no: Vec::new() }
    }

    /// `cookie.getName()` says nothing of the cookie's value, nor does `len(names)` of names.
    fn says_little(&self, call: Node<'tree>) -> bool {
        let function = self.child(call, Child::Function).or_else(|| self.child(call, Child::Name));
        let Some(function) = function else { return false };
        let name = self.member_parts(function).map_or(function, |(_, field)| field);
        let name = self.text_of(name);
        let is_java = self.language == domain::Language::Java;
        known::counts(name) || is_java && known::gets_one_part(name)
    }

    /// The variable behind an expression: `name`, `name.lower()`, `item["kind"]`, `&name`.
    pub(super) fn subject(&mut self, node: Node<'tree>) -> Option<Subject> {
        let mut at = node;
        for _ in 0..8 {
            match self.shape(at) {
                Shape::Name => {
                    let name = self.word_of(at);
                    return self.lookup(name).map(|slot| (slot, None));
                }
                Shape::Inner | Shape::Negative => at = at.named_child(0)?,
                Shape::Keyword => at = self.child(at, Child::Value)?,
                Shape::Member => {
                    let (object, field) = self.member_parts(at)?;
                    if matches!(self.shape(object), Shape::Call | Shape::New) {
                        // `urlparse(url).hostname`: an address is what its parts are.
                        at = object;
                        continue;
                    }
                    let name = self.word_of(object);
                    let slot = self.lookup(name)?;
                    return Some((slot, Some(Key::Named(self.word_of(field)))));
                }
                Shape::Index => {
                    let (object, index) = self.index_parts(at)?;
                    let name = self.word_of(object);
                    let slot = self.lookup(name)?;
                    let key = self.key_of(index)?;
                    return Some((slot, Some(Key::Named(key))));
                }
                Shape::Call => {
                    let arguments = self.child(at, Child::Arguments);
                    let count = arguments.map_or(0, |list| list.named_child_count());
                    let function = self.child(at, Child::Function);
                    let object = match function {
                        Some(function) => self.member_parts(function).map(|(object, _)| object),
                        None => self.child(at, Child::Object),
                    };
                    at = match (object, count) {
                        _ if self.says_little(at) => return None,
                        (Some(object), 0) => object,
                        (_, 1) => arguments?.named_child(0)?,
                        _ => return None,
                    };
                }
                _ => return None,
            }
        }
        None
    }
}
