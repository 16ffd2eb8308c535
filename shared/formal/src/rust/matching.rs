//! `match`.

use tree_sitter::Node;

use super::{Lowering, children, statement::Ends, types::Ty, value::Value};
use crate::{
    emit::Emit,
    ir::{Expr, Label, Stmt},
};

impl<'a> Lowering<'a> {
    /// What is matched, as it is now; what patterns lend of it may be changed.
    pub(super) fn scrutinee(&mut self, node: Node<'a>, patterns: &[Node<'a>]) -> Value {
        let lends = patterns.iter().any(|pattern| self.text(*pattern).contains("ref mut"));
        let value = self.expr(node, None);
        let value = self.keep(value);
        if lends && let Some((ty, vars)) = self.place(node) {
            self.forget(&ty, &vars, "what was lent to be changed");
        }
        value
    }

    pub(super) fn match_value(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let (Some(of), Some(body)) =
            (node.child_by_field_name("value"), node.child_by_field_name("body"))
        else {
            return Value::unknown();
        };
        let arms: Vec<Node<'a>> =
            children(body).into_iter().filter(|it| it.kind() == "match_arm").collect();
        let patterns: Vec<Node<'a>> =
            arms.iter().filter_map(|arm| arm.child_by_field_name("pattern")).collect();
        let of = self.scrutinee(of, &patterns);
        if of.is_never() {
            return of;
        }
        if arms.is_empty() {
            self.block.push(Stmt::Throw(super::PANIC.to_owned()));
            return Value::never();
        }
        let count = arms.len();
        let mut ends: Ends = Vec::new();
        let mut tests = Vec::new();
        for (at, arm) in arms.into_iter().enumerate() {
            let (Some(pattern), Some(value)) =
                (arm.child_by_field_name("pattern"), arm.child_by_field_name("value"))
            else {
                continue;
            };
            // What comes to the last arm fits it: the compiler has seen to that.
            let is_last = at + 1 == count && pattern.child_by_field_name("condition").is_none();
            let is_compiled = !children(arm).iter().any(|it| it.kind() == "attribute_item");
            let (before, fits) = self.caught(|own| match is_last {
                true => Expr::Bool(true),
                false => own.test(pattern, &of),
            });
            let fits = if is_compiled { fits } else { self.sometimes(fits) };
            let guard = pattern.child_by_field_name("condition").map(|it| (it, self.label()));
            let end = self.caught(|own| {
                own.scoped(|own| {
                    own.bind(pattern, &of);
                    if let Some((guard, no)) = guard {
                        own.held(guard, no);
                    }
                    let given = own.expr(value, hint);
                    if !given.is_never() {
                        own.may_not_return(value);
                    }
                    given
                })
            });
            tests.push((before, fits, guard.map(|(_, no)| no)));
            ends.push(end);
        }
        self.chained(tests, ends, hint)
    }

    /// An arm that only some builds have.
    fn sometimes(&mut self, fits: Expr) -> Expr {
        let built = self.opaque(&Ty::Bool, "how the code is compiled").leaf();
        fits.and(built)
    }

    /// Asks the arms one after the other.
    fn chained(&mut self, tests: Tests, ends: Ends, hint: Option<&Ty>) -> Value {
        let (blocks, value) = self.settled(ends, hint);
        let end = self.label();
        let mut whole = Vec::new();
        for ((before, fits, guard), mut block) in tests.into_iter().zip(blocks) {
            whole.extend(before);
            block.push(Stmt::Break(end));
            let label = guard.unwrap_or_else(|| self.label());
            let block = vec![Stmt::Scope(label, block)];
            whole.push(Stmt::If(fits, block, Vec::new()));
        }
        // Nothing comes here: one of the arms fits.
        whole.push(Stmt::Throw(super::PANIC.to_owned()));
        self.block.push(Stmt::Scope(end, whole));
        value
    }
}

/// What each arm asks: what it takes to compute it, whether it fits, and what its guard breaks to.
type Tests = Vec<(Vec<Stmt>, Expr, Option<Label>)>;
