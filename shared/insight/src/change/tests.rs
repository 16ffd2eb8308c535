mod callers;
mod names;

use std::fmt::Write as _;

use domain::{RiskLevel, Severity, SourceFile, Unanalysed, UnanalysedReason};

use super::*;

const BASE: &str = "1111111111111111111111111111111111111111";
const HEAD: &str = "2222222222222222222222222222222222222222";

fn snapshot(commit: &str, files: &[(&str, &str)]) -> Snapshot {
    let mut files: Vec<SourceFile> = files
        .iter()
        .map(|(path, text)| SourceFile { path: (*path).into(), bytes: (*text).into() })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Snapshot { commit: commit.parse().unwrap(), files, left_out: Vec::new() }
}

/// Two commits as they are fetched; `renamed` are pairs of old and new path.
fn commits(
    base: &[(&str, &str)],
    head: &[(&str, &str)],
    renamed: &[(&str, &str)],
) -> (Snapshot, Snapshot, Vec<ChangedFile>) {
    let (whole, head) = (snapshot(BASE, base), snapshot(HEAD, head));
    let mut base = whole.clone();
    base.files.retain(|file| !head.files.contains(file));
    let changes = head
        .files
        .iter()
        .map(|file| {
            let from = renamed.iter().find(|(_, new)| *new == file.path).map(|(old, _)| *old);
            let old = whole.files.iter().find(|old| old.path == from.unwrap_or(&file.path));
            ChangedFile {
                path: file.path.clone(),
                renamed_from: from.map(str::to_owned),
                lines: changed_lines(
                    old.map(|old| old.bytes.as_slice()).unwrap_or_default(),
                    &file.bytes,
                ),
            }
        })
        .filter(|change| !change.lines.is_empty() || change.renamed_from.is_some())
        .collect();
    (base, head, changes)
}

fn facts(base: &[(&str, &str)], head: &[(&str, &str)], renamed: &[(&str, &str)]) -> Facts {
    facts_of(base, head, renamed, &Judged::default(), None)
}

fn facts_of(
    base: &[(&str, &str)],
    head: &[(&str, &str)],
    renamed: &[(&str, &str)],
    judged: &Judged,
    title: Option<&str>,
) -> Facts {
    let (base, head, changes) = commits(base, head, renamed);
    let commits = Commits { head: &head, base: &base, changes: &changes };
    assess(compare(&commits, &Clock::unlimited()), judged, title)
}

/// Everything that is said of a change, to be read by people.
fn told(facts: &Facts) -> String {
    let prose = word(facts);
    let mut text = format!("{}\n{}\n\n{}", prose.title, prose.changelog, prose.description);
    let _ = writeln!(text, "\n--- facts");
    for file in &facts.files {
        let _ = writeln!(
            text,
            "{:?} {} {:?} +{} -{}",
            file.state, file.path, file.kind, file.lines_added, file.lines_removed
        );
    }
    for symbol in &facts.symbols {
        let seen = if symbol.public { "public" } else { "private" };
        let _ = writeln!(text, "{:?} {seen} {:?} {}", symbol.state, symbol.kind, symbol.name);
    }
    for one in &facts.breaking {
        let _ = writeln!(text, "breaks {:?} {}:{} {}", one.kind, one.path, one.line, one.symbol);
    }
    let _ = writeln!(text, "labels {}", facts.labels.join(", "));
    text
}

const PYTHON: [&str; 2] = [
    r#""""Orders."""
__all__ = ["Order", "total", "refund_all", "late"]

class Order:
    def __init__(self, number, items):
        self.items = items

    def add(self, item, count=1):
        self.items.append((item, count))

    def _price(self, item):
        return item.price

def total(order, *, tax):
    return sum(order) * tax

def refund_all(orders):
    return [order.refund() for order in orders]

def late(order, days=3):
    return order.age > days

def helper():
    return 1
"#,
    r#""""Orders and refunds."""
__all__ = ["Order", "total", "late", "refund"]

class Order:
    def __init__(self, number, items, currency="EUR"):
        self.items = items
        self.currency = currency

    def add(self, item, count):
        self.items.append((item, count))

    def _price(self, item, when):
        return item.price_at(when)

def total(order, *, tax, rounded=True):
    # Counted twice before.
    return sum(set(order)) * tax

def late(order, grace, days=3):
    return order.age > days + grace

def refund(order):
    def inner():
        return order
    return inner()

def helper(x):
    return x
"#,
];

