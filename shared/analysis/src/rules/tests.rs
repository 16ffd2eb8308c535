use std::collections::{BTreeMap, BTreeSet};

use domain::{CommitSha, Finding, Language, Snapshot, SourceFile};

use super::{builtin, envelope::RuleFile, ruleset::Ready, *};
use crate::{Clock, grammar::Grammar, scan, tree::Parsers};

fn file_name(language: Language) -> &'static str {
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

pub(crate) fn examples() -> impl Iterator<Item = (&'static str, String)> {
    let single = builtin::all_envelopes().flat_map(|envelope| {
        let texts = envelope.examples.bad.iter().chain(&envelope.examples.good);
        texts.map(|text| (file_name(envelope.languages[0]), text.clone()))
    });
    let flows = taint::examples().map(|(language, text)| (file_name(language), text.to_owned()));
    let nil = nil::examples().map(|text| (file_name(Language::Go), text.to_owned()));
    single.chain(flows).chain(nil)
}

fn matched(language: Language, text: &str) -> BTreeSet<String> {
    findings(language, text).into_iter().map(|finding| finding.rule).collect()
}

fn findings(language: Language, text: &str) -> Vec<Finding> {
    let file = SourceFile { path: file_name(language).to_owned(), bytes: text.into() };
    let commit: CommitSha = "a".repeat(40).parse().unwrap();
    let snapshot = Snapshot { commit, files: vec![file], left_out: Vec::new() };
    let scan = scan(&snapshot, &Clock::unlimited());
    assert!(scan.incomplete.is_empty());
    scan.findings
}

