//! What a result says, with what it leaves to its rule, its run and the defaults.

use std::collections::{BTreeMap, HashMap};

use domain::{
    Category, Finding, Fingerprint, LineRange, Severity, SnippetHash, Trail, VerificationType,
};
use serde_json::Value;

use super::{
    Imported, Read, Skipped, SkippedReason, TEXT_BYTES_MAX,
    model::{Component, Descriptor, Location, Message, Reference, Region, Result as Reported, Run},
};
use crate::{FINGERPRINT_KEY, TRAIL_KEY, category::of_weaknesses, place, rule::weakness};

/// A path, rule or tool with a longer name is nobody's.
const NAME_BYTES_MAX: usize = 1024;

/// What Semgrep writes for the fingerprint of each result, unless somebody is logged in.
const NO_FINGERPRINT: &str = "requires login";

/// Weaknesses and categories that one rule may name.
const TAGS_MAX: usize = 20;

pub(super) fn run(index: usize, run: &Run, read: &mut Read) {
    // Rules are looked up by id once for each result, in lists of thousands.
    let mut by_id = HashMap::new();
    for descriptor in components(run).filter_map(|one| one.rules.as_deref()).flatten() {
        by_id.entry(descriptor.id.as_str()).or_insert(descriptor);
    }
    let mut seen = HashMap::new();
    for (number, result) in run.results.iter().flatten().enumerate() {
        match import(run, result, &by_id, &mut seen) {
            Ok(imported) => read.findings.push(imported),
            Err(reason) => {
                let at = format!("runs[{index}].results[{number}]");
                read.skipped.push(Skipped { at, reason });
            }
        }
    }
}

fn components(run: &Run) -> impl Iterator<Item = &Component> {
    std::iter::once(&run.tool.driver).chain(run.tool.extensions.iter().flatten())
}

type Seen = HashMap<(String, String, String, String), u32>;

fn import(
    run: &Run,
    result: &Reported,
    by_id: &HashMap<&str, &Descriptor>,
    seen: &mut Seen,
) -> Result<Imported, SkippedReason> {
    let is_problem = result.kind.as_deref().is_none_or(|kind| kind == "fail")
        && result.baseline_state.as_deref() != Some("absent");
    if !is_problem {
        return Err(SkippedReason::NotAProblem);
    }
    let location = result.locations.iter().flatten().next().ok_or(SkippedReason::NoPlace)?;
    let (path, region) = place(run, location)?;
    let lines = lines(region).ok_or(SkippedReason::NoPlace)?;
    let descriptor = descriptor(run, result, by_id);
    let tool = clipped(&run.tool.driver.name, NAME_BYTES_MAX);
    let rule = rule_id(result, descriptor).ok_or(SkippedReason::NoPlace)?;
    let message = clipped(&message(result, descriptor), TEXT_BYTES_MAX);
    let snippet = region.snippet.as_ref().and_then(|snippet| snippet.text.as_deref());
    let snippet = clipped(snippet.unwrap_or_default(), TEXT_BYTES_MAX);
    let (own, fingerprint) = fingerprint(result, location, &rule, &path, &snippet, &message, seen);
    let tags = Tags::of(descriptor, result);
    let title = descriptor.and_then(|one| text(one.short_description.as_ref()));
    let finding = Finding {
        category: tags.category(),
        severity: severity(result, descriptor),
        confidence: confidence(descriptor),
        verification: VerificationType::Pattern,
        title: clipped(title.unwrap_or(&rule), TEXT_BYTES_MAX),
        description: message,
        path,
        lines,
        snippet_hash: SnippetHash::of(&snippet),
        snippet,
        trail: own.then(|| trail(result)).flatten(),
        fingerprint,
        fix_suggestion: descriptor
            .and_then(|one| text(one.help.as_ref()))
            .map(|help| clipped(help, TEXT_BYTES_MAX)),
        fix_diff: None,
        cwe: tags.cwe,
        owasp: tags.owasp,
        demoted: result.properties.as_ref().and_then(|bag| bag.get("demoted"))
            == Some(&Value::Bool(true)),
        rule,
    };
    Ok(Imported { finding, tool, suppressed: suppressed(result), is_own: own })
}

/// The path and the region of a location; both may stand elsewhere in the log.
fn place<'a>(run: &Run, location: &'a Location) -> Result<(String, &'a Region), SkippedReason> {
    let physical = location.physical_location.as_ref().ok_or(SkippedReason::NoPlace)?;
    let artifact = physical.artifact_location.as_ref().ok_or(SkippedReason::NoPlace)?;
    let listed = || {
        let artifact = at(run.artifacts.as_deref(), artifact.index)?;
        artifact.location.as_ref()?.uri.as_deref()
    };
    let uri = artifact.uri.as_deref().or_else(listed).ok_or(SkippedReason::NoPlace)?;
    let region = physical.region.as_ref().ok_or(SkippedReason::NoPlace)?;
    let bases = run.original_uri_base_ids.iter().flat_map(|bases| bases.values());
    let bases = bases.filter_map(|base| base.uri.as_deref());
    place::path(uri, bases)
        .filter(|path| path.len() <= NAME_BYTES_MAX)
        .map(|path| (path, region))
        .ok_or(SkippedReason::OutsideRepository)
}

