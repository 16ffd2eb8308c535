//! Which findings the scan of the same branch before had, too.
//!
//! Shards look at their own files, and a finding may have moved from one's into another's: so it is
//! only asked when all of them are there, and the answer does not depend on how many there were.

use std::collections::{HashMap, HashSet};

use domain::{Fingerprint, Sighting, pair};
use store::{
    Tx,
    analyses::Analysis,
    codebase_scans::{self, Changes},
    dispositions::{self, Dismissed},
    finding_lineages,
    findings::{self, Continued, Known},
    runs::Fence,
};

use crate::Error;

/// Compares with the scan that was completed last, and notes what goes on. None: there is no such
/// scan, so all is new. `unread` are the files that were not read to the end this time.
pub(super) async fn write(
    tx: &Tx<'_>,
    fence: &Fence,
    analysis: &Analysis,
    unread: &HashSet<&str>,
) -> Result<Option<Changes>, Error> {
    let Some((since, last)) = codebase_scans::find_last(tx, fence.run()).await? else {
        return Ok(None);
    };
    let repository = analysis.repository.ok_or(Error::Incomplete("repository"))?;
    let old = findings::list_known(tx, last).await?;
    let found = findings::list_known(tx, analysis.id).await?;
    let old_of = pair(&sightings(&old), &sightings(&found), &HashMap::new());
    let dismissed = dispositions::list_dismissed(tx, repository).await?;
    let dismissed: HashMap<&Fingerprint, &Dismissed> =
        dismissed.iter().map(|one| (&one.fingerprint, one)).collect();
    let mut names: HashSet<&Fingerprint> = found.iter().map(|one| &one.lineage).collect();
    let mut continued = Vec::new();
    for (now, before) in found.iter().zip(&old_of) {
        let Some(before) = before.map(|index| &old[index]) else { continue };
        continued.push(go_on(now, before, &mut names, &dismissed));
    }
    let later: Vec<_> =
        continued.iter().filter_map(|one| Some((one.fingerprint, one.lineage?))).collect();
    finding_lineages::insert_all(tx, analysis.org, repository, &later).await?;
    findings::carry_on(tx, fence, &continued).await?;
    Ok(Some(changes(since, &old, &old_of, unread)))
}

fn sightings(known: &[Known]) -> Vec<Sighting<'_>> {
    known.iter().map(Sighting::from).collect()
}

/// A finding keeps the name under which it was first known, unless another one has it by now; and
/// with the name what people decided.
fn go_on<'a>(
    now: &'a Known,
    before: &'a Known,
    names: &mut HashSet<&'a Fingerprint>,
    dismissed: &HashMap<&Fingerprint, &'a Dismissed>,
) -> Continued<'a> {
    let is_later = now.lineage == now.fingerprint && before.lineage != now.fingerprint;
    let lineage = (is_later && names.insert(&before.lineage)).then_some(&before.lineage);
    let decision = lineage.and_then(|lineage| dismissed.get(lineage)).copied();
    let holds = decision.filter(|decision| decision.expired_at.is_none());
    Continued {
        fingerprint: &now.fingerprint,
        lineage,
        dismissed: holds.map(|held| (held.decided_by.as_str(), held.reason.as_str())),
        expired: decision.and_then(Dismissed::expired),
    }
}

fn changes(
    since: domain::CodebaseScanId,
    old: &[Known],
    old_of: &[Option<usize>],
    unread: &HashSet<&str>,
) -> Changes {
    let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    let continued: HashSet<usize> = old_of.iter().flatten().copied().collect();
    let gone = old.iter().enumerate().filter(|(index, _)| !continued.contains(index));
    let (not_checked, fixed): (Vec<_>, Vec<_>) =
        gone.partition(|(_, known)| unread.contains(known.path.as_str()));
    Changes {
        since,
        new: count(old_of.len() - continued.len()),
        persisting: count(continued.len()),
        fixed: count(fixed.len()),
        not_checked: count(not_checked.len()),
    }
}

#[cfg(test)]
mod tests {
    use domain::CodebaseScanId;
    use uuid::Uuid;

    use super::*;

    fn known(path: &str, code: &str) -> Known {
        let fingerprint = Fingerprint::of("rule", path, "", code, 0);
        let lineage = fingerprint.clone();
        Known {
            rule: "rule".into(),
            path: path.into(),
            fingerprint,
            trail: None,
            lineage,
            demoted: false,
        }
    }

    #[test]
    fn every_finding_of_both_scans_is_counted_once() {
        let old = ["a", "b", "c", "d"].map(|path| known(path, "x"));
        let unread = HashSet::from(["d", "elsewhere"]);
        // The first goes on as the second; one is new; of the others one was not looked at.
        let counted = changes(CodebaseScanId::new(Uuid::nil()), &old, &[None, Some(0)], &unread);
        let Changes { new, persisting, fixed, not_checked, .. } = counted;
        assert_eq!((new, persisting, fixed, not_checked), (1, 1, 2, 1));
    }

    #[test]
    fn a_name_has_one_heir() {
        let (before, first, second) = (known("a", "x"), known("b", "x"), known("c", "x"));
        let mut names: HashSet<&Fingerprint> =
            [&first, &second].into_iter().map(|one| &one.lineage).collect();
        let none = HashMap::new();
        let heir = go_on(&first, &before, &mut names, &none);
        assert_eq!(heir.lineage, Some(&before.lineage));
        assert_eq!(go_on(&second, &before, &mut names, &none).lineage, None);
        let same = go_on(&before, &before, &mut names, &none);
        assert_eq!(same.lineage, None, "it is its own");
    }
}
