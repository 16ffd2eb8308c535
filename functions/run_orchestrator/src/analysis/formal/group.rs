//! Which files are read together, and which of their functions are checked.

use std::collections::{BTreeMap, HashMap, HashSet};

use analysis::{Clock, FILE_BYTES_MAX, SymbolKind, is_demoted_by_name};
use domain::{ChangedFile, Language, LineRange, SourceFile};
use formal::{
    INLINE_DEPTH_MAX,
    ir::{Function, Program, Stmt, walk},
};

/// Files are read together, so that they know each other's functions, up to this size.
const GROUP_BYTES_MAX: usize = 1024 * 1024;

/// A file of a lowered language, and which of its lines are to be looked at.
pub(super) struct Focus<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    changed: Option<&'a ChangedFile>,
    /// The file as it was at the base, where there is one.
    former: Option<&'a str>,
    /// Only there so that others can call it.
    pub(super) context: bool,
}

impl<'a> Focus<'a> {
    /// Whether the lines of a function were touched. What was only deleted leaves no line, but
    /// then the function as it is does not stand in the base.
    fn wants(&self, lines: LineRange) -> bool {
        !self.context
            && self.changed.is_none_or(|file| {
                file.lines.overlaps(lines)
                    || self.former.is_some_and(|old| !self.stood_in(old, lines))
            })
    }

    /// The file as it was at the base, under its present name. None: it is new.
    pub(super) fn before(&self) -> Option<Self> {
        let text = if self.changed.is_some() { self.former? } else { self.text };
        Some(Self { text, changed: None, former: None, ..*self })
    }

    fn stood_in(&self, former: &str, lines: LineRange) -> bool {
        let rows = lines.first.saturating_sub(1) as usize..lines.last as usize;
        let own: Vec<&str> = self.text.lines().take(rows.end).skip(rows.start).collect();
        former.contains(&own.join("\n"))
    }
}

/// The functions that the change touched, and then those that call one of them, or call such a caller:
/// what they do with what they get may be wrong now, in whatever file they stand. The nearest come
/// first. Nobody is further away than calls are followed, for there nothing is known of the change.
pub(super) fn touched_and_callers(program: &Program, read: &[&Focus<'_>]) -> Vec<usize> {
    let mut found: Vec<usize> = (0..program.functions.len())
        .filter(|index| {
            let function = &program.functions[*index];
            let lines = LineRange { first: function.first_line, last: function.last_line };
            read[function.file].wants(lines)
        })
        .collect();
    let callers = callers(program);
    let mut known: HashSet<usize> = found.iter().copied().collect();
    let mut first = 0;
    for _ in 0..=INLINE_DEPTH_MAX {
        let of_these = found[first..].iter().filter_map(|index| callers.get(index)).flatten();
        let mut next: Vec<usize> =
            of_these.copied().collect::<HashSet<_>>().difference(&known).copied().collect();
        next.sort_unstable();
        known.extend(&next);
        first = found.len();
        found.extend(next);
    }
    found
}

/// Who calls whom, by who is called.
fn callers(program: &Program) -> HashMap<usize, Vec<usize>> {
    let mut callers: HashMap<usize, Vec<usize>> = HashMap::new();
    for (caller, Function { body, .. }) in program.functions.iter().enumerate() {
        let Ok(body) = body else { continue };
        walk(body, &mut |stmt| {
            if let Stmt::Call { function, .. } = stmt {
                callers.entry(*function).or_default().push(caller);
            }
        });
    }
    callers
}

/// The files of a language, cut into groups that are read together. A change is read with as much
/// of what stands around it as one group holds; beside the groups, how many files are not read that
/// name something that it touched, and so may call it.
pub(super) fn groups<'a>(
    language: Language,
    files: &'a [SourceFile],
    changes: Option<&'a [ChangedFile]>,
    base: Option<&'a [SourceFile]>,
) -> (Vec<Vec<Focus<'a>>>, u32) {
    let by_path: BTreeMap<&str, &ChangedFile> =
        changes.into_iter().flatten().map(|change| (change.path.as_str(), change)).collect();
    let own = files.iter().filter(|file| {
        Language::of_path(&file.path) == Some(language)
            && file.bytes.len() <= FILE_BYTES_MAX
            && !is_demoted_by_name(&file.path)
    });
    let (mut wanted, mut around) = (Vec::new(), Vec::new());
    for file in own {
        let Ok(text) = std::str::from_utf8(&file.bytes) else { continue };
        let changed = by_path.get(file.path.as_str()).copied();
        let context = changes.is_some() && changed.is_none();
        let former = changed.and_then(|change| {
            let path = change.renamed_from.as_ref().unwrap_or(&change.path);
            let former = base?.iter().find(|file| file.path == *path)?;
            std::str::from_utf8(&former.bytes).ok()
        });
        let focus = Focus { path: &file.path, text, changed, former, context };
        if context { &mut around } else { &mut wanted }.push(focus);
    }
    let mut groups: Vec<Vec<Focus<'_>>> = Vec::new();
    let mut room = 0;
    for focus in wanted {
        let size = focus.text.len();
        match groups.last_mut() {
            Some(group) if size <= room => group.push(focus),
            Some(_) | None => {
                groups.push(vec![focus]);
                room = GROUP_BYTES_MAX;
            }
        }
        room = room.saturating_sub(size);
    }
    let unread = match groups.as_mut_slice() {
        [] => 0,
        [only] => surround(only, around, room),
        several => {
            let names = several.iter().flat_map(|group| touched_names(group)).collect();
            counted(around.iter().filter(|focus| mentions(focus.text, &names)))
        }
    };
    (groups, unread)
}

