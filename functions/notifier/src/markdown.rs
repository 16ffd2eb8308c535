//! Text of strangers inside Markdown of ours. Paths, code and titles come from whoever wrote the
//! pull request: they must neither end a block nor call anybody, and look the same every time.

use std::fmt::Write as _;

/// Characters that mean something in GitHub's Markdown or HTML.
const SPECIAL: [char; 15] =
    ['\\', '`', '*', '_', '{', '}', '[', ']', '<', '>', '#', '|', '~', '@', '&'];

/// Words as they are, on one line.
pub(crate) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if character.is_whitespace() || character.is_control() => out.push(' '),
            // References rather than backslashes: they hold in HTML, too, and call nobody.
            _ if SPECIAL.contains(&character) => {
                let _ = write!(out, "&#{};", character as u32);
            }
            _ => out.push(character),
        }
    }
    out
}

/// A piece of code inside a line, with HTML that holds wherever Markdown does not.
pub(crate) fn code(text: &str) -> String {
    format!("<code>{}</code>", words(text))
}

/// Lines of code. The fence is longer than any inside.
pub(crate) fn block(kind: &str, text: &str) -> String {
    let fence = fence(text);
    format!("{fence}{kind}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn fence(text: &str) -> String {
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or_default();
    "`".repeat((longest + 1).max(3))
}

/// `1 finding`, `2 findings`.
pub(crate) fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_leave_their_place() {
        let cases = [
            ("a.py", "a.py"),
            ("@octo/team", "&#64;octo/team"),
            ("</details><img>", "&#60;/details&#62;&#60;img&#62;"),
            ("a|b\n# c", "a&#124;b &#35; c"),
            ("`x` **y** [z](w)", "&#96;x&#96; &#42;&#42;y&#42;&#42; &#91;z&#93;(w)"),
        ];
        for (text, safe) in cases {
            assert_eq!(words(text), safe);
        }
        assert_eq!(block("py", "a\n"), "```py\na\n```\n");
        assert_eq!(block("", "```\n````x"), "`````\n```\n````x\n`````\n");
    }
}
