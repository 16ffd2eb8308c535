//! Calls: which function it is, what goes in, and what the rules say of it.

use domain::Language;
use tree_sitter::Node;

use super::{Lowerer, Lowering, expression::content_of, known};
use crate::taint::{
    book::{NOWHERE, PathId, ROOT},
    ir::{Argument, Call, Const, End, FunctionName, Key, Operand, Reg, SinkUse, Slot, Step, Sym},
    set::Mask,
    shape::{Child, Shape},
};

/// What is called, and on what.
pub(super) struct Callee {
    path: PathId,
    name: Sym,
    receiver: Option<Operand>,
    function: Option<FunctionName>,
}

impl<'a, 'tree> Lowerer<'a, 'tree> {
    pub(super) fn call(&mut self, node: Node<'tree>) -> Lowering {
        if let Some(module) = self.required(node) {
            let reg = self.emit(Step::Unknown, node);
            return Lowering { reg, path: module, slot: None };
        }
        let Some(callee) = self.callee(node) else { return self.plain(Step::Unknown, node) };
        let list = self.child(node, Child::Arguments).or_else(|| self.token_tree(node));
        self.invoke(node, callee, list)
    }

    pub(super) fn creation(&mut self, node: Node<'tree>) -> Lowering {
        let made = self.child(node, Child::Constructor).or_else(|| self.child(node, Child::Type));
        let Some(made) = made else { return self.plain(Step::Unknown, node) };
        let path = match self.shape(made) {
            Shape::Member | Shape::Name => self.expression(made).path,
            _ => self.type_path(made),
        };
        let name = self.book.last(path);
        let callee = Callee { path, name, receiver: None, function: None };
        let list = self.child(node, Child::Arguments);
        let is_plain = list.is_some_and(|list| list.named_child_count() == 0)
            && !self.children(node).iter().any(|part| part.kind() == "class_body");
        if is_plain && known::makes_list(self.book.text(name)) {
            let reg = self.emit(Step::Known(Some(Const::EmptyList)), node);
            return Lowering { reg, path, slot: None };
        }
        let made = self.invoke(node, callee, list);
        for body in self.children(node).into_iter().filter(|part| part.kind() == "class_body") {
            self.statement(body);
        }
        // What a class makes is known by the name of the class.
        Lowering { path, ..made }
    }

