//! What `assay verify` does: each check by name, and for a failed one what differs.

use domain::{CommitSha, Tier};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Envelope, PAYLOAD_TYPE, PublicKey, SignatureRefused, attestation_hash, parse_document,
    statement::{FAILED, PASSED, STATEMENT_TYPE, SUMMARY_TYPE, Statement, SummaryPredicate},
};

/// What the verifier knows beforehand. Without a commit the attestation is shown to be genuine,
/// but not to be about the code at hand.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    pub now: Timestamp,
    pub commit: Option<&'a CommitSha>,
    /// The detail statement's bytes, to be the one that was signed.
    pub detail: Option<&'a [u8]>,
    /// Whether a genuine attestation of a failed verdict is to be refused too.
    pub passed: bool,
}

/// The checks in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Document,
    Key,
    Signature,
    Statement,
    Expiry,
    Commit,
    Detail,
    Verdict,
}

impl Step {
    pub const ALL: [Self; 8] = [
        Self::Document,
        Self::Key,
        Self::Signature,
        Self::Statement,
        Self::Expiry,
        Self::Commit,
        Self::Detail,
        Self::Verdict,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Statement => "statement",
            Self::Expiry => "expiry",
            Self::Commit => "commit",
            Self::Detail => "detail",
            Self::Verdict => "verdict",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    /// Not asked for, or not reached because an earlier check failed. Never to be read as passed.
    NotChecked,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub check: Step,
    pub outcome: Outcome,
    /// What was seen, what differs, or why it was not checked.
    pub message: String,
}

/// What a genuine attestation says. Nothing of it exists before the signature has been verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub repository: String,
    /// The commits that are attested, by their `gitCommit` digest.
    pub commits: Vec<String>,
    pub passed: bool,
    pub levels: Vec<String>,
    pub tier: Option<Tier>,
    pub verifier: String,
    pub engine_version: String,
    pub rules_version: String,
    pub examined_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub key_id: String,
    pub attestation_hash: String,
    /// Hashes of what this attestation stands on: its detail and the attestation before it.
    pub inputs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub valid: bool,
    /// One of each [`Step`], in that order.
    pub checks: Vec<Check>,
    pub attestation: Option<Summary>,
}

/// Checks an envelope or a bundle against a key from the published history.
pub fn verify(document: &[u8], key: &PublicKey, expected: &Expected<'_>) -> Report {
    let mut checks = Checks(Vec::with_capacity(Step::ALL.len()));
    let attestation = checks.authentic(document, key);
    if let Some(summary) = &attestation {
        checks.expiry(summary, expected.now);
        checks.commit(summary, expected.commit);
        checks.detail(summary, expected.detail);
        checks.verdict(summary, expected.passed);
    }
    for step in Step::ALL.into_iter().skip(checks.0.len()) {
        checks.note(step, Outcome::NotChecked, "an earlier check failed");
    }
    let valid = checks.0.iter().all(|check| check.outcome != Outcome::Failed);
    Report { valid, checks: checks.0, attestation }
}

struct Checks(Vec<Check>);

impl Checks {
    fn note(&mut self, check: Step, outcome: Outcome, message: impl Into<String>) {
        self.0.push(Check { check, outcome, message: message.into() });
    }

    fn passed(&mut self, check: Step, message: impl Into<String>) {
        self.note(check, Outcome::Passed, message);
    }

    fn failed(&mut self, check: Step, message: impl Into<String>) {
        self.note(check, Outcome::Failed, message);
    }

    fn skipped(&mut self, check: Step, message: impl Into<String>) {
        self.note(check, Outcome::NotChecked, message);
    }

