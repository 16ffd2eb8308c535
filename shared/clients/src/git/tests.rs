//! Against git's own server (`git http-backend`): goal is that what we read is what git stores,
//! and that no server can make us hang, fill up, or talk to someone else.

pub(crate) mod server;

use std::time::Instant;

use domain::{Classify, ErrorCode, ErrorKind, LineRange, UnanalysedReason};

use self::server::{GitServer, TOKEN};
use super::*;
use crate::AddressRefused;

fn guard(server: &GitServer) -> AddressGuard {
    AddressGuard::allowing(&server.address.to_string()).unwrap()
}

fn request(server: &GitServer, path: &str, head: &str) -> FetchRequest {
    FetchRequest {
        url: server.url(path),
        head: head.parse().unwrap(),
        base: None,
        token: None,
        limits: Limits::default(),
    }
}

/// Serves `repo` with one small commit.
fn small(server: &GitServer) -> String {
    let repository = server.repository("repo");
    let blob = repository.blob(b"print('hello')\n");
    let tree = repository.tree(&[("100644", "main.py", blob)]);
    let commit = repository.commit(&tree, &[]);
    repository.branch("trunk", &commit);
    commit
}

fn failure(server: &GitServer, request: &FetchRequest) -> GitError {
    fetch(request, &guard(server)).expect_err("must be refused")
}

#[test]
fn a_commit_is_read_as_git_stores_it() {
    let server = GitServer::start();
    let repository = server.repository("repo");
    let (text, binary) = (repository.blob(b"fn main() {}\n"), repository.blob(b"\x7fELF\0\xff"));
    let large = repository.blob(&vec![b'x'; 2_000]);
    let folder = repository.tree(&[("100644", "lib.rs", text.clone())]);
    let tree = repository.tree(&[
        ("100755", "a.bin", binary),
        ("100644", "large.txt", large),
        ("120000", "link", repository.blob(b"../../etc/passwd")),
        ("100644", "main.rs", text),
        ("40000", "src", folder),
        ("160000", "sub", "b".repeat(40)),
    ]);
    let commit = repository.commit(&tree, &[]);
    repository.branch("trunk", &commit);

    let mut request = request(&server, "repo", &commit);
    request.limits.file_bytes_max = 1_999;
    let fetched = fetch(&request, &guard(&server)).unwrap();

    assert_eq!(fetched.commit_object, repository.git(&["cat-file", "commit", &commit], b""));
    assert_eq!(fetched.changes, None);
    let files: Vec<(&str, &[u8])> = fetched
        .snapshot
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes.as_slice()))
        .collect();
    let main: &[u8] = b"fn main() {}\n";
    assert_eq!(
        files,
        [("a.bin", b"\x7fELF\0\xff".as_slice()), ("main.rs", main), ("src/lib.rs", main)]
    );
    let left_out: Vec<_> =
        fetched.snapshot.left_out.iter().map(|file| (file.path.as_str(), file.reason)).collect();
    assert_eq!(
        left_out,
        [
            ("large.txt", UnanalysedReason::TooLarge),
            ("link", UnanalysedReason::NotAFile),
            ("sub", UnanalysedReason::NotAFile),
        ]
    );
}

#[test]
fn changes_name_the_lines_and_follow_renames() {
    let server = GitServer::start();
    let repository = server.repository("repo");
    let file = |text: &str| repository.blob(text.as_bytes());
    let base = repository.tree(&[
        ("100644", "deleted.py", file("gone = True\n")),
        ("100644", "edited.py", file("a\nb\nc\n")),
        ("100644", "moved.py", file("exactly the same\n")),
        ("100644", "old_name.py", file("one\ntwo\nthree\nfour\n")),
        ("100644", "same.py", file("same\n")),
    ]);
    let base = repository.commit(&base, &[]);
    let head = repository.tree(&[
        ("100644", "edited.py", file("a\nB\nc\nd\n")),
        ("100644", "new.py", file("x\ny\n")),
        ("100644", "new_name.py", file("one\ntwo\nTHREE\nfour\n")),
        ("100644", "same.py", file("same\n")),
        ("40000", "z", repository.tree(&[("100644", "moved.py", file("exactly the same\n"))])),
    ]);
    // Two parents away, so that the base is no boundary the server would send by itself.
    let between = repository.commit(&repository.tree(&[]), &[&base]);
    let head = repository.commit(&head, &[&between]);
    repository.branch("trunk", &head);

    let request =
        FetchRequest { base: Some(base.parse().unwrap()), ..request(&server, "repo", &head) };
    let fetched = fetch(&request, &guard(&server)).unwrap();
    let old = fetched.base_files.unwrap();
    assert_eq!(old.commit.as_str(), base);
    let old: Vec<&str> = old.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        old,
        ["deleted.py", "edited.py", "moved.py", "old_name.py"],
        "the base's own, and nothing that is the same at the head"
    );
    let changes = fetched.changes.unwrap();

    let found: Vec<_> = changes
        .iter()
        .map(|change| {
            let lines: Vec<_> = change
                .lines
                .as_slice()
                .iter()
                .map(|LineRange { first, last }| (*first, *last))
                .collect();
            (change.path.as_str(), change.renamed_from.as_deref(), lines)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("edited.py", None, vec![(2, 2), (4, 4)]),
            ("new.py", None, vec![(1, 2)]),
            ("new_name.py", Some("old_name.py"), vec![(3, 3)]),
            ("z/moved.py", Some("moved.py"), vec![]),
        ]
    );
}

