//! Declarations: functions with their parameters, classes, imports, types.

mod imports;

use domain::Language;
use tree_sitter::Node;

use super::{Building, Lowerer, Lowering, Pending, SlotInfo, known};
use crate::taint::{
    book::{NOWHERE, PathId, ROOT},
    ir::{Checked, FunctionName, ParameterSlot, Reg, Step, Sym, Trust},
    rule::ParameterSource,
    shape::{Child, Shape},
};

/// Converters in the routes of Flask and its like after which a value is harmless.
const ROUTE_CONVERTERS: [&str; 3] = ["int", "float", "uuid"];

/// A parameter as it is written.
struct Written<'tree> {
    name: Node<'tree>,
    whole: Node<'tree>,
    kind: Option<Node<'tree>>,
}

impl<'a, 'tree> Lowerer<'a, 'tree> {
    /// A function that is lowered on its own, later.
    pub(super) fn defer(&mut self, node: Node<'tree>, name: Option<Sym>) {
        self.deferred(node, name, Vec::new());
    }

    fn deferred(&mut self, node: Node<'tree>, name: Option<Sym>, decorators: Vec<Node<'tree>>) {
        let own = self.child(node, Child::Name).map(|name| self.word_of(name));
        let mut class = self.now.class;
        if let Some(receiver) = self.child(node, Child::Receiver) {
            // Go: the type stands in front of the method.
            let kind =
                self.children(receiver).first().and_then(|one| self.child(*one, Child::Type));
            class = kind.map(|kind| {
                let bare = self.text_of(kind).trim_start_matches('*');
                self.book.word(bare.split('[').next().unwrap_or(bare))
            });
        }
        self.queue.push_back(Pending { node, name: name.or(own), class, decorators });
    }

    pub(super) fn decorated(&mut self, node: Node<'tree>) {
        let children = self.children(node);
        let decorators: Vec<_> =
            children.iter().filter(|part| part.kind() == "decorator").copied().collect();
        for part in children {
            match self.shape(part) {
                Shape::Function => self.deferred(part, None, decorators.clone()),
                Shape::Class => self.class(part),
                _ => {}
            }
        }
    }

    pub(super) fn class(&mut self, node: Node<'tree>) {
        let name = self.child(node, Child::Name).or_else(|| self.child(node, Child::Type));
        let outer = self.now.class;
        if let Some(name) = name {
            let bare = self.text_of(name);
            let bare = bare.split('<').next().unwrap_or(bare);
            self.now.class = Some(self.book.word(bare));
        }
        let body = self.child(node, Child::Body).unwrap_or(node);
        // Fields are the file's own variables to all methods.
        let was_module = std::mem::replace(&mut self.now.is_module, true);
        self.scoped(|own| {
            for part in own.children(body) {
                match own.shape(part) {
                    Shape::Skip | Shape::Name => {}
                    _ => own.statement(part),
                }
            }
        });
        self.now.is_module = was_module;
        self.now.class = outer;
    }

    pub(super) fn field(&mut self, node: Node<'tree>) {
        if self.language == Language::Java {
            return self.declaration(node);
        }
        let name = self.child(node, Child::Name).or_else(|| self.child(node, Child::Property));
        let (Some(name), Some(value)) = (name, self.child(node, Child::Value)) else { return };
        let name = self.word_of(name);
        if self.shape(value) == Shape::Closure {
            return self.defer(value, Some(name));
        }
        let value = self.expression(value);
        self.emit(Step::StoreGlobal { name, value: value.reg }, node);
        self.note_constant(name, value);
    }

    pub(super) fn function(&mut self, pending: &Pending<'tree>) {
        let node = pending.node;
        self.now = Building { class: pending.class, ..Building::default() };
        self.now.receiver = self.receiver_name(node);
        self.begin();
        let decorators: Vec<&str> =
            pending.decorators.iter().map(|one| self.decorator(*one)).collect();
        for (wanted, sink) in &self.set.returns {
            let bit = 1 << self.set.sinks[*sink].rule;
            if self.active & bit != 0
                && decorators.iter().any(|one| wanted.iter().any(|name| name == one))
            {
                self.now.return_sinks.push(*sink);
            }
        }
        self.parameters(pending, &decorators);
        if let Some(body) = self.child(node, Child::Body) {
            match self.shape(body) {
                Shape::Block => self.statement(body),
                _ => {
                    let value = self.expression(body).reg;
                    self.note_answer(body);
                    self.dead(crate::taint::ir::End::Return(Some(value)));
                }
            }
        }
        self.vouch();
        let class = pending.class;
        self.end_function(pending.name.map(|name| FunctionName { class, name }));
    }

