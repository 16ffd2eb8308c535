//! Random functions of integers: our interpreter of the lowered code panics where Rust does, and
//! only there. All functions are compiled into one program that runs them on the same numbers.

use std::{fmt::Write, process::Command};

use domain::Language;
use fastrand::Rng;
use formal::{
    ir::{Stmt, walk},
    run_on,
};

use crate::{rustc, world::program};

const FUNCTIONS: u64 = 60;
const RUNS: usize = 40;

const TYPES: &[(&str, i128, i128)] = &[
    ("i8", -128, 127),
    ("u8", 0, 255),
    ("i16", -32_768, 32_767),
    ("i32", -2_147_483_648, 2_147_483_647),
    ("u32", 0, 4_294_967_295),
    ("i64", -9_223_372_036_854_775_808, 9_223_372_036_854_775_807),
    ("usize", 0, 18_446_744_073_709_551_615),
];

/// Writes one function of three integers of a type.
struct Writer {
    random: Rng,
    ty: &'static str,
    signed: bool,
    text: String,
    locals: usize,
    loops: usize,
}

impl Writer {
    fn operand(&mut self) -> String {
        match self.random.u8(0..4) {
            0 => self.random.u8(0..9).to_string(),
            1 => format!("{}::{}", self.ty, ["MAX", "MIN"][self.random.usize(0..2)]),
            _ => self.name(),
        }
    }

    fn name(&mut self) -> String {
        match self.random.usize(0..3 + self.locals) {
            at @ 0..3 => ["a", "b", "c"][at].to_owned(),
            at => format!("l{}", at - 3),
        }
    }

    fn value(&mut self) -> String {
        let (one, two) = (self.name(), self.operand());
        let count = self.random.u8(0..70);
        match self.random.u8(0..17) {
            0 => format!("{one} + {two}"),
            1 => format!("{one} - {two}"),
            2 => format!("{one} * {two}"),
            3 => format!("{one} / {two}"),
            4 => format!("{one} % {two}"),
            5 => {
                let modes = ["wrapping", "saturating"];
                let operation = ["add", "sub", "mul"][self.random.usize(0..3)];
                format!("{one}.{}_{operation}({two})", modes[self.random.usize(0..2)])
            }
            6 => {
                let operation =
                    ["add", "sub", "mul", "div", "rem", "div_euclid"][self.random.usize(0..6)];
                format!("{one}.checked_{operation}({two}).unwrap_or({})", self.random.u8(0..9))
            }
            7 => format!("{one}.rem_euclid({two})"),
            8 => format!("{one}.div_euclid({two})"),
            9 => format!("({one} as {}) as {}", self.other(), self.ty),
            10 => format!("{one} << {count}"),
            11 => format!("{one} >> {count}"),
            12 => format!("{one} {} {two}", ["&", "|", "^"][self.random.usize(0..3)]),
            13 => format!("{one}.min({two}).max(3)"),
            14 if self.signed => format!("-{one} + {one}.signum()"),
            15 => format!("{one}.overflowing_add({two}).0 - {one}.abs_diff(1) as {}", self.ty),
            16 => format!("{one}.pow({}) ^ !{one}", self.random.u8(0..4)),
            _ => format!("if {} {{ {one} }} else {{ {two} }}", self.condition()),
        }
    }

    fn other(&mut self) -> &'static str {
        TYPES[self.random.usize(0..TYPES.len())].0
    }

    fn condition(&mut self) -> String {
        let sign = ["<", "<=", "==", "!=", ">", ">="][self.random.usize(0..6)];
        format!("{} {sign} {}", self.name(), self.operand())
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..self.random.usize(2..5) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: usize) {
        let kind = self.random.u8(0..if depth < 2 { 9 } else { 5 });
        match kind {
            0..4 => {
                let (to, value) = (self.name(), self.value());
                let _ = writeln!(self.text, "{to} = {value};");
            }
            4 => {
                let condition = self.condition();
                let _ = writeln!(self.text, "assert!({condition} || {condition});");
            }
            5 => {
                let condition = self.condition();
                let _ = writeln!(self.text, "if {condition} {{");
                self.statements(depth + 1);
                let _ = writeln!(self.text, "}} else {{");
                self.statements(depth + 1);
                let _ = writeln!(self.text, "}}");
            }
            6 => {
                let (of, low, to) = (self.name(), self.random.u8(0..4), self.name());
                let _ = writeln!(self.text, "match {of} {{\n{low} => {{");
                self.statements(depth + 1);
                let _ = writeln!(self.text, "}}\nn @ 5..=90 if n > 20 => {{\n{to} = n - 6;");
                self.statements(depth + 1);
                let _ = writeln!(self.text, "}}\nother => {to} = other,\n}}");
            }
            7 => {
                let (own, backwards) = (self.loops, self.random.bool());
                self.loops += 1;
                let range = if backwards { "(0..3).rev()" } else { "0..=2" };
                let name = self.name();
                let _ = writeln!(self.text, "'l{own}: for i in {range} {{\n{name} = i;");
                self.statements(depth + 1);
                let condition = self.condition();
                let _ = writeln!(self.text, "if {condition} {{ break 'l{own}; }}\n}}");
            }
            _ => {
                let (value, two) = (self.value(), self.operand());
                let name = format!("l{}", self.locals);
                // Known only within this block.
                let _ = writeln!(self.text, "{{\nlet mut {name} = {value};");
                self.locals += 1;
                self.statements(depth + 1);
                self.locals -= 1;
                let to = self.name();
                let _ = writeln!(self.text, "{name} = {two};\n{to} = {name};\n}}");
            }
        }
    }
}

