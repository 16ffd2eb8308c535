//! Moves: code of real commits that is moved, renamed, indented anew and reordered brings no new
//! finding.
//!
//! Each file of a commit is a base, and a head is made from it that does the same: a reviewer
//! would see nothing but moved lines. Base and head are compared as in a pull request.

mod edits;

use std::{collections::HashMap, path::Path};

use analysis::{Clock, Examiner};
use domain::{Finding, Language, Sighting, SourceFile, pair};

use crate::{
    Stop,
    git::Repository,
    sheet::{Bound, Share, Sheet, Table, Target},
    watch::watched,
};
use edits::{Code, Edit};

/// Files of one commit that are looked at; a commit that changes more is a reformatting.
const FILES_MAX: usize = 8;

/// Longer files take their share of the time and show nothing else.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// What one kind of edit did to all files.
#[derive(Default)]
struct Score {
    heads: usize,
    findings: usize,
    new: usize,
    gone: usize,
}

pub(crate) fn score(path: &Path, wanted: usize) -> Result<Sheet, Stop> {
    let repository = Repository::at(path)?;
    let mut sheet = Sheet { suite: "moves", ..Sheet::default() };
    let mut scores: Vec<(Edit, Score)> =
        Edit::ALL.iter().map(|edit| (*edit, Score::default())).collect();
    let mut examiner = Examiner::default();
    let (mut commits, mut files) = (0, 0);
    for commit in watched("commits", repository.commits()?) {
        let bases = bases(&repository, &commit)?;
        if bases.is_empty() {
            continue;
        }
        if commits == wanted {
            break;
        }
        commits += 1;
        for base in &bases {
            files += 1;
            let old = findings(&mut examiner, std::slice::from_ref(base));
            for (edit, score) in &mut scores {
                let Some(head) = edit.apply(base) else { continue };
                let new = findings(&mut examiner, &head);
                let fresh = fresh(base, &head, &old, &new);
                score.heads += 1;
                score.findings += old.len();
                score.new += fresh.len();
                score.gone += (old.len() + fresh.len()).saturating_sub(new.len());
                for finding in fresh {
                    let (path, line) = (&finding.path, finding.lines.first);
                    let (rule, name) = (&finding.rule, edit.name());
                    sheet.wrong.push(format!("{name}: {path}:{line} {rule} at {commit:.10}"));
                }
            }
        }
    }
    if commits == 0 {
        return Err(Stop::new(
            format_args!("no commit of {} changes code", path.display()),
            "name a repository of Python, JavaScript, TypeScript, Go, Java or Rust",
        ));
    }
    Ok(filled(sheet, &scores, commits, files))
}

fn filled(mut sheet: Sheet, scores: &[(Edit, Score)], commits: usize, files: usize) -> Sheet {
    let mut table = Table::new(["edit", "files edited", "findings before", "new", "gone"]);
    let mut all = Share::default();
    for (edit, score) in scores {
        let Score { heads, findings, new, gone } = score;
        table.row([
            edit.name().into(),
            (*heads).into(),
            (*findings).into(),
            (*new).into(),
            (*gone).into(),
        ]);
        all.part += new;
        all.whole += findings;
    }
    sheet.tables = vec![table];
    let what = "new findings, of all in moved code".to_owned();
    // Where nothing was found before, nothing new may come either.
    all.whole = all.whole.max(1);
    sheet.targets = vec![Target { what, share: all, bound: Bound::AtMost(0.0) }];
    sheet.notes = vec![format!("{files} files of {commits} commits.")];
    sheet
}

fn bases(repository: &Repository, commit: &str) -> Result<Vec<Code>, Stop> {
    let names = repository.changed(commit)?;
    let code = names.into_iter().filter(|name| Language::of_path(name).is_some());
    let read = code.take(FILES_MAX).filter_map(|path| {
        let bytes = repository.file(commit, &path)?;
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= FILE_BYTES_MAX)?;
        Some(Code { path, text })
    });
    Ok(read.collect())
}

fn findings(examiner: &mut Examiner, files: &[Code]) -> Vec<Finding> {
    let examine = |code: &Code| {
        let file = SourceFile { path: code.path.clone(), bytes: code.text.clone().into_bytes() };
        examiner.examine(&file, Clock::unlimited()).findings
    };
    files.iter().flat_map(examine).map(|located| located.finding).collect()
}

/// Findings of the head that continue none of the base.
fn fresh<'a>(
    base: &'a Code,
    head: &'a [Code],
    old: &'a [Finding],
    new: &'a [Finding],
) -> Vec<&'a Finding> {
    let sightings = |findings: &'a [Finding]| findings.iter().map(Sighting::from).collect();
    let (before, after): (Vec<_>, Vec<_>) = (sightings(old), sightings(new));
    // What git would say: the file that still holds most of the text is the old one.
    let renamed: HashMap<&str, &str> = head
        .first()
        .filter(|code| code.path != base.path)
        .map(|code| (code.path.as_str(), base.path.as_str()))
        .into_iter()
        .collect();
    let pairs = pair(&before, &after, &renamed);
    new.iter().zip(pairs).filter(|(_, old)| old.is_none()).map(|(finding, _)| finding).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;

    const CODE: &str = "import os\n\n\ndef first(name):\n    os.system('convert ' + name)\n\n\n\
                        def second(name):\n    return eval(name)\n";

    fn git(folder: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@shop.test"];
        let done = Command::new("git")
            .current_dir(folder)
            .args(identity)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn moved_code_is_the_old_code_and_a_copy_is_not() {
        let base = Code { path: "a.py".to_owned(), text: CODE.to_owned() };
        let mut examiner = Examiner::default();
        let old = findings(&mut examiner, std::slice::from_ref(&base));
        assert_eq!(old.len(), 2);
        let copied =
            Code { text: format!("{CODE}\n\ndef third(name):\n    eval(name)\n"), ..base.clone() };
        let heads = [copied];
        let new = findings(&mut examiner, &heads);
        assert_eq!(fresh(&base, &heads, &old, &new).len(), 1, "the control must show something");
        for edit in Edit::ALL {
            let head = edit.apply(&base).unwrap();
            let new = findings(&mut examiner, &head);
            assert_eq!(fresh(&base, &head, &old, &new).len(), 0, "{}", edit.name());
        }
    }

    #[test]
    fn commits_of_a_repository_are_scored() {
        let root = tempfile::tempdir().unwrap();
        git(root.path(), &["init", "--quiet"]);
        assert!(score(root.path(), 5).is_err());
        fs::write(root.path().join("a.py"), CODE).unwrap();
        fs::write(root.path().join("notes.txt"), "no code\n").unwrap();
        git(root.path(), &["add", "."]);
        git(root.path(), &["commit", "--quiet", "-m", "first"]);
        let sheet = score(root.path(), 5).unwrap();
        assert!(sheet.reached(), "{}", sheet.text(9));
        assert_eq!(sheet.notes, ["1 files of 1 commits."]);
    }
}
