use sha2::{Digest, Sha256};

/// Most bytes of one part of a path. File systems take 255, and a version is put behind it.
const PART_BYTES_MAX: usize = 200;
/// Most bytes of what a name becomes. Windows' own programs stop at 260, archives at 65,535.
const NAME_BYTES_MAX: usize = 400;
/// Most bytes of a whole path in a bundle: a name with folders before it.
const PATH_BYTES_MAX: usize = 600;
/// Hex digits of a hash that stand for what was cut off.
const HASH_DIGITS: usize = 12;

/// Names of devices, which Windows does not let a file have, whatever its ending is.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A relative path for any name: letters, digits, `.`, `_` and `-`, in folders where the name had
/// slashes. Two names may become the same path; a [`Bundle`](crate::Bundle) refuses the second.
///
/// ```
/// assert_eq!(bundling::safe_path("../../etc/passwd"), "__/__/etc/passwd");
/// assert_eq!(bundling::safe_path(r"C:\docs\run:7"), "docs/run_7");
/// ```
pub fn safe_path(name: &str) -> String {
    let slashed = name.replace('\\', "/");
    let mut parts: Vec<String> =
        without_drive(&slashed).split('/').filter(|part| !part.is_empty()).map(safe_part).collect();
    if parts.is_empty() {
        parts.push("_".to_owned());
    }
    let path = parts.join("/");
    if path.len() > NAME_BYTES_MAX { shorten(&path.replace('/', "_"), name) } else { path }
}

fn without_drive(name: &str) -> &str {
    match name.as_bytes() {
        [letter, b':', ..] if letter.is_ascii_alphabetic() => &name[2..],
        _ => name,
    }
}

fn safe_part(part: &str) -> String {
    let mut safe: String = part.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if safe.bytes().all(|byte| byte == b'.') {
        safe = "_".repeat(safe.len());
    }
    // Windows drops a dot at the end, and with it the difference to another name.
    if safe.ends_with('.') {
        safe.pop();
        safe.push('_');
    }
    if is_device(&safe) {
        safe.insert(0, '_');
    }
    if safe.len() > PART_BYTES_MAX { shorten(&safe, part) } else { safe }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9']))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// What is cut off is still told apart by the hash of the whole.
fn shorten(safe: &str, whole: &str) -> String {
    let hash = hex::encode(Sha256::digest(whole.as_bytes()));
    format!("{}-{}", &safe[..PART_BYTES_MAX - HASH_DIGITS - 1], &hash[..HASH_DIGITS])
}

/// Whether a path stays inside and means the same everywhere.
pub(crate) fn is_safe(path: &str) -> bool {
    path.len() <= PATH_BYTES_MAX
        && path.split('/').all(|part| {
            !part.is_empty()
                && part.chars().all(is_plain)
                && part.bytes().any(|byte| byte != b'.')
                && !part.ends_with('.')
                && !is_device(part)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_paths_that_stay_inside() {
        let cases = [
            ("run:0191d9a0", "run_0191d9a0"),
            ("../../etc/passwd", "__/__/etc/passwd"),
            ("..\\..\\boot.ini", "__/__/boot.ini"),
            ("/etc/passwd", "etc/passwd"),
            ("//server/share", "server/share"),
            ("C:\\Users\\me", "Users/me"),
            ("c:", "_"),
            ("a/./b", "a/_/b"),
            ("...", "___"),
            ("", "_"),
            ("/", "_"),
            ("größe", "gr__e"),
            ("a b\n", "a_b_"),
            ("CON", "_CON"),
            ("aux.txt", "_aux.txt"),
            ("com1", "_com1"),
            ("com0", "com0"),
            ("console", "console"),
            ("end.", "end_"),
            ("v1.2-rc_3", "v1.2-rc_3"),
        ];
        for (name, path) in cases {
            assert_eq!(safe_path(name), path, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_and_still_told_apart() {
        let (one, other) = ("x".repeat(5000), format!("{}y", "x".repeat(4999)));
        assert_ne!(safe_path(&one), safe_path(&other));
        assert_eq!(safe_path(&one).len(), PART_BYTES_MAX);
        let deep = "a/".repeat(5000);
        assert_eq!(safe_path(&deep).len(), PART_BYTES_MAX);
        assert_ne!(safe_path(&deep), safe_path(&"a/".repeat(5001)));
    }

    proptest! {
        #[test]
        fn every_name_becomes_a_safe_path_and_then_stays_as_it_is(name in "\\PC{0,300}|[./\\\\:a-c]{0,40}") {
            let path = safe_path(&name);
            prop_assert!(is_safe(&path), "{:?}", path);
            prop_assert_eq!(safe_path(&path), path);
        }
    }
}
