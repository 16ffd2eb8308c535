//! What a git repository holds, asked of git itself; nothing is checked out.

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::Stop;

pub(crate) struct Repository(PathBuf);

impl Repository {
    pub(crate) fn at(path: &Path) -> Result<Self, Stop> {
        let repository = Self(path.to_owned());
        repository.ask(["rev-parse", "--verify", "HEAD"])?;
        Ok(repository)
    }

    /// Commits with one parent or none, the newest first.
    pub(crate) fn commits(&self) -> Result<Vec<String>, Stop> {
        let listed = self.ask(["rev-list", "--no-merges", "HEAD"])?;
        Ok(String::from_utf8_lossy(&listed).lines().map(str::to_owned).collect())
    }

    /// Files that a commit added or changed.
    pub(crate) fn changed(&self, commit: &str) -> Result<Vec<String>, Stop> {
        let listed = self.ask([
            "diff-tree",
            "--root",
            "--no-commit-id",
            "-r",
            "-z",
            "--name-only",
            "--diff-filter=AM",
            commit,
        ])?;
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// `None` where the name is that of a link into another repository.
    pub(crate) fn file(&self, commit: &str, path: &str) -> Option<Vec<u8>> {
        self.ask(["cat-file", "blob", &format!("{commit}:{path}")]).ok()
    }

    fn ask<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> Result<Vec<u8>, Stop> {
        let done = git(Command::new("git").arg("-C").arg(&self.0).args(arguments), b"")?;
        if done.status.success() {
            return Ok(done.stdout);
        }
        let told = String::from_utf8_lossy(&done.stderr);
        Err(Stop::new(
            format_args!("git says of {}: {}", self.0.display(), told.trim()),
            "name a git repository with commits",
        ))
    }
}

/// Applies a patch in a folder that is no repository; what git objects to otherwise.
pub(crate) fn apply(folder: &Path, patch: &str) -> Result<Option<String>, Stop> {
    let mut command = Command::new("git");
    command.args(["apply", "--whitespace=nowarn", "-"]).current_dir(folder);
    // Never into a repository that happens to be around the folder.
    command
        .env("GIT_CEILING_DIRECTORIES", folder.parent().map_or(OsStr::new("/"), Path::as_os_str));
    let done = git(&mut command, patch.as_bytes())?;
    let told = || String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Ok((!done.status.success()).then(told))
}

fn git(command: &mut Command, input: &[u8]) -> Result<Output, Stop> {
    let trouble = |error: std::io::Error| {
        Stop::new(format_args!("cannot run git: {error}"), "install git and put it on the PATH")
    };
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().map_err(trouble)?;
    if let Some(mut stdin) = child.stdin.take() {
        // Git that ends before it has read everything says why on its own.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output().map_err(trouble)
}
