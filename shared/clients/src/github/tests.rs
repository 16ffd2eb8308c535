//! Against a server that keeps what a real one keeps: goal is that nothing is published twice,
//! that tokens go nowhere else, and that every refusal says what to do next.

mod merging;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex as StdMutex},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Classify, CommitSha, ErrorKind, UnanalysedReason};
use flate2::{Compression, write::GzEncoder};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{tarball::TarballError, *};
use crate::{
    git::{Limits, tests::server::GitServer},
    test_server::{self, Request, answer},
};

/// Made for these tests with `openssl genrsa`; it opens nothing.
const THROWAWAY_KEY: &str = include_str!("tests/throwaway_key.pem");
const THROWAWAY_PUBLIC_KEY: &[u8] = include_bytes!("tests/throwaway_key.pub.der");
const NOW: &str = "2026-05-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn json_answer(status: &str, body: &Value) -> Vec<u8> {
    answer(status, "Content-Type: application/json\r\n", body.to_string().as_bytes())
}

/// A server that mints tokens and answers everything else with `respond`.
fn server(respond: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    test_server::start(move |request| {
        if request.path.ends_with("/access_tokens") {
            let body =
                json!({ "token": "ghs_1.long-and.dotted", "expires_at": "2026-05-01T13:00:00Z" });
            return json_answer("201 Created", &body);
        }
        respond(request)
    })
}

fn client(address: SocketAddr, guard: AddressGuard) -> GitHub {
    let key = AppKey::new("12345", &SecretString::from(THROWAWAY_KEY)).unwrap();
    let mut github = GitHub::new(&format!("http://{address}/"), Some(key), guard).unwrap();
    github.clock = now;
    github
}

fn sha(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().unwrap()
}

fn check(annotations: usize) -> CheckRun {
    let annotation = |n: usize| Annotation {
        path: format!("src/{n}.py"),
        start_line: 1,
        end_line: 2,
        level: AnnotationLevel::Failure,
        title: "t".repeat(300),
        message: "ü".repeat(40_000),
        details: Some("ü".repeat(40_000)),
    };
    CheckRun {
        name: "Assay & friends".to_owned(),
        head: sha('a'),
        external_id: "run:verdict".to_owned(),
        details_url: None,
        conclusion: Conclusion::Failure,
        title: "1 new finding".to_owned(),
        summary: "ü".repeat(40_000),
        annotations: (0..annotations).map(annotation).collect(),
    }
}

/// Check runs as GitHub keeps them; refuses more than 50 annotations, and fails at will.
#[derive(Default)]
struct Checks {
    runs: Vec<Value>,
    annotations: Vec<Value>,
    writes: usize,
    /// Which write is answered with 502, after it was done.
    fails_at: Option<usize>,
}

impl Checks {
    fn respond(&mut self, request: &Request) -> Vec<u8> {
        assert_eq!(request.header("authorization"), Some("Bearer ghs_1.long-and.dotted"));
        if request.method == "GET" {
            assert!(request.query.contains("check_name=Assay+%26+friends"), "{}", request.query);
            return json_answer("200 OK", &json!({ "check_runs": self.runs }));
        }
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        let output = body["output"].take();
        let annotations = output["annotations"].as_array().unwrap();
        let completed = body["status"] == "completed";
        if annotations.len() > 50
            || output["summary"].as_str().unwrap().len() > 65_535
            || completed != body["conclusion"].is_string()
        {
            return json_answer("422 Unprocessable Content", &json!({ "message": "Invalid" }));
        }
        self.annotations.extend_from_slice(annotations);
        if request.method == "POST" {
            body["id"] = json!(7);
            self.runs.push(body);
        } else {
            assert_eq!(request.path, "/repos/octo/shop/check-runs/7");
            self.runs[0]["status"] = body["status"].take();
        }
        self.runs[0]["output"] = json!({ "annotations_count": self.annotations.len() });
        self.writes += 1;
        if self.fails_at == Some(self.writes) {
            return json_answer("502 Bad Gateway", &json!({}));
        }
        json_answer("200 OK", &self.runs[0])
    }
}

fn checks_server(checks: &Arc<StdMutex<Checks>>) -> GitHub {
    let checks = Arc::clone(checks);
    let address = server(move |request| checks.lock().unwrap().respond(request));
    client(address, AddressGuard::public_only())
}

