//! Expressions: what a value is made of.

use domain::Language;
use tree_sitter::Node;

use super::{Lowerer, Lowering, known};
use crate::taint::{
    book::{NOWHERE, ROOT},
    ir::{Const, End, Key, Operator, Reg, Step, Sym},
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
        self.sourced(Lowering { reg, path, slot }, node)
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
            let known = matches!(node.kind(), "list" | "dictionary" | "array" | "object" | "tuple");
            let step = if known { Step::Known(None) } else { Step::Unknown };
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
        let path = self.book.extend(base.path, name);
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

    fn binary(&mut self, node: Node<'tree>) -> Lowering {
        // Long sums lean to the left: their operands are collected without recursion.
        let mut spine = vec![node];
        while let Some(left) = spine.last().and_then(|last| self.child(*last, Child::Left)) {
            if self.shape(left) != Shape::Binary {
                break;
            }
            spine.push(left);
        }
        let mut is_text = false;
        let mut parts: Vec<Reg> = Vec::new();
        for (depth, part) in spine.iter().rev().enumerate() {
            if depth == 0 {
                let left = self.child(*part, Child::Left).or_else(|| part.named_child(0));
                if let Some(left) = left {
                    is_text |= self.is_text(left);
                    parts.push(self.expression(left).reg);
                }
            }
            let Some(right) = self.child(*part, Child::Right) else { continue };
            is_text |= self.is_text(right);
            let right = self.expression(right).reg;
            let operator = self.operator(*part);
            let left = parts.pop().unwrap_or(right);
            let reg = match operator {
                Some(operator) => self.emit(Step::Calculate { operator, left, right }, *part),
                None => self.emit(Step::Union(vec![left, right]), *part),
            };
            parts.push(reg);
        }
        if is_text && self.set.reads_texts() {
            return self.built(parts, node);
        }
        match parts.pop() {
            Some(reg) => Lowering { reg, path: NOWHERE, slot: None },
            None => self.plain(Step::Unknown, node),
        }
    }

    fn is_text(&self, node: Node<'_>) -> bool {
        matches!(self.shape(node), Shape::Text | Shape::Concatenated)
    }

    pub(super) fn operator(&self, node: Node<'tree>) -> Option<Operator> {
        let operator = self.child(node, Child::Operator)?;
        Some(match self.text_of(operator) {
            "+" => Operator::Add,
            "-" => Operator::Subtract,
            "*" => Operator::Multiply,
            "/" => Operator::Divide,
            "%" => Operator::Remainder,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "==" | "===" => Operator::Equal,
            "!=" | "!==" => Operator::NotEqual,
            "&&" | "and" => Operator::And,
            "||" | "or" => Operator::Or,
            "in" | "instanceof" => Operator::Test,
            _ => return None,
        })
    }

    fn comparison(&mut self, node: Node<'tree>) -> Lowering {
        let children = self.children(node);
        let regs: Vec<Reg> = children.iter().map(|child| self.expression(*child).reg).collect();
        let (Some(left), Some(right)) = (regs.first(), regs.get(1)) else {
            return self.plain(Step::Unknown, node);
        };
        let known = if regs.len() == 2 { self.comparison_operator(node) } else { Operator::Test };
        self.plain(Step::Calculate { operator: known, left: *left, right: *right }, node)
    }

    /// What stands between the two operands of a Python comparison.
    pub(super) fn comparison_operator(&self, node: Node<'tree>) -> Operator {
        let between = node.child(1).map_or("", |operator| self.text_of(operator));
        match between {
            "==" | "is" => Operator::Equal,
            "!=" | "is not" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            _ => Operator::Test,
        }
    }

    fn negation(&mut self, node: Node<'tree>) -> Lowering {
        match self.child(node, Child::Argument).or_else(|| node.named_child(0)) {
            Some(inner) => {
                let value = self.expression(inner).reg;
                self.plain(Step::Not(value), node)
            }
            None => self.plain(Step::Unknown, node),
        }
    }

    fn unary(&mut self, node: Node<'tree>) -> Lowering {
        match self.text_of(node).as_bytes().first() {
            Some(b'!') => self.negation(node),
            Some(b't') => {
                // `typeof x`: one of a few words.
                self.union(node, false);
                self.plain(Step::Known(None), node)
            }
            _ => match node.named_child(0) {
                Some(inner) => {
                    let value = self.expression(inner);
                    // A reference is known by the name of what it refers to.
                    Lowering { reg: value.reg, ..value }
                }
                None => self.plain(Step::Unknown, node),
            },
        }
    }

    fn ternary(&mut self, node: Node<'tree>) -> Lowering {
        let by_field = (
            self.child(node, Child::Condition),
            self.child(node, Child::Consequence),
            self.child(node, Child::Alternative),
        );
        let parts = match by_field {
            (Some(condition), Some(yes), Some(no)) => Some((condition, yes, no)),
            // Python: `yes if condition else no`.
            _ => match (node.named_child(1), node.named_child(0), node.named_child(2)) {
                (Some(condition), Some(yes), Some(no)) => Some((condition, yes, no)),
                _ => None,
            },
        };
        let Some((condition, yes, no)) = parts else { return self.union(node, false) };
        let slot = self.new_slot();
        let (on_yes, on_no) = self.branch(condition);
        let after = self.new_block();
        for (block, value) in [(on_yes, yes), (on_no, no)] {
            self.enter(block);
            let value = self.expression(value).reg;
            self.emit(Step::Store { slot, value }, node);
            self.close(End::Goto(after));
        }
        self.enter(after);
        self.plain(Step::Load(slot), node)
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
