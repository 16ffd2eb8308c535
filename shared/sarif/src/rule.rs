//! A rule as SARIF's readers want to see it.

use domain::{Category, Severity};

use crate::log::{Configuration, Descriptor, Help, RuleProperties, Text};

/// Tags that GitHub keeps of one rule.
const TAGS_MAX: usize = 10;

/// What a report says about a rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    pub id: &'a str,
    pub title: &'a str,
    pub message: &'a str,
    /// What to do instead.
    pub fix: Option<&'a str>,
    pub severity: Severity,
    /// 0.0 to 1.0: how often a match is right.
    pub confidence: f64,
    pub category: Category,
    /// Such as `CWE-78`.
    pub cwe: &'a [String],
    /// Such as `A03:2021`.
    pub owasp: &'a [String],
}

impl<'a> Rule<'a> {
    pub(crate) fn descriptor(&self) -> Descriptor<'a> {
        Descriptor {
            id: self.id,
            name: name(self.id),
            short_description: Text { text: sentence(self.title).into() },
            full_description: Text { text: sentence(self.message).into() },
            help_uri: self.cwe.first().and_then(|cwe| weakness_page(cwe)),
            help: self.help(),
            default_configuration: Configuration { level: level(self.severity) },
            properties: Some(self.properties()),
        }
    }

    fn help(&self) -> Help {
        let mut text = sentence(self.message);
        let mut markdown = format!("**{}**\n\n{}", self.title, sentence(self.message));
        if let Some(fix) = self.fix {
            text = format!("{text} Instead: {}", sentence(fix));
            markdown = format!("{markdown}\n\n**Instead:** {}", sentence(fix));
        }
        for cwe in self.cwe {
            if let Some(page) = weakness_page(cwe) {
                markdown = format!("{markdown}\n\n- [{cwe}]({page})");
            }
        }
        Help { text, markdown }
    }

    fn properties(&self) -> RuleProperties {
        let is_security = self.category != Category::Correctness;
        let mut tags = vec![if is_security { "security" } else { "correctness" }.to_owned()];
        if is_security {
            tags.push(self.category.as_str().to_owned());
        }
        tags.extend(
            self.cwe
                .iter()
                .filter_map(|cwe| weakness(cwe))
                .map(|n| format!("external/cwe/cwe-{n:03}")),
        );
        tags.extend(
            self.owasp.iter().map(|owasp| format!("external/owasp/{}", owasp.to_lowercase())),
        );
        tags.truncate(TAGS_MAX);
        RuleProperties {
            tags,
            precision: precision(self.confidence),
            problem_severity: match level(self.severity) {
                "note" => "recommendation",
                level => level,
            },
            security_severity: is_security.then(|| security_severity(self.severity)).flatten(),
        }
    }
}

/// `python.injection.sql-string` as an identifier in the form SARIF recommends.
pub(crate) fn name(id: &str) -> String {
    let words = id.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        })
        .collect()
}

/// Readers show texts one after another: each ends like a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim_end();
    let ends = text.ends_with(['.', '!', '?']);
    if ends { text.to_owned() } else { format!("{text}.") }
}

pub(crate) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// In the middle of the band that GitHub shows under the same name: low to 3.9, medium to 6.9,
/// high to 8.9, critical from 9.0. Without a number an alert has no severity at all.
fn security_severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}

/// The four words of code scanning for how often a rule is right.
fn precision(confidence: f64) -> &'static str {
    match confidence {
        0.9.. => "very-high",
        0.75.. => "high",
        0.5.. => "medium",
        _ => "low",
    }
}

/// The number in `CWE-78`.
pub(crate) fn weakness(cwe: &str) -> Option<u32> {
    let (prefix, number) = cwe.split_at_checked(4)?;
    prefix.eq_ignore_ascii_case("CWE-").then(|| number.parse().ok()).flatten()
}

fn weakness_page(cwe: &str) -> Option<String> {
    weakness(cwe).map(|number| format!("https://cwe.mitre.org/data/definitions/{number}.html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_names_and_texts_become_sentences() {
        assert_eq!(name("python.injection.sql-string"), "PythonInjectionSqlString");
        assert_eq!(name("..é--x"), "ÉX");
        assert_eq!(sentence("SQL built from strings "), "SQL built from strings.");
        assert_eq!(sentence("Really?"), "Really?");
    }

    #[test]
    fn a_rule_stays_within_what_github_keeps() {
        let cwe: Vec<String> = (1..=30).map(|number| format!("CWE-{number}")).collect();
        let owasp = ["A03:2021".to_owned()];
        let mut rule = Rule {
            id: "a.b",
            title: "A",
            message: "B",
            fix: None,
            severity: Severity::High,
            confidence: 0.8,
            category: Category::Injection,
            cwe: &cwe[..2],
            owasp: &owasp,
        };
        let properties = rule.properties();
        assert_eq!(
            properties.tags,
            [
                "security",
                "injection",
                "external/cwe/cwe-001",
                "external/cwe/cwe-002",
                "external/owasp/a03:2021"
            ]
        );
        assert_eq!((properties.security_severity, properties.precision), (Some("8.0"), "high"));
        rule.cwe = &cwe;
        assert_eq!(rule.properties().tags.len(), TAGS_MAX);
        rule.category = Category::Correctness;
        assert_eq!(rule.properties().security_severity, None);
    }
}
