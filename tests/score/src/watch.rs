//! How far a long suite is. Only a terminal sees it.

use indicatif::{ProgressBar, ProgressStyle};

/// Hands out `items` one by one and shows how many are left.
pub(crate) fn watched<T>(what: &'static str, items: Vec<T>) -> impl Iterator<Item = T> {
    let bar = ProgressBar::new(items.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    items.into_iter().inspect(move |_| bar.inc(1))
}
