//! What is signed about one analysis: an in-toto statement with a SLSA verification summary.
//!
//! The summary is small and public in shape; the details (coverage, findings, thresholds) are a
//! second statement which the summary names by its sha256, beside the attestation before it.
//! Both are written from structs with a fixed order of fields, so the same analysis always gives
//! the same bytes.

mod detail;
mod wire;

use domain::{
    AnalysisId, AttestationId, CommitSha, Coverage, Fingerprint, Gate, Severity, Tier, Verdict,
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::attestation_hash;
pub use detail::{DECIDING_LISTED_MAX, FILES_LISTED_MAX};
pub(crate) use wire::{
    FAILED, PASSED, Resource, STATEMENT_TYPE, SUMMARY_TYPE, Statement, SummaryPredicate,
};
use wire::{Subject, SubjectAnnotations, Verifier, VerifierVersion};

/// Everything that is attested about one analysis.
#[derive(Debug, Clone)]
pub struct Attested<'a> {
    pub id: AttestationId,
    pub analysis: AnalysisId,
    /// Where this installation publishes, such as `https://assay.example.com`.
    pub base_url: &'a str,
    pub engine_version: &'a str,
    /// Where the repository is cloned from; its web page is derived from it.
    pub repository_url: &'a str,
    pub commit: &'a CommitSha,
    /// Hex sha256 of `git cat-file commit <sha>`: it hardens SHA-1, and lets verifiers that only
    /// know files check the commit.
    pub commit_object_sha256: Option<&'a str>,
    /// What the findings were compared with.
    pub base_commit: Option<&'a CommitSha>,
    /// Such as `refs/pull/7/head`.
    pub source_ref: Option<&'a str>,
    pub verdict: Verdict,
    pub tier: Tier,
    pub examined_at: Timestamp,
    pub expires_at: Timestamp,
    pub rules_version: &'a str,
    pub gate: &'a Gate,
    /// Hex sha256 of the repository's own policy, if one was followed.
    pub repository_policy_sha256: Option<&'a str>,
    pub coverage: &'a Coverage,
    /// Files and rules that were not finished, as the analysis lists them.
    pub incomplete: &'a [serde_json::Value],
    /// The findings that counted for the verdict.
    pub deciding: &'a [Decision],
    /// How many findings were shown and did not count.
    pub others: &'a BTreeMap<Severity, u32>,
    /// What the tier was judged by.
    pub standing: Standing,
    /// The attestation before this one in the same repository.
    pub parent: Option<Parent<'a>>,
}

/// A finding that counted, without what would show the code.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    pub fingerprint: Fingerprint,
    pub rule: String,
    pub severity: Severity,
}

/// The measures of a tier, so that a reader can judge it again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub coverage: f64,
    /// Findings in the whole commit, in the change or not, that nobody dismissed.
    pub critical: u32,
    pub high: u32,
    /// Share of the findings that were decided by proof.
    pub formal_ratio: f64,
    /// Passed analyses in a row, this one included.
    pub clean_runs: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Parent<'a> {
    pub id: AttestationId,
    pub attestation_hash: &'a str,
}

/// Two statements as bytes: `summary` is signed, and `detail` is bound to it by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statements {
    pub summary: Vec<u8>,
    pub detail: Vec<u8>,
}

/// Writes both statements.
pub fn statements(attested: &Attested<'_>) -> Statements {
    let urls = Urls(attested.base_url.trim_end_matches('/'));
    let policy = policy(attested, urls);
    let detail = to_json(&detail::statement(attested, urls, subject(attested)));
    let summary = Statement {
        type_: STATEMENT_TYPE.to_owned(),
        subject: vec![subject(attested)],
        predicate_type: SUMMARY_TYPE.to_owned(),
        predicate: SummaryPredicate {
            verifier: Verifier {
                id: urls.verifier(),
                version: VerifierVersion {
                    engine: attested.engine_version.to_owned(),
                    rules: attested.rules_version.to_owned(),
                },
            },
            time_verified: attested.examined_at,
            resource_uri: resource_uri(attested.repository_url),
            policy,
            input_attestations: inputs(attested, urls, &detail),
            verification_result: result_word(attested.verdict).to_owned(),
            verified_levels: levels(attested.verdict, attested.tier),
            slsa_version: "1.2".to_owned(),
            extensions: extensions(attested, urls),
        },
    };
    Statements { summary: to_json(&summary), detail }
}

