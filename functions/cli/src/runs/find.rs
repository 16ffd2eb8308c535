//! Which run is meant by a part of its id.

use super::model::{Page, Run};
use crate::{Trouble, api::Api};

const ID_CHARS: usize = 36;
/// Fewer characters would name another run tomorrow.
const PART_CHARS_MIN: usize = 4;
const PAGE: usize = 200;
/// How many pages of the newest runs are looked through for a part of an id.
const PAGES_MAX: usize = 5;
/// How many of the runs that match are named when there are several.
const NAMED_MAX: usize = 5;

/// The full id of the run that is meant.
pub(super) fn find(api: &Api, part: &str) -> Result<String, Trouble> {
    let part = part.trim().to_ascii_lowercase();
    let next = || format!("see which runs there are: {}", api.command("list"));
    if part.len() > ID_CHARS || part.chars().any(|c| !c.is_ascii_hexdigit() && c != '-') {
        let what = "an id is made of the digits 0 to 9, the letters a to f and hyphens";
        return Err(Trouble::new(what, next()));
    }
    if part.len() == ID_CHARS {
        return Ok(part);
    }
    if part.len() < PART_CHARS_MIN {
        let what = format!("`{part}` is too short: {PART_CHARS_MIN} characters of an id at least");
        return Err(Trouble::new(what, next()));
    }
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut path = format!("/v1/runs?limit={PAGE}");
    for _ in 0..PAGES_MAX {
        let page: Page<Run> = api.get(&path)?;
        seen += page.items.len();
        found.extend(page.items.into_iter().map(|run| run.id).filter(|id| is_meant(id, &part)));
        let Some(cursor) = page.next_cursor else { break };
        path = format!("/v1/runs?limit={PAGE}&cursor={cursor}");
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let what = format!("none of the newest {seen} runs begins or ends with `{part}`");
            Err(Trouble::new(what, next()))
        }
        several => {
            let named: Vec<&str> = several.iter().take(NAMED_MAX).map(String::as_str).collect();
            let more = if several.len() > NAMED_MAX { ", …" } else { "" };
            let what = format!(
                "{} runs begin or end with `{part}`: {}{more}",
                several.len(),
                named.join(", ")
            );
            Err(Trouble::new(what, "write more of the id"))
        }
    }
}

fn is_meant(id: &str, part: &str) -> bool {
    id.starts_with(part) || id.ends_with(part)
}
