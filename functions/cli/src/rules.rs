//! `assay rules`: rules of one's own, tried before they are kept.

use std::{ffi::OsString, io, path::PathBuf};

use analysis::{
    RuleFile, RuleProblems,
    custom::{Template, templates},
};
use clap::{Args, Parser, Subcommand};

use crate::{
    Error, Exit, Trouble,
    scan::{self, ScanArguments},
    words::{Ink, excerpt},
};

const MESSAGE_CHARS_MAX: usize = 70;

/// Write rules of your own: check them, try them, begin with a template.
#[derive(Debug, Args)]
pub struct RulesArguments {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    Test(TestArguments),
    Templates(TemplatesArguments),
}

/// Check a file of rules, run them over their examples, and show what they find.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Check the rules, and that each keeps to its examples:
    assay rules test team-rules.yml

  See what they would find in this folder:
    assay rules test team-rules.yml .

Exit codes:
  0  the rules are right, whatever they find
  1  a rule is wrong: each mistake is shown with its line and what to do
  2  there is no answer: a file or an argument is wrong")]
struct TestArguments {
    /// Rules as YAML; docs/custom-rules.md says how they are written
    file: PathBuf,

    /// Files and folders to look at with these rules alone
    paths: Vec<PathBuf>,
}

/// Show rules to begin with.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Which there are:
    assay rules templates

  Begin with one of them:
    assay rules templates no-print > team-rules.yml")]
struct TemplatesArguments {
    /// Print this one as YAML
    name: Option<String>,
}

pub(crate) fn run(arguments: &RulesArguments, out: &mut impl io::Write) -> Result<Exit, Error> {
    match &arguments.command {
        RulesCommand::Test(arguments) => test(arguments, out),
        RulesCommand::Templates(arguments) => show(arguments, out),
    }
}

fn test(arguments: &TestArguments, out: &mut impl io::Write) -> Result<Exit, Error> {
    let text = scan::rules_text(&arguments.file)?;
    let file = RuleFile::read(&text).and_then(|file| file.try_examples().map(|()| file));
    let file = match file {
        Ok(file) => file,
        Err(problems) => {
            print_problems(&problems, out)?;
            return Ok(Exit::No);
        }
    };
    let shown = |rule: &analysis::CustomRule| rule.examples.bad.len() + rule.examples.good.len();
    let examples: usize = file.rules.iter().map(shown).sum();
    let told = format!("{} rules, which keep to their {examples} examples", file.rules.len());
    writeln!(out, "{}  {told}", Ink::Green.on("valid"))?;
    for note in &file.notes {
        writeln!(out, "{}    {note}", Ink::Yellow.on("but"))?;
    }
    for rule in file.rules.iter().filter(|rule| shown(rule) == 0) {
        let told = format!("rule `{}` has no example", rule.head.id);
        writeln!(out, "{}    {told}", Ink::Yellow.on("but"))?;
    }
    if arguments.paths.is_empty() {
        return Ok(Exit::Yes);
    }
    writeln!(out)?;
    scan::run(&trial(arguments)?, out)
}

fn print_problems(problems: &RuleProblems, out: &mut impl io::Write) -> io::Result<()> {
    for problem in &problems.0 {
        let place = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let rule = problem.rule.as_ref().map(|rule| format!("rule `{rule}`: "));
        let at = if problem.at.is_empty() { String::new() } else { format!("{}: ", problem.at) };
        writeln!(
            out,
            "{}  {place}{}{at}{}\n       {}",
            Ink::Red.on("wrong"),
            rule.unwrap_or_default(),
            problem.problem,
            problem.remedy
        )?;
    }
    Ok(())
}

/// A scan as people could have asked for it.
#[derive(Parser)]
struct Trial {
    #[command(flatten)]
    scan: ScanArguments,
}

fn trial(arguments: &TestArguments) -> Result<ScanArguments, Trouble> {
    let fixed = ["assay", "--rule", "custom.*", "--fail-on", "never", "--no-policy", "--rules"];
    let words = fixed.into_iter().map(OsString::from).chain([arguments.file.clone().into()]);
    let paths = arguments.paths.iter().map(|path| path.clone().into());
    let words = words.chain([OsString::from("--")]).chain(paths);
    let trial = Trial::try_parse_from(words);
    let trial = trial.map_err(|error| {
        Trouble::new(format!("the paths cannot be taken: {error}"), "name files or folders")
    })?;
    Ok(trial.scan)
}

fn show(arguments: &TemplatesArguments, out: &mut impl io::Write) -> Result<Exit, Error> {
    let Some(name) = &arguments.name else {
        let width = templates().iter().map(|one| one.rule.head.id.len()).max().unwrap_or(0);
        for Template { rule, .. } in templates() {
            let head = &rule.head;
            let title = excerpt(head.title.as_deref().unwrap_or(&head.message), MESSAGE_CHARS_MAX);
            writeln!(
                out,
                "{:width$}  {:9}  {:8}  {title}",
                head.id, head.rule_type, head.severity
            )?;
        }
        return Ok(Exit::Yes);
    };
    let found = templates().iter().find(|template| template.rule.head.id == *name);
    let template = found.ok_or_else(|| {
        Trouble::new(format!("there is no template {name}"), "`assay rules templates` lists them")
    })?;
    write!(out, "{}", template.yaml)?;
    Ok(Exit::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_is_a_scan_that_can_be_asked_for() {
        let paths = vec![PathBuf::from("--odd"), PathBuf::from("src")];
        let arguments = TestArguments { file: "rules.yml".into(), paths };
        assert!(trial(&arguments).is_ok());
    }
}
