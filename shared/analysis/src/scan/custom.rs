use domain::Language;

use super::{Report, incomplete};
use crate::{
    Clock, CustomRules,
    custom::{Target, run},
    tree::Parsers,
};

impl Report<'_> {
    /// Reports what the rules of a customer match; they know nothing of what others found.
    pub(super) fn custom(
        &mut self,
        rules: &CustomRules,
        language: Option<Language>,
        text: &str,
        parsers: &mut Parsers,
        clock: Clock,
    ) {
        let target = Target { path: &self.file.path, language, text };
        let outcome = run(rules, target, parsers, clock);
        let diffs = match language {
            Some(language) => self.mending(language, text, clock).of_custom(rules, &outcome),
            None => vec![None; outcome.found.len()],
        };
        let asked = self.asked;
        let takes = |rule: usize| asked.takes(&rules.info(rule).id);
        for (rule, reason) in outcome.incomplete.into_iter().filter(|(rule, _)| takes(*rule)) {
            let id = Some(rules.info(rule).id.as_str());
            self.scan.incomplete.push(incomplete(self.file, id, reason));
        }
        let found = outcome.found.into_iter().zip(diffs);
        for (found, diff) in found.filter(|(found, _)| takes(found.rule)) {
            let (info, verification) = (rules.info(found.rule), rules.verification(found.rule));
            let identity = (found.symbol, found.normalised);
            self.finding(info, verification, &found.bytes, identity, diff);
            if let Some(way) = &found.way {
                self.tell_way(&way.path, way.confidence);
            }
        }
    }
}