/// An entry by an index that may be -1 for none, or nonsense.
fn at<T>(list: Option<&[T]>, index: Option<i64>) -> Option<&T> {
    list?.get(usize::try_from(index?).ok()?)
}

fn lines(region: &Region) -> Option<LineRange> {
    let number = |line: i64| u32::try_from(line).ok().filter(|line| *line >= 1);
    let first = number(region.start_line?)?;
    let last = region.end_line.and_then(number).unwrap_or(first);
    Some(LineRange { first, last: last.max(first) })
}

fn descriptor<'a>(
    run: &'a Run,
    result: &Reported,
    by_id: &HashMap<&str, &'a Descriptor>,
) -> Option<&'a Descriptor> {
    let reference = result.rule.as_ref();
    let component = reference
        .and_then(|rule| rule.tool_component.as_ref())
        .and_then(|component| at(run.tool.extensions.as_deref(), component.index))
        .unwrap_or(&run.tool.driver);
    let index = reference.and_then(|rule| rule.index).or(result.rule_index);
    let id = result.rule_id.as_deref().or(reference.and_then(|rule| rule.id.as_deref()));
    at(component.rules.as_deref(), index)
        // An index that disagrees with the id is a mistake of the tool; people see the id.
        .filter(|found| id.is_none_or(|id| is_rule_or_below(id, &found.id)))
        .or_else(|| by_id.get(id?).copied())
}

