//! One walk over a file for all rules.

use std::ops::Range;

use domain::Language;
use tree_sitter::{Node, Tree};

use super::{
    Edit, Ruleset,
    imports::Imports,
    names::{Names, Reading, Uses},
};
use crate::{
    Clock, Symbol,
    excerpt::normalised,
    symbols::SymbolCollector,
    trail,
    tree::{Matching, Parsers, Stopped, walk},
};

/// Steps that one rule may take in one file, at most about a second. Rules are linear in
/// practice; one that is not must not cost the others their turn.
pub(crate) const RULE_STEPS_MAX: u64 = 2_000_000;

/// Matches of one rule that are kept from one file. The next would teach nobody anything.
const MATCHES_MAX: usize = 100;

/// Attempts between two looks at the clock.
const ATTEMPTS_PER_LOOK: usize = 64;

/// A rule's match, in terms that outlive the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// Index into the rule set.
    pub(crate) rule: usize,
    pub(crate) bytes: Range<usize>,
    /// Path of the symbol around it, empty at the top of a file.
    pub(crate) symbol: String,
    pub(crate) normalised: String,
    /// What would mend it; nobody has tried whether it does.
    pub(crate) edit: Option<Edit>,
}

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// In the order of the file.
    pub(crate) matches: Vec<Match>,
    /// Rules that ran out of steps; their matches up to there are kept.
    pub(crate) out_of_fuel: Vec<usize>,
    /// Rules that matched more often than is kept.
    pub(crate) too_many: Vec<usize>,
    /// Why the file was not finished.
    pub(crate) stopped: Option<Stopped>,
}

/// A node that a rule waits for, with the index of the symbol around it.
struct Candidate<'tree> {
    rule: usize,
    node: Node<'tree>,
    symbol: Option<usize>,
}

pub(crate) fn run(
    ruleset: &Ruleset,
    language: Language,
    text: &str,
    parsers: &mut Parsers,
    clock: Clock,
) -> Outcome {
    let mut hits = ruleset.hits(text);
    if hits.iter().all(Vec::is_empty) {
        return Outcome::default();
    }
    let tree = match parsers.parse(language, text, clock) {
        Ok(tree) => tree,
        Err(stopped) => return Outcome { stopped: Some(stopped), ..Outcome::default() },
    };
    let matching = Matching::new(language, text, tree);
    let imports = Imports::of(language, text, matching.tree());
    ruleset.add_hidden(&imports, text, &mut hits);
    match candidates(ruleset, &hits, language, text, (matching.tree(), &imports), clock) {
        Ok(found) => {
            let mut attempts = Attempts::new(ruleset, &matching, text, &found);
            attempts.run(&found.candidates, clock);
            attempts.outcome
        }
        Err(stopped) => Outcome { stopped: Some(stopped), ..Outcome::default() },
    }
}

/// What one walk over a file gives.
struct Found<'tree> {
    candidates: Vec<Candidate<'tree>>,
    symbols: Vec<Symbol>,
    names: Names,
}

/// Walks the whole tree before the first match is tried: only then is its depth known to be safe.
fn candidates<'tree>(
    ruleset: &Ruleset,
    hits: &[Vec<usize>],
    language: Language,
    text: &str,
    (tree, imports): (&'tree Tree, &Imports),
    clock: Clock,
) -> Result<Found<'tree>, Stopped> {
    let mut by_kind = vec![Vec::new(); ruleset.kind_count];
    for (index, rule) in ruleset.rules.iter().enumerate() {
        if !hits[index].is_empty() {
            for kind in &rule.ready().kinds {
                by_kind[*kind].push(index);
            }
        }
    }
    let mut candidates = Vec::new();
    let mut collector = SymbolCollector::new(language, text);
    let mut uses = Uses::new(imports, text);
    walk(tree, clock, |cursor, depth| {
        collector.enter(cursor, depth);
        let node = cursor.node();
        uses.enter(node, || cursor.field_name());
        let waiting = by_kind.get(usize::from(node.kind_id())).map_or(&[][..], Vec::as_slice);
        for rule in waiting {
            if any_within(&hits[*rule], &node.byte_range()) {
                candidates.push(Candidate { rule: *rule, node, symbol: collector.enclosing() });
            }
        }
    })?;
    let symbols = collector.finish();
    let names = uses.finish(&symbols);
    Ok(Found { candidates, symbols, names })
}

