//! The `custom_rules` table: rules that customers write, and the sets of them that ran.
//!
//! A rule is of its organisation or of one repository; where both have one of a name, the
//! repository's counts, also when it is there to switch the other off.

use domain::{AnalysisId, CustomRuleId, OrgId, RepositoryId, RuleType, Severity};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    page::{Page, follows},
    rows::parse,
    runs::Fence,
};

const COLUMNS: &str =
    "c.id, c.org_id, c.repo_id, c.name, c.description, c.rule_type, c.rule_config, c.severity,
     c.enabled, c.version, c.created_at, c.updated_at";

#[derive(Debug, Clone)]
pub struct StoredRule {
    pub id: CustomRuleId,
    pub org: OrgId,
    /// None: of the organisation.
    pub repository: Option<RepositoryId>,
    /// The id that its author gave it.
    pub name: String,
    pub description: Option<String>,
    pub rule_type: RuleType,
    /// The whole rule as it is written, but for whether it is enabled.
    pub config: Value,
    pub severity: Severity,
    pub enabled: bool,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl StoredRule {
    /// The rule as its author would write it now.
    pub fn written(&self) -> Value {
        let mut rule = self.config.clone();
        if let Value::Object(fields) = &mut rule {
            fields.insert("enabled".to_owned(), self.enabled.into());
        }
        rule
    }
}

impl TryFrom<&Row> for StoredRule {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: CustomRuleId::new(row.get("id")),
            org: OrgId::new(row.get("org_id")),
            repository: row.get::<_, Option<_>>("repo_id").map(RepositoryId::new),
            name: row.get("name"),
            description: row.get("description"),
            rule_type: parse(row, "custom_rules", "rule_type")?,
            config: row.get("rule_config"),
            severity: parse(row, "custom_rules", "severity")?,
            enabled: row.get("enabled"),
            version: row.get("version"),
            created_at: row.get("created_at"),
            updated_at: row.get("updated_at"),
        })
    }
}

/// What an author decides about a rule.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub rule_type: RuleType,
    pub config: &'a Value,
    pub severity: Severity,
    pub enabled: bool,
}

/// Keeps others from adding rules to the organisation until this transaction ends: two at once
/// would both be the last that is allowed.
pub async fn lock(tx: &Tx<'_>, org: OrgId) -> Result<(), StoreError> {
    tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('custom_rules ' || $1::text, 0))",
        &[&org.to_string()],
    )
    .await?;
    Ok(())
}

/// How many rules a repository, or the organisation itself, has.
pub async fn count(tx: &Tx<'_>, repository: Option<RepositoryId>) -> Result<i64, StoreError> {
    let repository = repository.map(|id| *id.as_uuid());
    let row = tx
        .query_one(
            "SELECT count(*) AS count FROM custom_rules WHERE repo_id IS NOT DISTINCT FROM $1",
            &[&repository],
        )
        .await?;
    Ok(row.get("count"))
}

/// `None`: there is a rule of this name already.
pub async fn insert(
    tx: &Tx<'_>,
    org: OrgId,
    repository: Option<RepositoryId>,
    new: &Content<'_>,
) -> Result<Option<StoredRule>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "INSERT INTO custom_rules AS c (org_id, repo_id, name, description, rule_type,
                                                rule_config, severity, enabled, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
                 ON CONFLICT DO NOTHING RETURNING {COLUMNS}"
            ),
            &[
                org.as_uuid(),
                &repository.map(|id| *id.as_uuid()),
                &new.name,
                &new.description,
                &new.rule_type.as_str(),
                new.config,
                &new.severity.as_str(),
                &new.enabled,
            ],
        )
        .await?;
    row.as_ref().map(StoredRule::try_from).transpose()
}

/// What came of a change.
#[derive(Debug)]
pub enum Updated {
    Done(Box<StoredRule>),
    Gone,
    /// Another rule has the name.
    NameTaken,
}

/// Writes what the author decided; what says the same as before counts as no version.
pub async fn update(
    tx: &Tx<'_>,
    id: CustomRuleId,
    content: &Content<'_>,
) -> Result<Updated, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "UPDATE custom_rules c
                 SET name = $2, description = $3, rule_type = $4, rule_config = $5, severity = $6,
                     enabled = $7, updated_at = clock_timestamp(),
                     version = c.version + (c.rule_config IS DISTINCT FROM $5)::integer
                 WHERE c.id = $1 AND NOT EXISTS (
                     SELECT FROM custom_rules o
                     WHERE o.name = $2 AND o.id <> $1 AND o.repo_id IS NOT DISTINCT FROM c.repo_id)
                 RETURNING {COLUMNS}"
            ),
            &[
                id.as_uuid(),
                &content.name,
                &content.description,
                &content.rule_type.as_str(),
                content.config,
                &content.severity.as_str(),
                &content.enabled,
            ],
        )
        .await?;
    match row {
        Some(row) => Ok(Updated::Done(Box::new(StoredRule::try_from(&row)?))),
        None if find(tx, id).await?.is_none() => Ok(Updated::Gone),
        None => Ok(Updated::NameTaken),
    }
}

/// Switches a rule on or off. `None`: there is no such rule.
pub async fn set_enabled(
    tx: &Tx<'_>,
    id: CustomRuleId,
    enabled: bool,
) -> Result<Option<StoredRule>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "UPDATE custom_rules c SET enabled = $2, updated_at = clock_timestamp()
                 WHERE c.id = $1 RETURNING {COLUMNS}"
            ),
            &[id.as_uuid(), &enabled],
        )
        .await?;
    row.as_ref().map(StoredRule::try_from).transpose()
}