    fn receiver_name(&self, node: Node<'tree>) -> Option<&'a str> {
        let receiver = self.child(node, Child::Receiver)?;
        let first = *self.children(receiver).first()?;
        self.child(first, Child::Name).map(|name| self.text_of(name))
    }

    /// The last part of a decorator's name: `route` of `@app.route("/")`.
    fn decorator(&self, node: Node<'tree>) -> &'a str {
        let mut at = node.named_child(0);
        if let Some(call) = at.filter(|at| self.shape(*at) == Shape::Call) {
            at = self.child(call, Child::Function);
        }
        let text = at.map_or("", |at| self.text_of(at));
        text.rsplit('.').next().unwrap_or(text)
    }

    fn written(&self, node: Node<'tree>) -> Vec<Written<'tree>> {
        if let Some(only) = self.child(node, Child::Parameter) {
            return vec![Written { name: only, whole: only, kind: None }];
        }
        let Some(list) = self.child(node, Child::Parameters) else { return Vec::new() };
        let mut written = Vec::new();
        if self.shape(list) == Shape::Name {
            return vec![Written { name: list, whole: list, kind: None }];
        }
        for whole in self.children(list) {
            let kind = self.child(whole, Child::Type);
            let names = match self.language {
                Language::Go => self.children_of(whole, Child::Name),
                _ => {
                    let name = [Child::Name, Child::Pattern, Child::Left];
                    let name = name.iter().find_map(|child| self.child(whole, *child));
                    let inner =
                        || whole.named_child(0).filter(|_| whole.kind().starts_with("typed_"));
                    let splat =
                        || whole.named_child(0).filter(|_| whole.kind().ends_with("splat_pattern"));
                    vec![name.or_else(inner).or_else(splat).unwrap_or(whole)]
                }
            };
            written.extend(names.into_iter().map(|name| Written { name, whole, kind }));
        }
        written
    }

    fn parameters(&mut self, pending: &Pending<'tree>, decorators: &[&str]) {
        let mut written = self.written(pending.node);
        let takes_self = self.language == Language::Python
            && pending.class.is_some()
            && !decorators.contains(&"staticmethod");
        let is_self =
            |one: &Written<'_>| matches!(self.text_of(one.whole), "self" | "&self" | "&mut self");
        if takes_self && !written.is_empty() || written.first().is_some_and(is_self) {
            written.remove(0);
        }
        for (index, parameter) in written.iter().enumerate() {
            let number = u16::try_from(index).unwrap_or(u16::MAX);
            let is_number = self.converted(pending, parameter.name)
                || parameter.kind.is_some_and(|kind| known::is_number_type(self.bare_type(kind)));
            let step = if is_number { Step::Known(None) } else { Step::Parameter(number) };
            let reg = self.emit(step, parameter.name);
            let reg = match is_number {
                true => reg,
                false => self.parameter_source(reg, index, parameter, pending, decorators),
            };
            let path = parameter.kind.map_or(NOWHERE, |kind| self.type_path(kind));
            let value = Lowering { reg, path, slot: None };
            if self.shape(parameter.name) != Shape::Name {
                self.assign(parameter.name, value, true);
                let slot = self.new_slot();
                let name = self.book.word("");
                self.now.function.parameters.push(ParameterSlot { name, slot });
                continue;
            }
            let name = self.word_of(parameter.name);
            let slot = self.declare(name);
            self.emit(Step::Store { slot, value: reg }, parameter.whole);
            let alias = if path == NOWHERE { ROOT } else { path };
            self.now.slots[slot as usize] = SlotInfo { alias, ..SlotInfo::default() };
            self.now.function.parameters.push(ParameterSlot { name, slot });
        }
    }

    /// Whether the route admits nothing but a number here, as in `@app.get("/orders/<int:id>")`.
    fn converted(&self, pending: &Pending<'tree>, name: Node<'tree>) -> bool {
        let end = format!(":{}>", self.text_of(name));
        pending.decorators.iter().any(|decorator| {
            let (before, _) = self.text_of(*decorator).split_once(&end).unwrap_or_default();
            let converter = before.rsplit('<').next().unwrap_or_default();
            ROUTE_CONVERTERS.contains(&converter.split('(').next().unwrap_or_default())
        })
    }

    fn parameter_source(
        &mut self,
        mut reg: Reg,
        index: usize,
        parameter: &Written<'tree>,
        pending: &Pending<'tree>,
        decorators: &[&str],
    ) -> Reg {
        let name = self.text_of(parameter.name);
        let function = pending.name.map_or("", |name| self.book.text(name));
        let set = self.set;
        for (wanted, source) in &set.parameters {
            let within =
                |list: &[String], text: &str| list.is_empty() || list.iter().any(|one| one == text);
            let fits = set.sources[*source].mask & self.active != 0
                && within(&wanted.name, name)
                && within(&wanted.function, function)
                && (!wanted.visible || self.is_visible(pending))
                && wanted.index.is_none_or(|wanted| wanted == index)
                && !wanted.except.iter().any(|one| one == name)
                && (wanted.decorator.is_empty()
                    || decorators.iter().any(|one| within(&wanted.decorator, one)))
                && self.annotated(wanted, parameter)
                && (wanted.kind.is_empty()
                    || parameter
                        .kind
                        .is_some_and(|kind| within(&wanted.kind, self.bare_type(kind))));
            if fits {
                reg = self.emit(Step::Source { of: reg, source: *source }, parameter.whole);
            }
        }
        reg
    }

    /// Whether other files can call the function, as far as it says so itself.
    fn is_visible(&self, pending: &Pending<'tree>) -> bool {
        let node = pending.node;
        if self.shape(node) == Shape::Closure {
            return false;
        }
        let first = node.child(0).map_or("", |first| self.text_of(first));
        match self.language {
            Language::Java => !first.split_whitespace().any(|word| word == "private"),
            Language::Rust => first.starts_with("pub"),
            // Any file of the package can call it, and no word says from where it is called.
            Language::Go
            | Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx => true,
        }
    }

    fn annotated(&self, wanted: &ParameterSource, parameter: &Written<'tree>) -> bool {
        if wanted.annotation.is_empty() {
            return true;
        }
        // Annotations stand before the name; in Python, markers stand behind as the default.
        let text = self.text_of(parameter.whole);
        wanted.annotation.iter().any(|name| {
            let at = text.find(&format!("@{name}")).map(|at| at + name.len() + 1);
            at.is_some_and(|end| !text[end..].starts_with(|next: char| next.is_alphanumeric()))
        })
    }

    /// Parameters of a function that is a value: what it is called on gives them.
    pub(super) fn closure_parameters(&mut self, node: Node<'tree>, given: Option<Reg>) {
        for parameter in self.written(node) {
            let reg = match given {
                Some(given) => self.emit(Step::Part(given), parameter.name),
                None => self.emit(Step::Unknown, parameter.name),
            };
            let name = self.closure_name();
            let pending = Pending { node, name, class: None, decorators: Vec::new() };
            let reg = self.parameter_source(reg, 0, &parameter, &pending, &[]);
            let path = parameter.kind.map_or(NOWHERE, |kind| self.type_path(kind));
            self.assign(parameter.name, Lowering { reg, path, slot: None }, true);
        }
    }

    #[expect(clippy::unused_self, reason = "reads as the others do")]
    fn closure_name(&self) -> Option<Sym> {
        None
    }

    /// A type without package, pointer and arguments.
    fn bare_type(&self, node: Node<'tree>) -> &'a str {
        let text = self.text_of(node).trim_start_matches([':', ' ', '*', '&', '?']);
        let text = text.strip_prefix("mut ").unwrap_or(text);
        let end = text.find(['<', '[', '(', ' ', '|', '\n']).unwrap_or(text.len());
        &text[..end]
    }

    /// The path under which values of a type are known.
    pub(super) fn type_path(&mut self, node: Node<'tree>) -> PathId {
        let bare = self.bare_type(node);
        if bare.is_empty() {
            return NOWHERE;
        }
        // Java's packages are left out everywhere, since most code imports the name.
        let bare = match self.language {
            Language::Java => bare.rsplit('.').next().unwrap_or(bare),
            _ => bare,
        };
        self.book.dotted(bare)
    }

    /// Notes what `return condition` says of the parameters.
    pub(super) fn note_answer(&mut self, value: Node<'tree>) {
        if matches!(self.text_of(value), "false" | "False") {
            return;
        }
        let facts = self.facts(value);
        let parameters = &self.now.function.parameters;
        let sure = |one: &&Checked| one.key.is_none() && !matches!(one.trust, Trust::Function(..));
        let about = facts.yes.iter().filter(sure).filter_map(|one| {
            let index = parameters.iter().position(|parameter| parameter.slot == one.slot)?;
            Some((u16::try_from(index).ok()?, one.mask))
        });
        let answer = about.collect();
        self.now.answers.push(answer);
    }

    /// A function vouches for what all of its answers say.
    fn vouch(&mut self) {
        let answers = std::mem::take(&mut self.now.answers);
        if let Some((first, rest)) = answers.split_first() {
            let all = first.iter().filter(|one| rest.iter().all(|answer| answer.contains(one)));
            self.now.function.vouches = all.copied().collect();
        }
    }
}
