//! Blocks, `let`, `if`, and what leaves a function.

use tree_sitter::Node;

use super::{Local, Lowering, children, line, types::Ty, value::Value};
use crate::{emit::Emit, ir::Stmt};

/// Ends of several branches: what each does, and the value it has.
pub(super) type Ends = Vec<(Vec<Stmt>, Value)>;

impl<'a> Lowering<'a> {
    /// The value of a block, in a scope of its own.
    pub(super) fn block_value(&mut self, block: Node<'a>, hint: Option<&Ty>) -> Value {
        let label = children(block).into_iter().find(|it| it.kind() == "label");
        if let Some(label) = label {
            let name = self.text(label);
            return self.left_by_break(block, Some(name), |own| own.plain_block(block, hint));
        }
        self.plain_block(block, hint)
    }

    fn plain_block(&mut self, block: Node<'a>, hint: Option<&Ty>) -> Value {
        self.scoped(|own| {
            let mut last = Value::unit();
            let statements = children(block);
            let count = statements.len();
            for (at, statement) in statements.into_iter().enumerate() {
                let is_end = at + 1 == count;
                let value = own.statement(statement, hint.filter(|_| is_end), is_end);
                if value.is_never() {
                    // What follows is never run, and may say nothing of types.
                    return value;
                }
                last = value;
            }
            last
        })
    }

    fn statement(&mut self, node: Node<'a>, hint: Option<&Ty>, is_end: bool) -> Value {
        match node.kind() {
            "let_declaration" => self.declaration(node),
            "expression_statement" => {
                let Some(inner) = children(node).into_iter().next() else { return Value::unit() };
                let ends = self.text(node).ends_with(';');
                let value = self.expr(inner, if ends { None } else { hint });
                if value.is_never() || (is_end && !ends) {
                    return value;
                }
                if ends && is_end {
                    self.may_not_return(inner);
                }
                Value::unit()
            }
            "const_item" => {
                self.local_constant(node);
                Value::unit()
            }
            "attribute_item" if self.text(node).contains("cfg") => {
                self.failed = Some("code that only some builds have is not lowered".to_owned());
                Value::unit()
            }
            "label"
            | "attribute_item"
            | "inner_attribute_item"
            | "empty_statement"
            | "function_item"
            | "struct_item"
            | "enum_item"
            | "impl_item"
            | "use_declaration"
            | "type_item"
            | "static_item"
            | "macro_definition"
            | "trait_item"
            | "mod_item"
            | "extern_crate_declaration"
            | "union_item" => Value::unit(),
            _ => {
                let value = self.expr(node, hint);
                if is_end && !value.is_never() {
                    self.may_not_return(node);
                }
                value
            }
        }
    }

    /// A call of other code at the end of a branch may be there because it does not come back.
    pub(super) fn may_not_return(&mut self, node: Node<'a>) {
        let is_path = node.kind() == "call_expression"
            && node
                .child_by_field_name("function")
                .is_some_and(|it| matches!(it.kind(), "identifier" | "scoped_identifier"));
        if is_path && self.branches > 0 && !self.is_known_call(node) {
            let returns = self.opaque(&Ty::Bool, "whether a call comes back").leaf();
            self.block.push(Stmt::If(
                returns,
                Vec::new(),
                vec![Stmt::Throw(super::PANIC.to_owned())],
            ));
        }
    }

