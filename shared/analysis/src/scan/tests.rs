use domain::{CommitSha, LineRange, Severity, SnippetHash};
use proptest::prelude::*;

use super::*;

mod asked;

fn snapshot(files: &[(&str, &[u8])]) -> Snapshot {
    let commit: CommitSha = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let file = |(path, bytes): &(&str, &[u8])| SourceFile {
        path: (*path).to_owned(),
        bytes: bytes.to_vec(),
    };
    Snapshot { commit, files: files.iter().map(file).collect(), left_out: Vec::new() }
}

fn scan_text(path: &str, text: &str) -> Scan {
    scan(&snapshot(&[(path, text.as_bytes())]), &Clock::unlimited())
}

const APP: &str = r#"import os, pickle, requests, subprocess

class Store:
    def find(self, name):
        self.db.execute(f"SELECT * FROM users WHERE name = '{name}'")
        self.db.execute(f"SELECT * FROM users WHERE name = '{name}'")

    def load(self, data):
        return pickle.loads(data)

def fetch(url):
    return requests.get(
        url,
        verify=False,
    )

def run(name):
    subprocess.run("ls " + name, shell=True)
    os.system("ls " + name)
"#;

#[test]
fn a_finding_carries_evidence_that_the_file_confirms() {
    let found = scan_text("src/app.py", APP).findings;
    let rules: Vec<_> = found.iter().map(|one| (one.lines.first, one.rule.as_str())).collect();
    assert_eq!(
        rules,
        [
            (5, "python.injection.sql-string"),
            (6, "python.injection.sql-string"),
            (9, "python.deserialization.pickle"),
            (12, "python.transport.tls-verification-off"),
            (18, "python.injection.subprocess-shell"),
            (19, "python.injection.os-command"),
        ]
    );
    let lines: Vec<_> = APP.lines().collect();
    for finding in &found {
        let LineRange { first, last } = finding.lines;
        let cited = lines[first as usize - 1..last as usize].join("\n");
        assert_eq!(finding.snippet_hash, SnippetHash::of(&cited));
        assert_eq!(finding.snippet, cited);
        assert!(finding.fix_suggestion.is_some() && !finding.cwe.is_empty());
    }
    assert_eq!(found[3].lines, LineRange { first: 12, last: 15 });
    assert_ne!(found[0].fingerprint, found[1].fingerprint, "equal code, counted");
}

#[test]
fn two_scans_of_the_same_commit_are_equal_and_sorted() {
    let files: [(&str, &[u8]); 3] = [
        ("z.py", APP.as_bytes()),
        ("a.py", APP.as_bytes()),
        ("m.go", b"package p\n\nvar c = &tls.Config{InsecureSkipVerify: true}\n"),
    ];
    let one = scan(&snapshot(&files), &Clock::unlimited());
    assert_eq!(one, scan(&snapshot(&files), &Clock::unlimited()));
    let order: Vec<_> =
        one.findings.iter().map(|f| (f.path.clone(), f.lines.first, f.rule.clone())).collect();
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(order, sorted);
    assert_eq!(order.len(), 13);
}

#[test]
fn no_output_holds_the_value_of_a_secret() {
    let secret = format!("Tr0ub4dor{}", "Zx9Qw7");
    let text = format!(
        "import requests\nrequests.get(url, headers={{\"token\": 1}}, auth=(\"a\", \"b\"), \
         password=\"{secret}\", verify=False)\n"
    );
    let scan = scan_text("src/app.py", &text);
    let rules: Vec<_> = scan.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["python.transport.tls-verification-off", "secret.hard-coded"]);
    let output = serde_json::to_string(&scan.findings).unwrap();
    assert!(!output.contains(&secret) && !output.contains(&secret[..9]), "{output}");
    assert!(output.contains("***"));
}

#[test]
fn a_secret_keeps_its_fingerprint_wherever_it_moves_in_the_file() {
    let line = format!("password = \"Tr0ub4dor{}\"\n", "Zx9Qw7");
    let one = scan_text("src/app.py", &line).findings;
    let moved = format!("def f():\n    pass\n\n    {line}");
    let other = scan_text("src/app.py", &moved).findings;
    assert_eq!((one.len(), other.len()), (1, 1));
    assert_eq!(one[0].fingerprint, other[0].fingerprint);
}

