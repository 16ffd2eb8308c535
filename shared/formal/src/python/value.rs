//! Values as expressions of the IR, and how they are kept, chosen and forgotten.

use super::{Local, Lowering};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, IntType, Read, Slots, Source, Stmt, Tag, Type, Var},
};

/// Whoever believes an annotation may fail where it does not hold.
const NOT_AS_ANNOTATED: &str = "a value that is not of the annotated type";

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Of a type that is known, with what it is: nothing of interest for None and objects.
    One(Tag, Expr),
    Any(Slots),
}

impl Value {
    pub(super) fn none() -> Self {
        Self::One(Tag::None, Expr::Null)
    }

    pub(super) fn object() -> Self {
        Self::One(Tag::Object, Expr::Null)
    }

    pub(super) fn bool(value: Expr) -> Self {
        Self::One(Tag::Bool, value)
    }

    pub(super) fn int(value: Expr) -> Self {
        Self::One(Tag::Int, value)
    }

    pub(super) fn tag(&self) -> Option<Tag> {
        match self {
            Self::One(tag, _) => Some(*tag),
            Self::Any(_) => None,
        }
    }

    /// Whether it is of this type.
    pub(super) fn is(&self, tag: Tag) -> Expr {
        match self {
            Self::One(own, _) => Expr::Bool(*own == tag),
            Self::Any(slots) => Expr::cmp(Cmp::Eq, Expr::Var(slots.tag), Expr::Int(tag.number())),
        }
    }

    /// Whether it is a string, a tuple or a list.
    pub(super) fn is_sequence(&self) -> Expr {
        match self {
            Self::One(own, _) => Expr::Bool(own.is_sequence()),
            Self::Any(slots) => {
                let first = Expr::Int(Tag::Str.number());
                Expr::cmp(Cmp::Le, first, Expr::Var(slots.tag))
            }
        }
    }

    /// What it is if it is of this type.
    pub(super) fn as_type(&self, tag: Tag) -> Expr {
        match self {
            Self::One(_, value) => value.clone(),
            Self::Any(slots) => Expr::Var(slot(*slots, tag)),
        }
    }

    pub(super) fn as_sequence(&self) -> Expr {
        self.as_type(Tag::List)
    }
}

/// What a condition is, if it can be said at once.
pub(super) fn known(condition: &Expr) -> Option<bool> {
    if let Expr::Bool(value) = condition { Some(*value) } else { None }
}

/// Both, with what can be said at once already said.
pub(super) fn both(one: Expr, two: Expr) -> Expr {
    match (one, two) {
        (Expr::Bool(false), _) | (_, Expr::Bool(false)) => Expr::Bool(false),
        (Expr::Bool(true), other) | (other, Expr::Bool(true)) => other,
        (one, two) => one.and(two),
    }
}

pub(super) fn either(one: Expr, two: Expr) -> Expr {
    match (one, two) {
        (Expr::Bool(true), _) | (_, Expr::Bool(true)) => Expr::Bool(true),
        (Expr::Bool(false), other) | (other, Expr::Bool(false)) => other,
        (one, two) => one.or(two),
    }
}

pub(super) fn slot_type(tag: Tag) -> Type {
    match tag {
        Tag::Bool => Type::Bool,
        Tag::Int => Type::Int(IntType::UNBOUNDED),
        Tag::Float => Type::Float { single: false },
        Tag::Object | Tag::None | Tag::Str | Tag::Tuple | Tag::List => Type::Ref,
    }
}

fn slot(slots: Slots, tag: Tag) -> Var {
    match tag {
        Tag::Bool => slots.bool,
        Tag::Int => slots.int,
        Tag::Float => slots.float,
        Tag::Object | Tag::None | Tag::Str | Tag::Tuple | Tag::List => slots.sequence,
    }
}

