use crate::terms::terms;

terms! {
    /// The languages Assay parses.
    Language ("language") {
        Python = "python",
        JavaScript = "javascript",
        TypeScript = "typescript",
        Tsx = "tsx",
        Go = "go",
        Java = "java",
        Rust = "rust",
    }
}

impl Language {
    /// Decides by file name alone, as every command in a checkout does.
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, extension) = path.rsplit_once('.')?;
        match extension {
            "py" | "pyi" => Some(Self::Python),
            "js" | "jsx" | "mjs" | "cjs" => Some(Self::JavaScript),
            "ts" | "mts" | "cts" => Some(Self::TypeScript),
            "tsx" => Some(Self::Tsx),
            "go" => Some(Self::Go),
            "java" => Some(Self::Java),
            "rs" => Some(Self::Rust),
            _ => None,
        }
    }
}
