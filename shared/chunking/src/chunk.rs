use std::ops::Range;

use domain::{Language, LineRange};
use sha2::{Digest, Sha256};

use crate::{code, cut, prose};

/// Larger files are generated or data, and would crowd out what people look for.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Bounds the rows that one file can make.
pub const FILE_CHUNKS_MAX: usize = 4_000;
/// Longer paths do not fit the index that finds a file by its path.
pub const PATH_BYTES_MAX: usize = 1_024;
/// Text whose lines are longer than this on average was made for machines.
const MEAN_LINE_BYTES_MAX: usize = 400;
/// Below this size long lines are harmless.
const MINIFIED_BYTES_MIN: usize = 8_192;

/// Files that tools write beside the ones that people write.
const LOCK_FILES: [&str; 9] = [
    "Cargo.lock",
    "composer.lock",
    "Gemfile.lock",
    "go.sum",
    "package-lock.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
    "yarn.lock",
];

/// A piece of one file, small enough to be read at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Counts from 0 within the file.
    pub index: u32,
    /// Qualified names of what is defined here, such as `Session::begin`; a large definition's
    /// pieces all carry its name, and text outside of any definition has none.
    pub names: Vec<String>,
    /// Path and names: what the text alone does not say, and what every method finds better with.
    pub header: String,
    /// Exactly the file's bytes of `bytes`.
    pub text: String,
    pub lines: LineRange,
    pub bytes: Range<usize>,
    /// Of [`Chunk::input`]: equal hashes mean equal terms and equal vectors.
    pub content_sha256: [u8; 32],
}

impl Chunk {
    /// What is embedded: the header, then the text.
    pub fn input(&self) -> String {
        format!("{}\n{}", self.header, self.text)
    }
}

/// Why a file has no chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Skipped {
    #[error("larger than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("path longer than {PATH_BYTES_MAX} bytes")]
    PathTooLong,
    #[error("not UTF-8 text")]
    NotText,
    #[error("written by a tool")]
    Generated,
    #[error("more than {FILE_CHUNKS_MAX} chunks")]
    TooManyChunks,
}

/// Cuts one file. A file of blanks has no chunks.
pub fn chunk_file(path: &str, bytes: &[u8]) -> Result<Vec<Chunk>, Skipped> {
    let text = readable(path, bytes)?;
    let outline = Language::of_path(path)
        .and_then(|language| code::outline(language, text))
        .unwrap_or_else(|| prose::outline(path, text));
    let pieces = cut::pieces(text, &outline);
    if pieces.len() > FILE_CHUNKS_MAX {
        return Err(Skipped::TooManyChunks);
    }
    let mut lines = LineCounter::new(text);
    Ok((0..)
        .zip(pieces)
        .map(|(index, piece)| chunk(path, text, index, piece, &mut lines))
        .collect())
}

fn readable<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, Skipped> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if path.len() > PATH_BYTES_MAX {
        return Err(Skipped::PathTooLong);
    }
    if LOCK_FILES.contains(&name) || name.ends_with(".map") || name.contains(".min.") {
        return Err(Skipped::Generated);
    }
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Skipped::TooLarge);
    }
    // Postgres text cannot hold a NUL either.
    if bytes.contains(&0) {
        return Err(Skipped::NotText);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Skipped::NotText)?;
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    if bytes.len() >= MINIFIED_BYTES_MIN && bytes.len() / lines > MEAN_LINE_BYTES_MAX {
        return Err(Skipped::Generated);
    }
    Ok(text)
}

fn chunk(
    path: &str,
    text: &str,
    index: u32,
    piece: cut::Piece,
    lines: &mut LineCounter<'_>,
) -> Chunk {
    let mut header = path.to_owned();
    for (nth, name) in piece.names.iter().enumerate() {
        header.push_str(if nth == 0 { " " } else { ", " });
        header.push_str(name);
    }
    let mut chunk = Chunk {
        index,
        names: piece.names,
        header,
        text: text[piece.bytes.clone()].to_owned(),
        lines: lines.of(&piece.bytes),
        bytes: piece.bytes,
        content_sha256: [0; 32],
    };
    chunk.content_sha256 = Sha256::digest(chunk.input()).into();
    chunk
}

/// Turns ascending byte ranges into line ranges in one pass over the text.
struct LineCounter<'a> {
    text: &'a [u8],
    position: usize,
    line: u32,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), position: 0, line: 1 }
    }

    /// The lines of `bytes` that hold something, so that a citation points at code and not at
    /// the blank lines around it.
    fn of(&mut self, bytes: &Range<usize>) -> LineRange {
        let text = &self.text[bytes.clone()];
        let is_text = |byte: &u8| !byte.is_ascii_whitespace();
        let first = text.iter().position(is_text).unwrap_or(0);
        let last = text.iter().rposition(is_text).unwrap_or(0);
        LineRange {
            first: self.line_at(bytes.start + first),
            last: self.line_at(bytes.start + last),
        }
    }

    fn line_at(&mut self, position: usize) -> u32 {
        let newlines = self.text[self.position..position].iter().filter(|byte| **byte == b'\n');
        self.line += newlines.count() as u32;
        self.position = position;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_people_is_skipped_with_its_reason() {
        let long_line = "x".repeat(MINIFIED_BYTES_MIN);
        let cases: [(&str, &[u8], Skipped); 7] = [
            ("web/Cargo.lock", b"[[package]]", Skipped::Generated),
            ("a/jquery.min.js", b"f()", Skipped::Generated),
            ("bundle.js", long_line.as_bytes(), Skipped::Generated),
            ("logo.png", b"\x89PNG\0", Skipped::NotText),
            ("latin1.txt", b"caf\xe9", Skipped::NotText),
            ("big.sql", &vec![b'\n'; FILE_BYTES_MAX + 1], Skipped::TooLarge),
            (&"d/".repeat(PATH_BYTES_MAX), b"x", Skipped::PathTooLong),
        ];
        for (path, bytes, reason) in cases {
            assert_eq!(chunk_file(path, bytes), Err(reason), "{path}");
        }
    }

    #[test]
    fn blank_files_have_no_chunks() {
        for blank in ["", "\n", " \t\r\n\n"] {
            assert_eq!(chunk_file("src/a.py", blank.as_bytes()), Ok(vec![]));
            assert_eq!(chunk_file("a.md", blank.as_bytes()), Ok(vec![]));
        }
    }

    #[test]
    fn lines_point_at_code_and_not_at_the_blanks_around_it() {
        let body = "    total = total + value * 3  # weights are thirds\n".repeat(4);
        let source = format!("\n\ndef first():\n{body}\n\n\ndef second():\n{body}");
        let chunks = chunk_file("a.py", source.as_bytes()).unwrap();
        let lines: Vec<_> =
            chunks.iter().map(|chunk| (chunk.lines.first, chunk.lines.last)).collect();
        assert_eq!(lines, [(3, 7), (11, 15)]);
        assert_eq!(chunks[0].header, "a.py first");
    }

    #[test]
    fn the_hash_covers_header_and_text() {
        let chunks = |path: &str, text: &str| chunk_file(path, text.as_bytes()).unwrap();
        let here = &chunks("a.txt", "one")[0];
        assert_eq!(here.content_sha256, chunks("a.txt", "one")[0].content_sha256);
        assert_ne!(here.content_sha256, chunks("b.txt", "one")[0].content_sha256);
        assert_ne!(here.content_sha256, chunks("a.txt", "two")[0].content_sha256);
    }
}
