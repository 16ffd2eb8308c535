//! What the grammars' nodes are to the flow of values, one table a language.
//!
//! A node that is in no table is the union of its children, so a construct that nobody thought
//! of still carries what is in it.

use std::sync::OnceLock;

use domain::Language;

use tables::{GO, JAVA, JAVASCRIPT, PYTHON, RUST};

use crate::grammar::Grammar;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The union of its children.
    Union,
    /// Types, comments, labels: no value.
    Skip,
    /// Its first child, as in parentheses.
    Inner,
    Name,
    This,
    Literal,
    Text,
    Concatenated,
    Member,
    Index,
    Call,
    New,
    Keyword,
    Pair,
    Binary,
    Compare,
    Not,
    Negative,
    Ternary,
    Assign,
    AugmentedAssign,
    Closure,
    Attribute,
    Comprehension,
    Block,
    Declaration,
    If,
    While,
    DoWhile,
    For,
    ForIn,
    Try,
    With,
    Switch,
    Return,
    Throw,
    Assert,
    Break,
    Continue,
    Function,
    Decorated,
    Class,
    Field,
    Import,
}

mod tables;

mod field {
    macro_rules! fields {
        ($($name:ident = $text:literal),+ $(,)?) => {
            /// Fields by the name that the grammars give them.
            #[derive(Debug, Clone, Copy)]
            pub(in super::super) enum Child { $($name),+ }
            pub(super) const NAMES: &[&str] = &[$($text),+];
        };
    }
    fields! {
        Alias = "alias", Alternative = "alternative", Argument = "argument", Arguments = "arguments", Attribute = "attribute", Body = "body", Condition = "condition", Consequence = "consequence", Constructor = "constructor", Field = "field", Function = "function", Index = "index", Initializer = "initializer", Init = "init", Increment = "increment", Key = "key", Left = "left", Macro = "macro", ModuleName = "module_name", Name = "name", Object = "object", Operand = "operand", Operator = "operator", Parameter = "parameter", Parameters = "parameters", Pattern = "pattern", Path = "path", Property = "property", Receiver = "receiver", Resources = "resources", Right = "right", Source = "source", Subject = "subject", Subscript = "subscript", Type = "type", Update = "update", Value = "value",
    }
}

pub(super) use field::Child;

/// Tables of one language, by the ids of its grammar.
pub(super) struct Shapes {
    kinds: Vec<Shape>,
    fields: Vec<u16>,
}

impl Shapes {
    pub(super) fn of(language: Language) -> &'static Self {
        static TABLES: [OnceLock<Shapes>; Language::ALL.len()] =
            [const { OnceLock::new() }; Language::ALL.len()];
        TABLES[language as usize].get_or_init(|| {
            let rows = match language {
                Language::Python => PYTHON,
                Language::JavaScript | Language::TypeScript | Language::Tsx => JAVASCRIPT,
                Language::Go => GO,
                Language::Java => JAVA,
                Language::Rust => RUST,
            };
            let grammar = Grammar(language).tree_sitter();
            let mut kinds = vec![Shape::Union; grammar.node_kind_count()];
            for (shape, names) in rows {
                for name in *names {
                    kinds[usize::from(grammar.id_for_node_kind(name, true))] = *shape;
                }
            }
            // Id 0 is what the grammar answers for a kind it does not have.
            kinds[0] = Shape::Union;
            let id =
                |name: &&str| grammar.field_id_for_name(name).map_or(0, std::num::NonZero::get);
            Self { kinds, fields: field::NAMES.iter().map(id).collect() }
        })
    }

    pub(super) fn shape(&self, kind: u16) -> Shape {
        // The error node has the largest id of all.
        self.kinds.get(usize::from(kind)).copied().unwrap_or(Shape::Union)
    }

    /// 0 where the grammar has no such field.
    pub(super) fn field(&self, child: Child) -> u16 {
        self.fields[child as usize]
    }
}
