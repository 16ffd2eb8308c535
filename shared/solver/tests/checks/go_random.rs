//! Random functions of integers: our interpreter of the lowered code panics where Go does, and
//! only there. Each ends with divisions of which the bits of its variables choose one to fail, so
//! a value that differs shows. All are compiled into one program that runs them on the same numbers.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use domain::Language;
use fastrand::Rng;
use formal::{
    ir::{CheckKind, Stmt, walk},
    run_on,
};

use crate::{golang, world::program};

const FUNCTIONS: u64 = 80;
const RUNS: usize = 40;

/// Runs that fail in the function itself; fewer would test little but its last lines.
const EARLY_MIN: usize = 200;

/// A type's name, its bits, and its least and greatest number.
const TYPES: &[(&str, u32, i128, i128)] = &[
    ("int8", 8, -128, 127),
    ("uint8", 8, 0, 255),
    ("int16", 16, -32_768, 32_767),
    ("uint16", 16, 0, 65_535),
    ("int32", 32, -2_147_483_648, 2_147_483_647),
    ("uint32", 32, 0, 4_294_967_295),
    ("int64", 64, -9_223_372_036_854_775_808, 9_223_372_036_854_775_807),
    ("uint64", 64, 0, 18_446_744_073_709_551_615),
    ("int", 64, -9_223_372_036_854_775_808, 9_223_372_036_854_775_807),
    ("uint", 64, 0, 18_446_744_073_709_551_615),
];

/// Runs a function, and says on which line it panicked. A shift by a negative count is no check of
/// ours: it ends the run, which is as good as no line.
const WATCH: &str = r#"package random

import (
	"fmt"
	"runtime"
	"strings"
)

func line(one func()) (at int) {
	defer func() {
		cause := recover()
		if cause == nil || strings.Contains(fmt.Sprint(cause), "negative shift") {
			return
		}
		callers := make([]uintptr, 64)
		frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
		frame, more := frames.Next()
		for more && strings.HasPrefix(frame.Function, "runtime.") {
			frame, more = frames.Next()
		}
		at = frame.Line
	}()
	one()
	return 0
}
"#;

/// Writes one function of three integers of a type.
struct Writer {
    random: Rng,
    of: usize,
    text: String,
    locals: usize,
    loops: usize,
}

impl Writer {
    fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all[self.random.usize(0..all.len())]
    }

    fn operand(&mut self) -> String {
        let (_, _, low, high) = TYPES[self.of];
        match self.random.u8(0..6) {
            0 => self.random.u8(1..9).to_string(),
            1 => high.to_string(),
            // No constant may be zero: Go does not compile a division by it.
            2 if low != 0 => low.to_string(),
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
        let (one, two, ty) = (self.name(), self.operand(), TYPES[self.of].0);
        match self.random.u8(0..14) {
            0..4 => format!("{one} {} {two}", self.one_of(&["+", "-", "*"])),
            4 | 5 => format!("{one} {} {two}", self.one_of(&["/", "%"])),
            6 => format!("{one} {} {two}", self.one_of(&["&", "|", "^", "&^"])),
            7 => format!("{one} {} {}", self.one_of(&["<<", ">>"]), self.random.u8(0..70)),
            8 => format!("{one} {} ({two} & 31)", self.one_of(&["<<", ">>"])),
            9 => format!("{one} {} {}", self.one_of(&["<<", ">>"]), self.name()),
            10 => {
                let other = TYPES[self.random.usize(0..TYPES.len())].0;
                format!("{ty}({other}({one})) - {two}")
            }
            11 => format!("{}{one} + {two}", self.one_of(&["-", "^", "+"])),
            12 => format!("{}({one}, {two})", self.one_of(&["min", "max"])),
            _ => {
                let (first, second) = (self.one_of(&["+", "*"]), self.one_of(&["-", "/", "^"]));
                format!("({one} {first} {two}) {second} ({} | 1)", self.name())
            }
        }
    }

    fn condition(&mut self) -> String {
        let sign = self.one_of(&["<", "<=", "==", "!=", ">", ">="]);
        let one = format!("{} {sign} {}", self.name(), self.operand());
        match self.random.u8(0..4) {
            0 => format!("{one} && {} != 3", self.name()),
            1 => format!("!({one}) || {} > 7", self.name()),
            _ => one,
        }
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..self.random.usize(2..5) {
            self.statement(depth);
        }
    }

    fn block(&mut self, head: &str, depth: usize) {
        let _ = writeln!(self.text, "{head} {{");
        self.statements(depth + 1);
        let _ = writeln!(self.text, "}}");
    }

    fn statement(&mut self, depth: usize) {
        match self.random.u8(0..if depth < 2 { 11 } else { 6 }) {
            0..4 => {
                let (to, value) = (self.name(), self.value());
                let _ = writeln!(self.text, "{to} = {value}");
            }
            4 => {
                let operator = self.one_of(&["+", "-", "*", "&", "|", "^", "&^", "%", "/"]);
                let (to, two) = (self.name(), self.operand());
                let _ = writeln!(self.text, "{to} {operator}= {two}");
            }
            5 => {
                let (one, two, step) = (self.name(), self.name(), self.one_of(&["++", "--"]));
                let _ = writeln!(self.text, "{one}, {two} = {two}, {one}\n{one}{step}");
            }
            6 => {
                let condition = self.condition();
                self.block(&format!("if {condition}"), depth);
            }
            7 => {
                let (of, to, falls) = (self.name(), self.name(), self.random.bool());
                let _ = writeln!(self.text, "switch {of} {{\ncase 1, 2:");
                self.statements(depth + 1);
                let end = if falls { "fallthrough\n" } else { "" };
                let _ = writeln!(self.text, "{end}case 3:\n{to}--\ndefault:");
                self.statements(depth + 1);
                let _ = writeln!(self.text, "}}");
            }
            8 => {
                let (own, ty, name) = (self.loops, TYPES[self.of].0, self.name());
                self.loops += 1;
                let head = self.one_of(&["i := ZERO; i < 3; i++", "i := range ZERO + 3"]);
                let head = head.replace("ZERO", &format!("{ty}(0)"));
                let condition = self.condition();
                let _ = writeln!(self.text, "l{own}:\nfor {head} {{\n{name} += i");
                let _ = writeln!(self.text, "if {condition} {{\nbreak l{own}\n}}");
                self.statements(depth + 1);
                let _ = writeln!(self.text, "}}");
            }
            9 => {
                let (to, one, two) = (self.name(), self.name(), self.operand());
                let other = self.name();
                let _ = writeln!(self.text, "{to}, {other} = pair({one}, {two})");
            }
            _ => {
                let (value, two, name) =
                    (self.value(), self.operand(), format!("l{}", self.locals));
                // Known only within this block.
                let _ = writeln!(self.text, "{{\n{name} := {value}");
                self.locals += 1;
                self.statements(depth + 1);
                self.locals -= 1;
                let to = self.name();
                let _ = writeln!(self.text, "{to} = {name}\n{name} = {two}\n}}");
            }
        }
    }
}

