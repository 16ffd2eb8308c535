//! The variables that hold a value whose type the code does not show.

use crate::ir::{Global, IntType, Program, Slots, Type, Var};

/// What says which of the others holds the value.
pub(crate) const TAG: IntType = IntType::signed(8);

/// The globals in which a function leaves what it returns.
pub(crate) fn result_globals(program: &mut Program) -> Slots {
    let types = [
        Type::Int(TAG),
        Type::Bool,
        Type::Int(IntType::UNBOUNDED),
        Type::Float { single: false },
        Type::Ref,
    ];
    let [tag, bool, int, float, sequence] = types.map(|ty| {
        let var = Var::global(program.globals.len());
        let name = "what was returned".to_owned();
        program.globals.push(Global { name, ty, constant: None, assumed: false, nullable: false });
        var
    });
    Slots { tag, bool, int, float, sequence }
}
