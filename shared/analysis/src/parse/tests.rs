use domain::CommitSha;

use super::*;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), bytes: text.into() }
}

fn snapshot(files: Vec<SourceFile>) -> Snapshot {
    let commit: CommitSha = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    Snapshot { commit, files, left_out: Vec::new() }
}

fn names(path: &str, text: &str) -> Vec<(String, SymbolKind)> {
    let found = symbols(&file(path, text), &Clock::unlimited());
    found.into_iter().map(|symbol| (symbol.name, symbol.kind)).collect()
}

#[test]
fn symbols_are_named_by_what_encloses_them() {
    use SymbolKind::{Function, Scope, Type};
    type Named = (&'static str, SymbolKind);
    let cases: [(&str, &str, &[Named]); 6] = [
        (
            "a.py",
            "class A:\n    def f(self):\n        def g():\n            pass\n\ndef h(): pass\n",
            &[("A", Type), ("A.f", Function), ("A.f.g", Function), ("h", Function)],
        ),
        (
            "a.js",
            "class A { f() {} }\nfunction g() {}\nconst h = () => 1;\n[1].map((x) => x);\n",
            &[("A", Type), ("A.f", Function), ("g", Function), ("h", Function)],
        ),
        (
            "a.ts",
            "interface I { x: number }\nabstract class B { run = () => 1; }\nenum E { A }\n",
            &[("I", Type), ("B", Type), ("B.run", Function), ("E", Type)],
        ),
        (
            "a.go",
            "package p\n\ntype S struct{}\n\nfunc (s *S) Run() {}\n\nfunc main() {}\n",
            &[("S", Type), ("S.Run", Function), ("main", Function)],
        ),
        (
            "A.java",
            "class A { A() {} void f() {} interface I {} }\nrecord R(int x) {}\n",
            &[("A", Type), ("A.A", Function), ("A.f", Function), ("A.I", Type), ("R", Type)],
        ),
        (
            "a.rs",
            "mod m { struct S<T>(T); impl<T> S<T> { fn f() {} } }\nenum E {}\nfn g() {}\n",
            &[
                ("m", Scope),
                ("m.S", Type),
                ("m.S", Scope),
                ("m.S.f", Function),
                ("E", Type),
                ("g", Function),
            ],
        ),
    ];
    for (path, text, expected) in cases {
        let expected: Vec<_> =
            expected.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        assert_eq!(names(path, text), expected, "{path}");
    }
}

#[test]
fn a_symbol_covers_its_lines() {
    let found =
        symbols(&file("a.py", "\ndef f():\n    x = 1\n    return x\n\n"), &Clock::unlimited());
    assert_eq!((found[0].lines.first, found[0].lines.last), (2, 4));
}

#[test]
fn coverage_counts_what_was_read_and_lists_what_was_not() {
    let mut snapshot = snapshot(vec![
        file("a.py", "class A:\n    def f(self):\n        pass\n"),
        file("b.py", "def f(:\n    pass\n"),
        file("lib.rs", "fn f() {}\n"),
        file("node_modules/x.js", "x()\n"),
        file("readme.md", "# Hello\n"),
    ]);
    snapshot.files.push(SourceFile { path: "logo.png".to_owned(), bytes: vec![0x89, 0, 0] });
    snapshot
        .left_out
        .push(Unanalysed { path: "big.bin".to_owned(), reason: UnanalysedReason::TooLarge });
    let Coverage {
        files,
        analysed,
        lines,
        functions,
        classes,
        languages,
        problems,
        unanalysed,
        ..
    } = parse(&snapshot, &Clock::unlimited()).coverage;
    assert_eq!((files, analysed, lines), (7, 3, 6));
    assert_eq!((functions, classes), (3, 1));
    assert_eq!(languages, BTreeMap::from([(Language::Python, 2), (Language::Rust, 1)]));
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].path.as_str(), problems[0].line), ("b.py", 1));
    let reasons: Vec<_> = unanalysed.iter().map(|one| (one.path.as_str(), one.reason)).collect();
    assert_eq!(
        reasons,
        [
            ("big.bin", UnanalysedReason::TooLarge),
            ("logo.png", UnanalysedReason::Binary),
            ("node_modules/x.js", UnanalysedReason::Vendored),
            ("readme.md", UnanalysedReason::UnknownLanguage),
        ]
    );
}

#[test]
fn a_file_that_time_did_not_allow_is_listed() {
    let up = || true;
    let coverage = parse(&snapshot(vec![file("a.py", "x = 1\n")]), &Clock::new(&up)).coverage;
    assert_eq!(coverage.analysed, 0);
    assert_eq!(coverage.unanalysed[0].reason, UnanalysedReason::TimedOut);
}

#[test]
fn imports_and_calls_are_counted_in_every_language() {
    let cases = [
        ("a.py", "import os, sys\nfrom a import b\nf(g(1))\n@h\ndef f(): pass\n", (2, 2)),
        ("a.js", "import a from 'a';\nnew A(b());\nc`x`;\n", (1, 3)),
        ("a.tsx", "import { a } from 'a';\nconst b = <C onClick={() => a()} />;\n", (1, 1)),
        ("a.go", "package p\nimport (\n\"os\"\n\"io\"\n)\nfunc f() { os.Exit(g()) }\n", (2, 2)),
        ("A.java", "import a.B;\nclass A { A() { this(1); } void f() { new B().g(); } }\n", (1, 3)),
        ("a.rs", "use a::b;\nextern crate c;\nfn f() { g(h!()); x.y(); }\n", (2, 3)),
        ("a.txt", "import a; b()\n", (0, 0)),
    ];
    for (path, text, expected) in cases {
        let coverage = parse(&snapshot(vec![file(path, text)]), &Clock::unlimited()).coverage;
        assert_eq!((coverage.imports, coverage.calls), expected, "{path}");
    }
}
