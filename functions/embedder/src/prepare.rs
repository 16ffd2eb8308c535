//! From files to what the store takes. Pure.

use std::collections::BTreeMap;

use chunking::{Chunk, PATH_BYTES_MAX, chunk_file, terms::Terms};
use domain::SourceFile;
use sha2::{Digest, Sha256};
use store::chunks::{NewChunk, NewSource};

/// The average length is taken from so many files, spread evenly: more would hardly change it.
const SAMPLE_FILES: usize = 500;
/// A transaction writes about so many chunks: a second or two of work.
const BATCH_CHUNKS: usize = 400;
/// A transaction writes so many files at most, chunks or not.
const BATCH_FILES_MAX: usize = 500;

/// A file and the sha256 of its bytes.
pub(crate) struct Hashed<'a> {
    pub(crate) file: &'a SourceFile,
    pub(crate) sha256: [u8; 32],
}

/// What one transaction writes.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) sources: Vec<NewSource>,
    /// What is to be embedded, by content.
    pub(crate) inputs: BTreeMap<[u8; 32], String>,
}

/// The files that can be indexed, with their hashes.
pub(crate) fn hashed(files: &[SourceFile]) -> Vec<Hashed<'_>> {
    files
        .iter()
        .filter(|file| file.path.len() <= PATH_BYTES_MAX)
        .map(|file| Hashed { file, sha256: Sha256::digest(&file.bytes).into() })
        .collect()
}

/// How many terms a chunk of these files has on average.
pub(crate) fn average_terms(files: &[Hashed<'_>]) -> f32 {
    let step = files.len().div_ceil(SAMPLE_FILES).max(1);
    let (mut terms, mut chunks) = (0_u64, 0_u64);
    for Hashed { file, .. } in files.iter().step_by(step) {
        for chunk in chunk_file(&file.path, &file.bytes).unwrap_or_default() {
            terms += u64::from(Terms::of(&chunk).length);
            chunks += 1;
        }
    }
    if chunks == 0 { 0.0 } else { (terms as f64 / chunks as f64) as f32 }
}

/// Takes the next batch off `files`; empty when none is left.
pub(crate) fn next_batch<'a>(
    files: &mut impl Iterator<Item = &'a Hashed<'a>>,
    average_terms: f32,
) -> Batch {
    let mut batch = Batch::default();
    let mut chunks = 0;
    while chunks < BATCH_CHUNKS && batch.sources.len() < BATCH_FILES_MAX {
        let Some(file) = files.next() else { break };
        let source = batch.take(file, average_terms);
        chunks += source.chunks.len();
        batch.sources.push(source);
    }
    batch
}

impl Batch {
    fn take(&mut self, Hashed { file, sha256 }: &Hashed<'_>, average_terms: f32) -> NewSource {
        let (chunks, skipped) = match chunk_file(&file.path, &file.bytes) {
            Ok(chunks) => (chunks, None),
            Err(reason) => (Vec::new(), Some(reason.to_string())),
        };
        self.inputs.extend(chunks.iter().map(|chunk| (chunk.content_sha256, chunk.input())));
        NewSource {
            name: file.path.clone(),
            sha256: *sha256,
            chunks: chunks.into_iter().map(|chunk| weighed(chunk, average_terms)).collect(),
            skipped,
        }
    }
}

fn weighed(chunk: Chunk, average_terms: f32) -> NewChunk {
    let terms = Terms::of(&chunk);
    NewChunk {
        index: chunk.index,
        lines: chunk.lines,
        bytes: chunk.bytes,
        name: chunk.names.join(", "),
        header: chunk.header,
        text: chunk.text,
        content_sha256: chunk.content_sha256,
        term_count: terms.length,
        weights: terms.weights(average_terms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), bytes: text.into() }
    }

    #[test]
    fn batches_hold_every_file_once_and_stay_small() {
        let text = "fn f() { call_something_long(argument_one, argument_two, argument_three); }\n";
        let files: Vec<_> =
            (0..50).map(|nth| file(&format!("{nth}.rs"), &text.repeat(nth * 10))).collect();
        let hashed = hashed(&files);
        let mut left = hashed.iter();
        let mut seen = Vec::new();
        let mut batches = 0;
        loop {
            let batch = next_batch(&mut left, 30.0);
            if batch.sources.is_empty() {
                break;
            }
            let chunks: usize = batch.sources.iter().map(|source| source.chunks.len()).sum();
            assert!(chunks < BATCH_CHUNKS + 250, "{chunks}");
            for chunk in batch.sources.iter().flat_map(|source| &source.chunks) {
                assert!(batch.inputs.contains_key(&chunk.content_sha256));
            }
            seen.extend(batch.sources.into_iter().map(|source| source.name));
            batches += 1;
        }
        assert!(batches > 1);
        assert_eq!(seen, files.iter().map(|file| file.path.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_that_cannot_be_cut_says_why() {
        let files = [file("logo.png", "\0"), file(&"a/".repeat(PATH_BYTES_MAX), "text")];
        let hashed = hashed(&files);
        assert_eq!(hashed.len(), 1);
        let batch = next_batch(&mut hashed.iter(), 1.0);
        assert_eq!(batch.sources[0].skipped.as_deref(), Some("not UTF-8 text"));
        assert_eq!(average_terms(&hashed), 0.0);
    }
}
