use analysis::{Clock, FILE_BYTES_MAX, Symbol, SymbolKind};
use domain::{Language, LineRange, SourceFile};
use tree_sitter::{Node, Tree};

/// Deeper trees are not walked: no person writes such code.
const DEPTH_MAX: usize = 1000;

const TEST_ONLY: &str = "#[cfg(test)]";

/// One file with its syntax tree and symbols.
pub struct Read<'a> {
    pub(crate) path: &'a str,
    pub(crate) language: Language,
    pub(crate) text: &'a str,
    pub(crate) symbols: Vec<Symbol>,
    tree: Tree,
}

impl<'a> Read<'a> {
    /// `None`: it is in no language we parse, has no text, or time ran out.
    pub fn of(file: &'a SourceFile, clock: &Clock) -> Option<Self> {
        let language = Language::of_path(&file.path)?;
        if file.bytes.len() > FILE_BYTES_MAX || file.bytes.contains(&0) {
            return None;
        }
        let text = std::str::from_utf8(&file.bytes).ok().filter(|text| !text.trim().is_empty())?;
        let (tree, symbols) = analysis::outline(file, text, clock)?;
        (!clock.is_up()).then_some(Self { path: &file.path, language, text, symbols, tree })
    }

    /// A file that somebody has parsed already. `None`: it has no text.
    pub fn parsed(file: &'a SourceFile, tree: Tree, symbols: Vec<Symbol>) -> Option<Self> {
        let language = Language::of_path(&file.path)?;
        let text = std::str::from_utf8(&file.bytes).ok().filter(|text| !text.trim().is_empty())?;
        Some(Self { path: &file.path, language, text, symbols, tree })
    }

    /// Lines of Rust modules that only a test build compiles.
    pub(crate) fn test_modules(&self) -> Vec<LineRange> {
        if self.language != Language::Rust || !self.text.contains(TEST_ONLY) {
            return Vec::new();
        }
        let mut found = Vec::new();
        self.walk(|node| {
            let module = node.next_named_sibling().filter(|it| it.kind() == "mod_item");
            if node.kind() == "attribute_item"
                && self.text_of(node) == TEST_ONLY
                && let Some(module) = module
            {
                let last = u32::try_from(module.end_position().row + 1).unwrap_or(u32::MAX);
                found.push(LineRange { first: line_of(node), last });
            }
        });
        found
    }

    pub(crate) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    pub(crate) fn node_of(&self, symbol: &Symbol) -> Option<Node<'_>> {
        self.root().descendant_for_byte_range(symbol.bytes.start, symbol.bytes.end)
    }

    pub(crate) fn text_of(&self, node: Node<'_>) -> &'a str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    pub(crate) fn symbols_of(&self, kind: SymbolKind) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().filter(move |symbol| symbol.kind == kind)
    }

    /// Visits every node once, parents first, until something is too deep.
    pub(crate) fn walk(&self, mut visit: impl FnMut(Node<'_>)) {
        walk(self.root(), |node| {
            visit(node);
            true
        });
    }
}

/// Visits a node and what is in it; `visit` says whether to go further down.
pub(crate) fn walk<'t>(root: Node<'t>, mut visit: impl FnMut(Node<'t>) -> bool) {
    let mut cursor = root.walk();
    let mut depth = 0;
    loop {
        let deeper = visit(cursor.node());
        if deeper && depth < DEPTH_MAX && cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if depth == 0 || !cursor.goto_parent() {
                return;
            }
            depth -= 1;
        }
        if depth == 0 {
            return;
        }
    }
}

pub(crate) fn line_of(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

pub(crate) fn is_comment(node: Node<'_>) -> bool {
    matches!(node.kind(), "comment" | "line_comment" | "block_comment")
}

pub(crate) fn contains(outer: LineRange, inner: LineRange) -> bool {
    outer.first <= inner.first && inner.last <= outer.last
}
