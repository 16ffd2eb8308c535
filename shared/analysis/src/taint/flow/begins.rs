//! What a text begins with, as far as it says to where it leads.

use super::Flow;
use crate::taint::{
    ir::{Const, Sym},
    value::Value,
};

/// Stands for a beginning that nobody sent and that is not known: an address from the settings.
const FIXED: &str = "https://fixed/";

impl Flow<'_, '_> {
    /// `base + path`
    pub(super) fn beginning_of_sum(&mut self, left: Value, right: Value) -> Option<Sym> {
        if left.labels != 0 || left.constant.is_some() {
            return None;
        }
        match right.constant {
            // After the scheme comes the host.
            Some(Const::Text(text)) if self.lowered.book.text(text).starts_with("://") => {
                Some(text)
            }
            _ => Some(self.lowered.book.word(FIXED)),
        }
    }

    /// `${base}${path}`
    pub(super) fn beginning_of_text(&mut self, written: Sym, parts: &[Value]) -> Sym {
        let text = self.lowered.book.text(written);
        let substituted = text.strip_prefix('$').unwrap_or(text).strip_prefix('{');
        let Some((_, rest)) = substituted.and_then(|rest| rest.split_once('}')) else {
            return written;
        };
        let is_fixed = parts.first().is_some_and(|first| first.labels == 0);
        match is_fixed && !rest.starts_with("://") {
            true => self.lowered.book.word(FIXED),
            false => written,
        }
    }
}
