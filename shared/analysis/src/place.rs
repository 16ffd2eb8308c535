//! What a file is, judged by its name and bytes: whether it is parsed, and whether it may decide.

use domain::{Language, SourceFile, UnanalysedReason};

/// A larger file is data or output, whatever its name.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// How far git, too, looks for a NUL byte before it calls a file text.
const BINARY_PROBE_BYTES: usize = 8000;

/// Generators put their marker at the top; further down it is somebody's string.
pub const MARKER_LINES: u32 = 12;

const VENDORED: [&str; 8] = [
    "vendor",
    "node_modules",
    "third_party",
    "third-party",
    "bower_components",
    "site-packages",
    ".venv",
    "Pods",
];

const TESTS: [&str; 14] = [
    "test",
    "tests",
    "testing",
    "__tests__",
    "__mocks__",
    "spec",
    "specs",
    "e2e",
    "testdata",
    "test-data",
    "test_data",
    "fixture",
    "fixtures",
    "__fixtures__",
];

const LOCKS: [&str; 11] = [
    "Cargo.lock",
    "Gemfile.lock",
    "composer.lock",
    "flake.lock",
    "go.sum",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pdm.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
];

/// What can be done with a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Code {
        language: Language,
        text: &'a str,
        demoted: bool,
    },
    /// Not parsed, for the reason given, and still searched for secrets.
    Text {
        text: &'a str,
        reason: UnanalysedReason,
        demoted: bool,
    },
    Unread(UnanalysedReason),
}

impl<'a> Place<'a> {
    pub(crate) fn of(file: &'a SourceFile) -> Self {
        if file.bytes.len() > FILE_BYTES_MAX {
            return Self::Unread(UnanalysedReason::TooLarge);
        }
        let probe = &file.bytes[..file.bytes.len().min(BINARY_PROBE_BYTES)];
        if probe.contains(&0) {
            return Self::Unread(UnanalysedReason::Binary);
        }
        let Ok(text) = std::str::from_utf8(&file.bytes) else {
            return Self::Unread(UnanalysedReason::NotUtf8);
        };
        if is_vendored(&file.path) {
            return Self::Text { text, reason: UnanalysedReason::Vendored, demoted: true };
        }
        if is_output(&file.path) {
            return Self::Text { text, reason: UnanalysedReason::Generated, demoted: true };
        }
        let demoted = is_test(&file.path) || has_generator_marker(text);
        match Language::of_path(&file.path) {
            Some(language) => Self::Code { language, text, demoted },
            None => Self::Text { text, reason: UnanalysedReason::UnknownLanguage, demoted },
        }
    }
}

/// Whether the name alone says that a file is a test, vendored or written by a program.
///
/// What a file says of itself is another matter: whoever changes the file can write that too.
pub fn is_demoted_by_name(path: &str) -> bool {
    is_vendored(path) || is_output(path) || is_test(path)
}

fn folders(path: &str) -> impl Iterator<Item = &str> {
    path.rsplit('/').skip(1)
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_vendored(path: &str) -> bool {
    folders(path).any(|folder| VENDORED.contains(&folder))
}

/// Lock files, bundles and source maps: written by a program, read by none of us.
fn is_output(path: &str) -> bool {
    let name = name(path);
    LOCKS.contains(&name)
        || [".min.js", "-min.js", ".min.css", ".min.mjs", ".bundle.js", ".map", ".lock"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn is_test(path: &str) -> bool {
    if folders(path).any(|folder| TESTS.contains(&folder.to_ascii_lowercase().as_str())) {
        return true;
    }
    let name = name(path);
    let stem = name.split('.').next().unwrap_or(name);
    let inner = name.split('.').skip(1).any(|part| matches!(part, "test" | "spec"));
    inner
        || stem == "conftest"
        || stem.starts_with("test_")
        || stem.ends_with("_test")
        || (name.ends_with(".java") && (stem.ends_with("Test") || stem.ends_with("Tests")))
}

fn has_generator_marker(text: &str) -> bool {
    text.lines().take(MARKER_LINES as usize).any(|line| {
        let comment = ["//", "#", "/*", "*", "<!--", "--", "\"\"\""]
            .iter()
            .any(|start| line.trim_start().starts_with(start));
        comment
            && (line.contains("@generated")
                || (line.contains("enerated") && line.contains("DO NOT EDIT")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: &[u8]) -> SourceFile {
        SourceFile { path: path.to_owned(), bytes: bytes.to_vec() }
    }

    #[test]
    fn bytes_that_are_no_readable_text_are_named_by_their_reason() {
        let cases: [(&[u8], UnanalysedReason); 3] = [
            (b"\x7fELF\0\0", UnanalysedReason::Binary),
            (b"x = '\xff\xfe'", UnanalysedReason::NotUtf8),
            (&vec![b'a'; FILE_BYTES_MAX + 1], UnanalysedReason::TooLarge),
        ];
        for (bytes, reason) in cases {
            assert_eq!(Place::of(&file("a.py", bytes)), Place::Unread(reason));
        }
        let full = vec![b'a'; FILE_BYTES_MAX];
        assert!(matches!(Place::of(&file("a.py", &full)), Place::Code { .. }));
    }

    #[test]
    fn only_code_of_the_project_itself_is_parsed() {
        let cases = [
            ("src/app.py", None),
            ("vendor/lib/x.go", Some(UnanalysedReason::Vendored)),
            ("web/node_modules/a/index.js", Some(UnanalysedReason::Vendored)),
            ("vendors/x.go", None),
            ("static/app.min.js", Some(UnanalysedReason::Generated)),
            ("package-lock.json", Some(UnanalysedReason::Generated)),
            ("README.md", Some(UnanalysedReason::UnknownLanguage)),
        ];
        for (path, expected) in cases {
            let file = file(path, b"x = 1\n");
            let reason = match Place::of(&file) {
                Place::Code { .. } => None,
                Place::Text { reason, .. } | Place::Unread(reason) => Some(reason),
            };
            assert_eq!(reason, expected, "{path}");
        }
    }

    #[test]
    fn test_code_and_marked_code_do_not_decide() {
        let cases = [
            ("src/app.py", "x = 1", false),
            ("tests/app.py", "x = 1", true),
            ("src/Test/java/App.java", "x = 1", true),
            ("pkg/app_test.go", "x = 1", true),
            ("src/app.spec.ts", "x = 1", true),
            ("src/test_app.py", "x = 1", true),
            ("src/contest.py", "x = 1", false),
            ("src/latest.py", "x = 1", false),
            ("src/AppTest.java", "x = 1", true),
            ("src/app.go", "// Code generated by protoc. DO NOT EDIT.\n", true),
            ("src/app.js", "/* @generated */\n", true),
            ("src/app.js", "const marker = '@generated';\n", false),
        ];
        for (path, text, expected) in cases {
            let file = file(path, text.as_bytes());
            let Place::Code { demoted, .. } = Place::of(&file) else { panic!("{path}") };
            assert_eq!(demoted, expected, "{path}");
        }
    }
}
