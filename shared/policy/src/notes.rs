//! What a policy did, in sentences for people, as Markdown.

use domain::{CommitSha, POLICY_PATH, PolicyFacts, PolicyProblem, PolicyState};

/// Entries that are told one by one; the analysis has all of them.
const TOLD_MAX: usize = 10;

/// Paragraphs in the order of their weight; none if there is nothing to tell.
pub fn notes(facts: &PolicyFacts) -> Vec<String> {
    let mut notes = Vec::new();
    if facts.edited {
        notes.push(format!(
            "This change edits `{POLICY_PATH}`, and was judged by the policy of {}: the policy of \
             this pull request takes effect after it is merged.",
            origin(facts.commit.as_ref())
        ));
    }
    if let Some(problem) = &facts.proposed_problem {
        let what = format!("The `{POLICY_PATH}` of this change is wrong and would not be followed");
        notes.push(wrong(&what, problem));
    }
    if let Some(problem) = &facts.problem {
        let what = format!(
            "The `{POLICY_PATH}` of {} is wrong, so Assay's defaults held, with nothing excluded \
             or ignored",
            origin(facts.commit.as_ref())
        );
        notes.push(wrong(&what, problem));
    }
    if facts.state == PolicyState::Applied {
        notes.extend(applied(facts));
        notes.extend(expired(facts));
    }
    notes
}

fn origin(commit: Option<&CommitSha>) -> String {
    commit.map_or_else(|| "its base".to_owned(), |commit| format!("`{}`", commit.short()))
}

fn wrong(what: &str, problem: &PolicyProblem) -> String {
    let PolicyProblem { line, column, message, help, frame } = problem;
    let help = help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    // The frame shows a line of the file, which could end the block.
    let frame = frame.replace("```", "'''");
    format!("{what}: line {line}, column {column}: {message}{help}.\n\n```text\n{frame}\n```")
}

fn applied(facts: &PolicyFacts) -> Option<String> {
    let off: u32 = facts.off.values().sum();
    let told: Vec<String> = [
        (facts.excluded, "file", "left out"),
        (facts.ignored(), "finding", "ignored"),
        (off, "finding", "of rules that are off"),
        (facts.reweighted, "finding", "of another severity than the rule's own"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, what, done)| format!("{} {done}", counted(count, what)))
    .collect();
    if told.is_empty() {
        return None;
    }
    let mut note = format!("By `{POLICY_PATH}`: {}.", told.join(", "));
    let live = facts.ignores.iter().filter(|entry| !entry.expired && entry.findings > 0);
    let live: Vec<String> = live
        .map(|entry| {
            let what = [entry.rule.as_deref(), entry.path.as_deref()].map(|name| name.map(code));
            let what: Vec<String> = what.into_iter().flatten().collect();
            let until = entry.expires.map(|day| format!(", until {day}")).unwrap_or_default();
            let count = counted(entry.findings, "finding");
            format!(
                "line {}: {count} ({}{until}): {}",
                entry.line,
                what.join(" in "),
                plain(&entry.reason)
            )
        })
        .collect();
    note.push_str(&list(&live));
    let off = facts.off.iter().map(|(rule, count)| format!("{}: {count}, off", code(rule)));
    note.push_str(&list(&off.collect::<Vec<_>>()));
    Some(note)
}

fn expired(facts: &PolicyFacts) -> Option<String> {
    let over: Vec<String> = facts
        .ignores
        .iter()
        .filter(|entry| entry.expired)
        .filter_map(|entry| {
            let (line, day) = (entry.line, entry.expires?);
            let count = match entry.findings {
                0 => "nothing is left of it".to_owned(),
                count => format!("{} again", counts(count)),
            };
            Some(format!("line {line} expired on {day}, {count}: {}", plain(&entry.reason)))
        })
        .collect();
    if over.is_empty() {
        return None;
    }
    Some(format!("Entries of `{POLICY_PATH}` that hold no longer:{}", list(&over)))
}

fn list(entries: &[String]) -> String {
    let mut text = String::new();
    for entry in entries.iter().take(TOLD_MAX) {
        text.push_str("\n- ");
        text.push_str(entry);
    }
    if let more @ 1.. = entries.len().saturating_sub(TOLD_MAX) {
        text.push_str(&format!("\n- and {more} more"));
    }
    text
}

fn counted(count: u32, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn counts(count: u32) -> String {
    if count == 1 { "1 finding counts".to_owned() } else { format!("{count} findings count") }
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

/// On one line, and without what Markdown would take for more than words.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(c, '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '\\' | '@' | '#') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}