#[test]
fn python() {
    let facts = facts(&[("shop/orders.py", PYTHON[0])], &[("shop/orders.py", PYTHON[1])], &[]);
    insta::assert_snapshot!(told(&facts));
}

const JAVASCRIPT: [&str; 2] = [
    "class Cart {\n  total(tax) { return 1; }\n  #own() {}\n}\nconst add = (item, count) => item;\n\
     function hidden() {}\nfunction gone() {}\nmodule.exports = { Cart, add, gone };\n",
    "class Cart {\n  total(tax, discount = 0) { return 1 - discount; }\n  #own(x) {}\n}\n\
     const add = (item, count, when) => item;\nfunction hidden(x) {}\n\
     const fresh = async (a) => a;\nmodule.exports = { Cart, add, fresh };\n",
];

#[test]
fn javascript() {
    let base = [("web/cart.js", JAVASCRIPT[0]), ("web/package.json", "{}")];
    let head = [("web/cart.js", JAVASCRIPT[1]), ("web/package.json", "{}")];
    insta::assert_snapshot!(told(&facts(&base, &head, &[])));
}

const TYPESCRIPT: [&str; 2] = [
    "export interface Order {\n  id: number;\n  note?: string;\n  cancel(why: string): void;\n}\n\
     export function total(order: Order, tax: number): number {\n  return 1;\n}\n\
     export class Cart {\n  items: Order[] = [];\n  private secret(): void {}\n  add(order: Order): void {}\n}\n\
     function hidden(a: number) {}\n",
    "export interface Order {\n  id: string;\n  cancel(why: string, who?: string): void;\n}\n\
     export function total(order: Order, tax: number, rounded?: boolean): string {\n  return '1';\n}\n\
     export class Cart {\n  items: Order[] = [];\n  private secret(a: number): void {}\n  add(order: Order, count?: number): void {}\n}\n\
     function hidden(a: string) {}\n",
];

#[test]
fn typescript() {
    let facts = facts(&[("src/order.ts", TYPESCRIPT[0])], &[("src/order.ts", TYPESCRIPT[1])], &[]);
    insta::assert_snapshot!(told(&facts));
}

const GO: [&str; 2] = [
    "package stock\n\ntype Server struct {\n\tName string\n\tport int\n}\n\n\
     type Store interface {\n\tGet(id int) error\n}\n\n\
     func (s *Server) Start(port int) error {\n\treturn nil\n}\n\n\
     func Count(a, b int) int {\n\treturn a\n}\n\nfunc helper() {}\n",
    "package stock\n\ntype Server struct {\n\tport int64\n}\n\n\
     type Store interface {\n\tGet(ctx context.Context, id int) error\n}\n\n\
     func (s *Server) Start(ctx context.Context, port int) error {\n\treturn nil\n}\n\n\
     func Count(first, second int) int {\n\treturn second\n}\n\nfunc helper(a int) {}\n",
];

#[test]
fn go() {
    let base = [("stock/server.go", GO[0]), ("stock/go.mod", "module stock\n")];
    let head = [("stock/server.go", GO[1]), ("stock/go.mod", "module stock\n")];
    insta::assert_snapshot!(told(&facts(&base, &head, &[])));
}

const JAVA: [&str; 2] = [
    "package shop;\n\npublic class Order {\n    public int count;\n    @Override\n    public int total(int tax) { return 1; }\n\
     \n    public int total(long tax) { return 2; }\n    protected void cancel() {}\n    private void own() {}\n}\n\n\
     interface Hidden { void f(); }\n",
    "package shop;\n\npublic class Order {\n    private int count;\n    public int total(int tax) { return 3; }\n\
     \n    public long total(long tax) throws IOException { return 2; }\n    private void cancel() {}\n    private void own(int a) {}\n}\n\n\
     interface Hidden { void f(int a); }\n",
];

#[test]
fn java() {
    let path = "src/main/java/shop/Order.java";
    insta::assert_snapshot!(told(&facts(&[(path, JAVA[0])], &[(path, JAVA[1])], &[])));
}

