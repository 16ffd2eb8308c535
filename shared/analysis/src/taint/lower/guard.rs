//! What conditions say of variables: allow-lists, type tests, full matches, equality.

mod subjects;

use tree_sitter::Node;

use super::{Lowerer, expression::content_of, known};
use crate::taint::{
    book::NOWHERE,
    ir::{BlockId, Checked, End, Key, Operator, Slot, Trust},
    set::Mask,
    shape::{Child, Shape},
};

/// Variables that are harmless where a condition holds, and where it does not.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) yes: Vec<Checked>,
    pub(super) no: Vec<Checked>,
}

impl Facts {
    fn flipped(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }

    fn both(mut self, other: Self) -> Self {
        self.yes.extend(other.yes);
        let common = |one: &Checked| {
            let place = |two: &&Checked| (two.slot, two.key) == (one.slot, one.key);
            let same = other.no.iter().filter(place);
            let same = same.filter(|two| two.trust == one.trust || two.trust == Trust::Always);
            same.map(|two| Checked { mask: one.mask & two.mask, ..*one }).next()
        };
        self.no = self.no.iter().filter_map(common).collect();
        self
    }

    fn either(self, other: Self) -> Self {
        self.flipped().both(other.flipped()).flipped()
    }
}

/// The variable, or the part of one, that an expression is about.
type Subject = (Slot, Option<Key>);

