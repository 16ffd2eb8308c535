//! Does a question find its function? A small corpus with fixed questions, so that a tokenizer,
//! a weight or a hash that breaks is noticed here and not by people who search in vain.

#![expect(clippy::unwrap_used, reason = "test support: panicking is the report")]

use std::{collections::BTreeMap, path::Path};

use chunking::{Chunk, chunk_file, hashed, search_query, terms::Terms};
use domain::{LEG_CANDIDATES, fuse};

/// Questions as people ask them, and the definition that answers each.
const QUESTIONS: [(&str, &str); 30] = [
    ("take over a run whose lease has expired", "claim"),
    ("cancel older runs of the same pull request", "supersede"),
    ("was this commit analysed in the last hours", "find_recent_for_commit"),
    ("lock the run row to check that the lease still holds", "fence"),
    ("give the lease back after a temporary error", "release"),
    ("mark run as failed with an error code", "fail"),
    ("forget outbox messages confirmed by the queue", "delete"),
    ("open a transaction for a tenant", "Session::begin"),
    ("row level security settings per transaction", "Unscoped::scope"),
    ("TLS configuration with root certificates", "tls"),
    ("connection pool size and timeouts", "Database::with_connections"),
    ("create a random api key", "ApiKey::generate"),
    ("validate the checksum of an API key", "ApiKey::parse"),
    ("encode number as base 62 digit", "base62"),
    ("does a line range intersect", "LineRanges::overlaps"),
    ("merge adjacent ranges", "LineRanges::new"),
    ("all zeros commit", "CommitSha::is_null"),
    ("share of files that were analysed", "Coverage::ratio"),
    ("decide whether the pull request passes", "judge"),
    ("hash that identifies a finding across line shifts", "Fingerprint::of"),
    ("which certificate level did the score reach", "Tier::earned"),
    ("how many days is a tier valid", "Tier::valid_days"),
    ("should the SQS message be redelivered", "should_retry"),
    ("send a message with traceparent attribute", "Sender::send"),
    ("unpack a tar.gz archive and distrust it", "decode_snapshot"),
    ("write snapshot to reproducible archive", "encode_snapshot"),
    ("refuse an object whose sha256 was altered", "Objects::get_checked"),
    ("verify signatures of a DSSE envelope with a public key", "Envelope::verify"),
    ("pre-authentication encoding", "pae"),
    ("is a status final", "RunStatus::is_terminal"),
];

/// The corpus gives 0.74; the control below, to which names and identifiers mean nothing, 0.60.
const MRR_MIN: f32 = 0.70;

struct Corpus {
    chunks: Vec<Chunk>,
    weights: Vec<BTreeMap<u32, f32>>,
    vectors: Vec<Vec<f32>>,
    containing: BTreeMap<u32, u64>,
}

fn fixture() -> Vec<Chunk> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/relevance");
    let mut chunks = Vec::new();
    for room in ["domain", "objects", "queue", "signing", "store"] {
        let mut files: Vec<_> =
            folder.join(room).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let path = file.strip_prefix(&folder).unwrap().to_str().unwrap();
            chunks.extend(chunk_file(path, &std::fs::read(&file).unwrap()).unwrap());
        }
    }
    chunks
}

impl Corpus {
    fn of(chunks: Vec<Chunk>) -> Self {
        let terms: Vec<_> = chunks.iter().map(Terms::of).collect();
        let average = terms.iter().map(|it| it.length as f32).sum::<f32>() / terms.len() as f32;
        let weights: Vec<BTreeMap<u32, f32>> =
            terms.iter().map(|terms| terms.weights(average).into_iter().collect()).collect();
        let mut containing = BTreeMap::new();
        for dimension in weights.iter().flat_map(BTreeMap::keys) {
            *containing.entry(*dimension).or_default() += 1;
        }
        let vectors = chunks.iter().map(|chunk| hashed::embed(&chunk.input())).collect();
        Self { chunks, weights, vectors, containing }
    }

    /// Chunks by rank, as the database would answer.
    fn search(&self, question: &str) -> Vec<&Chunk> {
        let query = search_query(question);
        let rare = query.weights(self.chunks.len() as u64, &self.containing);
        let lexical = leg(self.weights.iter().map(|weights| {
            rare.iter().filter_map(|(at, weight)| Some(weight * weights.get(at)?)).sum()
        }));
        let semantic = leg(self
            .vectors
            .iter()
            .map(|vector| vector.iter().zip(&query.vector).map(|(own, asked)| own * asked).sum()));
        fuse(&lexical, &semantic).iter().map(|ranked| &self.chunks[ranked.key]).collect()
    }

    fn mean_reciprocal_rank(&self) -> f32 {
        let ranks = QUESTIONS.map(|(question, answer)| {
            let found = self.search(question);
            match found.iter().position(|chunk| chunk.names.iter().any(|name| name == answer)) {
                Some(before) if before < 10 => 1.0 / (before as f32 + 1.0),
                _ => 0.0,
            }
        });
        ranks.iter().sum::<f32>() / ranks.len() as f32
    }
}

fn leg(scores: impl Iterator<Item = f32>) -> Vec<(usize, f32)> {
    let mut leg: Vec<_> = scores.enumerate().filter(|(_, score)| *score > 0.0).collect();
    leg.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    leg.truncate(LEG_CANDIDATES);
    leg
}

#[test]
fn questions_find_their_functions() {
    let chunks = fixture();
    for (_, answer) in QUESTIONS {
        assert!(
            chunks.iter().any(|chunk| chunk.names.iter().any(|name| name == answer)),
            "{answer}"
        );
    }
    let mrr = Corpus::of(chunks).mean_reciprocal_rank();
    assert!(mrr >= MRR_MIN, "mean reciprocal rank {mrr}");
}

/// The control: with names and identifiers out of reach, the same questions miss.
#[test]
fn without_identifiers_the_questions_miss() {
    let mut chunks = fixture();
    for chunk in &mut chunks {
        chunk.text = chunk.text.replace('_', "").to_lowercase();
        chunk.header.clear();
        // The answer is still recognised by its name, which is no longer a word.
        chunk.names = vec![];
    }
    let named = fixture();
    let mut corpus = Corpus::of(chunks);
    corpus.chunks = named;
    let mrr = corpus.mean_reciprocal_rank();
    assert!(mrr < MRR_MIN, "mean reciprocal rank {mrr}");
}
