//! Which finding of one commit is which of another, that came out of it.
//!
//! Each finding continues at most one, so a copy of flawed code is a new finding, and what people
//! decided about the original is not decided about the copy.

use std::collections::{HashMap, VecDeque};

use crate::{
    Finding, Fingerprint, Trail,
    trail::Part::{self, Loose, Matched, Statement},
};

/// As much of a finding as it takes to know it again.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    pub rule: &'a str,
    pub path: &'a str,
    pub fingerprint: &'a Fingerprint,
    pub trail: Option<&'a Trail>,
    pub demoted: bool,
    /// It stands in lines that the change touched. Of equal code the untouched is the old one.
    pub touched: bool,
}

impl<'a> From<&'a Finding> for Sighting<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            rule: &finding.rule,
            path: &finding.path,
            fingerprint: &finding.fingerprint,
            trail: finding.trail.as_ref(),
            demoted: finding.demoted,
            touched: false,
        }
    }
}

/// In what two sightings agree.
#[derive(Debug, Clone, Copy)]
enum Likeness {
    Fingerprint,
    /// The same file, whatever it is called now.
    File(Part, Rule),
    Anywhere(Part, Rule),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Same,
    /// A rule that was reworked or replaced; the trail says that the weakness is the same.
    Any,
}

/// The surest first: what is claimed is not to be had for a weaker reason.
const LIKENESSES: [Likeness; 6] = [
    Likeness::Fingerprint,
    Likeness::File(Matched, Rule::Same),
    Likeness::File(Statement, Rule::Any),
    Likeness::File(Loose, Rule::Any),
    Likeness::Anywhere(Matched, Rule::Same),
    Likeness::Anywhere(Statement, Rule::Any),
];

impl Likeness {
    fn key<'a>(self, of: &Sighting<'a>, path: &'a str) -> Option<[&'a str; 3]> {
        let by_trail = |path, part, rule| {
            let rule = if rule == Rule::Same { of.rule } else { "" };
            Some([path, rule, of.trail?.part(part)?])
        };
        match self {
            Self::Fingerprint => Some(["", "", of.fingerprint.as_str()]),
            Self::File(part, rule) => by_trail(path, part, rule),
            Self::Anywhere(part, rule) => by_trail("", part, rule),
        }
    }
}

/// For each of `new` the index of the finding of `old` that it continues. Both are in the order
/// of their files; `renamed` leads from a present path to the former one.
///
/// What did not count where it stood, such as test code, continues only in what does not count.
pub fn pair(
    old: &[Sighting<'_>],
    new: &[Sighting<'_>],
    renamed: &HashMap<&str, &str>,
) -> Vec<Option<usize>> {
    let mut pairs =
        Pairs { old, new, renamed, claimed: vec![false; old.len()], found: vec![None; new.len()] };
    pairs.claim(Likeness::File(Matched, Rule::Same), |of| !of.touched);
    for likeness in LIKENESSES {
        pairs.claim(likeness, |_| true);
    }
    pairs.found
}

struct Pairs<'a> {
    old: &'a [Sighting<'a>],
    new: &'a [Sighting<'a>],
    renamed: &'a HashMap<&'a str, &'a str>,
    /// Those of `old` that are continued already.
    claimed: Vec<bool>,
    found: Vec<Option<usize>>,
}

