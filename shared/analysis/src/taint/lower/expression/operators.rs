//! Operators, and what is known when their operands are.

use domain::Language;
use tree_sitter::Node;

use super::{Lowerer, Lowering};
use crate::taint::{
    book::NOWHERE,
    ir::{Const, End, Operator, Reg, Step},
    shape::{Child, Shape},
};

impl<'tree> Lowerer<'_, 'tree> {
    pub(super) fn binary(&mut self, node: Node<'tree>) -> Lowering {
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
        let mut path = NOWHERE;
        for (depth, part) in spine.iter().rev().enumerate() {
            if depth == 0 {
                let left = self.child(*part, Child::Left).or_else(|| part.named_child(0));
                if let Some(left) = left {
                    is_text |= self.is_text(left);
                    let left = self.expression(left);
                    parts.push(left.reg);
                    // Python: a path divided by a name is a path.
                    if self.language == Language::Python
                        && self.operator(*part) == Some(Operator::Divide)
                    {
                        path = left.path;
                    }
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
            Some(reg) => Lowering { reg, path, slot: None },
            None => self.plain(Step::Unknown, node),
        }
    }

    pub(super) fn is_text(&self, node: Node<'_>) -> bool {
        matches!(self.shape(node), Shape::Text | Shape::Concatenated)
    }

    pub(in crate::taint::lower) fn operator(&self, node: Node<'tree>) -> Option<Operator> {
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

    pub(super) fn comparison(&mut self, node: Node<'tree>) -> Lowering {
        let children = self.children(node);
        let regs: Vec<Reg> = children.iter().map(|child| self.expression(*child).reg).collect();
        let (Some(left), Some(right)) = (regs.first(), regs.get(1)) else {
            return self.plain(Step::Unknown, node);
        };
        let known = if regs.len() == 2 { self.comparison_operator(node) } else { Operator::Test };
        let value =
            self.plain(Step::Calculate { operator: known, left: *left, right: *right }, node);
        match known == Operator::Within && !self.is_between(node, "in") {
            true => self.plain(Step::Not(value.reg), node),
            false => value,
        }
    }

    pub(in crate::taint::lower) fn is_between(&self, node: Node<'_>, words: &str) -> bool {
        node.child(1).is_some_and(|operator| self.text_of(operator) == words)
    }

    /// What stands between the two operands of a Python comparison.
    pub(in crate::taint::lower) fn comparison_operator(&self, node: Node<'tree>) -> Operator {
        let between = node.child(1).map_or("", |operator| self.text_of(operator));
        match between {
            "==" | "is" => Operator::Equal,
            "!=" | "is not" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "in" | "not in" => Operator::Within,
            _ => Operator::Test,
        }
    }

    pub(super) fn negation(&mut self, node: Node<'tree>) -> Lowering {
        match self.child(node, Child::Argument).or_else(|| node.named_child(0)) {
            Some(inner) => {
                let value = self.expression(inner).reg;
                self.plain(Step::Not(value), node)
            }
            None => self.plain(Step::Unknown, node),
        }
    }

    pub(super) fn unary(&mut self, node: Node<'tree>) -> Lowering {
        match self.text_of(node).as_bytes().first() {
            Some(b'!') => self.negation(node),
            Some(b't') => {
                // `typeof x`: one of a few words.
                self.union(node, false);
                self.plain(Step::Known(None), node)
            }
            // A number, whatever it was made of.
            Some(b'+') => {
                self.union(node, false);
                self.plain(Step::Known(None), node)
            }
            Some(b'-') => match node.named_child(0) {
                Some(inner) => {
                    let left = self.emit(Step::Known(Some(Const::Int(0))), node);
                    let right = self.expression(inner).reg;
                    let operator = Operator::Subtract;
                    self.plain(Step::Calculate { operator, left, right }, node)
                }
                None => self.plain(Step::Unknown, node),
            },
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

    pub(super) fn ternary(&mut self, node: Node<'tree>) -> Lowering {
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
}
