//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use domain::Language;

use crate::marked::Half;

/// Measure what Assay finds against suites that others labelled.
///
/// A suite is a repository that you check out yourself; docs/accuracy.md names each with its
/// commit and licence. Nothing of it is executed, nothing leaves this machine, and no secret is
/// printed. The exit code is 0 when every target is reached, 1 when one is missed, 2 when there is
/// no score.
#[derive(Debug, Parser)]
#[command(name = "cargo local score", bin_name = "cargo local score", version)]
#[command(after_help = "\
Examples:
  Secrets, with what was missed:
    cargo local score noseyparker ~/suites/noseyparker --show 100

  Python alone, with Bandit and Ruff on the same lines:
    cargo local score semgrep-rules ~/suites/semgrep-rules --language python \\
      --bandit ~/venv/bin/bandit --ruff ~/venv/bin/ruff")]
pub struct Arguments {
    #[command(subcommand)]
    pub(crate) suite: Suite,
    /// Print everything as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How many of the cases that went wrong to list.
    #[arg(long, value_name = "N", default_value_t = 10, global = true)]
    pub(crate) show: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Suite {
    /// Secrets: the examples in the rules of praetorian-inc/noseyparker.
    Noseyparker {
        /// The repository, or the folder that holds its rules.
        path: PathBuf,
    },
    /// Secrets: the literals in the rules of gitleaks/gitleaks. Nothing was written for them.
    Gitleaks {
        /// The repository, or the folder that holds its rules.
        path: PathBuf,
    },
    /// Security: the annotated lines of semgrep/semgrep-rules, language by language.
    SemgrepRules {
        /// The repository.
        path: PathBuf,
        /// One folder of it, such as `python`; all otherwise.
        #[arg(long)]
        language: Option<String>,
        /// Bandit's program, to count what it reports on the same lines.
        #[arg(long, value_name = "PROGRAM")]
        bandit: Option<PathBuf>,
        /// Ruff's program, likewise; its checks are about what Bandit's of the same number are.
        #[arg(long, value_name = "PROGRAM", requires = "bandit")]
        ruff: Option<PathBuf>,
    },
    /// Identity: code of real commits, moved, renamed, indented anew and reordered.
    Moves {
        /// A git repository; its newest commits that change code are looked at.
        path: PathBuf,
        /// How many commits.
        #[arg(long, value_name = "N", default_value_t = 200)]
        commits: usize,
    },
    /// Fixes: every diff that is offered for a tree, applied and judged.
    Fixes {
        /// A folder with code.
        path: PathBuf,
    },
    /// Formal checks: Juliet for Java (find-sec-bugs/juliet-test-suite).
    Juliet {
        /// The repository.
        path: PathBuf,
        /// The solver's program.
        #[arg(long, value_name = "PROGRAM", default_value = "z3")]
        z3: PathBuf,
        /// Look at every Nth case.
        #[arg(long, value_name = "N", default_value_t = 1)]
        every: usize,
        /// Leave out so many cases first.
        #[arg(long, value_name = "N", default_value_t = 0)]
        from: usize,
        /// Only cases with this in their name.
        #[arg(long, value_name = "PART", default_value = "")]
        name: String,
    },
    /// Formal checks: the Python regression of esbmc/esbmc.
    Esbmc {
        /// The repository, or its folder `regression/python`.
        path: PathBuf,
        /// The solver's program.
        #[arg(long, value_name = "PROGRAM", default_value = "z3")]
        z3: PathBuf,
    },
    /// Formal checks: every function of a folder; nobody labelled it, so what is refuted is listed.
    Functions {
        /// A folder with code.
        path: PathBuf,
        /// The solver's program.
        #[arg(long, value_name = "PROGRAM", default_value = "z3")]
        z3: PathBuf,
        /// The language of the functions, such as `python`.
        #[arg(long)]
        language: Language,
    },
    /// Formal checks: samples of conversions and slice bounds in securego/gosec.
    Gosec {
        /// The repository.
        path: PathBuf,
        /// The solver's program.
        #[arg(long, value_name = "PROGRAM", default_value = "z3")]
        z3: PathBuf,
    },
    /// Formal checks and nil's flow: the lines on which uber-go/nilaway wants a report of nil.
    Nilaway {
        /// The repository.
        path: PathBuf,
        /// The solver's program.
        #[arg(long, value_name = "PROGRAM", default_value = "z3")]
        z3: PathBuf,
    },
    /// Security: the lines that Bandit reports on its own examples (PyCQA/bandit).
    Bandit {
        /// The repository, or its folder `examples`.
        path: PathBuf,
        /// Bandit's program; what it reports is what must be found.
        #[arg(long, value_name = "PROGRAM")]
        bandit: PathBuf,
    },
    /// Security: the tests of OWASP-Benchmark/BenchmarkJava or BenchmarkPython, flawed and harmless.
    Owasp {
        /// The repository.
        path: PathBuf,
        /// Every other test.
        #[arg(long)]
        half: Option<Half>,
    },
    /// Security: the tests of CodeQL's queries (github/codeql).
    Codeql {
        /// The repository, or a folder of it.
        path: PathBuf,
        /// Every other folder of tests.
        #[arg(long)]
        half: Option<Half>,
    },
    /// Security: the programs beside the rules of Bearer/bearer-rules.
    Bearer {
        /// The repository.
        path: PathBuf,
        /// Every other rule.
        #[arg(long)]
        half: Option<Half>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
