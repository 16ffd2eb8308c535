//! Files of a suite, in an order that is the same on every machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::SourceFile;

use crate::Stop;

/// Nothing in a suite is nested deeper; a link that leads back up would be.
const DEPTH_MAX: usize = 40;

/// Every file below `root`, sorted. Links are not followed, `.git` is left out.
pub(crate) fn below(root: &Path) -> Result<Vec<PathBuf>, Stop> {
    if !root.is_dir() {
        return Err(Stop::new(
            format_args!("{} is no folder", root.display()),
            "name the folder that the suite was checked out into",
        ));
    }
    let mut found = Vec::new();
    collect(root, 0, &mut found);
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_file() {
            found.push(entry.path());
        } else if kind.is_dir() && depth < DEPTH_MAX && entry.file_name() != ".git" {
            collect(&entry.path(), depth + 1, found);
        }
    }
}

/// The path below `root` as findings name it.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

pub(crate) fn source(root: &Path, path: &Path) -> Result<SourceFile, Stop> {
    let bytes = fs::read(path).map_err(|error| {
        Stop::new(
            format_args!("cannot read {}: {error}", path.display()),
            "check the suite out again",
        )
    })?;
    Ok(SourceFile { path: relative(root, path), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_suite_and_git_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        for path in ["b/two.py", "a.py", ".git/config"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x = 1\n").unwrap();
        }
        let found = below(root.path()).unwrap();
        let names: Vec<_> = found.iter().map(|path| relative(root.path(), path)).collect();
        assert_eq!(names, ["a.py", "b/two.py"]);
        assert_eq!(source(root.path(), &found[0]).unwrap().bytes, b"x = 1\n");
        assert!(below(&found[0]).unwrap_err().to_string().contains("no folder"));
    }
}
