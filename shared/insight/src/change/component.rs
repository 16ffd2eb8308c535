use std::collections::{BTreeMap, BTreeSet};

use domain::Snapshot;
use serde::{Deserialize, Serialize};

use super::files::{FileChange, folder, is_manifest, name};

/// A part of the repository that a change touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Its folder; empty for the repository itself.
    pub path: String,
    /// The file that makes it a package; none when only the folder holds it together.
    pub manifest: Option<String>,
    pub files: u32,
}

/// The packages that the changed files belong to; without a package around it, the topmost folder.
pub(super) fn list(head: &Snapshot, files: &[FileChange]) -> Vec<Component> {
    let manifests: BTreeMap<&str, &str> = head
        .files
        .iter()
        .filter(|file| is_manifest(name(&file.path)))
        .map(|file| (folder(&file.path), file.path.as_str()))
        .collect();
    let mut found: BTreeMap<String, Component> = BTreeMap::new();
    for file in files {
        let (path, manifest) = place(&manifests, &file.path);
        let component = found.entry(path.to_owned()).or_insert_with(|| Component {
            path: path.to_owned(),
            manifest: manifest.map(str::to_owned),
            files: 0,
        });
        component.files += 1;
    }
    found.into_values().collect()
}

fn place<'a>(manifests: &BTreeMap<&str, &'a str>, path: &'a str) -> (&'a str, Option<&'a str>) {
    let mut at = folder(path);
    while !at.is_empty() {
        if let Some(manifest) = manifests.get(at) {
            return (at, Some(manifest));
        }
        at = folder(at);
    }
    let top = path.split_once('/').map_or("", |(top, _)| top);
    let manifest = manifests.get("").copied();
    // One package at the root is the whole repository; its folders say more.
    (top, manifest.filter(|_| top.is_empty()))
}

/// What the change is about in one word, if it is about one thing.
pub(super) fn scope(components: &[Component]) -> Option<String> {
    let names: BTreeSet<&str> = components
        .iter()
        .filter(|component| !component.path.is_empty() && !component.path.starts_with('.'))
        .map(|component| name(&component.path))
        .collect();
    let mut names = names.into_iter();
    names.next().filter(|_| names.next().is_none()).map(str::to_owned)
}
