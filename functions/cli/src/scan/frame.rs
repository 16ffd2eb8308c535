//! One finding with the lines it is about.

use analysis::Located;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use anstream::adapter::strip_str;
use domain::Severity;

use crate::words::shown;

/// The finding as a compiler would show it.
pub(super) fn of(located: &Located) -> String {
    let finding = &located.finding;
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low => Level::INFO,
        Severity::Info => Level::NOTE,
    };
    let title = level
        .with_name(Some(finding.severity.as_str()))
        .primary_title(finding.title.as_str())
        .id(finding.rule.as_str());
    let (source, marks) = source(located);
    let annotations = marks.into_iter().map(|mark| AnnotationKind::Primary.span(mark));
    let mut origin = Origin::path(shown(&finding.path)).line(finding.lines.first as usize);
    if let Some(columns) = located.columns {
        origin = origin.char_column(columns.start as usize);
    }
    let mut group = title
        .element(origin)
        .element(
            Snippet::source(source)
                .line_start(finding.lines.first as usize)
                .fold(false)
                .annotations(annotations),
        )
        .element(Level::NOTE.with_name(Some("why")).message(finding.description.as_str()));
    if let Some(fix) = &finding.fix_suggestion {
        group = group.element(Level::HELP.message(fix.as_str()));
    }
    if let Some(page) = page(&finding.cwe) {
        group = group.element(Level::NOTE.with_name(Some("docs")).message(page));
    }
    render(group)
}

fn render(group: Group<'_>) -> String {
    let rendered = Renderer::styled().render(&[group]);
    // The renderer marks lines whose file it was not told. It was told in front of them, with the
    // true column, which it could not know where a line is clipped. Code has a number before it.
    let is_mark = |line: &str| strip_str(line).to_string().trim() == ":::";
    rendered.lines().filter(|line| !is_mark(line)).collect::<Vec<_>>().join("\n")
}

fn page(cwe: &[String]) -> Option<String> {
    let number = cwe.first()?.strip_prefix("CWE-")?;
    Some(format!("https://cwe.mitre.org/data/definitions/{number}.html"))
}

/// The snippet without what would steer a terminal, and the bytes of it that are marked.
fn source(located: &Located) -> (String, Vec<std::ops::Range<usize>>) {
    let mut source = String::new();
    let mut marks = Vec::new();
    for (index, line) in located.finding.snippet.split('\n').enumerate() {
        if index > 0 {
            source.push('\n');
        }
        let begin = source.len();
        let mark = located.marks.get(index).cloned().unwrap_or_default();
        let parts = [0..mark.start, mark.clone(), mark.end..line.len()];
        for part in &parts {
            let at = source.len();
            // A tab is layout, and the renderer knows its width.
            let text = line.get(part.clone()).unwrap_or_default().trim_end_matches('\r');
            let text: Vec<String> = text.split('\t').map(shown).collect();
            source.push_str(&text.join("\t"));
            if *part == mark && at < source.len() {
                let indent = line.get(part.clone()).unwrap_or_default();
                let indent = indent.len() - indent.trim_start().len();
                // Lines that follow the first begin with blanks that nobody means.
                let indent = if at == begin { indent.min(source.len() - at) } else { 0 };
                marks.push(at + indent..source.len());
            }
        }
    }
    (source, marks)
}
