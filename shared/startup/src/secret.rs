use std::{sync::Arc, time::Duration};

use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use domain::{Classify, ErrorKind};
use secrecy::SecretString;
use tokio::sync::RwLock;

const ARN_PREFIX: &str = "arn:aws";
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// A secret setting: a literal value, or where Secrets Manager keeps it.
#[derive(Clone)]
pub struct Secret {
    name: &'static str,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Literal(SecretString),
    Stored { arn: String, fetched: Arc<RwLock<Option<SecretString>>> },
}

impl Secret {
    pub(crate) fn new(name: &'static str, value: String) -> Self {
        let source = if value.starts_with(ARN_PREFIX) && value.contains(":secretsmanager:") {
            Source::Stored { arn: value, fetched: Arc::default() }
        } else {
            Source::Literal(value.into())
        };
        Self { name, source }
    }

    /// A secret whose value is known, for tests and command lines.
    pub fn literal(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, source: Source::Literal(SecretString::from(value.into())) }
    }

    /// The value; the first call may ask Secrets Manager, later ones remember.
    pub async fn reveal(&self) -> Result<SecretString, SecretError> {
        let (arn, fetched) = match &self.source {
            Source::Literal(value) => return Ok(value.clone()),
            Source::Stored { arn, fetched } => (arn, fetched),
        };
        if let Some(value) = fetched.read().await.as_ref() {
            return Ok(value.clone());
        }
        let mut slot = fetched.write().await;
        if let Some(value) = slot.as_ref() {
            return Ok(value.clone());
        }
        let value = self.fetch(arn).await?;
        *slot = Some(value.clone());
        Ok(value)
    }

    /// Forgets a fetched value, so that the next `reveal` sees a rotated one.
    pub async fn forget(&self) {
        if let Source::Stored { fetched, .. } = &self.source {
            *fetched.write().await = None;
        }
    }

    async fn fetch(&self, arn: &str) -> Result<SecretString, SecretError> {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder().operation_timeout(FETCH_TIMEOUT).build();
        let config = aws_config::from_env().http_client(http).timeout_config(timeouts).load().await;
        let answer = aws_sdk_secretsmanager::Client::new(&config)
            .get_secret_value()
            .secret_id(arn)
            .send()
            .await
            .map_err(|error| SecretError::Unreachable {
                name: self.name,
                source: Box::new(error),
            })?;
        answer
            .secret_string()
            .filter(|value| !value.is_empty())
            .map(SecretString::from)
            .ok_or(SecretError::Empty(self.name))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.name)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the secret that {name} names cannot be fetched")]
    Unreachable {
        name: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the secret that {0} names holds no text")]
    Empty(&'static str),
}

impl Classify for SecretError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } => ErrorKind::Unavailable,
            Self::Empty(_) => ErrorKind::Bug,
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn a_literal_is_its_own_value_and_stays_out_of_debug_output() {
        let secret = Secret::new("A_SECRET", "hunter2".into());
        assert_eq!(secret.reveal().await.unwrap().expose_secret(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[test]
    fn an_arn_is_where_the_secret_is_and_not_the_secret() {
        let arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:db-AbCdEf";
        assert!(matches!(Secret::new("A_SECRET", arn.into()).source, Source::Stored { .. }));
    }
}
