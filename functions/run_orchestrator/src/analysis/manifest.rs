use domain::{CommitSha, Manifest, kinds::analysis::ManifestKept};
use serde_json::Value;
use store::{
    Tx,
    manifests::{self, Among, NewManifest},
};

use crate::memory::{Work, Written, blocking, snapshot, written};
use crate::{Deps, Error};

/// What the commit contains, before it is known whether that is new.
pub(crate) struct Found {
    commit: CommitSha,
    data: Value,
    hash: String,
}

pub(super) async fn work(deps: &Deps, work: &mut Work) -> Result<Found, Error> {
    let snapshot = snapshot(deps, work).await?;
    blocking(move || {
        let manifest = Manifest::of(&snapshot);
        let hash = manifest.hash();
        let data = serde_json::to_value(&manifest)
            .map_err(|source| Error::Output { step: "manifest", source })?;
        Ok(Found { commit: snapshot.commit.clone(), data, hash })
    })
    .await?
}

impl Found {
    pub(super) async fn write(&self, tx: &Tx<'_>, work: &Work) -> Result<Written, Error> {
        let new = NewManifest {
            repository: work.memory.repository()?.id,
            commit: &self.commit,
            data: &self.data,
            hash: &self.hash,
        };
        let kept = manifests::keep(tx, &new, Among::All).await?;
        let output = ManifestKept {
            manifest_id: Some(kept.id),
            version: Some(kept.version),
            hash: Some(self.hash.clone()),
            changed: kept.made,
        };
        written("manifest", &output)
    }
}
