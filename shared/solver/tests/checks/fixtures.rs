//! Our own functions of every language that is lowered. A new language joins by its line in
//! [`ALL`].

use domain::Language;

use crate::marks::{self, Marks};

/// Functions of one language, one below the other, with marks.
pub(crate) struct Fixtures {
    pub(crate) marks: Marks,
    pub(crate) text: &'static str,
    /// What a function of the language stands in.
    pub(crate) around: (&'static str, &'static str),
}

pub(crate) const ALL: &[&Fixtures] = &[&GO, &JAVA, &PYTHON, &RUST];

pub(crate) const GO: Fixtures = Fixtures {
    marks: Marks { language: Language::Go, file: "subject.go", sign: "//~ " },
    text: include_str!("../fixtures/go.txt"),
    around: ("package subject\n\n", ""),
};

pub(crate) const JAVA: Fixtures = Fixtures {
    marks: Marks { language: Language::Java, file: "C.java", sign: "//~ " },
    text: include_str!("../fixtures/java.txt"),
    around: ("class C {\n", "}\n"),
};

pub(crate) const PYTHON: Fixtures = Fixtures {
    marks: Marks { language: Language::Python, file: "subject.py", sign: "#~ " },
    text: include_str!("../fixtures/python.txt"),
    around: ("", ""),
};

pub(crate) const RUST: Fixtures = Fixtures {
    marks: Marks { language: Language::Rust, file: "subject.rs", sign: "//~ " },
    text: include_str!("../fixtures/rust.txt"),
    around: ("", ""),
};

impl Fixtures {
    /// Each function with its name, as a file of its own.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, String)> {
        let (before, after) = self.around;
        marks::cut(self.text).map(move |(name, text)| (name, format!("{before}{text}{after}")))
    }
}