    fn local_constant(&mut self, node: Node<'a>) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.text(name)) else {
            return;
        };
        let own = self.body.own.as_deref();
        let known = self.items.constant_item(node, &self.body.module, own, 0);
        let local = match known {
            Some((value, ty)) => {
                let vars = self.variables(name, &ty);
                let value = super::expr::folded(value, ty.clone());
                self.assign(&vars, value.leaves);
                Local { ty, vars, mutable: false, learns: None }
            }
            None => Local { ty: Ty::Unknown, vars: Vec::new(), mutable: false, learns: None },
        };
        self.declare(name, local);
    }

    fn declaration(&mut self, node: Node<'a>) -> Value {
        let Some(pattern) = node.child_by_field_name("pattern") else { return Value::unit() };
        let declared = node.child_by_field_name("type").filter(|ty| !self.text(*ty).contains('_'));
        let declared = declared.map(|ty| self.body.names(self.items).of(ty));
        let partly = node.child_by_field_name("type").map(|ty| self.body.names(self.items).of(ty));
        let hint = declared.clone().or_else(|| {
            let learnt = self.infer.before.types.get(&pattern.start_byte()).cloned();
            partly.or(learnt)
        });
        let Some(given) = node.child_by_field_name("value") else {
            // It is set later, once.
            let name = self.text(pattern);
            if pattern.kind() == "identifier" {
                let learns = declared.is_none().then(|| pattern.start_byte());
                let ty = declared.unwrap_or_else(|| self.learnt(pattern.start_byte(), &Ty::Never));
                let vars = self.variables(name, &ty);
                self.forget(&ty, &vars, "a variable that is not set yet");
                self.declare(name, Local { ty, vars, mutable: true, learns });
            }
            return Value::unit();
        };
        let mut value = self.expr(given, hint.as_ref());
        if value.is_never() {
            return value;
        }
        if let Some(ty) = &declared {
            value = self.coerced(value, ty);
        }
        if let Some(other) = node.child_by_field_name("alternative") {
            let kept = self.keep(value);
            let fits = self.test(pattern, &kept);
            let (otherwise, _) = self.caught(|own| own.block_value(other, None));
            self.block.push(Stmt::If(fits, Vec::new(), otherwise));
            self.bind(pattern, &kept);
            return Value::unit();
        }
        let mutable = children(node).iter().any(|it| it.kind() == "mutable_specifier");
        if pattern.kind() == "identifier" {
            let at = declared.is_none().then(|| pattern.start_byte());
            self.bind_name(self.text(pattern), value, mutable, at);
        } else {
            let kept = self.keep(value);
            self.bind(pattern, &kept);
        }
        Value::unit()
    }

    /// A new local with a value; `learns` if its type is that of all it gets.
    pub(super) fn bind_name(
        &mut self,
        name: &'a str,
        value: Value,
        mutable: bool,
        learns: Option<usize>,
    ) {
        let ty = match learns {
            Some(place) => self.learnt(place, &value.ty.clone()),
            None => value.ty.clone(),
        };
        let vars = self.variables(name, &ty);
        self.put(&ty, &vars, value);
        let mutable = mutable || ty.lends();
        self.declare(name, Local { ty, vars, mutable, learns });
    }

    /// Brings the values of branches to one type and gives back the variables that hold it.
    pub(super) fn settled(&mut self, ends: Ends, hint: Option<&Ty>) -> (Vec<Vec<Stmt>>, Value) {
        let mut ty = Ty::Never;
        for (_, value) in &ends {
            ty = self.join(&ty, &value.ty);
        }
        if let Some(hint) = hint.filter(|hint| **hint != Ty::Unknown && ty != Ty::Never) {
            self.unify(&ty, hint);
            ty = if hint.count() > 0 && !matches!(ty, Ty::Unknown) { ty } else { hint.clone() };
        }
        let vars = self.variables("", &ty);
        let blocks = ends.into_iter().map(|(block, value)| {
            if value.is_never() {
                return block;
            }
            let outer = std::mem::replace(&mut self.block, block);
            self.put(&ty, &vars, value);
            std::mem::replace(&mut self.block, outer)
        });
        let blocks = blocks.collect();
        (blocks, Value::of(ty.clone(), &vars))
    }

    pub(super) fn if_value(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let (Some(condition), Some(yes)) =
            (node.child_by_field_name("condition"), node.child_by_field_name("consequence"))
        else {
            return Value::unknown();
        };
        let no = node.child_by_field_name("alternative").and_then(|it| it.named_child(0));
        let otherwise = |own: &mut Self| match no {
            Some(no) => own.expr(no, hint),
            None => Value::unit(),
        };
        if matches!(condition.kind(), "let_condition" | "let_chain") {
            return self.if_let(condition, yes, hint, otherwise);
        }
        let asked = self.condition(condition);
        let first = self.caught(|own| own.block_value(yes, hint));
        let second = self.caught(otherwise);
        let (mut blocks, value) = self.settled(vec![first, second], hint);
        let (no, yes) = (blocks.pop().unwrap_or_default(), blocks.pop().unwrap_or_default());
        self.block.push(Stmt::If(asked, yes, no));
        value
    }

    fn if_let(
        &mut self,
        condition: Node<'a>,
        yes: Node<'a>,
        hint: Option<&Ty>,
        otherwise: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let (end, no) = (self.label(), self.label());
        let first = self.caught(|own| {
            own.scoped(|own| {
                own.held(condition, no);
                own.block_value(yes, hint)
            })
        });
        let second = self.caught(otherwise);
        let (mut blocks, value) = self.settled(vec![first, second], hint);
        let other = blocks.pop().unwrap_or_default();
        let mut taken = blocks.pop().unwrap_or_default();
        taken.push(Stmt::Break(end));
        let mut whole = vec![Stmt::Scope(no, taken)];
        whole.extend(other);
        self.block.push(Stmt::Scope(end, whole));
        value
    }

    /// Goes on, with what the patterns bind, only if the condition holds; breaks to `no` if not.
    pub(super) fn held(&mut self, condition: Node<'a>, no: u32) {
        match condition.kind() {
            "let_chain" => {
                for part in children(condition) {
                    self.held(part, no);
                }
            }
            "let_condition" => {
                let (Some(pattern), Some(value)) = (
                    condition.child_by_field_name("pattern"),
                    condition.child_by_field_name("value"),
                ) else {
                    return;
                };
                let value = self.scrutinee(value, &[pattern]);
                let fits = self.test(pattern, &value);
                self.block.push(Stmt::If(fits, Vec::new(), vec![Stmt::Break(no)]));
                self.bind(pattern, &value);
            }
            _ => {
                let asked = self.condition(condition);
                self.block.push(Stmt::If(asked, Vec::new(), vec![Stmt::Break(no)]));
            }
        }
    }

    /// The line where Rust says that a call on something panicked: that of the method's name.
    pub(super) fn line_of(&self, node: Node<'_>) -> u32 {
        let function = node.child_by_field_name("function");
        let field = function.and_then(|it| it.child_by_field_name("field"));
        line(field.unwrap_or(node))
    }
}
