use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::problem::Flaw;

/// Globs as `.gitignore` writes them: without a slash at any depth, and a folder with all in it.
pub(super) fn globs(at: &str, written: &[String]) -> Result<Option<GlobSet>, Flaw> {
    if written.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for (index, text) in written.iter().enumerate() {
        let refuse = |error: &globset::Error| {
            let problem = format!("the glob cannot be read: {}", error.kind());
            let remedy = "write it as in .gitignore: * in a name, ** for folders, {a,b} for either";
            Flaw::new(format!("{at}[{index}]"), problem, remedy)
        };
        for glob in spelled_out(text) {
            let mut builder = GlobBuilder::new(&glob);
            set.add(builder.literal_separator(true).build().map_err(|error| refuse(&error))?);
        }
    }
    let set = set.build().map_err(|error| {
        Flaw::new(at, format!("the globs are too large together: {error}"), "write fewer")
    });
    set.map(Some)
}

fn spelled_out(text: &str) -> [String; 2] {
    let folder = text.trim_end_matches('/');
    let anchored = folder.contains('/');
    let name = folder.trim_start_matches('/');
    let whole = if anchored { name.to_owned() } else { format!("**/{name}") };
    let within = format!("{whole}/**");
    [whole, within]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_read_as_git_reads_them() {
        let cases = [
            ("*.py", "a.py", true),
            ("*.py", "src/deep/a.py", true),
            ("src/*.py", "src/a.py", true),
            ("src/*.py", "src/deep/a.py", false),
            ("src/**/*.py", "src/deep/er/a.py", true),
            ("/src", "src/deep/a.py", true),
            ("/src", "lib/src/a.py", false),
            ("tests/", "lib/tests/unit/a.py", true),
            ("tests", "tests.py", false),
            ("*.{js,ts}", "web/a.ts", true),
        ];
        for (glob, path, expected) in cases {
            let set = globs("files", &[glob.to_owned()]).unwrap().unwrap();
            assert_eq!(set.is_match(path), expected, "{glob} {path}");
        }
    }
}
