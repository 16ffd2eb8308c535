use std::collections::BTreeMap;

use domain::{QueryTerm, SearchQuery};

use crate::{hashed, terms};

/// What a question may be long; the rest is not read.
pub const QUERY_CHARS_MAX: usize = 4_000;

/// A question in the form in which chunks are stored. Without any word it finds nothing.
pub fn search_query(text: &str) -> SearchQuery {
    let end = text.char_indices().nth(QUERY_CHARS_MAX).map_or(text.len(), |(end, _)| end);
    let text = &text[..end];
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for token in terms::tokens(text) {
        *counts.entry(terms::dimension(&token)).or_default() += 1;
    }
    SearchQuery {
        terms: counts
            .into_iter()
            .map(|(dimension, count)| QueryTerm { dimension, count })
            .collect(),
        model: hashed::MODEL,
        vector: hashed::embed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_words_count_and_what_is_too_long_is_cut() {
        let query = search_query("claim a claim");
        assert_eq!(query.terms, [QueryTerm { dimension: terms::dimension("claim"), count: 2 }]);
        let long = format!("{} claim", " ".repeat(QUERY_CHARS_MAX));
        assert_eq!(search_query(&long).terms, []);
    }
}
