//! What the grammars' nodes are to the flow of values, one table a language.
//!
//! A node that is in no table is the union of its children, so a construct that nobody thought
//! of still carries what is in it.

use std::sync::OnceLock;

use domain::Language;

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

use Shape::*;

type Row = (Shape, &'static [&'static str]);

const PYTHON: &[Row] = &[
    (Skip, &["comment", "type", "pass_statement", "global_statement", "nonlocal_statement"]),
    (
        Inner,
        &[
            "parenthesized_expression",
            "await",
            "expression_list_",
            "list_splat",
            "as_pattern_target",
        ],
    ),
    (Name, &["identifier"]),
    (Literal, &["integer", "float", "true", "false", "none", "ellipsis"]),
    (Text, &["string"]),
    (Concatenated, &["concatenated_string"]),
    (Member, &["attribute"]),
    (Index, &["subscript"]),
    (Call, &["call"]),
    (Keyword, &["keyword_argument"]),
    (Pair, &["pair"]),
    (Binary, &["binary_operator", "boolean_operator"]),
    (Compare, &["comparison_operator"]),
    (Not, &["not_operator"]),
    (Negative, &["unary_operator"]),
    (Ternary, &["conditional_expression"]),
    (Assign, &["assignment", "named_expression"]),
    (AugmentedAssign, &["augmented_assignment"]),
    (Closure, &["lambda"]),
    (
        Comprehension,
        &[
            "list_comprehension",
            "set_comprehension",
            "generator_expression",
            "dictionary_comprehension",
        ],
    ),
    (Block, &["block", "module", "else_clause", "finally_clause", "expression_statement"]),
    (If, &["if_statement", "elif_clause"]),
    (While, &["while_statement"]),
    (ForIn, &["for_statement", "for_in_clause"]),
    (Try, &["try_statement"]),
    (With, &["with_statement"]),
    (Switch, &["match_statement"]),
    (Return, &["return_statement"]),
    (Throw, &["raise_statement"]),
    (Assert, &["assert_statement"]),
    (Break, &["break_statement"]),
    (Continue, &["continue_statement"]),
    (Function, &["function_definition"]),
    (Decorated, &["decorated_definition"]),
    (Class, &["class_definition"]),
    (Import, &["import_statement", "import_from_statement"]),
];

const JAVASCRIPT: &[Row] = &[
    (
        Skip,
        &[
            "comment",
            "type_annotation",
            "interface_declaration",
            "type_alias_declaration",
            "type_arguments",
            "enum_declaration",
            "ambient_declaration",
            "empty_statement",
            "property_identifier",
            "statement_identifier",
            "hash_bang_line",
            "regex",
        ],
    ),
    (
        Inner,
        &[
            "parenthesized_expression",
            "await_expression",
            "as_expression",
            "non_null_expression",
            "satisfies_expression",
            "spread_element",
            "jsx_expression",
            "export_statement_",
            "computed_property_name",
        ],
    ),
    (Name, &["identifier", "shorthand_property_identifier", "undefined"]),
    (This, &["this"]),
    (Literal, &["number", "true", "false", "null", "regex"]),
    (Text, &["string", "template_string"]),
    (Member, &["member_expression"]),
    (Index, &["subscript_expression"]),
    (Call, &["call_expression"]),
    (New, &["new_expression"]),
    (Pair, &["pair"]),
    (Binary, &["binary_expression"]),
    (Negative, &["unary_expression"]),
    (Ternary, &["ternary_expression"]),
    (Assign, &["assignment_expression"]),
    (AugmentedAssign, &["augmented_assignment_expression"]),
    (Closure, &["arrow_function", "function_expression", "generator_function"]),
    (Attribute, &["jsx_attribute"]),
    (
        Block,
        &[
            "program",
            "statement_block",
            "expression_statement",
            "else_clause",
            "finally_clause",
            "switch_body",
            "class_static_block",
        ],
    ),
    (Declaration, &["lexical_declaration", "variable_declaration"]),
    (If, &["if_statement"]),
    (While, &["while_statement"]),
    (DoWhile, &["do_statement"]),
    (For, &["for_statement"]),
    (ForIn, &["for_in_statement"]),
    (Try, &["try_statement"]),
    (Switch, &["switch_statement"]),
    (Return, &["return_statement"]),
    (Throw, &["throw_statement"]),
    (Break, &["break_statement"]),
    (Continue, &["continue_statement"]),
    (Function, &["function_declaration", "generator_function_declaration", "method_definition"]),
    (Class, &["class_declaration", "class", "abstract_class_declaration"]),
    (Field, &["public_field_definition", "field_definition"]),
    (Import, &["import_statement"]),
];

