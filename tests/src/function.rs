//! A real function binary, run by a Lambda runtime API that the test plays.
//!
//! The binary is the one that is deployed; only the side that hands out events is ours (AWS
//! Lambda developer guide, "Using the Lambda runtime API").

use std::{
    collections::HashMap,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex as AsyncMutex, mpsc, oneshot},
};
use uuid::Uuid;

/// How long one invocation may take; what the function sees as its deadline.
const INVOCATION_MAX: Duration = Duration::from_secs(60);

/// One running instance of a function.
pub struct Function {
    name: String,
    child: Child,
    events: mpsc::UnboundedSender<Event>,
    shared: Arc<Shared>,
    started: Instant,
}

/// What a function answered: its response, or the error it reported.
pub type Answer = Result<Value, Value>;

/// An event, and how long the function may take for it.
type Event = (Uuid, Value, Duration);

struct Shared {
    queue: AsyncMutex<mpsc::UnboundedReceiver<Event>>,
    waiting: Mutex<HashMap<Uuid, oneshot::Sender<Answer>>>,
    first_poll: Mutex<Option<Instant>>,
}

impl Function {
    /// Starts `target/<profile>/<name>`, next to the test binary's own folder.
    pub async fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        let test = std::env::current_exe().unwrap();
        let binary = test.parent().and_then(|deps| deps.parent()).unwrap().join(name);
        Self::start_binary(binary, name, settings).await
    }

    pub async fn start_binary(binary: PathBuf, name: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_logging(binary, name, settings, Stdio::inherit()).await
    }

    /// The same, with a place of its own for what it logs.
    pub async fn start_logging(
        binary: PathBuf,
        name: &str,
        settings: &[(&str, &str)],
        log: Stdio,
    ) -> Self {
        assert!(
            binary.exists(),
            "{} is not built: run `cargo local test`, or `cargo build -p {name}` first",
            binary.display()
        );
        let (events, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            queue: AsyncMutex::new(queue),
            waiting: Mutex::default(),
            first_poll: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let started = Instant::now();
        let child = Command::new(&binary)
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_LAMBDA_LOG_GROUP_NAME", name),
                ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ])
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { name: name.to_owned(), child, events, shared, started }
    }

    /// Hands the function an event and waits for its answer.
    pub async fn invoke(&self, event: Value) -> Answer {
        self.begin(event).await.unwrap_or_else(|_| panic!("{} died without an answer", self.name))
    }

    /// Hands the function an event; the answer comes when it comes.
    pub fn begin(&self, event: Value) -> oneshot::Receiver<Answer> {
        self.begin_within(event, INVOCATION_MAX)
    }

    /// The same, with a deadline of its own.
    pub fn begin_within(&self, event: Value, time: Duration) -> oneshot::Receiver<Answer> {
        let id = Uuid::now_v7();
        let (answer, waiting) = oneshot::channel();
        self.shared.waiting.lock().unwrap().insert(id, answer);
        self.events.send((id, event, time)).expect("the runtime API is up as long as the function");
        waiting
    }

    /// The number of its process.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns once the process has ended by itself, or by someone else's signal.
    pub async fn ended(&mut self) {
        self.child.wait().await.unwrap();
    }

    /// `kill -9`: no destructor runs, no connection is closed politely.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for the first poll; how long it took from the start of the process.
    pub async fn cold_start(&self) -> Duration {
        loop {
            if let Some(polled) = *self.shared.first_poll.lock().unwrap() {
                return polled - self.started;
            }
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub fn resident_bytes(&self) -> u64 {
        let id = self.child.id().expect("it has not been waited for");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    shared.first_poll.lock().unwrap().get_or_insert_with(Instant::now);
    let event = shared.queue.lock().await.recv().await;
    let Some((id, event, time)) = event else {
        // The test is over; keep the function waiting until it is killed.
        return std::future::pending().await;
    };
    let headers = [
        ("lambda-runtime-aws-request-id", id.to_string()),
        ("lambda-runtime-deadline-ms", deadline_ms(time).to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:000000000000:function:test".to_owned(),
        ),
    ];
    (headers, axum::Json(event)).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<Uuid>,
    _: HeaderMap,
    body: Bytes,
) -> StatusCode {
    answer(&shared, id, Ok(json(&body)))
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<Uuid>,
    _: HeaderMap,
    body: Bytes,
) -> StatusCode {
    answer(&shared, id, Err(json(&body)))
}

fn answer(shared: &Shared, id: Uuid, answer: Answer) -> StatusCode {
    if let Some(waiting) = shared.waiting.lock().unwrap().remove(&id) {
        // The test may have stopped listening, as one that kills the function does.
        let _ = waiting.send(answer);
    }
    StatusCode::ACCEPTED
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

#[expect(clippy::disallowed_methods, reason = "Lambda tells a function its deadline in wall time")]
fn deadline_ms(time: Duration) -> u128 {
    (SystemTime::now() + time).duration_since(UNIX_EPOCH).unwrap().as_millis()
}
