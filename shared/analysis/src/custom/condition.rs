//! Conditions that must hold together within one line, function, class or file.
//!
//! What a condition holds by is a list of places. `any` gives those of all that hold, `all` those
//! of the first that has any, `not` none; each place that is left at the end is a finding, and
//! conditions that hold without a place are reported where their reach begins.

use domain::{Language, VerificationType};
use globset::GlobSet;

use super::{
    compile::{Pattern, Trees},
    globs::globs,
    problem::{Flaw, joined},
    written::{CompositeBody, Condition, Reach},
};

/// Conditions of one rule that look at code.
const LEAVES_MAX: usize = 40;

/// Conditions within conditions.
const DEPTH_MAX: usize = 12;

pub(super) struct Composed {
    pub(super) reach: Reach,
    pub(super) root: Joint,
    pub(super) leaves: Vec<Leaf>,
}

/// How conditions are joined.
#[derive(Debug)]
pub(super) enum Joint {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    /// Index of a leaf.
    Leaf(usize),
}

/// A condition that looks at the code, or at the path of the file.
pub(super) enum Leaf {
    Lines(Pattern),
    Nodes(Trees),
    Path(GlobSet),
}

impl Composed {
    pub(super) fn new(body: &CompositeBody, languages: &[Language]) -> Result<Self, Flaw> {
        if matches!(body.scope, Reach::Function | Reach::Class) && languages.is_empty() {
            let remedy = "functions and classes are known in parsed languages only: name them";
            return Err(Flaw::new("languages", "it is missing", remedy));
        }
        let mut leaves = Leaves { languages, found: Vec::new() };
        let condition = Condition {
            all: body.all.clone(),
            any: body.any.clone(),
            not: body.not.clone(),
            ..Condition::default()
        };
        let root = leaves.joint(&condition, "", 0)?;
        let looks = |leaf: &Leaf| matches!(leaf, Leaf::Lines(_) | Leaf::Nodes(_));
        if !leaves.found.iter().any(looks) {
            let remedy = "add a condition with `pattern` or `ast`";
            return Err(Flaw::new("", "no condition looks at the code", remedy));
        }
        Ok(Self { reach: body.scope, root, leaves: leaves.found })
    }

    pub(super) fn wants_tree(&self) -> bool {
        matches!(self.reach, Reach::Function | Reach::Class)
            || self.leaves.iter().any(|leaf| matches!(leaf, Leaf::Nodes(_)))
    }

    pub(super) fn weight(&self) -> u64 {
        let weight = |leaf: &Leaf| match leaf {
            Leaf::Lines(pattern) => pattern.weight(),
            Leaf::Nodes(trees) => trees.weight(),
            Leaf::Path(_) => 0,
        };
        self.leaves.iter().map(weight).sum()
    }

    /// A chain is as strong as its weakest link.
    pub(super) fn verification(&self) -> VerificationType {
        match self.leaves.iter().any(|leaf| matches!(leaf, Leaf::Lines(_))) {
            true => VerificationType::Pattern,
            false => VerificationType::Syntax,
        }
    }
}

struct Leaves<'a> {
    languages: &'a [Language],
    found: Vec<Leaf>,
}

