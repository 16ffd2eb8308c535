use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Classify, ErrorKind};

/// Beyond the prefix; room enough for a number and a few words.
const SUBJECT_BYTES_MAX: usize = 60;

/// What is decided in an `ADR_…`, or specified in a `SPEC_…`: capitals, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl FromStr for Subject {
    type Err = UnknownArtifactKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let fine = text.len() <= SUBJECT_BYTES_MAX
            && text.bytes().next().is_some_and(capital)
            && text.bytes().all(|byte| capital(byte) || byte == b'_');
        if fine { Ok(Self(text.to_owned())) } else { Err(UnknownArtifactKind::of(text)) }
    }
}

impl Subject {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What sort of document an artifact is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArtifactKind {
    Prd,
    ArchitectureOverview,
    SecurityModel,
    Roadmap,
    /// A decision about the architecture, such as `ADR_0007`.
    Adr(Subject),
    /// A specification of one thing, such as `SPEC_BILLING`.
    Spec(Subject),
    CodexPrompts,
    ImplementationPlan,
    Patchset,
    VerificationReport,
    DeploymentProvenance,
    ImplementationAuditBundle,
    RunSummary,
    ResearchReport,
    /// What a scan of a whole code base found.
    ScanReport,
}

impl ArtifactKind {
    pub const ADR_PREFIX: &'static str = "ADR_";
    pub const SPEC_PREFIX: &'static str = "SPEC_";

    /// The kinds that are one word; beside them there are those with a subject.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("PRD", Self::Prd),
        ("ARCHITECTURE_OVERVIEW", Self::ArchitectureOverview),
        ("SECURITY_MODEL", Self::SecurityModel),
        ("ROADMAP", Self::Roadmap),
        ("CODEX_PROMPTS", Self::CodexPrompts),
        ("IMPLEMENTATION_PLAN", Self::ImplementationPlan),
        ("PATCHSET", Self::Patchset),
        ("VERIFICATION_REPORT", Self::VerificationReport),
        ("DEPLOYMENT_PROVENANCE", Self::DeploymentProvenance),
        ("IMPLEMENTATION_AUDIT_BUNDLE", Self::ImplementationAuditBundle),
        ("RUN_SUMMARY", Self::RunSummary),
        ("RESEARCH_REPORT", Self::ResearchReport),
        ("SCAN_REPORT", Self::ScanReport),
    ];

    /// Prefix and subject, or word and nothing.
    fn parts(&self) -> (&'static str, &str) {
        let word = match self {
            Self::Adr(subject) => return (Self::ADR_PREFIX, subject.as_str()),
            Self::Spec(subject) => return (Self::SPEC_PREFIX, subject.as_str()),
            Self::Prd => "PRD",
            Self::ArchitectureOverview => "ARCHITECTURE_OVERVIEW",
            Self::SecurityModel => "SECURITY_MODEL",
            Self::Roadmap => "ROADMAP",
            Self::CodexPrompts => "CODEX_PROMPTS",
            Self::ImplementationPlan => "IMPLEMENTATION_PLAN",
            Self::Patchset => "PATCHSET",
            Self::VerificationReport => "VERIFICATION_REPORT",
            Self::DeploymentProvenance => "DEPLOYMENT_PROVENANCE",
            Self::ImplementationAuditBundle => "IMPLEMENTATION_AUDIT_BUNDLE",
            Self::RunSummary => "RUN_SUMMARY",
            Self::ResearchReport => "RESEARCH_REPORT",
            Self::ScanReport => "SCAN_REPORT",
        };
        (word, "")
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, rest) = self.parts();
        f.pad(&format!("{first}{rest}"))
    }
}

impl FromStr for ArtifactKind {
    type Err = UnknownArtifactKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((_, kind)) = Self::WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(kind.clone());
        }
        let of = |subject: &str| subject.parse().map_err(|_| UnknownArtifactKind::of(text));
        if let Some(subject) = text.strip_prefix(Self::ADR_PREFIX) {
            return of(subject).map(Self::Adr);
        }
        if let Some(subject) = text.strip_prefix(Self::SPEC_PREFIX) {
            return of(subject).map(Self::Spec);
        }
        Err(UnknownArtifactKind::of(text))
    }
}

impl Serialize for ArtifactKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArtifactKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown artifact kind `{word}`; expected one of {}, or ADR_ or SPEC_ followed by at most \
     {SUBJECT_BYTES_MAX} capitals, digits and underscores",
    ArtifactKind::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
)]
pub struct UnknownArtifactKind {
    word: String,
}

impl UnknownArtifactKind {
    fn of(text: &str) -> Self {
        // Whatever was sent may be very long.
        Self { word: text.chars().take(80).collect() }
    }
}

impl Classify for UnknownArtifactKind {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_from_its_word() {
        let subjects = ["ADR_0001", "ADR_USE_POSTGRES", "SPEC_BILLING", "SPEC_2"];
        let words = ArtifactKind::WORDS.iter().map(|(word, _)| *word).chain(subjects);
        for word in words {
            let kind: ArtifactKind = word.parse().unwrap();
            assert_eq!(kind.to_string(), word);
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<ArtifactKind>(&json).unwrap(), kind);
        }
    }

    #[test]
    fn the_set_is_closed() {
        let long = format!("ADR_{}", "X".repeat(SUBJECT_BYTES_MAX + 1));
        for word in ["", "prd", "NOTE", "ADR", "ADR_", "ADR_a", "SPEC__X", "SPEC_../X", &long] {
            let error = word.parse::<ArtifactKind>().unwrap_err().to_string();
            assert!(error.contains("SCAN_REPORT"), "{error}");
        }
    }
}
