//! What is noted about each request, and what every response carries.

use std::{convert::Infallible, time::Instant};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::Response,
};
use domain::TraceParent;
use tracing::Instrument;
use uuid::Uuid;

/// The trace that a request belongs to: its own, the platform's, or one that begins here.
#[derive(Clone)]
pub(crate) struct Trace(pub(crate) TraceParent);

impl<S: Send + Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

impl Trace {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let own = text("traceparent").and_then(|text| text.parse().ok());
        let platform = || text("x-amzn-trace-id").and_then(from_x_ray);
        // Version 7 begins with the time, and sixteen bytes of it are unique all the same.
        Self(own.or_else(platform).unwrap_or_else(|| TraceParent::begin(Uuid::now_v7().as_bytes())))
    }
}

/// `Root=1-{8 hex}-{24 hex};Parent={16 hex};Sampled=1` (AWS X-Ray developer guide, "Tracing header").
fn from_x_ray(header: &str) -> Option<TraceParent> {
    let part = |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name));
    let root = part("Root=1-")?.replace('-', "");
    let parent = part("Parent=").or_else(|| root.get(16..))?;
    let flags = if part("Sampled=") == Some("1") { "01" } else { "00" };
    format!("00-{root}-{parent}-{flags}").parse().ok()
}

pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let trace = Trace::of(request.headers());
    let lambda = request.extensions().get::<lambda_http::Context>();
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route,
        request.id = lambda.map(|context| context.request_id.as_str()),
        trace.id = trace.0.trace_id(),
        org.id = tracing::field::Empty,
    );
    request.extensions_mut().insert(trace);

    let mut response = next.run(request).instrument(span.clone()).await;

    let (status, took) = (response.status(), began.elapsed());
    span.in_scope(|| {
        let duration_ms = took.as_millis() as u64;
        tracing::info!(status = status.as_u16(), duration_ms, "answered");
    });
    let labels = [("route", route.as_str()), ("status", status.as_str())];
    startup::count("assay.api.requests", 1, &labels);
    startup::measure("assay.api.duration", took, &labels[..1]);
    protect(response.headers_mut());
    response
}

/// Answers are for the caller alone unless a route says otherwise, and are what they say they are.
fn protect(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_the_platform_is_taken_over() {
        let header = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1;Lineage=1:2:3";
        let trace = from_x_ray(header).unwrap();
        assert_eq!(trace.as_str(), "00-67891233abcdef012345678912345678-463ac35c9f6413ad-01");
        assert!(from_x_ray("Root=1-nothex-0;Sampled=1").is_none());
        assert!(from_x_ray("Self=1-2-3").is_none());
    }

    #[test]
    fn a_trace_of_the_caller_wins() {
        let mine = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let headers: HeaderMap = [
            ("traceparent".parse().unwrap(), HeaderValue::from_static(mine)),
            ("x-amzn-trace-id".parse().unwrap(), HeaderValue::from_static("Root=1-0-0")),
        ]
        .into_iter()
        .collect::<HeaderMap>();
        assert_eq!(Trace::of(&headers).0.as_str(), mine);
    }
}
