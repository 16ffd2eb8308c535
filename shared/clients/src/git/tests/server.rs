//! A real git server for tests: `git http-backend` behind a small CGI bridge.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use base64::Engine;

use crate::test_server::{self, Request, answer};

/// Opens `/private/…`, as the password of basic authentication.
pub(crate) const TOKEN: &str = "ghs_1234.dots-and_all";

/// Serves the repositories below a folder, besides some misbehaviour by path:
/// `/private/x` wants [`TOKEN`], `/moved/x` is at `/x`, `/away/x` at another server, `/broken/…`
/// answers 500 and `/silent/…` never.
pub(crate) struct GitServer {
    pub(crate) root: tempfile::TempDir,
    pub(crate) address: SocketAddr,
}

impl GitServer {
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().to_owned();
        let address = test_server::start(move |request| serve(request, &folder));
        Self { root, address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// A new bare repository that is served under its name.
    pub(crate) fn repository(&self, name: &str) -> GitRepository {
        let folder = self.root.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let repository = GitRepository { folder };
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=trunk"], b"");
        repository
    }
}

pub(crate) struct GitRepository {
    folder: PathBuf,
}

/// An entry of a tree: mode, name, object.
pub(crate) type Entry<'a> = (&'a str, &'a str, String);

impl GitRepository {
    /// Runs git on this repository and returns what it prints.
    pub(crate) fn git(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("git")
            .arg("-C")
            .arg(&self.folder)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs(["AUTHOR", "COMMITTER"].into_iter().flat_map(|role| {
                [
                    (format!("GIT_{role}_NAME"), "Ada"),
                    (format!("GIT_{role}_EMAIL"), "ada@example.org"),
                    (format!("GIT_{role}_DATE"), "1700000000 +0000"),
                ]
            }))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("these tests need the git program: install git");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        output.stdout
    }

    fn id(&self, arguments: &[&str], input: &[u8]) -> String {
        String::from_utf8(self.git(arguments, input)).unwrap().trim().to_owned()
    }

    pub(crate) fn blob(&self, bytes: &[u8]) -> String {
        self.id(&["hash-object", "-w", "--stdin"], bytes)
    }

    /// Written as bytes, because git's own commands refuse names that are hostile.
    pub(crate) fn tree(&self, entries: &[Entry<'_>]) -> String {
        let mut raw = Vec::new();
        for (mode, name, id) in entries {
            raw.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            raw.extend_from_slice(&hex(id));
        }
        self.id(&["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &raw)
    }

    pub(crate) fn commit(&self, tree: &str, parents: &[&str]) -> String {
        let mut arguments = vec!["commit-tree", tree, "-m", "a commit"];
        for parent in parents {
            arguments.extend(["-p", parent]);
        }
        self.id(&arguments, b"")
    }

    /// Makes a branch, without which the server would not hand out the commit.
    pub(crate) fn branch(&self, name: &str, commit: &str) {
        self.git(&["update-ref", &format!("refs/heads/{name}"), commit], b"");
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn authorized(request: &Request) -> bool {
    let pair = format!("x-access-token:{TOKEN}");
    let expected = base64::engine::general_purpose::STANDARD.encode(pair);
    request.header("authorization") == Some(&format!("Basic {expected}"))
}

fn serve(request: &Request, root: &Path) -> Vec<u8> {
    let (first, rest) = request.path[1..].split_once('/').unwrap_or_default();
    match first {
        "private" if !authorized(request) => answer("401 Unauthorized", "", b""),
        "private" => backend(request, &format!("/{rest}"), root),
        "moved" => {
            let to = format!("Location: /{rest}?{}\r\n", request.query);
            answer("301 Moved Permanently", &to, b"")
        }
        "away" => {
            let to = format!("Location: https://example.org/{rest}?{}\r\n", request.query);
            answer("302 Found", &to, b"")
        }
        "broken" => answer("500 Internal Server Error", "", b""),
        "silent" => {
            std::thread::sleep(Duration::from_mins(10));
            Vec::new()
        }
        _ => backend(request, &request.path, root),
    }
}

fn backend(request: &Request, path: &str, root: &Path) -> Vec<u8> {
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("PATH_INFO", path)
        .env("REQUEST_METHOD", &request.method)
        .env("QUERY_STRING", &request.query)
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or(""))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need the git program: install git");
    child.stdin.take().unwrap().write_all(&request.body).unwrap();
    let output = child.wait_with_output().unwrap().stdout;

    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..end]);
    let found = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let mut answer = format!("HTTP/1.1 {found}\r\nConnection: close\r\n").into_bytes();
    answer.extend_from_slice(&output);
    answer
}
