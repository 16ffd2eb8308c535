//! What a GitHub webhook means to us.
//!
//! The structs name only what is read. Ids are required; everything else may be missing, because
//! real payloads leave out what GitHub's own schema demands. What is not for us becomes
//! [`Event::Ignored`] with a reason, never an error.

use domain::CommitSha;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A payload, with what it says about where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct GithubEvent {
    /// GitHub's id of the installation through which it was sent; none from a repository's own
    /// webhook.
    pub installation: Option<i64>,
    pub repository: Option<Repository>,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    PullRequest(PullRequest),
    /// Commits on the default branch.
    Push(Push),
    /// Something about the installation itself; what is told is its whole present state.
    Installation(Installation),
    InstallationRepositories {
        installation: Installation,
        added: Vec<Repository>,
        removed: Vec<Repository>,
    },
    /// A fact about the repository changed; the payload's `repository` has the new ones.
    Repository {
        deleted: bool,
    },
    Ignored {
        reason: String,
    },
}

/// A repository as GitHub describes it; installations describe less than other events.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Repository {
    pub id: i64,
    pub full_name: Option<String>,
    pub private: Option<bool>,
    pub default_branch: Option<String>,
    pub archived: Option<bool>,
    pub clone_url: Option<String>,
    pub html_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    pub number: i32,
    pub title: Option<String>,
    pub head: CommitSha,
    pub head_ref: Option<String>,
    pub base: CommitSha,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    pub git_ref: String,
    pub after: CommitSha,
    /// Not given for a new branch.
    pub before: Option<CommitSha>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Installation {
    pub id: i64,
    pub state: InstallationState,
    pub account: Account,
    pub permissions: Value,
    pub events: Value,
    /// What it may see, when the payload says so.
    pub repositories: Vec<Repository>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallationState {
    Active,
    Suspended,
    Deleted,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    pub id: i64,
    pub login: String,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub avatar_url: Option<String>,
    pub html_url: Option<String>,
}

impl GithubEvent {
    /// Reads a payload by the name of its event.
    pub fn parse(name: &str, json: &str) -> Result<Self, serde_json::Error> {
        let Envelope { action, installation, repository } = serde_json::from_str(json)?;
        let event = match (name, action.as_str()) {
            ("pull_request", "opened" | "synchronize" | "reopened") => pull_request(json)?,
            ("push", _) => push(json, repository.as_ref())?,
            ("installation", action) => Event::Installation(self::installation(json, action)?),
            ("installation_repositories", action) => {
                let Moved { repositories_added, repositories_removed } =
                    serde_json::from_str(json)?;
                Event::InstallationRepositories {
                    installation: self::installation(json, action)?,
                    added: repositories_added,
                    removed: repositories_removed,
                }
            }
            (
                "repository",
                "renamed" | "transferred" | "edited" | "archived" | "unarchived" | "privatized"
                | "publicized" | "deleted",
            ) => Event::Repository { deleted: action == "deleted" },
            ("ping", _) => ignored("a ping asks for nothing"),
            (_, "") => ignored(format!("nothing is done for `{}`", shortened(name))),
            (_, action) => {
                ignored(format!("nothing is done for `{}.{}`", shortened(name), shortened(action)))
            }
        };
        Ok(Self {
            installation: installation.map(|installation| installation.id),
            repository,
            event,
        })
    }
}

/// What every payload may say.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default, deserialize_with = "null_as_default")]
    action: String,
    installation: Option<OnlyId>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct OnlyId {
    id: i64,
}

fn pull_request(json: &str) -> Result<Event, serde_json::Error> {
    #[derive(Deserialize)]
    struct Payload {
        pull_request: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        // Also stands at the top level, but not in every payload.
        number: i32,
        title: Option<String>,
        head: Tip,
        base: Tip,
    }
    #[derive(Deserialize)]
    struct Tip {
        sha: CommitSha,
        #[serde(rename = "ref")]
        git_ref: Option<String>,
    }
    let Payload { pull_request: Inner { number, title, head, base } } = serde_json::from_str(json)?;
    Ok(Event::PullRequest(PullRequest {
        number,
        title,
        head: head.sha,
        head_ref: head.git_ref,
        base: base.sha,
    }))
}

fn push(json: &str, repository: Option<&Repository>) -> Result<Event, serde_json::Error> {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(rename = "ref")]
        git_ref: String,
        before: CommitSha,
        after: CommitSha,
    }
    let Payload { git_ref, before, after } = serde_json::from_str(json)?;
    let Some(branch) = git_ref.strip_prefix("refs/heads/") else {
        return Ok(ignored("only pushes to branches are examined"));
    };
    if after.is_null() {
        return Ok(ignored("the branch was deleted"));
    }
    let default = repository.and_then(|repository| repository.default_branch.as_deref());
    if default.is_some_and(|default| default != branch) {
        return Ok(ignored("only pushes to the default branch are examined"));
    }
    let before = (!before.is_null()).then_some(before);
    Ok(Event::Push(Push { git_ref, after, before }))
}

