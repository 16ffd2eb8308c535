//! Snapshots as `tar.gz`: the same snapshot always gives the same bytes.
//!
//! The archive starts with `snapshot.json` (commit and what was left out); the files follow under
//! `files/`, sorted by path, with fixed times, owners and modes.

use std::io::{self, Read};

use bytes::Bytes;
use domain::{CommitSha, OrgId, Snapshot, SourceFile, Unanalysed};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};

use crate::{Objects, ObjectsError, Stored};

/// Most bytes that all files of a snapshot may have together.
pub const SNAPSHOT_BYTES_MAX: u64 = 250 * 1024 * 1024;
/// Most files a snapshot may have.
pub const SNAPSHOT_FILES_MAX: usize = 50_000;
/// Most bytes of `snapshot.json`: fifty thousand long paths fit.
const HEAD_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Most bytes an archive may inflate to: the files, the head, and a tar header with a long name
/// and padding for each file. A bomb is given up here.
const ARCHIVE_BYTES_MAX: u64 =
    SNAPSHOT_BYTES_MAX + HEAD_BYTES_MAX + SNAPSHOT_FILES_MAX as u64 * 4 * 1024;
/// Most bytes of a compressed snapshot; incompressible files stay about as large as they are.
const COMPRESSED_BYTES_MAX: u64 = ARCHIVE_BYTES_MAX;

const HEAD: &str = "snapshot.json";
const FILES: &str = "files/";

/// The archive's first entry.
#[derive(Serialize, Deserialize)]
struct Head {
    commit: CommitSha,
    left_out: Vec<Unanalysed>,
}

/// Where the snapshot of a commit is kept: a tenant each, so that none can read another's.
pub fn snapshot_key(org: OrgId, commit: &CommitSha) -> String {
    format!("snapshots/{org}/{commit}.tar.gz")
}

/// Where the files of a base are kept that a head does not have in the same form.
pub fn base_key(org: OrgId, head: &CommitSha, base: &CommitSha) -> String {
    format!("snapshots/{org}/{head}-{base}.tar.gz")
}

impl Objects {
    /// Stores a snapshot; storing it again writes the same bytes.
    pub async fn put_snapshot(
        &self,
        org: OrgId,
        snapshot: &Snapshot,
    ) -> Result<Stored, ObjectsError> {
        let key = snapshot_key(org, &snapshot.commit);
        let bytes = encode_snapshot(snapshot)
            .map_err(|source| ObjectsError::Snapshot { key: key.clone(), source })?;
        self.put(&key, bytes).await
    }

    pub async fn get_snapshot(
        &self,
        org: OrgId,
        commit: &CommitSha,
    ) -> Result<Snapshot, ObjectsError> {
        self.get_under(snapshot_key(org, commit), commit).await
    }

    /// Stores the files of `base` that `head` does not have in the same form.
    pub async fn put_base(
        &self,
        org: OrgId,
        head: &CommitSha,
        base: &Snapshot,
    ) -> Result<Stored, ObjectsError> {
        let key = base_key(org, head, &base.commit);
        let bytes = encode_snapshot(base)
            .map_err(|source| ObjectsError::Snapshot { key: key.clone(), source })?;
        self.put(&key, bytes).await
    }

    pub async fn get_base(
        &self,
        org: OrgId,
        head: &CommitSha,
        base: &CommitSha,
    ) -> Result<Snapshot, ObjectsError> {
        self.get_under(base_key(org, head, base), base).await
    }

    async fn get_under(&self, key: String, commit: &CommitSha) -> Result<Snapshot, ObjectsError> {
        let bytes = self.get(&key, COMPRESSED_BYTES_MAX).await?;
        let refused = |source| ObjectsError::Snapshot { key: key.clone(), source };
        let snapshot = decode_snapshot(&bytes).map_err(refused)?;
        if snapshot.commit == *commit {
            Ok(snapshot)
        } else {
            Err(refused(SnapshotError::OtherCommit(snapshot.commit)))
        }
    }
}

pub fn encode_snapshot(snapshot: &Snapshot) -> Result<Bytes, SnapshotError> {
    let mut files: Vec<&SourceFile> = snapshot.files.iter().collect();
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let mut left_out = snapshot.left_out.clone();
    left_out.sort_unstable_by(|a, b| (&a.path, a.reason).cmp(&(&b.path, b.reason)));

    let mut check = Check::default();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let head = serde_json::to_vec(&Head { commit: snapshot.commit.clone(), left_out })?;
    append(&mut archive, HEAD, &head)?;
    for file in files {
        check.file(&file.path, file.bytes.len() as u64)?;
        append(&mut archive, &format!("{FILES}{}", file.path), &file.bytes)?;
    }
    Ok(archive.into_inner()?.finish()?.into())
}

fn append(
    archive: &mut tar::Builder<impl io::Write>,
    path: &str,
    bytes: &[u8],
) -> Result<(), io::Error> {
    // Only the mode is set: times and owners stay zero, or equal content would differ.
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, path, bytes)
}

