//! Lines that are passed over because they lack a pattern's words.

use super::*;

fn pattern() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "key",
        "Kiss",
        "secret",
        "(?i)Tok",
        "[a-c]",
        "(foo|bar)",
        "(foo|b)",
        "x?",
        "s+",
        r"\s*",
        r"\b",
        "(?:ab){2}",
        "(abc)*",
        "ſ",
        "K",
        ".",
        "$",
        "^",
    ]);
    prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat())
}

fn line() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "key",
        "KEY",
        "kiss",
        "KiSS",
        "secret",
        "ſecret",
        "tok",
        "TOK",
        "a",
        "foo",
        "bar",
        "b",
        "x",
        "s",
        " ",
        "abab",
        "abc",
        "\u{212a}ey",
    ]);
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    /// A shortcut must not change what is found.
    #[test]
    fn the_lines_that_match_are_those_that_the_expression_alone_matches(
        pattern in pattern(),
        lines in prop::collection::vec(line(), 1..20),
        case_sensitive: bool,
    ) {
        let body = serde_json::json!({
            "id": "a", "type": "pattern", "message": "m", "pattern": pattern,
            "case_sensitive": case_sensitive,
        });
        let file = RuleFile::of_value(body);
        prop_assume!(file.is_ok());
        let rules = CustomRules::compile(&file.unwrap().rules).unwrap();
        let text = lines.join("\n");
        let scan = scan_with(&snapshot(&[("a.txt", &text)]), &rules, &Clock::unlimited());
        let own = scan.findings.iter().filter(|finding| finding.rule == "custom.a");
        let found: Vec<usize> = own.map(|finding| finding.lines.first as usize).collect();
        let alone = regex::RegexBuilder::new(&pattern)
            .case_insensitive(!case_sensitive)
            .build()
            .unwrap();
        let text: Vec<&str> = text.split_inclusive('\n').map(|line| line.trim_end_matches('\n')).collect();
        let expected: Vec<usize> = text
            .iter()
            .enumerate()
            .filter(|(_, line)| alone.is_match(line))
            .map(|(index, _)| index + 1)
            .collect();
        prop_assert_eq!(found, expected);
    }
}