#[test]
fn tests_and_vendored_text_do_not_decide() {
    let secret = format!("password = \"Tr0ub4dor{}\"\n", "Zx9Qw7");
    let found = scan(
        &snapshot(&[
            ("app.py", APP.as_bytes()),
            ("tests/app.py", APP.as_bytes()),
            ("vendor/app.py", format!("{APP}{secret}").as_bytes()),
        ]),
        &Clock::unlimited(),
    )
    .findings;
    let count = |path: &str, demoted| {
        found.iter().filter(|one| one.path == path && one.demoted == demoted).count()
    };
    assert_eq!((count("app.py", false), count("app.py", true)), (6, 0));
    assert_eq!((count("tests/app.py", false), count("tests/app.py", true)), (0, 6));
    // Vendored code is not judged by rules, but a secret in it is a secret.
    assert_eq!((count("vendor/app.py", false), count("vendor/app.py", true)), (0, 1));
}

#[test]
fn a_test_module_inside_product_code_does_not_decide() {
    let hash = "fn f() { md5::compute(x); }\n";
    let text = format!(
        "{hash}\n#[cfg(test)]\n#[path = \"a\"]\nmod tests {{ {hash} }}\nmod more {{ {hash} }}\n"
    );
    let found = scan_text("src/lib.rs", &text).findings;
    let decided: Vec<_> = found.iter().map(|one| (one.lines.first, one.demoted)).collect();
    assert_eq!(decided, [(1, false), (5, true), (7, false)]);
}

#[test]
fn when_time_is_up_every_unfinished_file_is_named() {
    let up = || true;
    let scan = scan(&snapshot(&[("a.py", APP.as_bytes()), ("b.py", b"x")]), &Clock::new(&up));
    assert_eq!(scan.findings, []);
    let named: Vec<_> = scan.incomplete.iter().map(|one| (one.path.as_str(), one.reason)).collect();
    assert_eq!(named, [("a.py", IncompleteReason::TimedOut), ("b.py", IncompleteReason::TimedOut)]);
}

#[test]
fn time_that_runs_out_inside_a_file_leaves_a_note() {
    let text = format!("import os\n{}os.system(x)\n", "os.system('ls')\n".repeat(2000));
    for looks in [1_u32, 2, 5, 20] {
        let left = std::cell::Cell::new(looks);
        let up = || left.replace(left.get().saturating_sub(1)) == 0;
        let scan = scan(&snapshot(&[("a.py", text.as_bytes())]), &Clock::new(&up));
        assert_eq!(scan.findings, []);
        assert_eq!(scan.incomplete.len(), 1, "after {looks} looks");
        assert_eq!(scan.incomplete[0].reason, IncompleteReason::TimedOut);
    }
}

#[test]
fn a_rule_that_matches_all_over_is_cut_short_and_says_so() {
    let scan = scan_text("a.py", &"os.system(x)\n".repeat(2000));
    assert_eq!(scan.findings.len(), 100);
    let expected = Incomplete {
        path: "a.py".to_owned(),
        rule: Some("python.injection.os-command".to_owned()),
        reason: IncompleteReason::TooMany,
    };
    assert_eq!(scan.incomplete, [expected]);
}

/// Goal: matches inside matches do not multiply the work: each is a thousand deep and long.
#[test]
fn nested_matches_over_a_long_text_stay_within_their_limits() {
    let depth = 300;
    let filler = format!("'{}', ", "x".repeat(500));
    let text = format!("{}y{}\n", format!("eval({filler}\n").repeat(depth), ")".repeat(depth));
    let scan = scan_text("a.py", &text.replace("eval('", "eval(y, '"));
    assert!(!scan.findings.is_empty() && scan.findings.len() <= 100);
}