/// Reads an archive back. Nothing in it is trusted: size, count, order, paths and kinds are
/// checked while it is read.
pub fn decode_snapshot(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let inflated = GzDecoder::new(bytes).take(ARCHIVE_BYTES_MAX);
    let mut archive = tar::Archive::new(inflated);
    let mut head: Option<Head> = None;
    let mut files = Vec::new();
    let mut check = Check::default();

    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| SnapshotError::Misplaced("a path that is not UTF-8".to_owned()))?;
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(SnapshotError::Misplaced(name));
        }
        match (&head, name.strip_prefix(FILES)) {
            (None, None) if name == HEAD => {
                let bytes = contents(&mut entry, HEAD_BYTES_MAX)?;
                head = Some(serde_json::from_slice(&bytes)?);
            }
            (Some(_), Some(path)) => {
                check.file(path, entry.size())?;
                let bytes = contents(&mut entry, SNAPSHOT_BYTES_MAX)?;
                files.push(SourceFile { path: path.to_owned(), bytes });
            }
            _ => return Err(SnapshotError::Misplaced(name)),
        }
    }
    // The checksum stands at the very end, behind what the archive's reader needed.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    let Head { commit, left_out } = head.ok_or(SnapshotError::NoHead)?;
    Ok(Snapshot { commit, files, left_out })
}

fn contents(
    entry: &mut tar::Entry<'_, impl Read>,
    bytes_max: u64,
) -> Result<Vec<u8>, SnapshotError> {
    let size = entry.size();
    if size > bytes_max {
        return Err(SnapshotError::TooLarge);
    }
    // Grows as bytes arrive: the size in the header is only a claim.
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    if bytes.len() as u64 == size { Ok(bytes) } else { Err(SnapshotError::TooLarge) }
}

/// Counts what was seen and refuses what must not be there.
#[derive(Default)]
struct Check {
    files: usize,
    bytes: u64,
    last: Option<String>,
}

