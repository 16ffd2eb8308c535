//! `cargo local redrive`: what lies in a dead-letter queue, and back to where it came from.
//!
//! A message is a hint and rows are the truth, so one too many does nothing: a worker that finds
//! its work done says so and drops it. What is not one of our messages stays where it is, since
//! a worker would drop it for good.

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    aws,
    commands::Local,
    database,
    progress::{Ink, Screen},
    state::{Stack, State},
    stop::{OrStop, Result, Stop},
    venv::Venv,
};

/// Queues whose messages only ask for a run's next steps; the others are about runs that ended.
const DO_RUNS: [&str; 2] = ["runs", "sync"];

/// A queue and the one that its messages are given up into.
struct Pair {
    name: String,
    source: String,
    dead_letters: String,
}

/// A message in a dead-letter queue.
#[derive(Debug, Deserialize)]
struct Letter {
    message_id: String,
    /// None for what is not one of our messages.
    kind: Option<String>,
    run_id: Option<Uuid>,
    /// Milliseconds since 1970, when it was first sent.
    sent_at: u64,
    receives: u32,
}

#[derive(Deserialize)]
struct Found {
    letters: Vec<Letter>,
    /// Whether there are more than were looked at.
    more: bool,
}

#[derive(Serialize)]
struct Move<'a> {
    dead_letters: &'a str,
    source: &'a str,
    at_most: u32,
    /// What came later may be what we sent, given up once more.
    sent_before: u64,
    leave: Vec<&'a str>,
}

#[derive(Deserialize)]
struct Moved {
    moved: u32,
    /// Why it stopped early.
    stopped: Option<String>,
}

pub(crate) fn run(
    local: &Local,
    queue: Option<&str>,
    dry_run: bool,
    at_most: u32,
) -> Result<ExitCode> {
    let (venv, state) = (Venv::ready(local)?, State::load(&local.checkout));
    let pairs = pairs(state.stack.as_ref())?;
    let Some(queue) = queue else {
        return overview(local, &venv, &state, &pairs, at_most);
    };
    let pair = pairs.iter().find(|pair| pair.name == queue).ok_or_else(|| {
        let names: Vec<&str> = pairs.iter().map(|pair| pair.name.as_str()).collect();
        Stop::new(
            format_args!("there is no queue called `{queue}`"),
            format_args!("name one of: {}", names.join(", ")),
        )
    })?;
    let began = now_ms();
    let found = look(local, &venv, &state, pair, at_most)?;
    if found.letters.is_empty() {
        println!("nothing lies in the dead-letter queue of {queue}");
        return Ok(ExitCode::SUCCESS);
    }
    let runs = statuses(local, &venv, &state, &found.letters)?;
    tell(&local.screen, pair, &found, &runs, began);
    if dry_run {
        println!("\nnothing was moved (--dry-run)");
        return Ok(ExitCode::SUCCESS);
    }
    redrive(local, &venv, &state, pair, &found.letters, began, at_most)
}

/// The queues of the template, by its outputs `…QueueUrl` and `…DlqUrl`.
fn pairs(stack: Option<&Stack>) -> Result<Vec<Pair>> {
    let stack = stack.ok_or_else(|| {
        Stop::new("nothing was deployed here yet", "start it with `cargo local up`")
    })?;
    let pair = |(output, url): (&String, &String)| {
        let name = output.strip_suffix("DlqUrl")?;
        let source = stack.outputs.get(&format!("{name}QueueUrl"))?.clone();
        Some(Pair { name: name.to_lowercase(), source, dead_letters: url.clone() })
    };
    Ok(stack.outputs.iter().filter_map(pair).collect())
}

fn look(local: &Local, venv: &Venv, state: &State, pair: &Pair, at_most: u32) -> Result<Found> {
    let request = json!({ "dead_letters": pair.dead_letters, "at_most": at_most });
    let answer = aws::ask(local, venv, state, "dead_letters", &request)?;
    serde_json::from_value(answer).or_stop("aws.py gave an odd answer", "see `cargo local status`")
}

/// How many lie where.
fn overview(
    local: &Local,
    venv: &Venv,
    state: &State,
    pairs: &[Pair],
    at_most: u32,
) -> Result<ExitCode> {
    let mut total = 0;
    for pair in pairs {
        let found = look(local, venv, state, pair, at_most)?;
        let count = found.letters.len();
        let more = if found.more { " or more" } else { "" };
        let ink = if count == 0 { Ink::Grey } else { Ink::Yellow };
        println!("  {:<8} {}", pair.name, local.screen.ink(ink, &format!("{count}{more}")));
        total += count;
    }
    if total > 0 {
        println!("\n  what they are: cargo local redrive QUEUE --dry-run");
    }
    Ok(ExitCode::SUCCESS)
}

