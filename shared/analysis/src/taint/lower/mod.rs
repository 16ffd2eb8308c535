//! From syntax trees to the flow of values.
//!
//! Functions are lowered one after the other; those that are written where a value is expected
//! become a part of the function around them, as a region that may run.

mod call;
mod declare;
mod expression;
mod guard;
mod known;
mod roles;
mod statement;
mod target;

use std::collections::{HashMap, HashSet, VecDeque};

use domain::Language;
use tree_sitter::Node;

use super::{
    book::{Book, NOWHERE, PathId, ROOT},
    ir::{Block, BlockId, Checked, Const, End, Function, FunctionName, Reg, Slot, Span, Step, Sym},
    pattern::Hits,
    set::{Mask, TaintSet},
    shape::{Child, Shape, Shapes},
};
use guard::Facts;
pub(super) use known::is_constant_name;

/// Constructs inside one another that are told apart; what is deeper is one value.
const DEPTH_MAX: u32 = 150;

/// Steps of one file. Most files have fewer than ten thousand.
const STEPS_MAX: usize = 300_000;

/// The file as functions over values.
pub(super) struct Lowered<'a> {
    pub(super) functions: Vec<Function>,
    pub(super) by_name: HashMap<FunctionName, usize>,
    pub(super) book: Book<'a>,
    /// Names that are assigned once in the file, with what is written there.
    pub(super) constants: HashMap<Sym, Const>,
    /// Something is nested more deeply than is told apart.
    pub(super) too_deep: bool,
    pub(super) too_long: bool,
}

/// An expression that was lowered.
#[derive(Debug, Clone, Copy)]
struct Lowering {
    reg: Reg,
    path: PathId,
    slot: Option<Slot>,
}

/// A function whose turn comes later.
struct Pending<'tree> {
    node: Node<'tree>,
    name: Option<Sym>,
    class: Option<Sym>,
    decorators: Vec<Node<'tree>>,
}

#[derive(Debug, Clone, Default)]
struct SlotInfo {
    /// Another path under which the value is known.
    alias: PathId,
    /// The variable that this one was computed from, whole and by one call.
    derived: Option<Slot>,
    /// What it says of other variables, when it holds the outcome of a check.
    facts: Facts,
    /// It is a path or address in the one form that can be compared.
    settled: bool,
    /// Its values stand under two keys each.
    sectioned: bool,
}

/// The function under construction.
#[derive(Default)]
struct Building<'a> {
    function: Function,
    block: BlockId,
    layers: Vec<HashMap<Sym, Slot>>,
    slots: Vec<SlotInfo>,
    /// Where `break` and `continue` go.
    loops: Vec<(BlockId, BlockId)>,
    /// Where `return` goes inside regions: the variable and the block after the region.
    returns: Vec<(Slot, BlockId)>,
    class: Option<Sym>,
    is_module: bool,
    return_sinks: Vec<usize>,
    /// Where statements that are values leave theirs.
    tail: Option<Slot>,
    /// What Go calls the object that a method belongs to.
    receiver: Option<&'a str>,
    /// What each `return` says of the parameters.
    answers: Vec<Vec<(u16, Mask)>>,
}

pub(super) struct Lowerer<'a, 'tree> {
    language: Language,
    text: &'a str,
    shapes: &'static Shapes,
    set: &'a TaintSet,
    active: Mask,
    hits: &'a Hits,
    book: Book<'a>,
    functions: Vec<Function>,
    by_name: HashMap<FunctionName, usize>,
    queue: VecDeque<Pending<'tree>>,
    now: Building<'a>,
    imports: HashMap<Sym, PathId>,
    /// Java's fields with their classes; nothing where two classes of the file disagree.
    fields: HashMap<Sym, PathId>,
    /// Modules known by their own name.
    modules: HashSet<Sym>,
    constants: HashMap<Sym, Option<Const>>,
    /// Values of the bytes that patterns point at.
    focus: HashMap<(usize, usize), Reg>,
    wanted: HashSet<(usize, usize)>,
    steps: usize,
    depth: u32,
    too_deep: bool,
    too_long: bool,
}

/// Lowers the whole file; the first function is the file's own code.
pub(super) fn lower<'a, 'tree>(
    set: &'a TaintSet,
    active: Mask,
    text: &'a str,
    root: Node<'tree>,
    hits: &'a Hits,
) -> Lowered<'a> {
    let captures = hits.at.values().flatten().flat_map(|hit| &hit.captures);
    let wanted = captures.map(|(_, bytes)| (bytes.start, bytes.end)).collect();
    let mut lowerer = Lowerer {
        language: set.language,
        text,
        shapes: Shapes::of(set.language),
        set,
        active,
        hits,
        book: Book::new(set, active),
        functions: Vec::new(),
        by_name: HashMap::new(),
        queue: VecDeque::new(),
        now: Building::default(),
        imports: HashMap::new(),
        fields: HashMap::new(),
        modules: HashSet::new(),
        constants: HashMap::new(),
        focus: HashMap::new(),
        wanted,
        steps: 0,
        depth: 0,
        too_deep: false,
        too_long: false,
    };
    lowerer.module(root);
    while let Some(pending) = lowerer.queue.pop_front() {
        lowerer.function(&pending);
    }
    let constants = lowerer.constants.into_iter();
    Lowered {
        functions: lowerer.functions,
        by_name: lowerer.by_name,
        book: lowerer.book,
        constants: constants.filter_map(|(name, value)| Some((name, value?))).collect(),
        too_deep: lowerer.too_deep,
        too_long: lowerer.too_long,
    }
}

