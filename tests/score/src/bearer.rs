//! Bearer's rules (Bearer/bearer-rules): programs in which a comment names the rule that the next
//! line must be reported by. A program without any such comment is fine.

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use domain::Language;
use regex::Regex;
use serde::Deserialize;

use crate::{
    Stop, files,
    marked::{self, Case, Half},
    reports::statement_end,
    sheet::Sheet,
};

#[derive(Deserialize)]
struct RuleFile {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    id: String,
    #[serde(default)]
    cwe_id: Vec<u32>,
}

pub(crate) fn score(path: &Path, half: Option<Half>) -> Result<Sheet, Stop> {
    let all = files::below(path)?;
    let mut cwes = BTreeMap::new();
    for file in all.iter().filter(|file| file.extension().is_some_and(|end| end == "yml")) {
        let source = files::source(path, file)?;
        let text = String::from_utf8_lossy(&source.bytes);
        // What rules share has no metadata and is no rule.
        if let Ok(RuleFile { metadata }) = serde_saphyr::from_str(&text) {
            cwes.insert(metadata.id, metadata.cwe_id);
        }
    }
    let mut cases = Vec::new();
    for file in &all {
        let name = files::relative(path, file);
        let Some((folder, _)) = name.split_once("/testdata/") else { continue };
        let Some(language) = Language::of_path(&name) else { continue };
        let source = files::source(path, file)?;
        let marked = marked_lines(&String::from_utf8_lossy(&source.bytes));
        let own = folder.split('/').skip_while(|part| *part != "tests").skip(1);
        let own: Vec<&str> = own.collect();
        let case = |rule: &str, flaws: Vec<(u32, u32)>, fine| {
            Some(Case {
                language: format!("{language:?}").to_lowercase(),
                group: folder.to_owned(),
                weakness: format!("CWE-{:03}", cwes.get(rule)?.first()?),
                path: name.clone(),
                cwes: cwes.get(rule)?.clone(),
                flaws,
                fine,
            })
        };
        if marked.is_empty() {
            cases.extend(case(&own.join("_"), Vec::new(), vec![(1, u32::MAX)]));
        }
        for (rule, flaws) in marked {
            cases.extend(case(&rule, flaws, Vec::new()));
        }
    }
    if cases.is_empty() {
        return Err(Stop::new(
            format_args!("{} holds no programs for rules", path.display()),
            "check out Bearer/bearer-rules and name its folder",
        ));
    }
    marked::score("bearer", path, cases, half)
}

/// The statements that each rule must report.
fn marked_lines(text: &str) -> BTreeMap<String, Vec<(u32, u32)>> {
    static MARK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"bearer:expected[ \t]+([a-z0-9_]+)").expect("the expression is constant")
    });
    let lines: Vec<&str> = text.lines().collect();
    let (mut waiting, mut found) = (Vec::new(), BTreeMap::<String, Vec<(u32, u32)>>::new());
    for (index, line) in lines.iter().enumerate() {
        // The first line of many files explains the mark.
        if line.contains("Use bearer:expected") {
            continue;
        }
        if let Some(mark) = MARK.captures(line) {
            waiting.push(mark[1].to_owned());
        } else if !line.trim().is_empty() {
            let line = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let place = (line, statement_end(&lines, line));
            waiting.drain(..).for_each(|rule| found.entry(rule).or_default().push(place));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sheet::{Cell, Share};

    #[test]
    fn a_mark_is_about_the_next_line_and_a_file_without_marks_is_fine() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tests/python/lang/shell/testdata");
        fs::create_dir_all(&folder).unwrap();
        let rule = "metadata:\n  id: python_lang_shell\n  cwe_id: [78]\n";
        fs::write(root.path().join("shell.yml"), rule).unwrap();
        let code = "import os\n# bearer:expected python_lang_shell\nos.system('rm ' + input())\n";
        fs::write(folder.join("bad.py"), code).unwrap();
        fs::write(folder.join("fine.py"), "import os\nos.system('ls')\n").unwrap();
        let sheet = score(root.path(), None).unwrap();
        let share = |part, whole| Cell::Share(Share::new(part, whole));
        assert_eq!(sheet.tables[0].rows[0][2..], [share(1, 1), share(0, 1), share(0, 1)]);
    }
}
