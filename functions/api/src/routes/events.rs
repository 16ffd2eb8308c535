//! Following a run: its events as they happen.
//!
//! Server-Sent Events (WHATWG HTML, section 9.2) in portions: a request is answered as soon as
//! there is something to tell, or after a while with nothing, and ends; the client comes back with
//! the id of the last event that it has. So it works the same where a response is streamed and
//! where it is sent as a whole, as Lambda does.

mod derive;

use std::{
    collections::VecDeque,
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{self, Sse},
    },
};
use domain::{OrgId, RunId, Scope};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use store::runs::{self, History, Mark};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::derive::{Event, events};
use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    problem::Problem,
};

const LAST_EVENT_ID: &str = "last-event-id";
/// How long a request that has nothing to tell is held at most: well below the function's timeout.
pub const WAIT_SECONDS_MAX: u64 = 20;
/// How often the database is asked meanwhile, in a transaction of its own.
const POLL_EVERY: Duration = Duration::from_millis(400);
/// Whatever stands between must see that the connection lives.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// How long a client pauses before it comes back.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(list_events))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventFilter {
    /// How long the answer may take when there is nothing new; 20 unless told. JSON never waits.
    #[param(minimum = 0, maximum = 20)]
    wait_seconds: Option<u64>,
}

/// What has happened to a run.
#[derive(Serialize, ToSchema)]
struct EventList {
    items: Vec<Event>,
    /// Whether nothing more will happen.
    over: bool,
}

/// Follow a run. What was told once is told again for ever, at the same position; so whoever comes
/// back with `Last-Event-ID` misses nothing and hears nothing twice. With `Accept:
/// application/json` it is a list of what there is.
#[utoipa::path(get, path = "/v1/runs/{id}/events", tag = "runs",
    params(
        ("id" = Uuid, Path),
        ("Last-Event-ID" = Option<u64>, Header,
         description = "The last event that the caller has; what follows is told."),
        EventFilter),
    responses(
        (status = 200, description = "The events that follow, as a stream or a list.",
         content((String = "text/event-stream"), (EventList = "application/json"))),
        (status = 204, description = "The run is over, and all of it was told.")))]
async fn list_events(
    State(deps): State<Deps>,
    caller: Caller,
    headers: HeaderMap,
    Id(id): Id<RunId>,
    Filter(wanted): Filter<EventFilter>,
) -> Result<Response, Problem> {
    let wait = wait(wanted.wait_seconds)?;
    let seen = last_seen(&headers)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let mark = runs::mark(&tenant.tx, id).await?;
    let history = runs::history(&tenant.tx, id).await?;
    let history = history.ok_or_else(|| Problem::not_found("run"))?;
    let org = tenant.org;
    tenant.commit().await?;
    // There is only one connection, and others want it while we wait.
    drop(session);

    let (fresh, over) = unseen(&history, seen)?;
    if wants_json(&headers) {
        return Ok(Json(EventList { items: fresh, over }).into_response());
    }
    if fresh.is_empty() && over {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let rest = (!fresh.is_empty()).then(|| portion(&fresh));
    let until = Instant::now() + wait;
    let follower = Follower { deps, org, run: id, seen, mark, until, rest };
    Ok(Sse::new(follower.stream()).into_response())
}

fn wait(seconds: Option<u64>) -> Result<Duration, Problem> {
    let seconds = seconds.unwrap_or(WAIT_SECONDS_MAX);
    if seconds > WAIT_SECONDS_MAX {
        let detail = format!("expected 0 to {WAIT_SECONDS_MAX}");
        return Err(Problem::field("wait_seconds", detail));
    }
    Ok(Duration::from_secs(seconds))
}

/// How many events the caller has. A browser that has none sends nothing, or nothing in it.
fn last_seen(headers: &HeaderMap) -> Result<u64, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(0);
    };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.ok_or_else(|| Problem::field("Last-Event-ID", "expected the id of an event: a number"))
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter();
    let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
    let mentions = |kind: &str| accepted.iter().any(|value| value.contains(kind));
    mentions("application/json") && !mentions("text/event-stream")
}

