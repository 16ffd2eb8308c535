//! Files that see each other's names: what one of them means hangs on the others.
//!
//! So far that is Go, whose packages are folders. They are parsed when the first of their files is
//! examined; each tree waits for its file's turn. What comes of a package is found out once, and
//! told file by file.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
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

/// Code of one package whose trees wait for their files' turn. A tree is many times as large as
/// the text; the files beyond are parsed once more.
const WAITING_BYTES_MAX: usize = 512 * 1024;

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
    trees: OnceLock<Trees>,
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
        let (trees, flows, digest) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { files, trees, flows, digest }
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

    /// The tree of a file, if it is one of these and as it is here. It is given once.
    pub(crate) fn tree(
        &self,
        file: &SourceFile,
        parsers: &mut Parsers,
        clock: Clock,
    ) -> Option<Tree> {
        if self.is_too_large() {
            return None;
        }
        let at = self.files.binary_search_by(|one| one.path.cmp(&file.path)).ok()?;
        let trees = self.trees(parsers, clock);
        (self.files[at].bytes == file.bytes).then(|| trees.take(at)).flatten()
    }

    pub(crate) fn flows(&self, parsers: &mut Parsers, clock: Clock) -> &Flows {
        self.flows.get_or_init(|| {
            let mut flows = Flows::default();
            if self.is_too_large() {
                for file in self.files.chunks(1) {
                    flows.follow(file, &Trees::of(file, parsers, clock), clock);
                }
            } else {
                let trees = self.trees(parsers, clock);
                flows.follow(&self.files, trees, clock);
                trees.leave_waiting(&self.files);
            }
            flows
        })
    }

    fn is_too_large(&self) -> bool {
        let bytes: usize = self.files.iter().map(|file| file.bytes.len()).sum();
        bytes > PACKAGE_BYTES_MAX
    }

    fn trees(&self, parsers: &mut Parsers, clock: Clock) -> &Trees {
        self.trees.get_or_init(|| Trees::of(&self.files, parsers, clock))
    }
}

/// The trees of some files, each until it is needed no more.
#[derive(Debug)]
struct Trees {
    /// In the order of the files; none for what is not parsed.
    kept: Mutex<Vec<Option<Kept>>>,
    stopped: Option<Stopped>,
}

#[derive(Debug)]
struct Kept {
    tree: Tree,
    /// It was given to whoever examines the file.
    is_taken: bool,
    /// What nil does in it is known.
    is_followed: bool,
}

impl Trees {
    fn of(files: &[Cow<'_, SourceFile>], parsers: &mut Parsers, clock: Clock) -> Self {
        let mut stopped = None;
        let parsed = files.iter().map(|file| {
            let Place::Code { language, text, .. } = Place::of(file) else { return None };
            match parsers.parse(language, text, clock) {
                Ok(tree) => Some(Kept { tree, is_taken: false, is_followed: false }),
                Err(why) => {
                    stopped = Some(why);
                    None
                }
            }
        });
        Self { kept: Mutex::new(parsed.collect()), stopped }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Option<Kept>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, at: usize) -> Option<Tree> {
        let mut kept = self.kept();
        let slot = &mut kept[at];
        let one = slot.as_mut()?;
        one.is_taken = true;
        // A tree is counted by reference: the copy costs nothing.
        let tree = one.tree.clone();
        if one.is_followed {
            *slot = None;
        }
        Some(tree)
    }

    fn all(&self) -> Vec<Option<Tree>> {
        self.kept().iter().map(|one| Some(one.as_ref()?.tree.clone())).collect()
    }

    /// Lets go of those that nobody waits for, or that are too many to wait.
    fn leave_waiting(&self, files: &[Cow<'_, SourceFile>]) {
        let mut bytes = 0;
        for (slot, file) in self.kept().iter_mut().zip(files) {
            let Some(one) = slot else { continue };
            one.is_followed = true;
            bytes += if one.is_taken { 0 } else { file.bytes.len() };
            if one.is_taken || bytes > WAITING_BYTES_MAX {
                *slot = None;
            }
        }
    }
}

impl Flows {
    fn follow(&mut self, files: &[Cow<'_, SourceFile>], trees: &Trees, clock: Clock) {
        self.stopped = self.stopped.or(trees.stopped);
        // A folder may hold the package of a program beside the one that it belongs to.
        let mut by_clause: BTreeMap<String, Vec<(&str, &str, Tree)>> = BTreeMap::new();
        for (file, tree) in files.iter().zip(trees.all()) {
            let (Some(tree), Place::Code { text, .. }) = (tree, Place::of(file)) else { continue };
            let clause = clause(&tree, text);
            by_clause.entry(clause).or_default().push((&file.path, text, tree));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Examiner;

    fn file(path: &str, text: impl Into<Vec<u8>>) -> SourceFile {
        SourceFile { path: path.to_owned(), bytes: text.into() }
    }

    fn waiting<'a>(package: &'a Package<'_>) -> Vec<&'a str> {
        let trees = package.trees.get().unwrap().all();
        let files = package.files.iter().zip(trees);
        files.filter_map(|(file, tree)| tree.map(|_| &*file.path)).collect()
    }

    #[test]
    fn the_tree_of_a_file_waits_until_the_file_is_examined() {
        let files = ["p/a.go", "p/b.go", "p/c.go"].map(|path| file(path, "package p\n"));
        let other = file("p/c.go", "package p\n\nvar other int\n");
        let packages = Packages::of(&files);
        let package = packages.around(&files[0]).unwrap();
        let mut examiner = Examiner::default();
        for (at, left) in [(1, &["p/a.go", "p/c.go"][..]), (0, &["p/c.go"]), (2, &[])] {
            examiner.examine_within(&files[at], Some(package), Clock::unlimited());
            assert_eq!(waiting(package), left);
            // It was another file when the package was read.
            examiner.examine_within(&other, Some(package), Clock::unlimited());
            assert_eq!(waiting(package), left);
        }
        let examined = examiner.examine_within(&files[2], Some(package), Clock::unlimited());
        assert_eq!(examined.coverage.analysed, 1);
    }

    #[test]
    fn of_a_large_package_few_trees_wait() {
        let long = format!("package p\n\n// {}\n", "-".repeat(WAITING_BYTES_MAX / 2));
        let files = ["p/a.go", "p/b.go", "p/c.go"].map(|path| file(path, long.clone()));
        let packages = Packages::of(&files);
        let package = packages.around(&files[0]).unwrap();
        Examiner::default().examine_within(&files[0], Some(package), Clock::unlimited());
        assert_eq!(waiting(package), ["p/b.go"]);
    }

    #[test]
    fn whoever_asks_for_other_rules_alone_does_not_pay_for_the_package() {
        let files = ["p/a.go", "p/b.go"].map(|path| file(path, "package p\n"));
        let packages = Packages::of(&files);
        let package = packages.around(&files[0]).unwrap();
        let asked = crate::Asked::only(|rule| rule.starts_with("python."));
        let mut examiner = Examiner::default().asking(asked);
        examiner.examine_within(&files[0], Some(package), Clock::unlimited());
        assert!(package.trees.get().is_none() && package.flows.get().is_none());
    }
}
