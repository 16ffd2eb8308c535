use domain::{
    Manifest,
    kinds::analysis::{Fetched, ManifestKept},
};
use engine::Written;
use queue::{EmbedRequested, Message};
use serde_json::json;
use store::{
    Tx,
    manifests::{self, Among, Kept, NewManifest},
    repo_syncs,
    runs::Fence,
};

use crate::{Deps, Error, blocking, worker::Work, written};

/// What the default branch holds.
pub(crate) struct Found {
    fetched: Fetched,
    /// None: the branch stands where it stood.
    manifest: Option<Manifest>,
}

pub(crate) async fn work(deps: &Deps, work: &mut Work) -> Result<Found, Error> {
    let fetched: Fetched =
        work.output("fetch").map_err(|source| Error::Output { step: "fetch", source })?;
    let manifest = match work.memory.manifest.take() {
        Some(manifest) => Some(manifest),
        None if fetched.snapshot_key.is_none() => None,
        // Another worker fetched it.
        None => {
            let snapshot = deps.objects.get_snapshot(work.run().org, &fetched.commit).await?;
            Some(blocking(move || Manifest::of(&snapshot)).await?)
        }
    };
    Ok(Found { fetched, manifest })
}

impl Found {
    /// Keeps a version if the content is new, and ends the run.
    pub(crate) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        let kept = self.keep(tx, work).await?;
        repo_syncs::insert(tx, fence, kept.map(|kept| kept.id)).await?;
        let run = work.run();
        let mut messages = Vec::new();
        if kept.is_some() {
            let embed = EmbedRequested { org_id: run.org, run_id: run.id };
            messages.push((EmbedRequested::QUEUE, embed.body()));
        }
        let last = work.memory.last.as_ref();
        let output = ManifestKept {
            manifest_id: kept.map(|kept| kept.id).or(last.map(|last| last.manifest)),
            version: kept.map(|kept| kept.version),
            hash: self.manifest.as_ref().map(Manifest::hash).or(last.map(|l| l.hash.clone())),
            changed: kept.is_some(),
        };
        let summary = json!({
            "branch": self.fetched.branch,
            "commit": self.fetched.commit,
            "changed": kept.is_some(),
            "manifest_version": kept.map(|kept| kept.version),
            // How many files were read.
            "processed": self.fetched.files,
        });
        tracing::info!(changed = kept.is_some(), "repository synced");
        let written = written("manifest", &output)?;
        Ok(Written { messages, summary: Some(summary), ..written })
    }

    /// None: the content is what it was.
    async fn keep(&self, tx: &Tx<'_>, work: &Work) -> Result<Option<Kept>, Error> {
        let Some(manifest) = &self.manifest else { return Ok(None) };
        let hash = manifest.hash();
        if work.memory.last.as_ref().is_some_and(|last| last.hash == hash) {
            return Ok(None);
        }
        let data = serde_json::to_value(manifest)
            .map_err(|source| Error::Output { step: "manifest", source })?;
        let new = NewManifest {
            repository: work.memory.repository()?.id,
            commit: &self.fetched.commit,
            data: &data,
            hash: &hash,
        };
        Ok(Some(manifests::keep(tx, &new, Among::Newest).await?))
    }
}
