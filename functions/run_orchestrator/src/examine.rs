//! Every file through the engine, or not at all when what comes of it is known already.
//!
//! What comes of a file depends on its bytes, its path, the rules and the engine, and for some
//! languages on the other files of its package: the hash of all of them is the key under which it
//! is kept. A kept result that cannot be read is as good as none.

mod kept;

use std::{
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use analysis::{Clock, CustomRules, Examiner, Package, Packages, Scan, Symbol, Tree};
use domain::{Coverage, OrgId, Snapshot, SourceFile};
use insight::{Read, trust::Facts};
use serde::{Deserialize, Serialize};
use store::{
    StoreError, Tx,
    file_results::{self, Kept, Key},
};

use crate::Error;
use crate::memory::{Work, blocking};
use kept::FileResult;

/// What a worker knows about files, and what it found out.
#[derive(Default)]
pub(crate) struct Results {
    asked: Vec<Asked>,
    around: Vec<(Arc<Snapshot>, Arc<Around>)>,
    known: Arc<HashMap<Key, Kept>>,
    wanted: Vec<Key>,
}

/// The other files of the packages of which a snapshot holds a part; none for a whole one.
#[derive(Debug, Default)]
pub(crate) struct Around(Vec<SourceFile>);

impl Around {
    /// `others` are all the files that these are a part of, and may be these.
    pub(crate) fn of<'a>(
        part: impl Iterator<Item = &'a SourceFile> + Clone,
        others: impl Iterator<Item = &'a SourceFile>,
    ) -> Self {
        let own: HashSet<&str> = part.clone().map(|file| &*file.path).collect();
        let folders: HashSet<&str> = part.filter_map(|file| Package::folder(&file.path)).collect();
        let is_beside = |file: &&SourceFile| {
            let folder = Package::folder(&file.path);
            folder.is_some_and(|folder| folders.contains(folder)) && !own.contains(&*file.path)
        };
        Self(others.filter(is_beside).cloned().collect())
    }

    fn packages<'a>(&'a self, snapshot: &'a Snapshot) -> Packages<'a> {
        Packages::of(snapshot.files.iter().chain(&self.0))
    }
}

impl Results {
    /// Remembers what a part of the code is read together with.
    pub(crate) fn put_around(&mut self, part: &Arc<Snapshot>, around: Around) {
        self.around.push((Arc::clone(part), Arc::new(around)));
    }

    fn around(&self, snapshot: &Arc<Snapshot>) -> Arc<Around> {
        let known = self.around.iter().find(|(part, _)| Arc::ptr_eq(part, snapshot));
        known.map(|(_, around)| Arc::clone(around)).unwrap_or_default()
    }
}

/// Code whose files have been looked up.
struct Asked {
    snapshot: Arc<Snapshot>,
    around: Arc<Around>,
    keys: Arc<Vec<Key>>,
    examined: Option<Arc<Examined>>,
}

/// What there is to say about a snapshot, whoever found it out and when.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    pub(crate) coverage: Coverage,
    pub(crate) scan: Scan,
    pub(crate) reuse: Reuse,
    /// What scores of files stand on, in the order of the files.
    pub(crate) facts: Vec<Option<Facts>>,
    found_out: Vec<(Key, Vec<u8>)>,
    fading: Vec<Key>,
}

/// How many files had to be read, and how many had been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reuse {
    pub(crate) hits: usize,
    pub(crate) misses: usize,
}

/// Whether the results of these snapshots' files have to be read before they are examined.
pub(crate) async fn wants_to_read(
    work: &mut Work,
    snapshots: impl IntoIterator<Item = Arc<Snapshot>>,
) -> Result<bool, Error> {
    for snapshot in snapshots {
        ask(work, &snapshot).await?;
    }
    Ok(!work.memory.results.wanted.is_empty())
}

/// Reads what is kept of the files that were asked for, all at once.
pub(crate) async fn read(tx: &Tx<'_>, work: &mut Work) -> Result<(), StoreError> {
    let wanted = std::mem::take(&mut work.memory.results.wanted);
    let kept = file_results::list(tx, work.run().org, &wanted).await?;
    let known = Arc::make_mut(&mut work.memory.results.known);
    known.extend(kept.into_iter().map(|kept| (kept.key, kept)));
    Ok(())
}