pub async fn find(tx: &Tx<'_>, id: CustomRuleId) -> Result<Option<StoredRule>, StoreError> {
    let row = tx
        .query_opt(
            &format!("SELECT {COLUMNS} FROM custom_rules c WHERE c.id = $1"),
            &[id.as_uuid()],
        )
        .await?;
    row.as_ref().map(StoredRule::try_from).transpose()
}

/// Reads a rule and keeps others from changing it until this transaction ends.
pub async fn find_locked(tx: &Tx<'_>, id: CustomRuleId) -> Result<Option<StoredRule>, StoreError> {
    let row = tx
        .query_opt(
            &format!("SELECT {COLUMNS} FROM custom_rules c WHERE c.id = $1 FOR NO KEY UPDATE"),
            &[id.as_uuid()],
        )
        .await?;
    row.as_ref().map(StoredRule::try_from).transpose()
}

/// The rule of this name that a repository, or the organisation itself, has.
pub async fn find_named(
    tx: &Tx<'_>,
    repository: Option<RepositoryId>,
    name: &str,
) -> Result<Option<StoredRule>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "SELECT {COLUMNS} FROM custom_rules c
                 WHERE c.repo_id IS NOT DISTINCT FROM $1 AND c.name = $2"
            ),
            &[&repository.map(|id| *id.as_uuid()), &name],
        )
        .await?;
    row.as_ref().map(StoredRule::try_from).transpose()
}

/// Which rules a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub repository: Option<RepositoryId>,
    pub rule_type: Option<RuleType>,
    pub enabled: Option<bool>,
}

/// Newest first.
pub async fn list(tx: &Tx<'_>, filter: Filter, page: Page) -> Result<Vec<StoredRule>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM custom_rules c
                 WHERE {}
                   AND ($3::uuid IS NULL OR c.repo_id = $3)
                   AND ($4::text IS NULL OR c.rule_type = $4)
                   AND ($5::boolean IS NULL OR c.enabled = $5)
                 ORDER BY c.created_at DESC, c.id DESC
                 LIMIT $2",
                follows("custom_rules", "c")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.rule_type.map(RuleType::as_str),
                &filter.enabled,
            ],
        )
        .await?;
    rows.iter().map(StoredRule::try_from).collect()
}

/// Every rule of one owner, by name.
pub async fn list_all(
    tx: &Tx<'_>,
    repository: Option<RepositoryId>,
) -> Result<Vec<StoredRule>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM custom_rules c
                 WHERE c.repo_id IS NOT DISTINCT FROM $1 ORDER BY c.name"
            ),
            &[&repository.map(|id| *id.as_uuid())],
        )
        .await?;
    rows.iter().map(StoredRule::try_from).collect()
}

/// The rules that run over a repository, by name: its own, and those of its organisation of
/// whose name it has none.
pub async fn list_effective(
    tx: &Tx<'_>,
    repository: RepositoryId,
) -> Result<Vec<StoredRule>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT * FROM (
                     SELECT DISTINCT ON (c.name) {COLUMNS} FROM custom_rules c
                     WHERE c.repo_id IS NULL OR c.repo_id = $1
                     ORDER BY c.name, c.repo_id NULLS LAST) c
                 WHERE c.enabled"
            ),
            &[repository.as_uuid()],
        )
        .await?;
    rows.iter().map(StoredRule::try_from).collect()
}

/// `false`: there is no such rule. What it found stays.
pub async fn delete(tx: &Tx<'_>, id: CustomRuleId) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM custom_rules WHERE id = $1", &[id.as_uuid()]).await? == 1)
}

/// Keeps the rules that a run's results stand on, and notes at the run's analysis which they are.
pub async fn record_set(
    tx: &Tx<'_>,
    fence: &Fence,
    hash: &str,
    rules: &Value,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO custom_rule_sets (org_id, hash, rules)
         SELECT r.org_id, $2::text, $3 FROM runs r WHERE r.id = $1
         ON CONFLICT DO NOTHING",
        &[fence.run().as_uuid(), &hash, rules],
    )
    .await?;
    tx.execute(
        "UPDATE analyses
         SET metadata = metadata || jsonb_build_object('custom_rules', $2::text),
             updated_at = clock_timestamp()
         WHERE run_id = $1",
        &[fence.run().as_uuid(), &hash],
    )
    .await?;
    Ok(())
}

/// The rules of a set that ran once.
pub async fn find_set(tx: &Tx<'_>, hash: &str) -> Result<Option<Value>, StoreError> {
    let row = tx.query_opt("SELECT rules FROM custom_rule_sets WHERE hash = $1", &[&hash]).await?;
    Ok(row.map(|row| row.get("rules")))
}

/// The hash and the rules of the set that an analysis stands on. `None`: it ran none.
pub async fn find_set_of(
    tx: &Tx<'_>,
    analysis: AnalysisId,
) -> Result<Option<(String, Value)>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT s.hash, s.rules FROM analyses a
             JOIN custom_rule_sets s ON s.org_id = a.org_id
                  AND s.hash = a.metadata ->> 'custom_rules'
             WHERE a.id = $1",
            &[analysis.as_uuid()],
        )
        .await?;
    Ok(row.map(|row| (row.get("hash"), row.get("rules"))))
}
