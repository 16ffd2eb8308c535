//! Rules beside the built-in ones: of the policy, and of files that are named in the call.

use std::path::{Path, PathBuf};

use ::policy::Held;
use analysis::{CustomRule, CustomRules, RuleFile, custom::RULE_FILE_BYTES_MAX};

use crate::{Error, Trouble, input};

/// A rule of a file stands in for the one of its name in the policy.
pub(super) fn rules(files: &[PathBuf], policy: &Held) -> Result<CustomRules, Error> {
    let mut rules: Vec<CustomRule> = Vec::new();
    for path in files {
        rules.extend(read(path)?.rules);
    }
    for entry in &policy.policy.custom_rules {
        let file = RuleFile::of_value(entry.rule.clone()).map_err(|problems| {
            let place = format!("the policy's rule in line {}", entry.line);
            Trouble::new(format!("{place} is wrong:\n{problems}"), "mend it there")
        })?;
        let is_new = |rule: &CustomRule| rules.iter().all(|known| known.head.id != rule.head.id);
        let new: Vec<CustomRule> = file.rules.into_iter().filter(is_new).collect();
        rules.extend(new);
    }
    let compiled = CustomRules::compile(&rules);
    Ok(compiled.map_err(|problems| {
        Trouble::new(format!("the rules do not go together:\n{problems}"), "mend or leave out some")
    })?)
}

/// The rules of a file, with what has no effect in them.
fn read(path: &Path) -> Result<RuleFile, Error> {
    let text = text(path)?;
    let file = RuleFile::read(&text).map_err(|problems| {
        let next = "mend them there; `assay rules test` also runs their examples";
        Trouble::new(format!("{} has rules that are wrong:\n{problems}", path.display()), next)
    })?;
    Ok(file)
}

/// One byte more than a file of rules may have: the reader says what is wrong with it.
pub(crate) fn text(path: &Path) -> Result<String, Error> {
    let bytes = input::read(path, RULE_FILE_BYTES_MAX + 1)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Trouble::new(format!("{} is no UTF-8 text", path.display()), "save it as UTF-8")
    })?;
    Ok(text)
}