/// The repository as SLSA names it: `git+https://github.com/acme/widget`, without credentials,
/// because whoever verifies types it.
fn resource_uri(repository_url: &str) -> String {
    format!("git+{}", web_page(repository_url))
}

fn web_page(repository_url: &str) -> String {
    let url = repository_url.trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}/{path}")
}

fn subject(attested: &Attested<'_>) -> Subject {
    let commit = attested.commit.as_str();
    let mut digest = BTreeMap::from([("gitCommit".to_owned(), commit.to_owned())]);
    if let Some(sha256) = attested.commit_object_sha256 {
        digest.insert("sha256".to_owned(), sha256.to_owned());
    }
    Subject {
        name: format!("{}@{commit}", resource_uri(attested.repository_url)),
        uri: Some(format!("{}/commit/{commit}", web_page(attested.repository_url))),
        digest,
        annotations: attested
            .source_ref
            .map(|name| SubjectAnnotations { source_refs: vec![name.to_owned()] }),
    }
}

/// The thresholds and the rules that decided, named by their content.
fn policy(attested: &Attested<'_>, urls: Urls<'_>) -> Resource {
    let sha256 = attestation_hash(&to_json(&detail::PolicyText::of(attested)));
    Resource::at(urls.policy(&sha256), sha256)
}

/// If the list is not empty it must be complete, so it always has the detail.
fn inputs(attested: &Attested<'_>, urls: Urls<'_>, detail: &[u8]) -> Vec<Resource> {
    let mut inputs = vec![Resource::at(urls.detail(attested.id), attestation_hash(detail))];
    if let Some(parent) = attested.parent {
        let hash = parent.attestation_hash.to_owned();
        inputs.push(Resource::at(urls.attestation(parent.id), hash));
    }
    inputs
}

/// What may be relied on. Our own names: verifiers parse every `SLSA_…` as a track and a number,
/// and one that they cannot parse fails the whole summary.
fn levels(verdict: Verdict, tier: Tier) -> Vec<String> {
    let mut levels = vec![verdict_level(verdict).to_owned()];
    match verdict {
        // The specification's word, alone.
        Verdict::Failed => levels = vec![FAILED.to_owned()],
        Verdict::Passed if tier == Tier::None => {}
        Verdict::Passed => levels.push(tier_level(tier)),
    }
    levels
}

fn verdict_level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "ASSAY_VERDICT_PASSED",
        Verdict::Failed => "ASSAY_VERDICT_FAILED",
    }
}

fn tier_level(tier: Tier) -> String {
    format!("ASSAY_TIER_{}", tier.as_str().to_ascii_uppercase())
}

fn result_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => PASSED,
        Verdict::Failed => FAILED,
    }
}

/// Fields that SLSA does not have are named by URIs; ours are fragments of the verifier's own id.
fn extensions(attested: &Attested<'_>, urls: Urls<'_>) -> BTreeMap<String, serde_json::Value> {
    let verifier = urls.verifier();
    let name = |term| format!("{verifier}#{term}");
    BTreeMap::from([
        (name("attestation"), urls.attestation(attested.id).into()),
        (name("expiresAt"), attested.expires_at.to_string().into()),
        (name("tier"), attested.tier.as_str().into()),
    ])
}

fn to_json(statement: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(statement).expect("structs with string keys always serialise")
}

/// Where this installation publishes what a statement names.
#[derive(Clone, Copy)]
struct Urls<'a>(&'a str);

