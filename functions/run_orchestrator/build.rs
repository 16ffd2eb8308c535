//! Names the code that examines files, so that what it found is not taken for the findings of
//! another version: the sources of `insight` and `analysis`, of what they stand on in this repository, and the
//! versions of the rest as the lock file has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// Stands on `analysis`, and keeps what scores need.
const EXAMINER: &str = "insight";

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let lock = root.join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let mut hash = Sha256::new();
    for (name, entries) in needed(&fs::read_to_string(lock)?) {
        for entry in &entries {
            add(&mut hash, entry.as_bytes());
        }
        if entries.iter().any(|entry| entry.contains("\nsource = ")) {
            continue;
        }
        for part in ["src", "rules"] {
            let folder = root.join("shared").join(name).join(part);
            if folder.is_dir() {
                println!("cargo::rerun-if-changed={}", folder.display());
                add_folder(&mut hash, &folder, &root)?;
            }
        }
    }
    println!("cargo::rustc-env=EXAMINER_DIGEST={}", hex::encode(hash.finalize()));
    Ok(())
}

/// The lock file's entries of the examiner and of all that it depends on, by name.
fn needed(lock: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for entry in lock.split("[[package]]\n") {
        if let Some(name) = entry.strip_prefix("name = \"").and_then(|rest| rest.split('"').next())
        {
            all.entry(name).or_default().push(entry);
        }
    }
    let mut needed = BTreeMap::new();
    let mut next = BTreeSet::from([EXAMINER]);
    while let Some(name) = next.pop_first() {
        let Some(entries) = all.remove(name) else { continue };
        for line in entries.iter().flat_map(|entry| entry.lines()) {
            // A dependency's name, and its version where there are several of them.
            let dependency =
                line.strip_prefix(" \"").and_then(|rest| rest.split(['"', ' ']).next());
            next.extend(dependency);
        }
        needed.insert(name, entries);
    }
    needed
}

fn add_folder(hash: &mut Sha256, folder: &Path, root: &Path) -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_folder(hash, &path, root)?;
        } else {
            add(hash, path.strip_prefix(root)?.to_string_lossy().as_bytes());
            add(hash, &fs::read(&path)?);
        }
    }
    Ok(())
}

/// The length keeps the parts apart.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}
