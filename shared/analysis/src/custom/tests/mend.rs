//! Diffs that rules of a customer offer.

use super::*;

fn diffs(yaml: &str, text: &str) -> Vec<Option<String>> {
    let found = findings(yaml, &[("src/app.py", text)]);
    found.into_iter().map(|finding| finding.fix_diff).collect()
}

fn rule(rule: &str, rewrite: &str) -> String {
    format!(
        "id: sleep\ntype: ast\nlanguages: [python]\nmessage: Do not sleep.\n\
         rule: {{ pattern: '{rule}' }}\n{rewrite}"
    )
}

#[test]
fn a_rewrite_that_parses_and_silences_is_offered_as_a_diff() {
    let yaml = rule("time.sleep($SECONDS)", "rewrite: await asyncio.sleep($SECONDS)\n");
    let text = "import time\n\nasync def wait():\n    time.sleep(2 + 3)\n    time.sleep(1)\n";
    let found = diffs(&yaml, text);
    let first = found[0].as_deref().unwrap();
    assert!(first.starts_with("--- a/src/app.py\n+++ b/src/app.py\n@@"), "{first}");
    assert!(first.contains("\n-    time.sleep(2 + 3)\n"), "{first}");
    assert!(first.contains("\n+    await asyncio.sleep(2 + 3)\n"), "{first}");
    assert!(found[1].as_deref().unwrap().contains("+    await asyncio.sleep(1)\n"));
}

#[test]
fn a_rewrite_that_does_not_work_is_not_offered() {
    let text = "time.sleep(1)\n";
    let broken = rule("time.sleep($SECONDS)", "rewrite: 'await ((('\n");
    let same = rule("time.sleep($SECONDS)", "rewrite: time.sleep($SECONDS + 1)\n");
    let worse = rule("time.sleep($SECONDS)", "rewrite: pickle.loads($SECONDS + data)\n");
    for yaml in [broken, same, worse] {
        assert_eq!(diffs(&yaml, text), [None], "{yaml}");
    }
    assert_eq!(diffs(&rule("time.sleep($SECONDS)", ""), text), [None]);
}

/// One of two that touch each other is offered, and what follows needs no second look.
#[test]
fn a_rewrite_may_take_more_than_its_match_and_make_variables_of_its_own() {
    let yaml = rule(
        "log($MESSAGE)",
        "transform:\n  LOUD: { convert: { source: $MESSAGE, toCase: upperCase } }\n\
         rewrite: note($LOUD)\n",
    );
    let found = diffs(&yaml, "log(name)\n");
    assert!(found[0].as_deref().unwrap().contains("\n+note(NAME)\n"), "{found:?}");
    let item = "id: item\ntype: ast\nlanguages: [python]\nmessage: No.\n\
                rule: { pattern: old, inside: { kind: argument_list } }\n\
                rewrite: { template: '', expandEnd: { regex: ',' } }\n";
    let found = diffs(item, "call(old, new)\n");
    assert!(found[0].as_deref().unwrap().contains("\n+call( new)\n"), "{found:?}");
}

#[test]
fn the_fix_of_a_rule_of_ast_greps_is_taken() {
    let yaml = "id: sleep\nlanguage: python\nmessage: No.\nrule: { pattern: time.sleep($A) }\n\
                fix: wait($A)\nurl: https://example.com\n";
    let file = RuleFile::read(yaml).unwrap();
    assert_eq!(file.notes, ["rule `sleep`: `url` has no effect here"]);
    let found = diffs(yaml, "time.sleep(1)\n");
    assert!(found[0].as_deref().unwrap().contains("\n+wait(1)\n"), "{found:?}");
    let rewriters = format!("{yaml}rewriters: []\n");
    let file = RuleFile::read(&rewriters).unwrap();
    assert_eq!(file.notes.len(), 3, "{:?}", file.notes);
    assert_eq!(diffs(&rewriters, "time.sleep(1)\n"), [None]);
}

#[test]
fn a_rewrite_that_cannot_be_read_is_refused_with_its_place() {
    let unknown = rule("time.sleep($A)", "rewrite: wait($B)\n");
    let told = refused(&unknown);
    assert!(told.contains("rewrite") && told.contains('B') && told.contains("python"), "{told}");
    let hidden = rule(
        "time.sleep($A)",
        "transform: { B: \"replace($A, replace='x', by='y')\" }\nrewrite: wait($B)\n",
    );
    assert!(refused(&hidden).contains("transform.B"), "{}", refused(&hidden));
    let condition = "id: a\ntype: composite\nlanguages: [python]\nmessage: m\nall:\n\
                     - ast: { rule: { pattern: a() }, rewrite: b() }\n";
    assert!(refused(condition).contains("only a rule of type ast"), "{}", refused(condition));
}
