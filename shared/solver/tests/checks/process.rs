//! Z3 that is missing, hangs, dies or talks nonsense is an answer, and never waits for ever.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use formal::{Answer, Query, Solver};
use solver::Z3;

use crate::world::z3;

const LIMIT: Duration = Duration::from_millis(50);

/// For questions that are answered, on however busy a machine.
const AMPLE: Duration = Duration::from_secs(20);

fn query(script: &str, symbols: &[&str]) -> Query {
    let symbols = symbols.iter().map(|&symbol| symbol.to_owned()).collect();
    Query { script: script.to_owned(), symbols }
}

/// A program of two lines in place of Z3.
fn instead(name: &str, script: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}

#[test]
fn a_missing_solver_is_unavailable() {
    let mut solver = Z3::new("/nonexistent/z3");
    for _ in 0..5 {
        let answer = solver.ask(&query("(assert true)\n", &[]), LIMIT);
        assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
    }
}

#[test]
fn a_solver_that_hangs_is_killed_and_started_again() {
    // Longer than anybody waits for a test.
    let mut solver = Z3::new(instead("hangs", "exec sleep 100000"));
    for _ in 0..2 {
        let answer = solver.ask(&query("(assert true)\n", &[]), LIMIT);
        assert!(matches!(answer, Answer::Unavailable(_)), "{answer:?}");
    }
    assert_eq!(solver.restarts(), 2);
}

#[test]
fn a_solver_that_dies_between_queries_is_started_again() {
    // It answers one query and is gone.
    let script = "while read line; do case \"$line\" in *check-sat*) echo unsat; exit;; esac; done";
    let mut solver = Z3::new(instead("dies", script));
    let ask = |solver: &mut Z3| solver.ask(&query("(assert false)\n", &[]), AMPLE);
    assert_eq!(ask(&mut solver), Answer::Unsat);
    // The pipe may break in either of the next two; the one after has a new process.
    let later = [ask(&mut solver), ask(&mut solver), ask(&mut solver)];
    assert!(later.contains(&Answer::Unsat), "{later:?}");
}

#[test]
fn nonsense_is_no_answer() {
    let mut solver =
        Z3::new(instead("nonsense", "while read line; do echo '(error \"no\")'; done"));
    let answer = solver.ask(&query("(assert true)\n", &[]), LIMIT);
    assert!(!matches!(answer, Answer::Sat(_) | Answer::Unsat), "{answer:?}");
}

#[test]
fn z3_answers_query_after_query() {
    let mut solver = z3();
    for number in 0..50 {
        let script = format!("(declare-const t1 Int)\n(assert (= t1 (- {number})))\n");
        let Answer::Sat(values) = solver.ask(&query(&script, &["t1"]), AMPLE) else {
            panic!("query {number} has a model")
        };
        let shown = if number == 0 { "0".to_owned() } else { format!("(- {number})") };
        let zero = number == 0 && values[0].1 == "(- 0)";
        assert!(zero || values == [("t1".to_owned(), shown)], "{values:?}");
        let both = "(declare-const t1 Bool)\n(assert t1)\n(assert (not t1))\n";
        assert_eq!(solver.ask(&query(both, &["t1"]), AMPLE), Answer::Unsat);
    }
    assert_eq!(solver.restarts(), 0);
}

#[test]
fn a_question_that_is_too_hard_ends_with_its_limit() {
    let hard = "(declare-const a Int)(declare-const b Int)(declare-const c Int)\n\
        (assert (and (> a 2) (> b 2) (> c 2)))\n\
        (assert (= (+ (* a a a a a) (* b b b b b)) (* c c c c c)))\n";
    let mut solver = z3();
    assert_eq!(solver.ask(&query(hard, &[]), LIMIT), Answer::Unknown);
}