/// A result may name a rule more closely than the rule does itself: `A/B` for `A`.
fn is_rule_or_below(id: &str, rule: &str) -> bool {
    id.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn rule_id(result: &Reported, descriptor: Option<&Descriptor>) -> Option<String> {
    let own = result.rule_id.as_deref();
    let referred = result.rule.as_ref().and_then(|rule| rule.id.as_deref());
    let id = own.or(referred).or(descriptor.map(|one| one.id.as_str()))?;
    (!id.is_empty() && id.len() <= NAME_BYTES_MAX).then(|| id.to_owned())
}

fn text(message: Option<&Message>) -> Option<&str> {
    message?.text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// The result's own words, or its rule's with the arguments put in.
fn message(result: &Reported, descriptor: Option<&Descriptor>) -> String {
    let Some(own) = &result.message else { return String::new() };
    let Some(template) = text(Some(own)).or_else(|| {
        let strings = descriptor?.message_strings.as_ref()?;
        text(strings.get(own.id.as_deref()?))
    }) else {
        let full = descriptor.and_then(|one| text(one.full_description.as_ref()));
        return full.unwrap_or_default().to_owned();
    };
    let mut text = clipped(template, TEXT_BYTES_MAX);
    for (index, argument) in own.arguments.iter().flatten().take(TAGS_MAX).enumerate() {
        text = text.replace(&format!("{{{index}}}"), &clipped(argument, NAME_BYTES_MAX));
        text = clipped(&text, TEXT_BYTES_MAX);
    }
    text
}

fn clipped(text: &str, bytes_max: usize) -> String {
    text[..text.floor_char_boundary(bytes_max)].to_owned()
}

/// Assay's own fingerprint, or one made of what the other tool says; the first value tells which.
fn fingerprint(
    result: &Reported,
    location: &Location,
    rule: &str,
    path: &str,
    snippet: &str,
    message: &str,
    seen: &mut Seen,
) -> (bool, Fingerprint) {
    let partial = given(result.partial_fingerprints.as_ref());
    let own = partial.iter().find(|(key, own)| *key == FINGERPRINT_KEY && is_hash(own));
    if let Some((_, own)) = own {
        return (true, Fingerprint::stored((*own).to_owned()));
    }
    let symbol = location.logical_locations.iter().flatten().next();
    let symbol = symbol.and_then(|one| one.fully_qualified_name.as_ref().or(one.name.as_ref()));
    let symbol = clipped(symbol.map_or("", String::as_str), NAME_BYTES_MAX);
    // Full fingerprints are said to be better than partial ones.
    let full = given(result.fingerprints.as_ref());
    let given = if full.is_empty() { partial } else { full };
    let basis = if !given.is_empty() {
        given.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
    } else if !snippet.is_empty() {
        snippet.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        message.to_owned()
    };
    let key = (rule.to_owned(), path.to_owned(), symbol, basis);
    let occurrence = seen.entry(key.clone()).or_default();
    let fingerprint = Fingerprint::of(rule, path, &key.2, &key.3, *occurrence);
    *occurrence += 1;
    (false, fingerprint)
}

/// Those fingerprints that are some: texts, and not the word that stands in their place.
fn given(all: Option<&BTreeMap<String, Value>>) -> Vec<(&str, &str)> {
    let texts =
        all.into_iter().flatten().filter_map(|(key, value)| Some((&**key, value.as_str()?)));
    texts.filter(|(_, value)| !value.is_empty() && *value != NO_FINGERPRINT).collect()
}

/// How a finding of ours is known again elsewhere.
fn trail(result: &Reported) -> Option<Trail> {
    let trail = result.partial_fingerprints.as_ref()?.get(TRAIL_KEY)?.as_str()?;
    Some(Trail::stored(trail.to_owned()))
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Our own word, then the number that code scanning goes by, then SARIF's level.
fn severity(result: &Reported, descriptor: Option<&Descriptor>) -> Severity {
    let own = result.properties.as_ref().and_then(|bag| bag.get("severity")?.as_str());
    if let Some(severity) = own.and_then(|word| word.parse().ok()) {
        return severity;
    }
    let score = property(descriptor, "security-severity").and_then(|value| match value {
        Value::String(text) => text.parse::<f64>().ok(),
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    if let Some(score) = score {
        return match score {
            9.0.. => Severity::Critical,
            7.0.. => Severity::High,
            4.0.. => Severity::Medium,
            _ => Severity::Low,
        };
    }
    let configured =
        descriptor.and_then(|one| one.default_configuration.as_ref()?.level.as_deref());
    match result.level.as_deref().or(configured) {
        Some("error") => Severity::High,
        Some("note") => Severity::Low,
        Some("none") => Severity::Info,
        // `warning` is also what SARIF takes when nothing is said.
        _ => Severity::Medium,
    }
}

fn confidence(descriptor: Option<&Descriptor>) -> f64 {
    match property(descriptor, "precision").and_then(Value::as_str) {
        Some("very-high") => 0.95,
        Some("high") => 0.85,
        Some("medium") => 0.6,
        Some("low") => 0.4,
        _ => 0.5,
    }
}

fn property<'a>(descriptor: Option<&'a Descriptor>, name: &str) -> Option<&'a Value> {
    descriptor?.properties.as_ref()?.get(name)
}

#[derive(Default)]
struct Tags {
    cwe: Vec<String>,
    owasp: Vec<String>,
}

impl Tags {
    fn of(descriptor: Option<&Descriptor>, result: &Reported) -> Self {
        let of_rule = property(descriptor, "tags");
        let of_result = result.properties.as_ref().and_then(|bag| bag.get("tags"));
        let lists = [of_rule, of_result].into_iter().flatten().filter_map(Value::as_array);
        let mut tags = Self::default();
        for tag in lists.flatten().filter_map(Value::as_str).take(TAGS_MAX) {
            // As CodeQL writes them, and as Semgrep does: `CWE-89: Improper …`.
            let word = tag.strip_prefix("external/cwe/").or(Some(tag)).unwrap_or_default();
            let word = word.split([':', ' ']).next().unwrap_or_default();
            if let Some(number) = weakness(word) {
                tags.cwe.push(format!("CWE-{number}"));
            }
            if let Some(name) = tag.strip_prefix("external/owasp/").filter(|name| name.len() <= 40)
            {
                tags.owasp.push(name.to_uppercase());
            }
        }
        let related = descriptor.and_then(|one| one.relationships.as_deref()).unwrap_or_default();
        let of_rule = related.iter().filter_map(|one| one.target.as_ref());
        let taxa = of_rule.chain(result.taxa.iter().flatten()).take(TAGS_MAX);
        for number in taxa.filter_map(cwe_number) {
            let cwe = format!("CWE-{number}");
            if !tags.cwe.contains(&cwe) {
                tags.cwe.push(cwe);
            }
        }
        tags
    }

    fn category(&self) -> Category {
        let numbers: Vec<u32> = self.cwe.iter().filter_map(|cwe| weakness(cwe)).collect();
        of_weaknesses(&numbers)
    }
}

/// The weakness that a taxon of the CWE is: `22` or `CWE-22`, as gosec writes it and others do.
fn cwe_number(taxon: &Reference) -> Option<u32> {
    let taxonomy = taxon.tool_component.as_ref()?.name.as_deref()?;
    let id = taxon.id.as_deref()?;
    taxonomy.eq_ignore_ascii_case("CWE").then(|| weakness(id).or_else(|| id.parse().ok())).flatten()
}

/// A suppression that somebody asked for and nobody granted does not count.
fn suppressed(result: &Reported) -> Option<String> {
    let all = result.suppressions.as_deref().filter(|all| !all.is_empty())?;
    let open = |status: &str| matches!(status, "underReview" | "rejected");
    if all.iter().any(|one| one.status.as_deref().is_some_and(open)) {
        return None;
    }
    let reason = all.iter().find_map(|one| one.justification.as_deref());
    Some(clipped(reason.unwrap_or_default(), TEXT_BYTES_MAX))
}
