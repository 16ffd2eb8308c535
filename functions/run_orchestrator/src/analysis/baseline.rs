//! What became of the findings of the base and of the push before: which go on, which are new,
//! and which are gone. Pure, so that it can be tried on anything.

use std::collections::{HashMap, HashSet};

use domain::{ChangedFile, Finding, Fingerprint, Gate, LineRange, Sighting, pair};
use store::{
    analyses::Delta,
    dispositions::Dismissed,
    findings::{Judged, Known},
};

/// What was there before a commit.
pub(crate) struct Before<'a> {
    /// None: there is nothing to compare with, so all is new.
    pub(crate) changes: Option<&'a [ChangedFile]>,
    pub(crate) base: Option<Base<'a>>,
    /// Of the analysis of the same pull request before.
    pub(crate) previous: Option<Vec<Known>>,
    /// What present fingerprints were called before their findings moved.
    pub(crate) lineages: HashMap<Fingerprint, Fingerprint>,
    pub(crate) dismissed: Vec<Dismissed>,
}

/// The findings in those files of the base that are not the same at the head, or stand among
/// others that are not.
pub(crate) struct Base<'a> {
    pub(crate) findings: &'a [Finding],
    pub(crate) examined: HashSet<&'a str>,
    /// Files of which not all is known; for them the changed lines decide.
    pub(crate) unread: HashSet<&'a str>,
}

#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) judged: Vec<Judged>,
    /// Findings of the base that are gone; none if the base is not known.
    pub(crate) fixed: Option<u32>,
    pub(crate) since_previous: Option<Delta>,
}

/// Says of each finding whether it is new, dismissed, and counts.
pub(crate) fn compare(found: &[Finding], before: &Before<'_>, gate: &Gate) -> Compared {
    let files = Files::of(before.changes);
    let heads: Vec<Sighting<'_>> = found
        .iter()
        .map(|finding| Sighting { touched: files.touch(finding), ..Sighting::from(finding) })
        .collect();
    let renamed = files.renamed();
    let base: Vec<Sighting<'_>> =
        before.base.iter().flat_map(|base| base.findings.iter().map(Sighting::from)).collect();
    // What stands in files that did not change goes on without a question, unless what is read
    // together with them did.
    let is_compared = |finding: &Finding| {
        let examined = before.base.as_ref().map(|base| &base.examined);
        files.changed(finding) || examined.is_some_and(|all| all.contains(finding.path.as_str()))
    };
    let compared: Vec<usize> = (0..found.len()).filter(|one| is_compared(&found[*one])).collect();
    let changed: Vec<Sighting<'_>> = compared.iter().map(|one| heads[*one]).collect();
    let mut from_base = vec![None; found.len()];
    for (index, old) in compared.iter().zip(pair(&base, &changed, &renamed)) {
        from_base[*index] = old;
    }
    let previous: Option<Vec<Sighting<'_>>> =
        before.previous.as_ref().map(|known| known.iter().map(Sighting::from).collect());
    let from_previous = match &previous {
        Some(previous) => pair(previous, &heads, &renamed),
        None => vec![None; found.len()],
    };
    let lineages = lineages(found, before, &from_base, &from_previous);
    let dismissals = Dismissals::of(&before.dismissed);
    let judged = found.iter().enumerate().map(|(index, finding)| {
        let new = files.is_new(finding, from_base[index].is_some(), before.base.as_ref());
        let (lineage, names) = &lineages[index];
        let dismissal = dismissals.find(names);
        judge(finding, &files, new, lineage.clone(), dismissal, gate)
    });
    Compared {
        judged: judged.collect(),
        fixed: before.base.as_ref().map(|_| gone(base.len(), &from_base)),
        since_previous: previous.map(|previous| {
            let persisting = count(from_previous.iter().flatten().count());
            Delta {
                new: count(found.len()) - persisting,
                fixed: gone(previous.len(), &from_previous),
                persisting,
            }
        }),
    }
}

impl Base<'_> {
    /// Whether all is known of the finding's file as it was at the base, under the same name.
    fn has(&self, finding: &Finding) -> bool {
        let path = finding.path.as_str();
        self.examined.contains(path) && !self.unread.contains(path)
    }
}

