//! Which files are looked at, and by what names they are known.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use ignore::{
    WalkBuilder,
    overrides::{Override, OverrideBuilder},
};

use ::policy::Held;

use super::ScanArguments;
use crate::{
    Error, Trouble,
    git::Repository,
    input::{self, reason},
};

/// More files than this are most likely not what was meant; Linux has 90,000.
const FILES_MAX: usize = 500_000;

/// A list of files is no longer than this.
const LIST_BYTES_MAX: usize = 64 * 1024 * 1024;

const GIT: &str = ".git";

/// What is there, by path relative to the root.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What the names are relative to.
    pub(super) root: PathBuf,
    pub(super) entries: BTreeMap<String, Entry>,
    /// Folders that cannot be listed, with the reason.
    pub(super) unreadable: BTreeMap<String, String>,
    /// Folders that were asked for; the root is the empty name.
    folders: Vec<String>,
    excluded: Option<Override>,
}

impl Files {
    /// Leaves out what the policy does not let be looked at.
    pub(super) fn narrow(&mut self, policy: &Held) {
        for (path, entry) in &mut self.entries {
            if matches!(entry, Entry::File(_) | Entry::Staged(_)) && !policy.policy.covers(path) {
                *entry = Entry::LeftOut;
            }
        }
    }

    /// Whether a file of this name is looked at, or would be if it were still there.
    pub(super) fn cover(&self, path: &str, policy: &Held) -> bool {
        let is_below = |folder: &String| {
            let rest = path.strip_prefix(folder.as_str());
            folder.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let is_excluded = |excluded: &Override| {
            Path::new(path)
                .ancestors()
                .any(|part| excluded.matched(part, part != Path::new(path)).is_ignore())
        };
        let is_asked_for = self.entries.contains_key(path)
            || (self.folders.iter().any(is_below)
                && !self.excluded.as_ref().is_some_and(is_excluded));
        is_asked_for && policy.policy.covers(path)
    }
}

#[derive(Debug)]
pub(super) enum Entry {
    File(PathBuf),
    /// As it will be in the next commit, whatever lies in the folder.
    Staged(Vec<u8>),
    /// A symbolic link, a pipe, a device: opening it could lead anywhere, or never end.
    NotAFile,
    /// The policy does not let it be looked at.
    LeftOut,
}

pub(super) fn list(arguments: &ScanArguments) -> Result<Files, Error> {
    if arguments.staged {
        return Ok(staged(&arguments.exclude)?);
    }
    let listed = match &arguments.files_from {
        Some(list) => named(&input::read(list, LIST_BYTES_MAX)?)?,
        None => Vec::new(),
    };
    let mut paths = Vec::new();
    let here = [PathBuf::from(".")];
    let is_bare = arguments.paths.is_empty() && arguments.files_from.is_none();
    let given: &[PathBuf] = if is_bare { &here } else { &arguments.paths };
    for path in given {
        paths.push(fs::canonicalize(path).map_err(|error| unreadable(path, &error))?);
    }
    let Some(first) = paths.first().or(listed.first()) else { return Ok(Files::default()) };
    let root = match &arguments.root {
        Some(root) => fs::canonicalize(root).map_err(|error| unreadable(root, &error))?,
        None => root_of(first)?,
    };
    let mut lister = Lister {
        overrides: overrides(&root, &arguments.exclude)?,
        root,
        takes_ignored: arguments.no_ignore,
        files: Files::default(),
    };
    for path in &paths {
        match fs::metadata(path).map_err(|error| unreadable(path, &error))?.is_dir() {
            true => lister.folder(path)?,
            false => lister.named_file(path)?,
        }
    }
    for path in &listed {
        lister.named_file(path)?;
    }
    Ok(Files { root: lister.root, excluded: Some(lister.overrides), ..lister.files })
}

/// What is about to be committed to the repository around the present folder.
fn staged(excluded: &[String]) -> Result<Files, Trouble> {
    let here = fs::canonicalize(".").map_err(|error| unreadable(Path::new("."), &error))?;
    let root = root_of(&here)?;
    let overrides = overrides(&root, excluded)?;
    let files = Repository(&root).staged()?.into_iter();
    let files = files.filter(|(path, _)| !overrides.matched(path, false).is_ignore());
    let entries = files.map(|(path, bytes)| (path, Entry::Staged(bytes))).collect();
    Ok(Files { root, entries, excluded: Some(overrides), ..Files::default() })
}

/// The paths of a list, one a line, with their folders resolved and links left as they are.
fn named(list: &[u8]) -> Result<Vec<PathBuf>, Trouble> {
    let list = std::str::from_utf8(list).map_err(|error| {
        let next = "let git print names as they are: git -c core.quotePath=off diff --name-only";
        Trouble::new(format!("the list of files is not UTF-8 (byte {})", error.valid_up_to()), next)
    })?;
    let lines = list.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let path = Path::new(line);
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")));
            let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
            let whole = folder.and_then(|folder| name.map(|name| folder.join(name)));
            whole.map_err(|error| unreadable(path, &error))
        })
        .collect()
}

