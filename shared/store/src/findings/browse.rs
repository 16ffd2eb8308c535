//! Findings as people page through them.

use domain::{
    AnalysisId, Category, FindingId, Fingerprint, Ground, LineRange, RepositoryId, Severity,
    SnippetHash, Trail, VerificationType,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio_postgres::Row;

use super::{Expired, Proof};
use crate::{
    Page, StoreError, Tx,
    rows::{corrupt, parse, parse_opt},
};

/// A dismissal that has expired is none, whatever the projection in the finding's row says.
const COLUMNS: &str = "f.id, f.analysis_id, f.repo_id, f.rule_id, f.fingerprint, f.category,
     f.severity, f.title, f.description, f.file_path, f.line_start, f.line_end, f.code_snippet,
     f.snippet_hash, f.fix_suggestion, f.fix_diff, f.confidence, f.verification_type,
     f.verification_proof, f.state, f.deciding, f.metadata, f.dismissed_by, f.dismissed_reason,
     f.created_at, f.lineage, f.trail, d.expires_at AS dismissed_until, d.ground, d.owner,
     d.created_at AS dismissed_at,
     f.dismissed AND coalesce(d.expires_at > now(), true) AS dismissed";

const FROM: &str = "findings f LEFT JOIN LATERAL (
         SELECT d.expires_at, d.ground, d.owner, d.created_at FROM finding_dispositions d
         WHERE f.dismissed AND d.repo_id = f.repo_id
           AND coalesce(d.lineage, d.fingerprint) IN (f.lineage, f.fingerprint)
         ORDER BY d.created_at DESC, d.id DESC LIMIT 1
     ) d ON true";

/// A finding with everything that is known about it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub id: FindingId,
    pub analysis: AnalysisId,
    pub repository: RepositoryId,
    pub rule: String,
    pub fingerprint: Fingerprint,
    /// The fingerprint under which it was first known.
    pub lineage: Fingerprint,
    /// By which it is known again elsewhere.
    pub trail: Option<Trail>,
    pub category: Category,
    pub severity: Severity,
    pub title: String,
    pub description: Option<String>,
    pub path: String,
    pub lines: LineRange,
    pub snippet: Option<String>,
    pub snippet_hash: SnippetHash,
    pub fix_suggestion: Option<String>,
    pub fix_diff: Option<String>,
    pub confidence: f64,
    pub verification: VerificationType,
    pub proof: Option<Proof>,
    /// `new` or `existing`.
    pub state: String,
    pub deciding: bool,
    pub tags: Tags,
    pub dismissal: Option<Dismissal>,
    pub created_at: Timestamp,
}

/// What a finding's `metadata` holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Tags {
    pub cwe: Vec<String>,
    pub owasp: Vec<String>,
    pub demoted: bool,
    /// The tool that found it, if it was not us.
    pub tool: Option<String>,
    pub dismissal_expired: Option<Expired>,
}

#[derive(Debug, Clone)]
pub struct Dismissal {
    pub by: Option<String>,
    pub reason: Option<String>,
    pub ground: Option<Ground>,
    pub owner: Option<String>,
    pub at: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// Which findings a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub severity: Option<Severity>,
    pub state: Option<&'a str>,
    pub rule: Option<&'a str>,
    /// A file, or a folder with everything in it.
    pub path: Option<&'a str>,
    pub dismissed: Option<bool>,
    /// A tool whose log was imported.
    pub tool: Option<&'a str>,
}

/// The gravest first, then by place; in the same place by fingerprint, so that the order is that of
/// the findings and not that in which they were written.
pub async fn list(
    tx: &Tx<'_>,
    analysis: AnalysisId,
    filter: &Filter<'_>,
    page: Page,
) -> Result<Vec<Shown>, StoreError> {
    const GRAVEST_FIRST: &str =
        "array_position('{critical,high,medium,low,info}'::text[], severity)";
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM {FROM}
                 WHERE f.analysis_id = $3
                   AND ($1::uuid IS NULL
                        OR ({GRAVEST_FIRST}, f.file_path, f.line_start, f.fingerprint)
                           > (SELECT {GRAVEST_FIRST}, c.file_path, c.line_start, c.fingerprint
                              FROM findings c WHERE c.id = $1))
                   AND ($4::text IS NULL OR f.severity = $4)
                   AND ($5::text IS NULL OR f.state = $5)
                   AND ($6::text IS NULL OR f.rule_id = $6)
                   AND ($7::text IS NULL OR f.file_path = $7
                        OR starts_with(f.file_path, rtrim($7, '/') || '/'))
                   AND ($8::boolean IS NULL
                        OR (f.dismissed AND coalesce(d.expires_at > now(), true)) = $8)
                   AND ($9::text IS NULL OR f.metadata ->> 'tool' = $9)
                 ORDER BY {GRAVEST_FIRST}, f.file_path, f.line_start, f.fingerprint
                 LIMIT $2"
            ),
            &[
                &page.after,
                &page.limit,
                analysis.as_uuid(),
                &filter.severity.map(Severity::as_str),
                &filter.state,
                &filter.rule,
                &filter.path,
                &filter.dismissed,
                &filter.tool,
            ],
        )
        .await?;
    rows.iter().map(Shown::try_from).collect()
}

pub async fn find(tx: &Tx<'_>, id: FindingId) -> Result<Option<Shown>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM {FROM} WHERE f.id = $1"), &[id.as_uuid()])
        .await?;
    row.as_ref().map(Shown::try_from).transpose()
}

impl TryFrom<&Row> for Shown {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let line = |column: &'static str| {
            u32::try_from(row.get::<_, i32>(column)).map_err(corrupt("findings", column))
        };
        let tags = serde_json::from_value(row.get::<_, Value>("metadata"))
            .map_err(corrupt("findings", "metadata"))?;
        let ground = parse_opt(row, "finding_dispositions", "ground")?;
        let dismissal = row.get::<_, bool>("dismissed").then(|| Dismissal {
            by: row.get("dismissed_by"),
            reason: row.get("dismissed_reason"),
            ground,
            owner: row.get("owner"),
            at: row.get("dismissed_at"),
            until: row.get("dismissed_until"),
        });
        Ok(Self {
            id: FindingId::new(row.get("id")),
            analysis: AnalysisId::new(row.get("analysis_id")),
            repository: RepositoryId::new(row.get("repo_id")),
            rule: row.get("rule_id"),
            fingerprint: Fingerprint::stored(row.get("fingerprint")),
            lineage: Fingerprint::stored(
                row.get::<_, Option<_>>("lineage").unwrap_or_else(|| row.get("fingerprint")),
            ),
            trail: row.get::<_, Option<String>>("trail").map(Trail::stored),
            category: parse(row, "findings", "category")?,
            severity: parse(row, "findings", "severity")?,
            title: row.get("title"),
            description: row.get("description"),
            path: row.get("file_path"),
            lines: LineRange { first: line("line_start")?, last: line("line_end")? },
            snippet: row.get("code_snippet"),
            snippet_hash: SnippetHash::stored(row.get("snippet_hash")),
            fix_suggestion: row.get("fix_suggestion"),
            fix_diff: row.get("fix_diff"),
            confidence: row.get("confidence"),
            verification: parse(row, "findings", "verification_type")?,
            proof: Proof::stored(row)?,
            state: row.get("state"),
            deciding: row.get("deciding"),
            tags,
            dismissal,
            created_at: row.get("created_at"),
        })
    }
}
