//! Which way a function goes on, and what a condition says of variables.

use super::{Flow, Frame};
use crate::taint::{
    calculate::truth,
    env::Env,
    ir::{BlockId, Checked, End, Function, Trust},
};

impl Flow<'_, '_> {
    pub(super) fn next(&self, function: &Function, block: BlockId, frame: &Frame) -> Vec<BlockId> {
        match &function.blocks[block as usize].end {
            End::Goto(next) => vec![*next],
            End::Branch { condition, yes, no } => {
                let constant = frame.regs[*condition as usize].constant;
                match constant
                    .and_then(|constant| truth(constant, |word| self.lowered.book.text(word)))
                {
                    Some(true) => vec![*yes],
                    Some(false) => vec![*no],
                    None => vec![*yes, *no],
                }
            }
            End::Any(all) => all.clone(),
            End::Return(_) | End::Stop => Vec::new(),
        }
    }

    /// What the condition in front of a block says of variables.
    pub(super) fn check(
        &mut self,
        function: &Function,
        block: BlockId,
        env: &mut Env,
        frame: &Frame,
    ) {
        for checked in &function.blocks[block as usize].checked {
            if self.holds(checked, frame) {
                env.clean(checked.slot, checked.key, checked.mask, &mut self.arena);
            }
        }
    }

    fn holds(&self, checked: &Checked, frame: &Frame) -> bool {
        match checked.trust {
            Trust::Always => true,
            Trust::Against(reg) => {
                frame.regs.get(reg as usize).is_some_and(|value| value.labels == 0)
            }
            Trust::Function(name, argument) => self.local(name).is_some_and(|index| {
                let vouches = &self.functions[index].vouches;
                vouches.iter().any(|(one, _)| *one == argument)
            }),
        }
    }
}
