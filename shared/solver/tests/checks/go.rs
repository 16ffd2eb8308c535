//! Go functions with the verdict that each marked check must get.
//!
//! A line ends in `//~ VERDICT KIND`; a check that is not marked must not be refuted.

use domain::Language;
use formal::Verdict;

use crate::{fixtures::GO, marks::compare, world::judge};

#[test]
fn every_marked_check_gets_its_verdict() {
    let wrong: Vec<String> =
        GO.files().flat_map(|(name, text)| compare(&GO.marks, name, &text)).collect();
    assert!(GO.files().count() >= 120, "too few functions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Expressions of one type with what they are worth, by Rust's own wrapping arithmetic.
macro_rules! arithmetic {
    ($ty:ty, $name:literal, $cases:ident) => {{
        let edges = [<$ty>::MIN, <$ty>::MAX, <$ty>::MAX / 3, 0, 1, 7];
        for one in edges {
            for two in edges {
                let shift = u32::try_from(two).unwrap_or(u32::MAX);
                let far = shift >= <$ty>::BITS;
                let results = [
                    ("a + b", Some(one.wrapping_add(two))),
                    ("a - b", Some(one.wrapping_sub(two))),
                    ("a * b", Some(one.wrapping_mul(two))),
                    ("a / b", (two != 0).then(|| one.wrapping_div(two))),
                    ("a % b", (two != 0).then(|| one.wrapping_rem(two))),
                    ("a & b", Some(one & two)),
                    ("a | b", Some(one | two)),
                    ("a ^ b", Some(one ^ two)),
                    ("a &^ b", Some(one & !two)),
                    ("^a", Some(!one)),
                    ("-a", Some(one.wrapping_neg())),
                    ("a << b", (!far).then(|| one.wrapping_shl(shift))),
                    ("a >> b", (!far).then(|| one.wrapping_shr(shift))),
                ];
                for (text, result) in results {
                    let Some(result) = result else { continue };
                    $cases.push((
                        format!("{text} of {} {one} and {two}", $name),
                        $name,
                        text,
                        i128::from(one),
                        i128::from(two),
                        i128::from(result),
                    ));
                }
            }
        }
    }};
}

/// What is computed is what Go computes: otherwise the division at the end would be by zero.
#[test]
fn integers_of_every_width_wrap_as_they_do_in_go() {
    let mut cases = Vec::new();
    arithmetic!(i8, "int8", cases);
    arithmetic!(u8, "uint8", cases);
    arithmetic!(i32, "int32", cases);
    arithmetic!(u32, "uint32", cases);
    arithmetic!(i64, "int64", cases);
    arithmetic!(u64, "uint64", cases);
    assert!(cases.len() > 2000, "too few cases");
    let mut text = String::from("package p\n");
    for (at, (_, ty, expression, one, two, result)) in cases.iter().enumerate() {
        text.push_str(&format!(
            "func f{at}() int {{ var a {ty} = {one}; var b {ty} = {two}; var c {ty} = {result}; \
             d := 0; _ = b; if {expression} == c {{ d = 1 }}; return 1 / d }}\n"
        ));
    }
    let judged = judge(Language::Go, "subject.go", &text);
    let mut wrong = Vec::new();
    for ((at, (name, ..)), line) in cases.iter().enumerate().zip(2_u32..) {
        let own: Vec<_> = judged
            .iter()
            .filter(|one| one.line == line && one.kind == "division_by_zero")
            .collect();
        // The last division is ours; one of the expression may stand before it.
        if own.is_empty() || own.iter().any(|one| !matches!(one.verdict, Verdict::Proved)) {
            wrong.push(format!("f{at}: {name}: {own:?}"));
        }
    }
    let shown = wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {}:\n{shown}", wrong.len(), cases.len());
}
