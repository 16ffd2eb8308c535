//! Indexes and slices of Python: an index may count from the end.

use tree_sitter::Node;

use super::{
    EXCEPTION, Lowering, children, line,
    value::{Value, both, known},
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, IntOp, Read, Source, Stmt, Tag, Type},
};

impl Lowering<'_> {
    pub(super) fn subscript(&mut self, node: Node<'_>) -> Value {
        let Some(of) = node.child_by_field_name("value") else { return self.opaque(node) };
        let sequence = self.expr(of);
        let sequence = self.keep_if_bound(sequence, node);
        self.none_check(&sequence, of, "TypeError");
        let mut cursor = node.walk();
        let indexes: Vec<Node<'_>> =
            node.children_by_field_name("subscript", &mut cursor).collect();
        let [index] = indexes.as_slice() else {
            for index in indexes {
                self.expr(index);
            }
            return self.any("an element of an object");
        };
        if index.kind() == "slice" {
            self.may_raise("a slice");
            for bound in children(*index) {
                self.expr(bound);
            }
            return match sequence {
                Value::One(tag, _) if tag.is_sequence() => self.some(tag, "a slice"),
                Value::One(..) | Value::Any(_) => self.any("a slice"),
            };
        }
        let index = self.index(*index);
        let exact = sequence.tag().is_some_and(Tag::is_sequence) && index.tag() == Some(Tag::Int);
        if !exact {
            self.may_raise("an element of an object");
        }
        self.index_check(&sequence, &index, node);
        let at = index.tag().filter(|tag| *tag == Tag::Int).map(|tag| index.as_type(tag));
        self.element(&sequence, of, at)
    }

    /// What stands in the brackets: a boolean counts as the number that it is.
    fn index(&mut self, node: Node<'_>) -> Value {
        match self.expr(node) {
            Value::One(Tag::Bool, value) => Value::int(self.as_int((Tag::Bool, value))),
            other @ (Value::One(..) | Value::Any(_)) => other,
        }
    }

    /// Whether the index is none of the sequence's, from either end.
    pub(super) fn index_check(&mut self, sequence: &Value, index: &Value, at: Node<'_>) {
        if matches!(sequence, Value::One(tag, _) if !tag.is_sequence()) {
            return;
        }
        let is_indexed = both(sequence.is_sequence(), index.is(Tag::Int));
        let (of, index) = (sequence.as_sequence(), index.as_type(Tag::Int));
        let violation = match known(&is_indexed) {
            Some(true) => outside(of, index),
            Some(false) => return,
            None => {
                let fails = self.variable("", Type::Bool);
                self.branch(
                    is_indexed,
                    |own| own.block.push(Stmt::Assign(fails, outside(of, index))),
                    |own| {
                        // A mapping may lack the key; that is another error.
                        let unknown = own.unknown_truth("an element of an object");
                        own.block.push(Stmt::Assign(fails, unknown));
                    },
                );
                Expr::Var(fails)
            }
        };
        self.check(CheckKind::IndexOutOfBounds, line(at), violation, "IndexError");
    }

    /// An element: as known as the sequence that it is in, or as the code shows it.
    pub(super) fn element(&mut self, sequence: &Value, of: Node<'_>, at: Option<Expr>) -> Value {
        match sequence {
            Value::One(Tag::Str, _) => {
                Value::One(Tag::Str, Expr::New(Some(Box::new(Expr::Int(1)))))
            }
            Value::One(tag, own) if tag.is_sequence() => {
                let var = self.named(own.clone());
                match self.types.element(self.text(of)) {
                    Some(element) => {
                        let source = Source::Within(var);
                        let read = Read { source, nullable: false, ..Read::opaque("") };
                        let value = self.read(element, read);
                        self.written(value, self.text(of), at)
                    }
                    None => self.any_within(var),
                }
            }
            Value::One(..) => self.any("an element of an object"),
            Value::Any(slots) => self.any_within(slots.sequence),
        }
    }

    /// Which of the elements that the code shows it is, by its index.
    fn written(&mut self, value: Value, name: &str, at: Option<Expr>) -> Value {
        let display = self.types.display(name).to_vec();
        let (Some(at), Value::One(tag, Expr::Var(var))) = (at, &value) else { return value };
        let at = self.keep(Value::int(at)).as_type(Tag::Int);
        let count = i128::try_from(display.len()).unwrap_or(0);
        for (place, element) in (0..).zip(display) {
            let is = |place| Expr::cmp(Cmp::Eq, at.clone(), Expr::Int(place));
            let here = is(place).or(is(place - count));
            self.block.push(Stmt::If(here, vec![Stmt::Assign(*var, element)], Vec::new()));
        }
        Value::One(*tag, Expr::Var(*var))
    }

    /// `xs[i] = value`; a slice may change the length.
    pub(super) fn store_element(&mut self, target: Node<'_>) {
        let Some(of) = target.child_by_field_name("value") else { return };
        let sequence = self.expr(of);
        self.none_check(&sequence, of, "TypeError");
        let mut cursor = target.walk();
        let mut is_slice = false;
        let indexes: Vec<Node<'_>> =
            target.children_by_field_name("subscript", &mut cursor).collect();
        if matches!(sequence.tag(), Some(Tag::Str | Tag::Tuple)) {
            // They cannot be changed.
            self.block.push(Stmt::Throw(format!("{EXCEPTION}TypeError")));
            return;
        }
        self.may_raise("an assignment to an element");
        for index in indexes {
            is_slice |= index.kind() == "slice";
            let value = self.index(index);
            if !is_slice {
                self.index_check(&sequence, &value, target);
            }
        }
        if is_slice || sequence.tag() != Some(Tag::List) {
            self.forget_lists("an assignment to an element");
        }
    }
}

fn outside(sequence: Expr, index: Expr) -> Expr {
    let length = Expr::Len(Box::new(sequence));
    let least = Expr::int2(IntOp::Sub, Expr::Int(0), length.clone());
    let below = Expr::cmp(Cmp::Lt, index.clone(), least);
    below.or(Expr::cmp(Cmp::Le, length, index))
}
