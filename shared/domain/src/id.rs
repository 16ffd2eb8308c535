//! One registry of typed ids: an id of one thing is never taken for an id of another.

macro_rules! ids {
    ($( $(#[$meta:meta])* $name:ident ),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            pub const fn new(uuid: uuid::Uuid) -> Self { Self(uuid) }
            pub const fn as_uuid(&self) -> &uuid::Uuid { &self.0 }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
        }
    )+ };
}

ids! {
    /// A tenant: every row that belongs to someone carries it.
    OrgId,
    UserId,
    ProjectId,
    RepositoryId,
    InstallationId,
    /// One piece of durable work, from request to result.
    RunId,
    /// What an analysis run learned about one commit.
    AnalysisId,
    ApprovalId,
    ArtifactId,
    CodebaseScanId,
    ScanScheduleId,
    CustomRuleId,
    FindingId,
    FormalResultId,
    ManifestId,
    TrustScoreId,
    DiffSummaryId,
    ChunkId,
    ApiKeyId,
    AttestationId,
    BadgeId,
}
