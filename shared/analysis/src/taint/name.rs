//! Dotted names in rules: `os.system`, `*.execute`, `sqlite3.connect().execute`.

/// Parts of a name; a longer one exists nowhere.
const PARTS_MAX: usize = 12;

/// What a call gives is a part of its own, so that `a()` and `a` differ.
pub(super) const CALL: &str = "()";

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    /// Without the star.
    pub(super) parts: Vec<String>,
    /// Began with `*`: at least one part stands before these.
    pub(super) anywhere: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a name: write it as in `os.system`, or `*.execute` for any receiver")]
pub(crate) struct NameError(String);

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, NameError> {
        let error = || NameError(text.to_owned());
        let dotted = text.replace("::", ".");
        let (anywhere, rest) = match dotted.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, dotted.as_str()),
        };
        let mut parts = Vec::new();
        for part in rest.split('.') {
            let bare = part.trim_end_matches(CALL);
            let calls = (part.len() - bare.len()) / CALL.len();
            let letter = |at: char| at.is_alphanumeric() || matches!(at, '_' | '$' | '@' | '-');
            // `$NAME` is a variable of a pattern; `$` and `$query` are names in JavaScript.
            let variable = bare.strip_prefix('$').is_some_and(|rest| {
                rest.starts_with(|at: char| at.is_ascii_uppercase() || at == '$')
            });
            if bare.is_empty() || variable || !bare.chars().all(letter) {
                return Err(error());
            }
            parts.push(bare.to_owned());
            parts.extend(std::iter::repeat_n(CALL.to_owned(), calls));
        }
        if parts.len() > PARTS_MAX { Err(error()) } else { Ok(Self { parts, anywhere }) }
    }

    /// The last part that stands in the code as it is written here.
    pub(super) fn keyword(&self) -> &str {
        let word = self.parts.iter().rev().find(|part| *part != CALL);
        word.map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_dots_colons_and_calls() {
        let cases = [
            ("input", false, vec!["input"]),
            ("*.execute", true, vec!["execute"]),
            ("a.b().c", false, vec!["a", "b", "()", "c"]),
            ("std::fs::read", false, vec!["std", "fs", "read"]),
            ("$", false, vec!["$"]),
        ];
        for (text, anywhere, parts) in cases {
            let name = Name::parse(text).unwrap();
            assert_eq!(
                (name.anywhere, name.parts),
                (anywhere, parts.iter().map(|part| (*part).to_owned()).collect())
            );
        }
        for text in
            ["", "*", "*.", "a..b", "a b", "f(x)", "a.*", "()", "$NAME", "$$$", &"a.".repeat(30)]
        {
            assert!(Name::parse(text).is_err(), "{text}");
        }
    }
}