    /// The tokens of a Rust macro, which are not parsed.
    fn token_tree(&self, node: Node<'tree>) -> Option<Node<'tree>> {
        self.children(node).into_iter().find(|part| part.kind() == "token_tree")
    }

    /// The module that `require("module")` or `import("module")` gives.
    fn required(&mut self, node: Node<'tree>) -> Option<PathId> {
        let function = self.child(node, Child::Function)?;
        if !matches!(self.language, Language::JavaScript | Language::TypeScript | Language::Tsx)
            || !matches!(self.text_of(function), "require" | "import")
        {
            return None;
        }
        let argument = self.child(node, Child::Arguments)?.named_child(0)?;
        (self.shape(argument) == Shape::Text && !super::expression::has_substitution(argument))
            .then(|| {
                let module = super::expression::content_of(self.text_of(argument));
                self.book.dotted_by(module.trim_start_matches("node:"), "/")
            })
    }

    fn callee(&mut self, node: Node<'tree>) -> Option<Callee> {
        // Java names object and method in the call itself.
        if self.language == Language::Java {
            let name = self.child(node, Child::Name)?;
            return Some(match self.child(node, Child::Object) {
                Some(object) => self.method(object, name),
                None => self.bare(name),
            });
        }
        let function =
            self.child(node, Child::Function).or_else(|| self.child(node, Child::Macro))?;
        Some(match self.shape(function) {
            Shape::Name => self.bare(function),
            Shape::Member => {
                let (object, field) = self.member_parts(function)?;
                self.method(object, field)
            }
            _ => {
                let value = self.expression(function);
                let receiver = Some(Operand { reg: value.reg, slot: value.slot });
                let name = self.book.last(value.path);
                Callee { path: value.path, name, receiver, function: None }
            }
        })
    }

    fn bare(&mut self, node: Node<'tree>) -> Callee {
        let text = self.text_of(node);
        let name = self.book.word(text);
        let (path, slot) = match text.contains("::") {
            true => (self.book.dotted_by(text, "::"), None),
            false => self.path_of_name(name),
        };
        let receiver = slot.map(|slot| {
            let reg = self.emit(Step::Load(slot), node);
            Operand { reg, slot: None }
        });
        let class = if self.language == Language::Java { self.now.class } else { None };
        let function = Some(FunctionName { class, name });
        Callee { path, name: self.book.last(path), receiver, function }
    }

    fn method(&mut self, object: Node<'tree>, field: Node<'tree>) -> Callee {
        let name = self.word_of(field);
        let on_this = self.is_this(object);
        let mut base = self.expression(object);
        let is_package = self.language == Language::Go && base.slot.is_none();
        if is_package && self.shape(object) == Shape::Name {
            // A name that no function declares is a package nearly always.
            base.reg = self.emit(Step::Known(None), object);
        }
        let path = self.book.extend(base.path, name);
        let class = if on_this { self.now.class } else { self.class_of(base.path) };
        let function = class.map(|class| FunctionName { class: Some(class), name });
        let receiver = Some(Operand { reg: base.reg, slot: base.slot });
        Callee { path, name, receiver, function }
    }

    /// The class that a value belongs to, as far as its name says.
    fn class_of(&self, path: PathId) -> Option<Sym> {
        match self.book.alias(path) {
            ROOT if self.book.parent(path) == ROOT && path != NOWHERE => Some(self.book.last(path)),
            ROOT => None,
            alias => Some(self.book.last(alias)),
        }
    }

    fn invoke(&mut self, node: Node<'tree>, callee: Callee, list: Option<Node<'tree>>) -> Lowering {
        let nodes = match list {
            // A tagged template gets its parts one by one, and quotes them itself.
            Some(list) if self.shape(list) == Shape::Text => Vec::new(),
            Some(list) if self.shape(list) == Shape::Comprehension => vec![list],
            Some(list) => self.children(list),
            None => Vec::new(),
        };
        let arguments = self.arguments(&nodes, callee.receiver);
        let roles = self.book.roles(callee.path).clone();
        let name = self.book.text(callee.name);
        let sinks = self.sink_uses(&roles.sinks, node, &callee, &arguments);
        if sinks.is_empty()
            && let Some(value) = self.container(node, name, &callee, &nodes, &arguments)
        {
            return self.sourced(Lowering { path: callee.path, ..value }, node);
        }
        let step = Step::Call(Box::new(Call {
            name: callee.name,
            pure: known::is_pure(name),
            receiver: callee.receiver,
            arguments: arguments.clone(),
            function: callee.function,
            sinks,
            clean: roles.clean | self.replaced(name, &nodes),
            carries: roles.carries,
            harmless: known::is_harmless(self.language, name),
            absorbs: known::absorbs(name),
        }));
        let mut reg = self.emit(step, node);
        // Where it is put into something, it can be read from there, too.
        if known::puts(name) {
            self.container(node, name, &callee, &nodes, &arguments);
        }
        for source in roles.sources {
            reg = self.emit(Step::Source { of: reg, source }, node);
        }
        if known::formats(name) && self.set.reads_texts() {
            let written =
                |part: &Node<'_>| matches!(self.shape(*part), Shape::Text | Shape::Concatenated);
            let literal = nodes.iter().any(written);
            let on_literal = self.literal_receiver(node);
            if literal || on_literal {
                reg = self.built(vec![reg], node).reg;
            }
        }
        let path = self.book.extend(callee.path, self.book.call);
        Lowering { reg, path, slot: None }
    }

    /// Rules that fear nothing from a text in which what is written here was replaced.
    fn replaced(&self, name: &str, nodes: &[Node<'tree>]) -> Mask {
        let everywhere = match name {
            "replaceAll" | "ReplaceAll" => true,
            "replace" => self.language == Language::Python || self.language == Language::Java,
            "sub" => false,
            _ => return 0,
        };
        let refused = &self.set.refused;
        let by = |node: &Node<'tree>| {
            let text = self.text_of(*node);
            match (node.kind(), self.shape(*node)) {
                ("regex", _) => {
                    let (pattern, flags) = text.rsplit_once('/').unwrap_or((text, ""));
                    let is_all = flags.contains('g') || pattern.starts_with("/^");
                    if is_all { refused.replaced_by_regex(pattern) } else { 0 }
                }
                (_, Shape::Text)
                    if name == "sub" || name == "replaceAll" && self.language == Language::Java =>
                {
                    refused.replaced_by_regex(content_of(text))
                }
                (_, Shape::Text) if everywhere => refused.replaced(content_of(text)),
                _ => 0,
            }
        };
        // Go: `strings.ReplaceAll(text, "\n", "")`.
        let looked_at = if self.language == Language::Go { nodes.get(1) } else { nodes.first() };
        looked_at.map_or(0, by)
    }

    fn literal_receiver(&self, node: Node<'tree>) -> bool {
        let function = self.child(node, Child::Function);
        let object = function.and_then(|function| self.member_parts(function).map(|(one, _)| one));
        let object = object.or_else(|| self.child(node, Child::Object));
        object.is_some_and(|object| matches!(self.shape(object), Shape::Text | Shape::Concatenated))
    }

    fn arguments(&mut self, nodes: &[Node<'tree>], receiver: Option<Operand>) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for node in nodes {
            let mut value = *node;
            let mut keyword = None;
            if self.shape(value) == Shape::Keyword {
                keyword = self.child(value, Child::Name).map(|name| self.word_of(name));
                match self.child(value, Child::Value) {
                    Some(inner) => value = inner,
                    None => continue,
                }
            }
            let spread = matches!(
                value.kind(),
                "spread_element" | "list_splat" | "dictionary_splat" | "variadic_argument"
            );
            let lowered = match self.shape(value) {
                Shape::Closure => self.closure(value, receiver.map(|receiver| receiver.reg)),
                _ => self.expression(value),
            };
            let operand = Operand { reg: lowered.reg, slot: lowered.slot };
            arguments.push(Argument { operand, keyword, spread });
        }
        arguments
    }

    fn sink_uses(
        &self,
        sinks: &[usize],
        node: Node<'tree>,
        callee: &Callee,
        arguments: &[Argument],
    ) -> Vec<SinkUse> {
        let mut uses = Vec::new();
        for sink in sinks.iter().filter(|sink| self.fits(**sink, node)) {
            let wanted = &self.set.sinks[*sink].inputs;
            let any = wanted.arguments.is_empty() && wanted.keywords.is_empty() && !wanted.receiver;
            let mut inputs: Vec<Reg> = Vec::new();
            let mut position = 0;
            for argument in arguments {
                let by_place = match argument.keyword {
                    Some(name) => wanted.keywords.iter().any(|one| one == self.book.text(name)),
                    None if argument.spread => wanted.arguments.iter().any(|at| *at >= position),
                    None => wanted.arguments.contains(&position),
                };
                if any || by_place {
                    inputs.push(argument.operand.reg);
                }
                position += usize::from(argument.keyword.is_none());
            }
            if wanted.receiver {
                inputs.extend(callee.receiver.map(|receiver| receiver.reg));
            }
            uses.push(SinkUse { sink: *sink, inputs });
        }
        uses
    }

    /// Reading and writing a variable that holds others under constant keys.
    fn container(
        &mut self,
        node: Node<'tree>,
        name: &str,
        callee: &Callee,
        nodes: &[Node<'tree>],
        arguments: &[Argument],
    ) -> Option<Lowering> {
        let slot: Slot = callee.receiver?.slot?;
        nodes.first()?;
        // The number of an element that is taken out: those behind it move up.
        if name == "pop" && self.shape(nodes[0]) == Shape::Literal {
            return None;
        }
        let key = self.key_of(*nodes.first()?)?;
        if let Some(inner) = nodes.get(1).and_then(|node| self.key_of(*node))
            && let Some(found) = self.in_section(node, slot, name, [key, inner], arguments)
        {
            return Some(found);
        }
        match (arguments.len(), name) {
            (2, name) if known::puts(name) => {
                let value = arguments[1].operand.reg;
                self.emit(Step::SetPart { slot, key: Key::Named(key), value }, node);
                Some(self.plain(Step::Known(None), node))
            }
            (1 | 2, name) if known::gets(name) => {
                Some(self.plain(Step::GetPart { slot, key: Key::Named(key) }, node))
            }
            _ => None,
        }
    }

    /// `set(section, key, value)` and `get(section, key)` of a variable that has sections.
    fn in_section(
        &mut self,
        node: Node<'tree>,
        slot: Slot,
        name: &str,
        [section, key]: [Sym; 2],
        arguments: &[Argument],
    ) -> Option<Lowering> {
        let key = Key::Under(section, key);
        match (arguments.len(), name) {
            (3, "set") => {
                self.now.slots[slot as usize].sectioned = true;
                let value = arguments[2].operand.reg;
                self.emit(Step::SetPart { slot, key, value }, node);
                Some(self.plain(Step::Known(None), node))
            }
            (2, "get") if self.now.slots[slot as usize].sectioned => {
                Some(self.plain(Step::GetPart { slot, key }, node))
            }
            _ => None,
        }
    }

    /// A function as a value: a region that may run, now or later, and its result.
    pub(super) fn closure(&mut self, node: Node<'tree>, given: Option<Reg>) -> Lowering {
        if self.now.is_module && self.language != Language::Python {
            self.defer(node, None);
            return self.plain(Step::Unknown, node);
        }
        let (body, after) = (self.new_block(), self.new_block());
        let result = self.new_slot();
        self.close(End::Any(vec![body, after]));
        self.enter(body);
        self.now.returns.push((result, after));
        let loops = std::mem::take(&mut self.now.loops);
        self.scoped(|own| {
            own.closure_parameters(node, given);
            if let Some(code) = own.child(node, Child::Body) {
                match own.shape(code) {
                    Shape::Block => own.statement(code),
                    _ => {
                        let value = own.expression(code).reg;
                        own.emit(Step::Store { slot: result, value }, code);
                    }
                }
            }
        });
        self.now.loops = loops;
        self.now.returns.pop();
        self.goto(after);
        self.plain(Step::Load(result), node)
    }
}
