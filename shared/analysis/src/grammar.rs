//! The grammars, as ast-grep wants to see them.
//!
//! A closed enum of ours instead of ast-grep's language crate, which panics on a language whose
//! grammar is not compiled in: a rule written by a user must never stop a function.

use std::{borrow::Cow, num::NonZeroU16};

use ast_grep_core::{
    Language as PatternLanguage, Pattern, PatternError,
    matcher::PatternBuilder,
    tree_sitter::{LanguageExt, StrDoc},
};
use domain::Language;

/// Stands for `$` in patterns of languages whose identifiers cannot contain one.
const EXPANDO: char = 'µ';

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grammar(pub(crate) Language);

impl Grammar {
    pub(crate) fn tree_sitter(self) -> tree_sitter::Language {
        match self.0 {
            Language::Python => tree_sitter_python::LANGUAGE.into(),
            Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Language::Go => tree_sitter_go::LANGUAGE.into(),
            Language::Java => tree_sitter_java::LANGUAGE.into(),
            Language::Rust => tree_sitter_rust::LANGUAGE.into(),
        }
    }
}

impl PatternLanguage for Grammar {
    fn pre_process_pattern<'q>(&self, pattern: &'q str) -> Cow<'q, str> {
        let expando = self.expando_char();
        if expando == self.meta_var_char() {
            Cow::Borrowed(pattern)
        } else {
            Cow::Owned(with_expando(pattern, expando))
        }
    }

    fn expando_char(&self) -> char {
        match self.0 {
            Language::Python | Language::Go | Language::Rust => EXPANDO,
            Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java => '$',
        }
    }

    fn kind_to_id(&self, kind: &str) -> u16 {
        self.tree_sitter().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.tree_sitter().field_id_for_name(field).map(NonZeroU16::get)
    }

    fn build_pattern(&self, builder: &PatternBuilder) -> Result<Pattern, PatternError> {
        builder.build(|source| StrDoc::try_new(source, *self))
    }
}

impl LanguageExt for Grammar {
    fn get_ts_language(&self) -> tree_sitter::Language {
        self.tree_sitter()
    }
}

/// Replaces the `$` of `$NAME`, `$_` and `$$$`; any other dollar sign is the language's own.
fn with_expando(pattern: &str, expando: char) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut dollars = 0;
    for character in pattern.chars().map(Some).chain([None]) {
        if character == Some('$') {
            dollars += 1;
            continue;
        }
        let variable = dollars == 3 || matches!(character, Some('A'..='Z' | '_'));
        let sign = if variable { expando } else { '$' };
        out.extend(std::iter::repeat_n(sign, dollars));
        out.extend(character);
        dollars = 0;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dollar_of_a_variable_is_replaced() {
        let cases = [
            ("f($A, $$$)", "f(µA, µµµ)"),
            ("f($$$ARGS)", "f(µµµARGS)"),
            ("$_.run()", "µ_.run()"),
            ("'$5' + $b", "'$5' + $b"),
            ("$$$", "µµµ"),
            ("$", "$"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(with_expando(pattern, EXPANDO), expected);
        }
    }

    #[test]
    fn every_language_has_a_grammar_that_reads_a_pattern() {
        for language in Language::ALL {
            assert!(Pattern::try_new("$F($A)", Grammar(*language)).is_ok(), "{language}");
        }
    }
}
