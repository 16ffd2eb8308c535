//! The object store: the only crate that speaks to S3, or to the folder that stands in for it.
//!
//! Keys are made here ([`snapshot_key`]), every read has a limit, and what was stored can be
//! checked against its sha256 on the way back.

mod error;
mod snapshots;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{
    ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path,
};
use sha2::{Digest, Sha256};

pub use error::ObjectsError;
pub use snapshots::{
    SNAPSHOT_BYTES_MAX, SNAPSHOT_FILES_MAX, SnapshotError, base_key, decode_snapshot,
    encode_snapshot, snapshot_key,
};

/// Longest time one request may take: a large snapshot over a slow link.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest time spent on repeating one request; after it, the queue's redelivery is the retry.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES_MAX: usize = 3;

/// What a row keeps of an object, so that a reader can find and check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub key: String,
    /// Lowercase hex.
    pub sha256: String,
    pub bytes: u64,
}

#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Objects {
    /// Opens `s3://bucket[/prefix]` or `file:///folder`. Makes no request yet.
    ///
    /// For S3 the region, the credentials (session token included) and `AWS_ENDPOINT_URL` come
    /// from the environment, as Lambda sets them.
    pub fn open(url: &str) -> Result<Self, ObjectsError> {
        if let Some(folder) = url.strip_prefix("file://") {
            return Self::open_folder(url, folder);
        }
        let Some(place) = url.strip_prefix("s3://") else {
            return Err(ObjectsError::UnknownUrl(url.to_owned()));
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(ObjectsError::UnknownUrl(url.to_owned()));
        }
        let prefix = Path::parse(prefix).map_err(|_| ObjectsError::UnknownUrl(url.to_owned()))?;

        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        let plain = [AmazonS3ConfigKey::S3Endpoint, AmazonS3ConfigKey::Endpoint]
            .iter()
            .filter_map(|key| builder.get_config_value(key))
            .any(|endpoint| endpoint.starts_with("http://"));
        let store = builder
            .with_client_options(
                ClientOptions::new().with_allow_http(plain).with_timeout(REQUEST_TIMEOUT),
            )
            .with_retry(RetryConfig {
                max_retries: RETRIES_MAX,
                retry_timeout: RETRY_TIMEOUT,
                ..RetryConfig::default()
            })
            .build()?;
        Ok(Self { store: Arc::new(store), prefix })
    }

    fn open_folder(url: &str, folder: &str) -> Result<Self, ObjectsError> {
        if !folder.starts_with('/') {
            return Err(ObjectsError::UnknownUrl(url.to_owned()));
        }
        std::fs::create_dir_all(folder)
            .map_err(|source| ObjectsError::Folder { folder: folder.to_owned(), source })?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(store), prefix: Path::default() })
    }

    /// Stores `bytes` under `key`, replacing what was there. Readers see the old or the new
    /// object, never a part.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Result<Stored, ObjectsError> {
        let bytes: Bytes = bytes.into();
        let stored =
            Stored { key: key.to_owned(), sha256: sha256(&bytes), bytes: bytes.len() as u64 };
        self.store.put(&self.path(key)?, bytes.into()).await?;
        Ok(stored)
    }

    /// Reads an object that is not larger than `bytes_max`.
    pub async fn get(&self, key: &str, bytes_max: u64) -> Result<Bytes, ObjectsError> {
        let answer = self.store.get(&self.path(key)?).await?;
        let bytes = answer.meta.size;
        if bytes > bytes_max {
            return Err(ObjectsError::TooLarge { key: key.to_owned(), bytes, bytes_max });
        }
        Ok(answer.bytes().await?)
    }

    /// Reads an object and refuses it unless it is, byte for byte, what `stored` describes.
    pub async fn get_checked(&self, stored: &Stored) -> Result<Bytes, ObjectsError> {
        let bytes = self.get(&stored.key, stored.bytes).await?;
        let found = sha256(&bytes);
        if found != stored.sha256 {
            return Err(ObjectsError::Altered {
                key: stored.key.clone(),
                expected: stored.sha256.clone(),
                found,
            });
        }
        Ok(bytes)
    }

    /// Deletes an object; one that is not there is deleted already.
    pub async fn delete(&self, key: &str) -> Result<(), ObjectsError> {
        match self.store.delete(&self.path(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn path(&self, key: &str) -> Result<Path, ObjectsError> {
        let key = Path::parse(key).map_err(|_| ObjectsError::BadKey(key.to_owned()))?;
        Ok(self.prefix.parts().chain(key.parts()).collect())
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use domain::{Classify, ErrorKind};

    use super::*;

    fn folder() -> (tempfile::TempDir, Objects) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(&format!("file://{}/new", folder.path().display())).unwrap();
        (folder, objects)
    }

    #[tokio::test]
    async fn what_is_put_is_got_until_it_is_deleted() {
        let (_folder, objects) = folder();
        let stored = objects.put("a/b c.txt", "hello").await.unwrap();
        assert_eq!(
            stored.sha256,
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
        );
        assert_eq!(objects.get("a/b c.txt", 5).await.unwrap(), "hello");
        assert_eq!(objects.get_checked(&stored).await.unwrap(), "hello");

        objects.delete("a/b c.txt").await.unwrap();
        objects.delete("a/b c.txt").await.unwrap();
        let missing = objects.get("a/b c.txt", 5).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn an_object_over_the_limit_or_altered_is_refused() {
        let (_folder, objects) = folder();
        let stored = objects.put("key", "hello").await.unwrap();
        let large = objects.get("key", 4).await.unwrap_err();
        assert_eq!(large.kind(), ErrorKind::Invalid);

        objects.put("key", "jello").await.unwrap();
        let altered = objects.get_checked(&stored).await.unwrap_err();
        assert_eq!(altered.kind(), ErrorKind::Bug);
        assert!(altered.to_string().contains("key"), "{altered}");
    }

    #[tokio::test]
    async fn a_key_never_leads_out_of_the_folder() {
        let (_folder, objects) = folder();
        for key in ["../escape", "a/../../escape", "a//b"] {
            let error = objects.put(key, "x").await.unwrap_err();
            assert!(matches!(error, ObjectsError::BadKey(_)), "{key}: {error}");
        }
    }

    #[test]
    fn only_the_two_kinds_of_url_open() {
        for url in ["", "http://bucket", "s3://", "file://relative", "/plain", "s3://b/x//y"] {
            assert!(matches!(Objects::open(url), Err(ObjectsError::UnknownUrl(_))), "{url}");
        }
        assert!(Objects::open("s3://bucket").is_ok());
        let with_prefix = Objects::open("s3://bucket/some/prefix").unwrap();
        assert_eq!(with_prefix.path("a/b").unwrap().as_ref(), "some/prefix/a/b");
    }
}
