//! Assignments: where values are put.

mod declarations;

use domain::Language;
use tree_sitter::Node;

use super::{Lowerer, Lowering, SlotInfo, guard::Facts, known};
use crate::taint::{
    book::{NOWHERE, PathId, ROOT},
    ir::{Const, Key, Operator, Slot, Step, Sym},
    shape::{Child, Shape},
};

impl<'tree> Lowerer<'_, 'tree> {
    pub(super) fn assignment(&mut self, node: Node<'tree>) -> Lowering {
        if matches!(node.kind(), "update_expression" | "inc_statement" | "dec_statement") {
            return self.counted(node);
        }
        let left = self.child(node, Child::Left).or_else(|| self.child(node, Child::Name));
        let right = self.child(node, Child::Right).or_else(|| self.child(node, Child::Value));
        let (Some(left), Some(right)) = (left, right) else {
            // `name: str`, which only declares.
            return self.plain(Step::Unknown, node);
        };
        let operator = self.child(node, Child::Operator).map_or("", |one| self.text_of(one));
        let adds = self.shape(node) == Shape::AugmentedAssign
            || (operator.ends_with('=') && !matches!(operator, "=" | ":=" | "=="));
        if adds {
            return self.augmented(node, left, right);
        }
        let declares = node.kind() == "short_var_declaration"
            || (self.language == Language::Python && node.kind() == "assignment")
            || node.kind() == "named_expression";
        if self.language == Language::Go {
            return self.go_assignment(node, left, right, declares);
        }
        if self.language != Language::Python
            && self.now.is_module
            && matches!(self.shape(right), Shape::Closure)
        {
            let name = self.last_name(left);
            self.defer(right, name);
            return self.plain(Step::Unknown, node);
        }
        let value = self.expression(right);
        if let (Shape::Union, Shape::Union, false) =
            (self.shape(left), self.shape(right), left.kind() == "subscript")
        {
            let (targets, values) = (self.children(left), self.children(right));
            if targets.len() == values.len() && self.is_list(left) && self.is_list(right) {
                for (target, one) in targets.into_iter().zip(values) {
                    let one = self.expression(one);
                    self.assign(target, one, declares);
                }
                return value;
            }
        }
        self.assign(left, value, declares);
        self.remember(left, right, value);
        value
    }

    fn is_list(&self, node: Node<'_>) -> bool {
        matches!(
            node.kind(),
            "pattern_list"
                | "expression_list"
                | "tuple_pattern"
                | "tuple"
                | "array_pattern"
                | "array"
        )
    }

    fn last_name(&mut self, node: Node<'tree>) -> Option<Sym> {
        let name = match self.shape(node) {
            Shape::Member => self.member_parts(node)?.1,
            _ => node,
        };
        Some(self.word_of(name))
    }

    fn augmented(&mut self, node: Node<'tree>, left: Node<'tree>, right: Node<'tree>) -> Lowering {
        let old = self.expression(left);
        let added = self.expression(right);
        let written = self.child(node, Child::Operator).map_or("+=", |one| self.text_of(one));
        let operator = match written {
            "+=" => Some(Operator::Add),
            "-=" => Some(Operator::Subtract),
            "*=" => Some(Operator::Multiply),
            _ => None,
        };
        let step = match operator {
            Some(operator) => Step::Calculate { operator, left: old.reg, right: added.reg },
            None => Step::Union(vec![old.reg, added.reg]),
        };
        let sum = self.plain(step, node);
        let sum = if self.is_fixed_text(right) { self.built(vec![sum.reg], node) } else { sum };
        self.assign(left, sum, false);
        sum
    }

    /// `i++` and `i--`
    fn counted(&mut self, node: Node<'tree>) -> Lowering {
        let Some(target) = node.named_child(0) else { return self.plain(Step::Unknown, node) };
        let left = self.expression(target).reg;
        let right = self.emit(Step::Known(Some(Const::Int(1))), node);
        let is_less = self.text_of(node).contains("--");
        let operator = if is_less { Operator::Subtract } else { Operator::Add };
        let value = self.plain(Step::Calculate { operator, left, right }, node);
        self.assign(target, value, false);
        value
    }

    fn is_fixed_text(&self, node: Node<'tree>) -> bool {
        self.set.reads_texts()
            && (self.shape(node) == Shape::Text
                || (self.shape(node) == Shape::Binary
                    && self.text_of(node).contains(['"', '\'', '`'])))
    }

    /// Puts a value into whatever stands on the left of an assignment.
    pub(super) fn assign(&mut self, target: Node<'tree>, value: Lowering, declares: bool) {
        match self.shape(target) {
            Shape::Name => self.assign_name(target, value, declares),
            Shape::Member => self.assign_member(target, value),
            Shape::Index => self.assign_index(target, value),
            Shape::Inner => {
                if let Some(inner) = target.named_child(0) {
                    self.assign(inner, value, declares);
                }
            }
            _ => {
                self.deeper(|own| own.destructure(target, value, declares));
            }
        }
    }

    fn destructure(&mut self, target: Node<'tree>, value: Lowering, declares: bool) {
        match target.kind() {
            "shorthand_property_identifier_pattern" | "identifier_pattern" => {
                let key = self.word_of(target);
                let part = self.part_of(value, key, target);
                let slot = self.slot_for(key, declares);
                self.store(slot, part, target);
            }
            "pair_pattern" | "object_assignment_pattern" | "assignment_pattern" => {
                let key =
                    [Child::Key, Child::Left].iter().find_map(|child| self.child(target, *child));
                let inner =
                    [Child::Value, Child::Left].iter().find_map(|child| self.child(target, *child));
                let (Some(key), Some(inner)) = (key, inner) else { return };
                let by_key = target.kind() == "pair_pattern";
                let word = self.word_of(key);
                let part = if by_key { self.part_of(value, word, target) } else { value };
                let inner = match target.kind() {
                    "object_assignment_pattern" => key,
                    _ => inner,
                };
                self.assign(inner, part, declares);
            }
            _ => {
                for child in self.children(target) {
                    let is_object = target.kind() == "object_pattern";
                    let part = if is_object { value } else { self.element(value, child) };
                    self.assign(child, part, declares);
                }
            }
        }
    }

    fn element(&mut self, value: Lowering, node: Node<'tree>) -> Lowering {
        let reg = self.emit(Step::Part(value.reg), node);
        Lowering { reg, path: NOWHERE, slot: None }
    }

    fn part_of(&mut self, value: Lowering, key: Sym, node: Node<'tree>) -> Lowering {
        let step = match value.slot {
            Some(slot) => Step::GetPart { slot, key: Key::Named(key) },
            None => Step::Part(value.reg),
        };
        let reg = self.emit(step, node);
        let path = if value.path == NOWHERE { NOWHERE } else { self.book.extend(value.path, key) };
        self.sourced(Lowering { reg, path, slot: None }, node)
    }

    fn slot_for(&mut self, name: Sym, declares: bool) -> Option<Slot> {
        if declares && self.language != Language::Python {
            return Some(self.declare(name));
        }
        match self.lookup(name) {
            Some(slot) => Some(slot),
            None if declares => {
                // Python has one scope a function, whatever block the first assignment is in.
                let slot = self.new_slot();
                if let Some(layer) = self.now.layers.first_mut() {
                    layer.insert(name, slot);
                }
                Some(slot)
            }
            None => None,
        }
    }

    fn assign_name(&mut self, target: Node<'tree>, value: Lowering, declares: bool) {
        let name = self.word_of(target);
        let (path, _) = self.path_of_name(name);
        self.assign_sinks(path, value.reg, target);
        let mut slot = self.slot_for(name, declares);
        let is_global = self.now.is_module || slot.is_none();
        if slot.is_none() {
            // In this function it is what was assigned here; elsewhere, any of the assigned.
            let local = self.new_slot();
            if let Some(layer) = self.now.layers.first_mut() {
                layer.insert(name, local);
            }
            slot = Some(local);
        }
        self.store(slot, value, target);
        if is_global {
            self.emit(Step::StoreGlobal { name, value: value.reg }, target);
            self.note_constant(name, value);
        }
    }

    /// A name that is assigned once is what is written there.
    pub(super) fn note_constant(&mut self, name: Sym, value: Lowering) {
        let written = match self.now.function.steps.get(value.reg as usize) {
            // A list that all functions can fill is not the empty one.
            Some(Step::Known(Some(Const::EmptyList))) => None,
            Some(Step::Known(constant)) => *constant,
            _ => None,
        };
        let once = !self.constants.contains_key(&name);
        self.constants.insert(name, written.filter(|_| once));
    }

    fn store(&mut self, slot: Option<Slot>, value: Lowering, node: Node<'tree>) {
        let Some(slot) = slot else { return };
        // The step shows the whole statement, which says more than the name alone.
        let shown = node.parent().unwrap_or(node);
        self.emit(Step::Store { slot, value: value.reg }, shown);
        let declared = self.now.slots[slot as usize].alias;
        // A Java variable stays what it was declared as, whatever it is given later.
        let alias = match self.language {
            Language::Java if declared != ROOT => declared,
            _ if value.path == NOWHERE => ROOT,
            _ => value.path,
        };
        self.now.slots[slot as usize] = SlotInfo { alias, ..SlotInfo::default() };
    }

    /// What is known of a variable by the expression that it was given.
    fn remember(&mut self, target: Node<'tree>, from: Node<'tree>, value: Lowering) {
        if self.shape(target) != Shape::Name {
            return;
        }
        let name = self.word_of(target);
        let Some(slot) = self.lookup(name) else { return };
        let derived = value.slot.or_else(|| self.base_of(from)).filter(|base| *base != slot);
        let settled = self.is_settled(from);
        let facts = self.answers(from);
        let info = &mut self.now.slots[slot as usize];
        (info.derived, info.settled, info.facts) = (derived, settled, facts);
    }

    fn remember_facts(&mut self, target: Node<'tree>, from: Node<'tree>) {
        let name = self.word_of(target);
        let facts = self.facts(from);
        if let Some(slot) = self.lookup(name) {
            self.now.slots[slot as usize].facts = facts;
        }
    }

    fn answers(&mut self, from: Node<'tree>) -> Facts {
        match self.shape(from) {
            Shape::Binary
            | Shape::Compare
            | Shape::Not
            | Shape::Negative
            | Shape::Call
            | Shape::Inner => self.facts(from),
            _ => Facts::default(),
        }
    }

    /// The one variable that a call makes another of: `urlparse(url)`, `url.strip()`.
    fn base_of(&mut self, from: Node<'tree>) -> Option<Slot> {
        if !matches!(self.shape(from), Shape::Call | Shape::New) {
            return None;
        }
        let arguments = self.child(from, Child::Arguments)?;
        let inner = match arguments.named_child_count() {
            0 => {
                let function = self.child(from, Child::Function);
                let object = function.and_then(|function| self.member_parts(function));
                object.map(|(object, _)| object).or_else(|| self.child(from, Child::Object))?
            }
            1 => arguments.named_child(0)?,
            _ => return None,
        };
        match self.shape(inner) {
            Shape::Name => {
                let name = self.word_of(inner);
                self.lookup(name)
            }
            Shape::Call | Shape::New => self.base_of(inner),
            _ => None,
        }
    }

    /// A path or address in the one form that can be compared.
    fn is_settled(&self, from: Node<'tree>) -> bool {
        let mut at = Some(from);
        for _ in 0..4 {
            let Some(node) = at else { return false };
            let function =
                self.child(node, Child::Function).or_else(|| self.child(node, Child::Name));
            let Some(function) = function else { return false };
            let name = self.member_parts(function).map_or(function, |(_, field)| field);
            if known::settles(self.text_of(name)) {
                return true;
            }
            let object = self.member_parts(function).map(|(object, _)| object);
            at = object.or_else(|| self.child(node, Child::Object));
        }
        false
    }

    fn assign_member(&mut self, target: Node<'tree>, value: Lowering) {
        let Some((object, field)) = self.member_parts(target) else { return };
        let name = self.word_of(field);
        let base = self.expression(object);
        let path = self.book.extend(base.path, name);
        self.assign_sinks(path, value.reg, target.parent().unwrap_or(target));
        match base.slot {
            Some(slot) => {
                let key = Key::Named(name);
                self.emit(Step::SetPart { slot, key, value: value.reg }, target);
            }
            None if self.is_this(object) => {
                self.emit(Step::StoreGlobal { name, value: value.reg }, target);
                self.note_constant(name, Lowering { reg: u32::MAX, ..value });
            }
            None => {}
        }
    }

    fn assign_index(&mut self, target: Node<'tree>, value: Lowering) {
        let Some((object, index)) = self.index_parts(target) else { return };
        let base = self.expression(object);
        let key = self.key_of(index);
        if key.is_none() {
            self.expression(index);
        }
        if let Some(key) = key {
            let path = self.book.extend(base.path, key);
            self.assign_sinks(path, value.reg, target.parent().unwrap_or(target));
        }
        if let Some(slot) = base.slot {
            let key = key.map_or(Key::Any, Key::Named);
            self.emit(Step::SetPart { slot, key, value: value.reg }, target);
        }
    }

    pub(super) fn assign_sinks(&mut self, path: PathId, value: u32, node: Node<'tree>) {
        let assigns = self.book.roles(path).assigns.clone();
        let sinks: Vec<usize> = assigns.into_iter().filter(|sink| self.fits(*sink, node)).collect();
        if !sinks.is_empty() {
            self.emit(Step::Sink { value, sinks }, node);
        }
    }
}
