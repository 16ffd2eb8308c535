//! What other programs reached on the same suites. Measured on the commits and with the versions
//! named here, by the same way of counting; docs/accuracy.md says how.

use crate::sheet::Share;

/// What one program reached.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) found: Share,
    pub(crate) alarms: Share,
}

const fn peer(
    name: &'static str,
    (found, labelled): (usize, usize),
    (alarms, clean): (usize, usize),
) -> Peer {
    Peer { name, found: Share::new(found, labelled), alarms: Share::new(alarms, clean) }
}

/// praetorian-inc/noseyparker at 2e6e7f36.
pub(crate) const NOSEYPARKER: [Peer; 2] = [
    peer("detect-secrets 1.5.0", (184, 386), (39, 143)),
    peer("gitleaks' rules at b58d3f1, without its allowlists", (196, 386), (35, 143)),
];

/// semgrep/semgrep-rules at 157ae470, Python; Semgrep is at home there.
pub(crate) const SEMGREP_RULES_PYTHON: [Peer; 3] = [
    // Counted over the 1,000 and 650 lines of rules in folders named `security`.
    peer("semgrep 1.182.0", (955, 1000), (85, 650)),
    peer("bandit 1.9.4", (329, 988), (104, 639)),
    peer("ruff 0.17.5, its S rules", (306, 988), (94, 639)),
];

/// gitleaks/gitleaks at b58d3f1; counted over fewer of the literals.
pub(crate) const GITLEAKS: [Peer; 1] = [peer("detect-secrets 1.5.0", (31, 90), (53, 287))];

/// OWASP-Benchmark/BenchmarkPython at 7cf0674. Bearer's report is the one that the suite brings.
pub(crate) const BENCHMARK_PYTHON: [Peer; 3] = [
    peer("bandit 1.9.4", (102, 457), (43, 786)),
    peer("ruff 0.17.5, its S rules", (95, 457), (27, 786)),
    peer("bearer 1.51.1", (8, 457), (10, 786)),
];
