//! Words without one of which a regular expression matches no line, so that most lines of most
//! files need not be tried.

use aho_corasick::AhoCorasick;
use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

/// Shorter words are on every other line.
const WORD_BYTES_MIN: usize = 3;

/// More words than this are no shortcut.
const WORDS_MAX: usize = 64;

/// A word that is repeated is spelled out this often.
const REPEATS_MAX: u32 = 8;

/// Characters beyond ASCII that are equal to an ASCII letter where case does not matter. Words are
/// compared by ASCII letters alone, so a text that holds one of them is tried line by line.
const ODD_LETTERS: [char; 2] = ['\u{212a}', '\u{17f}'];

pub(super) struct Needed(AhoCorasick);

impl Needed {
    /// `None`: there are no such words.
    pub(super) fn of(pattern: &str, case_sensitive: bool) -> Option<Self> {
        let mut parser = ParserBuilder::new().case_insensitive(!case_sensitive).build();
        let words = words(&parser.parse(pattern).ok()?)?;
        AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok().map(Self)
    }

    /// Whether the words can be relied on in this text.
    pub(super) fn suits(text: &str) -> bool {
        !ODD_LETTERS.iter().any(|letter| text.contains(*letter))
    }

    /// Where the words begin.
    pub(super) fn places(&self, text: &str) -> impl Iterator<Item = usize> {
        self.0.find_iter(text).map(|found| found.start())
    }
}

/// A set of words of which every match holds one.
fn words(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    if let Some(word) = spelled(hir) {
        return long(vec![word]);
    }
    match hir.kind() {
        HirKind::Capture(capture) => words(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => words(&repetition.sub),
        HirKind::Alternation(branches) => {
            let each: Option<Vec<_>> = branches.iter().map(words).collect();
            long(each?.concat())
        }
        HirKind::Concat(parts) => in_sequence(parts),
        HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_) => None,
    }
}

/// Of parts that follow each other those words that say most: the ones whose shortest is longest.
fn in_sequence(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut sets = Vec::new();
    let mut run = Vec::new();
    for part in parts {
        match spelled(part) {
            Some(word) => run.extend(word),
            None => {
                sets.extend(long(vec![std::mem::take(&mut run)]));
                sets.extend(words(part));
            }
        }
    }
    sets.extend(long(vec![run]));
    let shortest = |set: &Vec<Vec<u8>>| set.iter().map(Vec::len).min();
    sets.into_iter().max_by_key(|set| (shortest(set), WORDS_MAX - set.len()))
}

fn long(words: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let fits = |word: &Vec<u8>| word.len() >= WORD_BYTES_MIN && !word.contains(&b'\n');
    (words.len() <= WORDS_MAX && words.iter().all(fits)).then_some(words)
}

/// The one text that this matches, up to the case of its letters.
fn spelled(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(Vec::new()),
        HirKind::Literal(literal) => Some(literal.0.to_vec()),
        HirKind::Class(class) => letter(class).map(|letter| vec![letter]),
        HirKind::Capture(capture) => spelled(&capture.sub),
        HirKind::Concat(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(spelled).collect();
            parts.map(|parts| parts.concat())
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.min;
            let exactly = repetition.max == Some(times) && times <= REPEATS_MAX;
            let word = exactly.then(|| spelled(&repetition.sub)).flatten()?;
            Some(word.repeat(times as usize))
        }
        HirKind::Alternation(_) => None,
    }
}

/// The ASCII letter that a class stands for in both its cases.
fn letter(class: &Class) -> Option<u8> {
    let folded = |character: char| match character {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        other => other.to_ascii_lowercase(),
    };
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
    };
    let first = folded(ranges.first()?.0);
    let same = |range: &(char, char)| range.0 == range.1 && folded(range.0) == first;
    (first.is_ascii_lowercase() && ranges.iter().all(same)).then_some(first as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(pattern: &str, case_sensitive: bool) -> Option<Vec<String>> {
        let mut parser = ParserBuilder::new().case_insensitive(!case_sensitive).build();
        let words = words(&parser.parse(pattern).unwrap())?;
        Some(words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect())
    }

    #[test]
    fn every_match_holds_one_of_the_words() {
        let cases: [(&str, bool, Option<&[&str]>); 14] = [
            (r"time\.sleep\(", true, Some(&["time.sleep("])),
            (r"(#|//)\s*(TODO|FIXME)\b", true, Some(&["TODO", "FIXME"])),
            (r"(?i)password\s*=", true, Some(&["password"])),
            (r"kiss", false, Some(&["kiss"])),
            (r"^\s*key\s*=\s*secret$", true, Some(&["secret"])),
            (r"(?:abc){2}x?", true, Some(&["abcabc"])),
            (r"(?:abc)+", true, Some(&["abc"])),
            (r"\bfoo(bar)baz\b", true, Some(&["foobarbaz"])),
            (r"(abc|d)x*", true, None),
            (r"(?:abc)?\d+", true, None),
            (r"[a-z]+", true, None),
            (r"ab", true, None),
            (r"äöü", false, None),
            (r"äöü", true, Some(&["äöü"])),
        ];
        for (pattern, case_sensitive, expected) in cases {
            let found = needed(pattern, case_sensitive);
            let found: Option<Vec<&str>> =
                found.as_ref().map(|words| words.iter().map(String::as_str).collect());
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
    }
}
