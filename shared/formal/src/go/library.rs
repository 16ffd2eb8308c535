//! What the packages of the platform promise.

use super::types::{Ty, basic};
use crate::ir::{Read, Source};

/// What a function gives back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gives {
    /// A number of a type and range, from outside the program.
    Number(&'static str, i128, i128),
    /// The same, of which nobody knows where it comes from.
    Some(&'static str, i128, i128),
    /// Text from outside.
    Text,
    /// Text that is made of what was given.
    Made,
    /// Parts of what was given: at least as many.
    Parts(u32),
    Truth,
    /// An error that is there.
    Failure,
    /// An error that outside causes decide.
    MayFail,
    /// Never nil.
    There(&'static str),
    Float,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) gives: &'static [Gives],
    pub(super) returns: bool,
}

const I64: i128 = i64::MAX as i128;
const LOW64: i128 = i64::MIN as i128;
const U64: i128 = u64::MAX as i128;
const U32: i128 = u32::MAX as i128;
const I32: i128 = i32::MAX as i128;

const fn gives(gives: &'static [Gives]) -> Option<Known> {
    Some(Known { gives, returns: true })
}

/// A function that is known by its package and name. It writes to nothing that it is given.
pub(super) fn function(package: &str, name: &str) -> Option<Known> {
    match package {
        "strconv" => strconv(name),
        "math/rand" | "math/rand/v2" => random(name),
        "strings" | "bytes" => strings(name),
        "errors" => match name {
            "New" => gives(&[Gives::Failure]),
            "Is" | "As" => gives(&[Gives::Truth]),
            _ => None,
        },
        "fmt" => match name {
            "Errorf" => gives(&[Gives::Failure]),
            "Sprintf" | "Sprint" | "Sprintln" => gives(&[Gives::Made]),
            _ => None,
        },
        "os" => match name {
            "Getenv" => gives(&[Gives::Text]),
            "LookupEnv" => gives(&[Gives::Text, Gives::Truth]),
            "Exit" => Some(Known { gives: &[], returns: false }),
            _ => None,
        },
        "log" => match name {
            "Fatal" | "Fatalf" | "Fatalln" | "Panic" | "Panicf" | "Panicln" => {
                Some(Known { gives: &[], returns: false })
            }
            "New" => gives(&[Gives::There("log.Logger")]),
            _ => None,
        },
        "runtime" if name == "Goexit" => Some(Known { gives: &[], returns: false }),
        "context" if matches!(name, "Background" | "TODO") => {
            gives(&[Gives::There("context.Context")])
        }
        "unicode/utf8" => match name {
            "RuneLen" => gives(&[Gives::Some("int", -1, 4)]),
            "RuneCountInString" | "RuneCount" => gives(&[Gives::Some("int", 0, I64)]),
            "ValidString" | "Valid" | "ValidRune" => gives(&[Gives::Truth]),
            _ => None,
        },
        "math/bits" => match name {
            "Len" | "Len64" | "TrailingZeros" | "TrailingZeros64" | "LeadingZeros"
            | "LeadingZeros64" | "OnesCount" | "OnesCount64" => gives(&[Gives::Some("int", 0, 64)]),
            "Len32" | "TrailingZeros32" | "LeadingZeros32" | "OnesCount32" => {
                gives(&[Gives::Some("int", 0, 32)])
            }
            _ => None,
        },
        "math" => match name {
            "Sqrt" | "Floor" | "Ceil" | "Abs" | "Pow" | "Max" | "Min" | "Log" | "Log2" | "Exp"
            | "Mod" | "Round" | "Trunc" | "NaN" | "Inf" => gives(&[Gives::Float]),
            "IsNaN" | "IsInf" => gives(&[Gives::Truth]),
            _ => None,
        },
        _ => None,
    }
}

fn strconv(name: &str) -> Option<Known> {
    match name {
        "Atoi" => gives(&[Gives::Number("int", LOW64, I64), Gives::MayFail]),
        "ParseInt" => gives(&[Gives::Number("int64", LOW64, I64), Gives::MayFail]),
        "ParseUint" => gives(&[Gives::Number("uint64", 0, U64), Gives::MayFail]),
        "ParseFloat" => gives(&[Gives::Float, Gives::MayFail]),
        "ParseBool" => gives(&[Gives::Truth, Gives::MayFail]),
        "Itoa" | "FormatInt" | "FormatUint" | "Quote" | "FormatBool" | "FormatFloat" => {
            gives(&[Gives::Made])
        }
        _ => None,
    }
}

fn random(name: &str) -> Option<Known> {
    match name {
        "Int" => gives(&[Gives::Number("int", 0, I64)]),
        "Int63" | "Int64" => gives(&[Gives::Number("int64", 0, I64)]),
        "Int31" | "Int32" => gives(&[Gives::Number("int32", 0, I32)]),
        "Uint32" => gives(&[Gives::Number("uint32", 0, U32)]),
        "Uint64" => gives(&[Gives::Number("uint64", 0, U64)]),
        "Intn" | "IntN" => gives(&[Gives::Some("int", 0, I64)]),
        "Int63n" | "Int64N" => gives(&[Gives::Some("int64", 0, I64)]),
        "Int31n" | "Int32N" => gives(&[Gives::Some("int32", 0, I32)]),
        "Float64" | "Float32" => gives(&[Gives::Float]),
        _ => None,
    }
}

fn strings(name: &str) -> Option<Known> {
    match name {
        "Index" | "LastIndex" | "IndexByte" | "IndexRune" | "IndexAny" | "LastIndexByte"
        | "LastIndexAny" | "IndexFunc" => gives(&[Gives::Some("int", -1, I64)]),
        "Count" => gives(&[Gives::Some("int", 0, I64)]),
        "Compare" => gives(&[Gives::Some("int", -1, 1)]),
        "Contains" | "HasPrefix" | "HasSuffix" | "EqualFold" | "ContainsRune" | "ContainsAny"
        | "Equal" => gives(&[Gives::Truth]),
        "ToLower" | "ToUpper" | "TrimSpace" | "Trim" | "TrimLeft" | "TrimRight" | "TrimPrefix"
        | "TrimSuffix" | "Replace" | "ReplaceAll" | "Repeat" | "Title" | "Join" => {
            gives(&[Gives::Made])
        }
        "Split" | "SplitN" | "SplitAfter" | "Fields" => gives(&[Gives::Parts(0)]),
        "Cut" => gives(&[Gives::Made, Gives::Made, Gives::Truth]),
        "NewReplacer" => gives(&[Gives::There("strings.Replacer")]),
        "NewReader" => gives(&[Gives::There("strings.Reader")]),
        _ => None,
    }
}

/// A variable of the platform.
pub(super) fn variable(name: &str) -> Option<(Ty, Read)> {
    let read = |source| Read { source, range: None, nullable: false, length_min: 0 };
    match name {
        // The system starts programs with their name, so there is always one.
        "os.Args" => {
            let read = Read { length_min: 1, ..read(Source::External) };
            Some((Ty::Slice(Box::new(Ty::Str)), read))
        }
        "os.Stdin" | "os.Stdout" | "os.Stderr" => {
            let ty = Ty::Ptr(Box::new(Ty::Named("os.File".to_owned())));
            Some((ty, read(Source::Opaque("a file".to_owned()))))
        }
        "http.DefaultClient" => {
            let ty = Ty::Ptr(Box::new(Ty::Named("http.Client".to_owned())));
            Some((ty, read(Source::Opaque("a client".to_owned()))))
        }
        _ => {
            // Errors that a package names are there to be compared with.
            let last = name.rsplit('.').next().unwrap_or(name);
            let error = last.starts_with("Err") || last == "EOF";
            error.then(|| (Ty::Error, read(Source::Opaque("an error".to_owned()))))
        }
    }
}

/// The numbers that `strconv` gives for so many bits.
pub(super) fn parsed(name: &str, bits: i128) -> Option<(i128, i128)> {
    let bits = u32::try_from(bits).ok().filter(|bits| (1..=64).contains(bits))?;
    match name {
        "ParseInt" => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
        "ParseUint" => Some((0, (1 << bits) - 1)),
        _ => None,
    }
}

/// The type, and what is known of a value of it, that a function gives.
pub(super) fn read(gives: Gives, name: &str) -> (Ty, Read) {
    let opaque = || Read { nullable: false, ..Read::opaque(format!("the result of {name}")) };
    let number = |ty: &str| basic(ty).unwrap_or(Ty::Unknown);
    match gives {
        Gives::Number(ty, low, high) => {
            let read = Read { source: Source::External, range: Some((low, high)), ..opaque() };
            (number(ty), read)
        }
        Gives::Some(ty, low, high) => (number(ty), Read { range: Some((low, high)), ..opaque() }),
        Gives::Text => (Ty::Str, Read { source: Source::External, ..opaque() }),
        Gives::Made => (Ty::Str, opaque()),
        Gives::Parts(least) => {
            (Ty::Slice(Box::new(Ty::Str)), Read { length_min: least, ..opaque() })
        }
        Gives::Truth => (Ty::Bool, opaque()),
        Gives::Failure => (Ty::Error, opaque()),
        Gives::MayFail => {
            (Ty::Error, Read { source: Source::External, nullable: true, ..opaque() })
        }
        Gives::There(ty) => (Ty::Ptr(Box::new(Ty::Named(ty.to_owned()))), opaque()),
        Gives::Float => (Ty::Float { single: false }, opaque()),
    }
}
