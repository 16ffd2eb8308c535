//! What a commit contains, read from the local copy without a checkout.

use std::collections::BTreeMap;

use domain::{CommitSha, Snapshot, SourceFile, Unanalysed, UnanalysedReason};
use gix::{ObjectId, Repository, bstr::ByteSlice, objs::tree::EntryKind};

use super::{GitError, Limits, transport::Meter};

/// Deepest nesting of folders. Real repositories stay below 30; a tree that contains itself often
/// would otherwise unfold for ever.
const DEPTH_MAX: usize = 64;
/// Most bytes of files that differ at the base: what is larger is compared by nobody.
const BASE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Folders and files visited for each file that is allowed, so that empty folders cannot unfold
/// for ever either.
const VISITS_PER_FILE: usize = 4;

/// The files of a commit by path, and what is no file.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) files: BTreeMap<String, ObjectId>,
    left_out: Vec<Unanalysed>,
}

impl Listing {
    pub(super) fn of(
        repository: &Repository,
        commit: ObjectId,
        limits: &Limits,
        meter: &Meter,
    ) -> Result<Self, GitError> {
        let tree = repository
            .find_commit(commit)
            .and_then(|commit| commit.tree_id().map(gix::Id::detach))
            .map_err(GitError::local)?;
        let mut listing = Self::default();
        let mut folders = vec![(String::new(), tree, 0)];
        let mut visits = 0_usize;
        while let Some((prefix, tree, depth)) = folders.pop() {
            meter.check_time()?;
            let tree = repository.find_tree(tree).map_err(GitError::local)?;
            for entry in tree.iter() {
                let entry = entry.map_err(GitError::local)?;
                visits += 1;
                if visits > limits.files_max.saturating_mul(VISITS_PER_FILE) {
                    return Err(GitError::TooManyFiles { files_max: limits.files_max });
                }
                let path = format!("{prefix}{}", entry.filename().to_str_lossy());
                // A name with a slash in it passes as two good parts, hence the second look.
                if !SourceFile::is_inside(&path) || entry.filename().contains(&b'/') {
                    return Err(GitError::UnsafePath(path));
                }
                match entry.kind() {
                    EntryKind::Tree if depth < DEPTH_MAX => {
                        folders.push((format!("{path}/"), entry.object_id(), depth + 1));
                    }
                    EntryKind::Tree => return Err(GitError::UnsafePath(path)),
                    EntryKind::Blob | EntryKind::BlobExecutable => {
                        let utf8 = entry.filename().to_str().is_ok();
                        listing.add(path, entry.object_id(), utf8, limits)?;
                    }
                    EntryKind::Link | EntryKind::Commit => {
                        listing.leave_out(path, UnanalysedReason::NotAFile);
                    }
                }
            }
        }
        Ok(listing)
    }

    fn add(
        &mut self,
        path: String,
        id: ObjectId,
        utf8: bool,
        limits: &Limits,
    ) -> Result<(), GitError> {
        if !utf8 {
            self.leave_out(path, UnanalysedReason::NotUtf8);
            return Ok(());
        }
        self.files.insert(path, id);
        if self.files.len() > limits.files_max {
            return Err(GitError::TooManyFiles { files_max: limits.files_max });
        }
        Ok(())
    }

    fn leave_out(&mut self, path: String, reason: UnanalysedReason) {
        self.left_out.push(Unanalysed { path, reason });
    }

    /// Without the files that `other` has just as they are here.
    pub(super) fn without(mut self, other: &Self) -> Self {
        self.files.retain(|path, id| other.files.get(path) != Some(id));
        self
    }

    /// Reads as many files as fit; what does not is left out, and nothing fails for it.
    pub(super) fn read_some(
        mut self,
        repository: &Repository,
        commit: CommitSha,
        limits: &Limits,
        meter: &Meter,
    ) -> Result<Snapshot, GitError> {
        let mut left = BASE_BYTES_MAX.min(limits.bytes_max);
        for (path, id) in std::mem::take(&mut self.files) {
            meter.check_time()?;
            let size = repository.find_header(id).map_err(GitError::local)?.size();
            if size <= left {
                left -= size;
                self.files.insert(path, id);
            } else {
                self.leave_out(path, UnanalysedReason::TooLarge);
            }
        }
        self.read(repository, commit, limits, meter)
    }

    /// Reads every file that is small enough.
    pub(super) fn read(
        &self,
        repository: &Repository,
        commit: CommitSha,
        limits: &Limits,
        meter: &Meter,
    ) -> Result<Snapshot, GitError> {
        let mut files = Vec::with_capacity(self.files.len());
        let mut left_out = self.left_out.clone();
        let mut total = 0_u64;
        for (path, id) in &self.files {
            meter.check_time()?;
            match read_file(repository, *id, limits)? {
                Some(bytes) => {
                    total += bytes.len() as u64;
                    if total > limits.bytes_max {
                        return Err(GitError::TooLarge { bytes_max: limits.bytes_max });
                    }
                    files.push(SourceFile { path: path.clone(), bytes });
                }
                None => left_out
                    .push(Unanalysed { path: path.clone(), reason: UnanalysedReason::TooLarge }),
            }
        }
        left_out.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Snapshot { commit, files, left_out })
    }
}

/// A file's bytes, or `None` when it is over the limit; its size is looked up first.
pub(super) fn read_file(
    repository: &Repository,
    id: ObjectId,
    limits: &Limits,
) -> Result<Option<Vec<u8>>, GitError> {
    let header = repository.find_header(id).map_err(GitError::local)?;
    if header.size() > limits.file_bytes_max {
        return Ok(None);
    }
    let mut object = repository.find_object(id).map_err(GitError::local)?;
    Ok(Some(std::mem::take(&mut object.data)))
}
