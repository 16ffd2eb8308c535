//! From an outline to pieces: cut, split what is too large, join what is too small.
//!
//! A piece ends where the next one begins, so nothing between them can be lost.

use std::ops::Range;

/// About 600 tokens of code: what embedding models read whole and people at a glance.
pub(crate) const PIECE_BYTES_MAX: usize = 2_400;
/// A smaller piece says too little to be found by itself and joins its neighbour.
const PIECE_BYTES_MIN: usize = 120;

/// Where a text may be cut.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// Where something new begins, ascending, each position once.
    pub(crate) cuts: Vec<Cut>,
    /// Where a piece that is too large may be split, ascending; the least `depth` first.
    pub(crate) breaks: Vec<Break>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) at: usize,
    /// Qualified name of what begins here, or of what is resumed here.
    pub(crate) name: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Break {
    pub(crate) at: usize,
    pub(crate) depth: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) bytes: Range<usize>,
    pub(crate) names: Vec<String>,
}

pub(crate) fn pieces(text: &str, outline: &Outline) -> Vec<Piece> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut small = Vec::new();
    for piece in cut(text, &outline.cuts) {
        split(text, piece, &outline.breaks, &mut small);
    }
    join(text, small)
}

fn cut(text: &str, cuts: &[Cut]) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut start = 0;
    let mut name = None;
    for cut in cuts {
        if cut.at > start {
            pieces.push(Piece { bytes: start..cut.at, names: Vec::from_iter(name) });
        }
        start = cut.at;
        name = cut.name.clone();
    }
    if start < text.len() {
        pieces.push(Piece { bytes: start..text.len(), names: Vec::from_iter(name) });
    }
    pieces
}

fn split(text: &str, piece: Piece, breaks: &[Break], into: &mut Vec<Piece>) {
    let Piece { bytes, names } = piece;
    let mut start = bytes.start;
    while bytes.end - start > PIECE_BYTES_MAX {
        // What is left over must not end up too small.
        let latest = start + PIECE_BYTES_MAX.min(bytes.end - start - PIECE_BYTES_MIN);
        let at = split_point(text, start, latest, breaks);
        into.push(Piece { bytes: start..at, names: names.clone() });
        start = at;
    }
    into.push(Piece { bytes: start..bytes.end, names });
}

/// The shallowest break of the window's last two thirds, else a line's end, else anywhere.
fn split_point(text: &str, start: usize, latest: usize, breaks: &[Break]) -> usize {
    let earliest = start + (latest - start) / 3;
    let from = breaks.partition_point(|candidate| candidate.at <= earliest);
    let to = breaks.partition_point(|candidate| candidate.at <= latest);
    if let Some(best) = breaks[from..to].iter().min_by_key(|it| (it.depth, usize::MAX - it.at)) {
        return best.at;
    }
    let latest = text.floor_char_boundary(latest);
    match text[start..latest].rfind('\n') {
        Some(newline) => start + newline + 1,
        None => latest,
    }
}

fn join(text: &str, small: Vec<Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::with_capacity(small.len());
    for piece in small {
        let fits = |last: &Piece| piece.bytes.end - last.bytes.start <= PIECE_BYTES_MAX;
        match joined.last_mut() {
            // A closing brace belongs to what it closes, whatever its size.
            Some(last)
                if fits(last)
                    && (is_small(text, last)
                        || !text[piece.bytes.clone()].contains(char::is_alphanumeric)) =>
            {
                last.bytes.end = piece.bytes.end;
                last.names.extend(piece.names);
            }
            _ => joined.push(piece),
        }
    }
    // The last piece had no successor to join.
    if let [.., before, last] = &mut joined[..]
        && is_small(text, last)
        && last.bytes.end - before.bytes.start <= PIECE_BYTES_MAX
    {
        before.bytes.end = last.bytes.end;
        let names = std::mem::take(&mut last.names);
        before.names.extend(names);
        joined.pop();
    }
    for piece in &mut joined {
        piece.names = distinct(std::mem::take(&mut piece.names));
    }
    joined
}

fn is_small(text: &str, piece: &Piece) -> bool {
    text[piece.bytes.clone()].trim().len() < PIECE_BYTES_MIN
}

/// Without repetitions, and without a scope that another name already says.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let inner =
            |other: &String| other.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
        if !kept.contains(name) && !names.iter().any(inner) && !names[..index].contains(name) {
            kept.push(name.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: usize, name: &str) -> Cut {
        Cut { at, name: Some(name.to_owned()) }
    }

    fn text_of(length: usize) -> String {
        "word ".repeat(length / 5)
    }

    #[test]
    fn small_pieces_join_until_they_say_enough() {
        let text = text_of(400);
        let cuts = vec![at(0, "a"), at(100, "b"), at(200, "c"), at(300, "d")];
        let pieces = pieces(&text, &Outline { cuts, breaks: vec![] });
        assert_eq!(
            pieces,
            [
                Piece { bytes: 0..200, names: vec!["a".into(), "b".into()] },
                Piece { bytes: 200..400, names: vec!["c".into(), "d".into()] },
            ]
        );
    }

    #[test]
    fn a_scope_is_not_named_beside_its_members() {
        let names = ["A", "A::b", "A::b", "AB", "A::c"].map(str::to_owned).to_vec();
        assert_eq!(distinct(names), ["A::b", "AB", "A::c"]);
    }

    #[test]
    fn a_large_piece_is_split_at_its_shallowest_break() {
        let text = text_of(5_000);
        let deep = (0..50).map(|nth| Break { at: nth * 100, depth: 4 });
        let mut breaks: Vec<_> = deep.collect();
        breaks[15].depth = 2;
        let pieces = pieces(&text, &Outline { cuts: vec![at(0, "f")], breaks });
        let bounds: Vec<_> = pieces.iter().map(|piece| piece.bytes.clone()).collect();
        assert_eq!(bounds, [0..1_500, 1_500..3_900, 3_900..5_000]);
        assert!(pieces.iter().all(|piece| piece.names == ["f"]));
    }

    #[test]
    fn a_line_without_any_break_is_split_between_characters() {
        let text = "é".repeat(4_000);
        let pieces = pieces(&text, &Outline::default());
        assert!(pieces.iter().all(|piece| text.is_char_boundary(piece.bytes.end)));
        assert_eq!(pieces.last().unwrap().bytes.end, text.len());
        assert!(pieces.iter().all(|piece| piece.bytes.len() <= PIECE_BYTES_MAX));
    }
}
