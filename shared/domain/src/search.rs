//! How a search weighs what it finds.
//!
//! Two legs look for a question: exact terms (BM25) and likeness of vectors. Each brings its
//! best candidates; their scores are made comparable and added. Both stay visible beside the
//! sum, so that a result can be explained.

use std::collections::BTreeMap;

/// Terms are numbered by hash; a million numbers keep the vocabulary of a large repository apart.
pub const TERM_DIMENSIONS: u32 = 1 << 20;
/// How many candidates each leg brings.
pub const LEG_CANDIDATES: usize = 100;
/// The legs' shares of the score, measured on questions about code (research/embed).
const LEXICAL_SHARE: f32 = 0.7;
const SEMANTIC_SHARE: f32 = 0.3;
/// What being a candidate at all is worth, so that a leg's last one stands before none.
const CANDIDATE_BONUS: f32 = 1e-6;

/// A question, in the form in which chunks are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// Each dimension once.
    pub terms: Vec<QueryTerm>,
    /// The embedding model that made `vector`.
    pub model: &'static str,
    pub vector: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryTerm {
    pub dimension: u32,
    /// How often the question says it.
    pub count: u32,
}

impl SearchQuery {
    /// The question's part of BM25: how rare each term is among `chunks` chunks, of which
    /// `containing` says how many contain a dimension. Terms that no chunk contains are left out.
    pub fn weights(&self, chunks: u64, containing: &BTreeMap<u32, u64>) -> Vec<(u32, f32)> {
        self.terms
            .iter()
            .filter_map(|term| {
                let found = containing.get(&term.dimension).copied().filter(|found| *found > 0)?;
                let (chunks, found) = (chunks.max(found) as f32, found as f32);
                let rarity = (1.0 + (chunks - found + 0.5) / (found + 0.5)).ln();
                Some((term.dimension, rarity * term.count as f32))
            })
            .collect()
    }
}

/// A candidate with its score and what each leg made of it; `None` where it was no candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked<K> {
    pub key: K,
    /// Between 0 and 1, comparable within one search only.
    pub score: f32,
    pub lexical: Option<f32>,
    pub semantic: Option<f32>,
}

/// Joins both legs, best first; equal scores stand in the order of their keys.
///
/// A leg is scaled from its worst candidate to its best. One that brought fewer than
/// [`LEG_CANDIDATES`] ran out of matches: everything else scores zero, so it is scaled from zero.
pub fn fuse<K: Copy + Ord>(lexical: &[(K, f32)], semantic: &[(K, f32)]) -> Vec<Ranked<K>> {
    let mut ranked: BTreeMap<K, Ranked<K>> = BTreeMap::new();
    for (key, score, scaled) in scaled(lexical) {
        let entry = ranked.entry(key).or_insert_with(|| Ranked::unseen(key));
        entry.lexical = Some(score);
        entry.score += LEXICAL_SHARE * scaled;
    }
    for (key, score, scaled) in scaled(semantic) {
        let entry = ranked.entry(key).or_insert_with(|| Ranked::unseen(key));
        entry.semantic = Some(score);
        entry.score += SEMANTIC_SHARE * scaled;
    }
    let mut ranked: Vec<_> = ranked.into_values().collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

impl<K> Ranked<K> {
    fn unseen(key: K) -> Self {
        Self { key, score: 0.0, lexical: None, semantic: None }
    }
}

fn scaled<K: Copy>(leg: &[(K, f32)]) -> impl Iterator<Item = (K, f32, f32)> {
    let scores = || leg.iter().map(|(_, score)| *score);
    let highest = scores().fold(f32::MIN, f32::max);
    let lowest = if leg.len() < LEG_CANDIDATES { 0.0 } else { scores().fold(f32::MAX, f32::min) };
    let span = (highest - lowest).max(f32::MIN_POSITIVE);
    leg.iter().map(move |(key, score)| {
        (*key, *score, ((score - lowest) / span).clamp(0.0, 1.0) + CANDIDATE_BONUS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_legs_decide_and_stay_visible() {
        let ranked = fuse(&[(1, 8.0), (2, 4.0)], &[(2, 0.9), (3, 0.3)]);
        let order: Vec<_> = ranked.iter().map(|it| (it.key, it.lexical, it.semantic)).collect();
        assert_eq!(order, [(1, Some(8.0), None), (2, Some(4.0), Some(0.9)), (3, None, Some(0.3)),]);
        assert!((ranked[0].score - 0.7).abs() < 1e-4 && (ranked[1].score - 0.65).abs() < 1e-4);
    }

    #[test]
    fn the_only_match_of_a_leg_counts_in_full() {
        let ranked = fuse(&[(9, 2.5)], &[(1, 0.4), (9, 0.1)]);
        assert_eq!(ranked[0].key, 9);
    }

    #[test]
    fn a_full_leg_is_scaled_from_its_worst_candidate() {
        let full: Vec<_> = (0..LEG_CANDIDATES).map(|key| (key, 1_000.0 - key as f32)).collect();
        let ranked = fuse(&full, &[]);
        assert!((ranked[0].score - 0.7).abs() < 1e-4);
        assert!(ranked.last().unwrap().score < 1e-5);
    }

    #[test]
    fn equal_scores_stand_in_the_order_of_their_keys() {
        let keys: Vec<_> =
            fuse(&[(5, 1.0), (2, 1.0), (9, 1.0)], &[]).iter().map(|it| it.key).collect();
        assert_eq!(keys, [2, 5, 9]);
        assert!(fuse::<u8>(&[], &[]).is_empty());
    }

    #[test]
    fn rare_terms_weigh_more_and_unknown_ones_nothing() {
        let term = |dimension, count| QueryTerm { dimension, count };
        let query = SearchQuery {
            terms: vec![term(1, 1), term(2, 1), term(3, 1), term(4, 2)],
            model: "test",
            vector: vec![],
        };
        let weights = query.weights(100, &BTreeMap::from([(1, 50), (2, 1), (4, 50)]));
        let dimensions: Vec<_> = weights.iter().map(|(dimension, _)| *dimension).collect();
        assert_eq!(dimensions, [1, 2, 4]);
        assert!(weights[1].1 > weights[0].1 && weights[2].1 == 2.0 * weights[0].1);
    }
}