#[tokio::test]
async fn annotations_go_in_batches_and_once() {
    for (annotations, writes) in [(0, 1), (1, 1), (50, 1), (51, 2), (120, 3)] {
        let checks = Arc::new(StdMutex::new(Checks::default()));
        let github = checks_server(&checks);
        for _ in 0..2 {
            let id = github.publish_check_run(1, "octo/shop", &check(annotations)).await.unwrap();
            assert_eq!(id, 7);
        }
        let state = checks.lock().unwrap();
        assert_eq!((state.writes, state.annotations.len()), (writes, annotations));
        assert_eq!(state.runs.len(), 1);
        assert_eq!(state.runs[0]["status"], "completed");
    }
}

#[tokio::test]
async fn a_check_run_that_broke_off_is_continued_where_it_stopped() {
    for fails_at in 1..=3 {
        let checks = Checks { fails_at: Some(fails_at), ..Checks::default() };
        let checks = Arc::new(StdMutex::new(checks));
        let github = checks_server(&checks);
        let error = github.publish_check_run(1, "octo/shop", &check(120)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        github.publish_check_run(1, "octo/shop", &check(120)).await.unwrap();

        let state = checks.lock().unwrap();
        let paths: Vec<String> = (0..120).map(|n| format!("src/{n}.py")).collect();
        let found: Vec<_> = state.annotations.iter().map(|a| a["path"].as_str().unwrap()).collect();
        assert_eq!(found, paths, "failed at {fails_at}");
        assert_eq!((state.runs.len(), &state.runs[0]["status"]), (1, &json!("completed")));
    }
}

#[test]
fn the_apps_token_is_signed_and_short_lived() {
    let key = AppKey::new("12345", &SecretString::from(THROWAWAY_KEY)).unwrap();
    let token = key.sign(now()).unwrap();
    let (message, signature) = token.expose_secret().rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();

    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let (_, rs256) = algorithms
        .mapping
        .iter()
        .find(|(scheme, _)| *scheme == rustls::SignatureScheme::RSA_PKCS1_SHA256)
        .unwrap();
    let verify = |message: &str| {
        rs256[0].verify_signature(THROWAWAY_PUBLIC_KEY, message.as_bytes(), &signature)
    };
    assert!(verify(message).is_ok());
    assert!(verify(&message.replace('A', "B")).is_err(), "the control must fail");

    let (header, claims) = message.split_once('.').unwrap();
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(read(header), json!({ "alg": "RS256", "typ": "JWT" }));
    let at = now().as_second();
    assert_eq!(read(claims), json!({ "iss": "12345", "iat": at - 60, "exp": at + 8 * 60 }));
    assert!(AppKey::new("1", &SecretString::from("no key")).is_err());
}

#[tokio::test]
async fn an_installations_token_is_minted_once_until_it_nears_its_end() {
    let minted = Arc::new(StdMutex::new(0));
    let counter = Arc::clone(&minted);
    let address = test_server::start(move |request| {
        assert_eq!(request.path, "/app/installations/9/access_tokens");
        assert!(request.header("authorization").unwrap().starts_with("Bearer eyJ"));
        *counter.lock().unwrap() += 1;
        let body = json!({ "token": "t", "expires_at": "2026-05-01T13:00:00Z" });
        json_answer("201 Created", &body)
    });
    let mut github = client(address, AddressGuard::public_only());
    for (clock, expected) in [
        (now as fn() -> Timestamp, 1),
        (now, 1),
        (|| "2026-05-01T12:54:59Z".parse().unwrap(), 1),
        (|| "2026-05-01T12:55:00Z".parse().unwrap(), 2),
    ] {
        github.clock = clock;
        github.installation_token(9).await.unwrap();
        assert_eq!(*minted.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn every_refusal_has_a_kind_and_a_pause() {
    let minute = Some(Duration::from_secs(60));
    let cases = [
        ("401 Unauthorized", "", ErrorKind::Invalid, None),
        ("403 Forbidden", "", ErrorKind::Invalid, None),
        ("403 Forbidden", "X-RateLimit-Remaining: 0\r\n", ErrorKind::Unavailable, minute),
        (
            "403 Forbidden",
            "Retry-After: 7\r\n",
            ErrorKind::Unavailable,
            Some(Duration::from_secs(7)),
        ),
        ("404 Not Found", "", ErrorKind::NotFound, None),
        ("409 Conflict", "", ErrorKind::Conflict, None),
        ("422 Unprocessable Content", "", ErrorKind::Invalid, None),
        ("429 Too Many Requests", "Retry-After: 60\r\n", ErrorKind::Unavailable, minute),
        ("500 Internal Server Error", "", ErrorKind::Unavailable, None),
        ("503 Service Unavailable", "Retry-After: 60\r\n", ErrorKind::Unavailable, minute),
        ("200 OK", "", ErrorKind::Unavailable, None),
    ];
    for (status, headers, kind, pause) in cases {
        let address = server(move |_| answer(status, headers, b"<html>"));
        let github = client(address, AddressGuard::public_only());
        let error =
            github.merge_base(Some(1), "octo/shop", &sha('a'), &sha('b')).await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (kind, pause), "{status} {headers}");
    }
}

#[tokio::test]
async fn a_renamed_repository_is_followed_within_the_server() {
    let address = server(|request| match request.path.as_str() {
        "/repos/octo/old/compare/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" => {
            answer("301 Moved Permanently", "Location: /repositories/1/compare\r\n", b"")
        }
        _ => {
            assert!(request.header("authorization").is_some());
            let body = json!({ "merge_base_commit": { "sha": "c".repeat(40), "more": 1 } });
            json_answer("200 OK", &body)
        }
    });
    let github = client(address, AddressGuard::public_only());
    let base = github.merge_base(Some(1), "octo/old", &sha('a'), &sha('b')).await.unwrap();
    assert_eq!(base, sha('c'));
}

#[tokio::test]
async fn only_owner_and_name_make_a_path() {
    let github = client("127.0.0.1:9".parse().unwrap(), AddressGuard::public_only());
    for name in ["octo", "octo/shop/x", "../app", "octo/..", "octo/shop?x", "octo/a b", "/x"] {
        let error = github.merge_base(None, name, &sha('a'), &sha('b')).await.unwrap_err();
        assert!(matches!(error, GitHubError::BadRepository(_)), "{name}: {error}");
    }
}

#[tokio::test]
async fn deliveries_are_paged_and_sent_again() {
    let address = test_server::start(|request| match (request.method.as_str(), &*request.query) {
        ("POST", _) => {
            assert_eq!(request.path, "/app/hook/deliveries/11/attempts");
            json_answer("202 Accepted", &json!({}))
        }
        (_, query) if query.contains("cursor=v1_a%3D") => json_answer("200 OK", &json!([])),
        _ => {
            let page = json!([{
                "id": 11, "guid": "g", "delivered_at": NOW, "redelivery": false, "duration": 0.3,
                "status": "OK", "status_code": 502, "event": "push", "action": null,
            }]);
            let link = "Link: <http://x/app/hook/deliveries?cursor=v1_a%3D>; rel=\"next\"\r\n";
            answer("200 OK", link, page.to_string().as_bytes())
        }
    });
    let github = client(address, AddressGuard::public_only());
    let first = github.hook_deliveries(None).await.unwrap();
    assert_eq!(first.cursor.as_deref(), Some("v1_a="));
    assert_eq!((first.deliveries[0].status_code, first.deliveries[0].id), (502, 11));
    let second = github.hook_deliveries(first.cursor.as_deref()).await.unwrap();
    assert_eq!(second, HookDeliveries { deliveries: Vec::new(), cursor: None });
    github.redeliver(11).await.unwrap();
}

/// A commit with a symbolic link, and the archive that git itself makes of it.
fn archive() -> (CommitSha, Vec<u8>) {
    let server = GitServer::start();
    let repository = server.repository("repo");
    let text = repository.blob(b"x = 1\n");
    let tree = repository.tree(&[
        ("120000", "link", repository.blob(b"/etc/passwd")),
        ("100644", "main.py", text.clone()),
        ("40000", "src", repository.tree(&[("100644", "ü.py", text)])),
    ]);
    let commit = repository.commit(&tree, &[]);
    let prefix = "--prefix=octo-shop-1234567/";
    let archive = repository.git(&["archive", "--format=tar.gz", prefix, &commit], b"");
    (commit.parse().unwrap(), archive)
}

#[tokio::test]
async fn an_archive_comes_from_elsewhere_without_our_token() {
    let (commit, archive) = archive();
    let elsewhere = test_server::start(move |request| {
        assert_eq!(request.header("authorization"), None);
        answer("200 OK", "", &archive)
    });
    let api = server(move |request| {
        assert!(request.header("authorization").is_some());
        answer("302 Found", &format!("Location: http://{elsewhere}/archive\r\n"), b"")
    });

    let guard = AddressGuard::allowing(&elsewhere.to_string()).unwrap();
    let snapshot = client(api, guard)
        .snapshot(Some(1), "octo/shop", &commit, &Limits::default())
        .await
        .unwrap();
    let paths: Vec<_> = snapshot.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["main.py", "src/ü.py"]);
    assert_eq!(snapshot.left_out[0].reason, UnanalysedReason::NotAFile);

    let stranger = client(api, AddressGuard::public_only());
    let refused =
        stranger.snapshot(Some(1), "octo/shop", &commit, &Limits::default()).await.unwrap_err();
    assert!(matches!(refused, GitHubError::Address(_)), "{refused}");
}

#[test]
fn an_archive_is_checked_while_it_is_read() {
    let (commit, whole) = archive();
    let read = |bytes: &[u8], commit: &CommitSha, limits: Limits| {
        tarball::read(bytes, commit.clone(), &limits)
    };
    let limits = Limits::default();
    assert!(read(&whole, &commit, limits).is_ok());
    let other = read(&whole, &sha('a'), limits).unwrap_err();
    assert!(matches!(other, TarballError::OtherCommit(_)), "{other}");
    let many = read(&whole, &commit, Limits { files_max: 1, ..limits }).unwrap_err();
    assert!(matches!(many, TarballError::TooManyFiles { files_max: 1 }), "{many}");
    let large = read(&whole, &commit, Limits { bytes_max: 11, ..limits }).unwrap_err();
    assert!(matches!(large, TarballError::TooLarge { .. }), "{large}");
    let small = read(&whole, &commit, Limits { file_bytes_max: 5, ..limits }).unwrap();
    assert!(small.files.is_empty() && small.left_out.len() == 3);
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        assert!(read(&whole[..cut], &commit, limits).is_err(), "cut at {cut}");
    }
    for name in ["../x", "top/../x", "top//x", "/x", "x", "top/a\\b"] {
        let error = read(&one_file(name), &commit, limits).unwrap_err();
        assert!(matches!(error, TarballError::UnsafePath(_)), "{name}: {error}");
    }
    assert!(read(&one_file("top/x"), &commit, limits).is_ok(), "the control must pass");
}

/// Written as bytes, because the tar crate itself refuses names that are hostile.
fn one_file(name: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    builder.append(&header, b"x".as_slice()).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

#[tokio::test]
async fn a_file_is_read_as_it_stands_at_a_commit() {
    let api = server(|request| {
        assert_eq!(request.header("accept"), Some("application/vnd.github.raw+json"));
        assert_eq!(request.path, "/repos/octo/shop/contents/.assay.yml");
        match request.query.strip_prefix("ref=").unwrap().chars().next() {
            Some('a') => answer("200 OK", "", b"version: 1\n"),
            Some('b') => json_answer("404 Not Found", &json!({ "message": "Not Found" })),
            _ => json_answer("502 Bad Gateway", &json!({})),
        }
    });
    let github = client(api, AddressGuard::public_only());
    let file = async |commit: char, bytes_max: u64| {
        github.file(Some(1), "octo/shop", ".assay.yml", &sha(commit), bytes_max).await
    };
    assert_eq!(file('a', 11).await.unwrap().as_deref(), Some(&b"version: 1\n"[..]));
    assert_eq!(file('b', 11).await.unwrap(), None);
    assert!(matches!(file('a', 10).await, Err(GitHubError::TooLarge { bytes_max: 10 })));
    assert_eq!(file('c', 11).await.unwrap_err().kind(), ErrorKind::Unavailable);
}
