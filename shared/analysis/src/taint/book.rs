//! Words and dotted paths of one file, and what the rules say of each path.
//!
//! A path is the name under which an expression is known: `flask.request.args` for `r.args`
//! after `from flask import request as r`. Each is looked up among the rules once.

use std::collections::HashMap;

use super::{
    ir::Sym,
    name::{CALL, Name},
    rule::Port,
    set::{Mask, Role, TaintSet},
};

/// Index of a path; [`NOWHERE`] has no name at all.
pub(super) type PathId = u32;

/// The path before the first part.
pub(super) const ROOT: PathId = 0;
/// The path of an expression that has no name.
pub(super) const NOWHERE: PathId = 1;

struct Node {
    parent: PathId,
    word: Sym,
    /// Another path of the same thing, by import or declared type.
    alias: PathId,
    roles: u32,
}

/// What the active rules say of one path.
#[derive(Debug, Default, Clone)]
pub(super) struct Roles {
    pub(super) sources: Vec<usize>,
    pub(super) sinks: Vec<usize>,
    pub(super) assigns: Vec<usize>,
    pub(super) clean: Mask,
    pub(super) guard: Mask,
    pub(super) carries: Vec<(Mask, Port, Port)>,
}

pub(super) struct Book<'a> {
    set: &'a TaintSet,
    active: Mask,
    words: Vec<&'a str>,
    by_word: HashMap<&'a str, Sym>,
    nodes: Vec<Node>,
    by_step: HashMap<(PathId, Sym, PathId), PathId>,
    roles: Vec<Roles>,
    pub(super) call: Sym,
}

impl<'a> Book<'a> {
    pub(super) fn new(set: &'a TaintSet, active: Mask) -> Self {
        let mut book = Self {
            set,
            active,
            words: Vec::new(),
            by_word: HashMap::new(),
            nodes: Vec::new(),
            by_step: HashMap::new(),
            roles: vec![Roles::default()],
            call: 0,
        };
        let nothing = book.word("");
        for _ in [ROOT, NOWHERE] {
            book.nodes.push(Node { parent: ROOT, word: nothing, alias: ROOT, roles: 0 });
        }
        book.call = book.word(CALL);
        book
    }

    pub(super) fn word(&mut self, word: &'a str) -> Sym {
        if let Some(known) = self.by_word.get(word) {
            return *known;
        }
        let sym = u32::try_from(self.words.len()).unwrap_or(0);
        self.words.push(word);
        self.by_word.insert(word, sym);
        sym
    }

    pub(super) fn text(&self, word: Sym) -> &'a str {
        self.words[word as usize]
    }

    pub(super) fn extend(&mut self, parent: PathId, word: Sym) -> PathId {
        self.node(parent, word, ROOT)
    }

    /// A name that is known under another path, too.
    pub(super) fn rooted(&mut self, word: Sym, alias: PathId) -> PathId {
        self.node(ROOT, word, alias)
    }

    /// The path of a dotted text, such as a module's name.
    pub(super) fn dotted(&mut self, text: &'a str) -> PathId {
        self.extended_by(ROOT, text, ".")
    }

    pub(super) fn dotted_by(&mut self, text: &'a str, separator: &str) -> PathId {
        self.extended_by(ROOT, text, separator)
    }

    pub(super) fn extended_by(&mut self, base: PathId, text: &'a str, separator: &str) -> PathId {
        let parts = text.split(separator).filter(|part| !part.is_empty());
        parts.fold(base, |path, part| {
            let word = self.word(part);
            self.extend(path, word)
        })
    }

    pub(super) fn last(&self, path: PathId) -> Sym {
        self.nodes[path as usize].word
    }

    pub(super) fn parent(&self, path: PathId) -> PathId {
        self.nodes[path as usize].parent
    }

    pub(super) fn alias(&self, path: PathId) -> PathId {
        self.nodes[path as usize].alias
    }

    pub(super) fn roles(&self, path: PathId) -> &Roles {
        &self.roles[self.nodes[path as usize].roles as usize]
    }

    fn node(&mut self, parent: PathId, word: Sym, alias: PathId) -> PathId {
        if let Some(known) = self.by_step.get(&(parent, word, alias)) {
            return *known;
        }
        let path = u32::try_from(self.nodes.len()).unwrap_or(NOWHERE);
        self.nodes.push(Node { parent, word, alias, roles: 0 });
        self.by_step.insert((parent, word, alias), path);
        let roles = self.look_up(path);
        self.nodes[path as usize].roles = roles;
        path
    }

    fn look_up(&mut self, path: PathId) -> u32 {
        let mut roles = Roles::default();
        let mut found = false;
        let mut at = path;
        // The last part may be that of an alias: `run` for `os.system`.
        while at != ROOT {
            let last = self.words[self.nodes[at as usize].word as usize];
            for (name, role) in self.set.named(last) {
                if self.is(path, &name.parts, name) {
                    found |= self.note(&mut roles, *role);
                }
            }
            at = self.nodes[at as usize].alias;
        }
        if !found {
            return 0;
        }
        self.roles.push(roles);
        u32::try_from(self.roles.len() - 1).unwrap_or(0)
    }

    /// Whether the path ends in `parts`, and begins with them unless the name may stand anywhere.
    fn is(&self, path: PathId, parts: &[String], name: &Name) -> bool {
        let Some((last, before)) = parts.split_last() else {
            return name.anywhere == (path != ROOT);
        };
        if path == ROOT {
            return false;
        }
        let node = &self.nodes[path as usize];
        (self.words[node.word as usize] == last && self.is(node.parent, before, name))
            || (node.alias != ROOT && self.is(node.alias, parts, name))
    }

    fn note(&self, roles: &mut Roles, role: Role) -> bool {
        let active = self.active;
        match role {
            Role::Source(index) if self.set.sources[index].mask & active != 0 => {
                roles.sources.push(index);
            }
            Role::Sink(index) if active & (1 << self.set.sinks[index].rule) != 0 => {
                roles.sinks.push(index);
            }
            Role::AssignSink(index) if active & (1 << self.set.sinks[index].rule) != 0 => {
                roles.assigns.push(index);
            }
            Role::Clean(mask) if mask & active != 0 => roles.clean |= mask,
            Role::Guard(mask) if mask & active != 0 => roles.guard |= mask,
            Role::Carry(mask, from, to) if mask & active != 0 => {
                roles.carries.push((mask, from, to));
            }
            Role::Source(_)
            | Role::Sink(_)
            | Role::AssignSink(_)
            | Role::Clean(_)
            | Role::Guard(_)
            | Role::Carry(..) => return false,
        }
        true
    }
}
