//! Rust functions with the verdict that each marked check must get.
//!
//! A line ends in `//~ VERDICT KIND`; a check that is not marked must not be refuted.

use crate::{fixtures::RUST, marks::compare};

#[test]
fn every_marked_check_gets_its_verdict() {
    let wrong: Vec<String> =
        RUST.files().flat_map(|(name, text)| compare(&RUST.marks, name, &text)).collect();
    assert!(RUST.files().count() >= 150, "too few functions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
