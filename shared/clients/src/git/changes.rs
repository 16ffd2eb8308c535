//! What differs between two commits, and in which lines.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use domain::{ChangedFile, LineRange, LineRanges};
use gix::{ObjectId, Repository};
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::{
    GitError, Limits,
    transport::Meter,
    tree::{Listing, read_file},
};

/// Longest search for the smallest difference of one file. After it the rest counts as changed,
/// which shows more findings and never fewer.
const DIFF_TIME_MAX: Duration = Duration::from_secs(5);
/// Renames with edits are looked for among at most this many added and removed files each;
/// exact renames always are.
const RENAME_CANDIDATES_MAX: usize = 200;
/// Share of the larger text that two files must have in common to be one renamed file, as in git.
const RENAME_SIMILARITY_MIN: f64 = 0.5;

/// The files of `head` that are not the same in `base`.
pub(super) fn between(
    repository: &Repository,
    base: &Listing,
    head: &Listing,
    limits: &Limits,
    meter: &Meter,
) -> Result<Vec<ChangedFile>, GitError> {
    let read = |id: ObjectId| read_file(repository, id, limits);
    let mut renamed = exact_renames(base, head);
    similar_renames(base, head, &mut renamed, read)?;

    let mut changed = Vec::new();
    for (path, id) in &head.files {
        meter.check_time()?;
        let renamed_from = renamed.remove(path);
        let old = base.files.get(renamed_from.as_ref().unwrap_or(path));
        if renamed_from.is_none() && old == Some(id) {
            continue;
        }
        // A file over the limit is in no snapshot, so its lines are nobody's question.
        let Some(new_text) = read(*id)? else { continue };
        let old_text = old.map(|id| read(*id)).transpose()?.flatten().unwrap_or_default();
        let lines = changed_lines(&old_text, &new_text);
        changed.push(ChangedFile { path: path.clone(), renamed_from, lines });
    }
    Ok(changed)
}

fn added<'a>(base: &Listing, head: &'a Listing) -> impl Iterator<Item = (&'a String, ObjectId)> {
    let known: BTreeSet<String> = base.files.keys().cloned().collect();
    head.files.iter().filter(move |(path, _)| !known.contains(*path)).map(|(path, id)| (path, *id))
}

/// New path → old path, where the content stayed the same.
fn exact_renames(base: &Listing, head: &Listing) -> BTreeMap<String, String> {
    let mut removed: HashMap<ObjectId, Vec<&String>> = HashMap::new();
    for (path, id) in added(head, base) {
        removed.entry(id).or_default().push(path);
    }
    let mut renamed = BTreeMap::new();
    for (path, id) in added(base, head) {
        let Some(candidates) = removed.get_mut(&id) else { continue };
        // Of several copies the one with the same name is the likeliest.
        let same_name = candidates.iter().position(|old| name(old) == name(path));
        if !candidates.is_empty() {
            let old = candidates.remove(same_name.unwrap_or(0));
            renamed.insert(path.clone(), old.clone());
        }
    }
    renamed
}

/// Adds the renames that came with edits: the best pairs first, each file in one pair only.
fn similar_renames(
    base: &Listing,
    head: &Listing,
    renamed: &mut BTreeMap<String, String>,
    read: impl Fn(ObjectId) -> Result<Option<Vec<u8>>, GitError>,
) -> Result<(), GitError> {
    let taken: BTreeSet<String> = renamed.values().cloned().collect();
    let removed: Vec<_> = added(head, base).filter(|(path, _)| !taken.contains(*path)).collect();
    let added: Vec<_> =
        added(base, head).filter(|(path, _)| !renamed.contains_key(*path)).collect();
    if removed.len() > RENAME_CANDIDATES_MAX || added.len() > RENAME_CANDIDATES_MAX {
        return Ok(());
    }
    let texts = |files: &[(&String, ObjectId)]| -> Result<Vec<Vec<u8>>, GitError> {
        files.iter().map(|(_, id)| Ok(read(*id)?.unwrap_or_default())).collect()
    };
    let (old_texts, new_texts) = (texts(&removed)?, texts(&added)?);

    let mut pairs = Vec::new();
    for (new, (new_path, _)) in added.iter().enumerate() {
        for (old, (old_path, _)) in removed.iter().enumerate() {
            if extension(new_path) == extension(old_path) {
                let score = similarity(&old_texts[old], &new_texts[new]);
                if score >= RENAME_SIMILARITY_MIN {
                    pairs.push((score, *new_path, *old_path));
                }
            }
        }
    }
    // Ties are broken by path, so that the same commits always give the same answer.
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    let mut used = BTreeSet::new();
    for (_, new_path, old_path) in pairs {
        if !renamed.contains_key(new_path) && used.insert(old_path) {
            renamed.insert(new_path.clone(), old_path.clone());
        }
    }
    Ok(())
}

