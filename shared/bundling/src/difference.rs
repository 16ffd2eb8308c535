use std::time::Duration;

use similar::TextDiff;

/// Beyond this the difference is still right, and no longer the shortest.
const SEARCH_TIME_MAX: Duration = Duration::from_secs(2);
/// Unchanged lines around a change, as people are used to.
const CONTEXT_LINES: usize = 3;

/// What changed between two texts, as a unified diff; empty when nothing did.
pub fn unified_diff(old: &str, new: &str, old_name: &str, new_name: &str) -> String {
    TextDiff::configure()
        .timeout(SEARCH_TIME_MAX)
        .diff_lines(old, new)
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(old_name, new_name)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_which_lines() {
        let (old, new) = ("a\nb\nc\n", "a\nB\nc\nd\n");
        let expected = "--- v1\n+++ v2\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n c\n+d\n";
        assert_eq!(unified_diff(old, new, "v1", "v2"), expected);
        assert_eq!(unified_diff(old, old, "v1", "v2"), "");
    }

    /// Two texts without a line in common are the worst case of the search.
    #[test]
    fn large_texts_that_share_nothing_end_in_time() {
        let text = |word: &str| (0..60_000).map(|n| format!("{word} {n}\n")).collect::<String>();
        let (old, new) = (text("old"), text("new"));
        let diff = unified_diff(&old, &new, "a", "b");
        assert!(diff.contains("-old 59999\n") && diff.contains("+new 59999\n"));
    }
}
