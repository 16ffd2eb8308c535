//! Paths as URIs and back.

use domain::SourceFile;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but what RFC 3986 calls unreserved, and the slash between folders.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A path of the repository as a relative URI.
pub(crate) fn uri(path: &str) -> String {
    utf8_percent_encode(path, ENCODED).to_string()
}

/// The path inside the repository that a URI names, if it names one.
///
/// An absolute URI counts when it lies below one of `bases`, the folders that the log says its
/// paths begin at.
pub(crate) fn path<'a>(uri: &str, bases: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let relative = if is_absolute(uri) {
        // Of nested folders the deepest is the one meant.
        let below = bases.into_iter().filter(|base| base.ends_with('/'));
        below.filter_map(|base| uri.strip_prefix(base)).min_by_key(|rest| rest.len())?
    } else {
        uri
    };
    let relative = relative.split(['?', '#']).next().unwrap_or_default();
    let path = percent_decode_str(relative).decode_utf8().ok()?;
    let path = path.strip_prefix("./").unwrap_or(&path);
    SourceFile::is_inside(path).then(|| path.to_owned())
}

/// Whether a URI begins with a scheme, such as `file:`.
fn is_absolute(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_lies_in_the_repository_has_a_path() {
        let bases = ["file:///home/me/shop/", "file:///home/me/", "file:///etc"];
        let cases = [
            ("src/a.py", Some("src/a.py")),
            ("./src/a.py", Some("src/a.py")),
            ("src/a%20b%2Bc.py", Some("src/a b+c.py")),
            ("src/a.py#L3", Some("src/a.py")),
            ("file:///home/me/shop/src/a.py", Some("src/a.py")),
            ("file:///home/me/other/a.py", Some("other/a.py")),
            ("file:///etc/passwd", None),
            ("/etc/passwd", None),
            ("../a.py", None),
            ("a/%2e%2e/b.py", None),
            ("c:\\a.py", None),
            ("a%5Cb.py", None),
            ("a%FF.py", None),
            ("https://example.com/a.py", None),
            ("", None),
        ];
        for (uri, expected) in cases {
            assert_eq!(path(uri, bases).as_deref(), expected, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn a_path_comes_back_from_its_uri(parts in prop::collection::vec("[^/\\\\\0]{1,8}", 1..4)) {
            let whole = parts.join("/");
            prop_assume!(SourceFile::is_inside(&whole));
            let back = path(&uri(&whole), []);
            prop_assert_eq!(back, Some(whole));
        }
    }
}
