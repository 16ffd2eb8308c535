//! Rules as ast-grep and Semgrep write them, in our words.

use serde_json::{Map, Value, json};

use super::problem::Flaw;

/// Fields that say nothing about what is found.
const WITHOUT_EFFECT: [&str; 6] = ["fix", "labels", "metadata", "rewriters", "url", "severities"];

/// Whether this is a rule as ast-grep's command line takes it.
pub(super) fn is_ast_grep(fields: &Map<String, Value>) -> bool {
    !fields.contains_key("type") && fields.contains_key("rule") && fields.contains_key("language")
}

/// Gives the fields that have no effect here beside the rule.
pub(super) fn from_ast_grep(
    mut fields: Map<String, Value>,
) -> Result<(Map<String, Value>, Vec<&'static str>), Flaw> {
    let language = fields.remove("language").unwrap_or_default();
    fields.insert("languages".into(), json!([language_of(&language)?]));
    fields.insert("type".into(), json!("ast"));
    match fields.remove("severity").as_ref().and_then(Value::as_str) {
        Some("error") => put(&mut fields, "severity", "high"),
        Some("warning") => put(&mut fields, "severity", "medium"),
        Some("info") => put(&mut fields, "severity", "low"),
        None | Some("hint") => put(&mut fields, "severity", "info"),
        Some("off") => {
            fields.insert("enabled".into(), json!(false));
        }
        Some(other) => put(&mut fields, "severity", other),
    }
    if let Some(note) = fields.remove("note") {
        fields.entry("description").or_insert(note);
    }
    if !fields.contains_key("message") {
        let told = fields.get("description").or(fields.get("id")).cloned().unwrap_or_default();
        fields.insert("message".into(), told);
    }
    if let Some(ignored) = fields.remove("ignores") {
        fields.insert("exclude".into(), ignored);
    }
    // A fix that goes through rewriters is none without them.
    if !fields.contains_key("rewriters") {
        let fix = fields.remove("fix");
        fields.extend(fix.map(|fix| ("rewrite".to_owned(), fix)));
    }
    let dropped = WITHOUT_EFFECT.into_iter().filter(|name| fields.remove(*name).is_some());
    let dropped = dropped.collect();
    Ok((fields, dropped))
}

/// Whether this is a taint rule as Semgrep takes it.
pub(super) fn is_semgrep_taint(fields: &Map<String, Value>) -> bool {
    !fields.contains_key("type") && fields.get("mode").and_then(Value::as_str) == Some("taint")
}

/// Gives the fields that have no effect here beside the rule. What a source or a sink may be is
/// judged by who reads them.
pub(super) fn from_semgrep_taint(
    mut fields: Map<String, Value>,
) -> Result<(Map<String, Value>, Vec<&'static str>), Flaw> {
    fields.remove("mode");
    fields.insert("type".into(), json!("semantic"));
    if let Some(Value::Array(languages)) = fields.get_mut("languages") {
        for language in languages {
            *language = json!(language_of(language)?);
        }
    }
    if let Some(Value::String(severity)) = fields.get_mut("severity") {
        *severity = match severity.to_ascii_lowercase().as_str() {
            "error" => "high".to_owned(),
            "warning" => "medium".to_owned(),
            "info" => "low".to_owned(),
            other => other.to_owned(),
        };
    }
    if let Some(Value::Object(paths)) = fields.remove("paths") {
        for (theirs, ours) in [("include", "files"), ("exclude", "exclude")] {
            fields.extend(paths.get(theirs).map(|globs| (ours.to_owned(), globs.clone())));
        }
    }
    let dropped = WITHOUT_EFFECT.into_iter().filter(|name| fields.remove(*name).is_some());
    let dropped = dropped.collect();
    Ok((fields, dropped))
}

fn put(fields: &mut Map<String, Value>, name: &str, word: &str) {
    fields.insert(name.to_owned(), json!(word));
}

/// ast-grep has a name and some short names for each language.
fn language_of(written: &Value) -> Result<&'static str, Flaw> {
    let word = written.as_str().unwrap_or_default().to_ascii_lowercase();
    match word.as_str() {
        "python" | "py" => Ok("python"),
        "javascript" | "js" | "jsx" => Ok("javascript"),
        "typescript" | "ts" => Ok("typescript"),
        "tsx" => Ok("tsx"),
        "go" | "golang" => Ok("go"),
        "java" => Ok("java"),
        "rust" | "rs" => Ok("rust"),
        _ => Err(Flaw::new(
            "language",
            format!("Assay does not parse {written}"),
            "it parses python, javascript, typescript, tsx, go, java and rust: \
             write a rule of type pattern, or leave this one out",
        )),
    }
}
