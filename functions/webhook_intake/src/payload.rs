//! From a verified body to the JSON text in it.

use std::borrow::Cow;

/// Most bytes of a body: what Lambda takes of a synchronous event. GitHub sends up to 25 MB;
/// what is larger is recovered through the deliveries API.
pub const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Deepest nesting of a payload. Real ones stay below 10.
pub const DEPTH_MAX: usize = 128;

const FORM: &str = "application/x-www-form-urlencoded";
const FORM_FIELD: &[u8] = b"payload=";

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnreadablePayload {
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the form has no field `payload`")]
    NoField,
    #[error("the form is not encoded as a URL's query is")]
    BadEscape,
    #[error("the payload is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// The JSON text of a body, which repository webhooks may also send as a form.
pub fn json<'a>(content_type: &str, body: &'a [u8]) -> Result<Cow<'a, str>, UnreadablePayload> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let text = if media_type.eq_ignore_ascii_case(FORM) {
        let field = body
            .split(|byte| *byte == b'&')
            .find_map(|pair| pair.strip_prefix(FORM_FIELD))
            .ok_or(UnreadablePayload::NoField)?;
        let text = String::from_utf8(unescape(field)?);
        Cow::Owned(text.map_err(|_| UnreadablePayload::NotUtf8)?)
    } else {
        Cow::Borrowed(std::str::from_utf8(body).map_err(|_| UnreadablePayload::NotUtf8)?)
    };
    if is_too_deep(&text) { Err(UnreadablePayload::TooDeep) } else { Ok(text) }
}

fn unescape(field: &[u8]) -> Result<Vec<u8>, UnreadablePayload> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2).ok_or(UnreadablePayload::BadEscape)?;
                let mut byte = [0];
                hex::decode_to_slice(digits, &mut byte)
                    .map_err(|_| UnreadablePayload::BadEscape)?;
                bytes.push(byte[0]);
                rest = tail;
            }
            other => bytes.push(*other),
        }
    }
    Ok(bytes)
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
    }

    #[test]
    fn what_is_no_text_is_refused() {
        use UnreadablePayload::{BadEscape, NoField, NotUtf8};
        let cases: [(&str, &[u8], UnreadablePayload); 6] = [
            ("application/json", b"{\"a\":\"\xff\"}", NotUtf8),
            (FORM, b"payload=%ff", NotUtf8),
            (FORM, b"payload=%f", BadEscape),
            (FORM, b"payload=%zz", BadEscape),
            (FORM, b"body=%7B%7D", NoField),
            (FORM, b"", NoField),
        ];
        for (content_type, body, expected) in cases {
            assert_eq!(json(content_type, body), Err(expected), "{body:?}");
        }
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