const JAVA: &[Row] = &[
    (
        Skip,
        &[
            "line_comment",
            "block_comment",
            "modifiers",
            "type_identifier",
            "package_declaration",
            "type_arguments",
            "generic_type",
            "integral_type",
            "boolean_type",
            "marker_annotation",
            "annotation",
            "superclass",
            "super_interfaces",
            "void_type",
            "array_type",
            "class_literal",
            "dimensions",
            "type_parameters",
        ],
    ),
    (Inner, &["parenthesized_expression"]),
    (Name, &["identifier"]),
    (This, &["this", "super"]),
    (
        Literal,
        &[
            "decimal_integer_literal",
            "hex_integer_literal",
            "decimal_floating_point_literal",
            "true",
            "false",
            "null_literal",
            "character_literal",
        ],
    ),
    (Text, &["string_literal"]),
    (Member, &["field_access"]),
    (Index, &["array_access"]),
    (Call, &["method_invocation"]),
    (New, &["object_creation_expression"]),
    (Binary, &["binary_expression"]),
    (Negative, &["unary_expression"]),
    (Ternary, &["ternary_expression"]),
    (Assign, &["assignment_expression"]),
    (Closure, &["lambda_expression"]),
    (
        Block,
        &[
            "program",
            "block",
            "constructor_body",
            "expression_statement",
            "finally_clause",
            "synchronized_statement",
            "static_initializer",
        ],
    ),
    (Declaration, &["local_variable_declaration"]),
    (If, &["if_statement"]),
    (While, &["while_statement"]),
    (DoWhile, &["do_statement"]),
    (For, &["for_statement"]),
    (ForIn, &["enhanced_for_statement"]),
    (Try, &["try_statement", "try_with_resources_statement"]),
    (Switch, &["switch_expression", "switch_statement"]),
    (Return, &["return_statement"]),
    (Throw, &["throw_statement"]),
    (Break, &["break_statement"]),
    (Continue, &["continue_statement"]),
    (
        Function,
        &["method_declaration", "constructor_declaration", "compact_constructor_declaration"],
    ),
    (
        Class,
        &[
            "class_declaration",
            "interface_declaration",
            "enum_declaration",
            "record_declaration",
            "class_body",
            "interface_body",
            "enum_body",
            "enum_body_declarations",
        ],
    ),
    (Field, &["field_declaration"]),
    (Import, &["import_declaration"]),
];

const GO: &[Row] = &[
    (
        Skip,
        &[
            "comment",
            "type_declaration",
            "package_clause",
            "type_identifier",
            "pointer_type",
            "slice_type",
            "map_type",
            "qualified_type",
            "struct_type",
            "interface_type",
            "function_type",
            "label_name",
            "field_identifier",
            "empty_statement",
        ],
    ),
    (Inner, &["parenthesized_expression", "type_assertion_expression", "literal_element"]),
    (Name, &["identifier"]),
    (Literal, &["int_literal", "float_literal", "true", "false", "nil", "iota", "rune_literal"]),
    (Text, &["interpreted_string_literal", "raw_string_literal"]),
    (Member, &["selector_expression"]),
    (Index, &["index_expression"]),
    (Call, &["call_expression"]),
    (Pair, &["keyed_element"]),
    (Binary, &["binary_expression"]),
    (Negative, &["unary_expression"]),
    (Assign, &["assignment_statement", "short_var_declaration"]),
    (Closure, &["func_literal"]),
    (
        Block,
        &[
            "source_file",
            "block",
            "statement_list",
            "expression_statement",
            "go_statement",
            "defer_statement",
        ],
    ),
    (Declaration, &["var_declaration", "const_declaration", "var_spec_list"]),
    (If, &["if_statement"]),
    (For, &["for_statement"]),
    (Switch, &["expression_switch_statement", "type_switch_statement"]),
    (Return, &["return_statement"]),
    (Break, &["break_statement"]),
    (Continue, &["continue_statement"]),
    (Function, &["function_declaration", "method_declaration"]),
    (Import, &["import_declaration"]),
];

const RUST: &[Row] = &[
    (
        Skip,
        &[
            "line_comment",
            "block_comment",
            "attribute_item",
            "inner_attribute_item",
            "type_identifier",
            "generic_type",
            "reference_type",
            "primitive_type",
            "type_item",
            "struct_item",
            "enum_item",
            "field_identifier",
            "lifetime",
            "visibility_modifier",
            "mutable_specifier",
        ],
    ),
    (
        Inner,
        &[
            "parenthesized_expression",
            "await_expression",
            "try_expression",
            "reference_expression",
            "type_cast_expression",
        ],
    ),
    (Name, &["identifier", "scoped_identifier"]),
    (This, &["self"]),
    (Literal, &["integer_literal", "float_literal", "boolean_literal", "char_literal"]),
    (Text, &["string_literal", "raw_string_literal"]),
    (Member, &["field_expression"]),
    (Index, &["index_expression"]),
    (Call, &["call_expression", "macro_invocation"]),
    (Binary, &["binary_expression"]),
    (Negative, &["unary_expression"]),
    (Assign, &["assignment_expression"]),
    (AugmentedAssign, &["compound_assignment_expr"]),
    (Closure, &["closure_expression"]),
    (
        Block,
        &[
            "source_file",
            "block",
            "expression_statement",
            "else_clause",
            "declaration_list",
            "unsafe_block",
            "async_block",
        ],
    ),
    (Declaration, &["let_declaration", "const_item", "static_item"]),
    (If, &["if_expression"]),
    (While, &["while_expression", "loop_expression"]),
    (ForIn, &["for_expression"]),
    (Switch, &["match_expression"]),
    (Return, &["return_expression"]),
    (Break, &["break_expression"]),
    (Continue, &["continue_expression"]),
    (Function, &["function_item"]),
    (Class, &["impl_item", "trait_item", "mod_item"]),
    (Import, &["use_declaration"]),
];

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
            let mut kinds = vec![Union; grammar.node_kind_count()];
            for (shape, names) in rows {
                for name in *names {
                    kinds[usize::from(grammar.id_for_node_kind(name, true))] = *shape;
                }
            }
            // Id 0 is what the grammar answers for a kind it does not have.
            kinds[0] = Union;
            let id =
                |name: &&str| grammar.field_id_for_name(name).map_or(0, std::num::NonZero::get);
            Self { kinds, fields: field::NAMES.iter().map(id).collect() }
        })
    }

    pub(super) fn shape(&self, kind: u16) -> Shape {
        // The error node has the largest id of all.
        self.kinds.get(usize::from(kind)).copied().unwrap_or(Union)
    }

    /// 0 where the grammar has no such field.
    pub(super) fn field(&self, child: Child) -> u16 {
        self.fields[child as usize]
    }
}
