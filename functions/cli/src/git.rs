//! What two commits of a local repository differ in, and what is about to be committed, asked of
//! the git program.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use analysis::FILE_BYTES_MAX;
use domain::{
    ChangedFile, CommitSha, LineRanges, Snapshot, SourceFile, Unanalysed, UnanalysedReason,
};
use insight::change::changed_lines;

use crate::Trouble;

/// Whatever else a diff lists is no file: links, and other repositories.
const FILE_MODES: [&str; 2] = ["100644", "100755"];

/// Two commits, as far as they differ.
pub(crate) struct Sides {
    /// Every path of the head; only the files that differ have content.
    pub(crate) head: Snapshot,
    pub(crate) base: Snapshot,
    pub(crate) changes: Vec<ChangedFile>,
}

pub(crate) struct Repository<'a>(pub(crate) &'a Path);

impl Repository<'_> {
    /// What a pull request would show: `head` beside where its history parted from `base`.
    pub(crate) fn compare(&self, base: &str, head: &str, exact: bool) -> Result<Sides, Trouble> {
        let (mut base, head) = (self.commit(base)?, self.commit(head)?);
        if !exact {
            // Histories that never met are compared as they are.
            let parting = self.text(&["merge-base", base.as_str(), head.as_str()]).ok();
            base = parting.and_then(|sha| sha.trim().parse().ok()).unwrap_or(base);
        }
        let entries = self.entries(&base, &head)?;
        let blobs = self.blobs(&entries)?;
        let mut sides = Sides { head: empty(head.clone()), base: empty(base), changes: Vec::new() };
        for entry in &entries {
            let old = side(&mut sides.base, &blobs, entry.old.as_ref());
            let new = side(&mut sides.head, &blobs, entry.new.as_ref());
            let Some((path, _)) = &entry.new else { continue };
            let from = entry.old.as_ref().map(|(path, _)| path).filter(|old| *old != path);
            sides.changes.push(ChangedFile {
                path: path.clone(),
                renamed_from: from.cloned(),
                // Of a file that is too large no line is known; it is listed as left out.
                lines: new.map_or_else(LineRanges::default, |new| {
                    changed_lines(old.as_deref().unwrap_or_default(), &new)
                }),
            });
        }
        self.name_the_rest(&head, &mut sides.head)?;
        for files in [&mut sides.head.files, &mut sides.base.files] {
            files.sort_by(|one, other| one.path.cmp(&other.path));
        }
        Ok(sides)
    }

    /// The files that the next commit changes, as they will be in it.
    pub(crate) fn staged(&self) -> Result<Vec<(String, Vec<u8>)>, Trouble> {
        let asked =
            ["diff", "--cached", "--raw", "-z", "--no-renames", "--full-index", "--diff-filter=d"];
        let entries = entries(&String::from_utf8_lossy(&self.bytes(&asked, b"")?));
        let blobs = self.blobs(&entries)?;
        let places = entries.into_iter().filter_map(|entry| entry.new);
        Ok(places.filter_map(|(path, blob)| Some((path, blobs.get(&blob)?.clone()))).collect())
    }

    fn commit(&self, name: &str) -> Result<CommitSha, Trouble> {
        let asked = format!("{name}^{{commit}}");
        let text = self.text(&["rev-parse", "--verify", "--end-of-options", &asked])?;
        text.trim().parse().map_err(|_| {
            Trouble::new(format!("`{name}` is no commit"), "name a branch, a tag or a commit")
        })
    }

    fn entries(&self, base: &CommitSha, head: &CommitSha) -> Result<Vec<Entry>, Trouble> {
        let bytes = self.bytes(
            &[
                "diff",
                "--raw",
                "-z",
                "--find-renames",
                "--full-index",
                base.as_str(),
                head.as_str(),
            ],
            b"",
        )?;
        Ok(entries(&String::from_utf8_lossy(&bytes)))
    }

    /// The content of every blob, in one call.
    fn blobs(&self, entries: &[Entry]) -> Result<HashMap<String, Vec<u8>>, Trouble> {
        let mut wanted: Vec<&str> = entries
            .iter()
            .flat_map(|entry| entry.old.iter().chain(&entry.new))
            .map(|(_, blob)| blob.as_str())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let asked: String = wanted.iter().map(|blob| format!("{blob}\n")).collect();
        let mut answer = self.bytes(&["cat-file", "--batch"], asked.as_bytes())?;
        let mut blobs = HashMap::new();
        for blob in wanted {
            let broken = || Trouble::new(format!("git has no object {blob}"), "run `git fsck`");
            let end = answer.iter().position(|byte| *byte == b'\n').ok_or_else(broken)?;
            let line = String::from_utf8_lossy(&answer[..end]).into_owned();
            let size = line.rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
            let size = size.filter(|size| end + 1 + size < answer.len()).ok_or_else(broken)?;
            let rest = answer.split_off(end + 1);
            blobs.insert(blob.to_owned(), rest[..size].to_vec());
            answer = rest[size + 1..].to_vec();
        }
        Ok(blobs)
    }

    /// Paths alone say which packages there are and what is tested.
    fn name_the_rest(&self, head: &CommitSha, snapshot: &mut Snapshot) -> Result<(), Trouble> {
        let bytes = self.bytes(&["ls-tree", "-r", "-z", "--name-only", head.as_str()], b"")?;
        let known = snapshot.files.iter().map(|file| &file.path);
        let known = known.chain(snapshot.left_out.iter().map(|file| &file.path));
        let known: HashSet<String> = known.cloned().collect();
        let paths = String::from_utf8_lossy(&bytes).into_owned();
        let paths = paths.split('\0').filter(|path| !path.is_empty());
        let others = paths.filter(|path| !known.contains(*path));
        let files = others.map(|path| SourceFile { path: path.to_owned(), bytes: Vec::new() });
        snapshot.files.extend(files);
        Ok(())
    }

    fn text(&self, arguments: &[&str]) -> Result<String, Trouble> {
        Ok(String::from_utf8_lossy(&self.bytes(arguments, b"")?).into_owned())
    }

    fn bytes(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, Trouble> {
        let started = Command::new("git")
            .arg("-C")
            .arg(self.0)
            // Neither a pager, nor a diff program of somebody's choice.
            .args(["-c", "core.pager=cat", "-c", "diff.external="])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let answer = started.and_then(|mut child| {
            let stdin = child.stdin.take();
            let input = input.to_vec();
            // Git answers while it is being asked: each side would wait for the other.
            let writer = std::thread::spawn(move || match stdin {
                Some(mut stdin) => stdin.write_all(&input),
                None => Ok(()),
            });
            let output = child.wait_with_output()?;
            let _: Result<(), io::Error> = writer.join().unwrap_or(Ok(()));
            Ok(output)
        });
        let output = answer.map_err(|error| {
            Trouble::new(format!("cannot run git: {error}"), "install git, or say where: PATH")
        })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let next = "call this in a repository, and name commits that it has";
        Err(Trouble::new(format!("git: {said}"), next))
    }
}

