//! Statements: what holds behind each, or that there is no way behind it.

use tree_sitter::Node;

use super::{
    state::State,
    summary::Use,
    syntax::{Form, bare, children, listed, statements, text},
    types::Ty,
    value::{Fact, Is, Value},
    walk::{Jump, STEPS_MAX, Walk},
};

/// How often a loop is walked to see what it changes.
const ROUNDS_MAX: usize = 3;

impl<'t> Walk<'_, 't> {
    pub(super) fn block(&mut self, node: Node<'t>, state: State<'t>) -> Option<State<'t>> {
        self.within(|walk| walk.all(&statements(node), state))
    }

    pub(super) fn all(&mut self, nodes: &[Node<'t>], state: State<'t>) -> Option<State<'t>> {
        let mut state = state;
        for node in nodes {
            state = self.statement(*node, state)?;
        }
        Some(state)
    }

    pub(super) fn statement(&mut self, node: Node<'t>, mut state: State<'t>) -> Option<State<'t>> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return None;
        }
        match node.form() {
            "block" => self.block(node, state),
            "expression_statement" => {
                let inner = node.named_child(0)?;
                self.ended = false;
                self.value(inner, &mut state);
                (!std::mem::take(&mut self.ended)).then_some(state)
            }
            "short_var_declaration" | "assignment_statement" => self.assignment(node, state),
            "var_declaration" => self.declaration(node, state),
            "inc_statement" | "dec_statement" => {
                let target = node.named_child(0)?;
                self.assign(target, Value::unknown(Ty::Plain), &mut state);
                Some(state)
            }
            "if_statement" => self.within(|walk| walk.condition(node, state)),
            "for_statement" => self.within(|walk| walk.looping(node, None, state)),
            "expression_switch_statement" => self.within(|walk| walk.switch(node, None, state)),
            "type_switch_statement" => self.within(|walk| walk.type_switch(node, None, state)),
            "select_statement" => self.select(node, None, state),
            "labeled_statement" => self.labelled(node, state),
            "return_statement" => {
                self.leave(node, state);
                None
            }
            "break_statement" | "continue_statement" => {
                self.jump(node, state);
                None
            }
            "goto_statement" => None,
            "go_statement" | "defer_statement" => self.later(node, state),
            "send_statement" => {
                for part in ["channel", "value"] {
                    if let Some(part) = node.part(part) {
                        let value = self.value(part, &mut state);
                        self.hand_over(&value);
                        self.expose(&value, &mut state);
                    }
                }
                Some(state)
            }
            "receive_statement" => self.received(node, state),
            "const_declaration"
            | "type_declaration"
            | "empty_statement"
            | "fallthrough_statement" => Some(state),
            _ => {
                self.value(node, &mut state);
                Some(state)
            }
        }
    }

    /// Behind the statement that an `if`, `for` or `switch` begins with.
    pub(super) fn initialized(&mut self, node: Node<'t>, state: State<'t>) -> Option<State<'t>> {
        match node.part("initializer") {
            Some(first) => self.statement(first, state),
            None => Some(state),
        }
    }

    fn condition(&mut self, node: Node<'t>, state: State<'t>) -> Option<State<'t>> {
        let state = self.initialized(node, state)?;
        let condition = node.part("condition")?;
        self.ended = false;
        let (yes, no) = self.branch(condition, state);
        self.ended = false;
        let then = node.part("consequence");
        let yes = yes.and_then(|state| match then {
            Some(then) => self.block(then, state),
            None => Some(state),
        });
        let no = no.and_then(|state| match node.part("alternative") {
            Some(other) => self.statement(other, state),
            None => Some(state),
        });
        self.join(yes, no)
    }

    pub(super) fn looping(
        &mut self,
        node: Node<'t>,
        label: Option<&'t str>,
        state: State<'t>,
    ) -> Option<State<'t>> {
        let body = node.part("body")?;
        let head = children(node).into_iter().find(|part| *part != body);
        let clause = head.filter(|head| head.form() == "for_clause");
        let range = head.filter(|head| head.form() == "range_clause");
        let state = match clause {
            Some(clause) => self.initialized(clause, state)?,
            None => state,
        };
        let condition = match clause {
            Some(clause) => clause.part("condition"),
            None => head.filter(|_| range.is_none()),
        };
        let update = clause.and_then(|clause| clause.part("update"));
        let round = |walk: &mut Self, entry: State<'t>| {
            walk.jumps.push(Jump { label, is_loop: true, breaks: None, continues: None });
            let (inside, behind) = match (range, condition) {
                (Some(range), _) => walk.ranged(range, entry),
                (None, Some(condition)) => walk.branch(condition, entry),
                (None, None) => (Some(entry), None),
            };
            let end = inside.and_then(|state| walk.block(body, state));
            let jump = walk.jumps.pop();
            let (breaks, continues) = jump.map(|it| (it.breaks, it.continues)).unwrap_or_default();
            let end = walk.join(end, continues);
            let end = match (end, update) {
                (Some(state), Some(update)) => walk.statement(update, state),
                (end, _) => end,
            };
            (end, walk.join(behind, breaks))
        };
        let mut entry = state;
        let mut rounds = 1;
        loop {
            let (end, behind) = round(self, entry.clone());
            let Some(end) = end.filter(|end| rounds < ROUNDS_MAX && !entry.covers(end)) else {
                return behind;
            };
            entry = self.join(Some(entry), Some(end))?;
            rounds += 1;
        }
    }

    /// The states within and behind a loop over something.
    fn ranged(
        &mut self,
        range: Node<'t>,
        mut state: State<'t>,
    ) -> (Option<State<'t>>, Option<State<'t>>) {
        let Some(over) = range.part("right") else { return (None, Some(state)) };
        let of = self.value(over, &mut state);
        let under = self.book.package.under(&of.ty);
        let behind = state.clone();
        let declares = text(range, self.source).contains(":=");
        if let Some(place) = &of.place {
            let fact = Fact { place: place.clone(), is: Is::NotNil };
            self.learn(&fact, &of.ty, &mut state);
        }
        let targets = listed(range.part("left"));
        for (at, target) in targets.iter().enumerate() {
            let ty = match (&under, at) {
                (Ty::Slice(element) | Ty::Array(element) | Ty::Map(element), 1) => {
                    (**element).clone()
                }
                (Ty::Channel(element), 0) => (**element).clone(),
                (Ty::Slice(_) | Ty::Array(_), 0) => Ty::Plain,
                (_, _) => Ty::Unknown,
            };
            self.target(*target, declares, Value::unknown(ty), &mut state);
        }
        // Of the keys of a map there are elements.
        if let (Some(place), Some(key), Ty::Map(element)) = (&of.place, targets.first(), &under)
            && let Some(step) = self.step_of(*key)
        {
            state.put(&place.then(&step), Value::unknown((**element).clone()));
        }
        (Some(state), Some(behind))
    }

    fn received(&mut self, node: Node<'t>, mut state: State<'t>) -> Option<State<'t>> {
        let right = node.part("right")?;
        let targets = listed(node.part("left"));
        let declares = text(node, self.source).contains(":=");
        if targets.is_empty() {
            self.value(right, &mut state);
            return Some(state);
        }
        let values = self.values_of(&[right], targets.len(), &mut state);
        self.assign_all(&targets, values, declares, &mut state);
        Some(state)
    }

    fn labelled(&mut self, node: Node<'t>, state: State<'t>) -> Option<State<'t>> {
        let label = node.part("label").map(|label| text(label, self.source));
        let inner = children(node).into_iter().find(|part| part.form() != "label_name")?;
        self.within(|walk| match inner.form() {
            "for_statement" => walk.looping(inner, label, state),
            "expression_switch_statement" => walk.switch(inner, label, state),
            "type_switch_statement" => walk.type_switch(inner, label, state),
            "select_statement" => walk.select(inner, label, state),
            _ => walk.statement(inner, state),
        })
    }

    fn jump(&mut self, node: Node<'t>, state: State<'t>) {
        let label = node.named_child(0).map(|label| text(label, self.source));
        let is_continue = node.form() == "continue_statement";
        let first = self.frames.last().map_or(0, |frame| frame.jumps);
        let fits = |jump: &Jump<'t>| match label {
            Some(label) => jump.label == Some(label),
            None => jump.is_loop || !is_continue,
        };
        let Some(at) = self.jumps.iter().rposition(fits).filter(|at| *at >= first) else { return };
        let jump = &mut self.jumps[at];
        let slot = if is_continue { &mut jump.continues } else { &mut jump.breaks };
        let before = slot.take();
        let joined = self.join(before, Some(state));
        let jump = &mut self.jumps[at];
        *(if is_continue { &mut jump.continues } else { &mut jump.breaks }) = joined;
    }

    /// `go` and `defer`: arguments are worth what they are now, the call comes later.
    fn later(&mut self, node: Node<'t>, mut state: State<'t>) -> Option<State<'t>> {
        let call = bare(node.named_child(0)?);
        let arguments = call.part("arguments").map(children).unwrap_or_default();
        for argument in arguments {
            let value = self.value(argument, &mut state);
            self.hand_over(&value);
            self.expose(&value, &mut state);
        }
        let function = call.part("function")?;
        if function.form() == "selector_expression" {
            // What stands before the method's name is worth what it is now, too; whether the method
            // minds nil is seen when it runs.
            if let Some(operand) = function.part("operand")
                && self.import(operand).is_none()
            {
                let of = self.value(operand, &mut state);
                let under = self.book.package.under(&of.ty);
                if matches!(under, Ty::Interface(_) | Ty::Error) {
                    self.using(&of, operand, Use::Asked, &mut state);
                }
                self.expose(&of, &mut state);
            }
        } else {
            let of = self.value(function, &mut state);
            self.using(&of, function, Use::Called, &mut state);
        }
        Some(state)
    }
}
