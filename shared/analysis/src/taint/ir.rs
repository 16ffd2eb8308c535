//! What a function does with values: a control-flow graph of small steps.
//!
//! Steps are in the order of evaluation, each names its operands by the index of an earlier
//! step. Whatever a grammar offers that is not modelled becomes [`Step::Union`] of its parts.

use super::set::Mask;

/// Index of a step, and so of its value.
pub(super) type Reg = u32;
/// A local variable.
pub(super) type Slot = u32;
pub(super) type BlockId = u32;
/// An interned word.
pub(super) type Sym = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn bytes(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Const {
    Int(i64),
    Bool(bool),
    Text(Sym),
    /// A list that was just made.
    EmptyList,
}

/// Operators whose result can be computed, or is harmless whatever the operands are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    And,
    Or,
    /// Membership: whether the left one is in the right one.
    Within,
    /// Type tests and the like: a truth value of unknown outcome.
    Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Named(Sym),
    /// A key of a section.
    Under(Sym, Sym),
    /// Not known which.
    Any,
}

#[derive(Debug)]
pub(super) enum Step {
    /// Written down in the code.
    Known(Option<Const>),
    /// From somewhere that is not looked at.
    Unknown,
    Parameter(u16),
    Load(Slot),
    Store {
        slot: Slot,
        value: Reg,
    },
    /// A name that is not a local variable.
    Global(Sym),
    StoreGlobal {
        name: Sym,
        value: Reg,
    },
    GetPart {
        slot: Slot,
        key: Key,
    },
    SetPart {
        slot: Slot,
        key: Key,
        value: Reg,
    },
    /// A member or element of a value that is no variable.
    Part(Reg),
    Union(Vec<Reg>),
    /// A string put together; the sinks are those its fixed parts look like.
    Text {
        parts: Vec<Reg>,
        sinks: Vec<usize>,
        sources: Vec<usize>,
        begins: Option<Sym>,
    },
    Calculate {
        operator: Operator,
        left: Reg,
        right: Reg,
    },
    Not(Reg),
    Source {
        of: Reg,
        source: usize,
    },
    Clean {
        of: Reg,
        mask: Mask,
    },
    Call(Box<Call>),
    /// A value that is assigned or returned where a rule watches.
    Sink {
        value: Reg,
        sinks: Vec<usize>,
    },
}

impl Step {
    pub(super) fn sinks(&self) -> Vec<usize> {
        if let Self::Call(call) = self {
            return call.sinks.iter().map(|used| used.sink).collect();
        }
        if let Self::Sink { sinks, .. } | Self::Text { sinks, .. } = self {
            return sinks.clone();
        }
        Vec::new()
    }
}

#[derive(Debug, Default)]
pub(super) struct Call {
    /// The last part of what is called.
    pub(super) name: Sym,
    /// What stands before the dot, or the called value itself.
    pub(super) receiver: Option<Operand>,
    pub(super) arguments: Vec<Argument>,
    /// The function of this file that it is, if there is one of this name.
    pub(super) function: Option<FunctionName>,
    pub(super) sinks: Vec<SinkUse>,
    pub(super) clean: Mask,
    pub(super) carries: Vec<(Mask, super::rule::Port, super::rule::Port)>,
    /// The result has nothing to do with the operands' text: a number, a truth value, a record.
    pub(super) harmless: bool,
    /// The result is made of the operands alone, as a formatted text is.
    pub(super) pure: bool,
    /// The receiver takes in its arguments, as in `list.append(value)`.
    pub(super) absorbs: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    pub(super) reg: Reg,
    /// The variable, when it is one.
    pub(super) slot: Option<Slot>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Argument {
    pub(super) operand: Operand,
    pub(super) keyword: Option<Sym>,
    /// `*list`: may stand for any position.
    pub(super) spread: bool,
}

/// A sink of a call, with the values of it that matter.
#[derive(Debug)]
pub(super) struct SinkUse {
    pub(super) sink: usize,
    pub(super) inputs: Vec<Reg>,
}

#[derive(Debug)]
pub(super) enum End {
    Goto(BlockId),
    Branch {
        condition: Reg,
        yes: BlockId,
        no: BlockId,
    },
    /// One of several that cannot be told apart, such as handlers.
    Any(Vec<BlockId>),
    Return(Option<Reg>),
    Stop,
}

/// A variable, or one part of it, that a condition has found harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) slot: Slot,
    pub(super) key: Option<Key>,
    pub(super) mask: Mask,
    pub(super) trust: Trust,
}

/// What the check is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    Always,
    /// Nothing, if strangers wrote what was compared with.
    Against(Reg),
    /// What this function of the file says of this argument.
    Function(FunctionName, u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FunctionName {
    pub(super) class: Option<Sym>,
    pub(super) name: Sym,
}

#[derive(Debug)]
pub(super) struct Block {
    /// Its steps are `first..end`.
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) end: End,
    /// Harmless from the beginning of this block on.
    pub(super) checked: Vec<Checked>,
}

#[derive(Debug)]
pub(super) struct ParameterSlot {
    pub(super) name: Sym,
    pub(super) slot: Slot,
}

#[derive(Debug, Default)]
pub(super) struct Function {
    pub(super) name: Option<FunctionName>,
    pub(super) parameters: Vec<ParameterSlot>,
    pub(super) steps: Vec<Step>,
    pub(super) spans: Vec<Span>,
    pub(super) blocks: Vec<Block>,
    pub(super) slots: u32,
    /// Parameters that are harmless where the result is true.
    pub(super) vouches: Vec<(u16, Mask)>,
    /// A method that reads fields of its object, or other variables of the file.
    pub(super) reads_fields: bool,
    /// A method that writes such fields.
    pub(super) writes_fields: bool,
}