impl Check {
    fn file(&mut self, path: &str, bytes: u64) -> Result<(), SnapshotError> {
        if !SourceFile::is_inside(path) {
            return Err(SnapshotError::Outside(path.to_owned()));
        }
        // Strictly ascending also means: no path twice.
        if self.last.as_deref().is_some_and(|last| path <= last) {
            return Err(SnapshotError::Unsorted(path.to_owned()));
        }
        self.last = Some(path.to_owned());
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.files > SNAPSHOT_FILES_MAX {
            return Err(SnapshotError::TooManyFiles);
        }
        if self.bytes > SNAPSHOT_BYTES_MAX { Err(SnapshotError::TooLarge) } else { Ok(()) }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("the archive is cut off or larger than {SNAPSHOT_BYTES_MAX} bytes of files")]
    TooLarge,
    #[error("the archive has more than {SNAPSHOT_FILES_MAX} files")]
    TooManyFiles,
    #[error("the path `{0}` leads out of the repository")]
    Outside(String),
    #[error("the path `{0}` stands twice or out of order")]
    Unsorted(String),
    #[error("`{0}` has no place in a snapshot")]
    Misplaced(String),
    #[error("the archive does not start with {HEAD}")]
    NoHead,
    #[error("the archive holds another commit, {0}")]
    OtherCommit(CommitSha),
    #[error("{HEAD} cannot be read")]
    Head(#[from] serde_json::Error),
    #[error("the archive cannot be read")]
    Archive(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use domain::UnanalysedReason;
    use proptest::{collection, prelude::*};

    use super::*;

    fn commit() -> CommitSha {
        "a".repeat(40).parse().unwrap()
    }

    fn snapshot(files: &[(&str, &[u8])]) -> Snapshot {
        let files = files
            .iter()
            .map(|(path, bytes)| SourceFile { path: (*path).to_owned(), bytes: bytes.to_vec() })
            .collect();
        let left_out =
            vec![Unanalysed { path: "big.bin".to_owned(), reason: UnanalysedReason::TooLarge }];
        Snapshot { commit: commit(), files, left_out }
    }

    /// An archive as someone else would make it: entries (name, kind, bytes) in any order.
    fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            // Written directly: the builder itself would refuse `..`.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn head() -> Vec<u8> {
        serde_json::to_vec(&Head { commit: commit(), left_out: Vec::new() }).unwrap()
    }

    proptest! {
        #[test]
        fn any_snapshot_survives_and_gives_the_same_bytes(
            files in collection::btree_map(
                "[a-zA-Z0-9 ._ü-]{1,60}(/[a-z.]{1,80}x){0,4}",
                collection::vec(any::<u8>(), 0..2_000),
                0..12,
            ),
        ) {
            let files: Vec<_> = files
                .into_iter()
                .filter(|(path, _)| SourceFile::is_inside(path))
                .map(|(path, bytes)| SourceFile { path, bytes })
                .collect();
            let sorted = Snapshot { files, ..snapshot(&[]) };
            let bytes = encode_snapshot(&sorted).unwrap();
            prop_assert_eq!(&decode_snapshot(&bytes).unwrap(), &sorted);

            let mut shuffled = sorted.clone();
            shuffled.files.reverse();
            prop_assert_eq!(encode_snapshot(&shuffled).unwrap(), bytes);
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(noise in collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(decode_snapshot(&noise).is_err());
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&noise).unwrap();
            prop_assert!(decode_snapshot(&encoder.finish().unwrap()).is_err());
        }

        #[test]
        fn a_flipped_or_missing_byte_never_gives_another_snapshot(
            position in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let whole = snapshot(&[("a.py", b"print(1)\n"), ("b/c.go", b"package c\n")]);
            let mut bytes = encode_snapshot(&whole).unwrap().to_vec();
            let position = position.index(bytes.len());
            if cut { bytes.truncate(position) } else { bytes[position] ^= 0x10 }
            if let Ok(read) = decode_snapshot(&bytes) {
                prop_assert_eq!(read, whole);
            }
        }
    }

    #[test]
    fn hostile_archives_are_refused() {
        use tar::EntryType::{Directory, Regular, Symlink};
        let head = head();
        let head: &[u8] = &head;
        let cases: [(&str, Vec<u8>); 12] = [
            ("nothing", archive(&[])),
            ("no head", archive(&[("files/a", Regular, b"x")])),
            ("two heads", archive(&[(HEAD, Regular, head), (HEAD, Regular, head)])),
            ("head is no JSON", archive(&[(HEAD, Regular, b"{")])),
            ("absolute", archive(&[(HEAD, Regular, head), ("/etc/passwd", Regular, b"x")])),
            ("absolute inside", archive(&[(HEAD, Regular, head), ("files//etc", Regular, b"x")])),
            ("upwards", archive(&[(HEAD, Regular, head), ("files/../x", Regular, b"x")])),
            ("empty path", archive(&[(HEAD, Regular, head), ("files/", Regular, b"x")])),
            ("link", archive(&[(HEAD, Regular, head), ("files/a", Symlink, b"")])),
            ("folder", archive(&[(HEAD, Regular, head), ("files/a", Directory, b"")])),
            (
                "twice",
                archive(&[
                    (HEAD, Regular, head),
                    ("files/a", Regular, b"1"),
                    ("files/a", Regular, b"2"),
                ]),
            ),
            (
                "unsorted",
                archive(&[
                    (HEAD, Regular, head),
                    ("files/b", Regular, b"1"),
                    ("files/a", Regular, b"2"),
                ]),
            ),
        ];
        for (case, bytes) in cases {
            assert!(decode_snapshot(&bytes).is_err(), "{case}");
        }
        let fine = archive(&[(HEAD, Regular, head), ("files/a", Regular, b"1")]);
        assert_eq!(decode_snapshot(&fine).unwrap().files.len(), 1, "the control must pass");
    }

    #[test]
    fn a_bomb_is_given_up_at_the_limit() {
        // A header that claims 300 MB, followed by zeros: a few hundred kilobytes compressed.
        let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
        let head = head();
        for (name, size) in [(HEAD, head.len() as u64), ("files/a", 300 * 1024 * 1024)] {
            let mut header = tar::Header::new_gnu();
            header.set_path(name).unwrap();
            header.set_size(size);
            header.set_cksum();
            bomb.write_all(header.as_bytes()).unwrap();
            if name == HEAD {
                bomb.write_all(&head).unwrap();
                bomb.write_all(&vec![0; 512 - head.len() % 512]).unwrap();
            }
        }
        let zeros = vec![0; 1024 * 1024];
        for _ in 0..300 {
            bomb.write_all(&zeros).unwrap();
        }
        let error = decode_snapshot(&bomb.finish().unwrap()).unwrap_err();
        assert!(matches!(error, SnapshotError::TooLarge), "{error}");
    }

    #[tokio::test]
    async fn a_snapshot_is_found_again_under_its_commit_only() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(&format!("file://{}", folder.path().display())).unwrap();
        let org = OrgId::new(uuid::Uuid::now_v7());
        let whole = snapshot(&[("a.py", b"print(1)\n")]);
        let stored = objects.put_snapshot(org, &whole).await.unwrap();
        assert_eq!(stored.key, format!("snapshots/{org}/{}.tar.gz", "a".repeat(40)));
        assert_eq!(objects.get_snapshot(org, &commit()).await.unwrap(), whole);

        let other: CommitSha = "b".repeat(40).parse().unwrap();
        let part = snapshot(&[("gone.py", b"old\n")]);
        objects.put_base(org, &other, &part).await.unwrap();
        assert_eq!(objects.get_base(org, &other, &commit()).await.unwrap(), part);
        assert_eq!(objects.get_snapshot(org, &commit()).await.unwrap(), whole, "beside it");

        objects.put(&snapshot_key(org, &other), encode_snapshot(&whole).unwrap()).await.unwrap();
        let error = objects.get_snapshot(org, &other).await.unwrap_err();
        assert!(
            matches!(error, ObjectsError::Snapshot { source: SnapshotError::OtherCommit(_), .. }),
            "{error}"
        );
    }
}
