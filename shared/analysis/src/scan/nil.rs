//! Nil on its way through the package, as findings of this file.

use domain::{Language, VerificationType};

use super::{IncompleteReason, Report, incomplete};
use crate::{
    Clock,
    nil::{self, NilFlow},
    package::{Package, Told},
    symbols::described,
    tree::{Parsers, Stopped},
};

/// Flows that are told of one rule in one file.
const FLOWS_MAX: usize = 100;

impl Report<'_> {
    pub(super) fn nil(
        &mut self,
        package: Option<&Package<'_>>,
        text: &str,
        parsers: &mut Parsers,
        clock: Clock,
    ) {
        let alone = Package::alone(self.file);
        let flows = package.unwrap_or(&alone).flows(parsers, clock);
        if let Some(stopped) = flows.stopped {
            let reason = match stopped {
                Stopped::TimedOut => IncompleteReason::TimedOut,
                Stopped::TooDeep => IncompleteReason::TooDeep,
            };
            let known = |one: &super::Incomplete| one.path == self.file.path && one.rule.is_none();
            if !self.scan.incomplete.iter().any(known) {
                self.scan.incomplete.push(incomplete(self.file, None, reason));
            }
        }
        let Some(told) = flows.by_path.get(&self.file.path) else { return };
        let Ok(tree) = parsers.parse(Language::Go, text, clock) else { return };
        let ends = told.iter().map(|told| told.flow.spot.bytes());
        let Ok(names) = described(Language::Go, text, &tree, clock, ends) else { return };
        let mut counts = [0_usize; 3];
        for Told { flow, elsewhere } in told {
            let info = nil::info(flow.care);
            let count = &mut counts[flow.care as usize];
            if !self.asked.takes(&info.id) {
                continue;
            }
            *count += 1;
            if *count > FLOWS_MAX {
                if *count == FLOWS_MAX + 1 {
                    let reason = IncompleteReason::TooMany;
                    self.scan.incomplete.push(incomplete(self.file, Some(&info.id), reason));
                }
                continue;
            }
            let bytes = flow.spot.bytes();
            let identity = names.get(&(bytes.start, bytes.end)).cloned().unwrap_or_default();
            self.finding(info, VerificationType::Taint, &bytes, identity, None);
            self.tell_nil(flow, elsewhere);
        }
    }

    /// Adds to the latest finding what is done with nil, and how it got there.
    fn tell_nil(&mut self, flow: &NilFlow, elsewhere: &[Option<(String, u32)>]) {
        let mut way = format!("{}\n\nHow it gets there:", flow.how.says());
        let last = flow.path.len().saturating_sub(1);
        for (index, (step, elsewhere)) in flow.path.iter().zip(elsewhere).enumerate() {
            let role = match index {
                0 => "nil comes from here",
                _ if index == last => "it is used",
                _ => "passes",
            };
            let number = index + 1;
            match elsewhere {
                Some((path, line)) => {
                    way.push_str(&format!("\n{number}. {path}:{line} ({role})"));
                }
                None => {
                    let line = self.lines.around(&step.bytes()).first;
                    way.push_str(&format!("\n{number}. line {line} ({role})"));
                    if let Some(code) = self.quote(&step.bytes()) {
                        way.push_str(&format!(": `{code}`"));
                    }
                }
            }
        }
        if let Some(finding) = self.scan.findings.last_mut() {
            finding.confidence *= flow.confidence;
            finding.description = format!("{} {way}", finding.description);
        }
    }
}
