use serde_json::Value;

use crate::{InvalidArtifact, RunId, terms::terms};

/// Citations that a version may be bound to.
pub const CITATIONS_MAX: usize = 25;
/// A payload says what was seen; it is not the source itself.
const PAYLOAD_BYTES_MAX: usize = 16 * 1024;
const PATH_BYTES_MAX: usize = 4096;
/// As much of what is wrong as an error repeats.
const SHOWN_CHARS_MAX: usize = 80;

terms! {
    /// Where a citation leads.
    CitationSource ("citation source") {
        Finding = "finding",
        /// A piece of indexed text.
        Chunk = "chunk",
        Run = "run",
        /// One version of another artifact.
        Artifact = "artifact",
        /// A place in the code: `path:line` or `path:first-last`, with the snippet's hash.
        Path = "path",
    }
}

/// One source of a version.
#[derive(Debug, Clone, PartialEq)]
pub struct Citation {
    /// The n of `[[n]](citation:n)`.
    pub number: u32,
    pub source: CitationSource,
    /// An id, or a place in the code.
    pub reference: String,
    /// An object; with a `path`, its `snippet_hash` is the hash of what stood there.
    pub payload: Value,
}

/// Checks each citation by itself, and that no two have the same number.
pub(super) fn check_all(citations: &[Citation]) -> Result<(), InvalidArtifact> {
    if citations.len() > CITATIONS_MAX {
        return Err(InvalidArtifact::TooManyCitations { count: citations.len() });
    }
    for (index, citation) in citations.iter().enumerate() {
        let number = citation.number;
        if !(1..=CITATIONS_MAX).contains(&(number as usize)) {
            return Err(InvalidArtifact::Number { number });
        }
        if citations[..index].iter().any(|before| before.number == number) {
            return Err(InvalidArtifact::NumberTwice { number });
        }
        citation.check()?;
    }
    Ok(())
}

impl Citation {
    fn check(&self) -> Result<(), InvalidArtifact> {
        let payload = |expected| Err(InvalidArtifact::Payload { number: self.number, expected });
        if !self.payload.is_object() || super::holds_zero(&self.payload) {
            return payload("a JSON object without zero characters");
        }
        if self.payload.to_string().len() > PAYLOAD_BYTES_MAX {
            return payload("at most 16 KiB as JSON");
        }
        match self.source {
            CitationSource::Finding
            | CitationSource::Chunk
            | CitationSource::Run
            | CitationSource::Artifact => match self.reference.parse::<RunId>() {
                Ok(_) => Ok(()),
                Err(_) => Err(self.wrong_reference("the UUID of what is cited")),
            },
            CitationSource::Path => {
                if !is_place(&self.reference) {
                    return Err(self.wrong_reference("path:line or path:first-last"));
                }
                if !self.payload["snippet_hash"].as_str().is_some_and(is_sha256) {
                    return payload("`snippet_hash`, the hex sha256 of what stands there");
                }
                Ok(())
            }
        }
    }

