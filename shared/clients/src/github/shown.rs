//! Which lines of a pull request GitHub shows: it takes remarks on no others.

use std::collections::HashMap;

use domain::LineRange;
use serde::Deserialize;

use super::{GitHub, GitHubError, repository_path};

/// Lines of the head that the difference shows, by file and hunk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown(HashMap<String, Vec<LineRange>>);

#[derive(Deserialize)]
struct File {
    filename: String,
    /// Not there for binary files, and where GitHub thinks the difference too large.
    #[serde(default)]
    patch: Option<String>,
}

impl Shown {
    /// Whether one hunk shows all of these lines: a remark cannot reach from one into another.
    pub fn has(&self, path: &str, lines: LineRange) -> bool {
        let hunks = self.0.get(path).into_iter().flatten();
        hunks.into_iter().any(|hunk| hunk.first <= lines.first && lines.last <= hunk.last)
    }
}

impl FromIterator<(String, LineRange)> for Shown {
    fn from_iter<T: IntoIterator<Item = (String, LineRange)>>(hunks: T) -> Self {
        let mut by_path: HashMap<String, Vec<LineRange>> = HashMap::new();
        for (path, lines) in hunks {
            by_path.entry(path).or_default().push(lines);
        }
        Self(by_path)
    }
}

impl GitHub {
    /// What the pull request shows now. GitHub compares with where its branch left the base, which
    /// is not what we compared with when the base has moved on.
    pub async fn shown_lines(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
    ) -> Result<Shown, GitHubError> {
        let path = format!("{}/pulls/{number}/files", repository_path(repository)?);
        let files: Vec<File> = self.pages(installation, &path).await?;
        let hunks = files.into_iter().flat_map(|File { filename, patch }| {
            let hunks: Vec<LineRange> =
                patch.unwrap_or_default().lines().filter_map(new_side).collect();
            hunks.into_iter().map(move |hunk| (filename.clone(), hunk))
        });
        Ok(hunks.collect())
    }
}

/// Reads `@@ -1,2 +3,4 @@ anything`; lines of code begin otherwise. None for a hunk that only
/// deletes, too.
fn new_side(header: &str) -> Option<LineRange> {
    let (_, new) = header.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = new.split_once(" @@")?;
    let (first, count) = new.split_once(',').unwrap_or((new, "1"));
    let (first, count): (u32, u32) = (first.parse().ok()?, count.parse().ok()?);
    Some(LineRange { first, last: first.checked_add(count.checked_sub(1)?)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hunk_is_read_from_its_header_alone() {
        let cases = [
            ("@@ -132,7 +130,7 @@ module Test", Some((130, 136))),
            ("@@ -0,0 +1 @@", Some((1, 1))),
            ("@@ -1 +1,3 @@", Some((1, 3))),
            ("@@ -5,2 +4,0 @@", None),
            ("+@@ -1,2 +1,2 @@", None),
            ("@@ -1,2 +x,2 @@", None),
            ("@@ -1,2 +4294967295,9 @@", None),
            (" code", None),
        ];
        for (line, expected) in cases {
            let found = new_side(line).map(|hunk| (hunk.first, hunk.last));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn lines_are_shown_when_one_hunk_has_them_all() {
        let hunk = |first, last| ("a.py".to_owned(), LineRange { first, last });
        // The second begins where the first ends: GitHub keeps them apart all the same.
        let shown: Shown = [hunk(1, 7), hunk(8, 12)].into_iter().collect();
        for (path, first, last, expected) in [
            ("a.py", 1, 7, true),
            ("a.py", 9, 9, true),
            ("a.py", 7, 8, false),
            ("a.py", 12, 13, false),
            ("b.py", 1, 1, false),
        ] {
            assert_eq!(shown.has(path, LineRange { first, last }), expected, "{path} {first}");
        }
    }
}
