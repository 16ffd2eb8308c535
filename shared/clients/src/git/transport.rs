//! Git's smart HTTP over our own client, so that every byte passes the guard, the limits and the
//! deadline, and so that nothing ever asks a credential helper or a terminal.

use std::{
    any::Any,
    io::{self, BufRead, BufReader, Cursor, Read, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use base64::Engine;
use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse,
};
use reqwest::{
    StatusCode, Url,
    blocking::{Client, Request, Response},
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use secrecy::{ExposeSecret, SecretString};

use super::GitError;
use crate::{AddressGuard, AddressRefused, tls};

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most redirects that are followed to a repository's new name on the same server.
const REDIRECTS_MAX: usize = 3;
/// What a redirect of the first request must keep, as the rest is the repository's address.
const ADVERTISEMENT: &str = "info/refs?service=git-upload-pack";

/// Watches one fetch: what was read, how long it took, and why it ended.
pub(super) struct Meter {
    started: Instant,
    time: Duration,
    bytes_max: u64,
    bytes: AtomicU64,
    /// Set when the time is over; gix looks at it while it resolves a pack.
    pub(super) interrupted: AtomicBool,
    /// The first failure: gix wraps what we return, and this is the plain reason.
    failure: Mutex<Option<GitError>>,
}

impl Meter {
    pub(super) fn start(time: Duration, bytes_max: u64) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            time,
            bytes_max,
            bytes: AtomicU64::new(0),
            interrupted: AtomicBool::new(false),
            failure: Mutex::new(None),
        })
    }

    pub(super) fn remaining(&self) -> Duration {
        self.time.saturating_sub(self.started.elapsed())
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    pub(super) fn check_time(&self) -> Result<(), GitError> {
        if self.remaining().is_zero() || self.interrupted.load(Ordering::Relaxed) {
            return Err(GitError::TimedOut { limit: self.time });
        }
        Ok(())
    }

    fn count(&self, bytes: usize) -> Result<(), GitError> {
        let total = self.bytes.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64;
        if total > self.bytes_max {
            return Err(GitError::TooLarge { bytes_max: self.bytes_max });
        }
        self.check_time()
    }

    fn fail(&self, error: GitError) -> io::Error {
        let told = io::Error::other(error.to_string());
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        told
    }

    /// Why the fetch failed, if it failed in our own hands and not in gix's.
    pub(super) fn take_failure(&self) -> Option<GitError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.or_else(|| self.check_time().err())
    }
}

/// One connection to one repository.
pub(super) struct GuardedHttp {
    client: Client,
    guard: AddressGuard,
    authorization: Option<HeaderValue>,
    redirected: Option<String>,
    meter: Arc<Meter>,
}

impl GuardedHttp {
    pub(super) fn new(
        guard: &AddressGuard,
        token: Option<&SecretString>,
        meter: Arc<Meter>,
    ) -> Result<Self, GitError> {
        tls::install_provider();
        let client = Client::builder()
            .dns_resolver(guard.resolver())
            // A proxy would resolve names itself, behind the guard's back.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(None)
            .build()
            .map_err(GitError::Unreachable)?;
        let authorization = token.map(basic);
        Ok(Self { client, guard: guard.clone(), authorization, redirected: None, meter })
    }

    fn request(
        &self,
        method: reqwest::Method,
        url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Request, GitError> {
        let mut request = Request::new(method, self.guard.check(url)?);
        *request.headers_mut() = header_map(headers);
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    fn advertisement(&mut self, url: &str, headers: Vec<String>) -> Result<Response, GitError> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            let request = self.request(reqwest::Method::GET, &url, &headers)?;
            let response = execute(&self.client, request, &self.meter)?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let next = self.redirect_target(&response)?;
            self.redirected = next.as_str().strip_suffix(ADVERTISEMENT).map(str::to_owned);
            url = next.into();
        }
        Err(GitError::Redirected { to: url })
    }

    /// A renamed repository moves within its server. Anything further away is refused: it would
    /// carry the token, or the choice of server, to someone else.
    fn redirect_target(&self, response: &Response) -> Result<Url, GitError> {
        let from = response.url();
        let to = response
            .headers()
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| from.join(location).ok())
            .ok_or(GitError::ServerFailed { status: response.status().as_u16() })?;
        if to.origin() == from.origin() && to.as_str().ends_with(ADVERTISEMENT) {
            Ok(to)
        } else {
            let host = to.host_str().unwrap_or_default();
            Err(GitError::Redirected { to: format!("{}://{host}{}", to.scheme(), to.path()) })
        }
    }
}