fn gone(of: usize, continued: &[Option<usize>]) -> u32 {
    count(of - continued.iter().flatten().count())
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

fn judge(
    finding: &Finding,
    files: &Files<'_>,
    new: bool,
    lineage: Option<Fingerprint>,
    dismissal: Option<&Dismissed>,
    gate: &Gate,
) -> Judged {
    let mut finding = finding.clone();
    finding.demoted &= !files.exempt_themselves(&finding);
    let holds = dismissal.filter(|dismissal| dismissal.expired_at.is_none());
    let expired = dismissal.and_then(Dismissed::expired);
    let deciding = new && holds.is_none() && gate.counts(&finding);
    let dismissed = holds.map(|held| (held.decided_by.clone(), held.reason.clone()));
    Judged { finding, new, deciding, dismissed, lineage, expired, proof: None }
}

/// A finding's first fingerprint where that is another one, and the names under which people may
/// have decided about it.
type Lineage = (Option<Fingerprint>, Vec<Fingerprint>);

/// Who goes on as whom. One lineage has one heir: a second finding that would have it too, such
/// as a copy in front of the original, begins one of its own.
fn lineages(
    found: &[Finding],
    before: &Before<'_>,
    from_base: &[Option<usize>],
    from_previous: &[Option<usize>],
) -> Vec<Lineage> {
    let first_name = |of: &Fingerprint| before.lineages.get(of).unwrap_or(of).clone();
    let inherited = |index: usize| {
        let previous = from_previous[index].zip(before.previous.as_ref());
        let base = from_base[index].zip(before.base.as_ref());
        previous
            .map(|(old, known)| known[old].lineage.clone())
            .or_else(|| base.map(|(old, base)| first_name(&base.findings[old].fingerprint)))
    };
    let mut taken = HashSet::new();
    let mut lineages: Vec<Option<Fingerprint>> = (0..found.len())
        .map(|index| inherited(index).filter(|lineage| taken.insert(lineage.clone())))
        .collect();
    for (lineage, finding) in lineages.iter_mut().zip(found) {
        lineage.get_or_insert_with(|| {
            let own = first_name(&finding.fingerprint);
            if taken.insert(own.clone()) { own } else { of_its_own(finding, &mut taken) }
        });
    }
    let named = |(lineage, finding): (Option<Fingerprint>, &Finding)| {
        let lineage = lineage.unwrap_or_else(|| finding.fingerprint.clone());
        let own = &finding.fingerprint;
        if lineage == *own {
            return (None, vec![lineage]);
        }
        // Its present fingerprint may be another's lineage; then it names the other.
        let free = !taken.contains(own);
        let names = std::iter::once(&lineage).chain(free.then_some(own)).cloned().collect();
        (Some(lineage), names)
    };
    lineages.into_iter().zip(found).map(named).collect()
}

fn of_its_own(finding: &Finding, taken: &mut HashSet<Fingerprint>) -> Fingerprint {
    let own = finding.fingerprint.as_str();
    let mut numbers = 1..;
    loop {
        let number = numbers.next().unwrap_or_default();
        let lineage = Fingerprint::of("lineage", &finding.path, "", own, number);
        if taken.insert(lineage.clone()) {
            return lineage;
        }
    }
}

/// The files that a change touched, by their present paths.
struct Files<'a>(Option<HashMap<&'a str, &'a ChangedFile>>);

impl<'a> Files<'a> {
    fn of(changes: Option<&'a [ChangedFile]>) -> Self {
        Self(changes.map(|files| files.iter().map(|file| (file.path.as_str(), file)).collect()))
    }

    fn find(&self, finding: &Finding) -> Option<&'a ChangedFile> {
        self.0.as_ref()?.get(finding.path.as_str()).copied()
    }

    fn renamed(&self) -> HashMap<&'a str, &'a str> {
        let files = self.0.iter().flat_map(HashMap::values);
        files.filter_map(|file| Some((&*file.path, file.renamed_from.as_deref()?))).collect()
    }

    fn changed(&self, finding: &Finding) -> bool {
        self.find(finding).is_some()
    }

    fn touch(&self, finding: &Finding) -> bool {
        self.find(finding).is_some_and(|file| file.lines.overlaps(finding.lines))
    }

    fn is_new(&self, finding: &Finding, continues: bool, base: Option<&Base<'_>>) -> bool {
        if self.0.is_none() {
            return true;
        }
        let Some(file) = self.find(finding) else {
            return !continues && base.is_some_and(|base| base.has(finding));
        };
        let former = file.renamed_from.as_deref().unwrap_or(&file.path);
        match base.filter(|base| !base.unread.contains(former)) {
            Some(_) => !continues,
            None => !continues && self.touch(finding),
        }
    }

    /// Whether the change touched the lines where the file may say that it is generated: a pull
    /// request cannot exempt itself. What the file's name says still counts.
    fn exempt_themselves(&self, finding: &Finding) -> bool {
        let head = LineRange { first: 1, last: analysis::MARKER_LINES };
        self.find(finding).is_some_and(|file| {
            file.lines.overlaps(head) && !analysis::is_demoted_by_name(&file.path)
        })
    }
}

/// Dismissals by each name that their findings have or had.
struct Dismissals<'a>(HashMap<&'a Fingerprint, &'a Dismissed>);

impl<'a> Dismissals<'a> {
    fn of(dismissed: &'a [Dismissed]) -> Self {
        let mut newest: HashMap<&Fingerprint, &Dismissed> = HashMap::new();
        for one in dismissed {
            let known = newest.entry(&one.fingerprint).or_insert(one);
            if known.decided_at < one.decided_at {
                *known = one;
            }
        }
        Self(newest)
    }

    fn find(&self, names: &[Fingerprint]) -> Option<&'a Dismissed> {
        names.iter().filter_map(|name| self.0.get(name).copied()).max_by_key(|one| one.decided_at)
    }
}

#[cfg(test)]
mod tests;