fn any_within(sorted: &[usize], range: &Range<usize>) -> bool {
    let next = sorted.partition_point(|position| *position < range.start);
    sorted.get(next).is_some_and(|position| *position < range.end)
}

struct Attempts<'a> {
    ruleset: &'a Ruleset,
    matching: &'a Matching,
    text: &'a str,
    symbols: &'a [Symbol],
    names: &'a Names,
    /// Steps that each rule has left, 0 when it is done with this file.
    fuel: Vec<u64>,
    matched: Vec<usize>,
    /// Where the latest match of each rule is.
    latest: Vec<Option<Range<usize>>>,
    outcome: Outcome,
}

impl<'a> Attempts<'a> {
    fn new(
        ruleset: &'a Ruleset,
        matching: &'a Matching,
        text: &'a str,
        found: &'a Found<'_>,
    ) -> Self {
        let count = ruleset.rules.len();
        Self {
            ruleset,
            matching,
            text,
            symbols: &found.symbols,
            names: &found.names,
            fuel: vec![RULE_STEPS_MAX; count],
            matched: vec![0; count],
            latest: vec![None; count],
            outcome: Outcome::default(),
        }
    }

    fn run(&mut self, candidates: &[Candidate<'_>], clock: Clock) {
        for (index, candidate) in candidates.iter().enumerate() {
            if index.is_multiple_of(ATTEMPTS_PER_LOOK) && clock.is_up() {
                self.outcome.stopped = Some(Stopped::TimedOut);
                return;
            }
            self.attempt(candidate);
        }
    }

    fn attempt(&mut self, candidate: &Candidate<'_>) {
        let rule = candidate.rule;
        let bytes = candidate.node.byte_range();
        let latest = self.latest[rule].as_ref();
        if self.fuel[rule] == 0 || latest.is_some_and(|outer| is_part_of(candidate.node, outer)) {
            return;
        }
        match self.matches(candidate) {
            None => self.outcome.out_of_fuel.push(rule),
            Some(false) => {}
            Some(true) if self.matched[rule] == MATCHES_MAX => {
                self.fuel[rule] = 0;
                self.outcome.too_many.push(rule);
            }
            Some(true) => {
                self.matched[rule] += 1;
                self.latest[rule] = Some(bytes.clone());
                let symbol = candidate.symbol.map(|index| self.symbols[index].name.clone());
                let edit = self.edit(candidate);
                self.outcome.matches.push(Match {
                    rule,
                    bytes,
                    symbol: symbol.unwrap_or_default(),
                    normalised: normalised(candidate.node, self.text),
                    edit,
                });
            }
        }
    }

    /// Whether the rule matches in one of the readings; without fuel nobody knows.
    fn matches(&mut self, candidate: &Candidate<'_>) -> Option<bool> {
        let (rule, node) = (candidate.rule, candidate.node);
        let matcher = &self.ruleset.rules[rule].ready().matcher;
        let fuel = &mut self.fuel[rule];
        let own = self.names.own_callee(node, self.text);
        self.matching.read_as(self.names.renamed(Reading::Plain), own.clone());
        let plain = self.matching.attempt(matcher, node, fuel)?;
        if plain || !self.names.differ_in(&node.byte_range()) {
            return Some(plain);
        }
        self.matching.read_as(self.names.renamed(Reading::Full), own);
        self.matching.attempt(matcher, node, fuel)
    }

    /// On what fuel the rule has left: a match is worth more than its mending.
    fn edit(&self, candidate: &Candidate<'_>) -> Option<Edit> {
        let mut fuel = self.fuel[candidate.rule];
        let rewrites = &self.ruleset.rules[candidate.rule].ready().rewrites;
        let (matching, text, node) = (self.matching, self.text, candidate.node);
        rewrites.iter().find_map(|rewrite| rewrite.edit(matching, text, node, &mut fuel))
    }
}

/// Whether a node is a part of a match that says it all, as `a + b` is of `a + b + c`, on however
/// many lines. A statement inside it, as in the body of a callback, speaks for itself.
fn is_part_of(node: Node<'_>, outer: &Range<usize>) -> bool {
    let inside = |node: &Node<'_>| outer.start <= node.start_byte() && node.end_byte() <= outer.end;
    let mut here = Some(node);
    while let Some(node) = here.filter(inside) {
        if node.byte_range() == *outer {
            return true;
        }
        here = node.parent().filter(|parent| !trail::is_container(*parent));
    }
    false
}
