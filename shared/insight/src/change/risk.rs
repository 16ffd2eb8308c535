//! How risky a change is. Every reason names what it stands on; the level is that of the gravest,
//! and one more when several reasons meet.

use std::collections::BTreeMap;

use domain::{RiskLevel, Severity};
use serde::{Deserialize, Serialize};

use super::{Changes, FileKind, FileState, SymbolState, SymbolType, files::name};

/// From so many changed lines on, nobody reads all of them.
const MANY_LINES: u64 = 500;
const VERY_MANY_LINES: u64 = 2000;
/// So many reasons of medium weight together are a grave one.
const REASONS_TOGETHER: usize = 3;
/// Most things that a reason names; its count stays true.
const NAMED_MAX: usize = 5;

/// Words in a path that tell of code where a mistake is costly.
const SENSITIVE: [&str; 14] = [
    "auth",
    "authentication",
    "authorization",
    "login",
    "password",
    "passwords",
    "crypto",
    "payment",
    "payments",
    "billing",
    "permission",
    "permissions",
    "security",
    "session",
];

/// What the analysis of the change found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// New findings that count for the verdict, by severity.
    pub deciding: BTreeMap<Severity, u32>,
    /// Changed files that were not looked at to the end.
    pub unread: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    Findings,
    BreakingChanges,
    Untested,
    Size,
    DatabaseMigration,
    Dependencies,
    ContinuousIntegration,
    SensitiveCode,
    Unread,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: ReasonCode,
    pub level: RiskLevel,
    pub text: String,
    /// What it stands on, cut to a few.
    pub named: Vec<String>,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    pub level: RiskLevel,
    /// The gravest first.
    pub reasons: Vec<Reason>,
}

impl Reason {
    fn new(code: ReasonCode, level: RiskLevel, text: String, named: Vec<String>) -> Self {
        let count = named.len() as u64;
        Self { code, level, text, named: named.into_iter().take(NAMED_MAX).collect(), count }
    }
}

pub(super) fn assess(changes: &Changes, judged: &Judged) -> Risk {
    let reasons = [
        findings(judged),
        breaking(changes),
        untested(changes),
        size(changes),
        files(changes, FileKind::DatabaseMigration),
        files(changes, FileKind::Dependencies),
        files(changes, FileKind::ContinuousIntegration),
        sensitive(changes),
        unread(judged),
    ];
    let mut reasons: Vec<Reason> = reasons.into_iter().flatten().collect();
    reasons.sort_by_key(|reason| (std::cmp::Reverse(reason.level), reason.code));
    let gravest = reasons.first().map_or(RiskLevel::Low, |reason| reason.level);
    let medium = reasons.iter().filter(|reason| reason.level >= RiskLevel::Medium).count();
    let together = gravest == RiskLevel::Medium && medium >= REASONS_TOGETHER;
    let level = if together { RiskLevel::High } else { gravest };
    Risk { level, reasons }
}

