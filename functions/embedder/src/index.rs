use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use chunking::{EXTRACTION, hashed};
use domain::{CommitSha, OrgId, RepositoryId, RunId};
use queue::{EmbedRequested, Message};
use store::{
    Session, chunks,
    corpora::{self, Corpus, Source},
    embeddings, outbox, runs,
};

use crate::{
    Deps, Error,
    prepare::{self, Batch, Hashed},
};

/// How many sources one transaction removes.
const REMOVED_SOURCES: usize = 500;

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Indexed(Counts),
    /// The same run was indexed before.
    AlreadyDone,
    /// A newer run has claimed the repository.
    Overtaken,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub files: usize,
    pub added: usize,
    pub kept: usize,
    pub removed: usize,
}

impl Counts {
    fn add(&mut self, files: usize, replaced: &chunks::Replaced) {
        self.files += files;
        self.added += replaced.added.len();
        self.kept += replaced.kept;
        self.removed += replaced.removed;
    }
}

/// What is being indexed, and for whom.
struct Job {
    org: OrgId,
    run: RunId,
    repository: RepositoryId,
    commit: CommitSha,
}

pub(crate) async fn index(
    deps: &Deps,
    message: EmbedRequested,
    stop_at: Instant,
) -> Result<Outcome, Error> {
    let mut session = deps.session().await?;
    let job = job(&mut session, message).await?;
    let Some((corpus, sources)) = claim(&mut session, &job).await? else {
        return Ok(Outcome::Overtaken);
    };
    let is_outdated = corpus.is_outdated(EXTRACTION, &sources);
    if corpus.indexed_by == Some(job.run) && !is_outdated {
        return Ok(Outcome::AlreadyDone);
    }

    let snapshot = deps.objects.get_snapshot(job.org, &job.commit).await?;
    let files = prepare::hashed(&snapshot.files);
    let corpus = if is_outdated {
        let average_terms = prepare::average_terms(&files);
        match begin_generation(&mut session, &job, &corpus, average_terms).await? {
            Some(corpus) => corpus,
            None => return Ok(Outcome::Overtaken),
        }
    } else {
        corpus
    };
    let changed: Vec<_> = files.iter().filter(|file| is_changed(file, &corpus, &sources)).collect();
    let gone = gone(&files, &sources);

    let mut counts = Counts::default();
    let mut left = changed.iter().copied();
    loop {
        let batch = prepare::next_batch(&mut left, corpus.average_terms);
        if batch.sources.is_empty() {
            break;
        }
        match write(&mut session, &job, &corpus, &batch).await? {
            Some(replaced) => counts.add(batch.sources.len(), &replaced),
            None => return Ok(Outcome::Overtaken),
        }
        if left.len() > 0 && Instant::now() >= stop_at {
            return Err(Error::OutOfTime { left: left.len() });
        }
    }
    Ok(match finish(&mut session, &job, &corpus, &gone).await? {
        Some(removed) => {
            counts.removed += removed;
            Outcome::Indexed(counts)
        }
        None => Outcome::Overtaken,
    })
}

async fn job(session: &mut Session, message: EmbedRequested) -> Result<Job, Error> {
    let tx = session.begin(message.org_id).await?;
    outbox::received(&tx, EmbedRequested::QUEUE.as_str(), message.run_id).await?;
    let run = runs::find(&tx, message.run_id).await?.ok_or(Error::NoSuchRun)?;
    tx.commit().await?;
    Ok(Job {
        org: run.org,
        run: run.id,
        repository: run.repository.ok_or(Error::Incomplete("repository"))?,
        commit: run.commit.ok_or(Error::Incomplete("commit"))?,
    })
}

/// From here on no older run writes to the corpus.
async fn claim(
    session: &mut Session,
    job: &Job,
) -> Result<Option<(Corpus, BTreeMap<String, Source>)>, Error> {
    let tx = session.begin(job.org).await?;
    let Some(corpus) = corpora::claim_repository(&tx, job.repository, job.run).await? else {
        return Ok(None);
    };
    let sources = corpora::sources(&tx, &corpus).await?;
    tx.commit().await?;
    Ok(Some((corpus, sources)))
}

async fn begin_generation(
    session: &mut Session,
    job: &Job,
    corpus: &Corpus,
    average_terms: f32,
) -> Result<Option<Corpus>, Error> {
    let tx = session.begin(job.org).await?;
    let Some(writer) = corpora::write(&tx, corpus, job.run).await? else { return Ok(None) };
    let corpus = corpora::begin_generation(&tx, &writer, EXTRACTION, average_terms).await?;
    tx.commit().await?;
    Ok(Some(corpus))
}

fn is_changed(file: &Hashed<'_>, corpus: &Corpus, sources: &BTreeMap<String, Source>) -> bool {
    sources
        .get(&file.file.path)
        .is_none_or(|source| source.sha256 != file.sha256 || !corpus.is_current(source))
}

fn gone(files: &[Hashed<'_>], sources: &BTreeMap<String, Source>) -> Vec<String> {
    let here: BTreeSet<&str> = files.iter().map(|file| file.file.path.as_str()).collect();
    sources.keys().filter(|name| !here.contains(name.as_str())).cloned().collect()
}

/// Embeds what was never embedded, then writes the batch: no lock is held while it computes.
async fn write(
    session: &mut Session,
    job: &Job,
    corpus: &Corpus,
    batch: &Batch,
) -> Result<Option<chunks::Replaced>, Error> {
    let tx = session.begin(job.org).await?;
    let missing = embeddings::missing(&tx, job.org, hashed::MODEL, batch.inputs.keys()).await?;
    tx.commit().await?;
    let embedded = batch
        .inputs
        .iter()
        .filter(|(content, _)| missing.contains(*content))
        .map(|(content, input)| (*content, hashed::embed(input)))
        .collect();

    let tx = session.begin(job.org).await?;
    let Some(writer) = corpora::write(&tx, corpus, job.run).await? else { return Ok(None) };
    embeddings::remember(&tx, job.org, hashed::MODEL, embedded).await?;
    let replaced = chunks::replace(&tx, &writer, &job.commit, &batch.sources).await?;
    embeddings::attach(&tx, &writer, hashed::MODEL, &replaced.added).await?;
    tx.commit().await?;
    Ok(Some(replaced))
}

/// Removes what is gone and records that the corpus equals the commit; answers how many chunks
/// went.
async fn finish(
    session: &mut Session,
    job: &Job,
    corpus: &Corpus,
    gone: &[String],
) -> Result<Option<usize>, Error> {
    let mut removed = 0;
    for names in gone.chunks(REMOVED_SOURCES) {
        let tx = session.begin(job.org).await?;
        let Some(writer) = corpora::write(&tx, corpus, job.run).await? else { return Ok(None) };
        removed += chunks::remove(&tx, &writer, names).await?;
        tx.commit().await?;
    }
    let tx = session.begin(job.org).await?;
    let Some(writer) = corpora::write(&tx, corpus, job.run).await? else { return Ok(None) };
    corpora::finish(&tx, &writer, &job.commit).await?;
    tx.commit().await?;
    Ok(Some(removed))
}
