//! How much a policy may be. Every one of these numbers is in `docs/assay.schema.json`, too.

/// A policy is written by people; the largest ones of other tools have some hundred lines.
pub const BYTES_MAX: usize = 64 * 1024;
/// Deepest nesting: rules of our own shape stay below twenty.
pub const DEPTH_MAX: usize = 40;
/// Values of all kinds together.
pub const NODES_MAX: usize = 10_000;
/// Entries of `include`, of `exclude`, and paths of one `ignore` entry.
pub const PATTERNS_MAX: usize = 200;
pub const PATTERN_CHARS_MAX: usize = 200;
/// Entries of `rules`.
pub const OVERRIDES_MAX: usize = 500;
/// Entries of `ignore`.
pub const IGNORES_MAX: usize = 200;
/// Entries of `custom_rules`.
pub const CUSTOM_RULES_MAX: usize = 50;
pub const REASON_CHARS_MIN: usize = 3;
pub const REASON_CHARS_MAX: usize = 500;
/// Most findings that a gate may allow: whoever wants more wants no gate.
pub const GATE_COUNT_MAX: u32 = 1_000_000;
/// GitHub shows more beside a change to nobody's use.
pub const INLINE_COMMENTS_MAX: u32 = 200;
/// Four times what a question gets by default: a commit has thousands of them.
pub const QUERY_TIMEOUT_MS_MAX: u32 = 200;
pub const FUNCTION_TIMEOUT_MS_MAX: u32 = 2_000;
/// Mistakes that are told at once; more teach nobody anything.
pub const PROBLEMS_MAX: usize = 20;
