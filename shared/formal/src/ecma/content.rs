//! Strings as numbers: a content of its own for each, readable where it is short.

/// ASCII texts up to this length are their own bytes.
const PACKED_MAX: usize = 14;

/// Contents from here on are hashes.
const HASHED: i128 = 1 << 120;

/// The number that stands for a text.
pub(super) fn packed(text: &str) -> i128 {
    if text.is_ascii() && text.len() <= PACKED_MAX {
        return text.bytes().fold(0, |all, byte| (all << 8) | i128::from(byte));
    }
    // FNV-1a.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    HASHED + i128::from(hash)
}

/// As many units as JavaScript counts.
pub(super) fn length(text: &str) -> i128 {
    i128::try_from(text.encode_utf16().count()).unwrap_or(0)
}

/// A text of this length for a content that a model chose: the one it stands for, if there is one,
/// else one that no short literal has.
pub(crate) fn unpacked(content: i128, length: usize) -> String {
    let bytes: Vec<u8> = (0..PACKED_MAX)
        .rev()
        .map(|place| (content >> (place * 8)) & 0xff)
        .skip_while(|byte| *byte == 0)
        .filter_map(|byte| u8::try_from(byte).ok())
        .collect();
    let readable = (0..HASHED).contains(&content)
        && bytes.len() == length
        && bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    match String::from_utf8(bytes) {
        Ok(text) if readable => text,
        _ => {
            let digits = format!("{content:x}");
            let fill = "~".repeat(length.saturating_sub(digits.len()));
            format!("{fill}{digits}").chars().take(length).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_read_back() {
        for text in ["", "a", "admin", "a longer text."] {
            assert_eq!(unpacked(packed(text), text.len()), text);
        }
    }

    #[test]
    fn every_other_content_gets_a_text_of_its_length() {
        for (content, length) in [(5, 1), (-3, 4), (packed("ab"), 7), (i128::MAX, 3)] {
            assert_eq!(unpacked(content, length).chars().count(), length);
        }
        assert_ne!(packed("a text that is longer"), packed("a text that is shorter"));
    }
}
