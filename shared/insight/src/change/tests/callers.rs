//! What breaks whoever calls a function, language by language.

use super::*;

/// Path, before, after, and why it breaks; none: it does not.
const CHANGES: &[(&str, &str, &str, Option<&str>)] = &[
    ("a.py", "def f(a): pass", "def f(a, b=1): pass", None),
    ("a.py", "def f(a): pass", "def f(a, b): pass", Some("must be given")),
    ("a.py", "def f(a, b=1): pass", "def f(a, b): pass", Some("no default")),
    ("a.py", "def f(a, b): pass", "def f(b, a): pass", Some("order")),
    ("a.py", "def f(a, b): pass", "def f(a, *, b): pass", Some("must be named")),
    ("a.py", "def f(a, *, b): pass", "def f(a, b): pass", None),
    ("a.py", "def f(a): pass", "def f(c): pass", Some("`a` is gone")),
    ("a.py", "def f(a): pass", "def f(a: int) -> str: pass", None),
    ("a.py", "def f(a, b=1): pass", "def f(a, c=0, b=1): pass", Some("order")),
    ("a.py", "def f(a): pass", "async def f(a): pass", Some("async")),
    ("a.py", "def _f(a): pass", "def _f(): pass", None),
    ("_a.py", "def f(a): pass", "def f(): pass", None),
    ("test_a.py", "def f(a): pass", "def f(): pass", None),
    ("a.py", "def f(a): pass", "def _f(a): pass", Some("gone")),
    ("a.js", "export function f(a) {}", "export function f(a, b) {}", Some("must be given")),
    ("a.js", "export function f(a) {}", "export function f(b, c = 1) {}", None),
    ("a.js", "export function f(a) {}", "function f(a) {}", Some("do not see")),
    ("a.js", "function f(a) {}", "function f() {}", None),
    (
        "a.ts",
        "export const f = (a: string) => a;",
        "export const f = (a: number) => a;",
        Some("`number`"),
    ),
    (
        "a.ts",
        "export const f = (a: string) => a;",
        "export const f = (a: string, ...b: string[]) => a;",
        None,
    ),
    ("a.go", "package a\nfunc F(a int) {}", "package a\nfunc F(b int) {}", None),
    (
        "a.go",
        "package a\nfunc F(a int) {}",
        "package a\nfunc F(a int) error { return nil }",
        Some("`error`"),
    ),
    ("a.go", "package main\nfunc F(a int) {}", "package main\nfunc F() {}", None),
    ("internal/a.go", "package a\nfunc F(a int) {}", "package a\nfunc F() {}", None),
    (
        "A.java",
        "public class A { public void f(int a) {} }",
        "public class A { public void f(int b) {} }",
        None,
    ),
    (
        "A.java",
        "public class A { public void f(int a) {} }",
        "public class A { public void f(long a) {} }",
        Some("`long`"),
    ),
    ("A.java", "class A { public void f(int a) {} }", "class A { public void f(long a) {} }", None),
    ("a.rs", "pub fn f(a: u32) {}", "pub fn f(b: u32) {}", None),
    ("a.rs", "pub fn f(a: u32) {}", "pub fn f<T>(a: u32) {}", Some("<T>")),
    ("main.rs", "pub fn f(a: u32) {}", "pub fn f() {}", None),
];

#[test]
fn each_language_says_what_breaks_its_callers() {
    for (path, before, after, why) in CHANGES {
        let found = facts(&[(*path, *before)], &[(*path, *after)], &[]).breaking;
        let reasons: Vec<&str> = found.iter().map(|one| one.reason.as_str()).collect();
        match why {
            None => assert!(reasons.is_empty(), "{before} → {after}: {reasons:?}"),
            Some(why) => {
                assert!(
                    reasons.iter().any(|reason| reason.contains(why)),
                    "{before} → {after}: {reasons:?}"
                );
            }
        }
    }
}