/// What became of the runs that the messages are about.
fn statuses(
    local: &Local,
    venv: &Venv,
    state: &State,
    letters: &[Letter],
) -> Result<BTreeMap<Uuid, String>> {
    let ids: Vec<String> =
        letters.iter().filter_map(|letter| letter.run_id).map(|id| format!("'{id}'")).collect();
    let (Some(postgres), false) = (&state.postgres, ids.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    let sql = format!(
        "SELECT id, concat_ws(' ', status, '(' || error_code || ')') FROM runs WHERE id IN ({})",
        ids.join(", ")
    );
    let rows = database::ask(local, venv, postgres, &sql)?;
    let row = |line: &str| {
        let (id, status) = line.split_once('|')?;
        Some((id.parse().ok()?, status.to_owned()))
    };
    Ok(rows.lines().filter_map(row).collect())
}

fn tell(screen: &Screen, pair: &Pair, found: &Found, runs: &BTreeMap<Uuid, String>, now: u64) {
    let Found { letters, more } = found;
    let oldest = letters.iter().map(|letter| letter.sent_at).min().unwrap_or(now);
    let count = letters.len();
    let (s, more) = (if count == 1 { "" } else { "s" }, if *more { " or more" } else { "" });
    screen.headline(&format!(
        "{count}{more} message{s} in the dead-letter queue of {}, the oldest sent {} ago",
        pair.name,
        age(oldest, now)
    ));
    for letter in letters {
        let kind = letter.kind.as_deref().unwrap_or("not ours");
        let about = letter.run_id.map_or_else(|| letter.message_id.clone(), |id| id.to_string());
        let (ink, what) = outlook(&pair.name, letter, runs);
        println!(
            "  {kind:<16} {about}  sent {:>6} ago, received {} times: {}",
            age(letter.sent_at, now),
            letter.receives,
            screen.ink(ink, &what)
        );
    }
}

/// What moving this message back will lead to.
fn outlook(queue: &str, letter: &Letter, runs: &BTreeMap<Uuid, String>) -> (Ink, String) {
    if letter.kind.is_none() {
        return (Ink::Red, "left where it is, a worker would drop it unread".to_owned());
    }
    let Some(status) = letter.run_id.and_then(|id| runs.get(&id)) else {
        return (Ink::Grey, "its run is gone, the worker will drop it".to_owned());
    };
    let has_ended = ["succeeded", "failed", "canceled"].iter().any(|end| status.starts_with(end));
    match (DO_RUNS.contains(&queue), has_ended) {
        (true, true) if status.starts_with("failed") => {
            let hint = "its run stays so; go on with `cargo local runs retry`";
            (Ink::Yellow, format!("{status}: {hint}"))
        }
        (true, true) => (Ink::Grey, format!("{status}: nothing is left to do")),
        _ => (Ink::Green, format!("{status}: will be worked on")),
    }
}

fn redrive(
    local: &Local,
    venv: &Venv,
    state: &State,
    pair: &Pair,
    letters: &[Letter],
    began: u64,
    at_most: u32,
) -> Result<ExitCode> {
    let leave = letters.iter().filter(|letter| letter.kind.is_none());
    let request = Move {
        dead_letters: &pair.dead_letters,
        source: &pair.source,
        at_most,
        sent_before: began,
        leave: leave.map(|letter| letter.message_id.as_str()).collect(),
    };
    let next = "run it again: a message that was moved twice does nothing";
    let moved = local.screen.step(&format!("back to {}", pair.name), None, || {
        let request = serde_json::to_value(&request).or_stop("cannot ask aws.py", next)?;
        let answer = aws::ask(local, venv, state, "redrive", &request)?;
        serde_json::from_value::<Moved>(answer).or_stop("aws.py gave an odd answer", next)
    })?;
    println!("{} moved; see what becomes of them: cargo local logs --follow", moved.moved);
    match moved.stopped {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(Stop::new(format_args!("the rest was not moved: {why}"), next)),
    }
}

#[expect(clippy::disallowed_methods, reason = "queues stamp their messages with the wall clock")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn age(then: u64, now: u64) -> String {
    let seconds = Duration::from_millis(now.saturating_sub(then)).as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(kind: Option<&str>, run: u128) -> Letter {
        Letter {
            message_id: "m".to_owned(),
            kind: kind.map(str::to_owned),
            run_id: kind.map(|_| Uuid::from_u128(run)),
            sent_at: 0,
            receives: 6,
        }
    }

    #[test]
    fn the_outlook_says_what_the_worker_will_find() {
        let runs = BTreeMap::from([
            (Uuid::from_u128(1), "queued".to_owned()),
            (Uuid::from_u128(2), "succeeded".to_owned()),
            (Uuid::from_u128(3), "failed (max_attempts_exceeded)".to_owned()),
        ]);
        let cases = [
            ("runs", letter(Some("run_requested"), 1), "will be worked on"),
            ("runs", letter(Some("run_requested"), 2), "nothing is left to do"),
            ("runs", letter(Some("run_requested"), 3), "runs retry"),
            ("runs", letter(Some("run_requested"), 4), "is gone"),
            // A verdict is signed after its run ended.
            ("attest", letter(Some("attest_requested"), 2), "will be worked on"),
            ("attest", letter(None, 0), "left where it is"),
        ];
        for (queue, letter, expected) in cases {
            let (_, told) = outlook(queue, &letter, &runs);
            assert!(told.contains(expected), "{queue}: {told}");
        }
    }

    #[test]
    fn queues_are_paired_by_the_templates_outputs() {
        let outputs = ["RunsQueueUrl", "RunsDlqUrl", "SyncQueueUrl", "ApiUrl", "LostDlqUrl"];
        let outputs = outputs.iter().map(|name| ((*name).to_owned(), format!("http://{name}")));
        let stack = Stack {
            name: "assay".to_owned(),
            region: String::new(),
            webhook_url: String::new(),
            api_url: String::new(),
            outputs: outputs.collect(),
        };
        let found = pairs(Some(&stack)).unwrap();
        let names: Vec<&str> = found.iter().map(|pair| pair.name.as_str()).collect();
        assert_eq!(names, ["runs"]);
        assert_eq!(found[0].dead_letters, "http://RunsDlqUrl");
        assert!(pairs(None).is_err());
    }
}
