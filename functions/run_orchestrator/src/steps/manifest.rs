use domain::{CommitSha, Manifest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    Tx,
    manifests::{self, Among, NewManifest},
};

use super::{Work, Written, blocking};
use crate::{Deps, Error};

/// What the commit contains, before it is known whether that is new.
pub(crate) struct Found {
    commit: CommitSha,
    data: Value,
    hash: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Output {
    manifest_id: domain::ManifestId,
    pub(super) version: i32,
    hash: String,
    changed: bool,
}

pub(super) async fn work(deps: &Deps, work: &mut Work) -> Result<Found, Error> {
    let snapshot = work.snapshot(deps).await?;
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
            repository: work.repository()?.id,
            commit: &self.commit,
            data: &self.data,
            hash: &self.hash,
        };
        let kept = manifests::keep(tx, &new, Among::All).await?;
        let output = Output {
            manifest_id: kept.id,
            version: kept.version,
            hash: self.hash.clone(),
            changed: kept.made,
        };
        Written::output("manifest", &output)
    }
}
