use std::{sync::Arc, time::Duration};

use analysis::CustomRules;
use domain::{Snapshot, kinds::analysis::Fetched};
use insight::trust::TestNames;
use policy::Held;
use serde::{Serialize, de::DeserializeOwned};
use store::repositories::Repository;

use crate::{Deps, Error, analysis::rules::Own, examine::Results};

/// Kept free at the end of an invocation for writing down what a step found.
pub(crate) const COMMIT_TIME: Duration = Duration::from_secs(10);

pub(crate) type Work = engine::Work<Memory>;
pub(crate) use engine::Written;

/// What the steps of a run share while one worker has it.
pub(crate) struct Memory {
    pub(crate) repository: Option<Repository>,
    /// The code, once a step had it in hand.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    /// The files of the base that are not the same at the head, once a step had them in hand.
    pub(crate) base_files: Option<Arc<Snapshot>>,
    /// What the customer's own rules are; part of what a file's result depends on.
    pub(crate) rules: Arc<CustomRules>,
    /// Where they come from.
    pub(crate) own_rules: Own,
    /// The policy that holds, once a step has read it.
    pub(crate) policy: Option<Arc<Held>>,
    /// The code and the files of the base without what the policy leaves out.
    pub(crate) narrowed: Option<Arc<Snapshot>>,
    pub(crate) narrowed_base: Option<Arc<Snapshot>>,
    /// The latter with the files that may mean something else because of them.
    pub(crate) compared_base: Option<Arc<Snapshot>>,
    /// The tests among all files of the commit, once a shard had these in hand.
    pub(crate) tests: Arc<TestNames>,
    /// What comes of the files, as far as it is known.
    pub(crate) results: Results,
    /// Whether someone was asked to allow what a merge is to do.
    pub(crate) is_asked: bool,
}

impl Memory {
    pub(crate) fn repository(&self) -> Result<&Repository, Error> {
        self.repository.as_ref().ok_or(Error::Incomplete("repository"))
    }
}

/// What the run was asked.
pub(crate) fn input<T: DeserializeOwned>(work: &Work) -> Result<T, Error> {
    work.input().map_err(|source| Error::Output { step: "input", source })
}

/// What a finished step left.
pub(crate) fn output<T: DeserializeOwned>(work: &Work, step: &'static str) -> Result<T, Error> {
    work.output(step).map_err(|source| Error::Output { step, source })
}

/// What a step leaves.
pub(crate) fn written(step: &'static str, output: &impl Serialize) -> Result<Written, Error> {
    Written::output(output).map_err(|source| Error::Output { step, source })
}

/// The code that is examined: still in hand, or read back from the object store.
pub(crate) async fn snapshot(deps: &Deps, work: &mut Work) -> Result<Arc<Snapshot>, Error> {
    if let Some(snapshot) = &work.memory.snapshot {
        return Ok(Arc::clone(snapshot));
    }
    let fetched: Fetched = output(work, "fetch")?;
    let snapshot = deps.objects.get_snapshot(work.run().org, &fetched.commit).await?;
    Ok(Arc::clone(work.memory.snapshot.insert(Arc::new(snapshot))))
}

/// The files of the base that the head does not have in the same form; every other file of the
/// base is the head's. None: there is nothing to compare with.
pub(crate) async fn base_files(
    deps: &Deps,
    work: &mut Work,
) -> Result<Option<Arc<Snapshot>>, Error> {
    if let Some(files) = &work.memory.base_files {
        return Ok(Some(Arc::clone(files)));
    }
    let Fetched { commit, base: Some(base), base_key: Some(_), .. } = output(work, "fetch")? else {
        return Ok(None);
    };
    let files = deps.objects.get_base(work.run().org, &commit, &base).await?;
    Ok(Some(Arc::clone(work.memory.base_files.insert(Arc::new(files)))))
}

/// Runs what would hold up everything else, and turns its panic into an error.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::AnalyserPanicked)
}
