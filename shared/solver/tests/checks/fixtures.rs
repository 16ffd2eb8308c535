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

pub(crate) const ALL: &[&Fixtures] =
    &[&GO, &JAVA, &PYTHON, &RUST, &ECMA_ARITHMETIC, &ECMA_NOTHING, &ECMA_FLOW, &ECMA_SCRIPT];

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

const TYPESCRIPT: Marks =
    Marks { language: Language::TypeScript, file: "subject.ts", sign: "//~ " };

const fn typescript(text: &'static str) -> Fixtures {
    Fixtures { marks: TYPESCRIPT, text, around: ("", "") }
}

/// Of JavaScript and TypeScript.
pub(crate) const ECMA: &[&Fixtures] = &[&ECMA_ARITHMETIC, &ECMA_NOTHING, &ECMA_FLOW, &ECMA_SCRIPT];

const ECMA_ARITHMETIC: Fixtures = typescript(include_str!("../fixtures/ecma_arithmetic.txt"));
const ECMA_NOTHING: Fixtures = typescript(include_str!("../fixtures/ecma_nothing.txt"));
const ECMA_FLOW: Fixtures = typescript(include_str!("../fixtures/ecma_flow.txt"));
const ECMA_SCRIPT: Fixtures = Fixtures {
    marks: Marks { language: Language::JavaScript, file: "subject.js", sign: "//~ " },
    text: include_str!("../fixtures/ecma_script.txt"),
    around: ("", ""),
};

impl Fixtures {
    /// Each function with its name, as a file of its own.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, String)> {
        let (before, after) = self.around;
        marks::cut(self.text).map(move |(name, text)| (name, format!("{before}{text}{after}")))
    }
}
