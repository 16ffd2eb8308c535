//! Programs of the IR, made from a seed.

use fastrand::Rng;
use formal::ir::{
    Check, CheckKind, Cmp, Direction, Expr, Function, Handler, IntOp, IntType, Loop, Program, Stmt,
    Type, Var, Variable,
};

pub(crate) const PARAMETERS: u32 = 3;
const LOCALS: u32 = 3;
const DEPTH_MAX: u32 = 3;
const INT: IntType = IntType::signed(32);

pub(crate) fn program(seed: u64) -> Program {
    let mut maker =
        Maker { random: Rng::with_seed(seed), sites: 1000, labels: 0, variables: Vec::new() };
    for index in 0..PARAMETERS {
        maker.variable(format!("p{index}"));
    }
    let mut body: Vec<Stmt> = (0..LOCALS)
        .map(|index| {
            let local = maker.variable(format!("l{index}"));
            Stmt::Assign(local, Expr::Int(i128::from(maker.random.i32(-2..5))))
        })
        .collect();
    body.extend(maker.block(0));
    let function = Function {
        name: "f".to_owned(),
        first_line: 1,
        last_line: 1,
        file: 0,
        parameters: (0..PARAMETERS).map(Var).collect(),
        call: None,
        variables: maker.variables,
        body: Ok(body),
    };
    Program { functions: vec![function], ..Program::default() }
}

struct Maker {
    random: Rng,
    sites: u32,
    labels: u32,
    variables: Vec<Variable>,
}

impl Maker {
    fn variable(&mut self, name: String) -> Var {
        let var = Var(u32::try_from(self.variables.len()).expect("a program is small"));
        self.variables.push(Variable { name, ty: Type::Int(INT) });
        var
    }

    fn block(&mut self, depth: u32) -> Vec<Stmt> {
        let count = self.random.usize(2..5);
        (0..count).flat_map(|_| self.stmt(depth)).collect()
    }

    fn stmt(&mut self, depth: u32) -> Vec<Stmt> {
        match self.random.u8(if depth < DEPTH_MAX { 0..10 } else { 0..5 }) {
            0..3 => self.arithmetic(),
            3 => self.division(),
            4 => {
                let index = self.operand();
                let length = Expr::Int(i128::from(self.random.i32(0..8)));
                let below = Expr::cmp(Cmp::Lt, index.clone(), Expr::Int(0));
                let above = Expr::cmp(Cmp::Le, length, index);
                let thrown = "ArrayIndexOutOfBoundsException";
                vec![self.check(CheckKind::IndexOutOfBounds, below.or(above), Some(thrown))]
            }
            5 | 6 => {
                let condition = self.condition();
                vec![Stmt::If(condition, self.block(depth + 1), self.block(depth + 1))]
            }
            7 => self.counted(depth),
            8 => {
                let condition = self.condition();
                self.labels += 1;
                let label = self.labels;
                let mut body = self.block(depth + 1);
                body.push(Stmt::If(condition, vec![Stmt::Break(label)], vec![]));
                body.extend(self.block(depth + 1));
                vec![Stmt::Scope(label, body)]
            }
            _ => vec![Stmt::Try {
                body: self.block(depth + 1),
                handlers: vec![Handler {
                    catches: vec!["ArithmeticException".to_owned()],
                    body: self.block(depth + 1),
                }],
                finally: if self.random.bool() { self.arithmetic() } else { Vec::new() },
            }],
        }
    }

    fn counted(&mut self, depth: u32) -> Vec<Stmt> {
        let name = format!("i{}", self.variables.len());
        let counter = self.variable(name);
        let bound = match self.random.bool() {
            true => Expr::Int(i128::from(self.random.i32(0..5))),
            // Few passes in a concrete run, any number for the proof.
            false => Expr::int2(IntOp::ModFloor, Expr::Var(Var(0)), Expr::Int(6)),
        };
        self.sites += 1;
        let site = self.sites;
        let step = Expr::int2(IntOp::Add, Expr::Var(counter), Expr::Int(1));
        vec![
            Stmt::Assign(counter, Expr::Int(0)),
            Stmt::Loop(Loop {
                site,
                before: Vec::new(),
                condition: Expr::cmp(Cmp::Lt, Expr::Var(counter), bound),
                body: self.block(depth + 1),
                step: vec![Stmt::Assign(counter, step)],
                counter: Some((counter, Direction::Up)),
            }),
        ]
    }

    fn check(&mut self, kind: CheckKind, violation: Expr, throws: Option<&str>) -> Stmt {
        self.sites += 1;
        let throws = throws.map(str::to_owned);
        Stmt::Check(Check { site: self.sites, kind, line: self.sites, violation, throws })
    }

    fn arithmetic(&mut self) -> Vec<Stmt> {
        let op = [IntOp::Add, IntOp::Sub, IntOp::Mul][self.random.usize(0..3)];
        let raw = Expr::int2(op, self.operand(), self.operand());
        let violation = Expr::InRange(INT, Box::new(raw.clone())).not();
        let to = self.target();
        vec![
            self.check(CheckKind::IntegerOverflow, violation, None),
            Stmt::Assign(to, Expr::Wrap(INT, Box::new(raw))),
        ]
    }

    fn division(&mut self) -> Vec<Stmt> {
        let ops = [IntOp::DivTrunc, IntOp::RemTrunc, IntOp::DivFloor, IntOp::ModFloor];
        let op = ops[self.random.usize(0..4)];
        let (one, two) = (self.operand(), self.operand());
        let zero = Expr::cmp(Cmp::Eq, two.clone(), Expr::Int(0));
        let to = self.target();
        vec![
            self.check(CheckKind::DivisionByZero, zero, Some("ArithmeticException")),
            Stmt::Assign(to, Expr::Wrap(INT, Box::new(Expr::int2(op, one, two)))),
        ]
    }

    fn target(&mut self) -> Var {
        Var(PARAMETERS + self.random.u32(0..LOCALS))
    }

    fn operand(&mut self) -> Expr {
        match self.random.u8(0..4) {
            0 => Expr::Int(i128::from(self.random.i32(-3..10))),
            _ => Expr::Var(Var(self.random.u32(0..PARAMETERS + LOCALS))),
        }
    }

    fn condition(&mut self) -> Expr {
        let cmp = [Cmp::Eq, Cmp::Lt, Cmp::Le][self.random.usize(0..3)];
        let condition = Expr::cmp(cmp, self.operand(), self.operand());
        if self.random.bool() { condition } else { condition.not() }
    }
}