/// Goal: nesting cannot overflow the stack, even a small one. Each text also holds what a rule
/// would match, so that the rules are really tried.
#[test]
fn deep_nesting_is_reported_and_survived() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let files = [
        ("a.py", format!("os.system(x)\ny = {}\n", deep("(", ")"))),
        ("b.js", format!("eval(x);\nconst y = {};\n", deep("[", "]"))),
        ("c.ts", format!("eval(x);\nfunction f() {}\n", deep("{", "}"))),
        ("d.tsx", format!("eval(x);\nconst y = {};\n", deep("<a>", "</a>"))),
        ("e.go", format!("package p\n\nvar c = md5.New()\nvar y = {}\n", deep("(", ")"))),
        ("f.java", format!("class A {{ void f() {{ new Random(); {} }} }}\n", deep("{", "}"))),
        ("g.rs", format!("fn f() {{ md5::compute(x); let y = {}; }}\n", deep("(", ")"))),
        ("h.py", format!("os.system(x)\ny = {}\n", "(".repeat(10_000))),
        ("i.js", format!("eval(x);\nconst y = {};\n", "a + ".repeat(10_000))),
    ];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let snapshot = snapshot(&files);
    let work = move || {
        let parsed = crate::parse(&snapshot, &Clock::unlimited());
        (parsed, scan(&snapshot, &Clock::unlimited()))
    };
    let thread = std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap();
    let (parsed, scan) = thread.join().unwrap();
    let too_deep: Vec<_> = scan
        .incomplete
        .iter()
        .filter(|one| one.reason == IncompleteReason::TooDeep)
        .map(|one| one.path.as_str())
        .collect();
    for path in ["a.py", "b.js", "c.ts", "d.tsx", "e.go", "f.java", "g.rs"] {
        assert!(too_deep.contains(&path), "{path}: {:?}", scan.incomplete);
        let listed = parsed.coverage.unanalysed.iter().find(|one| one.path == path).unwrap();
        assert_eq!(listed.reason, domain::UnanalysedReason::TooDeep);
    }
}

#[test]
fn one_huge_line_is_searched_and_clipped() {
    let text =
        format!("var a = 1;{}eval(code);{}", "a=a+1;".repeat(80_000), "a=a-1;".repeat(80_000));
    let scan = scan_text("src/app.js", &text);
    assert_eq!(scan.findings.len(), 1);
    assert!(scan.findings[0].snippet.contains("eval(code)"));
    assert!(scan.findings[0].snippet.len() < 300);
}

#[test]
fn a_nested_match_on_the_same_line_is_not_told_twice() {
    let scan = scan_text("src/app.py", "eval(eval(a))\neval(b); eval(c)\n");
    let lines: Vec<_> = scan.findings.iter().map(|finding| finding.lines.first).collect();
    assert_eq!(lines, [1, 2, 2]);
}

#[test]
fn severities_come_from_the_rule() {
    let scan = scan_text("src/app.py", "subprocess.run(\"ls | wc\", shell=True)\n");
    assert_eq!(scan.findings[0].severity, Severity::Low);
}

fn fingerprints(text: &str) -> Vec<(String, String)> {
    let found = scan_text("src/app.py", text).findings.into_iter();
    found.map(|one| (one.rule, one.fingerprint.as_str().to_owned())).collect()
}

/// Lines before which something may be put at the top level of `APP`.
const SEAMS: [usize; 4] = [1, 3, 11, 17];

fn insertion() -> impl Strategy<Value = (usize, String)> {
    let text = prop_oneof![
        Just("\n\n".to_owned()),
        "# [a-z ]{0,20}\n".prop_map(|comment| comment),
        (0_u32..1000).prop_map(|n| format!("def added_{n}(value):\n    return value + {n}\n\n")),
        (0_u32..1000)
            .prop_map(|n| format!("def risky_{n}(value):\n    os.system(\"ls \" + value)\n\n")),
    ];
    (0..SEAMS.len(), text)
}

