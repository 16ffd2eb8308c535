//! The domain's vocabularies as OpenAPI schemas: a word in the document is a word in the code.

use std::borrow::Cow;

use domain::{
    CatchUp, Category, ErrorCode, RunKind, RunStatus, Scope, Severity, SkipReason, StepStatus,
    Tier, Verdict, VerificationType, kinds::merge::MergeMethod,
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
    CatchUpWord ("CatchUp") = all!(CatchUp);
    CategoryWord ("Category") = all!(Category);
    ErrorCodeWord ("ErrorCode") = all!(ErrorCode);
    MergeMethodWord ("MergeMethod") = all!(MergeMethod);
    RunKindWord ("RunKind") = all!(RunKind);
    RunStatusWord ("RunStatus") = all!(RunStatus);
    ScopeWord ("Scope") = all!(Scope);
    SeverityWord ("Severity") = all!(Severity);
    SkipReasonWord ("SkipReason") = all!(SkipReason);
    StepStatusWord ("StepStatus") = [all!(StepStatus), vec!["pending"]].concat();
    TierWord ("Tier") = all!(Tier);
    VerdictWord ("Verdict") = all!(Verdict);
    VerificationWord ("Verification") = all!(VerificationType);
}
