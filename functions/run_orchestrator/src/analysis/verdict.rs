use domain::{AnalysisId, Coverage, Severity, Verdict, kinds::analysis::ManifestKept};
use queue::{AttestRequested, EmbedRequested, Message, NotifyRequested};
use serde::Serialize;
use serde_json::{Value, json};
use store::{
    Tx,
    analyses::{self, Completion, Counts, Delta, Metadata},
    findings::{self, Tally},
    runs::Fence,
};

use super::{formal, insight, security};
use crate::Error;
use crate::memory::{Work, Written, output, written};

#[derive(Serialize)]
struct Output {
    analysis_id: AnalysisId,
    verdict: Verdict,
    counts: Counts,
    insight: insight::Kept,
}

/// Judges by the findings as they stand in the table, and asks for all that follows a verdict.
pub(super) async fn write(
    tx: &Tx<'_>,
    fence: &Fence,
    work: &Work,
    seen: &insight::Found,
) -> Result<Written, Error> {
    let scanned: security::Output = output(work, "security")?;
    let tallies = findings::tally(tx, work.run().id).await?;
    let mut counts = counts(&tallies);
    counts.since_base = scanned.fixed.map(|fixed| {
        let Counts { new, existing: persisting, .. } = counts;
        Delta { new, fixed, persisting }
    });
    counts.since_previous = scanned.since_previous;
    let deciding = counts
        .deciding
        .iter()
        .flat_map(|(severity, count)| std::iter::repeat_n(*severity, *count as usize));
    let verdict = domain::judge(&scanned.gate, deciding);
    let incomplete = &scanned.incomplete;
    let (kept, told) = seen.write(tx, fence, work, &counts.deciding, incomplete).await?;
    let proved: formal::Output = output(work, "formal")?;
    let mut policy = scanned.policy;
    policy.add(&proved.policy);
    let metadata = Metadata {
        gate: scanned.gate,
        incomplete: json!(scanned.incomplete),
        formal: Some(proved.summary),
        policy: Some(policy),
        insight: told,
    };
    let done = Completion {
        verdict: Some(verdict),
        counts: &counts,
        rules_version: &scanned.rules_version,
        metadata: &metadata,
    };
    let analysis_id = analyses::complete(tx, fence, &done).await?;

    let summary = summary(work, verdict, &counts)?;
    let (org_id, run_id) = (work.run().org, work.run().id);
    let messages = vec![
        (EmbedRequested::QUEUE, EmbedRequested { org_id, run_id }.body()),
        (AttestRequested::QUEUE, AttestRequested { org_id, run_id }.body()),
        (NotifyRequested::QUEUE, NotifyRequested { org_id, run_id }.body()),
    ];
    let written = written("verdict", &Output { analysis_id, verdict, counts, insight: kept })?;
    Ok(Written { messages, summary: Some(summary), ..written })
}

pub(crate) fn counts(tallies: &[Tally]) -> Counts {
    let mut counts = Counts {
        deciding: Severity::ALL.iter().map(|severity| (*severity, 0)).collect(),
        ..Counts::default()
    };
    for Tally { severity, new, deciding, dismissed, expired, count } in tallies {
        counts.total += count;
        *if *new { &mut counts.new } else { &mut counts.existing } += count;
        if *deciding {
            *counts.deciding.entry(*severity).or_default() += count;
        }
        if *dismissed {
            counts.dismissed += count;
        }
        if *expired {
            counts.expired += count;
        }
    }
    counts
}

fn summary(work: &Work, verdict: Verdict, counts: &Counts) -> Result<Value, Error> {
    let coverage: Coverage = output(work, "parse")?;
    let manifest: ManifestKept = output(work, "manifest")?;
    Ok(json!({
        "verdict": verdict,
        "counts": counts,
        "coverage": coverage.ratio(),
        "manifest_version": manifest.version,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_is_counted_once_and_every_severity_named() {
        let tally = |severity, new, deciding, dismissed, count| Tally {
            severity,
            new,
            deciding,
            dismissed,
            expired: dismissed,
            count,
        };
        let counts = counts(&[
            tally(Severity::High, true, true, false, 2),
            tally(Severity::High, false, false, false, 3),
            tally(Severity::Low, true, false, true, 4),
        ]);
        assert_eq!((counts.new, counts.existing, counts.dismissed, counts.total), (6, 3, 4, 9));
        assert_eq!(counts.deciding.len(), Severity::ALL.len());
        assert_eq!(counts.deciding[&Severity::High], 2);
    }
}
