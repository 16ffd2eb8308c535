//! Chunks of real and of arbitrary files.

use std::path::Path;

use chunking::{Chunk, chunk_file};
use proptest::prelude::*;

fn chunks(path: &str, text: &str) -> Vec<Chunk> {
    chunk_file(path, text.as_bytes()).expect("text is not skipped")
}

fn names(path: &str, text: &str) -> Vec<String> {
    chunks(path, text).iter().map(|chunk| chunk.names.join(" + ")).collect()
}

/// Chunks follow each other from the first byte to the last, and say truly where they are.
fn assert_lossless(path: &str, text: &str) {
    let chunks = chunks(path, text);
    if text.trim().is_empty() {
        assert!(chunks.is_empty());
        return;
    }
    let mut end = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        assert_eq!(chunk.index as usize, index);
        assert_eq!(chunk.bytes.start, end, "gap or overlap in {path}");
        assert_eq!(chunk.text, text[chunk.bytes.clone()]);
        assert!(!chunk.text.is_empty() && chunk.text.len() <= 2_400);
        let lines: Vec<_> = text.lines().collect();
        let cited = &lines[chunk.lines.first as usize - 1..chunk.lines.last as usize];
        let first_word = chunk.text.split_whitespace().next();
        assert!(first_word.is_none_or(|word| cited.iter().any(|line| line.contains(word))));
        end = chunk.bytes.end;
    }
    assert_eq!(end, text.len(), "the end of {path} was lost");
}

const BODY: &str = "some_call(argument_one, argument_two); other_call(argument_three); ";

fn body() -> String {
    BODY.repeat(3)
}

#[test]
fn rust_is_cut_at_its_items_with_what_stands_above_them() {
    let body = body();
    let source = format!(
        "use a::b;\n\n/// Doc.\n#[derive(Debug)]\npub struct Lease {{ /* {body} */ }}\n\n\
         impl<T> Lease<T> {{\n    // Why.\n    pub fn take(self) {{ {body} }}\n\n    fn give(self) {{ {body} }}\n}}\n\n\
         mod tests {{\n    #[test]\n    fn works() {{ {body} }}\n}}\n"
    );
    assert_eq!(names("a.rs", &source), ["Lease", "Lease::take", "Lease::give", "tests::works"]);
    let chunks = chunks("a.rs", &source);
    assert!(chunks[0].text.contains("use a::b;") && chunks[0].text.contains("/// Doc.\n#[derive"));
    assert!(chunks[1].text.contains("// Why."));
    assert!(chunks[2].text.ends_with("}\n}\n\n"), "{:?}", chunks[2].text);
    assert_lossless("a.rs", &source);
}

#[test]
fn every_language_names_its_definitions() {
    let body = body();
    let py = body.replace("; ", "\n        ");
    let cases = [
        (
            "a.py",
            format!(
                "class Stack:\n    @wraps\n    def push(self):\n        {py}\n    async def pop(self):\n        {py}\n\ndef main():\n        {py}"
            ),
            vec!["Stack::push", "Stack::pop", "main"],
        ),
        (
            "a.js",
            format!(
                "export class Stack {{ push() {{ {body} }}\n pop = () => {{ {body} }}\n}}\nexport const main = async () => {{ {body} }};\nmodule.exports.run = function () {{ {body} }};\n"
            ),
            vec!["Stack::push", "Stack::pop", "main", "module.exports.run"],
        ),
        (
            "a.tsx",
            format!(
                "export interface Props {{ /* {body} */ }}\nnamespace ui {{ export function View(p: Props) {{ {body} return <b/>; }} }}\n"
            ),
            vec!["Props", "ui::View"],
        ),
        (
            "a.go",
            format!(
                "package a\n\n// Push adds.\nfunc (s *Stack[T]) Push(v T) {{ {body} }}\n\nfunc main() {{ {body} }}\n"
            ),
            vec!["Stack::Push", "main"],
        ),
        (
            "A.java",
            format!(
                "class Stack<T> {{\n  Stack() {{ {body} }}\n  @Override\n  public void push(T v) {{ {body} }}\n  enum Kind {{ /* {body} */ }}\n}}\n"
            ),
            vec!["Stack::Stack", "Stack::push", "Stack::Kind"],
        ),
    ];
    for (path, source, expected) in cases {
        assert_eq!(names(path, &source), expected, "{path}");
        assert_lossless(path, &source);
    }
}