#[test]
fn a_base_that_is_the_head_changes_nothing() {
    let server = GitServer::start();
    let commit = small(&server);
    let request =
        FetchRequest { base: Some(commit.parse().unwrap()), ..request(&server, "repo", &commit) };
    assert_eq!(fetch(&request, &guard(&server)).unwrap().changes, Some(Vec::new()));
}

#[test]
fn a_private_repository_opens_with_its_token_only() {
    let server = GitServer::start();
    let commit = small(&server);
    let with = |token: Option<&str>| FetchRequest {
        token: token.map(SecretString::from),
        ..request(&server, "private/repo", &commit)
    };
    for token in [None, Some("wrong")] {
        let error = failure(&server, &with(token));
        assert!(matches!(error, GitError::Forbidden { status: 401 }), "{token:?}: {error}");
        assert_eq!(error.code(), ErrorCode::RepositoryForbidden);
    }
    assert!(fetch(&with(Some(TOKEN)), &guard(&server)).is_ok());
}

#[test]
fn what_is_not_there_is_told_apart() {
    let server = GitServer::start();
    let commit = small(&server);
    let missing = "c".repeat(40);
    let error = failure(&server, &request(&server, "repo", &missing));
    assert!(matches!(&error, GitError::CommitNotFound(sha) if sha.as_str() == missing), "{error}");
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let error = failure(&server, &request(&server, "nothing", &commit));
    assert!(matches!(error, GitError::Forbidden { status: 404 }), "{error}");

    let base = Some(missing.parse().unwrap());
    let error = failure(&server, &FetchRequest { base, ..request(&server, "repo", &commit) });
    assert!(matches!(&error, GitError::CommitNotFound(sha) if sha.as_str() == missing), "{error}");

    let sha256 = failure(&server, &request(&server, "repo", &"d".repeat(64)));
    assert!(matches!(sha256, GitError::UnsupportedObjectFormat(_)), "{sha256}");
}

#[test]
fn an_object_that_is_no_commit_is_not_taken_for_one() {
    let server = GitServer::start();
    let repository = server.repository("repo");
    let blob = repository.blob(b"text\n");
    let tree = repository.tree(&[("100644", "a", blob.clone())]);
    repository.branch("trunk", &repository.commit(&tree, &[]));
    for id in [blob, tree] {
        let error = failure(&server, &request(&server, "repo", &id));
        assert!(matches!(error, GitError::CommitNotFound(_)), "{error:?}");
    }
}

#[test]
fn a_renamed_repository_is_followed_and_another_server_is_not() {
    let server = GitServer::start();
    let commit = small(&server);
    let moved = FetchRequest {
        token: Some(TOKEN.into()),
        ..request(&server, "moved/private/repo", &commit)
    };
    assert!(fetch(&moved, &guard(&server)).is_ok());

    let error = failure(&server, &request(&server, "away/repo", &commit));
    assert!(
        matches!(&error, GitError::Redirected { to } if to == "https://example.org/repo/info/refs"),
        "{error}"
    );
}

#[test]
fn our_own_network_is_not_called() {
    let server = GitServer::start();
    let commit = small(&server);
    let literal = fetch(&request(&server, "repo", &commit), &AddressGuard::public_only());
    assert!(matches!(literal, Err(GitError::Address(AddressRefused::Plain { .. }))));

    // A public-looking name whose address is private: found out only while connecting.
    let named = FetchRequest {
        url: "https://localhost:8443/repo".to_owned(),
        ..request(&server, "repo", &commit)
    };
    let error = fetch(&named, &AddressGuard::public_only()).expect_err("must be refused");
    assert!(matches!(error, GitError::Address(AddressRefused::NotPublic { .. })), "{error:?}");
    assert_eq!(error.code(), ErrorCode::AddressRefused);
}

