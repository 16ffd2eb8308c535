//! The `file_results` table: what came of examining a file, found again by what went into it.
//!
//! A cache: every row may vanish at any time. Rows are read and written many at a time, in the
//! order of their keys, so that two writers of the same rows wait for each other and never both.

use std::collections::BTreeSet;

use domain::OrgId;

use crate::{StoreError, Tx, corpora::sha256};

/// A larger result is not kept: the file is examined each time. As the table's CHECK has it.
pub const RESULT_BYTES_MAX: usize = 128 * 1024;

/// A result that nobody asked for is forgotten after this many days.
pub const UNUSED_DAYS_MAX: i32 = 30;

/// How many days a use may go unnoted: noting every use would write as much as was saved.
const NOTED_DAYS: i32 = 7;

/// Keys are evenly spread over their first byte, so each of these 256 parts may keep its share of
/// the quarter million results that an organisation may have. A part is counted when something is
/// written to it.
const PART_RESULTS_MAX: i64 = 1_000;

/// The sha256 of everything that a result depends on.
pub type Key = [u8; 32];

/// A result as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub key: Key,
    pub result: Vec<u8>,
    /// Its use should be noted again.
    pub fades: bool,
}

/// Those of the results that are kept, in no order.
pub async fn list(tx: &Tx<'_>, org: OrgId, keys: &[Key]) -> Result<Vec<Kept>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 32]>::as_slice).collect();
    let rows = tx
        .query(
            "SELECT key, result, used_on <= current_date - $3::integer AS fades
             FROM file_results WHERE org_id = $1 AND key = ANY ($2)",
            &[org.as_uuid(), &keys, &NOTED_DAYS],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let key = sha256(row, "file_results", "key")?;
            Ok(Kept { key, result: row.get("result"), fades: row.get("fades") })
        })
        .collect()
}

/// Keeps results, in place of what had their keys.
pub async fn keep(
    tx: &Tx<'_>,
    org: OrgId,
    mut results: Vec<(Key, &[u8])>,
) -> Result<(), StoreError> {
    results.retain(|(_, result)| result.len() <= RESULT_BYTES_MAX);
    results.sort_unstable();
    results.dedup_by_key(|(key, _)| *key);
    if results.is_empty() {
        return Ok(());
    }
    let (keys, results): (Vec<&[u8]>, Vec<&[u8]>) =
        results.iter().map(|(key, result)| (key.as_slice(), *result)).unzip();
    tx.execute(
        "INSERT INTO file_results AS kept (org_id, key, result)
         SELECT $1, new.key, new.result
         FROM unnest($2::bytea[], $3::bytea[]) AS new (key, result)
         ON CONFLICT (org_id, key) DO UPDATE SET result = excluded.result, used_on = current_date
         WHERE kept.result <> excluded.result",
        &[org.as_uuid(), &keys, &results],
    )
    .await?;
    forget_excess(tx, org, &keys).await
}

/// Of each part that something was written to, forgets what is too much, the longest unused first.
async fn forget_excess(tx: &Tx<'_>, org: OrgId, written: &[&[u8]]) -> Result<(), StoreError> {
    let parts: BTreeSet<u8> = written.iter().filter_map(|key| key.first().copied()).collect();
    let (firsts, lasts): (Vec<[u8; 32]>, Vec<[u8; 32]>) = parts
        .into_iter()
        .map(|part| {
            let (mut first, mut last) = ([0; 32], [0xff; 32]);
            (first[0], last[0]) = (part, part);
            (first, last)
        })
        .unzip();
    let bounds =
        |keys: &[[u8; 32]]| -> Vec<Vec<u8>> { keys.iter().map(|key| key.to_vec()).collect() };
    tx.execute(
        "DELETE FROM file_results
         WHERE org_id = $1 AND key = ANY (ARRAY(
             SELECT key FROM file_results WHERE org_id = $1 AND key = ANY (ARRAY(
                 SELECT excess.key
                 FROM unnest($2::bytea[], $3::bytea[]) AS part (first, last)
                 CROSS JOIN LATERAL (
                     SELECT r.key FROM file_results r
                     WHERE r.org_id = $1 AND r.key BETWEEN part.first AND part.last
                     ORDER BY r.used_on DESC, r.key OFFSET $4) AS excess))
             FOR UPDATE SKIP LOCKED))",
        &[org.as_uuid(), &bounds(&firsts), &bounds(&lasts), &PART_RESULTS_MAX],
    )
    .await?;
    Ok(())
}

/// Notes that results were used, so that they stay. One that somebody else holds is theirs to note.
pub async fn note_use(tx: &Tx<'_>, org: OrgId, keys: &[Key]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 32]>::as_slice).collect();
    tx.execute(
        "UPDATE file_results SET used_on = current_date
         WHERE org_id = $1 AND key = ANY (ARRAY(
             SELECT key FROM file_results WHERE org_id = $1 AND key = ANY ($2)
             FOR UPDATE SKIP LOCKED))",
        &[org.as_uuid(), &keys],
    )
    .await?;
    Ok(())
}