fn installation(json: &str, action: &str) -> Result<Installation, serde_json::Error> {
    #[derive(Deserialize)]
    struct Payload {
        installation: Inner,
        #[serde(default, deserialize_with = "null_as_default")]
        repositories: Vec<Repository>,
    }
    #[derive(Deserialize)]
    struct Inner {
        id: i64,
        account: Account,
        #[serde(default)]
        permissions: Value,
        #[serde(default)]
        events: Value,
        suspended_at: Option<Value>,
    }
    let Payload { installation, repositories } = serde_json::from_str(json)?;
    let Inner { id, account, permissions, events, suspended_at } = installation;
    let state = match action {
        "deleted" => InstallationState::Deleted,
        "suspend" => InstallationState::Suspended,
        // Its own payload may still show the time from before.
        "unsuspend" => InstallationState::Active,
        _ if suspended_at.is_some_and(|at| !at.is_null()) => InstallationState::Suspended,
        _ => InstallationState::Active,
    };
    Ok(Installation { id, state, account, permissions, events, repositories })
}

#[derive(Deserialize)]
struct Moved {
    #[serde(default, deserialize_with = "null_as_default")]
    repositories_added: Vec<Repository>,
    #[serde(default, deserialize_with = "null_as_default")]
    repositories_removed: Vec<Repository>,
}

fn ignored(reason: impl Into<String>) -> Event {
    Event::Ignored { reason: reason.into() }
}

/// A sender's word, short enough to be repeated.
fn shortened(word: &str) -> String {
    word.chars().take(60).collect()
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ZEROS: &str = "0000000000000000000000000000000000000000";

    fn event(name: &str, payload: &Value) -> Event {
        GithubEvent::parse(name, &payload.to_string()).unwrap().event
    }

    #[test]
    fn only_pushes_of_commits_to_the_default_branch_count() {
        let (old, new) = ("a".repeat(40), "b".repeat(40));
        let cases = [
            ("refs/heads/main", old.as_str(), new.as_str(), true),
            ("refs/heads/main", ZEROS, &new, true),
            ("refs/heads/main", &old, ZEROS, false),
            ("refs/heads/other", &old, &new, false),
            ("refs/heads/x/main", &old, &new, false),
            ("refs/tags/main", ZEROS, &new, false),
        ];
        for (git_ref, before, after, counts) in cases {
            let payload = json!({
                "ref": git_ref, "before": before, "after": after,
                "repository": { "id": 1, "default_branch": "main" },
            });
            let found = event("push", &payload);
            assert_eq!(matches!(found, Event::Push(_)), counts, "{git_ref} {after}: {found:?}");
            if let Event::Push(push) = found {
                assert_eq!(push.before.is_none(), before == ZEROS);
            }
        }
    }

    #[test]
    fn the_state_of_an_installation_follows_the_action_first() {
        use InstallationState::{Active, Deleted, Suspended};
        let time = json!("2026-01-01T00:00:00Z");
        let cases = [
            ("created", Value::Null, Active),
            ("suspend", Value::Null, Suspended),
            ("unsuspend", time.clone(), Active),
            ("new_permissions_accepted", time.clone(), Suspended),
            ("deleted", time, Deleted),
        ];
        for (action, suspended_at, state) in cases {
            let payload = json!({
                "action": action,
                "installation": {
                    "id": 5, "suspended_at": suspended_at,
                    "account": { "id": 6, "login": "octo" },
                },
            });
            let Event::Installation(found) = event("installation", &payload) else {
                panic!("{action} is about the installation");
            };
            assert_eq!((found.id, found.account.id, found.state), (5, 6, state), "{action}");
        }
    }

    #[test]
    fn what_is_not_for_us_says_so() {
        let cases = [
            ("ping", json!({ "zen": "Keep it logically awesome." })),
            ("pull_request", json!({ "action": "closed", "pull_request": null })),
            ("star", json!({ "action": "created" })),
            ("never_heard_of", json!({})),
            ("push", json!({ "ref": "refs/tags/v1", "before": ZEROS, "after": ZEROS })),
        ];
        for (name, payload) in cases {
            let Event::Ignored { reason } = event(name, &payload) else {
                panic!("{name} is not for us");
            };
            assert!(!reason.is_empty());
        }
    }

    #[test]
    fn a_payload_without_what_is_needed_is_an_error() {
        let cases = [
            ("pull_request", json!({ "action": "opened" })),
            ("pull_request", json!({ "action": "opened", "pull_request": { "number": 1 } })),
            ("push", json!({ "ref": "refs/heads/main", "before": "x", "after": "y" })),
            ("installation", json!({ "action": "created" })),
            ("star", json!({ "repository": { "full_name": "no/id" } })),
            ("star", json!([])),
            ("star", json!("text")),
        ];
        for (name, payload) in cases {
            assert!(GithubEvent::parse(name, &payload.to_string()).is_err(), "{name} {payload}");
        }
    }
}