impl Pairs<'_> {
    fn claim(&mut self, likeness: Likeness, may: impl Fn(&Sighting<'_>) -> bool) {
        // What is demoted and what is not never meet, but for code that is demoted now.
        let mut free: HashMap<[&str; 3], [VecDeque<usize>; 2]> = HashMap::new();
        for (index, of) in self.old.iter().enumerate().filter(|(index, _)| !self.claimed[*index]) {
            if let Some(key) = likeness.key(of, of.path) {
                free.entry(key).or_default()[usize::from(of.demoted)].push_back(index);
            }
        }
        for (index, of) in self.new.iter().enumerate() {
            if self.found[index].is_some() || !may(of) {
                continue;
            }
            let former = self.renamed.get(of.path).copied().unwrap_or(of.path);
            let Some(free) = likeness.key(of, former).and_then(|key| free.get_mut(&key)) else {
                continue;
            };
            let [counting, demoted] = free;
            let continued = match of.demoted {
                true => demoted.pop_front().or_else(|| counting.pop_front()),
                false => counting.pop_front(),
            };
            if let Some(old) = continued {
                (self.claimed[old], self.found[index]) = (true, Some(old));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Seen {
        rule: &'static str,
        path: &'static str,
        fingerprint: Fingerprint,
        trail: Option<Trail>,
        demoted: bool,
        touched: bool,
    }

    /// `code` in a symbol of a file; `n` tells equal code apart, as a fingerprint does.
    fn seen(path: &'static str, symbol: &str, code: &str, n: u32) -> Seen {
        let rule = "python.injection.eval";
        Seen {
            rule,
            path,
            fingerprint: Fingerprint::of(rule, path, symbol, code, n),
            trail: Some(Trail::of("CWE-95", symbol, code, code)),
            demoted: false,
            touched: false,
        }
    }

    fn paired(old: &[Seen], new: &[Seen], renamed: &[(&str, &str)]) -> Vec<Option<usize>> {
        fn sightings(seen: &[Seen]) -> Vec<Sighting<'_>> {
            seen.iter()
                .map(|seen| Sighting {
                    rule: seen.rule,
                    path: seen.path,
                    fingerprint: &seen.fingerprint,
                    trail: seen.trail.as_ref(),
                    demoted: seen.demoted,
                    touched: seen.touched,
                })
                .collect()
        }
        pair(&sightings(old), &sightings(new), &renamed.iter().copied().collect())
    }

    #[test]
    fn a_finding_is_known_again_wherever_it_went() {
        let old = || seen("a.py", "run", "eval(x)", 0);
        let reworked = Seen { rule: "python.taint.code", ..seen("a.py", "run", "eval(x)", 0) };
        let cases = [
            ("as it was", seen("a.py", "run", "eval(x)", 0), true),
            ("in another file", seen("b.py", "run", "eval(x)", 0), true),
            ("in a function of another name", seen("a.py", "start", "eval(x)", 0), true),
            ("by a rule that replaced the old one", reworked, true),
            ("elsewhere, in another function", seen("b.py", "start", "eval(x)", 0), false),
            ("with other code", seen("a.py", "run", "eval(y)", 0), false),
        ];
        for (how, new, known) in cases {
            assert_eq!(paired(&[old()], &[new], &[]), [known.then_some(0)], "{how}");
        }
        let renamed = seen("b.py", "start", "eval(x)", 0);
        assert_eq!(paired(&[old()], &[renamed], &[("b.py", "a.py")]), [Some(0)], "both renamed");
    }

    #[test]
    fn a_copy_is_new_and_the_untouched_is_the_original() {
        let old = [seen("a.py", "run", "eval(x)", 0)];
        let copy = Seen { touched: true, ..seen("a.py", "run", "eval(x)", 0) };
        let moved_down = seen("a.py", "run", "eval(x)", 1);
        assert_eq!(paired(&old, &[copy, moved_down], &[]), [None, Some(0)]);
        let elsewhere = seen("b.py", "run", "eval(x)", 0);
        let both = [seen("a.py", "run", "eval(x)", 0), elsewhere];
        assert_eq!(paired(&old, &both, &[]), [Some(0), None]);
    }

    #[test]
    fn what_did_not_count_does_not_excuse_what_does() {
        let test = || Seen { demoted: true, ..seen("tests/a.py", "run", "eval(x)", 0) };
        let product = || seen("a.py", "run", "eval(x)", 0);
        assert_eq!(paired(&[test()], &[product()], &[]), [None]);
        assert_eq!(paired(&[product()], &[test()], &[]), [Some(0)]);
        assert_eq!(paired(&[product(), test()], &[test()], &[]), [Some(1)]);
    }

    #[test]
    fn rows_from_before_trails_are_known_by_their_fingerprints() {
        let old = Seen { trail: None, ..seen("a.py", "run", "eval(x)", 0) };
        let moved = seen("b.py", "run", "eval(x)", 0);
        let same = seen("a.py", "run", "eval(x)", 0);
        assert_eq!(paired(&[old], &[moved, same], &[]), [None, Some(0)]);
    }
}