impl Leaves<'_> {
    fn joint(&mut self, condition: &Condition, at: &str, depth: usize) -> Result<Joint, Flaw> {
        if depth > DEPTH_MAX {
            let problem = format!("conditions are nested more than {DEPTH_MAX} deep");
            return Err(Flaw::new(at, problem, "make several rules of it"));
        }
        let Condition { all, any, not, pattern, case_sensitive, ast, path } = condition;
        let given = [
            all.is_some(),
            any.is_some(),
            not.is_some(),
            pattern.is_some(),
            ast.is_some(),
            path.is_some(),
        ];
        let given = given.into_iter().filter(|given| *given).count();
        if given != 1 || (case_sensitive.is_some() && pattern.is_none()) {
            let what = if depth == 0 {
                "`all`, `any` or `not`"
            } else {
                "one of all, any, not, pattern, ast and path"
            };
            let problem = format!("it has {given} conditions where one is wanted");
            return Err(Flaw::new(at, problem, format!("write exactly {what}")));
        }
        if let Some(list) = all {
            return self.list(list, &joined(at, "all"), depth).map(Joint::All);
        }
        if let Some(list) = any {
            return self.list(list, &joined(at, "any"), depth).map(Joint::Any);
        }
        if let Some(inner) = not {
            let inner = self.joint(inner, &joined(at, "not"), depth + 1)?;
            return Ok(Joint::Not(Box::new(inner)));
        }
        let leaf = self.leaf(condition, at)?;
        if self.found.len() == LEAVES_MAX {
            let problem = format!("there are more than {LEAVES_MAX} conditions");
            return Err(Flaw::new(at, problem, "make several rules of it"));
        }
        self.found.push(leaf);
        Ok(Joint::Leaf(self.found.len() - 1))
    }

    fn list(&mut self, list: &[Condition], at: &str, depth: usize) -> Result<Vec<Joint>, Flaw> {
        if list.is_empty() {
            return Err(Flaw::new(at, "it is empty", "write at least one condition"));
        }
        let numbered = list.iter().enumerate();
        numbered.map(|(index, one)| self.joint(one, &format!("{at}[{index}]"), depth + 1)).collect()
    }

    fn leaf(&self, condition: &Condition, at: &str) -> Result<Leaf, Flaw> {
        if let Some(text) = &condition.pattern {
            let case_sensitive = condition.case_sensitive.unwrap_or(true);
            return Pattern::of(&joined(at, "pattern"), text, case_sensitive).map(Leaf::Lines);
        }
        if let Some(body) = &condition.ast {
            if body.rewrite.is_some() {
                let remedy = "leave it out, or make a rule of type ast of the condition";
                let problem = "a condition mends nothing: only a rule of type ast does";
                return Err(Flaw::new(joined(at, "ast.rewrite"), problem, remedy));
            }
            return Trees::new(body, self.languages, &joined(at, "ast")).map(Leaf::Nodes);
        }
        let path = condition.path.clone().unwrap_or_default();
        let at = joined(at, "path");
        match globs(&at, &[path])? {
            Some(globs) => Ok(Leaf::Path(globs)),
            None => Err(Flaw::new(at, "it is empty", "write a glob")),
        }
    }
}

/// What a joint holds by within one unit: nothing, or indexes into the places of its leaves.
pub(super) fn holds<P>(
    joint: &Joint,
    leaf: &mut impl FnMut(usize) -> Option<Vec<P>>,
) -> Option<Vec<P>> {
    match joint {
        Joint::Leaf(index) => leaf(*index),
        Joint::Not(inner) => holds(inner, leaf).is_none().then(Vec::new),
        Joint::Any(list) => {
            let mut places: Option<Vec<P>> = None;
            for found in list.iter().filter_map(|one| holds(one, leaf)) {
                places.get_or_insert_default().extend(found);
            }
            places
        }
        Joint::All(list) => {
            let mut places = Vec::new();
            for one in list {
                let found = holds(one, leaf)?;
                if places.is_empty() {
                    places = found;
                }
            }
            Some(places)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_by_the_places_that_prove_them() {
        // Leaf 0 is at 10 and 20, leaf 1 at 30, leaf 2 nowhere, leaf 3 holds without a place.
        let places = [Some(vec![10, 20]), Some(vec![30]), None, Some(vec![])];
        let leaf = |index| Joint::Leaf(index);
        let not = |inner| Joint::Not(Box::new(inner));
        let cases = [
            (Joint::All(vec![leaf(0), leaf(1)]), Some(vec![10, 20])),
            (Joint::All(vec![leaf(3), leaf(1)]), Some(vec![30])),
            (Joint::All(vec![leaf(0), leaf(2)]), None),
            (Joint::Any(vec![leaf(1), leaf(2), leaf(0)]), Some(vec![30, 10, 20])),
            (Joint::Any(vec![leaf(2)]), None),
            (not(leaf(0)), None),
            (not(leaf(2)), Some(vec![])),
            (Joint::All(vec![not(leaf(2)), leaf(1)]), Some(vec![30])),
            (Joint::Any(vec![leaf(2), leaf(3)]), Some(vec![])),
        ];
        for (joint, expected) in cases {
            let found = holds(&joint, &mut |index| places[index].clone());
            assert_eq!(found, expected, "{joint:?}");
        }
    }
}
