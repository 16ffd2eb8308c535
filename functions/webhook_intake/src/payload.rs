//! From a verified body to the JSON text in it.

use std::borrow::Cow;

use crate::problem::Refusal;

/// Deepest nesting of a payload. Real ones stay below 10.
pub(crate) const DEPTH_MAX: usize = 128;

const FORM: &str = "application/x-www-form-urlencoded";

/// The JSON text of a body, which a repository's own webhook may also send as a form.
pub(crate) fn json<'a>(content_type: &str, body: &'a [u8]) -> Result<Cow<'a, str>, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::NotUtf8)?;
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let text = if media_type.eq_ignore_ascii_case(FORM) {
        form_urlencoded::parse(text.as_bytes())
            .find_map(|(name, value)| (name == "payload").then_some(value))
            .ok_or(Refusal::NoPayloadField)?
    } else {
        Cow::Borrowed(text)
    };
    if is_too_deep(&text) { Err(Refusal::TooDeep) } else { Ok(text) }
}

/// Looked at by ourselves: the parser limits the depth of what it keeps, not of what it skips.
fn is_too_deep(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_carries_the_same_text_as_a_plain_body() {
        let plain = json("application/json", br#"{"a": "b c&d%"}"#).unwrap();
        let forms: [&[u8]; 2] = [
            b"payload=%7B%22a%22%3A+%22b%20c%26d%25%22%7D",
            b"other=1&payload=%7b%22a%22%3a+%22b+c%26d%25%22%7d&x=y",
        ];
        for form in forms {
            let found = json("application/x-www-form-urlencoded; charset=utf-8", form).unwrap();
            assert_eq!(found, plain);
        }
        assert!(matches!(json(FORM, b"body=%7B%7D"), Err(Refusal::NoPayloadField)));
    }

    #[test]
    fn only_real_nesting_counts() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let cases = [
            (nested(DEPTH_MAX), true),
            (nested(DEPTH_MAX + 1), false),
            (format!(r#"{{"skipped":{}}}"#, nested(10_000)), false),
            (format!(r#"{{"text":"{}\"{}"}}"#, "[".repeat(500), "{".repeat(500)), true),
            (format!("[{}]", vec!["[]"; 1_000].join(",")), true),
            ("]".repeat(1_000) + &nested(5), true),
        ];
        for (text, fine) in cases {
            let found = json("application/json", text.as_bytes());
            assert_eq!(found.is_ok(), fine, "{} bytes", text.len());
        }
    }
}
