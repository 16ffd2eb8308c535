//! What can be wrong with the fields that rules of every type have.

use super::{Example, Examples, Head};
use crate::custom::problem::Flaw;

const ID_BYTES_MAX: usize = 100;
const TITLE_CHARS_MAX: usize = 120;
const TEXT_CHARS_MAX: usize = 2000;
const GLOBS_MAX: usize = 50;
const GLOB_BYTES_MAX: usize = 256;
const TAGS_MAX: usize = 10;
const EXAMPLES_MAX: usize = 20;
const EXAMPLE_BYTES_MAX: usize = 16 * 1024;

pub(in crate::custom) fn head(head: &Head) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut require = |holds: bool, at: &str, problem: &str, remedy: &str| {
        if !holds {
            flaws.push(Flaw::new(at, problem, remedy));
        }
    };
    let remedy = "write up to 100 letters, digits, `.`, `_` and `-`, beginning with a letter \
                  or digit, such as `no-print`";
    require(is_id(&head.id), "id", "it is no id", remedy);
    let texts = [
        ("title", head.title.as_deref(), TITLE_CHARS_MAX),
        ("message", Some(head.message.as_str()), TEXT_CHARS_MAX),
        ("description", head.description.as_deref(), TEXT_CHARS_MAX),
        ("fix", head.fix.as_deref(), TEXT_CHARS_MAX),
    ];
    for (at, text, most) in texts {
        let Some(text) = text else { continue };
        let remedy = format!("write 1 to {most} characters");
        require(!text.trim().is_empty(), at, "it is empty", &remedy);
        require(text.chars().count() <= most, at, "it is too long", &remedy);
        let strange = |character: char| character.is_control() && !"\n\t".contains(character);
        let remedy = "take the control characters out";
        require(!text.contains(strange), at, "it is no plain text", remedy);
    }
    let (confidence, remedy) = (head.confidence, "write a number from 0 to 1");
    require((0.0..=1.0).contains(&confidence), "confidence", "it is out of range", remedy);
    for (at, tags) in [("cwe", &head.cwe), ("owasp", &head.owasp)] {
        let fits = |tag: &String| if at == "cwe" { is_cwe(tag) } else { is_owasp(tag) };
        let fine = tags.len() <= TAGS_MAX && tags.iter().all(fits);
        require(fine, at, "it is no list of such tags", "write [CWE-89], or [A03:2021]");
    }
    for (at, globs) in [("files", &head.files), ("exclude", &head.exclude)] {
        let fits = |glob: &String| !glob.trim().is_empty() && glob.len() <= GLOB_BYTES_MAX;
        let fine = globs.len() <= GLOBS_MAX && globs.iter().all(fits);
        let remedy = "write up to 50 globs of 1 to 256 bytes";
        require(fine, at, "it is too much, or empty", remedy);
    }
    flaws
}

pub(in crate::custom) fn examples(examples: &Examples) -> Vec<Flaw> {
    let lists = [("examples.bad", &examples.bad), ("examples.good", &examples.good)];
    let long = |example: &Example| match example {
        Example::Code(code) | Example::File { code, .. } => code.len() > EXAMPLE_BYTES_MAX,
    };
    let too_much =
        |(_, list): &(&str, &Vec<Example>)| list.len() > EXAMPLES_MAX || list.iter().any(long);
    let refuse = |(at, _)| {
        let remedy = "write up to 20 examples of up to 16 KiB";
        Flaw::new(at, "it is too much", remedy)
    };
    lists.into_iter().filter(too_much).map(refuse).collect()
}

fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    id.len() <= ID_BYTES_MAX
        && id.bytes().all(plain)
        && id.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

fn is_cwe(tag: &str) -> bool {
    tag.strip_prefix("CWE-").is_some_and(|number| {
        (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_owasp(tag: &str) -> bool {
    let digits = |part: &str, count| {
        part.len() == count && part.bytes().all(|byte: u8| byte.is_ascii_digit())
    };
    tag.strip_prefix('A')
        .and_then(|tag| tag.split_once(':'))
        .is_some_and(|(number, year)| digits(number, 2) && digits(year, 4))
}

/// A title for a rule that has none: as much of the message as fits in a line.
pub(in crate::custom) fn title_of(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default();
    let sentence = line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.');
    if sentence.chars().count() <= TITLE_CHARS_MAX {
        return sentence.to_owned();
    }
    let kept: String = sentence.chars().take(TITLE_CHARS_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}
