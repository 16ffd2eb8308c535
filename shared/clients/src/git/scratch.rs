//! A folder for what is fetched, gone with its owner: at the end of a fetch, and when the owner was
//! killed, as soon as anybody fetches again. A function's disk is small and outlives its processes.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

/// Folders of this name are ours, and nobody else's are touched.
const PREFIX: &str = "assay-git-";
/// Locked as long as the owner lives; the kernel unlocks it for who is killed.
const LOCK: &str = "lock";
/// How long a folder may be without its lock, as one is that was just made.
const UNLOCKED_MAX: Duration = Duration::from_secs(60);

pub(super) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    pub(super) fn new() -> io::Result<Self> {
        Self::in_folder(&tempfile::env::temp_dir())
    }

    fn in_folder(parent: &Path) -> io::Result<Self> {
        sweep(parent);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let unnamed = folder.path().join("new");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        // Locked before it has its name, so a lock that can be taken is a dead owner's.
        fs::rename(unnamed, folder.path().join(LOCK))?;
        Ok(Self { folder, _lock: lock })
    }

    /// For the repository, and empty.
    pub(super) fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }
}

/// Deletes what owners left that are no more. What cannot be deleted is left for the next one: it
/// is no reason not to fetch.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            delete_if_left(&entry.path());
        }
    }
}

fn delete_if_left(folder: &Path) {
    // Held while deleting: of two who sweep at once, one deletes.
    let lock = File::open(folder.join(LOCK));
    let is_left = match &lock {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound && is_old(folder),
    };
    if is_left {
        let _ = fs::remove_dir_all(folder);
    }
}

fn is_old(folder: &Path) -> bool {
    let modified = fs::metadata(folder).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > UNLOCKED_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_owner_left_is_gone_with_the_next_fetch_and_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let living = Scratch::in_folder(parent.path()).unwrap();
        fs::create_dir(living.repository()).unwrap();
        let foreign = parent.path().join("assay-other");
        // Just made by somebody who has not come to lock it.
        let young = parent.path().join("assay-git-young");
        for folder in [&foreign, &young] {
            fs::create_dir(folder).unwrap();
        }
        let left = parent.path().join("assay-git-left");
        fs::create_dir_all(left.join("repository/objects")).unwrap();
        // A file that nobody has locked, as a killed process leaves it.
        fs::write(left.join(LOCK), "").unwrap();
        let early = parent.path().join("assay-git-early");
        fs::create_dir(&early).unwrap();
        let hours_ago = File::open(&early).unwrap().metadata().unwrap().modified().unwrap()
            - Duration::from_secs(7200);
        File::open(&early).unwrap().set_modified(hours_ago).unwrap();

        let next = Scratch::in_folder(parent.path()).unwrap();
        assert!(!left.exists() && !early.exists());
        assert!(foreign.exists() && young.exists() && living.repository().exists());
        let (one, two) = (living.folder.path().to_owned(), next.folder.path().to_owned());
        drop((living, next));
        assert!(!one.exists() && !two.exists());
    }
}