/// Each rule in each of its languages, with its rewrites; all that are wrong are listed.
#[test]
fn every_rule_compiles() {
    let wrong: Vec<String> = builtin::all_envelopes()
        .flat_map(|envelope| envelope.languages.iter().map(move |language| (envelope, *language)))
        .filter_map(|(envelope, language)| Ready::new(envelope, Grammar(language)).err())
        .collect();
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Goal: every rule does what its author showed, in each of its languages, and nothing else
/// fires on the same code. All failures are listed, since rules are edited many at a time.
#[test]
fn every_rule_keeps_to_its_examples() {
    let mut failures = Vec::new();
    for envelope in builtin::all_envelopes() {
        let only = BTreeSet::from([envelope.id.clone()]);
        for language in &envelope.languages {
            for (examples, expected) in
                [(&envelope.examples.bad, &only), (&envelope.examples.good, &BTreeSet::new())]
            {
                for example in examples {
                    // A flow stands for what it supersedes.
                    let own = |rule: String| match taint::stands_for(&rule, &envelope.id) {
                        true => envelope.id.clone(),
                        false => rule,
                    };
                    let found: BTreeSet<_> =
                        matched(*language, example).into_iter().map(own).collect();
                    if found != *expected {
                        let id = &envelope.id;
                        failures.push(format!("{id} ({language}): {found:?} for\n{example}"));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Goal: every rule that can mend does so in its own examples, in each of its languages, with a
/// diff that git takes, after which nothing is found and the code still parses.
#[test]
fn every_rewrite_mends_an_example() {
    let mut failures = Vec::new();
    let mut mended = 0;
    for envelope in builtin::all_envelopes().filter(|envelope| !envelope.rewrite.is_empty()) {
        for language in &envelope.languages {
            let diffs: Vec<_> = envelope
                .examples
                .bad
                .iter()
                .flat_map(|example| findings(*language, example).into_iter().zip([example]))
                .filter_map(|(finding, example)| Some((finding.fix_diff?, example)))
                .collect();
            mended += diffs.len();
            if diffs.is_empty() {
                failures.push(format!("{} ({language}) mends none of its examples", envelope.id));
            }
            for (diff, example) in diffs {
                let after = applied(file_name(*language), example, &diff);
                let left = matched(*language, &after);
                let tree = Parsers::default().parse(*language, &after, Clock::unlimited()).unwrap();
                if !left.is_empty() || tree.root_node().has_error() {
                    failures.push(format!("{} ({language}): {left:?} in\n{after}", envelope.id));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(mended > 60, "{mended}");
}

/// The file as `git apply` leaves it.
pub(crate) fn applied(path: &str, text: &str, diff: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    std::fs::write(folder.path().join("diff"), diff).unwrap();
    let done = std::process::Command::new("git")
        .args(["apply", "--whitespace=nowarn", "diff"])
        .env("GIT_CEILING_DIRECTORIES", folder.path())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}\n{diff}", String::from_utf8_lossy(&done.stderr));
    std::fs::read_to_string(file).unwrap()
}

/// Examples that do not parse would prove nothing.
#[test]
fn every_example_is_valid_code() {
    let mut broken = Vec::new();
    for envelope in builtin::all_envelopes() {
        for language in &envelope.languages {
            for example in envelope.examples.bad.iter().chain(&envelope.examples.good) {
                let tree =
                    Parsers::default().parse(*language, example, Clock::unlimited()).unwrap();
                if tree.root_node().has_error() {
                    broken.push(format!("{} ({language}): {example}", envelope.id));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_rule_is_complete_and_named_for_its_language() {
    let mut seen = BTreeSet::new();
    for envelope in builtin::all_envelopes() {
        let info = envelope.info();
        let id = &info.id;
        assert!(seen.insert(id.clone()), "{id} exists twice");
        assert!(!envelope.examples.bad.is_empty(), "{id} has no bad example");
        assert!(!envelope.examples.good.is_empty(), "{id} has no good example");
        assert!(!envelope.keywords.is_empty(), "{id} would be tried on every file");
        assert!(info.cwe.iter().all(|cwe| cwe.starts_with("CWE-")) && !info.cwe.is_empty());
        assert!((0.0..=1.0).contains(&info.confidence), "{id}");
        assert!(info.fix.is_some(), "{id} says what is wrong and not what to do");
        let prefix = info.languages[0].as_str();
        assert!(id.starts_with(&format!("{prefix}.")), "{id} is not named for {prefix}");
        for other in &envelope.supersedes {
            let known = builtin::all_envelopes().any(|envelope| envelope.id == *other);
            assert!(known, "{id} supersedes {other}, which does not exist");
        }
    }
}

#[test]
fn the_set_is_as_large_as_promised() {
    let mut by_language: BTreeMap<Language, usize> = BTreeMap::new();
    for envelope in builtin::all_envelopes() {
        for language in &envelope.languages {
            *by_language.entry(*language).or_default() += 1;
        }
    }
    assert!(builtin::all_envelopes().count() >= 150);
    for language in Language::ALL {
        assert!(by_language[language] >= 8, "{language} has {}", by_language[language]);
    }
    let flows = taint::infos().count() + nil::infos().count();
    let others = flows + crate::secrets::infos().count();
    assert_eq!(rules().len(), builtin::all_envelopes().count() + others);
}

#[test]
fn a_rule_file_with_an_unknown_word_is_refused() {
    let error = RuleFile::parse("rules: []\nrulez: []\n").err().unwrap();
    assert!(error.contains("rulez"), "{error}");
}

const QUADRATIC: &str = "
rules:
  - id: python.test.quadratic
    languages: [python]
    severity: low
    confidence: 0.5
    category: correctness
    cwe: [CWE-1]
    owasp: []
    title: t
    message: m
    keywords: [x]
    rule:
      kind: identifier
      inside: {stopBy: end, follows: {stopBy: end, has: {stopBy: end, regex: never}}}
    examples: {bad: [], good: []}
";

/// Goal: a rule whose cost explodes stops alone, and says so.
#[test]
fn a_rule_without_fuel_is_reported_and_stops() {
    let envelopes: Vec<_> = RuleFile::parse(QUADRATIC).unwrap().into_envelopes().collect();
    let ruleset = Ruleset::compile(&envelopes, Language::Python).unwrap();
    let run = |text: &str| {
        run(&ruleset, Language::Python, text, &mut Parsers::default(), Clock::unlimited())
    };
    assert!(run("x = 1\n").out_of_fuel.is_empty());
    let outcome = run(&"x = [x, x, x]\n".repeat(3000));
    assert_eq!(outcome.out_of_fuel, [0]);
    assert!(outcome.matches.is_empty());
}

#[test]
fn a_rule_for_a_kind_that_does_not_exist_names_itself_in_the_error() {
    let yaml = QUADRATIC.replace("kind: identifier", "kind: identifer");
    let envelopes: Vec<_> = RuleFile::parse(&yaml).unwrap().into_envelopes().collect();
    let error = Ruleset::compile(&envelopes, Language::Python).err().unwrap();
    assert!(error.contains("python.test.quadratic") && error.contains("identifer"), "{error}");
}

/// Goal: a name means what the file's imports say, however it is written, and a function of the
/// file's own is no library's.
#[test]
fn rules_follow_names_through_imports() {
    let weak = "python.cryptography.weak-hash";
    let shell = "javascript.injection.child-process";
    let python = |text: &str| matched(Language::Python, text);
    for text in [
        "import hashlib as h\nh.md5(data)\n",
        "from hashlib import md5 as digest\ndigest(data)\n",
        "from hashlib import md5\ndef f(data):\n    return md5(data)\n",
    ] {
        assert_eq!(python(text), BTreeSet::from([weak.to_owned()]), "{text}");
    }
    for text in [
        "from own import digest as md5\nmd5(data)\n",
        "from hashlib import sha256 as md5\nmd5(data)\n",
        "def md5(data):\n    return data\nmd5(data)\n",
        "from hashlib import md5 as digest\nf(digest=data)\nx.digest(data)\n",
    ] {
        assert_eq!(python(text), BTreeSet::new(), "{text}");
    }
    let script = |text: &str| matched(Language::JavaScript, text);
    for text in [
        "const { exec: run } = require('child_process');\nrun(`ls ${folder}`);\n",
        "import * as p from 'node:child_process';\np.exec('ls ' + folder);\n",
        "require('child_process').execSync('ls ' + folder);\n",
    ] {
        assert_eq!(script(text), BTreeSet::from([shell.to_owned()]), "{text}");
    }
    let own = "function exec(text) { return text; }\nexec('ls ' + folder);\n";
    assert_eq!(script(own), BTreeSet::new());
    // A parameter or variable of a function hides the import there, and nowhere else.
    for text in [
        "from hashlib import md5\ndef f(md5):\n    return md5(data)\n",
        "from hashlib import md5 as digest\ndef f():\n    digest = own()\n    digest(data)\n",
    ] {
        assert_eq!(python(text), BTreeSet::new(), "{text}");
    }
    let both = "from hashlib import md5\ndef f(md5):\n    return md5(data)\nmd5(data)\n";
    assert_eq!(python(both), BTreeSet::from([weak.to_owned()]));
    let hidden = "const { exec } = require('child_process');\n\
                  function f(exec) { return exec('ls ' + folder); }\n";
    assert_eq!(script(hidden), BTreeSet::new());
}

#[test]
fn rules_for_typescript_compile_in_all_three_dialects() {
    for language in [Language::JavaScript, Language::TypeScript, Language::Tsx] {
        let count = ruleset(language).rules.len();
        assert!(count > 15, "{:?}: {count}", Grammar(language));
    }
}

fn rule_table() -> String {
    let mut page = String::from(
        "# Rules\n\nWhat Assay looks for without any settings. Made from the rules themselves: to \
         renew it, run\n`ASSAY_WRITE_DOCS=1 cargo test -p analysis rules`.\n\nConfidence says how \
         often a match is right. Findings below the gate's confidence are shown and\ndo not \
         decide; neither do findings in tests, fixtures, generated and vendored files.\n",
    );
    let groups = Language::ALL.iter().filter(|language| match language {
        // Their rules are those of JavaScript.
        Language::TypeScript | Language::Tsx => false,
        Language::Python
        | Language::JavaScript
        | Language::Go
        | Language::Java
        | Language::Rust => true,
    });
    for language in groups.map(Some).chain([None]) {
        let title = match language {
            Some(Language::Python) => "Python",
            Some(Language::JavaScript) => "JavaScript and TypeScript",
            Some(Language::Go) => "Go",
            Some(Language::Java) => "Java",
            Some(Language::Rust) => "Rust",
            Some(Language::TypeScript | Language::Tsx) => unreachable!("filtered above"),
            None => "Secrets, in any text",
        };
        page.push_str(&format!(
            "\n## {title}\n\n| rule | severity | confidence | weakness | what | instead |\n\
             |---|---|---|---|---|---|\n"
        ));
        for info in rules().iter().filter(|info| info.languages.first() == language) {
            let weakness = [info.cwe.join(", "), info.owasp.join(", ")].join(" ");
            page.push_str(&format!(
                "| `{}` | {} | {} | {} | {} | {} |\n",
                info.id,
                info.severity,
                info.confidence,
                weakness.trim(),
                info.title,
                info.fix.as_deref().unwrap_or_default().replace('|', "\\|"),
            ));
        }
    }
    page
}

#[test]
fn the_page_about_rules_says_what_the_rules_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
    if option_env!("ASSAY_WRITE_DOCS").is_some() {
        std::fs::write(path, rule_table()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page == rule_table(), "docs/rules.md is out of date; it says how to renew it");
}