/// Bytes in lines that both texts have, as a share of the larger text.
fn similarity(old: &[u8], new: &[u8]) -> f64 {
    let larger = old.len().max(new.len());
    // The shorter text bounds what can be common; most pairs end here.
    if larger == 0 || (old.len().min(new.len()) as f64) < larger as f64 * RENAME_SIMILARITY_MIN {
        return 0.0;
    }
    let mut counts: HashMap<&[u8], usize> = HashMap::new();
    for line in lines(old) {
        *counts.entry(line).or_default() += 1;
    }
    let mut common = 0;
    for line in lines(new) {
        if let Some(count) = counts.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            common += line.len();
        }
    }
    common as f64 / larger as f64
}

/// Lines of `new` that are not in `old`, counted from 1.
fn changed_lines(old: &[u8], new: &[u8]) -> LineRanges {
    let (old, new): (Vec<_>, Vec<_>) = (lines(old).collect(), lines(new).collect());
    let deadline = Some(Instant::now() + DIFF_TIME_MAX);
    let operations = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline);
    let ranges = operations.iter().filter_map(|operation| match *operation {
        DiffOp::Equal { .. } | DiffOp::Delete { .. } => None,
        DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
            Some(LineRange { first: new_index as u32 + 1, last: (new_index + new_len) as u32 })
        }
    });
    LineRanges::new(ranges.collect())
}

/// Lines with their ends, so that a missing final newline is a difference.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn extension(path: &str) -> Option<&str> {
    name(path).rsplit_once('.').map(|(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_are_those_of_the_new_text() {
        let cases = [
            ("", "a\nb\n", vec![(1, 2)]),
            ("a\nb\n", "a\nb\n", vec![]),
            ("a\nb\nc\n", "a\nX\nc\n", vec![(2, 2)]),
            ("a\nb\nc\n", "a\nc\n", vec![]),
            ("a\nc\n", "a\nb\nc\nd\n", vec![(2, 2), (4, 4)]),
            ("a\nb", "a\nb\n", vec![(2, 2)]),
            ("a\r\n", "a\n", vec![(1, 1)]),
            ("a\n", "", vec![]),
        ];
        for (old, new, expected) in cases {
            let ranges = changed_lines(old.as_bytes(), new.as_bytes());
            let found: Vec<_> = ranges.as_slice().iter().map(|r| (r.first, r.last)).collect();
            assert_eq!(found, expected, "{old:?} → {new:?}");
        }
    }

    #[test]
    fn half_of_the_larger_text_makes_a_rename() {
        let cases = [
            ("a\nb\nc\nd\n", "a\nb\nc\nX\n", true),
            ("a\nb\nc\nd\n", "a\nb\nX\nY\n", true),
            ("a\nb\nc\nd\n", "a\nX\nY\nZ\n", false),
            ("a\na\na\na\n", "a\nX\nY\nZ\n", false),
            ("", "", false),
        ];
        for (old, new, one) in cases {
            let score = similarity(old.as_bytes(), new.as_bytes());
            assert_eq!(score >= RENAME_SIMILARITY_MIN, one, "{old:?} {new:?}: {score}");
        }
    }
}