fn function(seed: u64) -> (String, usize) {
    let mut random = Rng::with_seed(seed);
    let which = random.usize(0..TYPES.len());
    let ty = TYPES[which].0;
    let signed = ty.starts_with('i');
    let mut writer = Writer { random, ty, signed, text: String::new(), locals: 0, loops: 0 };
    writer.statements(0);
    let body = writer.text;
    let end = "assert!(a != 3 && b ^ c != 1);";
    (format!("fn f(mut a: {ty}, mut b: {ty}, mut c: {ty}) {{\n{body}{end}\n}}\n"), which)
}

fn numbers(seed: u64, which: usize) -> Vec<[i128; 3]> {
    let mut random = Rng::with_seed(seed);
    let (_, low, high) = TYPES[which];
    let mut one = || match random.u8(0..4) {
        0 => [low, high, low + 1, high - 1, 0][random.usize(0..5)],
        _ => i128::from(random.i32(-9..99)).clamp(low, high),
    };
    (0..RUNS).map(|_| [one(), one(), one()]).collect()
}

#[test]
fn the_interpreter_panics_where_rust_does() {
    let (mut modules, mut calls) = (String::new(), String::new());
    let mut ours = Vec::new();
    for seed in 0..FUNCTIONS {
        let (text, which) = function(seed);
        let program = program(Language::Rust, "a.rs", &text);
        let body = program.functions[0].body.as_ref().unwrap_or_else(|why| panic!("{why}: {text}"));
        let mut lines = Vec::new();
        walk(body, &mut |stmt| {
            if let Stmt::Check(check) = stmt {
                lines.push((check.site, check.line));
            }
        });
        // Each function starts on a line that tells it apart.
        let _ = writeln!(modules, "mod m{seed} {{ pub {text}}}");
        for run in numbers(seed, which) {
            let [a, b, c] = run;
            let _ = writeln!(calls, "run(|| m{seed}::f({a}, {b}, {c}));");
            let failed = run_on(&program, 0, &run).first().map(|(site, _)| *site);
            let line = lines.iter().find(|(site, _)| Some(*site) == failed).map(|(_, line)| *line);
            ours.push((seed, run, line));
        }
    }
    let mut start = 1;
    let starts: Vec<u32> = (0..FUNCTIONS)
        .map(|seed| {
            let own = start;
            start += u32::try_from(function(seed).0.lines().count()).expect("few lines") + 1;
            own
        })
        .collect();
    let whole = format!(
        "{modules}static LINE: std::sync::Mutex<u32> = std::sync::Mutex::new(0);\n\
         fn run(one: fn()) {{\n*LINE.lock().unwrap() = 0;\n\
         let _ = std::panic::catch_unwind(one);\nprintln!(\"{{}}\", LINE.lock().unwrap());\n}}\n\
         fn main() {{\nstd::panic::set_hook(Box::new(|cause| {{\n\
         let at = cause.location().unwrap();\n\
         let own = at.file().ends_with(\"random.rs\");\n\
         *LINE.lock().unwrap() = if own {{ at.line() }} else {{ u32::MAX }};\n}}));\n{calls}}}\n"
    );
    let ended = Command::new(rustc::compiled("random", &whole)).output().expect("it starts");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    let theirs: Vec<u32> = said.lines().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(theirs.len(), ours.len(), "{}", String::from_utf8_lossy(&ended.stderr));
    let mut panicked = 0;
    for ((seed, run, ours), theirs) in ours.into_iter().zip(theirs) {
        panicked += u32::from(theirs != 0);
        let start = starts[usize::try_from(seed).expect("few")];
        let agrees = match ours {
            None => theirs == 0,
            // Arithmetic of the standard library panics at a line of its own.
            Some(line) => theirs == u32::MAX || theirs == start + line - 1,
        };
        assert!(agrees, "{run:?}: {ours:?}, Rust {theirs} from {start}\n{}", function(seed).0);
    }
    assert!(panicked > 300, "the functions test nothing: {panicked}");
}
