//! For the bench: what the rules alone cost, and what part of them costs.

use domain::{Language, SourceFile};

use super::{Ruleset, builtin, run};
use crate::{Clock, place::Place, tree::Parsers};

/// Every `every`th rule of each language, ready to run.
#[doc(hidden)]
pub struct Part(Vec<Ruleset>);

impl Part {
    pub fn of_rules(every: usize) -> Self {
        let part = |language: &Language| {
            let some: Vec<_> =
                builtin::envelopes(*language).iter().step_by(every).cloned().collect();
            Ruleset::of(&some, *language).expect("a part of the built-in rules is as good as all")
        };
        Self(Language::ALL.iter().map(part).collect())
    }

    pub fn rules(&self) -> usize {
        self.0.iter().map(|ruleset| ruleset.rules.len()).sum()
    }

    /// Parses the files and runs the rules; gives the matches.
    pub fn run(&self, files: &[SourceFile]) -> usize {
        let mut parsers = Parsers::default();
        let mut count = 0;
        for file in files {
            let Place::Code { language, text, .. } = Place::of(file) else { continue };
            let ruleset = &self.0[language as usize];
            count += run(ruleset, language, text, &mut parsers, Clock::unlimited()).matches.len();
        }
        count
    }
}
