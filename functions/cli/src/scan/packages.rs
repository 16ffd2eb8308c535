//! Files that are read together, however many threads look at them.

use std::{borrow::Cow, collections::HashMap, sync::OnceLock};

use analysis::Package;
use domain::SourceFile;

use super::{examine::bytes_of, files::Entry};

/// The packages among the files that are scanned, each read when the first of its files is.
pub(super) struct Packages<'a> {
    by_folder: HashMap<&'a str, Folder<'a>>,
}

#[derive(Default)]
struct Folder<'a> {
    entries: Vec<&'a (String, Entry)>,
    package: OnceLock<Package<'static>>,
}

impl<'a> Packages<'a> {
    pub(super) fn of(entries: &'a [(String, Entry)]) -> Self {
        let mut by_folder: HashMap<&str, Folder<'a>> = HashMap::new();
        for entry in entries {
            if let Some(folder) = Package::folder(&entry.0) {
                by_folder.entry(folder).or_default().entries.push(entry);
            }
        }
        Self { by_folder }
    }

    pub(super) fn around(&self, path: &str) -> Option<&Package<'static>> {
        let folder = self.by_folder.get(Package::folder(path)?)?;
        Some(folder.package.get_or_init(|| {
            // A file that cannot be read says so when it is its turn.
            let read = |(path, entry): &&(String, Entry)| {
                let bytes = bytes_of(entry)?.ok()?;
                Some(Cow::Owned(SourceFile { path: path.clone(), bytes }))
            };
            Package::new(folder.entries.iter().filter_map(read).collect())
        }))
    }
}