impl<'tree> Lowerer<'_, 'tree> {
    /// Lowers a condition and ends the block; gives the blocks for yes and no.
    pub(super) fn branch(&mut self, condition: Node<'tree>) -> (BlockId, BlockId) {
        let value = self.expression(condition).reg;
        let facts = self.facts(condition);
        let (yes, no) = (self.block_with(facts.yes), self.block_with(facts.no));
        self.close(End::Branch { condition: value, yes, no });
        (yes, no)
    }

    /// What the condition says. It has been lowered before.
    pub(super) fn facts(&mut self, node: Node<'tree>) -> Facts {
        self.deeper(|own| own.facts_of(node)).unwrap_or_default()
    }

    fn facts_of(&mut self, node: Node<'tree>) -> Facts {
        match self.shape(node) {
            Shape::Inner => match node.named_child(0) {
                Some(inner) => self.facts(inner),
                None => Facts::default(),
            },
            Shape::Not => {
                let inner = self.child(node, Child::Argument).or_else(|| node.named_child(0));
                inner.map(|inner| self.facts(inner).flipped()).unwrap_or_default()
            }
            Shape::Negative if self.text_of(node).starts_with('!') => match node.named_child(0) {
                Some(inner) => self.facts(inner).flipped(),
                None => Facts::default(),
            },
            Shape::Binary => self.of_binary(node),
            Shape::Compare => self.of_comparison(node),
            Shape::Call => self.of_call(node),
            Shape::Assign => {
                match self.child(node, Child::Right).or_else(|| self.child(node, Child::Value)) {
                    Some(value) => self.facts(value),
                    None => Facts::default(),
                }
            }
            Shape::Name => {
                let name = self.word_of(node);
                let Some(slot) = self.lookup(name) else { return Facts::default() };
                let mut facts = self.now.slots[slot as usize].facts.clone();
                // What counts as false holds no text.
                let trust = Trust::Always;
                facts.no.insert(0, Checked { slot, key: None, mask: Mask::MAX, trust });
                facts
            }
            // Go's `allowed[name]`: a set that is asked.
            Shape::Index => match self.index_parts(node) {
                Some((set, subject)) => {
                    let trust = self.against(set);
                    self.checked(subject, Mask::MAX, trust)
                }
                None => Facts::default(),
            },
            _ => Facts::default(),
        }
    }

    fn of_binary(&mut self, node: Node<'tree>) -> Facts {
        let sides = (self.child(node, Child::Left), self.child(node, Child::Right));
        let (Some(left), Some(right)) = sides else { return Facts::default() };
        let operator = self.child(node, Child::Operator).map_or("", |one| self.text_of(one));
        match operator {
            "&&" | "and" => {
                let (one, other) = (self.facts(left), self.facts(right));
                one.both(other)
            }
            "||" | "or" => {
                let (one, other) = (self.facts(left), self.facts(right));
                one.either(other)
            }
            "==" | "===" => self.equality(left, right),
            "!=" | "!==" => self.equality(left, right).flipped(),
            ">=" | ">" if self.is_search(left) => self.facts(left),
            _ => Facts::default(),
        }
    }

    /// `allowed.indexOf(name) >= 0`
    fn is_search(&self, node: Node<'_>) -> bool {
        self.shape(node) == Shape::Call && self.text_of(node).contains("ndexOf(")
    }

    fn of_comparison(&mut self, node: Node<'tree>) -> Facts {
        let children = self.children(node);
        let [left, right] = children[..] else { return Facts::default() };
        match self.comparison_operator(node) {
            Operator::Equal => self.equality(left, right),
            Operator::NotEqual => self.equality(left, right).flipped(),
            Operator::Within => {
                let facts = match (self.shape(left), self.shape(right)) {
                    // In a text, membership says nothing: `"a" in "abc"`.
                    (_, Shape::Text) => return Facts::default(),
                    (Shape::Text, _) => self.refusal(left, right),
                    _ => {
                        let trust = self.against(right);
                        self.checked(left, Mask::MAX, trust)
                    }
                };
                if self.is_between(node, "in") { facts } else { facts.flipped() }
            }
            _ => Facts::default(),
        }
    }

    /// Equal to something that is written in the code, or that strangers did not write.
    fn equality(&mut self, left: Node<'tree>, right: Node<'tree>) -> Facts {
        for (subject, other) in [(left, right), (right, left)] {
            let other_is_fixed = match self.shape(other) {
                Shape::Literal => true,
                Shape::Negative => self.text_of(other) == "-1",
                Shape::Text => !super::expression::has_substitution(other),
                _ => false,
            };
            if !other_is_fixed {
                continue;
            }
            // `typeof x === "number"`, and `m != null` where m is a match.
            let text = self.text_of(subject);
            if let Some(name) = text.strip_prefix("typeof ") {
                let number =
                    matches!(content_of(self.text_of(other)), "number" | "boolean" | "bigint");
                let inner = subject.named_child(0).filter(|_| number && !name.is_empty());
                return match inner {
                    Some(inner) => self.checked(inner, Mask::MAX, Trust::Always),
                    None => Facts::default(),
                };
            }
            if matches!(
                self.text_of(other),
                "null" | "None" | "nil" | "true" | "True" | "false" | "False" | "-1" | "0"
            ) {
                let facts = self.facts(subject);
                let positive = matches!(self.text_of(other), "true" | "True");
                return if positive { facts } else { facts.flipped() };
            }
            return self.checked(subject, Mask::MAX, Trust::Always);
        }
        Facts::default()
    }

    /// `".." in path`: where it is not, the path leads down.
    fn refusal(&mut self, part: Node<'tree>, whole: Node<'tree>) -> Facts {
        let mask = match super::expression::has_substitution(part) {
            true => 0,
            false => self.set.refused.without(content_of(self.text_of(part))),
        };
        match mask {
            0 => Facts::default(),
            _ => self.checked(whole, mask, Trust::Always).flipped(),
        }
    }

    fn of_call(&mut self, node: Node<'tree>) -> Facts {
        let function = self.child(node, Child::Function).or_else(|| self.child(node, Child::Name));
        let Some(function) = function else { return Facts::default() };
        let list = self.child(node, Child::Arguments);
        let arguments = list.map(|list| self.children(list)).unwrap_or_default();
        let (object, field) = match self.member_parts(function) {
            Some((object, field)) => (Some(object), field),
            None => (self.child(node, Child::Object), function),
        };
        let name = self.text_of(field);
        let mut facts = self.by_rules(function, object, &arguments);
        if let Some(known) = self.by_knowledge(name, object, &arguments) {
            facts.yes.extend(known.yes);
            facts.no.extend(known.no);
        }
        facts.yes.extend(self.by_own_function(function, object, &arguments));
        facts
    }

    /// Names that a rule calls guards.
    fn by_rules(
        &mut self,
        function: Node<'tree>,
        object: Option<Node<'tree>>,
        arguments: &[Node<'tree>],
    ) -> Facts {
        let path = match (self.shape(function), object) {
            (Shape::Member, Some(object)) => match self.member_parts(function) {
                Some((_, field)) => self.quiet_path(object, field),
                None => NOWHERE,
            },
            (_, Some(object)) => self.quiet_path(object, function),
            _ => {
                let name = self.word_of(function);
                self.path_of_name(name).0
            }
        };
        let mask = self.book.roles(path).guard;
        let mut facts = Facts::default();
        if mask != 0 {
            for argument in arguments.iter().copied().chain(object) {
                facts.yes.extend(self.checked(argument, mask, Trust::Always).yes);
            }
        }
        facts
    }

    /// The path of `object.field` for objects that are names or members of names.
    fn quiet_path(&mut self, object: Node<'tree>, field: Node<'tree>) -> u32 {
        let mut parts = vec![field];
        let mut at = object;
        while let Some((inner, field)) = self.member_parts(at) {
            parts.push(field);
            at = inner;
        }
        let name = self.word_of(at);
        let mut path = match self.shape(at) {
            Shape::Name => self.path_of_name(name).0,
            _ => NOWHERE,
        };
        for part in parts.into_iter().rev() {
            let word = self.word_of(part);
            path = self.book.extend(path, word);
        }
        path
    }

    fn by_knowledge(
        &mut self,
        name: &str,
        object: Option<Node<'tree>>,
        arguments: &[Node<'tree>],
    ) -> Option<Facts> {
        let first = arguments.first().copied();
        if known::asks_letters(name) && arguments.is_empty() {
            return Some(self.checked(object?, Mask::MAX, Trust::Always));
        }
        if name == "isinstance" {
            let kind = self.text_of(*arguments.get(1)?);
            let simple = kind.trim_matches(['(', ')']).split(',').all(|one| {
                matches!(
                    one.trim().rsplit('.').next(),
                    Some("int" | "float" | "bool" | "UUID" | "Decimal")
                )
            });
            return simple.then(|| self.checked(first?, Mask::MAX, Trust::Always).into()).flatten();
        }
        if matches!(name, "isInteger" | "isFinite" | "isSafeInteger") {
            return Some(self.checked(first?, Mask::MAX, Trust::Always));
        }
        if matches!(name, "isNaN") {
            return Some(self.checked(first?, Mask::MAX, Trust::Always).flipped());
        }
        if matches!(name, "equals" | "equalsIgnoreCase" | "EqualFold") {
            return Some(self.equality(object?, first?));
        }
        if matches!(name, "startswith" | "startsWith" | "HasPrefix" | "starts_with") {
            return self.prefix(object, arguments);
        }
        if known::asks_match(name)
            && let Some(facts) = self.regex(name, object, arguments)
        {
            return Some(facts);
        }
        if known::asks_membership(name) || name == "indexOf" {
            // Go: `slices.Contains(list, item)`; elsewhere `list.contains(item)`.
            let (set, item) = match arguments {
                [set, item] => (*set, *item),
                [item] => (object?, *item),
                _ => return None,
            };
            if self.shape(item) == Shape::Text && self.shape(set) != Shape::Text {
                return Some(self.refusal(item, set));
            }
            if self.shape(item) == Shape::Literal || self.shape(set) == Shape::Text {
                return None;
            }
            let trust = self.against(set);
            return Some(self.checked(item, Mask::MAX, trust));
        }
        None
    }
}