#[test]
fn a_server_that_fails_or_hangs_is_given_up() {
    let server = GitServer::start();
    let commit = small(&server);
    let error = failure(&server, &request(&server, "broken/repo", &commit));
    assert!(matches!(error, GitError::ServerFailed { status: 500 }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);

    let mut silent = request(&server, "silent/repo", &commit);
    silent.limits.time = Duration::from_millis(300);
    let started = Instant::now();
    let error = failure(&server, &silent);
    assert!(matches!(error, GitError::TimedOut { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_mins(5), "{:?}", started.elapsed());
}

#[test]
fn a_commit_over_the_limits_is_refused() {
    let server = GitServer::start();
    let repository = server.repository("repo");
    // Varied, so that the transfer is about as large as the files.
    let noise: Vec<u8> =
        (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let blob = repository.blob(&noise);
    let small = repository.blob(b"x\n");
    let tree = repository.tree(&[
        ("100644", "a", blob),
        ("100644", "b", small.clone()),
        ("100644", "c", small),
    ]);
    let commit = repository.commit(&tree, &[]);
    repository.branch("trunk", &commit);

    let limited = |bytes_max, files_max| FetchRequest {
        limits: Limits { bytes_max, files_max, ..Limits::default() },
        ..request(&server, "repo", &commit)
    };
    assert!(fetch(&limited(1_000_000, 3), &guard(&server)).is_ok());
    let error = failure(&server, &limited(1_000_000, 2));
    assert!(matches!(error, GitError::TooManyFiles { files_max: 2 }), "{error}");
    for bytes_max in [1_000, 700_000] {
        let error = failure(&server, &limited(bytes_max, 3));
        assert!(matches!(error, GitError::TooLarge { .. }), "{error:?}");
        assert_eq!(error.code(), ErrorCode::RepoTooLarge);
    }
}

#[test]
fn an_object_that_inflates_without_end_is_refused() {
    let server = GitServer::start();
    let repository = server.repository("repo");
    let bomb = repository.blob(&vec![0; 50_000_000]);
    let commit = repository.commit(&repository.tree(&[("100644", "zeros", bomb)]), &[]);
    repository.branch("trunk", &commit);
    let mut request = request(&server, "repo", &commit);
    request.limits.bytes_max = 1_000_000;
    let error = failure(&server, &request);
    assert!(matches!(error, GitError::TooLarge { .. }), "{error:?}");
}

#[test]
fn hostile_trees_are_refused() {
    let server = GitServer::start();
    let repository = server.repository("repo");
    let blob = repository.blob(b"x\n");
    let file = |name: &'static str| [("100644", name, blob.clone())];
    // A tree of ten times itself, twenty deep: 10^20 files in a few kilobytes.
    let names: Vec<String> = (0..10).map(|n| format!("n{n}")).collect();
    let mut bomb = repository.tree(&file("f"));
    for _ in 0..20 {
        let entries: Vec<_> =
            names.iter().map(|name| ("40000", name.as_str(), bomb.clone())).collect();
        bomb = repository.tree(&entries);
    }
    let mut deep = repository.tree(&file("f"));
    for _ in 0..100 {
        deep = repository.tree(&[("40000", "d", deep)]);
    }
    let dots = repository.tree(&[("40000", "..", repository.tree(&file("f")))]);
    let cases = [
        ("upwards", repository.tree(&file(".."))),
        ("upwards folder", dots),
        ("slash", repository.tree(&file("a/../../b"))),
        ("hidden slash", repository.tree(&file("a/b"))),
        ("deep", deep),
        ("bomb", bomb),
    ];
    for (case, tree) in cases {
        let commit = repository.commit(&tree, &[]);
        repository.branch("trunk", &commit);
        let error = failure(&server, &request(&server, "repo", &commit));
        let expected = match case {
            "bomb" => matches!(error, GitError::TooManyFiles { .. }),
            _ => matches!(error, GitError::UnsafePath(_)),
        };
        assert!(expected, "{case}: {error:?}");
    }
}

#[test]
fn the_default_branch_is_the_one_that_head_names() {
    let server = GitServer::start();
    let commit = small(&server);
    let ask = |path: &str| {
        default_branch_head(&server.url(path), None, &guard(&server), &Limits::default())
    };
    assert_eq!(
        ask("repo").unwrap(),
        DefaultBranch { name: "trunk".to_owned(), head: commit.parse().unwrap() }
    );
    server.repository("empty");
    assert!(matches!(ask("empty"), Err(GitError::NoDefaultBranch)));
    assert!(matches!(ask("private/repo"), Err(GitError::Forbidden { .. })));
}

#[test]
fn a_branch_stands_where_it_was_put_and_no_other_name_will_do() {
    let server = GitServer::start();
    let commit = small(&server);
    let repository = server.repository("two");
    let tree = repository.tree(&[("100644", "a.py", repository.blob(b"a = 1\n"))]);
    let first = repository.commit(&tree, &[]);
    let second = repository.commit(&tree, &[&first]);
    repository.branch("trunk", &first);
    repository.branch("trunk-2", &second);
    let ask = |path: &str, branch: &str| {
        branch_head(&server.url(path), branch, None, &guard(&server), &Limits::default())
    };
    assert_eq!(ask("repo", "trunk").unwrap().as_str(), commit);
    assert_eq!(ask("two", "trunk").unwrap().as_str(), first);
    assert_eq!(ask("two", "trunk-2").unwrap().as_str(), second);
    for missing in ["trunk-3", "tru", "HEAD", "*", "trunk*", "trunk:x", "", "a b", "../trunk"] {
        let error = ask("two", missing).unwrap_err();
        assert!(matches!(error, GitError::BranchNotFound(_)), "{missing}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert!(matches!(ask("private/repo", "trunk"), Err(GitError::Forbidden { .. })));
}
