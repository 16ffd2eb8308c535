//! Functions in a file of many, and marks that say what is to be found at the ends of lines.

use domain::Language;
use formal::Verdict;

use crate::world::{Judged, judge};

/// How the marks of a language look.
pub(crate) struct Marks {
    pub(crate) language: Language,
    pub(crate) file: &'static str,
    pub(crate) sign: &'static str,
}

/// What separates the functions, before the name of the next.
const CUT: &str = "\n=== ";

/// Each function of the file with its name.
pub(crate) fn cut(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(CUT).skip(1).filter_map(|part| part.split_once('\n'))
}

/// What is not as the marks say.
pub(crate) fn compare(marks: &Marks, name: &str, text: &str) -> Vec<String> {
    let found = judge(marks.language, marks.file, text);
    let mut wrong = Vec::new();
    let mut marked = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let Some((_, mark)) = text.split_once(marks.sign) else { continue };
        let Some((verdict, kind)) = mark.trim().split_once(' ') else { continue };
        marked.push((line, kind.to_owned()));
        let here: Vec<&Judged> =
            found.iter().filter(|one| one.line == line && one.kind == kind).collect();
        // Two checks of one kind can stand on a line; the mark is about the worst of them.
        let agrees = match verdict {
            "proved" => !here.is_empty() && here.iter().all(|one| one.word() == verdict),
            "nothing" => here.is_empty(),
            _ => here.iter().any(|one| one.word() == verdict),
        };
        if !agrees {
            wrong.push(format!("{name}: line {line} wants {verdict} {kind}, has {here:?}"));
        }
    }
    for one in &found {
        let is_marked = marked.contains(&(one.line, one.kind.clone()));
        if !is_marked && matches!(one.verdict, Verdict::Refuted(_)) {
            wrong.push(format!("{name}: nobody expects {one:?}"));
        }
    }
    wrong
}
