//! The program as people run it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use domain::{AnalysisId, AttestationId, Coverage, Gate, Tier, Verdict};
use signing::{Attested, LocalKey, Signer, Standing, Statements, bundle, sign, statements};
use tempfile::TempDir;
use uuid::Uuid;

const COMMIT: &str = "629c483f5e7ffecdd87a26831abc8ff301cfd9eb";

/// A folder with a key and an attestation, as someone downloads them.
struct Downloads {
    folder: TempDir,
}

impl Downloads {
    async fn of(verdict: Verdict) -> Self {
        let signer = Signer::Local(LocalKey::generate());
        let Statements { summary, detail } = made(verdict);
        let envelope = sign(&signer, summary).await.unwrap();

        let downloads = Self { folder: tempfile::tempdir().unwrap() };
        downloads.write("key.pem", signer.public_key().to_pem().as_bytes());
        downloads.write("widget.dsse.json", &envelope.to_json());
        downloads.write("widget.sigstore.json", &bundle(&envelope));
        downloads.write("detail.json", &detail);
        downloads
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn verify(&self, arguments: &[&str]) -> Output {
        assay(self.folder.path(), &[&["verify", "--key", "key.pem"], arguments].concat())
    }
}

fn assay(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.current_dir(folder).args(arguments).env_remove("CLICOLOR_FORCE").output().unwrap()
}

fn made(verdict: Verdict) -> Statements {
    statements(&Attested {
        id: AttestationId::new(Uuid::from_u128(1)),
        analysis: AnalysisId::new(Uuid::from_u128(2)),
        base_url: "https://assay.example.com",
        engine_version: "0.1.0",
        repository_url: "https://github.com/acme/widget.git",
        commit: &COMMIT.parse().unwrap(),
        commit_object_sha256: None,
        base_commit: None,
        source_ref: None,
        verdict,
        tier: Tier::None,
        examined_at: "2026-08-22T10:00:00Z".parse().unwrap(),
        expires_at: "2999-01-01T00:00:00Z".parse().unwrap(),
        rules_version: "2026.08",
        gate: &Gate::default(),
        repository_policy_sha256: None,
        coverage: &Coverage::default(),
        incomplete: &[],
        deciding: &[],
        others: &BTreeMap::new(),
        standing: Standing {
            coverage: 0.9,
            critical: 0,
            high: 1,
            formal_ratio: 0.0,
            clean_runs: 1,
        },
        parent: None,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_genuine_attestation_is_valid_and_shown_plainly_in_a_pipe() {
    let downloads = Downloads::of(Verdict::Passed).await;
    for file in ["widget.dsse.json", "widget.sigstore.json"] {
        let arguments = ["--commit", COMMIT, "--detail", "detail.json", "--require-passed", file];
        let output = downloads.verify(&arguments);
        let shown = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert_eq!(shown.matches('✓').count(), 8, "{shown}");
        assert!(shown.contains("\nvalid\n"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}

#[tokio::test]
async fn a_changed_byte_is_refused_with_the_check_that_failed() {
    let downloads = Downloads::of(Verdict::Passed).await;
    let mut bytes = std::fs::read(downloads.path("widget.dsse.json")).unwrap();
    bytes[100] = if bytes[100] == b'A' { b'B' } else { b'A' };
    downloads.write("changed.dsse.json", &bytes);

    let output = downloads.verify(&["changed.dsse.json"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("✗ signature"), "{shown}");
    assert!(!shown.contains("acme/widget"), "nothing unproved is shown: {shown}");
}

#[tokio::test]
async fn another_commit_is_invalid_and_said_in_json_too() {
    let downloads = Downloads::of(Verdict::Passed).await;
    let other = "0".repeat(40);
    let output = downloads.verify(&["--commit", &other, "--json", "widget.dsse.json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["valid"], false);
    let commit = report["checks"].as_array().unwrap().iter().find(|c| c["check"] == "commit");
    assert_eq!(commit.unwrap()["outcome"], "failed");
    assert_eq!(report["attestation"]["commits"][0], COMMIT);
}

#[tokio::test]
async fn a_failed_commit_is_valid_unless_a_pass_is_required() {
    let downloads = Downloads::of(Verdict::Failed).await;
    assert_eq!(downloads.verify(&["widget.dsse.json"]).status.code(), Some(0));
    let output = downloads.verify(&["--require-passed", "widget.dsse.json"]);
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_apart_from_what_is_invalid() {
    let downloads = Downloads::of(Verdict::Passed).await;
    downloads.write("huge.json", &vec![b' '; 2 * 1024 * 1024]);
    let cases: [(&[&str], &str); 5] = [
        (&["missing.json"], "cannot read missing.json"),
        (&["huge.json"], "huge.json has more than"),
        (&["--commit", "main", "widget.dsse.json"], "40 or 64"),
        (&["--detail", "missing.json", "widget.dsse.json"], "cannot read missing.json"),
        (&[], "required"),
    ];
    for (arguments, why) in cases {
        let output = downloads.verify(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
    }

    let key_as_document = ["verify", "--key", "widget.dsse.json", "key.pem"];
    let output = assay(downloads.folder.path(), &key_as_document);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("widget.dsse.json: this is not a public key"));
}

#[test]
fn help_teaches_the_exit_codes() {
    let output = assay(Path::new("."), &["verify", "--help"]);
    let help = text(&output.stdout);
    assert!(output.status.success());
    for taught in ["--require-passed", "Exit codes:", "Examples:", "git rev-parse HEAD"] {
        assert!(help.contains(taught), "{help}");
    }
}
