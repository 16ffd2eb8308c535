//! Source through the API: for when git itself cannot be used.

use domain::{CommitSha, Snapshot};
use reqwest::{
    Method, Response, StatusCode, Url,
    header::{ACCEPT, HeaderMap, HeaderValue, LOCATION},
};
use serde::Deserialize;

use super::{
    GitHub, GitHubError, read_body, refusal, repository_path, send, send_for,
    tarball::{self, TarballError},
};
use crate::{AddressRefused, git::Limits};

impl GitHub {
    /// Reads a commit from GitHub's archive of it.
    ///
    /// Less than [`git::fetch`](crate::git::fetch) sees: `.gitattributes` may keep files out of
    /// archives (`export-ignore`), and submodules leave no trace.
    pub async fn snapshot(
        &self,
        installation: Option<i64>,
        repository: &str,
        commit: &CommitSha,
        limits: &Limits,
    ) -> Result<Snapshot, GitHubError> {
        let path = format!("{}/tarball/{commit}", repository_path(repository)?);
        let request = self.request_as(installation, Method::GET, &path).await?;
        let response = self.follow(send(request.timeout(limits.time)).await?, limits).await?;
        let bytes = read_body(response, limits.bytes_max).await?;

        let (wanted, limits) = (commit.clone(), *limits);
        let refused = |source| GitHubError::Tarball { commit: commit.clone(), source };
        tokio::task::spawn_blocking(move || tarball::read(&bytes, wanted, &limits))
            .await
            .map_err(|_| refused(TarballError::Interrupted))?
            .map_err(refused)
    }

    /// Where the histories of two commits part: what a pull request's changes are counted from.
    pub async fn merge_base(
        &self,
        installation: Option<i64>,
        repository: &str,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<CommitSha, GitHubError> {
        #[derive(Deserialize)]
        struct Comparison {
            merge_base_commit: Commit,
        }
        #[derive(Deserialize)]
        struct Commit {
            sha: CommitSha,
        }
        let repository = repository_path(repository)?;
        let path = format!("{repository}/compare/{base}...{head}?per_page=1");
        let request = self.request_as(installation, Method::GET, &path).await?;
        let comparison: Comparison = send_for(request).await?;
        Ok(comparison.merge_base_commit.sha)
    }

    /// A file as it stands at a commit. `None`: there is none of this name.
    pub async fn file(
        &self,
        installation: Option<i64>,
        repository: &str,
        path: &str,
        commit: &CommitSha,
        bytes_max: u64,
    ) -> Result<Option<Vec<u8>>, GitHubError> {
        let path = format!("{}/contents/{path}?ref={commit}", repository_path(repository)?);
        let raw = HeaderValue::from_static("application/vnd.github.raw+json");
        let request = self.request_as(installation, Method::GET, &path).await?;
        match send(request.headers(HeaderMap::from_iter([(ACCEPT, raw)]))).await {
            Ok(response) => read_body(response, bytes_max).await.map(Some),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Goes where the archive really is: another host, which gets no token of ours and has to be
    /// one that may be called.
    async fn follow(&self, response: Response, limits: &Limits) -> Result<Response, GitHubError> {
        if !response.status().is_redirection() {
            return Ok(response);
        }
        let to = location(&response).ok_or(GitHubError::Refused {
            status: response.status().as_u16(),
            message: "a redirect without an address".to_owned(),
        })?;
        let to = self.guard.check(to.as_str())?;
        let answer = self.guarded.get(to).timeout(limits.time).send().await.map_err(|error| {
            match AddressRefused::among(&error) {
                Some(refused) => GitHubError::Address(refused),
                None => GitHubError::Unreachable(error.without_url()),
            }
        })?;
        if answer.status() == StatusCode::OK { Ok(answer) } else { Err(refusal(answer).await) }
    }
}

fn location(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    response.url().join(location).ok()
}
