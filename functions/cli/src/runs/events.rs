//! The events of one run, read over as many connections as it takes.
//!
//! Server-Sent Events (WHATWG HTML, section 9.2): a response may end at any time, and the next one
//! goes on after the id that `Last-Event-ID` names. Status 204 means that nothing follows.

use std::{
    io::Read,
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;
use sse_core::{MessageEvent, SseDecoder, SseEvent};
use ureq::{Body, BodyReader, http::Response};

use crate::{
    Trouble,
    api::{Api, read},
};

/// How long to wait before the next connection, unless the server says otherwise.
const PAUSE_DEFAULT: Duration = Duration::from_secs(1);
/// However long the server says, or failures make it: someone is watching.
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// For how long the API may fail in a row before we give up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the API holds a request when there is nothing new.
const WAIT_SECONDS: u32 = 10;
const CHUNK_BYTES: usize = 8 * 1024;

/// Something that happened to the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Event {
    /// Its position among the run's events.
    pub(super) id: Option<String>,
    #[serde(rename = "event")]
    pub(super) name: String,
    pub(super) data: Value,
}

/// What listening brings.
pub(super) enum Heard {
    Event(Event),
    /// The connection ended, and another one is to be made.
    Pause,
    /// The API says that nothing follows.
    End,
}

pub(super) struct Events<'a> {
    api: &'a Api,
    path: String,
    decoder: SseDecoder,
    connection: Option<Connection>,
    pause: Duration,
    /// Since when nothing but failures came, and how many.
    failing: Option<(Instant, u32)>,
    /// The position of the newest event that was handed out.
    seen: Option<u64>,
}

struct Connection {
    body: BodyReader<'static>,
    chunk: Vec<u8>,
    /// Where in the chunk the decoder is.
    at: usize,
}

impl<'a> Events<'a> {
    pub(super) fn of(api: &'a Api, run: &str) -> Self {
        Self {
            api,
            path: format!("/v1/runs/{run}/events?wait_seconds={WAIT_SECONDS}"),
            decoder: SseDecoder::new(),
            connection: None,
            pause: PAUSE_DEFAULT,
            failing: None,
            seen: None,
        }
    }

    pub(super) fn next(&mut self) -> Result<Heard, Trouble> {
        loop {
            let Some(connection) = &mut self.connection else {
                if !self.connect()? {
                    return Ok(Heard::End);
                }
                continue;
            };
            let mut rest = &connection.chunk[connection.at..];
            let decoded = self.decoder.next(&mut rest);
            connection.at = connection.chunk.len() - rest.len();
            match decoded {
                Some(Ok(SseEvent::Message(message))) => {
                    if let Some(event) = self.fresh(message) {
                        return Ok(Heard::Event(event));
                    }
                }
                Some(Ok(SseEvent::Retry(ms))) => {
                    self.pause = Duration::from_millis(ms.into()).min(PAUSE_MAX);
                }
                Some(Err(error)) => return Err(self.api.odd(&error.to_string())),
                None if connection.fill() => {}
                None => {
                    // The id of the last event stays with the decoder.
                    self.connection = None;
                    self.decoder.reconnect();
                    return Ok(Heard::Pause);
                }
            }
        }
    }

    /// Waits as long as the server wants us to before we come back.
    pub(super) fn pause(&self) {
        thread::sleep(self.pause);
    }

    /// An event that was not handed out before: a server that begins anew repeats itself.
    fn fresh(&mut self, message: MessageEvent) -> Option<Event> {
        let id = message.last_event_id.map(|id| id.to_string());
        if let Some(position) = id.as_deref().and_then(|id| id.parse().ok()) {
            if self.seen.is_some_and(|seen| position <= seen) {
                return None;
            }
            self.seen = Some(position);
        }
        let data = serde_json::from_str(&message.data).unwrap_or(Value::String(message.data));
        Some(Event { id, name: message.event.into_owned(), data })
    }

    /// Opens the next connection. `false` when there is nothing to connect to any more.
    fn connect(&mut self) -> Result<bool, Trouble> {
        let last = self.decoder.last_event_id().map(ToString::to_string);
        loop {
            match self.api.stream(&self.path, last.as_deref()) {
                Ok(response) if response.status() == 200 => {
                    self.failing = None;
                    self.connection = Some(self.opened(response)?);
                    return Ok(true);
                }
                Ok(response) if response.status() == 204 => return Ok(false),
                Ok(response) => {
                    let answer = read(response)?;
                    let trouble = self.api.refused(&answer);
                    let may_pass = answer.status == 429 || answer.status >= 500;
                    self.wait_or_give_up(trouble, may_pass)?;
                }
                Err(error) => self.wait_or_give_up(self.api.unreachable(&error), true)?,
            }
        }
    }

    fn opened(&self, response: Response<Body>) -> Result<Connection, Trouble> {
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(self.api.odd(&format!("expected text/event-stream, found `{kind}`")));
        }
        let body = response.into_body().into_reader();
        Ok(Connection { body, chunk: Vec::new(), at: 0 })
    }

    fn wait_or_give_up(&mut self, trouble: Trouble, may_pass: bool) -> Result<(), Trouble> {
        let (since, count) = self.failing.unwrap_or((Instant::now(), 0));
        if !may_pass || since.elapsed() >= PATIENCE {
            return Err(trouble);
        }
        self.failing = Some((since, count + 1));
        thread::sleep((self.pause * 2_u32.saturating_pow(count)).min(PAUSE_MAX));
        Ok(())
    }
}

impl Connection {
    /// Reads on; `false` when the connection has ended, well or badly.
    fn fill(&mut self) -> bool {
        self.chunk.resize(CHUNK_BYTES, 0);
        self.at = 0;
        let read = self.body.read(&mut self.chunk).unwrap_or(0);
        self.chunk.truncate(read);
        read > 0
    }
}
