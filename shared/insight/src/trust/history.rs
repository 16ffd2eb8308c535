//! How earlier changes of a file turned out.

use serde::{Deserialize, Serialize};

use super::{Measured, Part};

/// Fewer results than this prove nothing.
pub const HISTORY_MIN: u32 = 3;
/// Only so many of the newest results count.
pub const HISTORY_MAX: u32 = 20;
/// What the formula assumes when nothing is known.
const UNKNOWN: f64 = 0.5;

/// Results of earlier changes: how many, and how many brought no finding that decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub changes: u32,
    pub clean: u32,
}

impl Record {
    fn accuracy(self) -> Option<f64> {
        let enough = self.changes >= HISTORY_MIN;
        enough.then(|| f64::from(self.clean.min(self.changes)) / f64::from(self.changes))
    }
}

/// What is known of the file itself, and of the other files of its folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct History {
    pub file: Record,
    pub folder: Record,
}

pub(super) fn measure(history: &History) -> Measured {
    let (file, folder) = (history.file.accuracy(), history.folder.accuracy());
    let part = |name: &str, record: Record, value: Option<f64>, used: bool| {
        let part = Part::new(name, if used { 1.0 } else { 0.0 })
            .counted(record.clean as usize, Some(record.changes as usize));
        match value {
            Some(value) => part.value(value).note("changes that brought no finding that decides"),
            None => part.note(format!("fewer than {HISTORY_MIN} changes were examined")),
        }
    };
    let value = file.or(folder);
    Measured {
        value: value.ok_or_else(|| {
            format!("fewer than {HISTORY_MIN} changes of the file and of its folder were examined")
        }),
        formula: value.unwrap_or(UNKNOWN),
        parts: vec![
            part("file", history.file, file, file.is_some()),
            part("folder", history.folder, folder, file.is_none() && folder.is_some()),
        ],
    }
}