impl Urls<'_> {
    fn verifier(self) -> String {
        format!("{}/verifier/v1", self.0)
    }

    fn policy(self, sha256: &str) -> String {
        format!("{}/policies/{sha256}", self.0)
    }

    fn analysis(self, id: AnalysisId) -> String {
        format!("{}/v1/analyses/{id}", self.0)
    }

    fn attestation(self, id: AttestationId) -> String {
        format!("{}/v1/attestations/{id}", self.0)
    }

    fn detail(self, id: AttestationId) -> String {
        format!("{}/v1/attestations/{id}/detail", self.0)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Unanalysed, UnanalysedReason};
    use serde_json::{Value, json};

    use super::*;
    use crate::example::{COMMIT, PARENT_HASH, with_example};

    fn parsed(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    /// The hash on top holds the exact bytes, which the readable form does not.
    fn shown(bytes: &[u8]) -> String {
        let json = serde_json::to_string_pretty(&parsed(bytes)).unwrap();
        format!("sha256 {}\n{json}", attestation_hash(bytes))
    }

    #[test]
    fn the_summary_reads_as_slsa_wants_it() {
        insta::assert_snapshot!(shown(&with_example(|_| (), statements).summary));
    }

    #[test]
    fn the_detail_reads_as_scai_wants_it() {
        insta::assert_snapshot!(shown(&with_example(|_| (), statements).detail));
    }

    #[test]
    fn a_failed_commit_claims_no_level_but_failed() {
        let make = |attested: &mut Attested<'_>| attested.verdict = Verdict::Failed;
        let json = parsed(&with_example(make, statements).summary);
        assert_eq!(json["predicate"]["verificationResult"], "FAILED");
        assert_eq!(json["predicate"]["verifiedLevels"], json!(["FAILED"]));
    }

    #[test]
    fn no_level_borrows_the_names_of_slsa() {
        for tier in Tier::ALL {
            let json = parsed(&with_example(|attested| attested.tier = *tier, statements).summary);
            let levels = json["predicate"]["verifiedLevels"].as_array().unwrap().clone();
            assert_eq!(levels[0], "ASSAY_VERDICT_PASSED");
            assert_eq!(levels.len(), if *tier == Tier::None { 1 } else { 2 }, "{tier}");
            assert!(levels.iter().all(|level| level.as_str().unwrap().starts_with("ASSAY_")));
        }
    }

    #[test]
    fn the_first_attestation_has_no_parent_and_still_its_detail() {
        let made = with_example(|attested| attested.parent = None, statements);
        let json = parsed(&made.summary);
        let inputs = json["predicate"]["inputAttestations"].as_array().unwrap();
        assert_eq!(inputs.len(), 1);
        assert_eq!(inputs[0]["digest"]["sha256"], attestation_hash(&made.detail));

        let json = parsed(&with_example(|_| (), statements).summary);
        assert_eq!(json["predicate"]["inputAttestations"][1]["digest"]["sha256"], PARENT_HASH);
    }

    #[test]
    fn without_the_commit_object_there_is_only_the_git_digest() {
        let make = |attested: &mut Attested<'_>| attested.commit_object_sha256 = None;
        let json = parsed(&with_example(make, statements).summary);
        assert_eq!(json["subject"][0]["digest"], json!({ "gitCommit": COMMIT }));
    }

    #[test]
    fn the_policy_is_named_by_what_decided() {
        let digest = |gate: &Gate| {
            let made =
                with_example(|_| (), |attested| statements(&Attested { gate, ..attested.clone() }));
            let [summary, detail] = [&made.summary, &made.detail].map(|bytes| parsed(bytes));
            let decided = &detail["predicate"]["attributes"][3]["conditions"];
            assert_eq!(decided["highMax"], gate.high_max);
            summary["predicate"]["policy"]["digest"]["sha256"].clone()
        };
        let strict = Gate::default();
        assert_eq!(digest(&strict), digest(&strict));
        assert_ne!(digest(&strict), digest(&Gate { high_max: 1, ..strict }));
    }

    #[test]
    fn the_policy_of_the_repository_is_part_of_what_decided() {
        let decided = |sha256: Option<&'static str>| {
            let make = |attested: &mut Attested<'_>| attested.repository_policy_sha256 = sha256;
            let made = with_example(make, statements);
            let [summary, detail] = [&made.summary, &made.detail].map(|bytes| parsed(bytes));
            let conditions = &detail["predicate"]["attributes"][3]["conditions"];
            assert_eq!(conditions["repositoryPolicySha256"].as_str(), sha256);
            summary["predicate"]["policy"]["digest"]["sha256"].clone()
        };
        assert_ne!(decided(None), decided(Some("ab")));
        assert_ne!(decided(Some("ab")), decided(Some("cd")));
    }

    #[test]
    fn a_repository_is_named_without_credentials_and_endings() {
        let cases = [
            ("https://github.com/acme/widget.git", "git+https://github.com/acme/widget"),
            ("https://github.com/acme/widget/", "git+https://github.com/acme/widget"),
            ("https://user:ghs_secret@git.example.com/a/b", "git+https://git.example.com/a/b"),
            ("http://127.0.0.1:4000/acme/a@b", "git+http://127.0.0.1:4000/acme/a@b"),
            ("file:///srv/git/widget.git", "git+file:///srv/git/widget"),
        ];
        for (url, name) in cases {
            assert_eq!(resource_uri(url), name);
        }
    }

    #[test]
    fn a_large_detail_stays_bounded_and_says_how_much_it_left_out() {
        let finding = |number: u32| Decision {
            fingerprint: Fingerprint::of("rule", "path", "", "", number),
            rule: "python.injection.subprocess-shell".to_owned(),
            severity: Severity::High,
        };
        let deciding: Vec<_> = (0..20_000).map(finding).collect();
        let file = |number: u32| Unanalysed {
            path: format!("{number}/{}", "x".repeat(200)),
            reason: UnanalysedReason::Binary,
        };
        let coverage =
            Coverage { unanalysed: (0..50_000).map(file).collect(), ..Coverage::default() };
        let detail = with_example(
            |_| (),
            |attested| {
                statements(&Attested {
                    deciding: &deciding,
                    coverage: &coverage,
                    ..attested.clone()
                })
            },
        )
        .detail;

        assert!(detail.len() < 4 * 1024 * 1024, "{}", detail.len());
        let json = parsed(&detail);
        let facts =
            |index: usize| &json["predicate"]["attributes"][index]["evidence"]["annotations"];
        assert_eq!(facts(1)["unanalysedByReason"], json!({ "binary": 50_000 }));
        assert_eq!(facts(1)["unanalysed"].as_array().unwrap().len(), FILES_LISTED_MAX);
        assert_eq!(facts(3)["count"], 20_000);
        assert_eq!(facts(3)["findings"].as_array().unwrap().len(), DECIDING_LISTED_MAX);
    }

    #[test]
    fn long_paths_cannot_make_a_detail_too_large_to_store() {
        let file = |number: u32| Unanalysed {
            // A path's longest, in characters that JSON writes as six.
            path: format!("{number}{}", "\u{1}".repeat(4000)),
            reason: UnanalysedReason::TooLarge,
        };
        let coverage =
            Coverage { unanalysed: (0..1_000).map(file).collect(), ..Coverage::default() };
        let detail = with_example(
            |_| (),
            |attested| statements(&Attested { coverage: &coverage, ..attested.clone() }),
        )
        .detail;
        assert!(detail.len() < 2 * 1024 * 1024, "{}", detail.len());
        let facts = &parsed(&detail)["predicate"]["attributes"][1]["evidence"]["annotations"];
        assert_eq!(facts["unanalysedByReason"]["file_too_large"], 1_000);
        assert!((10..100).contains(&facts["unanalysed"].as_array().unwrap().len()));
    }

    #[test]
    fn the_digest_of_the_deciding_findings_is_over_their_sorted_names() {
        let detail = with_example(|_| (), statements).detail;
        let evidence = &parsed(&detail)["predicate"]["attributes"][3]["evidence"];
        let fingerprint = crate::example::decisions()[0].fingerprint.as_str().to_owned();
        assert_eq!(
            evidence["digest"]["sha256"],
            attestation_hash(format!("{fingerprint}\n").as_bytes())
        );
    }
}
