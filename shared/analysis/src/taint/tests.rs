use std::collections::BTreeSet;

use domain::{CommitSha, Language, Snapshot, SourceFile};

use super::*;
use crate::{scan, tree::Parsers};

mod java;
mod own;
mod properties;
mod refused;

fn path(language: Language) -> &'static str {
    match language {
        Language::Python => "src/app.py",
        Language::JavaScript => "src/app.js",
        Language::TypeScript => "src/app.ts",
        Language::Tsx => "src/app.tsx",
        Language::Go => "src/app.go",
        Language::Java => "src/App.java",
        Language::Rust => "src/app.rs",
    }
}

/// Rules of everything that is found in a file.
fn found(language: Language, text: &str) -> BTreeSet<String> {
    let file = SourceFile { path: path(language).to_owned(), bytes: text.into() };
    let commit: CommitSha = "a".repeat(40).parse().unwrap();
    let snapshot = Snapshot { commit, files: vec![file], left_out: Vec::new() };
    let scan = scan(&snapshot, &Clock::unlimited());
    assert_eq!(scan.incomplete, []);
    scan.findings.into_iter().map(|finding| finding.rule).collect()
}

/// Goal: every rule does what its author showed, and nothing else fires on the same code.
#[test]
fn every_taint_rule_keeps_to_its_examples() {
    let mut failures = Vec::new();
    for (rule, examples) in builtin::all() {
        let only = BTreeSet::from([rule.info.id.clone()]);
        for language in &rule.info.languages {
            let cases = examples.bad.iter().map(|text| (text, true));
            for (text, is_bad) in cases.chain(examples.good.iter().map(|text| (text, false))) {
                // What the rule leaves to others is told by them.
                let own = |id: String| match rule.yields_to.contains(&id) {
                    true => rule.info.id.clone(),
                    false => id,
                };
                let found: BTreeSet<_> = found(*language, text).into_iter().map(own).collect();
                let right = if is_bad { found == only } else { found.is_empty() };
                if !right {
                    failures.push(format!("{} ({language}): {found:?} for\n{text}", rule.info.id));
                }
                let tree = Parsers::default().parse(*language, text, Clock::unlimited()).unwrap();
                if tree.root_node().has_error() {
                    failures.push(format!("{} ({language}) is no code:\n{text}", rule.info.id));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Lines of the sinks that flows of the built-in rules reach.
fn sinks(language: Language, text: &str) -> Vec<usize> {
    let flows = outcome(language, text).flows;
    flows.iter().map(|flow| text[..flow.bytes.start].matches('\n').count() + 1).collect()
}

fn outcome(language: Language, text: &str) -> TaintOutcome {
    let tree = Parsers::default().parse(language, text, Clock::unlimited());
    run(taint_set(language), text, || tree, Clock::unlimited())
}

/// A view in which `request.GET["a"]` is followed through `body`.
fn view(body: &str) -> String {
    let lines: Vec<_> = body.lines().map(|line| format!("    {line}\n")).collect();
    format!("import os, re\ndef view(request):\n    a = request.GET[\"a\"]\n{}", lines.concat())
}

fn reaches(body: &str) -> bool {
    !sinks(Language::Python, &view(body)).is_empty()
}

#[test]
fn values_are_followed_through_what_code_does_with_them() {
    for body in [
        "os.system(a)",
        "b = a.strip().lower()\nos.system(b)",
        "b, c = a, 1\nos.system(b)",
        "b = [a]\nos.system(b[0])",
        "b = {}\nb['x'] = a\nos.system(b['x'])",
        "b = []\nb.append(a)\nos.system(' '.join(b))",
        "b = 'ls'\nif a:\n    b = a\nos.system(b)",
        "for c in a.split():\n    os.system(c)",
        "try:\n    b = a\nexcept ValueError:\n    b = ''\nos.system(b)",
        "with open('x') as f:\n    os.system(a)",
        "os.system('ls' if len(a) > 3 else a)",
        "os.system([x for x in [a]][0])",
        "b = lambda: os.system(a)",
        "b = f'{a}'\nb += ' x'\nos.system(b)",
        "while True:\n    b = a\n    if b:\n        break\nos.system(b)",
    ] {
        assert!(reaches(body), "{body}");
    }
}

#[test]
fn converted_and_checked_values_are_harmless() {
    for body in [
        "os.system('ls %d' % int(a))",
        "os.system('ls ' + str(len(a)))",
        "if a in ('x', 'y'):\n    os.system(a)",
        "if a not in ['x']:\n    return\nos.system(a)",
        "if a == 'x':\n    os.system(a)",
        "if a != 'x' and a != 'y':\n    raise ValueError\nos.system(a)",
        "if re.fullmatch('[a-z]+', a):\n    os.system(a)",
        "if not re.match('^[a-z]+$', a):\n    return\nos.system(a)",
        "if a.isalnum():\n    os.system(a)",
        "ok = a in ['x']\nif not ok:\n    return\nos.system(a)",
        "assert a in ['x']\nos.system(a)",
        "a = 'fixed'\nos.system(a)",
        "b = a if a in ['x'] else 'y'\nos.system(b)",
        "b = {}\nb['x'] = a\nb['y'] = 'z'\nos.system(b['y'])",
    ] {
        assert!(!reaches(body), "{body}");
    }
}

#[test]
fn checks_that_prove_little_clean_nothing() {
    for body in [
        "if a:\n    os.system(a)",
        "if a in request.GET['list']:\n    os.system(a)",
        "if re.match('[a-z]+', a):\n    os.system(a)",
        "if re.fullmatch('.*', a):\n    os.system(a)",
        "if a == 'x':\n    pass\nos.system(a)",
        "if a != 'x':\n    os.system(a)",
        "if a == 'x' or len(a) > 3:\n    os.system(a)",
        "if a.startswith('x'):\n    os.system(a)",
    ] {
        assert!(reaches(body), "{body}");
    }
}

#[test]
fn branches_that_constants_exclude_are_not_followed() {
    let never = "n = 7 * 18\nif n > 200:\n    b = a\nelse:\n    b = 'ls'\nos.system(b)";
    assert!(!reaches(never));
    assert!(reaches(&never.replace("200", "100")));
    assert!(!reaches("if False:\n    os.system(a)"));
    assert!(!reaches("return\nos.system(a)"));
    assert!(!reaches("while False:\n    os.system(a)"));
}

#[test]
fn what_a_route_converts_to_a_number_is_harmless() {
    let view = |route: &str| {
        let code =
            format!("@app.get(\"/{route}\")\ndef show(first, second):\n    os.system(second)\n");
        sinks(Language::Python, &format!("import os\n{code}")).len()
    };
    assert_eq!(view("<first>/<second>"), 1);
    assert_eq!(view("<int:first>/<path:second>"), 1);
    assert_eq!(view("<first>/<int:second>"), 0);
    assert_eq!(view("<first>/<int(min=1):second>"), 0);
}

#[test]
fn functions_of_the_file_are_known_by_what_they_do() {
    let through = |helper: &str, use_of: &str| {
        !sinks(Language::Python, &format!("{helper}{}", view(use_of))).is_empty()
    };
    let same = "def same(x, y='b'):\n    return y + x\n";
    assert!(through(same, "os.system(same(a))"));
    assert!(through(same, "os.system(same('c', y=a))"));
    assert!(!through("def fixed(x):\n    return 'b'\n", "os.system(fixed(a))"));
    assert!(!through("def number(x):\n    return int(x)\n", "os.system(number(a))"));
    assert!(through("def run(x):\n    os.system(x)\n", "run(a)"));
    assert!(!through("def run(x, y):\n    os.system(y)\n", "run(a, 'ls')"));
    assert!(!through("def valid(x):\n    return x in ['b']\n", "if valid(a):\n    os.system(a)"));
    assert!(through("def valid(x):\n    return len(x)\n", "if valid(a):\n    os.system(a)"));
    let recursive = "def again(x):\n    return again(x) if x else x\n";
    assert!(through(recursive, "os.system(again(a))"));
}

#[test]
fn the_path_names_source_steps_and_sink_in_order() {
    let text = view("b = a.strip()\nos.system(b)");
    let flow = outcome(Language::Python, &text).flows.remove(0);
    let line = |bytes: &Range<usize>| text[..bytes.start].matches('\n').count() + 1;
    let lines: Vec<_> = flow.path.iter().map(line).collect();
    assert_eq!(lines, [3, 3, 4, 5]);
    assert_eq!(&text[flow.path[0].clone()], "request.GET");
    assert_eq!(flow.symbol, "view");
    let told = explain(&flow.path, |bytes| (1, Some(text[bytes.clone()].to_owned())));
    assert!(
        told.contains("(comes in): `request.GET`") && told.ends_with("`os.system(b)`"),
        "{told}"
    );
}

#[test]
fn a_finding_about_the_same_place_is_told_once() {
    let found = found(Language::Python, &view("os.system('ls ' + a)"));
    assert_eq!(found, BTreeSet::from(["python.taint.command".to_owned()]));
    assert!(
        super::tests::found(Language::Python, &view("b = 'x'\nos.system('ls ' + b)")).is_empty()
    );
}

#[test]
fn javascript_callbacks_see_what_is_around_them() {
    let app = |body: &str| {
        format!(
            "const {{ exec }} = require(\"child_process\");\napp.get(\"/\", (req, res) => {{\n{body}\n}});\n"
        )
    };
    for body in [
        "const { name } = req.query; exec(name);",
        "const name = req.query.name; done(() => exec(`ls ${name}`));",
        "[req.body.name].forEach((one) => exec(one));",
        "let name; if (req.query.a) { name = req.query.a; } else { name = \"b\"; } exec(name);",
        "switch (req.query.kind) { case \"a\": exec(req.query.name); break; default: break; }",
    ] {
        assert_eq!(sinks(Language::JavaScript, &app(body)), [3], "{body}");
    }
    for body in [
        "const name = req.query.name; if ([\"a\", \"b\"].includes(name)) { exec(name); }",
        "const name = Number(req.query.name); exec(`ls ${name}`);",
        "const name = req.query.name; if (!/^[a-z]+$/.test(name)) { return; } exec(name);",
        "const name = req.query.name; if (typeof name === \"number\") { exec(name); }",
    ] {
        assert!(sinks(Language::JavaScript, &app(body)).is_empty(), "{body}");
    }
}

#[test]
fn java_constants_maps_and_cases_are_told_apart() {
    let servlet = |body: &str| {
        format!(
            "class A extends HttpServlet {{\nprivate static final int LIMIT = 5;\nvoid doGet(HttpServletRequest request, HttpServletResponse response) {{\nString param = request.getParameter(\"a\");\n{body}\n}}\nprivate boolean always() {{ return true; }}\n}}\n"
        )
    };
    let run = "Runtime.getRuntime().exec(bar);";
    for (body, expected) in [
        ("String bar = param;", true),
        ("String bar = (7 * 42) - 86 > 200 ? \"fixed\" : param;", false),
        ("String bar; if (LIMIT == 5) { bar = \"fixed\"; } else { bar = param; }", false),
        ("String bar; if (LIMIT != 5) { bar = \"fixed\"; } else { bar = param; }", true),
        ("String bar = \"x\"; if (!always()) { bar = param; }", false),
        (
            "java.util.HashMap<String, Object> map = new java.util.HashMap<String, Object>(); map.put(\"a\", \"fixed\"); map.put(\"b\", param); String bar = (String) map.get(\"a\");",
            false,
        ),
        (
            "java.util.HashMap<String, Object> map = new java.util.HashMap<String, Object>(); map.put(\"a\", \"fixed\"); map.put(\"b\", param); String bar = (String) map.get(\"b\");",
            true,
        ),
        (
            "String word = \"ABC\"; String bar; switch (word.charAt(1)) { case 'A': bar = param; break; case 'B': bar = \"fixed\"; break; default: bar = param; break; }",
            false,
        ),
        (
            "String word = \"ABC\"; String bar; switch (word.charAt(2)) { case 'A': bar = \"fixed\"; break; case 'C': bar = param; break; default: bar = \"fixed\"; break; }",
            true,
        ),
        (
            "StringBuilder text = new StringBuilder(); text.append(param); String bar = text.toString();",
            true,
        ),
    ] {
        let text = servlet(&format!("{body} {run}"));
        assert_eq!(!sinks(Language::Java, &text).is_empty(), expected, "{body}");
    }
}

#[test]
fn go_handlers_are_followed_by_the_types_of_their_parameters() {
    let handler = |body: &str| {
        format!(
            "package p\n\nimport (\n\t\"net/http\"\n\t\"os/exec\"\n)\n\nfunc f(w http.ResponseWriter, q *http.Request) {{\n{body}\n}}\n"
        )
    };
    for (body, expected) in [
        ("a := q.FormValue(\"a\")\nexec.Command(a).Run()", true),
        ("a := q.FormValue(\"a\")\nif !known[a] {\nreturn\n}\nexec.Command(a).Run()", false),
        (
            "a := q.FormValue(\"a\")\nif _, ok := known[a]; !ok {\nreturn\n}\nexec.Command(a).Run()",
            false,
        ),
        ("for _, a := range q.Form[\"a\"] {\nexec.Command(a).Run()\n}", true),
        ("run := func(a string) { exec.Command(a).Run() }\nrun(q.FormValue(\"a\"))", false),
        (
            "a := q.FormValue(\"a\")\nswitch a {\ncase \"ls\", \"df\":\nexec.Command(a).Run()\n}",
            false,
        ),
    ] {
        assert_eq!(!sinks(Language::Go, &handler(body)).is_empty(), expected, "{body}");
    }
}

/// Goal: nesting up to what is parsed at all cannot overflow a small stack, and long code takes
/// no longer than its length. Each text has a source and a sink, so that it is really followed.
#[test]
fn deep_and_long_code_is_survived() {
    let deep = |open: &str, close: &str, count: usize| {
        format!("{}a{}", open.repeat(count), close.repeat(count))
    };
    let python = |rest: &str| format!("import os\na = request.GET['a']\n{rest}\nos.system(a)\n");
    let script = |rest: &str| format!("const a = req.query.a;\n{rest}\nexec(a);\n");
    let mut nested = String::new();
    for depth in 0..300 {
        nested.push_str(&format!("{}if a:\n", " ".repeat(depth)));
    }
    nested.push_str(&format!("{}b = a", " ".repeat(300)));
    let texts = [
        (Language::Python, python(&format!("b = {}", deep("(", ")", 900)))),
        (Language::Python, python(&format!("b = {}", deep("f(", ")", 400)))),
        (Language::Python, python(&format!("b = {}", deep("[", "]", 400)))),
        (Language::Python, python(&format!("b = a{}", " + a".repeat(900)))),
        (Language::Python, python(&nested)),
        (Language::Python, python(&"b = a + b\n".repeat(3000))),
        (Language::Python, python(&"for x in a:\n    b = x\n".repeat(1000))),
        (Language::JavaScript, script(&deep("f(() => {", "})", 150))),
        (Language::JavaScript, script(&format!("{}{}", "{".repeat(900), "}".repeat(900)))),
        (Language::JavaScript, script(&format!("if (a) {{}}{}", " else if (a) {}".repeat(300)))),
        (Language::JavaScript, script(&format!("x{};", ".then(a)".repeat(450)))),
    ];
    let work = move || {
        for (language, text) in &texts {
            let outcome = outcome(*language, text);
            let told = !outcome.flows.is_empty()
                || outcome.too_deep
                || outcome.stopped.is_some()
                || !outcome.unfinished.is_empty();
            assert!(told, "{language}: {}", &text[..80]);
        }
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn code_without_source_or_sink_is_not_even_parsed() {
    for text in ["x = 1\n", "import os\nos.system(b)\n", "a = request.GET\n"] {
        let parse = || -> Result<Tree, Stopped> { panic!("parsed {text}") };
        let literal_free = run(taint_set(Language::Go), text, parse, Clock::unlimited());
        assert!(literal_free.flows.is_empty());
    }
}