const RUST: [&str; 2] = [
    "pub struct Order {\n    pub id: u32,\n    note: String,\n}\n\npub enum State {\n    Open,\n    Closed,\n}\n\n\
     impl Order {\n    pub fn total(&self, tax: u32) -> u32 {\n        1\n    }\n\n    fn own(&self) {}\n}\n\n\
     impl std::fmt::Display for Order {\n    fn fmt(&self, f: &mut Formatter<'_>) -> Result {\n        Ok(())\n    }\n}\n\n\
     pub trait Store {\n    fn get(&self, id: u32) -> Option<Order>;\n}\n\npub(crate) fn inside(a: u32) {}\n\n\
     mod private {\n    pub fn unreachable(a: u32) {}\n}\n",
    "pub struct Order {\n    pub id: u64,\n    note: String,\n}\n\npub enum State {\n    Open,\n}\n\n\
     impl Order {\n    pub fn total(&mut self, tax: u32) -> u32 {\n        1\n    }\n\n    fn own(&self, a: u32) {}\n}\n\n\
     impl std::fmt::Display for Order {\n    fn fmt(&self, f: &mut Formatter<'_>) -> Result {\n        Err(())\n    }\n}\n\n\
     pub trait Store {\n    fn get(&self, id: u64) -> Option<Order>;\n}\n\npub(crate) fn inside(a: u64) {}\n\n\
     mod private {\n    pub fn unreachable(a: u64) {}\n}\n",
];

#[test]
fn rust() {
    let base = [("orders/src/lib.rs", RUST[0]), ("orders/Cargo.toml", "[package]\n")];
    let head = [("orders/src/lib.rs", RUST[1]), ("orders/Cargo.toml", "[package]\n")];
    insta::assert_snapshot!(told(&facts(&base, &head, &[])));
}

#[test]
fn a_change_of_many_kinds_of_files() {
    let base = [
        ("README.md", "a\n"),
        ("api/auth/login.py", "def check(user):\n    return user\n"),
        ("api/package.json", "{}\n"),
        ("api/util.py", "def join(a, b):\n    return a + b\n\ndef split(a):\n    return a\n"),
        ("api/old.py", "def gone(a):\n    return a\n"),
        ("api/name.py", "def kept(a):\n    b = a\n    return b\n"),
    ];
    let head = [
        ("README.md", "b\n"),
        (".github/workflows/ci.yml", "on: push\n"),
        ("api/auth/login.py", "def check(user):\n    return user.is_known\n"),
        ("api/package.json", "{ }\n"),
        ("api/migrations/0001.sql", "CREATE TABLE a ();\n"),
        ("api/text.py", "def join(a, b):\n    return a + b\n"),
        (
            "api/util.py",
            "def split(a):\n    # Formatted and explained, nothing else.\n    return  a\n",
        ),
        ("api/new_name.py", "def kept(a):\n    b = a\n    return b\n"),
    ];
    let judged = Judged {
        deciding: [(Severity::High, 1), (Severity::Low, 0)].into(),
        unread: vec!["api/big.py".to_owned()],
    };
    let title = Some("fix: Check `users`\nproperly");
    let facts = facts_of(&base, &head, &[("api/name.py", "api/new_name.py")], &judged, title);
    insta::assert_snapshot!(told(&facts));
    insta::assert_json_snapshot!("facts_as_they_are_stored", facts);
}

#[test]
fn what_does_not_change_the_code_changes_no_symbol() {
    let cases = [
        (
            "a.py",
            "def f(a):\n    return a\n",
            "# why\ndef f(a):\n    \"\"\"Why.\"\"\"\n    return  a\n",
        ),
        ("a.go", "package a\nfunc F() { g() }\n", "package a\n\n// Why.\nfunc F() {\n\tg()\n}\n"),
        ("a.rs", "pub fn f(a: u32) {}\n", "/// Why.\npub fn f(\n    a: u32,\n) {\n}\n"),
        (
            "A.java",
            "class A { void f() { g(); } }\n",
            "class A {\n  @Override\n  void f() {\n    g(); // why\n  }\n}\n",
        ),
        ("a.js", "const f = (a) => { g() };\n", "const f = (a) => {\n  /* why */ g()\n};\n"),
    ];
    for (path, before, after) in cases {
        let found = facts(&[(path, before)], &[(path, after)], &[]);
        assert!(found.symbols.is_empty(), "{path}: {:?}", found.symbols);
        assert_eq!(found.files.len(), 1, "{path}");
    }
}

