use proptest::{collection, prelude::*};

use super::*;

proptest! {
    #[test]
    fn the_same_commits_always_give_the_same_words_and_none_panics(
        before in collection::vec(0..PYTHON[0].lines().count(), 0..30),
        after in collection::vec(0..RUST[1].lines().count(), 0..30),
        language in 0..6_usize,
    ) {
        let path = ["a.py", "a.js", "a.ts", "a.go", "A.java", "a.rs"][language];
        let texts = [PYTHON, JAVASCRIPT, TYPESCRIPT, GO, JAVA, RUST][language];
        // Lines torn out of real code, so that trees are broken in every way.
        let torn = |text: &str, lines: &[usize]| -> String {
            let all: Vec<&str> = text.lines().collect();
            lines.iter().map(|line| format!("{}\n", all[line % all.len()])).collect()
        };
        let (old, new) = (torn(texts[0], &before), torn(texts[1], &after));
        let once = facts(&[(path, &old)], &[(path, &new)], &[]);
        let twice = facts(&[(path, &old)], &[(path, &new)], &[]);
        prop_assert_eq!(word(&once), word(&twice));
        prop_assert!(word(&once).title.chars().count() <= 72);
        let same = facts(&[(path, &old)], &[(path, &old)], &[]);
        prop_assert!(same.symbols.is_empty() && same.breaking.is_empty());
    }
}
