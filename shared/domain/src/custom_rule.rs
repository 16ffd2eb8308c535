use crate::terms::terms;

terms! {
    /// By which means a rule of a customer looks at code.
    RuleType ("rule type") {
        /// A regular expression, line by line.
        Pattern = "pattern",
        /// An ast-grep rule object, node by node.
        Ast = "ast",
        /// Sources, sinks and what lies between them.
        Semantic = "semantic",
        /// Conditions that must hold together.
        Composite = "composite",
    }
}