impl<'a, 'tree> Lowerer<'a, 'tree> {
    fn module(&mut self, root: Node<'tree>) {
        self.now = Building { is_module: true, ..Building::default() };
        self.begin();
        self.statement(root);
        self.end_function(None);
    }

    fn begin(&mut self) {
        self.now.layers.push(HashMap::new());
        let first = self.new_block();
        self.enter(first);
    }

    fn end_function(&mut self, name: Option<FunctionName>) {
        self.close(End::Return(None));
        let mut function = std::mem::take(&mut self.now).function;
        function.name = name;
        let is_method = name.is_some_and(|name| name.class.is_some());
        let steps = || function.steps.iter().filter(|_| is_method);
        let reads = steps().any(|step| matches!(step, Step::Global(_)));
        let writes = steps().any(|step| matches!(step, Step::StoreGlobal { .. }));
        (function.reads_fields, function.writes_fields) = (reads, writes);
        if let Some(name) = name {
            self.by_name.entry(name).or_insert(self.functions.len());
        }
        self.functions.push(function);
    }

    fn text_of(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn word_of(&mut self, node: Node<'_>) -> Sym {
        let text = self.text_of(node);
        self.book.word(text)
    }

    fn shape(&self, node: Node<'_>) -> Shape {
        self.shapes.shape(node.kind_id())
    }

    fn child(&self, node: Node<'tree>, child: Child) -> Option<Node<'tree>> {
        match self.shapes.field(child) {
            0 => None,
            id => node.child_by_field_id(id),
        }
    }

    fn children(&self, node: Node<'tree>) -> Vec<Node<'tree>> {
        let mut cursor = node.walk();
        let named = node.named_children(&mut cursor);
        named.filter(|child| !child.is_extra()).collect()
    }

    fn children_of(&self, node: Node<'tree>, child: Child) -> Vec<Node<'tree>> {
        let Some(id) = std::num::NonZeroU16::new(self.shapes.field(child)) else {
            return Vec::new();
        };
        let mut cursor = node.walk();
        node.children_by_field_id(id, &mut cursor).collect()
    }

    fn span(node: Node<'_>) -> Span {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: place(node.start_byte()), end: place(node.end_byte()) }
    }

    fn emit(&mut self, step: Step, node: Node<'_>) -> Reg {
        self.steps += 1;
        self.too_long |= self.steps > STEPS_MAX;
        let function = &mut self.now.function;
        function.steps.push(step);
        function.spans.push(Self::span(node));
        u32::try_from(function.steps.len() - 1).unwrap_or(0)
    }

    fn plain(&mut self, step: Step, node: Node<'_>) -> Lowering {
        Lowering { reg: self.emit(step, node), path: NOWHERE, slot: None }
    }

    fn new_block(&mut self) -> BlockId {
        let blocks = &mut self.now.function.blocks;
        blocks.push(Block { first: 0, last: 0, end: End::Stop, checked: Vec::new() });
        u32::try_from(blocks.len() - 1).unwrap_or(0)
    }

    fn block_with(&mut self, checked: Vec<Checked>) -> BlockId {
        let block = self.new_block();
        self.now.function.blocks[block as usize].checked = checked;
        block
    }

    fn here(&self) -> u32 {
        u32::try_from(self.now.function.steps.len()).unwrap_or(u32::MAX)
    }

    /// Further steps belong to `block`.
    fn enter(&mut self, block: BlockId) {
        let first = self.here();
        self.now.function.blocks[block as usize].first = first;
        self.now.block = block;
    }

    fn close(&mut self, end: End) {
        let last = self.here();
        let block = &mut self.now.function.blocks[self.now.block as usize];
        block.last = last;
        block.end = end;
    }

    /// Ends the present block and goes on in `next`.
    fn goto(&mut self, next: BlockId) {
        self.close(End::Goto(next));
        self.enter(next);
    }

    /// What follows is never reached.
    fn dead(&mut self, end: End) {
        self.close(end);
        let nowhere = self.new_block();
        self.enter(nowhere);
    }

    fn new_slot(&mut self) -> Slot {
        self.now.slots.push(SlotInfo::default());
        self.now.function.slots += 1;
        self.now.function.slots - 1
    }

    fn lookup(&self, name: Sym) -> Option<Slot> {
        self.now.layers.iter().rev().find_map(|layer| layer.get(&name).copied())
    }

    /// A variable of the innermost scope.
    fn declare(&mut self, name: Sym) -> Slot {
        let slot = self.new_slot();
        if let Some(layer) = self.now.layers.last_mut() {
            layer.insert(name, slot);
        }
        slot
    }

    fn scoped<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.now.layers.push(HashMap::new());
        let done = work(self);
        self.now.layers.pop();
        done
    }

    /// Runs `work` unless it would be too deep or too much.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.too_long {
            return None;
        }
        if self.depth >= DEPTH_MAX {
            self.too_deep = true;
            return None;
        }
        self.depth += 1;
        let done = work(self);
        self.depth -= 1;
        Some(done)
    }

    fn path_of_name(&mut self, name: Sym) -> (PathId, Option<Slot>) {
        let slot = self.lookup(name);
        let alias = match slot {
            Some(slot) => self.now.slots[slot as usize].alias,
            None => {
                let known = self.imports.get(&name).or_else(|| self.fields.get(&name));
                known.copied().unwrap_or(ROOT)
            }
        };
        (self.book.rooted(name, alias), slot)
    }
}
