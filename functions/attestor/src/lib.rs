//! Signs what an analysis found: `attest_requested` in, an attestation and a badge out.
//!
//! Reading, signing and writing are three things, because a signature may take a while and must
//! not hold a transaction open. The insert decides: an analysis has one attestation, and an
//! attestation one successor, so of two that signed at once one is written and the other begins
//! again on top of it.

mod error;
mod record;
mod write;

use std::time::Instant;

use domain::{AttestationId, Tier};
use queue::{AttestRequested, Message};
use signing::{Signer, SignerSetting};
use startup::{ExposeSecret, Secret, SettingError};
use store::{Database, Session, outbox};
use tokio::sync::OnceCell;
use uuid::Uuid;

use record::Record;
use write::Written;

pub use error::Error;

/// How often one message is tried when others attest the same repository at the same time; after
/// that the queue delivers it again.
const ATTEMPTS_MAX: u32 = 4;

pub struct Config {
    pub database_url: Secret,
    pub signing_key: SignerSetting,
    /// Where this installation publishes; statements name their parts by it.
    pub public_url: String,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            signing_key: startup::parsed("SIGNING_KEY")?,
            public_url: startup::required("PUBLIC_URL")?,
        })
    }
}

/// What signing stands on; made once, opened when first used.
pub struct Deps {
    config: Config,
    database: OnceCell<Database>,
    signer: OnceCell<Signer>,
}

impl Deps {
    pub fn new(config: Config) -> Self {
        Self { config, database: OnceCell::new(), signer: OnceCell::new() }
    }

    /// With a database that is open already.
    pub fn with_database(config: Config, database: Database) -> Self {
        Self { database: OnceCell::new_with(Some(database)), ..Self::new(config) }
    }

    async fn session(&self) -> Result<Session, Error> {
        let open = async || {
            let url = self.config.database_url.reveal().await?;
            Ok::<_, Error>(Database::open(url.expose_secret())?)
        };
        Ok(self.database.get_or_try_init(open).await?.session().await?)
    }

    async fn signer(&self) -> Result<&Signer, Error> {
        let open = async || Signer::open(&self.config.signing_key).await;
        Ok(self.signer.get_or_try_init(open).await?)
    }
}

pub async fn handle(deps: &Deps, message: AttestRequested) -> Result<(), Error> {
    let started = Instant::now();
    // Boxed: the compiler's limit for futures within futures is near.
    let Some((id, tier)) = Box::pin(attest(deps, message)).await? else {
        tracing::info!("was attested before");
        return Ok(());
    };
    let took = started.elapsed();
    let duration_ms = took.as_millis() as u64;
    tracing::info!(attestation.id = %id, tier = tier.as_str(), duration_ms, "attested");
    startup::count("assay.attestations", 1, &[("tier", tier.as_str())]);
    startup::measure("assay.attestor.duration", took, &[]);
    Ok(())
}

/// `None`: there was nothing to do.
async fn attest(
    deps: &Deps,
    message: AttestRequested,
) -> Result<Option<(AttestationId, Tier)>, Error> {
    for _ in 0..ATTEMPTS_MAX {
        let Some(record) = read(deps, message).await? else { return Ok(None) };
        let id = AttestationId::new(Uuid::now_v7());
        let statements = signing::statements(&record.attested(id, &deps.config.public_url));
        let signer = deps.signer().await?;
        let envelope = signing::sign(signer, statements.summary).await?;

        let mut session = deps.session().await?;
        let tx = session.begin(message.org_id).await?;
        match write::write(&tx, &record, id, signer, &envelope, &statements.detail).await? {
            Written::Attested => {
                tx.commit().await?;
                return Ok(Some((id, record.tier)));
            }
            Written::Overtaken => {}
        }
    }
    Err(Error::Overtaken)
}

/// `None`: there is an attestation of this analysis already.
async fn read(deps: &Deps, message: AttestRequested) -> Result<Option<Record>, Error> {
    let mut session = deps.session().await?;
    let tx = session.begin(message.org_id).await?;
    outbox::received(&tx, AttestRequested::QUEUE.as_str(), message.run_id).await?;
    let record = record::read(&tx, message.run_id).await?;
    tx.commit().await?;
    Ok(record)
}
