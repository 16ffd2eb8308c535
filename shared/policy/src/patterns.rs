//! Which paths and which rules are meant.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::{Serialize, Serializer};

/// Paths, written as in `.gitignore`: a name fits in every folder, a folder means all below it.
#[derive(Clone)]
pub struct Paths {
    written: Vec<String>,
    compiled: Gitignore,
}

impl Default for Paths {
    fn default() -> Self {
        Self { written: Vec::new(), compiled: Gitignore::empty() }
    }
}

impl Paths {
    pub(crate) fn new(written: Vec<String>) -> Result<Self, String> {
        let mut builder = GitignoreBuilder::new("");
        builder.allow_unclosed_class(false);
        for pattern in &written {
            builder.add_line(None, pattern).map_err(|error| reason(&error))?;
        }
        let compiled = builder.build().map_err(|error| reason(&error))?;
        Ok(Self { written, compiled })
    }

    /// Why a pattern means nothing, or not what it seems to mean.
    pub(crate) fn check(pattern: &str) -> Result<(), String> {
        match pattern.chars().next() {
            None => return Err("it is empty".to_owned()),
            Some('!') => return Err("`!` takes nothing back here".to_owned()),
            Some('#') => return Err("a name that begins with `#` is written `\\#`".to_owned()),
            Some(_) => {}
        }
        if pattern.trim() != pattern {
            return Err("blanks around it mean nothing".to_owned());
        }
        Self::new(vec![pattern.to_owned()]).map(|_| ())
    }

    /// Whether the path, or a folder that it is in, is meant.
    pub fn contain(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        self.compiled.matched_path_or_any_parents(path, false).is_ignore()
    }

    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    pub fn written(&self) -> &[String] {
        &self.written
    }
}

/// Without our own words around it.
fn reason(error: &ignore::Error) -> String {
    match error {
        ignore::Error::Glob { err, .. } => err.clone(),
        ignore::Error::Partial(_)
        | ignore::Error::WithLineNumber { .. }
        | ignore::Error::WithPath { .. }
        | ignore::Error::WithDepth { .. }
        | ignore::Error::Loop { .. }
        | ignore::Error::Io(_)
        | ignore::Error::UnrecognizedFileType(_)
        | ignore::Error::InvalidDefinition => error.to_string(),
    }
}

impl PartialEq for Paths {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl fmt::Debug for Paths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

impl Serialize for Paths {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(to)
    }
}

/// The name of a rule, or a pattern that fits several: `*` stands for anything.
#[derive(Clone)]
pub struct RuleName {
    written: String,
    compiled: GlobMatcher,
}

impl RuleName {
    pub(crate) fn new(written: String) -> Result<Self, String> {
        let glob = GlobBuilder::new(&written).build().map_err(|error| error.kind().to_string())?;
        Ok(Self { compiled: glob.compile_matcher(), written })
    }

    pub fn fits(&self, rule: &str) -> bool {
        self.written == rule || self.compiled.is_match(rule)
    }

    pub fn written(&self) -> &str {
        &self.written
    }
}

impl PartialEq for RuleName {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl fmt::Debug for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.written.fmt(f)
    }
}

impl Serialize for RuleName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.written)
    }
}