/// A file with one function, and which of the types it is about.
fn file(seed: u64) -> (String, usize) {
    let mut random = Rng::with_seed(seed);
    let of = random.usize(0..TYPES.len());
    let (ty, bits, ..) = TYPES[of];
    let mut writer = Writer { random, of, text: String::new(), locals: 0, loops: 0 };
    writer.statements(0);
    let body = writer.text.replace("pair(", &format!("pair{seed}("));
    let mut text = format!(
        "package random\n\nfunc pair{seed}(a, b {ty}) (low, high {ty}) {{\nif a > b {{\n\
         return b / 3, a\n}}\nlow = a\nhigh = a - b\nreturn\n}}\n\n\
         func f{seed}(a, b, c {ty}) {{\n{body}h := a ^ b<<1 ^ c<<2\nh ^= h >> {}\n",
        bits / 2
    );
    for low in 0..16 {
        let _ = writeln!(text, "_ = 1 / (h&15 - {low})");
    }
    text.push_str("}\n");
    (text, of)
}

fn numbers(seed: u64, of: usize) -> Vec<[i128; 3]> {
    let mut random = Rng::with_seed(seed);
    let (_, _, low, high) = TYPES[of];
    let mut one = || match random.u8(0..4) {
        0 => [low, high, low + 1, high - 1, 0][random.usize(0..5)],
        _ => i128::from(random.i32(-9..99)).clamp(low, high),
    };
    (0..RUNS).map(|_| [one(), one(), one()]).collect()
}

/// Where our interpreter says that each run panics; 0 if it does not.
fn foretold(seed: u64, text: &str, of: usize) -> Vec<([i128; 3], u32)> {
    let program = program(Language::Go, "a.go", text);
    let own = program.functions.iter().position(|one| one.name.starts_with('f'));
    let own = own.expect("it is there");
    let mut lines = BTreeMap::new();
    for function in &program.functions {
        let body = function.body.as_ref().unwrap_or_else(|why| panic!("{why}: {text}"));
        walk(body, &mut |stmt| {
            if let Stmt::Check(check) = stmt {
                lines.insert(check.site, check.line);
            }
        });
    }
    let line = |run: &[i128; 3]| {
        let violated = run_on(&program, own, run);
        let panics = violated.iter().find(|(_, kind)| *kind != CheckKind::NarrowingConversion);
        panics.map_or(0, |(site, _)| lines[site])
    };
    numbers(seed, of).into_iter().map(|run| (run, line(&run))).collect()
}

#[test]
fn the_interpreter_panics_where_go_does() {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("go_random");
    fs::create_dir_all(root.join("random")).expect("a folder can be made");
    let write = |name: &Path, text: &str| {
        fs::write(root.join("random").join(name), text).expect("a file can be written");
    };
    write(Path::new("watch.go"), WATCH);
    let (mut functions, mut early) = (Vec::new(), 0);
    let mut tests = "package random\n\nimport \"testing\"\n".to_owned();
    for seed in 0..FUNCTIONS {
        let (text, of) = file(seed);
        let end = u32::try_from(text.lines().count()).expect("few lines") - 16;
        write(Path::new(&format!("f{seed}.go")), &text);
        let ty = TYPES[of].0;
        let _ = writeln!(
            tests,
            "func TestF{seed}(t *testing.T) {{\nfor _, run := range []struct{{ a, b, c {ty}; line \
             int }}{{"
        );
        for ([a, b, c], line) in foretold(seed, &text, of) {
            early += usize::from(line < end);
            let _ = writeln!(tests, "{{{a}, {b}, {c}, {line}}},");
        }
        let _ = writeln!(
            tests,
            "}} {{\nat := line(func() {{ f{seed}(run.a, run.b, run.c) }})\nif at != run.line {{\n\
             t.Errorf(\"f{seed}%v panics at %d\", run, at)\n}}\n}}\n}}"
        );
        functions.push((format!("f{seed}"), format!("p0.TestF{seed}")));
    }
    write(Path::new("tests.go"), &tests);
    let output = golang::tested(&root, &["random".to_owned()], &functions);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}", root.display());
    assert!(early >= EARLY_MIN, "the functions test nothing: {early}");
}