#[test]
fn two_functions_on_one_line_are_two_chunks() {
    let body = body();
    let source = format!("function one() {{ {body} }} function two() {{ {body} }}\n");
    assert_eq!(names("a.js", &source), ["one", "two"]);
}

#[test]
fn a_large_function_is_split_at_its_statements_and_keeps_its_name() {
    let statement = "    if ready {\n        one();\n        two();\n    }\n";
    let source = format!("fn large() {{\n{}}}\n", statement.repeat(200));
    let chunks = chunks("a.rs", &source);
    assert!(chunks.len() > 3);
    for chunk in &chunks {
        assert_eq!(chunk.names, ["large"]);
        assert!(chunk.text.starts_with("fn large") || chunk.text.starts_with("    if ready"));
    }
    assert_lossless("a.rs", &source);
}

#[test]
fn a_comment_behind_code_stays_with_that_code() {
    let body = body();
    let source =
        format!("fn one() {{ {body} }}\nconst X: u8 = 1; // {body}\nfn two() {{ {body} }}\n");
    let chunks = chunks("a.rs", &source);
    assert!(chunks.iter().any(|chunk| chunk.text.starts_with("fn two()")));
}

#[test]
fn prose_is_cut_at_headings_and_paragraphs() {
    let paragraph = "A sentence about leases. Another one about tokens.\n".repeat(8);
    let source =
        format!("# Guide\n\n{paragraph}\n## Use\n\n{}", format!("{paragraph}\n").repeat(9));
    let names = names("guide.md", &source);
    assert_eq!(names[..2], ["Guide", "Guide::Use"]);
    assert!(names.len() > 2 && names[2..].iter().all(|name| name == "Guide::Use"));
    for chunk in &chunks("guide.md", &source)[2..] {
        assert!(chunk.text.starts_with("A sentence"), "{:?}", &chunk.text[..40]);
    }
    assert_lossless("guide.md", &source);
}

#[test]
fn nothing_of_our_own_tree_is_lost() {
    let mut files = 0;
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                assert_lossless(&path.display().to_string(), &text);
                files += 1;
            }
        }
    }
    assert!(files > 20, "only {files} files were read");
}

#[test]
fn hostile_nesting_is_cut_like_anything_else() {
    for (path, opening) in
        [("a.js", "["), ("a.py", "("), ("a.rs", "{"), ("a.go", "func(){"), ("A.java", "class A{")]
    {
        let deep = format!("{}\n", opening.repeat(30)).repeat(1_500);
        assert_lossless(path, &deep);
    }
}

const ENDINGS: [&str; 8] = ["py", "js", "ts", "tsx", "go", "java", "rs", "md"];

/// Pieces that grammars care about, glued at random.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "def f():\n",
        "    return 1\n",
        "class A:\n",
        "class A {",
        "fn f() {",
        "}",
        "}\n",
        "\n\n",
        "# T\n",
        "```\n",
        "// c\n",
        "/* c */",
        "'",
        "\"",
        "`",
        "function f() {",
        "=> ",
        "impl A for B {",
        "func (a *A) F() {",
        "é",
        "\t",
        " ",
        "x = y;",
        "x = y. Then",
        "#[a]\n",
        "@a\n",
        "export ",
    ]);
    prop::collection::vec(words, 0..600).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_loses_a_byte(text in "[^\0]{0,4000}", ending in prop::sample::select(&ENDINGS[..])) {
        assert_lossless(&format!("a.{ending}"), &text);
    }

    #[test]
    fn no_code_loses_a_byte(text in soup(), ending in prop::sample::select(&ENDINGS[..])) {
        assert_lossless(&format!("a.{ending}"), &text);
    }
}
