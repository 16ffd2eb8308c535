//! Switches of each kind, and `select`.

use tree_sitter::Node;

use super::{
    Lowering,
    types::{INT, Ty},
    value::Typed,
};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, Read, Stmt, Var},
    syntax::children,
};

fn place(at: usize) -> Expr {
    Expr::Int(i128::try_from(at).unwrap_or(i128::MAX))
}

fn is_chosen(chosen: Var, at: usize) -> Expr {
    Expr::cmp(Cmp::Eq, Expr::Var(chosen), place(at))
}

impl Lowering<'_> {
    pub(super) fn switch(&mut self, node: Node<'_>, name: Option<&str>) {
        self.scoped(|own| {
            own.initializer(node);
            let value = node.child_by_field_name("value").map(|value| {
                let value = own.expr(value, None);
                let ty = if value.ty.is_constant() { INT } else { value.ty.clone() };
                let value = own.coerced(value, &ty);
                own.keep(value)
            });
            let cases = cases(node);
            let chosen = own.choice(&cases);
            for (at, case) in cases.iter().enumerate() {
                let Some(list) = case.child_by_field_name("value") else { continue };
                for one in children(list) {
                    let asked = own.nested(|own| {
                        let matches = own.is_case(value.as_ref(), one);
                        let take = vec![Stmt::Assign(chosen, place(at))];
                        own.block.push(Stmt::If(matches, take, Vec::new()));
                    });
                    own.unless_chosen(chosen, &cases, asked);
                }
            }
            own.bodies(name, chosen, &cases, |_, _| {});
        });
    }

    fn is_case(&mut self, value: Option<&Typed>, case: Node<'_>) -> Expr {
        match value {
            None => self.boolean(case),
            Some(value) => {
                let case = self.expr(case, Some(&value.ty));
                self.same(value.clone(), case)
            }
        }
    }

    /// Which case runs: at first the one that takes what no other does.
    fn choice(&mut self, cases: &[Node<'_>]) -> Var {
        let chosen = self.variable("", &INT);
        self.block.push(Stmt::Assign(chosen, place(default_of(cases))));
        chosen
    }

    /// The first case that matches is the one.
    fn unless_chosen(&mut self, chosen: Var, cases: &[Node<'_>], asked: Vec<Stmt>) {
        let open = is_chosen(chosen, default_of(cases));
        self.block.push(Stmt::If(open, asked, Vec::new()));
    }

    /// The statements of each case. One that falls through hands its choice on.
    fn bodies(
        &mut self,
        name: Option<&str>,
        chosen: Var,
        cases: &[Node<'_>],
        mut before: impl FnMut(&mut Self, Node<'_>),
    ) {
        let end = self.label();
        self.breaks.push((name.map(str::to_owned), end));
        // Fallthrough reaches the next case in the order of the text.
        let inner = self.nested(|own| {
            for (at, case) in cases.iter().enumerate() {
                let mut falls = false;
                let statements = own.nested(|own| {
                    own.scoped(|own| {
                        before(own, *case);
                        for inner in children(*case).into_iter().filter(|it| is_body(it.kind())) {
                            falls |= falls_through(inner);
                            own.statement(inner, None);
                        }
                    });
                    let next = if falls { at + 1 } else { cases.len() + 1 };
                    own.block.push(Stmt::Assign(chosen, place(next)));
                });
                own.block.push(Stmt::If(is_chosen(chosen, at), statements, Vec::new()));
            }
        });
        self.breaks.pop();
        self.block.push(Stmt::Scope(end, inner));
    }

    pub(super) fn type_switch(&mut self, node: Node<'_>, name: Option<&str>) {
        self.scoped(|own| {
            own.initializer(node);
            let Some(value) = node.child_by_field_name("value") else { return };
            let value = own.expr(value, None);
            let value = own.named(value);
            let alias = node.child_by_field_name("alias").and_then(|list| list.named_child(0));
            let alias = alias.map(|alias| own.text(alias));
            let cases = cases(node);
            let chosen = own.choice(&cases);
            for (at, case) in cases.iter().enumerate() {
                for ty in types(*case) {
                    let asked = own.nested(|own| {
                        let matches = own.is_type(&value, ty);
                        let take = vec![Stmt::Assign(chosen, place(at))];
                        own.block.push(Stmt::If(matches, take, Vec::new()));
                    });
                    own.unless_chosen(chosen, &cases, asked);
                }
            }
            own.bodies(name, chosen, &cases, |own, case| {
                let Some(alias) = alias else { return };
                let known = types(case);
                match known.as_slice() {
                    [one] if own.text(*one) != "nil" => {
                        let ty = own.ty(*one);
                        let read = own.part_of(&value.value, "the contents of an interface");
                        let inner = own.read(&ty, read);
                        own.define_as(alias, Typed::new(inner, ty));
                    }
                    _ => own.define_as(alias, value.clone()),
                }
            });
        });
    }

    fn is_type(&mut self, value: &Typed, ty: Node<'_>) -> Expr {
        let null = match matches!(self.under(&value.ty), Ty::Interface | Ty::Error) {
            true => value.value.clone().is_null(),
            false => self.read(&Ty::Bool, Read::opaque("a value of unknown type")),
        };
        if self.text(ty) == "nil" {
            return null;
        }
        let read = self.part_of(&value.value, "the type of a value");
        let own = self.read(&Ty::Bool, read);
        null.not().and(own)
    }

    /// Which case of a `select` runs is not known.
    pub(super) fn select(&mut self, node: Node<'_>, name: Option<&str>) {
        let cases: Vec<Node<'_>> = children(node)
            .into_iter()
            .filter(|it| matches!(it.kind(), "communication_case" | "default_case"))
            .collect();
        self.forget_places();
        self.block.push(Stmt::Clobber);
        let most = i128::try_from(cases.len()).unwrap_or(1) - 1;
        let read = Read { range: Some((0, most.max(0))), ..Read::opaque("the case of a select") };
        let chosen = self.read(&INT, read);
        let Expr::Var(chosen) = chosen else { return };
        self.bodies(name, chosen, &cases, |own, case| {
            if let Some(first) = case.child_by_field_name("communication") {
                own.communication(first);
            }
        });
    }

    fn communication(&mut self, node: Node<'_>) {
        match (node.child_by_field_name("left"), node.child_by_field_name("right")) {
            (Some(left), Some(right)) if self.text(node).contains(":=") => {
                self.short_declaration(left, right);
            }
            (Some(left), Some(right)) => {
                let targets = children(left);
                let hints = vec![None; targets.len()];
                let values = self.values(&[right], &hints);
                for (target, value) in targets.into_iter().zip(values) {
                    self.store(target, value);
                }
            }
            (None, Some(right)) => {
                self.expr(right, None);
            }
            _ => self.statement(node, None),
        }
    }
}

fn cases(node: Node<'_>) -> Vec<Node<'_>> {
    let kinds = ["expression_case", "type_case", "default_case"];
    children(node).into_iter().filter(|it| kinds.contains(&it.kind())).collect()
}

fn default_of(cases: &[Node<'_>]) -> usize {
    cases.iter().position(|case| case.kind() == "default_case").unwrap_or(cases.len())
}

fn types(case: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = case.walk();
    case.children_by_field_name("type", &mut cursor).filter(Node::is_named).collect()
}

fn is_body(kind: &str) -> bool {
    kind == "statement_list"
}

fn falls_through(list: Node<'_>) -> bool {
    children(list).last().is_some_and(|last| last.kind() == "fallthrough_statement")
}
