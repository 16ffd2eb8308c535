//! A real git server: `git http-backend` behind a small CGI bridge.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode},
};
use domain::CommitSha;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Most bytes of a request: what a fetch asks for is small.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Serves the repositories in a folder of its own, until dropped.
pub struct GitServer {
    folder: TempDir,
    address: SocketAddr,
}

impl GitServer {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(folder.path().to_owned());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { folder, address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address)
    }

    /// A new bare repository that is served under its name.
    pub fn repository(&self, name: &str) -> GitRepository {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let repository = GitRepository { folder };
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main"], &[]);
        repository
    }
}

pub struct GitRepository {
    folder: PathBuf,
}

impl GitRepository {
    /// Commits all that is in a folder, on top of `parents`, and makes `branch` point there.
    pub fn commit(&self, content: &Path, branch: &str, parents: &[&CommitSha]) -> CommitSha {
        let content = content.to_str().unwrap();
        // An index of its own, so that nothing of the commit before is left.
        let index = self.folder.join("index");
        let _ = std::fs::remove_file(&index);
        self.git(&["-C", content, "--work-tree", content, "add", "--all", "--force", "."], &[]);
        let tree = self.git(&["write-tree"], &[]);
        let mut arguments = vec!["commit-tree", &tree, "-m", "a commit"];
        for parent in parents {
            arguments.extend(["-p", parent.as_str()]);
        }
        let commit = self.git(&arguments, &[]);
        self.git(&["update-ref", &format!("refs/heads/{branch}"), &commit], &[]);
        commit.parse().unwrap()
    }

    /// Commits the given files, and nothing else.
    pub fn commit_files(
        &self,
        files: &[(&str, &str)],
        branch: &str,
        parents: &[&CommitSha],
    ) -> CommitSha {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.commit(folder.path(), branch, parents)
    }

    /// Runs git on this repository and returns what it prints.
    pub fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child = git()
            .arg("--git-dir")
            .arg(&self.folder)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("these tests need the git program: install git");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {arguments:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// Git without anyone's configuration, at a fixed time: the same content is the same commit.
fn git() -> Command {
    let mut command = Command::new("git");
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Ada")
            .env(format!("GIT_{role}_EMAIL"), "ada@example.org")
            .env(format!("GIT_{role}_DATE"), "1700000000 +0000");
    }
    command
}

async fn serve(State(folder): State<PathBuf>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, REQUEST_BYTES_MAX).await.unwrap();
    let output = tokio::task::spawn_blocking(move || backend(&folder, &head, &body)).await.unwrap();
    answer(&output)
}

fn backend(folder: &Path, head: &http::request::Parts, body: &Bytes) -> Vec<u8> {
    let header = |name: &str| header(&head.headers, name);
    let mut child = git()
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", head.uri.path())
        .env("REQUEST_METHOD", head.method.as_str())
        .env("QUERY_STRING", head.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("these tests need the git program: install git");
    child.stdin.take().unwrap().write_all(body).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// A CGI answer: headers, among them the status, then the body.
fn answer(output: &[u8]) -> Response<Body> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let mut response = Response::new(Body::from(output[end + 4..].to_vec()));
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            *response.status_mut() = value[..3].parse::<StatusCode>().unwrap();
        } else {
            let name: HeaderName = name.parse().unwrap();
            response.headers_mut().insert(name, HeaderValue::try_from(value).unwrap());
        }
    }
    response
}
