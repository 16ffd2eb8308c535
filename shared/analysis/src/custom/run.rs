//! The rules of a customer over one file.
//!
//! A rule that runs out of steps or time keeps what it found up to there and is named as
//! incomplete; conditions that were not all looked at prove nothing, so such a rule keeps nothing.

mod fuel;
mod lines;
mod together;

use std::ops::Range;

use domain::Language;
use tree_sitter::Node;

use super::{
    compile::{Check, CustomRules, Tree},
    condition::Leaf,
    needed::Needed,
};
use crate::{
    Clock, IncompleteReason, Symbol,
    excerpt::normalised,
    rules::Edit,
    symbols::{SymbolCollector, lines},
    tree::{Matching, Parsers, Stopped, walk},
};
use fuel::Fuel;
use lines::{lines_of, squeezed};

/// Steps that one rule may take in one file, at most about a second.
const RULE_STEPS_MAX: u64 = 2_000_000;

/// Steps that all rules together may take in one file.
const FILE_STEPS_MAX: u64 = 10_000_000;

/// Parts of a syntax rule that are tried on a node for the price of one step.
const PARTS_PER_STEP: u64 = 8;

/// Matches of one rule that are kept from one file. The next would teach nobody anything.
const MATCHES_MAX: usize = 100;

/// Places of one condition in one file; with more, a rule of several is not judged.
const PLACES_MAX: usize = 5000;

/// Lines or nodes between two looks at the clock.
const TRIES_PER_LOOK: usize = 64;

/// A rule's match, in terms that outlive the tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// Index into the rules.
    pub(crate) rule: usize,
    pub(crate) bytes: Range<usize>,
    /// Path of the symbol around it, empty at the top of a file.
    pub(crate) symbol: String,
    pub(crate) normalised: String,
    /// Of a value that was followed.
    pub(crate) way: Option<Way>,
    /// What would mend it; nobody has tried whether it does.
    pub(crate) edit: Option<Edit>,
}

/// How a value got where it was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    /// Source, steps and sink.
    pub(crate) path: Vec<Range<usize>>,
    /// Of the source, to be taken together with the rule's.
    pub(crate) confidence: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// By rule, then in the order of the file.
    pub(crate) found: Vec<Found>,
    /// Rules that were not finished, and why.
    pub(crate) incomplete: Vec<(usize, IncompleteReason)>,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) path: &'a str,
    pub(crate) language: Option<Language>,
    pub(crate) text: &'a str,
}

pub(crate) fn run(
    rules: &CustomRules,
    target: Target<'_>,
    parsers: &mut Parsers,
    clock: Clock,
) -> Outcome {
    let concerned: Vec<usize> = (0..rules.rules.len())
        .filter(|rule| rules.rules[*rule].concerns(target.path, target.language))
        .collect();
    if concerned.is_empty() {
        return Outcome::default();
    }
    let mut job = Job {
        rules,
        target,
        clock,
        lines: lines_of(target.text),
        takes_words: Needed::suits(target.text),
        left: FILE_STEPS_MAX,
        outcome: Outcome::default(),
    };
    let (on_trees, on_lines): (Vec<usize>, Vec<usize>) =
        concerned.into_iter().partition(|rule| rules.rules[*rule].wants_tree());
    for rule in on_lines {
        job.rule(rule, None);
    }
    job.with_tree(&on_trees, parsers);
    job.with_values(parsers);
    job.outcome.found.sort_by_key(|found| (found.rule, found.bytes.start, found.bytes.end));
    job.outcome
}

/// A parsed file: its symbols, and the nodes that some rule waits for, in the order of the file.
struct Grown<'tree> {
    language: Language,
    matching: &'tree Matching,
    symbols: Vec<Symbol>,
    by_kind: Vec<Vec<(usize, Node<'tree>)>>,
}

/// Places of one condition, and why there may be more.
type Places = (Vec<Place>, Option<IncompleteReason>);

#[derive(Debug, Clone)]
struct Place {
    bytes: Range<usize>,
    normalised: String,
    edit: Option<Edit>,
}

