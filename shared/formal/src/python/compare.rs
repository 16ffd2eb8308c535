//! Comparisons of Python.

use tree_sitter::Node;

use super::{
    Lowering, children, line,
    value::{Value, both, either},
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, Read, Stmt, Tag, Type},
};

impl Lowering<'_> {
    /// `a < b <= c`, each operand computed once.
    pub(super) fn comparison(&mut self, node: Node<'_>) -> Value {
        let operands = children(node);
        let mut cursor = node.walk();
        let operators: Vec<String> = node
            .children_by_field_name("operators", &mut cursor)
            .map(|operator| operator.kind().to_owned())
            .collect();
        let [first, second, rest @ ..] = operands.as_slice() else { return self.opaque(node) };
        let Some((operator, others)) = operators.split_first() else { return self.opaque(node) };
        let one = self.expr(*first);
        let one = self.keep_if_bound(one, *second);
        let mut two = self.expr(*second);
        let mut truth = self.compare(operator, &one, &two, node);
        if rest.is_empty() {
            return Value::bool(truth);
        }
        let result = self.variable("", Type::Bool);
        self.block.push(Stmt::Assign(result, truth));
        for (operator, operand) in others.iter().zip(rest) {
            two = self.keep(two);
            let last = two.clone();
            let mut next = None;
            let go_on = self.nested(|own| {
                let three = own.expr(*operand);
                let truth = own.compare(operator, &last, &three, node);
                own.block.push(Stmt::Assign(result, truth));
                next = Some(three);
            });
            self.block.push(Stmt::If(Expr::Var(result), go_on, Vec::new()));
            two = next.unwrap_or(last);
        }
        truth = Expr::Var(result);
        Value::bool(truth)
    }

    pub(super) fn compare(
        &mut self,
        operator: &str,
        one: &Value,
        two: &Value,
        at: Node<'_>,
    ) -> Expr {
        match operator {
            "is" => self.identity(one, two),
            "is not" => self.identity(one, two).not(),
            "==" => self.equality(one, two),
            "!=" | "<>" => self.equality(one, two).not(),
            "<" | "<=" | ">" | ">=" => self.order(operator, one, two, at),
            _ => {
                self.may_raise("a question for a member");
                self.unknown_truth("whether it is contained")
            }
        }
    }

    fn identity(&mut self, one: &Value, two: &Value) -> Expr {
        match (one.tag(), two.tag()) {
            (_, Some(Tag::None)) => one.is(Tag::None),
            (Some(Tag::None), _) => two.is(Tag::None),
            (Some(Tag::Bool), Some(Tag::Bool)) => {
                let (one, two) = (one.as_type(Tag::Bool), two.as_type(Tag::Bool));
                Expr::SameBool(Box::new(one), Box::new(two))
            }
            _ => self.unknown_truth("the identity of objects"),
        }
    }

    fn equality(&mut self, one: &Value, two: &Value) -> Expr {
        if let (Value::One(a, left), Value::One(b, right)) = (one, two) {
            return self.equal_types((*a, left.clone()), (*b, right.clone()));
        }
        self.may_raise("a comparison");
        let result = self.variable("", Type::Bool);
        self.read_into(result, Read::opaque("whether objects are equal"));
        for tag in [Tag::None, Tag::Bool, Tag::Int, Tag::Float] {
            let both_are = both(one.is(tag), two.is(tag));
            let (left, right) = (one.as_type(tag), two.as_type(tag));
            self.branch(
                both_are,
                |own| {
                    let equal = own.equal_types((tag, left), (tag, right));
                    own.block.push(Stmt::Assign(result, equal));
                },
                |_| {},
            );
        }
        // A number is never equal to None.
        for (none, number) in [(one, two), (two, one)] {
            let apart = both(none.is(Tag::None), either(number.is(Tag::Int), number.is(Tag::Bool)));
            self.branch(
                apart,
                |own| own.block.push(Stmt::Assign(result, Expr::Bool(false))),
                |_| {},
            );
        }
        Expr::Var(result)
    }

    fn equal_types(&mut self, one: (Tag, Expr), two: (Tag, Expr)) -> Expr {
        use Tag::{Bool, Float, Int, List, None, Str, Tuple};
        match (one.0, two.0) {
            (None, None) => Expr::Bool(true),
            (Bool, Bool) => Expr::SameBool(Box::new(one.1), Box::new(two.1)),
            (Int | Bool, Int | Bool) => {
                let (one, two) = (self.as_int(one), self.as_int(two));
                Expr::cmp(Cmp::Eq, one, two)
            }
            (Float, Int | Bool | Float) | (Int | Bool, Float) => {
                self.floats_compare(Cmp::Eq, one, two)
            }
            // Of these, values of different types are never equal.
            (None, Int | Bool | Float | Str | Tuple | List)
            | (Int | Bool | Float | Str | Tuple | List, None) => Expr::Bool(false),
            (Str, Str) | (Tuple, Tuple) | (List, List) => {
                let length = |value| Expr::Len(Box::new(value));
                let same = Expr::cmp(Cmp::Eq, length(one.1), length(two.1));
                let unknown = self.unknown_truth("whether sequences are equal");
                both(same, unknown)
            }
            (one, two) if one != two && one != Tag::Object && two != Tag::Object => {
                Expr::Bool(false)
            }
            _ => {
                self.may_raise("a comparison");
                self.unknown_truth("whether objects are equal")
            }
        }
    }

    fn order(&mut self, operator: &str, one: &Value, two: &Value, at: Node<'_>) -> Expr {
        let operands = children(at);
        let known = |value: &Value, side: Option<&Node<'_>>| {
            side.map_or(value.tag().is_some(), |side| self.is_worth_asking(value, *side))
        };
        if known(one, operands.first()) && known(two, operands.get(1)) {
            let none = either(one.is(Tag::None), two.is(Tag::None));
            self.check(CheckKind::NullDereference, line(at), none, "TypeError");
        }
        if let (Value::One(a, left), Value::One(b, right)) = (one, two) {
            let (one, two) = ((*a, left.clone()), (*b, right.clone()));
            return self.order_types(operator, one, two);
        }
        self.may_raise("a comparison");
        let result = self.variable("", Type::Bool);
        self.read_into(result, Read::opaque("the order of objects"));
        for tag in [Tag::Int, Tag::Float] {
            let both_are = both(one.is(tag), two.is(tag));
            let (left, right) = (one.as_type(tag), two.as_type(tag));
            self.branch(
                both_are,
                |own| {
                    let truth = own.order_types(operator, (tag, left), (tag, right));
                    own.block.push(Stmt::Assign(result, truth));
                },
                |_| {},
            );
        }
        Expr::Var(result)
    }

    fn order_types(&mut self, operator: &str, one: (Tag, Expr), two: (Tag, Expr)) -> Expr {
        let number = |tag| matches!(tag, Tag::Int | Tag::Bool | Tag::Float);
        if !number(one.0) || !number(two.0) {
            self.may_raise("a comparison");
            return self.unknown_truth("the order of objects");
        }
        let (one, two) = if operator.starts_with('>') { (two, one) } else { (one, two) };
        let cmp = if operator.ends_with('=') { Cmp::Le } else { Cmp::Lt };
        if one.0 == Tag::Float || two.0 == Tag::Float {
            return self.floats_compare(cmp, one, two);
        }
        let (one, two) = (self.as_int(one), self.as_int(two));
        Expr::cmp(cmp, one, two)
    }

    /// Python compares an integer with a float exactly; converted, a large one may be rounded.
    fn floats_compare(&mut self, cmp: Cmp, one: (Tag, Expr), two: (Tag, Expr)) -> Expr {
        let is_small =
            |side: &(Tag, Expr)| matches!(side.1, Expr::Int(value) if value.abs() <= 1 << 53);
        let exact = |side: &(Tag, Expr)| side.0 == Tag::Float || is_small(side);
        if !exact(&one) || !exact(&two) {
            return self.unknown_truth("an integer compared with a float");
        }
        let (one, two) = (self.as_float(one), self.as_float(two));
        Expr::CmpFloat(cmp, Box::new(one), Box::new(two))
    }
}
