use crate::taint::ir::{BlockId, End, Function};

/// Blocks so that each comes after those it is reached from, loops apart.
pub(super) fn order(function: &Function) -> Vec<BlockId> {
    let next = |block: BlockId| -> Vec<BlockId> {
        match &function.blocks[block as usize].end {
            End::Goto(next) => vec![*next],
            End::Branch { yes, no, .. } => vec![*yes, *no],
            End::Any(all) => all.clone(),
            End::Return(_) | End::Stop => Vec::new(),
        }
    };
    let mut seen = vec![false; function.blocks.len()];
    let mut done = Vec::new();
    let mut open = vec![(0, next(0))];
    seen[0] = true;
    while let Some((block, left)) = open.last_mut() {
        match left.pop() {
            Some(inner) if !std::mem::replace(&mut seen[inner as usize], true) => {
                open.push((inner, next(inner)));
            }
            Some(_) => {}
            None => {
                done.push(*block);
                open.pop();
            }
        }
    }
    done.reverse();
    done
}