/// Examines the files that nothing is known about. The same worker does that once, and the second
/// answer of this function is `false` when it had been done: then it was kept, too.
pub(crate) async fn examine(
    work: &mut Work,
    snapshot: &Arc<Snapshot>,
    stop: Instant,
) -> Result<(Arc<Examined>, bool), Error> {
    let index = ask(work, snapshot).await?;
    let asked = &work.memory.results.asked[index];
    if let Some(examined) = &asked.examined {
        return Ok((Arc::clone(examined), false));
    }
    let (snapshot, keys) = (Arc::clone(snapshot), Arc::clone(&asked.keys));
    let around = Arc::clone(&asked.around);
    let (rules, known) = (Arc::clone(&work.memory.rules), Arc::clone(&work.memory.results.known));
    let examined = blocking(move || {
        let time_is_up = || Instant::now() >= stop;
        all((&snapshot, &around), rules, &keys, &known, Clock::new(&time_is_up))
    });
    let examined = Arc::new(examined.await?);
    let Reuse { hits, misses } = examined.reuse;
    startup::count("assay.files.examined", hits as u64, &[("known", "yes")]);
    startup::count("assay.files.examined", misses as u64, &[("known", "no")]);
    tracing::info!(hits, misses, "files examined");
    work.memory.results.asked[index].examined = Some(Arc::clone(&examined));
    Ok((examined, true))
}

/// Where among those asked for a snapshot is.
async fn ask(work: &mut Work, snapshot: &Arc<Snapshot>) -> Result<usize, Error> {
    let asked = &work.memory.results.asked;
    if let Some(index) = asked.iter().position(|one| Arc::ptr_eq(&one.snapshot, snapshot)) {
        return Ok(index);
    }
    let (of, rules) = (Arc::clone(snapshot), Arc::clone(&work.memory.rules));
    let around = work.memory.results.around(snapshot);
    let beside = Arc::clone(&around);
    let keys = blocking(move || keys(&of, &beside, &rules)).await?;
    let results = &mut work.memory.results;
    results.wanted.extend(keys.iter().filter(|key| !results.known.contains_key(*key)));
    let (snapshot, keys) = (Arc::clone(snapshot), Arc::new(keys));
    results.asked.push(Asked { snapshot, around, keys, examined: None });
    Ok(results.asked.len() - 1)
}

fn keys(snapshot: &Snapshot, around: &Around, rules: &CustomRules) -> Vec<Key> {
    let packages = around.packages(snapshot);
    let key = |file| kept::key(rules, file, packages.around(file));
    snapshot.files.iter().map(key).collect()
}

/// The same as [`analysis::parse()`] and [`analysis::scan_with()`] of the snapshot.
fn all(
    (snapshot, around): (&Snapshot, &Around),
    rules: Arc<CustomRules>,
    keys: &[Key],
    known: &HashMap<Key, Kept>,
    clock: Clock,
) -> Examined {
    let mut examiner = Examiner::with_rules(rules);
    let packages = around.packages(snapshot);
    let mut all = Examined::default();
    for (file, key) in snapshot.files.iter().zip(keys) {
        let kept = known.get(key);
        if let Some(result) = kept.and_then(|kept| FileResult::decode(key, &kept.result)) {
            all.reuse.hits += 1;
            all.fading.extend(kept.filter(|kept| kept.fades).map(|kept| kept.key));
            all.add(result);
            continue;
        }
        all.reuse.misses += 1;
        let around = packages.around(file);
        let (examined, facts) =
            examiner.examine_and(file, around, clock, |tree, symbols| facts(file, tree, symbols));
        let result = FileResult::of(examined, facts.flatten());
        // Whatever time ran out for is not what comes of this file.
        if !clock.is_up() {
            all.found_out.extend(result.encode(key).map(|encoded| (*key, encoded)));
        }
        all.add(result);
    }
    let left_out = snapshot.left_out.clone();
    let files = u32::try_from(left_out.len()).unwrap_or(u32::MAX);
    all.coverage.add(Coverage { files, unanalysed: left_out, ..Coverage::default() });
    all.coverage.unanalysed.sort_by(|one, other| one.path.cmp(&other.path));
    all
}

/// What the text says of how far it can be relied on. Scores fail nothing, so neither does this.
fn facts(file: &SourceFile, tree: Tree, symbols: Vec<Symbol>) -> Option<Facts> {
    let look = || Read::parsed(file, tree, symbols).map(|read| Facts::of(&read));
    catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| {
        tracing::error!("no score of a file: reading it panicked");
        None
    })
}

impl Examined {
    fn add(&mut self, result: FileResult) {
        let FileResult { coverage, findings, incomplete, facts } = result;
        self.facts.push(facts);
        self.coverage.add(coverage);
        self.scan.findings.extend(findings);
        self.scan.incomplete.extend(incomplete);
    }
}

/// Keeps what was found out, and that what was known was of use. All that one transaction keeps is
/// given at once: rows that others keep as well are locked in the order of their keys.
pub(crate) async fn keep(tx: &Tx<'_>, org: OrgId, all: &[&Examined]) -> Result<(), StoreError> {
    let found_out = all.iter().flat_map(|examined| &examined.found_out);
    let results = found_out.map(|(key, result)| (*key, result.as_slice())).collect();
    file_results::keep(tx, org, results).await?;
    let fading: Vec<Key> = all.iter().flat_map(|examined| examined.fading.clone()).collect();
    file_results::note_use(tx, org, &fading).await
}

#[cfg(test)]
mod tests;
