//! Fixes as GitHub offers them beside the code: text that takes the place of whole lines.

use domain::LineRange;

use crate::markdown;

/// What takes the place of some lines of the head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Replacement {
    pub(crate) lines: LineRange,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Old,
    New,
}

impl Replacement {
    /// Reads a unified diff of one file. None for one with several hunks, which is no one place,
    /// and for line ends that GitHub would not keep.
    pub(crate) fn of(diff: &str) -> Option<Self> {
        let body = diff.split_inclusive('\n').skip_while(|line| !line.starts_with("@@ "));
        let mut lines = body.map(|line| line.strip_suffix('\n').unwrap_or(line));
        let start: u32 =
            lines.next()?.strip_prefix("@@ -")?.split([',', ' ']).next()?.parse().ok()?;
        let mut hunk: Vec<(Side, &str)> = Vec::new();
        for line in lines {
            let side = match line.as_bytes().first() {
                Some(b' ') | None => Side::Both,
                Some(b'-') => Side::Old,
                Some(b'+') => Side::New,
                // No newline at the end of the file, which a suggestion keeps as it is.
                Some(b'\\') => continue,
                Some(_) => return None,
            };
            hunk.push((side, line.get(1..).unwrap_or_default()));
        }
        let changed = |(side, _): &(Side, &str)| *side != Side::Both;
        let mut first = hunk.iter().position(changed)?;
        let mut last = hunk.iter().rposition(changed)?;
        if hunk[first..=last].iter().all(|(side, _)| *side == Side::New) {
            // Lines can only be replaced: a neighbour is replaced by itself and what is added.
            match first.checked_sub(1) {
                Some(before) => first = before,
                None => last = (last + 1 < hunk.len()).then_some(last + 1)?,
            }
        }
        let old = |part: &[(Side, &str)]| {
            u32::try_from(part.iter().filter(|(side, _)| *side != Side::New).count()).ok()
        };
        let from = start + old(&hunk[..first])?;
        let lines =
            LineRange { first: from, last: from + old(&hunk[first..=last])?.checked_sub(1)? };
        let new = hunk[first..=last].iter().filter(|(side, _)| *side != Side::Old);
        let text: Vec<&str> = new.map(|(_, text)| *text).collect();
        let text = text.join("\n");
        (!text.contains('\r')).then_some(Self { lines, text })
    }

    pub(crate) fn block(&self) -> String {
        markdown::block("suggestion", &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/a.py\n+++ b/a.py\n@@ -2,5 +2,5 @@\n import os\n \n-os.system(x)\n+run(\n+    [x])\n end()\n last()\n";

    fn replacement(diff: &str) -> Option<(u32, u32, String)> {
        Replacement::of(diff).map(|one| (one.lines.first, one.lines.last, one.text))
    }

    #[test]
    fn a_diff_is_the_lines_that_it_changes_and_no_more() {
        let cases = [
            (DIFF, Some((4, 4, "run(\n    [x])"))),
            ("@@ -1,3 +1,2 @@\n a\n-b\n c\n", Some((2, 2, ""))),
            ("@@ -1,2 +1,3 @@\n a\n+b\n c\n", Some((1, 1, "a\nb"))),
            ("@@ -1,1 +1,2 @@\n+b\n c\n", Some((1, 1, "b\nc"))),
            ("@@ -7,4 +7,4 @@\n-a\n+A\n b\n-c\n+C\n", Some((7, 9, "A\nb\nC"))),
            (
                "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
                Some((1, 1, "b")),
            ),
            ("@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n-c\n+d\n", None),
            ("@@ -1 +1 @@\n-a\r\n+b\r\n", None),
            ("@@ -1,0 +1 @@\n+b\n", None),
            ("no diff", None),
            ("@@ -x +1 @@\n-a\n", None),
        ];
        for (diff, expected) in cases {
            let expected = expected.map(|(first, last, text)| (first, last, text.to_owned()));
            assert_eq!(replacement(diff), expected, "{diff}");
        }
    }
}
