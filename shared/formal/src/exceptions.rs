//! Which handler takes which exception, by their names.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caught {
    No,
    Maybe,
    Yes,
}

impl Caught {
    pub(crate) fn is_sure(self) -> bool {
        self == Self::Yes
    }
}

/// Each exception that the IR can name, with what it is a kind of, nearest first.
const KINDS: &[(&str, &[&str])] = &[
    ("ArithmeticException", &["RuntimeException", "Exception", "Throwable"]),
    (
        "ArrayIndexOutOfBoundsException",
        &["IndexOutOfBoundsException", "RuntimeException", "Exception", "Throwable"],
    ),
    (
        "StringIndexOutOfBoundsException",
        &["IndexOutOfBoundsException", "RuntimeException", "Exception", "Throwable"],
    ),
    ("NegativeArraySizeException", &["RuntimeException", "Exception", "Throwable"]),
    ("ArrayStoreException", &["RuntimeException", "Exception", "Throwable"]),
    ("ClassCastException", &["RuntimeException", "Exception", "Throwable"]),
    ("IllegalArgumentException", &["RuntimeException", "Exception", "Throwable"]),
    ("NullPointerException", &["RuntimeException", "Exception", "Throwable"]),
    (
        "NumberFormatException",
        &["IllegalArgumentException", "RuntimeException", "Exception", "Throwable"],
    ),
    ("IOException", &["Exception", "Throwable"]),
    ("SQLException", &["Exception", "Throwable"]),
    ("AssertionError", &["Error", "Throwable"]),
    ("py:ZeroDivisionError", &["py:ArithmeticError", "py:Exception", "py:BaseException"]),
    ("py:IndexError", &["py:LookupError", "py:Exception", "py:BaseException"]),
    ("py:KeyError", &["py:LookupError", "py:Exception", "py:BaseException"]),
    ("py:TypeError", &["py:Exception", "py:BaseException"]),
    ("py:AttributeError", &["py:Exception", "py:BaseException"]),
    ("py:AssertionError", &["py:Exception", "py:BaseException"]),
    ("py:ValueError", &["py:Exception", "py:BaseException"]),
    ("py:RuntimeError", &["py:Exception", "py:BaseException"]),
    (LEAVES, &["py:BaseException"]),
    ("py:OSError", &["py:Exception", "py:BaseException"]),
];

/// What an operation of Python raises that is not modelled: any exception, or none.
pub(crate) const ANYTHING: &str = "py:any";

/// Ends the program as somebody meant it: no failure.
pub(crate) const LEAVES: &str = "py:SystemExit";

/// What a context manager catches: nobody knows, and hardly ever anything.
pub(crate) const CONTEXT: &str = "py:?";

/// Catch everything that any code may throw.
const EVERYTHING: &[&str] = &["Throwable", "py:BaseException"];

/// Whether `by` takes `thrown`; an empty name is an exception that is not known.
pub(crate) fn is_caught(thrown: &str, by: &str) -> Caught {
    if by == thrown || EVERYTHING.contains(&by) {
        return Caught::Yes;
    }
    match KINDS.iter().find(|(name, _)| *name == thrown) {
        Some((_, kinds)) if kinds.contains(&by) => Caught::Yes,
        // A kind of its own that the table does not list is not one of those in the table.
        Some(_) if KINDS.iter().any(|(name, kinds)| *name == by || kinds.contains(&by)) => {
            Caught::No
        }
        Some(_) | None => Caught::Maybe,
    }
}
