//! Which rules are asked for. The others find nothing, and hide nothing that was asked for.

use std::sync::Arc;

type Wanted = dyn Fn(&str) -> bool + Send + Sync;

/// A choice of rules by their ids; all of them unless told.
#[derive(Clone, Default)]
pub struct Asked(Option<Arc<Wanted>>);

impl Asked {
    pub fn only(wanted: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(wanted)))
    }

    pub(crate) fn takes(&self, rule: &str) -> bool {
        self.0.as_ref().is_none_or(|wanted| wanted(rule))
    }
}
