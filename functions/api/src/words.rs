//! The domain's vocabularies as OpenAPI schemas: a word in the document is a word in the code.

use std::borrow::Cow;

use domain::{
    ApprovalScope, ApprovalStatus, ArtifactKind, CatchUp, Category, CitationSource, ErrorCode,
    FormalVerdict, Ground, Language, PolicyState, RiskLevel, RuleType, RunKind, RunStatus, Scope,
    Severity, SkipReason, StepKind, StepStatus, Tier, Trend, Verdict, VerificationType, WaitingFor,
    kinds::merge::MergeMethod,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

macro_rules! words {
    ($( $name:ident ($title:literal) = $words:expr );+ $(;)?) => { $(
        /// Names a vocabulary in `value_type`; no value of it exists.
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words: Vec<&str> = $words.to_vec();
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($title)
            }
        }
    )+ };
}

/// The words of a `terms!` enum.
macro_rules! all {
    ($term:ty) => {
        <$term>::ALL.iter().map(|term| term.as_str()).collect::<Vec<_>>()
    };
}

words! {
    ApprovalScopeWord ("ApprovalScope") = all!(ApprovalScope);
    ApprovalStatusWord ("ApprovalStatus") = all!(ApprovalStatus);
    CatchUpWord ("CatchUp") = all!(CatchUp);
    CategoryWord ("Category") = all!(Category);
    CitationSourceWord ("CitationSource") = all!(CitationSource);
    ErrorCodeWord ("ErrorCode") = all!(ErrorCode);
    FormalVerdictWord ("FormalVerdict") = all!(FormalVerdict);
    FinishedStepWord ("FinishedStepStatus") = all!(StepStatus);
    LanguageWord ("Language") = all!(Language);
    MergeMethodWord ("MergeMethod") = all!(MergeMethod);
    PolicyStateWord ("PolicyState") = all!(PolicyState);
    RiskLevelWord ("RiskLevel") = all!(RiskLevel);
    RuleTypeWord ("RuleType") = all!(RuleType);
    GroundWord ("Ground") = all!(Ground);
    RunKindWord ("RunKind") = all!(RunKind);
    RunStatusWord ("RunStatus") = all!(RunStatus);
    ScopeWord ("Scope") = all!(Scope);
    SeverityWord ("Severity") = all!(Severity);
    SkipReasonWord ("SkipReason") = all!(SkipReason);
    StepKindWord ("StepKind") = all!(StepKind);
    StepStatusWord ("StepStatus") = [all!(StepStatus), vec!["pending"]].concat();
    TierWord ("Tier") = all!(Tier);
    TrendWord ("Trend") = all!(Trend);
    VerdictWord ("Verdict") = all!(Verdict);
    VerificationWord ("Verification") = all!(VerificationType);
    WaitingForWord ("WaitingFor") = all!(WaitingFor);
}

/// The kinds of artifacts: a set that is closed but for the subjects of two of them.
pub(crate) enum ArtifactKindWord {}

impl PartialSchema for ArtifactKindWord {
    fn schema() -> RefOr<Schema> {
        let words: Vec<&str> = ArtifactKind::WORDS.iter().map(|(word, _)| *word).collect();
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^({}|(ADR|SPEC)_[A-Z0-9][A-Z0-9_]{{0,59}})$", words.join("|"))))
            .into()
    }
}

impl ToSchema for ArtifactKindWord {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ArtifactKind")
    }
}