impl Lowering<'_> {
    /// A value of which nothing is known.
    pub(super) fn any(&mut self, reason: &str) -> Value {
        let slots = self.slots("");
        self.forget_slots(slots, reason);
        Value::Any(slots)
    }

    /// A value that is read out of another one, and is as known as that.
    pub(super) fn any_within(&mut self, of: Var) -> Value {
        let slots = self.slots("");
        self.read_slots(slots, Source::Within(of));
        Value::Any(slots)
    }

    /// A value of this type of which nothing else is known.
    pub(super) fn some(&mut self, tag: Tag, reason: &str) -> Value {
        self.read(tag, Read { nullable: false, ..Read::opaque(reason) })
    }

    pub(super) fn read(&mut self, tag: Tag, read: Read) -> Value {
        if matches!(tag, Tag::None | Tag::Object) {
            return Value::One(tag, Expr::Null);
        }
        let var = self.variable("", slot_type(tag));
        self.read_into(var, read);
        Value::One(tag, Expr::Var(var))
    }

    pub(super) fn forget_slots(&mut self, slots: Slots, reason: &str) {
        self.read_slots(slots, Source::Opaque(reason.to_owned()));
    }

    fn read_slots(&mut self, slots: Slots, source: Source) {
        let last = Tag::ALL.len() as i128 - 1;
        for var in [slots.bool, slots.int, slots.float, slots.sequence] {
            let read = Read { source: source.clone(), nullable: false, ..Read::opaque("") };
            self.read_into(var, read);
        }
        let read = Read { source, range: Some((0, last)), ..Read::opaque("") };
        self.read_into(slots.tag, read);
    }

    pub(super) fn put(&mut self, to: Slots, value: &Value) {
        match value {
            Value::One(tag, value) => {
                self.block.push(Stmt::Assign(to.tag, Expr::Int(tag.number())));
                if !matches!(tag, Tag::None | Tag::Object) {
                    self.block.push(Stmt::Assign(slot(to, *tag), value.clone()));
                }
            }
            Value::Any(from) => {
                let pairs = [
                    (to.tag, from.tag),
                    (to.bool, from.bool),
                    (to.int, from.int),
                    (to.float, from.float),
                    (to.sequence, from.sequence),
                ];
                for (to, from) in pairs.into_iter().filter(|(to, from)| to != from) {
                    self.block.push(Stmt::Assign(to, Expr::Var(from)));
                }
            }
        }
    }

    /// Into a variable of one type; what is of another type becomes unknown.
    pub(super) fn put_one(&mut self, to: Var, tag: Tag, value: &Value) {
        let opaque = Read { nullable: false, ..Read::opaque("a value of another type") };
        match value {
            Value::One(own, value) if *own == tag => {
                if !matches!(tag, Tag::None | Tag::Object) {
                    self.block.push(Stmt::Assign(to, value.clone()));
                }
            }
            Value::One(..) => {
                self.may_raise(NOT_AS_ANNOTATED);
                self.read_into(to, opaque);
            }
            Value::Any(_) => {
                let (is, value) = (value.is(tag), value.as_type(tag));
                self.branch(
                    is,
                    |own| own.block.push(Stmt::Assign(to, value)),
                    |own| {
                        own.may_raise(NOT_AS_ANNOTATED);
                        own.read_into(to, opaque);
                    },
                );
            }
        }
    }

    pub(super) fn store_name(&mut self, name: &str, value: &Value) {
        match self.locals.get(name).copied() {
            Some(Local::One(tag, var)) => self.put_one(var, tag, value),
            Some(Local::Any(slots)) => self.put(slots, value),
            // A global of the module: every read of it is unknown anyway.
            None => {}
        }
    }

    /// Keeps a value that is computed now and used later, whatever happens to its parts.
    pub(super) fn keep(&mut self, value: Value) -> Value {
        match value {
            Value::One(tag, value) => {
                let constant =
                    matches!(value, Expr::Int(_) | Expr::Bool(_) | Expr::Float(_) | Expr::Null);
                if constant {
                    return Value::One(tag, value);
                }
                let var = self.variable("", slot_type(tag));
                self.block.push(Stmt::Assign(var, value));
                Value::One(tag, Expr::Var(var))
            }
            Value::Any(_) => {
                let slots = self.slots("");
                self.put(slots, &value);
                Value::Any(slots)
            }
        }
    }

    /// A sequence as a variable, so that what is read from it knows where it came from.
    pub(super) fn named(&mut self, sequence: Expr) -> Var {
        if let Expr::Var(var) = sequence {
            return var;
        }
        let var = self.variable("", Type::Ref);
        self.block.push(Stmt::Assign(var, sequence));
        var
    }

    /// Leaves a value where whoever called looks for it.
    pub(super) fn leave_result(&mut self, value: &Value) {
        let is_promised =
            |tag, promised| tag == promised || (tag, promised) == (Tag::Bool, Tag::Int);
        if let (Some(promised), Some(tag)) = (self.returns, value.tag())
            && !is_promised(tag, promised)
        {
            self.may_raise(NOT_AS_ANNOTATED);
        }
        self.put(self.result, value);
    }

    /// Somebody else ran who may hold any list and make it longer or shorter.
    pub(super) fn forget_lists(&mut self, reason: &str) {
        let mut locals: Vec<Local> = self.locals.values().copied().collect();
        locals.sort_by_key(|local| match local {
            Local::One(_, var) => *var,
            Local::Any(slots) => slots.tag,
        });
        let read = Read { nullable: false, ..Read::opaque(reason) };
        for local in locals {
            match local {
                Local::One(Tag::List, var) => self.read_into(var, read.clone()),
                Local::One(..) => {}
                Local::Any(slots) => {
                    let is_list = Value::Any(slots).is(Tag::List);
                    let read = read.clone();
                    self.branch(is_list, |own| own.read_into(slots.sequence, read), |_| {});
                }
            }
        }
    }
}
