//! Expressions: what a value is made of.

mod operators;

use domain::Language;
use tree_sitter::Node;

use super::{Lowerer, Lowering, known};
use crate::taint::{
    book::{NOWHERE, ROOT},
    ir::{Const, Key, Reg, Step, Sym},
    shape::{Child, Shape},
};

impl<'tree> Lowerer<'_, 'tree> {
    pub(super) fn expression(&mut self, node: Node<'tree>) -> Lowering {
        let lowered = self.deeper(|own| own.shaped(node));
        let value = lowered.unwrap_or_else(|| self.flattened(node));
        if self.hits.at.is_empty() { value } else { self.patterned(value, node) }
    }

    fn shaped(&mut self, node: Node<'tree>) -> Lowering {
        match self.shape(node) {
            Shape::Skip => self.plain(Step::Known(None), node),
            Shape::Inner => match node.named_child(0) {
                Some(inner) => self.expression(inner),
                None => self.plain(Step::Unknown, node),
            },
            Shape::Name => self.name(node),
            Shape::This => self.this(node),
            Shape::Literal => self.literal(node),
            Shape::Text => self.string(node),
            Shape::Concatenated => self.union(node, true),
            Shape::Member => self.member(node),
            Shape::Index => self.index(node),
            Shape::Call => self.call(node),
            Shape::New => self.creation(node),
            Shape::Keyword | Shape::Pair => self.last_child(node),
            Shape::Binary => self.binary(node),
            Shape::Compare => self.comparison(node),
            Shape::Not => self.negation(node),
            Shape::Negative => self.unary(node),
            Shape::Ternary => self.ternary(node),
            Shape::Assign | Shape::AugmentedAssign => self.assignment(node),
            Shape::Closure => self.closure(node, None),
            Shape::Attribute => self.attribute(node),
            Shape::Comprehension => self.comprehension(node),
            Shape::Function
            | Shape::Class
            | Shape::Decorated
            | Shape::Field
            | Shape::Import
            | Shape::Return
            | Shape::Throw
            | Shape::Break
            | Shape::Continue => {
                self.statement(node);
                self.plain(Step::Unknown, node)
            }
            Shape::If
            | Shape::While
            | Shape::DoWhile
            | Shape::For
            | Shape::ForIn
            | Shape::Try
            | Shape::With
            | Shape::Switch
            | Shape::Assert
            | Shape::Block
            | Shape::Declaration => self.block_value(node),
            Shape::Union => self.union(node, false),
        }
    }

    /// A statement where a value is expected, as in Rust: what its branches end in.
    fn block_value(&mut self, node: Node<'tree>) -> Lowering {
        let slot = self.new_slot();
        let outer = self.now.tail.replace(slot);
        let unknown = self.emit(Step::Unknown, node);
        self.emit(Step::Store { slot, value: unknown }, node);
        self.statement(node);
        self.now.tail = outer;
        self.plain(Step::Load(slot), node)
    }

    /// Too deep to be told apart: everything that is named in it.
    fn flattened(&mut self, node: Node<'tree>) -> Lowering {
        let mut parts = Vec::new();
        let mut cursor = node.walk();
        'walk: loop {
            if self.shape(cursor.node()) == Shape::Name && !self.too_long {
                parts.push(self.name(cursor.node()).reg);
            }
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
            }
        }
        parts.push(self.emit(Step::Unknown, node));
        self.plain(Step::Union(parts), node)
    }

    fn name(&mut self, node: Node<'tree>) -> Lowering {
        let name = self.word_of(node);
        let text = self.text_of(node);
        if text == "self" && self.now.class.is_some() {
            return self.this(node);
        }
        let (path, slot) = match text.contains("::") {
            true => (self.book.dotted_by(text, "::"), None),
            false => self.path_of_name(name),
        };
        let reg = match slot {
            Some(slot) => self.emit(Step::Load(slot), node),
            // A module or class holds nothing that anybody sent.
            None if self.modules.contains(&name)
                || self.imports.contains_key(&name)
                || text.starts_with(char::is_uppercase) && text.contains(char::is_lowercase) =>
            {
                self.emit(Step::Known(None), node)
            }
            None => self.emit(Step::Global(name), node),
        };
        let value = Lowering { reg, path, slot };
        // What a variable was given came in where it was given, and may have been checked since.
        if slot.is_some() { value } else { self.sourced(value, node) }
    }

    fn this(&mut self, node: Node<'tree>) -> Lowering {
        let text = self.text_of(node);
        let word = self.book.word(text);
        let path = self.book.rooted(word, ROOT);
        Lowering { reg: self.emit(Step::Unknown, node), path, slot: None }
    }

    pub(super) fn is_this(&self, node: Node<'_>) -> bool {
        let text = self.text_of(node);
        self.shape(node) == Shape::This
            || (text == "self" && self.now.class.is_some())
            || (self.language == Language::Go && self.now.receiver == Some(text))
    }

    fn literal(&mut self, node: Node<'tree>) -> Lowering {
        let text = self.text_of(node);
        let constant = match text {
            "true" | "True" => Some(Const::Bool(true)),
            "false" | "False" => Some(Const::Bool(false)),
            _ if self.language == Language::Java && text.starts_with('\'') => {
                let inner = text.trim_matches('\'');
                Some(Const::Text(self.book.word(inner)))
            }
            _ => text.replace('_', "").trim_end_matches(['L', 'l']).parse().ok().map(Const::Int),
        };
        let value = self.plain(Step::Known(constant), node);
        self.dangerous_literal(value, text, node)
    }

    /// A literal that a rule calls a source.
    fn dangerous_literal(&mut self, value: Lowering, text: &str, node: Node<'_>) -> Lowering {
        let mut reg = value.reg;
        let set = self.set;
        for (literal, source) in &set.literals {
            let wanted =
                set.sources[*source].mask & self.active != 0 && literal.like.is_match(text);
            if wanted && !literal.unless.as_ref().is_some_and(|unless| unless.is_match(text)) {
                reg = self.emit(Step::Source { of: reg, source: *source }, node);
            }
        }
        Lowering { reg, ..value }
    }

    fn string(&mut self, node: Node<'tree>) -> Lowering {
        let mut parts = Vec::new();
        for part in self.children(node) {
            if matches!(part.kind(), "interpolation" | "template_substitution") {
                parts.extend(part.named_child(0).map(|inner| self.expression(inner).reg));
            }
        }
        let content = content_of(self.text_of(node));
        if parts.is_empty() {
            let word = self.book.word(content);
            let value = self.plain(Step::Known(Some(Const::Text(word))), node);
            return self.dangerous_literal(value, content, node);
        }
        let fixed = self.emit(Step::Known(None), node);
        let fixed = Lowering { reg: fixed, path: NOWHERE, slot: None };
        parts.push(self.dangerous_literal(fixed, content, node).reg);
        let built = self.built(parts, node);
        let word = self.book.word(content);
        if let Some(Step::Text { begins, .. }) = self.now.function.steps.last_mut() {
            *begins = Some(word);
        }
        built
    }

    /// A string put together, which may be a sink by its looks.
    pub(super) fn built(&mut self, parts: Vec<Reg>, node: Node<'tree>) -> Lowering {
        let texts = &self.set.texts;
        let matches = |sink: &&usize| {
            let regex = self.set.sinks[**sink].text.as_ref();
            regex.is_some_and(|regex| regex.is_match(self.text_of(node))) && self.fits(**sink, node)
        };
        let sinks: Vec<usize> = texts.iter().filter(matches).copied().collect();
        let text = self.text_of(node);
        let set = self.set;
        let sources = set.text_sources.iter().filter(|(regex, source)| {
            set.sources[*source].mask & self.active != 0 && regex.is_match(text)
        });
        let sources = sources.map(|(_, source)| *source).collect();
        self.plain(Step::Text { parts, sinks, sources, begins: None }, node)
    }

    fn union(&mut self, node: Node<'tree>, is_text: bool) -> Lowering {
        let children = self.children(node);
        let parts: Vec<Reg> = children.iter().map(|child| self.expression(*child).reg).collect();
        if is_text {
            return self.built(parts, node);
        }
        if parts.is_empty() {
            let step = match node.kind() {
                "list" | "array" => Step::Known(Some(Const::EmptyList)),
                "dictionary" | "object" | "tuple" => Step::Known(None),
                _ => Step::Unknown,
            };
            return self.plain(step, node);
        }
        self.plain(Step::Union(parts), node)
    }

    /// The value of a pair; the key is only looked at.
    fn last_child(&mut self, node: Node<'tree>) -> Lowering {
        let children = self.children(node);
        match children.split_last() {
            Some((last, before)) => {
                for child in before {
                    if self.shape(*child) != Shape::Name {
                        self.expression(*child);
                    }
                }
                self.expression(*last)
            }
            None => self.plain(Step::Unknown, node),
        }
    }

    pub(super) fn member_parts(&self, node: Node<'tree>) -> Option<(Node<'tree>, Node<'tree>)> {
        let object = [Child::Object, Child::Operand, Child::Value];
        let object = object.iter().find_map(|child| self.child(node, *child))?;
        let field = [Child::Property, Child::Attribute, Child::Field];
        let field = field.iter().find_map(|child| self.child(node, *child))?;
        Some((object, field))
    }

    fn member(&mut self, node: Node<'tree>) -> Lowering {
        let Some((object, field)) = self.member_parts(node) else { return self.union(node, false) };
        let name = self.word_of(field);
        let base = self.expression(object);
        let path = match self.fields.get(&name).copied() {
            Some(class) if self.is_this(object) => self.book.rooted(name, class),
            _ => self.book.extend(base.path, name),
        };
        let is_constant = known::is_constant_name(self.text_of(field));
        let step = match base.slot {
            Some(slot) => Step::GetPart { slot, key: Key::Named(name) },
            None if self.is_this(object) || is_constant => Step::Global(name),
            None => Step::Part(base.reg),
        };
        let reg = self.emit(step, node);
        self.sourced(Lowering { reg, path, slot: None }, node)
    }

    /// The word in a literal key.
    pub(super) fn key_of(&mut self, node: Node<'tree>) -> Option<Sym> {
        match self.shape(node) {
            Shape::Text if !has_substitution(node) => {
                let content = content_of(self.text_of(node));
                Some(self.book.word(content))
            }
            Shape::Literal => Some(self.word_of(node)),
            _ => None,
        }
    }

    pub(super) fn index_parts(&self, node: Node<'tree>) -> Option<(Node<'tree>, Node<'tree>)> {
        let object = node.named_child(0)?;
        let last = u32::try_from(node.named_child_count()).unwrap_or(0).checked_sub(1)?;
        let index = self.child(node, Child::Index).or_else(|| self.child(node, Child::Subscript));
        Some((object, index.or_else(|| node.named_child(last))?))
    }

    fn index(&mut self, node: Node<'tree>) -> Lowering {
        let Some((object, index)) = self.index_parts(node) else { return self.union(node, false) };
        let base = self.expression(object);
        let key = self.key_of(index);
        if key.is_none() {
            self.expression(index);
        }
        let step = match base.slot {
            Some(slot) => Step::GetPart { slot, key: key.map_or(Key::Any, Key::Named) },
            None => Step::Part(base.reg),
        };
        let reg = self.emit(step, node);
        // `request["args"]` is what `request.args` is.
        let path = match key {
            Some(key) if base.path != NOWHERE => self.book.extend(base.path, key),
            _ => NOWHERE,
        };
        self.sourced(Lowering { reg, path, slot: None }, node)
    }

    fn attribute(&mut self, node: Node<'tree>) -> Lowering {
        let Some(name) = node.named_child(0) else { return self.plain(Step::Unknown, node) };
        let Some(value) = node.named_child(1) else { return self.plain(Step::Known(None), node) };
        let value = self.expression(value);
        let root = self.book.dotted("jsx");
        let name = self.word_of(name);
        let path = self.book.extend(root, name);
        self.assign_sinks(path, value.reg, node);
        self.plain(Step::Known(None), node)
    }

    fn comprehension(&mut self, node: Node<'tree>) -> Lowering {
        self.scoped(|own| {
            let children = own.children(node);
            for clause in children.iter().skip(1) {
                match clause.kind() {
                    "for_in_clause" => own.iteration(*clause),
                    "if_clause" => {
                        if let Some(condition) = clause.named_child(0) {
                            let (yes, _) = own.branch(condition);
                            own.enter(yes);
                        }
                    }
                    _ => {}
                }
            }
            match children.first() {
                Some(body) => own.expression(*body),
                None => own.plain(Step::Unknown, node),
            }
        })
    }
}

pub(super) fn has_substitution(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    let mut parts = node.named_children(&mut cursor);
    parts.any(|part| matches!(part.kind(), "interpolation" | "template_substitution"))
}

/// What stands between a string's quotes.
pub(super) fn content_of(text: &str) -> &str {
    let start = text.find(['"', '\'', '`']).unwrap_or(0);
    let (prefix, quoted) = text.split_at(start);
    if prefix.len() > 3 {
        return text;
    }
    let quoted = quoted.trim_end_matches('#');
    for quote in ["\"\"\"", "'''", "\"", "'", "`"] {
        if let Some(inner) = quoted.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}
