//! What checks and commit statuses say of a commit, all taken together.

use std::collections::BTreeMap;

use domain::CommitSha;
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};

use super::{GitHub, GitHubError, repository_path, send_for};

const PER_PAGE: usize = 100;
/// GitHub itself lists the check runs of a thousand suites at most.
const PAGES_MAX: usize = 10;

/// Checks are what Apps and Actions report (check runs), and what others do (commit statuses).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checks {
    /// Nobody checks this commit, or not yet.
    None,
    /// These are not over, and none has failed.
    Pending {
        names: Vec<String>,
    },
    Passed {
        count: usize,
        /// Skipped or neutral. They hold up no merge, here as at GitHub, and say nothing for it.
        undecided: Vec<String>,
    },
    Failed {
        names: Vec<String>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Pending,
    Passed,
    Undecided,
    Failed,
}

#[derive(Deserialize)]
struct CheckRuns {
    total_count: usize,
    check_runs: Vec<CheckRun>,
}

#[derive(Deserialize)]
struct CheckRun {
    id: u64,
    name: String,
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
}

impl CheckRun {
    fn said(&self) -> Said {
        match (self.status.as_str(), self.conclusion.as_deref()) {
            ("completed", Some("success")) => Said::Passed,
            ("completed", Some("neutral" | "skipped")) => Said::Undecided,
            // Also a conclusion that GitHub will think of one day: unknown is not passed.
            ("completed", _) => Said::Failed,
            _ => Said::Pending,
        }
    }
}

/// The latest status of each context.
#[derive(Deserialize)]
struct Statuses {
    total_count: usize,
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    id: u64,
    context: String,
    state: String,
}

impl Status {
    fn said(&self) -> Said {
        match self.state.as_str() {
            "success" => Said::Passed,
            "pending" => Said::Pending,
            _ => Said::Failed,
        }
    }
}

impl GitHub {
    /// Needs the App's permissions to read checks and commit statuses.
    pub async fn checks(
        &self,
        installation: i64,
        repository: &str,
        commit: &CommitSha,
    ) -> Result<Checks, GitHubError> {
        let path = format!("{}/commits/{commit}", repository_path(repository)?);
        let runs = format!("{path}/check-runs?filter=latest");
        let runs = self.all(installation, &runs, |page: CheckRuns| {
            let said = page.check_runs.into_iter().map(|run| (run.id, (run.said(), run.name)));
            (page.total_count, said.collect())
        });
        let mut said = runs.await?;
        // The combined state is of no use: without any status it is `pending` for ever.
        let statuses = format!("{path}/status?");
        let statuses = self.all(installation, &statuses, |page: Statuses| {
            let said = page.statuses.into_iter().map(|one| (one.id, (one.said(), one.context)));
            (page.total_count, said.collect())
        });
        said.extend(statuses.await?);
        Ok(together(said))
    }

    /// Everything in all pages of a list; `read` answers how long GitHub says that the list is, and
    /// what of it is in a page.
    async fn all<P: DeserializeOwned>(
        &self,
        installation: i64,
        path: &str,
        read: impl Fn(P) -> (usize, Vec<(u64, (Said, String))>),
    ) -> Result<Vec<(Said, String)>, GitHubError> {
        let mut found = BTreeMap::new();
        for page in 1..=PAGES_MAX {
            let path = format!("{path}&per_page={PER_PAGE}&page={page}");
            let request = self.request_as(Some(installation), Method::GET, &path).await?;
            let (total, items) = read(send_for(request).await?);
            let is_last = items.len() < PER_PAGE;
            found.extend(items);
            if is_last && page > 1 && found.len() < total {
                // Rows moved from page to page meanwhile; what was missed might have failed.
                let message = "the checks changed while they were listed".to_owned();
                return Err(GitHubError::Conflict { message });
            }
            if is_last || found.len() == total {
                return Ok(found.into_values().collect());
            }
        }
        Err(GitHubError::TooManyChecks { checks_max: PAGES_MAX * PER_PAGE })
    }
}

fn together(said: Vec<(Said, String)>) -> Checks {
    let names = |wanted: Said| -> Vec<String> {
        let mut names: Vec<String> =
            said.iter().filter(|(one, _)| *one == wanted).map(|(_, name)| name.clone()).collect();
        names.sort();
        names
    };
    let (failed, pending, undecided) =
        (names(Said::Failed), names(Said::Pending), names(Said::Undecided));
    if said.is_empty() {
        Checks::None
    } else if !failed.is_empty() {
        Checks::Failed { names: failed }
    } else if !pending.is_empty() {
        Checks::Pending { names: pending }
    } else {
        Checks::Passed { count: said.len() - undecided.len(), undecided }
    }
}
