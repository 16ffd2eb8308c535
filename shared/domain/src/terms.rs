//! Closed vocabularies: enums that are stored and spoken as text.

/// A word that is not in the vocabulary where it was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {vocabulary} `{word}`; expected one of: {expected}")]
pub struct UnknownTerm {
    pub vocabulary: &'static str,
    pub word: String,
    pub expected: String,
}

/// Declares an enum with its stored words, `ALL`, `as_str`, `Display`, `FromStr` and serde.
///
/// One list is the only place where a variant meets its word, so a database CHECK, the API and
/// the code cannot drift apart unnoticed.
macro_rules! terms {
    (
        $(#[$meta:meta])*
        $name:ident ($vocabulary:literal) { $( $(#[$variant_meta:meta])* $variant:ident = $word:literal ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $( $(#[$variant_meta])* #[serde(rename = $word)] $variant ),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            pub fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $word ),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownTerm;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|term| term.as_str() == word).ok_or_else(|| {
                    $crate::UnknownTerm {
                        vocabulary: $vocabulary,
                        word: word.to_owned(),
                        expected: [ $( $word ),+ ].join(", "),
                    }
                })
            }
        }
    };
}

pub(crate) use terms;
