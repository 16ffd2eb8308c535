//! Random arithmetic of JavaScript: node computes it, and the model must agree with node. What
//! is proved of a value holds in node; what node says is refuted where it is denied, which the
//! interpreter of the model has confirmed by a run of its own.

use std::{fmt::Write, fs, path::PathBuf, process::Command};

use domain::Language;
use fastrand::Rng;

use crate::world::judge;

const FUNCTIONS: usize = 150;

/// Functions of whose value the model is sure; fewer would test nothing.
const SURE_MIN: usize = 100;

const DEPTH_MAX: u32 = 3;

const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "-8",
    "255",
    "2147483647",
    "-2147483648",
    "4294967295",
    "9007199254740991",
    "0.5",
    "-2.75",
];
const BIGINTS: [&str; 8] =
    ["0n", "1n", "-1n", "3n", "-8n", "255n", "-9223372036854775808n", "18446744073709551615n"];

#[test]
fn arithmetic_gives_what_node_computes() {
    let mut random = Rng::with_seed(2026);
    let expressions: Vec<String> = (0..FUNCTIONS)
        .map(|at| match at % 2 {
            0 => number(&mut random, 0),
            _ => bigint(&mut random, 0),
        })
        .collect();
    let mut text = "import assert from \"node:assert\";\n".to_owned();
    for (at, (expression, value)) in expressions.iter().zip(computed(&expressions)).enumerate() {
        let _ = writeln!(text, "function f{at}() {{ const v = {expression};");
        let _ = writeln!(text, "assert.strictEqual(v, {value});");
        let _ = writeln!(text, "assert.notStrictEqual(v, {value}); }}");
    }
    let judged = judge(Language::TypeScript, "subject.ts", &text);
    let word = |line: usize| {
        let own = judged.iter().find(|one| one.line as usize == line && one.kind == "assertion");
        own.map_or("nothing", |one| one.word())
    };
    let mut sure = 0;
    for (at, expression) in expressions.iter().enumerate() {
        let (holds, fails) = (word(at * 3 + 3), word(at * 3 + 4));
        assert!(matches!(holds, "proved" | "nothing" | "unknown"), "{expression}: {holds}");
        assert!(matches!(fails, "refuted" | "unknown"), "{expression}: {fails}");
        sure += usize::from(holds != "unknown" && fails == "refuted");
    }
    assert!(sure >= SURE_MIN, "only {sure} of {FUNCTIONS} are sure");
}

/// What node makes of the expressions, as it would be written. One process computes all.
fn computed(expressions: &[String]) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ecma_random");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let mut program = "const say = (v) => console.log(typeof v === \"bigint\" ? `${v}n` :\n    \
                       Object.is(v, -0) ? \"-0\" : String(v));\n"
        .to_owned();
    for expression in expressions {
        let _ = writeln!(program, "say({expression});");
    }
    let file = folder.join("values.js");
    fs::write(&file, program).expect("a file can be written");
    let output = Command::new("node").arg(&file).output().unwrap_or_else(|error| {
        panic!(
            "node cannot be started ({error}): this test needs Node.js 18 or later \
             (Debian: apt-get install nodejs)"
        )
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let values: Vec<String> = said.lines().map(str::to_owned).collect();
    assert_eq!(values.len(), expressions.len());
    values
}

fn number(random: &mut Rng, depth: u32) -> String {
    if depth >= DEPTH_MAX || random.u8(0..5) == 0 {
        return format!("({})", NUMBERS[random.usize(0..NUMBERS.len())]);
    }
    let operators = ["+", "-", "*", "/", "%", "|", "&", "^", "<<", ">>", ">>>"];
    match random.u8(0..8) {
        0 => format!("(-{})", number(random, depth + 1)),
        1 => format!("(~{})", number(random, depth + 1)),
        2 => {
            let (one, two) = (number(random, depth + 1), number(random, depth + 1));
            let rounds = ["floor", "trunc"][random.usize(0..2)];
            format!("Math.{rounds}({one} / {two})")
        }
        _ => {
            let operator = operators[random.usize(0..operators.len())];
            let (one, two) = (number(random, depth + 1), number(random, depth + 1));
            format!("({one} {operator} {two})")
        }
    }
}

fn bigint(random: &mut Rng, depth: u32) -> String {
    if depth >= DEPTH_MAX || random.u8(0..5) == 0 {
        return format!("({})", BIGINTS[random.usize(0..BIGINTS.len())]);
    }
    let one = bigint(random, depth + 1);
    match random.u8(0..9) {
        0 => format!("(-{one})"),
        1 => format!("(~{one})"),
        2 => format!("({one} << {}n)", random.u8(0..20)),
        3 => format!("({one} >> {}n)", random.u8(0..20)),
        4 => format!("({one} {} 7n)", ["/", "%"][random.usize(0..2)]),
        _ => {
            let operator = ["+", "-", "*", "&", "|", "^"][random.usize(0..6)];
            format!("({one} {operator} {})", bigint(random, depth + 1))
        }
    }
}
