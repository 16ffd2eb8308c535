//! Files that see each other's names: what one of them means hangs on the others.
//!
//! So far that is Go, whose packages are folders. What comes of a package is found out once, when
//! the first of its files is examined, and told file by file.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::OnceLock,
};

use domain::{Language, SourceFile};
use sha2::{Digest, Sha256};
use tree_sitter::Tree;

use crate::{
    Clock, is_demoted_by_name,
    nil::{self, NilFlow},
    place::Place,
    tree::{Parsers, Stopped},
};

/// More code in one package is read file by file.
const PACKAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// All packages among some files.
#[derive(Debug, Default)]
pub struct Packages<'a> {
    by_folder: HashMap<&'a str, Package<'a>>,
}

/// The files of one folder that are read together. Tests are not: nobody calls them.
#[derive(Debug)]
pub struct Package<'a> {
    /// Sorted by path.
    files: Vec<Cow<'a, SourceFile>>,
    flows: OnceLock<Flows>,
    digest: OnceLock<[u8; 32]>,
}

/// Nil on its way, by the path of the file in which it does harm.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    pub(crate) by_path: HashMap<String, Vec<Told>>,
    pub(crate) stopped: Option<Stopped>,
}

/// A flow and the files that its steps are in: none for its own.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) flow: NilFlow,
    pub(crate) elsewhere: Vec<Option<(String, u32)>>,
}

impl<'a> Packages<'a> {
    pub fn of(files: impl IntoIterator<Item = &'a SourceFile>) -> Self {
        let mut by_folder: HashMap<&str, Vec<Cow<'a, SourceFile>>> = HashMap::new();
        for file in files {
            if let Some(folder) = Package::folder(&file.path) {
                by_folder.entry(folder).or_default().push(Cow::Borrowed(file));
            }
        }
        let package = |(folder, files)| (folder, Package::new(files));
        Self { by_folder: by_folder.into_iter().map(package).collect() }
    }

    /// What a file is read together with.
    pub fn around(&self, file: &SourceFile) -> Option<&Package<'a>> {
        self.by_folder.get(Package::folder(&file.path)?)
    }
}

impl<'a> Package<'a> {
    /// The folder whose files a file of this name is read together with, if it is at all.
    pub fn folder(path: &str) -> Option<&str> {
        let is_member = Language::of_path(path) == Some(Language::Go) && !is_demoted_by_name(path);
        is_member.then(|| path.rsplit_once('/').map_or("", |(folder, _)| folder))
    }

    pub fn new(mut files: Vec<Cow<'a, SourceFile>>) -> Self {
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Self { files, flows: OnceLock::new(), digest: OnceLock::new() }
    }

    /// A file that nothing is known around.
    pub(crate) fn alone(file: &'a SourceFile) -> Self {
        Self::new(vec![Cow::Borrowed(file)])
    }

    /// Names everything that what comes of its files depends on, beside themselves.
    pub fn digest(&self) -> [u8; 32] {
        *self.digest.get_or_init(|| {
            let mut hash = Sha256::new();
            for part in self.files.iter().flat_map(|file| [file.path.as_bytes(), &file.bytes]) {
                // The length keeps the parts apart.
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            hash.finalize().into()
        })
    }

    pub(crate) fn flows(&self, parsers: &mut Parsers, clock: Clock) -> &Flows {
        self.flows.get_or_init(|| {
            let bytes: usize = self.files.iter().map(|file| file.bytes.len()).sum();
            let mut flows = Flows::default();
            if bytes <= PACKAGE_BYTES_MAX {
                flows.follow(&self.files, parsers, clock);
            } else {
                for file in self.files.chunks(1) {
                    flows.follow(file, parsers, clock);
                }
            }
            flows
        })
    }
}

impl Flows {
    fn follow(&mut self, files: &[Cow<'_, SourceFile>], parsers: &mut Parsers, clock: Clock) {
        // A folder may hold the package of a program beside the one that it belongs to.
        let mut by_clause: BTreeMap<String, Vec<(&str, &str, Tree)>> = BTreeMap::new();
        for file in files {
            let Place::Code { language, text, .. } = Place::of(file) else { continue };
            match parsers.parse(language, text, clock) {
                Ok(tree) => {
                    let clause = clause(&tree, text);
                    by_clause.entry(clause).or_default().push((&file.path, text, tree));
                }
                Err(stopped) => self.stopped = Some(stopped),
            }
        }
        for files in by_clause.into_values() {
            self.follow_all(&files, clock);
        }
    }

    fn follow_all(&mut self, files: &[(&str, &str, Tree)], clock: Clock) {
        let parsed: Vec<nil::File<'_>> = files
            .iter()
            .map(|(_, text, tree)| nil::File { text, root: tree.root_node() })
            .collect();
        let outcome = nil::run(&parsed, clock);
        if outcome.timed_out {
            self.stopped = Some(Stopped::TimedOut);
        }
        for flow in outcome.flows {
            let elsewhere = |step: &nil::Spot| {
                let (path, text, _) = &files[step.file];
                let line = text[..step.start].matches('\n').count() + 1;
                let line = u32::try_from(line).unwrap_or(u32::MAX);
                (step.file != flow.spot.file).then(|| ((*path).to_owned(), line))
            };
            let elsewhere = flow.path.iter().map(elsewhere).collect();
            let own = self.by_path.entry(files[flow.spot.file].0.to_owned()).or_default();
            own.push(Told { flow, elsewhere });
        }
    }
}

/// The name that the file gives its package.
fn clause(tree: &Tree, text: &str) -> String {
    let root = tree.root_node();
    let mut cursor = root.walk();
    let clause = root.named_children(&mut cursor).find(|node| node.kind() == "package_clause");
    let name = clause.and_then(|clause| clause.named_child(0));
    name.and_then(|name| text.get(name.byte_range())).unwrap_or_default().to_owned()
}
