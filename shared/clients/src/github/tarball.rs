//! Reads the archive of a commit as `git archive` makes it: one folder around everything.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use domain::{CommitSha, Snapshot, SourceFile, Unanalysed, UnanalysedReason};
use flate2::read::GzDecoder;

use crate::git::Limits;

/// Bytes of archive for each file besides its content: header, padding, long names.
const OVERHEAD_PER_FILE: u64 = 4 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum TarballError {
    #[error("it has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("it has more than {files_max} files")]
    TooManyFiles { files_max: usize },
    #[error("the path {0:?} leads out of it or stands in it twice")]
    UnsafePath(String),
    #[error("it is the archive of another commit, {0}")]
    OtherCommit(String),
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
    #[error("reading it was interrupted")]
    Interrupted,
}

pub(super) fn read(
    bytes: &[u8],
    commit: CommitSha,
    limits: &Limits,
) -> Result<Snapshot, TarballError> {
    let inflated_max = limits.bytes_max + limits.files_max as u64 * OVERHEAD_PER_FILE;
    let mut inflated = GzDecoder::new(bytes).take(inflated_max);
    let read = Reader { limits, files: BTreeMap::new(), left_out: Vec::new(), total: 0 }
        .read(&mut inflated, &commit);
    let reader = match read {
        // Cut off by us: the archive is larger than any that we take.
        Err(_) if inflated.limit() == 0 => {
            return Err(TarballError::TooLarge { bytes_max: limits.bytes_max });
        }
        other => other?,
    };
    let files = reader.files.into_iter().map(|(path, bytes)| SourceFile { path, bytes }).collect();
    let mut left_out = reader.left_out;
    left_out.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(Snapshot { commit, files, left_out })
}

struct Reader<'a> {
    limits: &'a Limits,
    files: BTreeMap<String, Vec<u8>>,
    left_out: Vec<Unanalysed>,
    total: u64,
}

impl Reader<'_> {
    fn read(mut self, archive: impl Read, commit: &CommitSha) -> Result<Self, TarballError> {
        let mut archive = tar::Archive::new(archive);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let kind = entry.header().entry_type();
            if kind.is_file() {
                self.file(&mut entry)?;
            } else if kind.is_pax_global_extensions() {
                check_commit(&mut entry, commit)?;
            } else if !kind.is_dir() {
                // A link, and whatever else has no content.
                let path = inner_path(&entry.path_bytes())?;
                self.leave_out(path, UnanalysedReason::NotAFile);
            }
        }
        // The checksum stands at the very end, behind what the archive's reader needed.
        io::copy(&mut archive.into_inner(), &mut io::sink())?;
        Ok(self)
    }

    fn file(&mut self, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), TarballError> {
        let path = inner_path(&entry.path_bytes())?;
        if entry.size() > self.limits.file_bytes_max {
            self.leave_out(path, UnanalysedReason::TooLarge);
            return Ok(());
        }
        self.total += entry.size();
        if self.total > self.limits.bytes_max {
            return Err(TarballError::TooLarge { bytes_max: self.limits.bytes_max });
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if self.files.insert(path.clone(), bytes).is_some() {
            return Err(TarballError::UnsafePath(path));
        }
        if self.files.len() > self.limits.files_max {
            return Err(TarballError::TooManyFiles { files_max: self.limits.files_max });
        }
        Ok(())
    }

    fn leave_out(&mut self, path: String, reason: UnanalysedReason) {
        self.left_out.push(Unanalysed { path, reason });
    }
}

/// The path without the folder that is around everything.
fn inner_path(path: &[u8]) -> Result<String, TarballError> {
    let path = String::from_utf8_lossy(path);
    match path.split_once('/') {
        Some((_, inner)) if SourceFile::is_inside(&path) => Ok(inner.to_owned()),
        _ => Err(TarballError::UnsafePath(path.into_owned())),
    }
}

/// `git archive` notes the commit in a header of its own.
fn check_commit(
    entry: &mut tar::Entry<'_, impl Read>,
    commit: &CommitSha,
) -> Result<(), TarballError> {
    let mut header = Vec::new();
    entry.read_to_end(&mut header)?;
    for extension in tar::PaxExtensions::new(&header) {
        let extension = extension?;
        let other = extension.value_bytes() != commit.as_str().as_bytes();
        if extension.key_bytes() == b"comment" && other {
            let found = String::from_utf8_lossy(extension.value_bytes()).chars().take(80).collect();
            return Err(TarballError::OtherCommit(found));
        }
    }
    Ok(())
}