    /// Document, key, signature, statement: each needs the one before it.
    fn authentic(&mut self, document: &[u8], key: &PublicKey) -> Option<Summary> {
        let envelope = match parse_document(document) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.failed(Step::Document, error.to_string());
                return None;
            }
        };
        self.passed(Step::Document, format!("{} signed bytes", envelope.payload.len()));

        let payload = match envelope.verify(key) {
            Ok(payload) => payload,
            Err(error @ SignatureRefused::OtherKey { .. }) => {
                self.failed(Step::Key, error.to_string());
                return None;
            }
            Err(error @ SignatureRefused::DoesNotMatch) => {
                self.passed(Step::Key, key.key_id().to_string());
                self.failed(Step::Signature, error.to_string());
                return None;
            }
        };
        self.passed(Step::Key, key.key_id().to_string());
        self.passed(Step::Signature, "ECDSA P-256 over SHA-256");

        match read(&envelope, payload, key) {
            Ok(summary) => {
                let repository = &summary.repository;
                self.passed(Step::Statement, format!("a verification summary of {repository}"));
                Some(summary)
            }
            Err(error) => {
                self.failed(Step::Statement, error.to_string());
                None
            }
        }
    }

    fn expiry(&mut self, summary: &Summary, now: Timestamp) {
        match summary.expires_at {
            None => self.failed(Step::Expiry, "it does not say until when it holds"),
            Some(end) if end <= now => self.failed(Step::Expiry, format!("it expired on {end}")),
            Some(end) => self.passed(Step::Expiry, format!("holds until {end}")),
        }
    }

    fn commit(&mut self, summary: &Summary, expected: Option<&CommitSha>) {
        let attested = summary.commits.join(", ");
        let Some(expected) = expected else {
            return self.skipped(Step::Commit, format!("no commit given; it attests {attested}"));
        };
        if summary.commits.iter().any(|commit| commit == expected.as_str()) {
            self.passed(Step::Commit, expected.as_str());
        } else {
            self.failed(Step::Commit, format!("it attests {attested}, not {expected}"));
        }
    }

    fn detail(&mut self, summary: &Summary, detail: Option<&[u8]>) {
        let Some(detail) = detail else {
            return self.skipped(Step::Detail, "no detail statement given");
        };
        let hash = attestation_hash(detail);
        if summary.inputs.contains(&hash) {
            self.passed(Step::Detail, format!("sha256 {hash}"));
        } else {
            let named = summary.inputs.join(", ");
            self.failed(Step::Detail, format!("its sha256 is {hash}; signed were {named}"));
        }
    }

    fn verdict(&mut self, summary: &Summary, required: bool) {
        match (summary.passed, required) {
            (true, _) => self.passed(Step::Verdict, summary.levels.join(", ")),
            (false, true) => self.failed(Step::Verdict, "the commit did not pass"),
            (false, false) => {
                self.skipped(Step::Verdict, "the commit did not pass; a pass was not required");
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum NotASummary {
    #[error("the payload is `{0}`, not {PAYLOAD_TYPE}")]
    PayloadType(String),
    #[error("the payload is not a verification summary: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("its {field} is `{found}`, not `{expected}`")]
    Type { field: &'static str, found: String, expected: &'static str },
    #[error("its result `{result}` and its levels `{levels}` contradict each other")]
    Verdict { result: String, levels: String },
    #[error("it names no commit")]
    NoCommit,
}

/// Reads the very bytes whose signature was verified.
fn read(envelope: &Envelope, payload: &[u8], key: &PublicKey) -> Result<Summary, NotASummary> {
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(NotASummary::PayloadType(envelope.payload_type.clone()));
    }
    // The types first: another statement would only be told that it lacks our fields.
    let kind: Statement<serde::de::IgnoredAny> = serde_json::from_slice(payload)?;
    same("_type", &kind.type_, STATEMENT_TYPE)?;
    same("predicateType", &kind.predicate_type, SUMMARY_TYPE)?;

    let Statement { subject, predicate, .. } =
        serde_json::from_slice::<Statement<SummaryPredicate>>(payload)?;
    let commits: Vec<_> =
        subject.iter().filter_map(|subject| subject.digest.get("gitCommit").cloned()).collect();
    if commits.is_empty() {
        return Err(NotASummary::NoCommit);
    }
    Ok(Summary {
        commits,
        passed: verdict(&predicate)?,
        tier: predicate.extension("tier").and_then(|tier| tier.parse().ok()),
        expires_at: predicate.extension("expiresAt").and_then(|time| time.parse().ok()),
        inputs: predicate.inputs(),
        repository: predicate.resource_uri,
        levels: predicate.verified_levels,
        verifier: predicate.verifier.id,
        engine_version: predicate.verifier.version.engine,
        rules_version: predicate.verifier.version.rules,
        examined_at: predicate.time_verified,
        key_id: key.key_id().to_string(),
        attestation_hash: envelope.attestation_hash(),
    })
}

fn same(field: &'static str, found: &str, expected: &'static str) -> Result<(), NotASummary> {
    if found == expected {
        Ok(())
    } else {
        Err(NotASummary::Type { field, found: found.to_owned(), expected })
    }
}

fn verdict(predicate: &SummaryPredicate) -> Result<bool, NotASummary> {
    let failed_level = predicate.verified_levels.iter().any(|level| level == FAILED);
    match (predicate.verification_result.as_str(), failed_level) {
        (PASSED, false) => Ok(true),
        (FAILED, true) => Ok(false),
        (result, _) => Err(NotASummary::Verdict {
            result: result.to_owned(),
            levels: predicate.verified_levels.join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use domain::Verdict;

    use super::*;
    use crate::{
        Attested, LocalKey, Signature, Signer, bundle,
        example::{COMMIT, commit, signed, signer, with_example},
        sign, statements,
    };

    fn expected(commit: Option<&CommitSha>) -> Expected<'_> {
        let now = "2026-08-23T00:00:00Z".parse().unwrap();
        Expected { now, commit, detail: None, passed: false }
    }

    /// Which steps failed, with their messages.
    fn failures(report: &Report) -> Vec<(Step, &str)> {
        let failed = report.checks.iter().filter(|check| check.outcome == Outcome::Failed);
        failed.map(|check| (check.check, check.message.as_str())).collect()
    }

    fn outcome(report: &Report, step: Step) -> &Outcome {
        &report.checks.iter().find(|check| check.check == step).unwrap().outcome
    }

    #[tokio::test]
    async fn a_genuine_attestation_passes_each_check_in_both_forms() {
        let (envelope, detail) = signed(|_| ()).await;
        let commit = commit();
        let expected = Expected { detail: Some(&detail), passed: true, ..expected(Some(&commit)) };
        for document in [envelope.to_json(), bundle(&envelope)] {
            let report = verify(&document, signer().public_key(), &expected);
            assert!(report.valid, "{:?}", failures(&report));
            let steps: Vec<_> = report.checks.iter().map(|check| check.check).collect();
            assert_eq!(steps, Step::ALL);
            assert!(report.checks.iter().all(|check| check.outcome == Outcome::Passed));

            let summary = report.attestation.unwrap();
            assert_eq!(summary.commits, [COMMIT]);
            assert_eq!(summary.repository, "git+https://github.com/acme/widget");
            assert_eq!(summary.tier, Some(Tier::Bronze));
            assert_eq!(summary.attestation_hash, envelope.attestation_hash());
            assert_eq!(summary.rules_version, "2026.08");
        }
    }

    #[tokio::test]
    async fn what_was_not_asked_for_is_not_shown_as_passed() {
        let (envelope, _) = signed(|attested| attested.verdict = Verdict::Failed).await;
        let report = verify(&envelope.to_json(), signer().public_key(), &expected(None));
        assert!(report.valid);
        assert!(!report.attestation.as_ref().unwrap().passed);
        for step in [Step::Commit, Step::Detail, Step::Verdict] {
            assert_eq!(outcome(&report, step), &Outcome::NotChecked, "{step:?}");
        }
    }

    #[tokio::test]
    async fn each_difference_is_told_by_its_check() {
        let (envelope, _) = signed(|_| ()).await;
        let document = envelope.to_json();
        let signer = signer();
        let other: CommitSha = "0".repeat(40).parse().unwrap();
        let late = "2026-09-21T10:00:00Z".parse().unwrap();
        let cases = [
            (expected(Some(&other)), Step::Commit, COMMIT),
            (Expected { now: late, ..expected(None) }, Step::Expiry, "2026-09-21"),
            (Expected { detail: Some(b"{}"), ..expected(None) }, Step::Detail, "44136fa355b3"),
        ];
        for (expected, step, why) in cases {
            let report = verify(&document, signer.public_key(), &expected);
            assert!(!report.valid);
            let [(failed, message)] = failures(&report)[..] else { panic!("{report:?}") };
            assert!(failed == step && message.contains(why), "{failed:?}: {message}");
            // The attestation is genuine all the same, so what it says may be shown.
            assert!(report.attestation.is_some());
        }

        let (failed, _) = signed(|attested| attested.verdict = Verdict::Failed).await;
        let required = Expected { passed: true, ..expected(None) };
        let report = verify(&failed.to_json(), signer.public_key(), &required);
        assert_eq!(failures(&report), [(Step::Verdict, "the commit did not pass")]);
    }

    #[tokio::test]
    async fn nothing_is_shown_of_what_is_not_genuine() {
        let (envelope, _) = signed(|_| ()).await;
        let mut forged = envelope.clone();
        let text = String::from_utf8(forged.payload).unwrap();
        forged.payload = text.replace("BRONZE", "SILVER").into_bytes();
        assert_ne!(forged.payload, envelope.payload);
        let mut unsigned = envelope.clone();
        unsigned.signatures = vec![Signature { key_id: None, bytes: vec![] }];
        let own_key = Signer::Local(LocalKey::generate());
        let self_signed = sign(&own_key, envelope.payload.clone()).await.unwrap();

        let cases = [
            (b"{".to_vec(), Step::Document),
            (self_signed.to_json(), Step::Key),
            (forged.to_json(), Step::Signature),
            (unsigned.to_json(), Step::Signature),
        ];
        for (document, step) in cases {
            let report = verify(&document, signer().public_key(), &expected(None));
            let failed = failures(&report);
            assert!(!report.valid && report.attestation.is_none(), "{report:?}");
            assert_eq!(failed.len(), 1, "{failed:?}");
            assert_eq!(failed[0].0, step);
            let after = report.checks.iter().skip_while(|check| check.check != step).skip(1);
            assert!(after.clone().count() > 3);
            assert!(after.into_iter().all(|check| check.outcome == Outcome::NotChecked));
        }
    }

    #[tokio::test]
    async fn a_signed_statement_of_another_kind_is_no_summary() {
        let summary = |change: fn(&mut Attested<'_>)| {
            String::from_utf8(with_example(change, statements).summary).unwrap()
        };
        let good = summary(|_| ());
        let cases = [
            ("[]".to_owned(), "not a verification summary"),
            (
                good.replace("Statement/v1", "Statement/v2"),
                "_type is `https://in-toto.io/Statement/v2`",
            ),
            (good.replace("summary/v1", "summary/v0.2"), "predicateType is"),
            (good.replace(r#""PASSED""#, r#""FAILED""#), "contradict"),
            (good.replace(r#""PASSED""#, r#""MAYBE""#), "contradict"),
            (good.replace("gitCommit", "gitTag"), "names no commit"),
            (good.replace("timeVerified", "timeVerifyed"), "missing field"),
            (good.replace(r#""subject""#, r#""_type":"x","subject""#), "duplicate field"),
        ];
        for (payload, why) in cases {
            assert_ne!(payload, good);
            let envelope = sign(&signer(), payload.into_bytes()).await.unwrap();
            let report = verify(&envelope.to_json(), signer().public_key(), &expected(None));
            let [(Step::Statement, message)] = failures(&report)[..] else { panic!("{report:?}") };
            assert!(message.contains(why), "{message}");
        }

        // Signed for another use of the same key.
        let payload = good.into_bytes();
        let bytes = signer().sign(&crate::pae("text/plain", &payload)).await.unwrap();
        let signatures = vec![Signature { key_id: None, bytes }];
        let envelope = Envelope { payload_type: "text/plain".to_owned(), payload, signatures };
        let report = verify(&envelope.to_json(), signer().public_key(), &expected(None));
        assert_eq!(failures(&report)[0].0, Step::Statement);
    }

    #[tokio::test]
    async fn without_an_expiry_it_does_not_hold() {
        let text = String::from_utf8(with_example(|_| (), statements).summary).unwrap();
        let endless = text.replace("#expiresAt", "#expires");
        let envelope = sign(&signer(), endless.into_bytes()).await.unwrap();
        let report = verify(&envelope.to_json(), signer().public_key(), &expected(None));
        assert_eq!(failures(&report)[0].0, Step::Expiry);
    }
}
