//! JavaScript and TypeScript functions with the verdict that each marked check must get.
//!
//! A line ends in `//~ VERDICT KIND`; a check that is not marked must not be refuted.

use crate::{fixtures::ECMA, marks::compare};

/// Fewer functions would cover less of the languages.
const FUNCTIONS_MIN: usize = 150;

#[test]
fn every_marked_check_gets_its_verdict() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for fixtures in ECMA {
        for (name, text) in fixtures.files() {
            count += 1;
            wrong.extend(compare(&fixtures.marks, name, &text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= FUNCTIONS_MIN, "only {count} functions");
}