#[test]
fn a_file_that_cannot_be_compared_is_said_to_be() {
    let (mut base, head, changes) = commits(&[], &[("a.py", "def f(): pass\n")], &[]);
    base.left_out.push(Unanalysed { path: "a.py".into(), reason: UnanalysedReason::TooLarge });
    let commits = Commits { head: &head, base: &base, changes: &changes };
    let compared = compare(&commits, &Clock::unlimited());
    assert_eq!((compared.not_compared, compared.symbols), (vec!["a.py".to_owned()], vec![]));

    let time_is_up = || true;
    let late = compare(&commits, &Clock::new(&time_is_up));
    assert_eq!(late.not_compared, ["a.py"]);
}

#[test]
fn what_strings_hold_is_compared_and_never_shown() {
    let cases = [
        ("a.py", "def f(a, key='k1-old'): pass\n", "def f(a, key='k2-new'): pass\n"),
        (
            "a.ts",
            "export class A {\n  key = 'k1-old';\n}\n",
            "export class A {\n  key = 'k2-new';\n}\n",
        ),
        (
            "A.java",
            "public class A { public static String KEY = \"k1-old\"; }\n",
            "public class A { public static String KEY = \"k2-new\"; }\n",
        ),
    ];
    for (path, before, after) in cases {
        let found = facts(&[(path, before)], &[(path, after)], &[]);
        assert_eq!(found.symbols.len(), 1, "{path}: {:?}", found.symbols);
        let said = format!("{} {}", told(&found), serde_json::to_string(&found).unwrap());
        assert!(!said.contains("k1-") && !said.contains("k2-"), "{path}: {said}");
    }
}

#[test]
fn tests_inside_a_file_are_tests() {
    let text = |body: &str, test: &str| {
        format!(
            "pub fn f() {{{body}}}\n\n#[cfg(test)]\nmod tests {{\n    pub fn t() {{{test}}}\n}}\n"
        )
    };
    let (old, new) = (text("", ""), text("1;", "2;"));
    let both = facts(&[("a.rs", &old)], &[("a.rs", &new)], &[]);
    let told: Vec<(&str, bool, bool)> = both
        .symbols
        .iter()
        .map(|symbol| (symbol.name.as_str(), symbol.test, symbol.public))
        .collect();
    assert_eq!(told, [("f", false, true), ("tests.t", true, false)]);
    assert!(both.risk.reasons.is_empty(), "its test changed with it: {:?}", both.risk);
    assert_eq!(word(&both).title, "Change f");
    let untested = facts(&[("a.rs", &old)], &[("a.rs", &text("1;", ""))], &[]);
    assert_eq!(untested.risk.reasons[0].code, ReasonCode::Untested);
}

#[test]
fn risk_is_that_of_the_gravest_reason_and_of_many() {
    let code = |count: usize| "x = 1\n".repeat(count);
    let level = |path: &str, text: &str, judged: &Judged| {
        facts_of(&[], &[(path, text)], &[], judged, None).risk.level
    };
    let found = |severity| Judged { deciding: [(severity, 1)].into(), unread: Vec::new() };
    let nothing = Judged::default();
    assert_eq!(level("a.py", &code(10), &nothing), RiskLevel::Low);
    assert_eq!(level("a.py", &code(500), &nothing), RiskLevel::Medium);
    assert_eq!(level("a.py", &code(2000), &nothing), RiskLevel::High);
    assert_eq!(level("a.py", &code(10), &found(Severity::Medium)), RiskLevel::Medium);
    assert_eq!(level("a.py", &code(10), &found(Severity::Critical)), RiskLevel::Critical);
    assert_eq!(level("db/migrations/1.sql", "x\n", &nothing), RiskLevel::Medium);
    let three = Judged { unread: vec!["b.py".into()], ..found(Severity::Medium) };
    assert_eq!(level("db/migrations/1.sql", "x\n", &three), RiskLevel::High);
}

#[test]
fn a_title_that_means_harm_stays_one_line() {
    let title = "fix: a\nb\u{1b}[31m";
    let facts = facts_of(&[], &[("a.py", "x = 1\n")], &[], &Judged::default(), Some(title));
    assert_eq!(word(&facts).changelog, "fix: a b [31m");
    let stored = serde_json::to_string(&facts).unwrap();
    assert_eq!(word(&serde_json::from_str(&stored).unwrap()), word(&facts), "words stand on facts");
}
