use startup::{Secret, SettingError};

pub struct Config {
    pub database_url: Secret,
    pub runs_queue_url: String,
    pub sync_queue_url: String,
    /// Base of the links in answers, without a final slash; none means the address that was asked.
    pub public_url: Option<String>,
    /// Hosts that repositories may be cloned from without TLS.
    pub private_git_hosts: Vec<String>,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        let hosts = startup::optional("PRIVATE_GIT_HOSTS").unwrap_or_default();
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            runs_queue_url: startup::required("RUNS_QUEUE_URL")?,
            sync_queue_url: startup::required("SYNC_QUEUE_URL")?,
            public_url: startup::optional("PUBLIC_URL")
                .map(|url| url.trim_end_matches('/').to_owned()),
            private_git_hosts: hosts
                .split(',')
                .map(|host| host.trim().to_ascii_lowercase())
                .filter(|host| !host.is_empty())
                .collect(),
        })
    }
}