fn plural(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn findings(judged: &Judged) -> Option<Reason> {
    let found: Vec<(Severity, u32)> = judged
        .deciding
        .iter()
        .rev()
        .map(|(severity, count)| (*severity, *count))
        .filter(|(_, count)| *count > 0)
        .collect();
    let (gravest, _) = *found.first()?;
    let level = match gravest {
        Severity::Critical => RiskLevel::Critical,
        Severity::High => RiskLevel::High,
        Severity::Medium => RiskLevel::Medium,
        Severity::Low | Severity::Info => RiskLevel::Low,
    };
    let count: u32 = found.iter().map(|(_, count)| count).sum();
    let text =
        format!("{} against it", plural(count.into(), "new finding counts", "new findings count"));
    let named = found.iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    Some(Reason { count: count.into(), ..Reason::new(ReasonCode::Findings, level, text, named) })
}

fn breaking(changes: &Changes) -> Option<Reason> {
    let named: Vec<String> =
        changes.breaking.iter().map(|one| format!("{} in {}", one.symbol, one.path)).collect();
    let text = plural(named.len() as u64, "change may break callers", "changes may break callers");
    (!named.is_empty())
        .then(|| Reason::new(ReasonCode::BreakingChanges, RiskLevel::Medium, text, named))
}

/// Functions whose behaviour changed while no test did.
fn untested(changes: &Changes) -> Option<Reason> {
    let in_tests = changes.files.iter().any(|file| file.kind == FileKind::Test)
        || changes.symbols.iter().any(|symbol| symbol.test);
    let in_code = |path: &str| {
        changes.files.iter().any(|file| file.path == path && file.kind == FileKind::Code)
    };
    let named: Vec<String> = changes
        .symbols
        .iter()
        .filter(|symbol| symbol.kind == SymbolType::Function && in_code(&symbol.path))
        .filter(|symbol| match symbol.state {
            SymbolState::Added | SymbolState::Signature | SymbolState::Body => true,
            SymbolState::Removed | SymbolState::Moved | SymbolState::Same => false,
        })
        .map(|symbol| format!("{} in {}", symbol.name, symbol.path))
        .collect();
    let text = format!(
        "{} and no test",
        plural(named.len() as u64, "function is new or changed", "functions are new or changed")
    );
    let level = if named.len() >= 10 { RiskLevel::Medium } else { RiskLevel::Low };
    (!named.is_empty() && !in_tests).then(|| Reason::new(ReasonCode::Untested, level, text, named))
}

fn size(changes: &Changes) -> Option<Reason> {
    // Nobody reads lock files, and a long text is no danger.
    let read = changes
        .files
        .iter()
        .filter(|file| !matches!(file.kind, FileKind::Dependencies | FileKind::Documentation));
    let lines: u64 =
        read.map(|file| u64::from(file.lines_added) + u64::from(file.lines_removed)).sum();
    let level = match lines {
        _ if lines >= VERY_MANY_LINES => RiskLevel::High,
        _ if lines >= MANY_LINES => RiskLevel::Medium,
        _ => return None,
    };
    let text = format!("{lines} changed lines");
    Some(Reason { count: lines, ..Reason::new(ReasonCode::Size, level, text, Vec::new()) })
}

fn files(changes: &Changes, kind: FileKind) -> Option<Reason> {
    let (code, level, what) = match kind {
        FileKind::DatabaseMigration => {
            (ReasonCode::DatabaseMigration, RiskLevel::Medium, "the database's schema")
        }
        FileKind::Dependencies => (ReasonCode::Dependencies, RiskLevel::Low, "what it depends on"),
        FileKind::ContinuousIntegration => {
            (ReasonCode::ContinuousIntegration, RiskLevel::Medium, "how it is built and tested")
        }
        FileKind::Code
        | FileKind::Test
        | FileKind::Documentation
        | FileKind::Configuration
        | FileKind::Other => return None,
    };
    let of_kind = changes.files.iter().filter(|file| file.kind == kind);
    let named: Vec<String> = of_kind.map(|file| file.path.clone()).collect();
    (!named.is_empty()).then(|| Reason::new(code, level, format!("changes {what}"), named))
}

fn sensitive(changes: &Changes) -> Option<Reason> {
    let is_sensitive = |path: &str| {
        let lower = path.to_ascii_lowercase();
        let words = lower.split(|letter: char| !letter.is_ascii_alphabetic());
        words.into_iter().any(|word| SENSITIVE.contains(&word))
    };
    let code = changes.files.iter().filter(|file| file.kind == FileKind::Code);
    let touched = code.filter(|file| file.state != FileState::Added && is_sensitive(&file.path));
    let named: Vec<String> = touched.map(|file| file.path.clone()).collect();
    let text = format!(
        "touches code that sounds sensitive, such as {}",
        named.first().map(|path| name(path)).unwrap_or_default()
    );
    (!named.is_empty())
        .then(|| Reason::new(ReasonCode::SensitiveCode, RiskLevel::Medium, text, named))
}

fn unread(judged: &Judged) -> Option<Reason> {
    let named = judged.unread.clone();
    let text = format!(
        "{} not looked at to the end",
        plural(named.len() as u64, "changed file was", "changed files were")
    );
    (!named.is_empty()).then(|| Reason::new(ReasonCode::Unread, RiskLevel::Medium, text, named))
}
