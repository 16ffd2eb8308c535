//! Where code names other code: what it imports and what it calls.

use std::sync::OnceLock;

use domain::Language;

use crate::grammar::Grammar;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mention {
    Import,
    Call,
}

/// What each kind of node means, indexed by its id.
pub(crate) fn mentions(language: Language) -> &'static [Option<Mention>] {
    static TABLES: [OnceLock<Vec<Option<Mention>>>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    TABLES[language as usize].get_or_init(|| {
        let grammar = Grammar(language).tree_sitter();
        let mut table = vec![None; grammar.node_kind_count()];
        for (mention, names) in
            [(Mention::Import, imports(language)), (Mention::Call, calls(language))]
        {
            for name in names {
                table[usize::from(grammar.id_for_node_kind(name, true))] = Some(mention);
            }
        }
        // Id 0 is what the grammar answers for a kind it does not have.
        table[0] = None;
        table
    })
}

fn imports(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => {
            &["import_statement", "import_from_statement", "future_import_statement"]
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => &["import_statement"],
        Language::Go => &["import_spec"],
        Language::Java => &["import_declaration"],
        Language::Rust => &["use_declaration", "extern_crate_declaration"],
    }
}

fn calls(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &["call"],
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            &["call_expression", "new_expression"]
        }
        Language::Go => &["call_expression"],
        Language::Java => {
            &["method_invocation", "object_creation_expression", "explicit_constructor_invocation"]
        }
        Language::Rust => &["call_expression", "macro_invocation"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_one_of_the_grammar() {
        for language in Language::ALL {
            let grammar = Grammar(*language).tree_sitter();
            for name in imports(*language).iter().chain(calls(*language)) {
                assert_ne!(grammar.id_for_node_kind(name, true), 0, "{language}: {name}");
            }
        }
    }
}