proptest! {
    /// Goal: what is inserted elsewhere changes no fingerprint of what was there.
    #[test]
    fn insertions_change_no_fingerprint(inserted in prop::collection::vec(insertion(), 0..6)) {
        let mut lines: Vec<String> = APP.lines().map(|line| format!("{line}\n")).collect();
        for (seam, text) in inserted {
            lines[SEAMS[seam] - 1].insert_str(0, &text);
        }
        let after = fingerprints(&lines.concat());
        for before in fingerprints(APP) {
            prop_assert!(after.contains(&before), "{before:?} is gone");
        }
    }

    /// Goal: neither does another indentation, nor comments and blank lines in between.
    #[test]
    fn layout_changes_no_fingerprint(width in 1_usize..9, gaps in prop::collection::vec(0_usize..3, 20)) {
        let mut text = String::new();
        for (index, line) in APP.lines().enumerate() {
            let bare = line.trim_start();
            let depth = (line.len() - bare.len()) / 4;
            text.push_str(&"\n".repeat(gaps[index % gaps.len()]));
            text.push_str(&" ".repeat(depth * width));
            text.push_str(bare);
            text.push_str("  # note\n");
        }
        prop_assert_eq!(fingerprints(&text), fingerprints(APP));
    }

    #[test]
    fn random_bytes_never_panic(
        name in prop::sample::select(vec!["a.py", "a.js", "a.ts", "a.tsx", "a.go", "a.java", "a.rs", ".env"]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let snapshot = snapshot(&[(name, &bytes)]);
        crate::parse(&snapshot, &Clock::unlimited());
        scan(&snapshot, &Clock::unlimited());
    }

    #[test]
    fn random_text_never_panics(
        name in prop::sample::select(vec!["a.py", "a.js", "a.ts", "a.tsx", "a.go", "a.java", "a.rs", ".env"]),
        text in "(eval\\(|\\$\\{|\"|'|`|\\{|\\}|\\)|é|𝕏|\n|\t|token = |AKIA|:=|f\"|/\\*|password=| ){0,80}",
    ) {
        let snapshot = snapshot(&[(name, text.as_bytes())]);
        crate::parse(&snapshot, &Clock::unlimited());
        scan(&snapshot, &Clock::unlimited());
    }
}

/// Goal: broken code, as it exists between two keystrokes, never panics. Method: cut, double or
/// overwrite a stretch of real examples.
#[test]
fn mutated_examples_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % bound.max(1)
    };
    for (path, example) in rules::examples() {
        for _ in 0..6 {
            let mut bytes = example.clone().into_bytes();
            let from = next(bytes.len());
            let to = (from + next(12)).min(bytes.len());
            match next(3) {
                0 => drop(bytes.drain(from..to)),
                1 => {
                    let copy = bytes[from..to].to_vec();
                    bytes.splice(to..to, copy);
                }
                _ => bytes[from..to].fill(b"(){}[]\"'`\\\n\xff"[next(12)]),
            }
            let snapshot = snapshot(&[(path, &bytes)]);
            crate::parse(&snapshot, &Clock::unlimited());
            scan(&snapshot, &Clock::unlimited());
        }
    }
}

fn diff_of(path: &str, text: &str) -> Option<String> {
    scan(&snapshot(&[(path, text.as_bytes())]), &Clock::unlimited())
        .findings
        .into_iter()
        .find_map(|finding| finding.fix_diff)
}

/// Goal: git takes a diff whatever the file's line ends, its last line and its name.
#[test]
fn a_fix_applies_to_files_as_they_are() {
    for (path, text, expected) in [
        ("a.py", "os.umask(0)\n", "os.umask(0o077)\n"),
        ("a b/ü.py", "x = 1\nos.umask(0)", "x = 1\nos.umask(0o077)"),
        ("a.py", "x = 1\r\nos.umask(0)\r\n", "x = 1\r\nos.umask(0o077)\r\n"),
        ("a.py", "# one\rline\nos.umask(0)\n", "# one\rline\nos.umask(0o077)\n"),
    ] {
        let diff = diff_of(path, text).unwrap();
        assert_eq!(rules::applied(path, text, &diff), expected, "{diff}");
    }
}

#[test]
fn a_fix_quotes_no_secret_from_the_lines_around_it() {
    let key = format!("AKIA{}", "Q3EGR7LZW5YTX2KP");
    let near = format!("AWS = '{key}'\nos.umask(0)\n");
    assert_eq!(diff_of("a.py", &near), None);
    let far = format!("AWS = '{key}'\n\n\n\n\nos.umask(0)\n");
    assert!(!diff_of("a.py", &far).unwrap().contains(&key));
}

#[test]
fn code_that_does_not_parse_is_not_mended() {
    assert!(diff_of("a.py", "os.umask(0)\n").is_some());
    assert_eq!(diff_of("a.py", "def (:\nos.umask(0)\n"), None);
}

#[test]
fn fixes_of_one_file_are_tried_together() {
    let text = "os.umask(0)\nyaml = np.load(path, allow_pickle=True)\nos.umask(0)\n";
    let scan = scan_text("src/app.py", text);
    assert_eq!(scan.findings.iter().filter(|one| one.fix_diff.is_some()).count(), 3);
}
