//! Check runs: the verdict as GitHub shows it beside a commit.

use domain::CommitSha;
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{GitHub, GitHubError, repository_path, send_for};

/// Most annotations in one request; more are appended by further ones.
const ANNOTATIONS_PER_REQUEST: usize = 50;
/// Most bytes of a summary: documented as characters, refused by bytes.
const SUMMARY_BYTES_MAX: usize = 65_535;
/// Most characters of an annotation's title.
const TITLE_CHARS_MAX: usize = 255;
/// Most bytes of an annotation's message, and of its details.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Check runs of one name at one commit that are searched for ours, in pages.
const PAGES_MAX: usize = 10;
const PER_PAGE: usize = 100;

/// A finished check. Publishing it twice changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    pub name: String,
    pub head: CommitSha,
    /// By which it is found again: the same on every attempt, such as `run_id:step_id`.
    pub external_id: String,
    pub details_url: Option<String>,
    pub conclusion: Conclusion,
    pub title: String,
    /// Markdown.
    pub summary: String,
    pub annotations: Vec<Annotation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    Success,
    Failure,
    Neutral,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationLevel {
    Notice,
    Warning,
    Failure,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    pub path: String,
    pub start_line: u32,
    pub end_line: u32,
    #[serde(rename = "annotation_level")]
    pub level: AnnotationLevel,
    pub title: String,
    pub message: String,
    /// Shown when somebody unfolds them, as they stand.
    #[serde(rename = "raw_details", skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

/// What GitHub already has of a check run.
#[derive(Debug, Deserialize)]
struct Known {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    output: KnownOutput,
}

#[derive(Debug, Default, Deserialize)]
struct KnownOutput {
    #[serde(default)]
    annotations_count: usize,
}

impl GitHub {
    /// Makes `check` what GitHub shows, and returns its id.
    ///
    /// It is looked for before it is created, and continued where an earlier attempt stopped: it
    /// stays "in progress" until its last annotation is there.
    pub async fn publish_check_run(
        &self,
        installation: i64,
        repository: &str,
        check: &CheckRun,
    ) -> Result<u64, GitHubError> {
        let repository = repository_path(repository)?;
        let annotations: Vec<Annotation> = check.annotations.iter().map(shortened).collect();
        let (id, mut sent) = match self.find(installation, &repository, check).await? {
            Some(known) if known.status.as_deref() == Some("completed") => return Ok(known.id),
            Some(known) => (known.id, known.output.annotations_count.min(annotations.len())),
            None => {
                let sent = annotations.len().min(ANNOTATIONS_PER_REQUEST);
                let mut body = body(check, &annotations[..sent], sent == annotations.len());
                body["name"] = json!(check.name);
                body["head_sha"] = json!(check.head);
                body["external_id"] = json!(check.external_id);
                body["details_url"] = json!(check.details_url);
                let path = format!("{repository}/check-runs");
                let request = self.request_as(Some(installation), Method::POST, &path).await?;
                let created: Known = send_for(request.json(&body)).await?;
                if sent == annotations.len() {
                    return Ok(created.id);
                }
                (created.id, sent)
            }
        };
        loop {
            let next = annotations.len().min(sent + ANNOTATIONS_PER_REQUEST);
            let last = next == annotations.len();
            let path = format!("{repository}/check-runs/{id}");
            let request = self.request_as(Some(installation), Method::PATCH, &path).await?;
            let body = body(check, &annotations[sent..next], last);
            let _: Known = send_for(request.json(&body)).await?;
            if last {
                return Ok(id);
            }
            sent = next;
        }
    }

    async fn find(
        &self,
        installation: i64,
        repository: &str,
        check: &CheckRun,
    ) -> Result<Option<Known>, GitHubError> {
        #[derive(Deserialize)]
        struct Page {
            check_runs: Vec<Known>,
        }
        for page in 1..=PAGES_MAX {
            let path = self.search_path(repository, check, page)?;
            let request = self.request_as(Some(installation), Method::GET, &path).await?;
            let Page { check_runs } = send_for(request).await?;
            let last = check_runs.len() < PER_PAGE;
            let ours = check_runs
                .into_iter()
                .find(|known| known.external_id.as_deref() == Some(&check.external_id));
            if ours.is_some() || last {
                return Ok(ours);
            }
        }
        Ok(None)
    }

    fn search_path(
        &self,
        repository: &str,
        check: &CheckRun,
        page: usize,
    ) -> Result<String, GitHubError> {
        let path = format!("{repository}/commits/{}/check-runs", check.head);
        let mut url = Url::parse(&format!("{}{path}", self.api))
            .map_err(|_| GitHubError::BadApiUrl(self.api.clone()))?;
        url.query_pairs_mut()
            .append_pair("check_name", &check.name)
            .append_pair("filter", "all")
            .append_pair("per_page", &PER_PAGE.to_string())
            .append_pair("page", &page.to_string());
        Ok(format!("{path}?{}", url.query().unwrap_or_default()))
    }
}

fn body(check: &CheckRun, annotations: &[Annotation], last: bool) -> Value {
    let mut body = json!({
        "status": "in_progress",
        "output": {
            "title": cut(&check.title, TITLE_CHARS_MAX),
            "summary": up_to(&check.summary, SUMMARY_BYTES_MAX),
            "annotations": annotations,
        },
    });
    if last {
        body["status"] = json!("completed");
        body["conclusion"] = json!(check.conclusion);
    }
    body
}

/// An annotation within GitHub's limits: one that is too long would fail the whole request.
fn shortened(annotation: &Annotation) -> Annotation {
    let details = annotation.details.as_deref();
    Annotation {
        title: cut(&annotation.title, TITLE_CHARS_MAX),
        message: up_to(&annotation.message, MESSAGE_BYTES_MAX).to_owned(),
        details: details.map(|details| up_to(details, MESSAGE_BYTES_MAX).to_owned()),
        ..annotation.clone()
    }
}

fn up_to(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}