/// What the caller has not heard, and whether that is all there will ever be.
fn unseen(history: &History, seen: u64) -> Result<(Vec<Event>, bool), Problem> {
    let all = events(history);
    let known = usize::try_from(seen).ok().filter(|seen| *seen <= all.len());
    let known = known.ok_or_else(|| {
        let detail = format!("the run has {} events so far, and none with this id", all.len());
        Problem::field("Last-Event-ID", detail)
    })?;
    Ok((all.into_iter().skip(known).collect(), history.run.status.is_terminal()))
}

/// A request that is being answered.
struct Follower {
    deps: Deps,
    org: OrgId,
    run: RunId,
    seen: u64,
    mark: Option<Mark>,
    until: Instant,
    /// What is still to be sent before the response ends; none while we listen.
    rest: Option<VecDeque<sse::Event>>,
}

impl Follower {
    fn stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, |mut follower| async {
            if follower.rest.is_none() {
                follower.rest = follower.listen().await.map(|fresh| portion(&fresh));
            }
            let event = match &mut follower.rest {
                Some(rest) => rest.pop_front()?,
                None => sse::Event::default().comment(""),
            };
            Some((Ok(event), follower))
        })
    }

    /// What is new, or nothing when the time is over; `None` when a sign of life is due before.
    async fn listen(&mut self) -> Option<Vec<Event>> {
        let heartbeat = Instant::now() + HEARTBEAT_EVERY;
        loop {
            let now = Instant::now();
            if now >= self.until {
                return Some(Vec::new());
            }
            if now >= heartbeat {
                return None;
            }
            tokio::time::sleep(POLL_EVERY.min(self.until - now)).await;
            match self.look().await {
                Ok(fresh) if fresh.is_empty() => {}
                Ok(fresh) => return Some(fresh),
                Err(problem) => {
                    // It is too late for another status: the client comes back and is told then.
                    problem.log();
                    return Some(Vec::new());
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Vec<Event>, Problem> {
        let mut session = self.deps.session().await?;
        let tx = session.begin(self.org).await?;
        let mark = runs::mark(&tx, self.run).await?;
        if mark == self.mark {
            return Ok(Vec::new());
        }
        let history = runs::history(&tx, self.run).await?;
        let history = history.ok_or_else(|| Problem::not_found("run"))?;
        self.mark = mark;
        Ok(unseen(&history, self.seen)?.0)
    }
}

/// The events, and when to come back: the response ends with it.
fn portion(fresh: &[Event]) -> VecDeque<sse::Event> {
    let written = fresh.iter().map(|event| {
        let data = serde_json::to_string(&event.data).expect("plain structs always serialise");
        sse::Event::default().id(event.id.to_string()).event(event.event.as_str()).data(data)
    });
    written.chain([sse::Event::default().retry(RETRY)]).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))])
    }

    #[test]
    fn a_list_is_for_those_who_ask_for_json_and_cannot_follow() {
        for (accept, json) in [
            ("application/json", true),
            ("application/json; q=1", true),
            ("text/event-stream", false),
            ("text/event-stream, application/json;q=0.5", false),
            ("*/*", false),
        ] {
            assert_eq!(wants_json(&with("accept", accept)), json, "{accept}");
        }
        assert!(!wants_json(&HeaderMap::new()));
    }

    #[test]
    fn the_last_event_is_a_number_or_nothing() {
        for (value, seen) in [("7", Some(7)), ("", Some(0)), ("-1", None), ("x", None)] {
            assert_eq!(last_seen(&with(LAST_EVENT_ID, value)).ok(), seen, "{value}");
        }
        assert_eq!(last_seen(&HeaderMap::new()).ok(), Some(0));
    }
}
