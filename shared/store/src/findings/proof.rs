//! What shows that a finding is so, in the column `verification_proof`.

use serde::{Deserialize, Serialize};
use tokio_postgres::Row;

use crate::{StoreError, rows::corrupt};

/// Inputs for which the code goes wrong, and a program that runs it on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Empty: it goes wrong whenever it is reached.
    pub inputs: Vec<Input>,
    /// In the function's language; it succeeds where the code fails. None: it could not be rendered.
    #[serde(default)]
    pub test: Option<String>,
}

/// One parameter, with its value in the function's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub value: String,
}

impl Proof {
    /// As the column keeps it.
    pub(super) fn text(&self) -> String {
        // Strings in structs of ours are never refused, and Postgres has no text with a zero.
        serde_json::to_string(self).unwrap_or_default().replace("\\u0000", "\\ufffd")
    }

    /// None: nothing was checked formally.
    pub(super) fn stored(row: &Row) -> Result<Option<Self>, StoreError> {
        row.get::<_, Option<String>>("verification_proof")
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(corrupt("findings", "verification_proof"))
    }
}