    fn wrong_reference(&self, expected: &'static str) -> InvalidArtifact {
        let reference = self.reference.chars().take(SHOWN_CHARS_MAX).collect();
        InvalidArtifact::Reference { number: self.number, reference, expected }
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A path inside a repository with a line or lines.
fn is_place(text: &str) -> bool {
    let Some((path, lines)) = text.rsplit_once(':') else { return false };
    let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
    let in_order = number(first).zip(number(last)).is_some_and(|(first, last)| first <= last);
    in_order
        && path.len() <= PATH_BYTES_MAX
        && !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// A positive number as people write it: no sign, no leading zero.
fn number(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// Checks that every mark in the text has its citation and, when `all_marked`, the reverse.
pub(super) fn check_marks(
    text: &str,
    citations: &[Citation],
    all_marked: bool,
) -> Result<(), InvalidArtifact> {
    const MIDDLE: &str = "](citation:";
    let mut cited = Vec::new();
    for (at, _) in text.match_indices(MIDDLE) {
        let label = text[..at].rfind("[[").map(|open| &text[open + 2..at]);
        let label = label.and_then(|label| label.strip_suffix(']')).and_then(number);
        let rest = &text[at + MIDDLE.len()..];
        let target = rest.split_once(')').and_then(|(target, _)| number(target));
        let Some((number, _)) = label.zip(target).filter(|(label, target)| label == target) else {
            let begin = text[..at].char_indices().rev().nth(8).map_or(0, |(index, _)| index);
            let mark = text[begin..].chars().take(SHOWN_CHARS_MAX / 2).collect();
            return Err(InvalidArtifact::Mark { mark });
        };
        if !citations.iter().any(|citation| citation.number == number) {
            return Err(InvalidArtifact::NoCitation { number });
        }
        cited.push(number);
    }
    let unmarked = citations.iter().find(|citation| !cited.contains(&citation.number));
    match unmarked.filter(|_| all_marked) {
        Some(citation) => Err(InvalidArtifact::NoMark { number: citation.number }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Content;

    const ID: &str = "0191d9a0-0000-7000-8000-000000000001";

    fn citation(number: u32, source: CitationSource, reference: &str) -> Citation {
        let payload = json!({ "snippet_hash": "a".repeat(64) });
        Citation { number, source, reference: reference.to_owned(), payload }
    }

    fn run(number: u32) -> Citation {
        citation(number, CitationSource::Run, ID)
    }

    #[test]
    fn marks_and_citations_must_match() {
        let cases = [
            ("nothing", vec![], true),
            ("a wiki link [[1]] and a [link](https://example.com)", vec![], true),
            ("[[1]](citation:1) and [[1]](citation:1)", vec![run(1)], true),
            ("[[2]](citation:2)[[1]](citation:1)", vec![run(1), run(2)], true),
            ("größe: [[25]](citation:25)", vec![run(25)], true),
            ("[[1]](citation:1)", vec![], false),
            ("[[1]](citation:1)", vec![run(1), run(2)], false),
            ("nothing", vec![run(1)], false),
            ("[[1]](citation:2)", vec![run(1), run(2)], false),
            ("[1](citation:1)", vec![run(1)], false),
            ("[[01]](citation:01)", vec![run(1)], false),
            ("[[1]](citation:1", vec![run(1)], false),
            ("](citation:1)", vec![run(1)], false),
            ("[[one]](citation:one)", vec![run(1)], false),
        ];
        for (text, citations, fine) in cases {
            let outcome = Content::markdown(text).check(&citations);
            assert_eq!(outcome.is_ok(), fine, "{text}: {outcome:?}");
        }
    }

    #[test]
    fn marks_in_json_must_lead_somewhere() {
        let content = Content::Json(json!({ "a": [{ "text": "so it is [[1]](citation:1)" }] }));
        assert_eq!(content.check(&[run(1), run(2)]), Ok(()));
        assert_eq!(content.check(&[run(2)]), Err(InvalidArtifact::NoCitation { number: 1 }));
    }

    #[test]
    fn at_most_twenty_five_numbered_one_to_twenty_five_each_once() {
        let all: Vec<Citation> = (1..=25).map(run).collect();
        assert_eq!(check_all(&all), Ok(()));
        let more: Vec<Citation> = (1..=26).map(run).collect();
        assert_eq!(check_all(&more), Err(InvalidArtifact::TooManyCitations { count: 26 }));
        for number in [0, 26] {
            assert_eq!(check_all(&[run(number)]), Err(InvalidArtifact::Number { number }));
        }
        assert_eq!(check_all(&[run(3), run(3)]), Err(InvalidArtifact::NumberTwice { number: 3 }));
    }

    #[test]
    fn a_reference_has_the_form_of_its_source() {
        let cases = [
            (CitationSource::Finding, ID, true),
            (CitationSource::Chunk, "42", false),
            (CitationSource::Artifact, "", false),
            (CitationSource::Path, "src/app.py:12", true),
            (CitationSource::Path, "src/größe.py:12-14", true),
            (CitationSource::Path, "a:b.py:1", true),
            (CitationSource::Path, "src/app.py", false),
            (CitationSource::Path, "src/app.py:0", false),
            (CitationSource::Path, "src/app.py:14-12", false),
            (CitationSource::Path, "src/app.py:+1", false),
            (CitationSource::Path, "/etc/passwd:1", false),
            (CitationSource::Path, "../x:1", false),
            (CitationSource::Path, ":1", false),
        ];
        for (source, reference, fine) in cases {
            let outcome = check_all(&[citation(1, source, reference)]);
            assert_eq!(outcome.is_ok(), fine, "{source} {reference}: {outcome:?}");
        }
    }

    #[test]
    fn a_payload_is_a_small_object_and_a_place_has_its_hash() {
        let place =
            |payload| Citation { payload, ..citation(1, CitationSource::Path, "src/app.py:12") };
        for payload in [
            json!({}),
            json!({ "snippet_hash": "A".repeat(64) }),
            json!([]),
            json!({ "snippet_hash": "a".repeat(64), "text": "x".repeat(PAYLOAD_BYTES_MAX) }),
            json!({ "snippet_hash": "a".repeat(64), "text": "\0" }),
        ] {
            let outcome = check_all(&[place(payload)]);
            assert!(matches!(outcome, Err(InvalidArtifact::Payload { .. })), "{outcome:?}");
        }
    }
}
