//! Java functions with the verdict that each marked check must get.
//!
//! A line ends in `//~ VERDICT KIND`; a check that is not marked must not be refuted.

use std::time::Duration;

use cpu_time::CpuTime;
use domain::Language;

use crate::{
    fixtures::JAVA,
    marks::compare,
    world::{judge, reports},
};

/// What a function of no person may take of the processor, without optimisation.
const CPU_TIME_MAX: Duration = Duration::from_secs(20);

#[test]
fn every_marked_check_gets_its_verdict() {
    let wrong: Vec<String> =
        JAVA.files().flat_map(|(name, text)| compare(&JAVA.marks, name, &text)).collect();
    assert!(JAVA.files().count() >= 60, "too few functions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_function_that_is_not_lowered_gives_its_reason_and_no_verdict() {
    let text = "class C {\nint f(int a) { outer: { break outer; } return 1 / a; }\n}\n";
    assert!(judge(Language::Java, "C.java", text).is_empty());
    let reports = reports(Language::Java, "C.java", text);
    let why = format!("{:?}", reports[0].incomplete);
    assert!(why.contains("a labeled block is not lowered"), "{why}");
}

#[test]
fn code_that_no_person_writes_ends_with_a_reason() {
    let nested = |open: &str, close: &str, count: usize| {
        format!("{}x = 1 / x;{}", open.repeat(count), close.repeat(count))
    };
    let sums = vec!["x"; 3000].join(" + ");
    let bodies = [
        nested("if (x > 0) { ", " }", 150),
        nested("if (x > 0) { ", " }", 5000),
        nested("while (x > 0) { ", " }", 12),
        nested("try { ", " } finally { x = 2; }", 8),
        format!("x = {}x{};", "(".repeat(5000), ")".repeat(5000)),
        format!("x = {sums};"),
        "x = ; if (".to_owned(),
        "\u{0}\u{feff}é 漢".to_owned(),
    ];
    for body in bodies {
        let clock = CpuTime::start();
        let text = format!("class C {{ void f(int x) {{ {body} }} }}\n");
        for report in reports(Language::Java, "C.java", &text) {
            let said = !report.checks.is_empty() || report.incomplete.is_some();
            assert!(said, "{}", body.get(..60).unwrap_or(&body));
        }
        assert!(clock.spent() < CPU_TIME_MAX, "{:?}", body.get(..60));
    }
}