/// The repository around a path; without one the present folder, or else the path's own.
pub(crate) fn root_of(path: &Path) -> Result<PathBuf, Trouble> {
    let own = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    if let Some(repository) = own.ancestors().find(|folder| folder.join(GIT).exists()) {
        return Ok(repository.to_owned());
    }
    let here = fs::canonicalize(".").map_err(|error| unreadable(Path::new("."), &error))?;
    Ok(if own.starts_with(&here) { here } else { own.to_owned() })
}

fn overrides(root: &Path, excluded: &[String]) -> Result<Override, Trouble> {
    let mut builder = OverrideBuilder::new(root);
    let wrong = |error: ignore::Error| {
        Trouble::new(format!("--exclude: {error}"), "write it as in .gitignore, such as 'gen/**'")
    };
    for glob in excluded {
        builder.add(&format!("!{glob}")).map_err(wrong)?;
    }
    builder.build().map_err(wrong)
}

struct Lister {
    root: PathBuf,
    overrides: Override,
    takes_ignored: bool,
    files: Files,
}

impl Lister {
    fn folder(&mut self, folder: &Path) -> Result<(), Trouble> {
        self.files.folders.push(self.relative(folder)?);
        let respects = !self.takes_ignored;
        let walk = WalkBuilder::new(folder)
            .standard_filters(false)
            .git_ignore(respects)
            .git_exclude(respects)
            .parents(respects)
            // What a user's own settings name would be missing for him alone.
            .git_global(false)
            .require_git(false)
            .follow_links(false)
            .overrides(self.overrides.clone())
            .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != GIT)
            .build();
        for entry in walk {
            match entry {
                Ok(entry) => {
                    let kind = entry.file_type();
                    if !kind.is_some_and(|kind| kind.is_dir()) {
                        self.add(entry.path(), kind.is_some_and(|kind| kind.is_file()))?;
                    }
                }
                Err(error) => self.unlisted(folder, &error),
            }
        }
        Ok(())
    }

    /// A file that was named counts whatever .gitignore says.
    fn named_file(&mut self, path: &Path) -> Result<(), Trouble> {
        let kind = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
        let relative = self.relative(path)?;
        if !self.overrides.matched(&relative, false).is_ignore() {
            self.add(path, kind.is_file())?;
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, is_file: bool) -> Result<(), Trouble> {
        let relative = self.relative(path)?;
        let entry = if is_file { Entry::File(path.to_owned()) } else { Entry::NotAFile };
        self.files.entries.insert(relative, entry);
        if self.files.entries.len() > FILES_MAX {
            return Err(Trouble::new(
                format!("there are more than {FILES_MAX} files"),
                "name the folders that matter, or pass over others with --exclude",
            ));
        }
        Ok(())
    }

    fn unlisted(&mut self, folder: &Path, error: &ignore::Error) {
        let path = path_of(error).unwrap_or(folder);
        let relative = self.relative(path).unwrap_or_else(|_| path.display().to_string());
        let why = error.io_error().map_or_else(|| error.to_string(), reason);
        self.files.unreadable.insert(relative, why);
    }

    /// By this name findings know a file, on every machine.
    fn relative(&self, path: &Path) -> Result<String, Trouble> {
        let inside = path.strip_prefix(&self.root).map_err(|_| {
            Trouble::new(
                format!("{} does not lie in {}", path.display(), self.root.display()),
                "look at one repository at a time, or name a folder around both with --root",
            )
        })?;
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            path_of(err)
        }
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(_)
        | ignore::Error::Io(_)
        | ignore::Error::Glob { .. }
        | ignore::Error::UnrecognizedFileType(_)
        | ignore::Error::InvalidDefinition => None,
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Trouble {
    let what = format!("cannot read {}: {}", path.display(), reason(error));
    Trouble::new(what, "name files and folders that are there and that you may read")
}
