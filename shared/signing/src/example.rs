//! One key and one examined commit for the tests of this crate.

use std::collections::BTreeMap;

use domain::{
    AnalysisId, AttestationId, CommitSha, Coverage, Fingerprint, Gate, Language, Severity, Tier,
    Unanalysed, UnanalysedReason, Verdict,
};
use p256::ecdsa::SigningKey;
use uuid::Uuid;

use crate::{Attested, Decision, Envelope, LocalKey, Parent, Signer, Standing, sign, statements};

pub(crate) const COMMIT: &str = "629c483f5e7ffecdd87a26831abc8ff301cfd9eb";
/// Of the raw object of that commit.
const COMMIT_OBJECT: &str = "ef621954a87c9347142d5bdab48e759afc51a64c524e5dfe1fce8f51eafebd26";
pub(crate) const PARENT_HASH: &str =
    "e47125968b3b71049fbc4802d1e40a71ea1359decfabacf70b34588037d4ff0c";

/// The key of the test vector in DSSE's specification; it is published, `d` here in hex.
pub(crate) fn local_key() -> LocalKey {
    let d =
        hex::decode("d73ec437fd6346e3619c5ebfdfff0f6916804955ad32ac9ac492b0ede1f6ffb7").unwrap();
    SigningKey::from_slice(&d).unwrap().into()
}

pub(crate) fn signer() -> Signer {
    Signer::Local(local_key())
}

pub(crate) fn commit() -> CommitSha {
    COMMIT.parse().unwrap()
}

pub(crate) fn coverage() -> Coverage {
    Coverage {
        files: 12,
        analysed: 9,
        lines: 1234,
        functions: 56,
        classes: 7,
        imports: 21,
        calls: 340,
        languages: BTreeMap::from([(Language::ALL[0], 4), (Language::ALL[1], 5)]),
        problems: vec![],
        unanalysed: vec![Unanalysed {
            path: "vendor/big.js".to_owned(),
            reason: UnanalysedReason::TooLarge,
        }],
    }
}

pub(crate) fn decisions() -> Vec<Decision> {
    vec![Decision {
        fingerprint: Fingerprint::of("python.injection.eval", "app.py", "main", "eval(x)", 0),
        rule: "python.injection.eval".to_owned(),
        severity: Severity::Medium,
    }]
}

/// Calls `change` on the example and then `take` with it; everything in it is borrowed.
pub(crate) fn with_example<T>(
    change: impl FnOnce(&mut Attested<'_>),
    take: impl FnOnce(&Attested<'_>) -> T,
) -> T {
    let (commit, coverage, deciding) = (commit(), coverage(), decisions());
    let base = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let incomplete = [serde_json::json!({ "path": "app.py", "rule": null, "reason": "timed_out" })];
    let others = BTreeMap::from([(Severity::Low, 3)]);
    let mut attested = Attested {
        id: AttestationId::new(Uuid::from_u128(1)),
        analysis: AnalysisId::new(Uuid::from_u128(2)),
        base_url: "https://assay.example.com/",
        engine_version: "0.1.0",
        repository_url: "https://github.com/acme/widget.git",
        commit: &commit,
        commit_object_sha256: Some(COMMIT_OBJECT),
        base_commit: Some(&base),
        source_ref: Some("refs/pull/7/head"),
        verdict: Verdict::Passed,
        tier: Tier::Bronze,
        examined_at: "2026-08-22T10:00:00Z".parse().unwrap(),
        expires_at: "2026-09-21T10:00:00Z".parse().unwrap(),
        rules_version: "2026.08",
        gate: &Gate::default(),
        repository_policy_sha256: None,
        coverage: &coverage,
        incomplete: &incomplete,
        deciding: &deciding,
        others: &others,
        standing: Standing {
            coverage: 0.9,
            critical: 0,
            high: 1,
            formal_ratio: 0.0,
            clean_runs: 1,
        },
        parent: Some(Parent {
            id: AttestationId::new(Uuid::from_u128(3)),
            attestation_hash: PARENT_HASH,
        }),
    };
    change(&mut attested);
    take(&attested)
}

/// The example, signed, and its detail statement.
pub(crate) async fn signed(change: impl FnOnce(&mut Attested<'_>)) -> (Envelope, Vec<u8>) {
    let statements = with_example(change, statements);
    (sign(&signer(), statements.summary).await.unwrap(), statements.detail)
}
