//! gosec's own samples of conversions (G115) and slice bounds (G602).
//!
//! A sample is right if we find something where gosec expects something, and nothing where it
//! expects nothing. gosec reports what a caller may pass, so what depends on the caller counts as
//! found here. What `#nosec` silences is silent.

use std::path::Path;

use domain::Language;
use formal::{Verdict, ir::CheckKind};

use super::Checks;
use crate::{
    Stop, files,
    sheet::{Bound, Cell, Share, Sheet, Table, Target},
    watch::watched,
};

const ACCURACY_MIN: f64 = 0.9;

/// Each rule with the check that it is about.
const RULES: [(&str, &[CheckKind]); 2] = [
    ("g115", &[CheckKind::NarrowingConversion]),
    // An index into a slice that is nil is shown as a use of nil.
    ("g602", &[CheckKind::IndexOutOfBounds, CheckKind::NullDereference]),
];

/// Files of one program, and how much gosec expects to find in them.
struct Sample<'a> {
    files: Vec<&'a str>,
    expected: u32,
}

pub(crate) fn score(path: &Path, mut checks: Checks) -> Result<Sheet, Stop> {
    let mut sheet = Sheet { suite: "gosec", ..Sheet::default() };
    let mut table = Table::new(["rule", "right", "found", "false alarms"]);
    for (rule, kinds) in RULES {
        let source = files::source(path, &path.join(format!("testutils/{rule}_samples.go")))?;
        let text = String::from_utf8_lossy(&source.bytes).into_owned();
        let (mut right, mut found, mut alarms) =
            (Share::default(), Share::default(), Share::default());
        for (at, sample) in watched("samples", samples(&text)).enumerate() {
            let lines = judge(&sample, kinds, &mut checks);
            let (wanted, is_found) = (sample.expected > 0, !lines.is_empty());
            right.count(wanted == is_found);
            if wanted {
                found.count(is_found)
            } else {
                alarms.count(is_found)
            }
            if wanted != is_found {
                let number = at + 1;
                sheet.wrong.push(format!(
                    "{rule} sample {number}: {} expected, found in lines {lines:?}",
                    sample.expected
                ));
            }
        }
        table.row([Cell::Text(rule.to_uppercase()), right.into(), found.into(), alarms.into()]);
        sheet.targets.push(Target {
            what: format!("samples of {} that are right", rule.to_uppercase()),
            share: right,
            bound: Bound::AtLeast(ACCURACY_MIN),
        });
    }
    sheet.tables = vec![table];
    sheet.notes = vec![checks.note()];
    Ok(sheet)
}

/// The samples of a file: `{[]string{`…`}, 1, gosec.NewConfig()}`.
fn samples(text: &str) -> Vec<Sample<'_>> {
    let mut samples = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("[]string{") {
        let mut files = Vec::new();
        rest = after;
        loop {
            let trimmed = rest.trim_start_matches([',', ' ', '\n', '\t']);
            let Some(inner) = trimmed.strip_prefix('`') else { break };
            let Some((file, after)) = inner.split_once('`') else { return samples };
            files.push(file);
            rest = after;
        }
        // A comment may stand before the number.
        let count = rest.split_once('}').and_then(|(_, after)| {
            let words = after.split([',', '\n', ' ', '\t']);
            words.map(str::trim).find_map(|word| word.parse().ok())
        });
        if let (Some(expected), false) = (count, files.is_empty()) {
            samples.push(Sample { files, expected });
        }
    }
    samples
}

/// The lines where something was found.
fn judge(sample: &Sample<'_>, kinds: &[CheckKind], checks: &mut Checks) -> Vec<u32> {
    let name = |(at, text): (usize, &&str)| (format!("{at}.go"), (*text).to_owned());
    let files: Vec<(String, String)> = sample.files.iter().enumerate().map(name).collect();
    let Some((program, reports)) = checks.of(Language::Go, &files, |_| true) else {
        return Vec::new();
    };
    let mut lines: Vec<u32> = reports
        .iter()
        .flat_map(|report| &report.checks)
        .filter(|found| kinds.contains(&found.kind))
        .filter(|found| matches!(found.verdict, Verdict::Refuted(_) | Verdict::CallerDependent(_)))
        .filter(|found| !is_silenced(&files[program.functions[found.function].file].1, found.line))
        .map(|found| found.line)
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

/// By a comment on the line, or on the one above.
fn is_silenced(text: &str, line: u32) -> bool {
    let at = line as usize;
    text.lines().take(at).skip(at.saturating_sub(2)).any(|line| line.contains("#nosec"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_numbers() {
        let text =
            "{[]string{`a`, `b`}, 2, gosec.NewConfig()},\n{[]string{`\nc\n`}, // why\n 0, x}";
        let read: Vec<_> = samples(text).iter().map(|it| (it.files.len(), it.expected)).collect();
        assert_eq!(read, [(2, 2), (1, 0)]);
        assert!(is_silenced("a\nb // #nosec G115\nc", 3));
        assert!(!is_silenced("a // #nosec\nb\nc", 3));
    }
}