/// Adds what there is room for: files of the same folders, which often have what is called, then
/// those that name what was touched. Gives how many of the latter there is no room for.
fn surround<'a>(group: &mut Vec<Focus<'a>>, mut around: Vec<Focus<'a>>, mut room: usize) -> u32 {
    if around.iter().map(|focus| focus.text.len()).sum::<usize>() <= room {
        around.sort_by_key(|focus| focus.path);
        group.append(&mut around);
        return 0;
    }
    let names = touched_names(group);
    let folders: HashSet<&str> = group.iter().map(|focus| folder(focus.path)).collect();
    let mut around: Vec<(bool, bool, Focus<'_>)> = around
        .into_iter()
        .map(|focus| {
            let is_near = folders.contains(folder(focus.path));
            (is_near, mentions(focus.text, &names), focus)
        })
        .collect();
    around.sort_by_key(|(is_near, may_call, focus)| (!is_near, !may_call, focus.path));
    let mut unread = 0;
    for (_, may_call, focus) in around {
        match room.checked_sub(focus.text.len()) {
            Some(left) => {
                room = left;
                group.push(focus);
            }
            None => unread += u32::from(may_call),
        }
    }
    unread
}

/// What the touched functions of these files are called, and what they stand in: who calls them
/// has to write one of the names.
fn touched_names(group: &[Focus<'_>]) -> HashSet<String> {
    let mut names = HashSet::new();
    for focus in group {
        let (path, bytes) = (focus.path.to_owned(), focus.text.as_bytes().to_vec());
        let symbols = analysis::symbols(&SourceFile { path, bytes }, &Clock::unlimited());
        let touched = symbols
            .iter()
            .filter(|symbol| symbol.kind == SymbolKind::Function && focus.wants(symbol.lines));
        names.extend(touched.flat_map(|symbol| symbol.name.split('.')).map(str::to_owned));
    }
    names
}

fn mentions(text: &str, names: &HashSet<String>) -> bool {
    let words = text.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    words.into_iter().any(|word| names.contains(word))
}

fn counted(all: impl Iterator) -> u32 {
    u32::try_from(all.count()).unwrap_or(u32::MAX)
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use domain::LineRanges;

    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), bytes: text.into() }
    }

    fn changed(path: &str) -> ChangedFile {
        let lines = LineRanges::new(vec![LineRange { first: 1, last: 2 }]);
        ChangedFile { path: path.into(), renamed_from: None, lines }
    }

    /// A file of Python of so many bytes that begins with `text`.
    fn large(path: &str, text: &str, bytes: usize) -> SourceFile {
        file(path, &format!("{text}\n#{}", "x".repeat(bytes - text.len() - 2)))
    }

    #[test]
    fn of_more_than_can_be_read_those_come_first_that_may_call_what_was_touched() {
        let half = GROUP_BYTES_MAX / 2;
        let files = [
            file(
                "lib/text.py",
                "def slug(text):\n    return text[0]\n\n\ndef other():\n    pass\n",
            ),
            file("lib/near.py", "x = 1\n"),
            large("a.py", "other()", half - 1000),
            large("m.py", "from lib.text import slug", half - 1000),
            large("n.py", "page.slug()", half - 1000),
            large("z.py", "slugs = 1", half - 1000),
        ];
        let changes = [changed("lib/text.py")];
        let (groups, unread) = groups(Language::Python, &files, Some(&changes), None);
        let paths: Vec<&str> = groups[0].iter().map(|focus| focus.path).collect();
        assert_eq!((groups.len(), paths), (1, vec!["lib/text.py", "lib/near.py", "m.py", "n.py"]));
        assert_eq!(unread, 0);

        let more = large("o.py", "slug()", half - 1000);
        let files: Vec<SourceFile> = files.into_iter().chain([more]).collect();
        let (_, unread) = super::groups(Language::Python, &files, Some(&changes), None);
        assert_eq!(unread, 1, "and it is said of those that may");
    }
}
