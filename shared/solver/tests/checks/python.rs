//! Python functions with the verdict that each marked check must get.
//!
//! A line ends in `#~ VERDICT KIND`; a check that is not marked must not be refuted. What is
//! refuted and can be called is called by Python itself, which must raise what was foretold.

use domain::Language;

use crate::marks::{self, Marks};

const MARKS: Marks = Marks { language: Language::Python, file: "subject.py", sign: "#~ " };

#[test]
fn every_marked_check_gets_its_verdict() {
    let functions = include_str!("../fixtures/python.txt");
    let wrong: Vec<String> =
        marks::cut(functions).flat_map(|(name, text)| marks::compare(&MARKS, name, text)).collect();
    assert!(marks::cut(functions).count() >= 30, "too few functions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