struct Job<'a> {
    rules: &'a CustomRules,
    target: Target<'a>,
    clock: Clock<'a>,
    lines: Vec<Range<usize>>,
    /// Whether lines without a pattern's words can be passed over.
    takes_words: bool,
    /// Steps that all rules together have left in this file.
    left: u64,
    outcome: Outcome,
}

impl Job<'_> {
    /// Parses when a rule wants it, or a match wants to know in which function it stands.
    fn with_tree(&mut self, on_trees: &[usize], parsers: &mut Parsers) {
        let Target { language, text, .. } = self.target;
        let Some(language) = language else {
            // Without a grammar there is neither node, function nor class; `concerns` keeps
            // rules with languages away, and those without are of lines and whole files.
            on_trees.iter().for_each(|rule| self.rule(*rule, None));
            return;
        };
        if on_trees.is_empty() && self.outcome.found.is_empty() {
            return;
        }
        let parsed = parsers.parse(language, text, self.clock);
        let stopped = match parsed {
            Err(stopped) => stopped,
            Ok(tree) => {
                let matching = Matching::new(language, text, tree);
                match self.grown(language, &matching, on_trees) {
                    Err(stopped) => stopped,
                    Ok(grown) => {
                        on_trees.iter().for_each(|rule| self.rule(*rule, Some(&grown)));
                        return self.name_symbols(&grown.symbols);
                    }
                }
            }
        };
        let reason = match stopped {
            Stopped::TimedOut => IncompleteReason::TimedOut,
            Stopped::TooDeep => IncompleteReason::TooDeep,
        };
        self.outcome.incomplete.extend(on_trees.iter().map(|rule| (*rule, reason)));
    }

    /// Walks the whole tree before the first match is tried: only then is its depth known to be
    /// safe.
    fn grown<'tree>(
        &self,
        language: Language,
        matching: &'tree Matching,
        on_trees: &[usize],
    ) -> Result<Grown<'tree>, Stopped> {
        let mut wanted = Vec::new();
        for rule in on_trees {
            for kind in kinds_of(&self.rules.rules[*rule].check, language) {
                wanted.resize(wanted.len().max(kind + 1), false);
                wanted[kind] = true;
            }
        }
        let mut by_kind = vec![Vec::new(); wanted.len()];
        let mut collector = SymbolCollector::new(language, self.target.text);
        let mut count = 0;
        walk(matching.tree(), self.clock, |cursor, depth| {
            collector.enter(cursor, depth);
            let node = cursor.node();
            let kind = usize::from(node.kind_id());
            if wanted.get(kind) == Some(&true) {
                by_kind[kind].push((count, node));
            }
            count += 1;
        })?;
        Ok(Grown { language, matching, symbols: collector.finish(), by_kind })
    }

    /// The taint engine counts steps of its own.
    fn with_values(&mut self, parsers: &mut Parsers) {
        let Target { path, language, .. } = self.target;
        let concerns = |rule: usize| self.rules.rules[rule].concerns(path, language);
        for set in &self.rules.flows {
            let (found, missed) = set.run(concerns, self.target, parsers, self.clock);
            self.outcome.incomplete.extend(missed);
            let mut count = vec![0; self.rules.rules.len()];
            for one in found {
                count[one.rule] += 1;
                match count[one.rule] {
                    ..=MATCHES_MAX => self.outcome.found.push(one),
                    n if n == MATCHES_MAX + 1 => {
                        self.outcome.incomplete.push((one.rule, IncompleteReason::TooMany));
                    }
                    _ => {}
                }
            }
        }
    }

    fn rule(&mut self, rule: usize, grown: Option<&Grown<'_>>) {
        let rules = self.rules;
        let mut left = self.left;
        let mut fuel = Fuel { rule: RULE_STEPS_MAX, file: &mut left };
        let (mut places, mut incomplete) = match &rules.rules[rule].check {
            Check::Lines(pattern) => self.lines(pattern, MATCHES_MAX, &mut fuel),
            Check::Nodes(trees) => match grown
                .and_then(|grown| Some((grown, trees.of(grown.language)?)))
            {
                Some((grown, tree)) => self.nodes(grown, tree, trees.parts, MATCHES_MAX, &mut fuel),
                None => (Vec::new(), None),
            },
            // Followed with others, see `with_values`.
            Check::Flow(_) => return,
            Check::Together(composed) => match self.together(composed, grown, &mut fuel) {
                Ok(places) => (places, None),
                Err(reason) => (Vec::new(), Some(reason)),
            },
        };
        self.left = left;
        if places.len() > MATCHES_MAX {
            places.truncate(MATCHES_MAX);
            incomplete = incomplete.or(Some(IncompleteReason::TooMany));
        }
        self.outcome.incomplete.extend(incomplete.map(|reason| (rule, reason)));
        let found = |Place { bytes, normalised, edit }| Found {
            rule,
            bytes,
            symbol: String::new(),
            normalised,
            way: None,
            edit,
        };
        self.outcome.found.extend(places.into_iter().map(found));
    }

    fn nodes(
        &self,
        grown: &Grown<'_>,
        tree: &Tree,
        parts: u64,
        most: usize,
        fuel: &mut Fuel<'_>,
    ) -> Places {
        let mut places = Vec::new();
        // The outermost of nested matches on one line says it all: `a + b` in `a + b + c`.
        let mut latest: Option<(u32, usize)> = None;
        for (number, node) in candidates(grown, &tree.kinds).into_iter().enumerate() {
            if number.is_multiple_of(TRIES_PER_LOOK) && self.clock.is_up() {
                return (places, Some(IncompleteReason::TimedOut));
            }
            let (bytes, first) = (node.byte_range(), lines(node).first);
            if latest.is_some_and(|(line, end)| line == first && bytes.end <= end) {
                continue;
            }
            if !fuel.burn(1 + parts / PARTS_PER_STEP) {
                return (places, Some(IncompleteReason::OutOfFuel));
            }
            let before = fuel.left();
            let mut left = before;
            let matched = grown.matching.attempt(&tree.matcher, node, &mut left);
            fuel.burn(before - left);
            match matched {
                None => return (places, Some(IncompleteReason::OutOfFuel)),
                Some(false) => {}
                Some(true) if places.len() == most => {
                    return (places, Some(IncompleteReason::TooMany));
                }
                Some(true) => {
                    latest = Some((first, bytes.end));
                    let (matching, text) = (grown.matching, self.target.text);
                    let normalised = normalised(node, text);
                    // On what fuel the rule has left: a match is worth more than its mending.
                    let mut left = fuel.left();
                    let mend = tree.mend.as_ref();
                    let edit = mend.and_then(|mend| mend.edit(matching, text, node, &mut left));
                    places.push(Place { bytes, normalised, edit });
                }
            }
        }
        (places, None)
    }

    fn name_symbols(&mut self, symbols: &[Symbol]) {
        for found in &mut self.outcome.found {
            let line = self.lines.partition_point(|line| line.start <= found.bytes.start);
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            // Parents come first, so the last that holds the line is the innermost.
            let holds = |symbol: &&Symbol| symbol.lines.first <= line && line <= symbol.lines.last;
            let innermost = symbols.iter().rev().find(holds);
            found.symbol = innermost.map(|symbol| symbol.name.clone()).unwrap_or_default();
        }
    }
}

/// The kinds of nodes that a check waits for.
fn kinds_of(check: &Check, language: Language) -> Vec<usize> {
    let of = |tree: Option<&Tree>| tree.map(|tree| tree.kinds.clone()).unwrap_or_default();
    match check {
        Check::Lines(_) | Check::Flow(_) => Vec::new(),
        Check::Nodes(trees) => of(trees.of(language)),
        Check::Together(composed) => {
            let kinds = |leaf: &Leaf| match leaf {
                Leaf::Nodes(trees) => of(trees.of(language)),
                Leaf::Lines(_) | Leaf::Path(_) => Vec::new(),
            };
            composed.leaves.iter().flat_map(kinds).collect()
        }
    }
}

/// Nodes of these kinds, parents before children.
fn candidates<'tree>(grown: &Grown<'tree>, kinds: &[usize]) -> Vec<Node<'tree>> {
    let mut found: Vec<(usize, Node<'tree>)> =
        kinds.iter().filter_map(|kind| grown.by_kind.get(*kind)).flatten().copied().collect();
    found.sort_unstable_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, node)| node).collect()
}
