//! Words as code writes them, and their weight: BM25 in parts that can be stored.
//!
//! A chunk's part is how often it says each term, saturated and measured against its length; a
//! query's part is how rare each of its terms is. The score is their inner product, which any
//! database with sparse vectors computes.

use std::collections::BTreeMap;

use domain::TERM_DIMENSIONS;

use crate::{Chunk, hash::feature_hash, stem::stem};

/// How often a term in a definition's own name counts beside its mention in the text.
const NAME_WEIGHT: u32 = 3;
/// How often a term in the header counts: it is part of the text, and names the place.
const HEADER_WEIGHT: u32 = 2;
/// BM25: how soon a repeated term stops counting.
const SATURATION: f32 = 1.2;
/// BM25: how much a long chunk is held against it.
const LENGTH_PENALTY: f32 = 0.75;
/// A longer run of letters is data, not a word.
const TOKEN_CHARS_MAX: usize = 64;

/// Words that say how, not what.
const STOP_WORDS: &str = "a all an and any are as at be been being by can did do does each for from \
    had has have how if in into is it its may must no not of on or should so such than that the \
    their then there these they this to was were what when where which who whom why will with";

/// The terms of `text` in order: an identifier's parts, stemmed, and behind `=` all of it.
///
/// `parseHTTPRequest` and `parse_http_request` both give `=parsehttprequest`, `pars`, `http`,
/// `request`.
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
        let parts = parts(word);
        if parts.len() > 1 {
            let joined: String = parts.concat();
            if joined.chars().count() <= TOKEN_CHARS_MAX {
                tokens.push(format!("={joined}"));
            }
        }
        for part in parts {
            let length = part.chars().count();
            if (2..=TOKEN_CHARS_MAX).contains(&length) && !is_stop_word(&part) {
                tokens.push(stem(&part));
            }
        }
    }
    tokens
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.split_ascii_whitespace().any(|stop| stop == word)
}

/// Splits an identifier at `_`, at `aB`, before the last capital of `ABc`, and around digits.
fn parts(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut parts = Vec::new();
    let mut part = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let next_is_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = before.is_some_and(|before| {
            before.is_numeric() != letter.is_numeric()
                || letter.is_uppercase() && (!before.is_uppercase() || next_is_lower)
        });
        if (begins || letter == '_') && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if letter != '_' {
            part.extend(letter.to_lowercase());
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

/// The number of a token.
pub fn dimension(token: &str) -> u32 {
    // The remainder fits.
    (feature_hash(token.bytes()) % u64::from(TERM_DIMENSIONS)) as u32
}

/// What a chunk says, before it is measured against other chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    counts: BTreeMap<u32, u32>,
    /// All counts together.
    pub length: u32,
}

impl Terms {
    pub fn of(chunk: &Chunk) -> Self {
        let mut terms = Self { counts: BTreeMap::new(), length: 0 };
        terms.add(&chunk.text, 1);
        terms.add(&chunk.header, HEADER_WEIGHT);
        for name in &chunk.names {
            terms.add(name.rsplit("::").next().unwrap_or(name), NAME_WEIGHT);
        }
        terms
    }

    fn add(&mut self, text: &str, weight: u32) {
        for token in tokens(text) {
            *self.counts.entry(dimension(&token)).or_default() += weight;
            self.length += weight;
        }
    }

    /// The chunk's part of BM25 where chunks are `average` terms long, ascending by dimension.
    pub fn weights(&self, average: f32) -> Vec<(u32, f32)> {
        let relative = if average > 0.0 { self.length as f32 / average } else { 1.0 };
        let resistance = SATURATION * (1.0 - LENGTH_PENALTY + LENGTH_PENALTY * relative);
        self.counts
            .iter()
            .map(|(dimension, count)| {
                let count = *count as f32;
                (*dimension, count * (SATURATION + 1.0) / (count + resistance))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk_file;

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        let cases = [
            ("parseHTTPRequest", "=parsehttprequest pars http request"),
            ("parse_http_request", "=parsehttprequest pars http request"),
            ("__init__", "init"),
            ("SHA256Hasher", "=sha256hasher sha 256 hasher"),
            ("the token is not x", "token"),
            ("naïve Größe", "naïve größe"),
            ("a.b::run(x, leased_until)", "run =leaseduntil leas until"),
        ];
        for (text, expected) in cases {
            assert_eq!(tokens(text).join(" "), expected, "{text}");
        }
    }

    #[test]
    fn data_is_not_words() {
        assert_eq!(tokens(&"f".repeat(TOKEN_CHARS_MAX + 1)), [""; 0]);
    }

    #[test]
    fn a_term_counts_more_in_a_name_and_less_with_each_repetition() {
        let terms = |text: &str| Terms::of(&chunk_file("a.py", text.as_bytes()).unwrap()[0]);
        let weight = |text: &str, token: &str| {
            let weights = terms(text).weights(20.0);
            weights
                .iter()
                .find(|(it, _)| *it == dimension(token))
                .map(|(_, weight)| *weight)
                .unwrap()
        };
        let body = "    return other\n";
        assert!(
            weight(&format!("def claim():\n{body}"), "claim")
                > weight(&format!("def take():\n    claim\n{body}"), "claim")
        );
        let said = |times: usize| weight(&format!("{}other words", "lease ".repeat(times)), "leas");
        let (once, twice, thrice) = (said(1), said(2), said(3));
        assert!(once < twice && twice < thrice && twice - once > thrice - twice);
    }

    #[test]
    fn a_long_chunk_needs_to_say_a_term_more_often() {
        let short = Terms { counts: BTreeMap::from([(7, 2)]), length: 10 };
        let long = Terms { counts: BTreeMap::from([(7, 2)]), length: 100 };
        assert!(short.weights(50.0) > long.weights(50.0));
        assert_eq!(short.weights(0.0).len(), 1);
    }
}