impl Http for GuardedHttp {
    type Headers = Headers;
    type ResponseBody = BufReader<Body>;
    type PostBody = Upload;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Self::Headers, Self::ResponseBody>> {
        let headers = headers.into_iter().map(|line| line.as_ref().to_owned()).collect();
        let response = self
            .advertisement(url, headers)
            .map_err(|error| gix::Error::from_error(self.meter.fail(error)))?;
        let (headers, body) = Exchange::answered(response, Arc::clone(&self.meter));
        Ok(GetResponse { headers, body })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Self::Headers, Self::ResponseBody, Self::PostBody>> {
        let request = self
            .request(reqwest::Method::POST, url, headers)
            .map_err(|error| gix::Error::from_error(self.meter.fail(error)))?;
        let (post_body, headers, body) =
            Exchange::prepared(self.client.clone(), request, Arc::clone(&self.meter));
        Ok(PostResponse { post_body, headers, body })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

/// A request and its answer. A POST is sent when the first line of the answer is wanted, because
/// only then is its body complete.
struct Exchange {
    state: State,
    meter: Arc<Meter>,
}

enum State {
    Prepared { client: Client, request: Box<Request>, upload: Vec<u8> },
    Answered(Box<Response>),
    Failed,
}

type Shared = Arc<Mutex<Exchange>>;

impl Exchange {
    fn answered(response: Response, meter: Arc<Meter>) -> (Headers, BufReader<Body>) {
        let state = State::Answered(Box::new(response));
        Self { state, meter }.share()
    }

    fn prepared(
        client: Client,
        request: Request,
        meter: Arc<Meter>,
    ) -> (Upload, Headers, BufReader<Body>) {
        let state = State::Prepared { client, request: Box::new(request), upload: Vec::new() };
        let (headers, body) = Self { state, meter }.share();
        (Upload(Arc::clone(&headers.exchange)), headers, body)
    }

    fn share(self) -> (Headers, BufReader<Body>) {
        let exchange = Arc::new(Mutex::new(self));
        let headers = Headers { exchange: Arc::clone(&exchange), lines: None };
        (headers, BufReader::new(Body(exchange)))
    }

    fn response(&mut self) -> io::Result<&mut Response> {
        if let State::Prepared { .. } = self.state {
            let prepared = std::mem::replace(&mut self.state, State::Failed);
            if let State::Prepared { client, mut request, upload } = prepared {
                *request.body_mut() = Some(upload.into());
                let response = execute(&client, *request, &self.meter)
                    .map_err(|error| self.meter.fail(error))?;
                self.state = State::Answered(Box::new(response));
            }
        }
        match &mut self.state {
            State::Answered(response) => Ok(response),
            State::Prepared { .. } | State::Failed => {
                Err(io::Error::other("the request failed before"))
            }
        }
    }
}

fn execute(client: &Client, mut request: Request, meter: &Meter) -> Result<Response, GitError> {
    meter.check_time()?;
    *request.timeout_mut() = Some(meter.remaining());
    let response = client.execute(request).map_err(|error| {
        if let Some(refused) = AddressRefused::among(&error) {
            return GitError::Address(refused);
        }
        if error.is_timeout() && !error.is_connect() {
            return GitError::TimedOut { limit: meter.time };
        }
        GitError::Unreachable(error.without_url())
    })?;
    let status = response.status();
    match status {
        // Servers answer 404 for what exists and may not be seen.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::GONE => Err(GitError::Forbidden { status: status.as_u16() }),
        _ if status.is_success() => Ok(response),
        _ if status.is_redirection() && response.url().path().ends_with("/info/refs") => {
            Ok(response)
        }
        _ => Err(GitError::ServerFailed { status: status.as_u16() }),
    }
}

fn lock(exchange: &Shared) -> std::sync::MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Upload(Shared);

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut lock(&self.0).state {
            State::Prepared { upload, .. } => {
                upload.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            State::Answered(_) | State::Failed => {
                Err(io::Error::other("the request was sent before its body was complete"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct Headers {
    exchange: Shared,
    lines: Option<Cursor<Vec<u8>>>,
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.lines.is_none() {
            let mut exchange = lock(&self.exchange);
            let mut lines = Vec::new();
            for (name, value) in exchange.response()?.headers() {
                lines.extend_from_slice(name.as_str().as_bytes());
                lines.push(b':');
                lines.extend_from_slice(value.as_bytes());
                lines.push(b'\n');
            }
            self.lines = Some(Cursor::new(lines));
        }
        self.lines.get_or_insert_default().fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.lines.get_or_insert_default().consume(amount);
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let amount = self.fill_buf()?.read(buffer)?;
        self.consume(amount);
        Ok(amount)
    }
}

pub(super) struct Body(Shared);

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut exchange = lock(&self.0);
        let amount = match exchange.response()?.read(buffer) {
            Ok(amount) => amount,
            Err(error) => {
                // Told as our own: gix would call a broken connection a broken pack.
                let source = error.downcast::<reqwest::Error>();
                return Err(match source {
                    Ok(source) if source.is_timeout() => {
                        exchange.meter.fail(GitError::TimedOut { limit: exchange.meter.time })
                    }
                    Ok(source) => exchange.meter.fail(GitError::Unreachable(source.without_url())),
                    Err(error) => error,
                });
            }
        };
        exchange.meter.count(amount).map_err(|error| exchange.meter.fail(error))?;
        Ok(amount)
    }
}

/// As GitHub, GitLab and Gitea take tokens: any user name, the token as the password.
fn basic(token: &SecretString) -> HeaderValue {
    let pair = format!("x-access-token:{}", token.expose_secret());
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .expect("base64 consists of characters that a header may have");
    value.set_sensitive(true);
    value
}

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.parse::<HeaderName>().ok()?, HeaderValue::try_from(value.trim()).ok()?))
    };
    lines.into_iter().filter_map(|line| pair(line.as_ref())).collect()
}