fn empty(commit: CommitSha) -> Snapshot {
    Snapshot { commit, files: Vec::new(), left_out: Vec::new() }
}

/// A file's path and its content, on one side of a diff.
type Place = (String, String);

/// A file that differs.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    old: Option<Place>,
    new: Option<Place>,
}

/// Reads `git diff --raw -z`: `:mode mode blob blob status`, then one path, or two for a rename.
fn entries(text: &str) -> Vec<Entry> {
    let mut parts = text.split('\0').filter(|part| !part.is_empty());
    let mut found = Vec::new();
    while let Some(head) = parts.next() {
        let words: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        let [old_mode, new_mode, old_blob, new_blob, status] = words[..] else { break };
        let Some(path) = parts.next() else { break };
        let two = status.starts_with(['R', 'C']);
        let new_path = if two { parts.next().unwrap_or(path) } else { path };
        let place = |mode: &str, path: &str, blob: &str| {
            FILE_MODES.contains(&mode).then(|| (path.to_owned(), blob.to_owned()))
        };
        // A link that becomes a file, or the other way round, is a file that comes or goes.
        let (old, new) = (place(old_mode, path, old_blob), place(new_mode, new_path, new_blob));
        if old.is_some() || new.is_some() {
            found.push(Entry { old, new });
        }
    }
    found
}

/// Puts a file on its side; gives its content if it is small enough to be compared.
fn side(
    snapshot: &mut Snapshot,
    blobs: &HashMap<String, Vec<u8>>,
    place: Option<&Place>,
) -> Option<Vec<u8>> {
    let (path, blob) = place?;
    let bytes = blobs.get(blob)?;
    if bytes.len() > FILE_BYTES_MAX {
        let path = path.clone();
        snapshot.left_out.push(Unanalysed { path, reason: UnanalysedReason::TooLarge });
        return None;
    }
    snapshot.files.push(SourceFile { path: path.clone(), bytes: bytes.clone() });
    Some(bytes.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_of_a_raw_diff_is_read_as_what_it_is() {
        let place = |path: &str, blob: &str| Some((path.to_owned(), blob.to_owned()));
        let text = ":100644 100644 aa bb M\0a.py\0:000000 100755 00 cc A\0b c.py\0\
                    :100644 000000 dd 00 D\0d.py\0:100644 100644 ee ff R090\0e.py\0f.py\0\
                    :120000 100644 11 22 T\0g\0:000000 160000 00 33 A\0module\0";
        let expected = [
            Entry { old: place("a.py", "aa"), new: place("a.py", "bb") },
            Entry { old: None, new: place("b c.py", "cc") },
            Entry { old: place("d.py", "dd"), new: None },
            Entry { old: place("e.py", "ee"), new: place("f.py", "ff") },
            Entry { old: None, new: place("g", "22") },
        ];
        assert_eq!(entries(text), expected);
        assert_eq!(entries(""), []);
    }
}
