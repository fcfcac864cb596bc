//! One request from the guard to the answer.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use aerie_config::Limits;
use aerie_rpc::{ErrorCode, GrpcServer, HttpService, RpcError};
use aerie_telemetry::{Lifecycle, Metrics, continue_from, trace_id};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::json;
use tonic::{Status, body::Body};
use tower::Service;
use tracing::{Instrument, Span, field::Empty, info_span};

use crate::{
    admission::Admission,
    answer, calendar,
    callers::{Asking, Caller, Callers, FORGERY_COOKIE, Means, SESSION_COOKIE, challenge, forget},
    guard::Guard,
    health::{check_all, required_are_serving},
    json::{self, HttpError, refuse},
    openai, page, proxy, restore,
    services::Services,
    sign_in, stream, web,
};

/// The call after which the caller is nobody any more.
const DELETE_EVERYTHING: &str = "/aerie.pipeline.v1.DeletionService/DeleteEverything";

/// What every request needs.
pub(crate) struct Inner {
    pub(crate) services: Arc<Services>,
    pub(crate) openai: Option<HttpService>,
    pub(crate) own: GrpcServer,
    pub(crate) callers: Callers,
    pub(crate) admission: Admission,
    pub(crate) limits: Limits,
    pub(crate) body_timeout: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) version: &'static str,
    pub(crate) lifecycle: Lifecycle,
}

/// The whole port as one service.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) inner: Arc<Inner>,
    pub(crate) guard: Arc<Guard>,
}

impl Service<Request<Body>> for App {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let app = self.clone();
        Box::pin(async move { Ok(answer::secured(app.answer(request).await)) })
    }
}

impl App {
    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let form = Form::of(&request);
        if let Err(refusal) = self.guard.check(&request) {
            tracing::warn!(path = request.uri().path(), "refused a request: {refusal}");
            let error = RpcError::new(ErrorCode::PermissionDenied, "FOREIGN_ORIGIN", refusal);
            return refuse_as(form, &self.inner, error.into());
        }
        let longest = self.inner.limits.uri_bytes;
        if request.uri().path_and_query().is_some_and(|path| path.as_str().len() > longest) {
            let message = format!("the address is longer than {longest} bytes (limits.uri_bytes)");
            let error = RpcError::new(ErrorCode::InvalidArgument, "ADDRESS_TOO_LONG", message);
            return refuse_as(form, &self.inner, HttpError::new(StatusCode::URI_TOO_LONG, error));
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        if let Some(response) = self.fixed(&method, &path).await {
            return response;
        }
        let query = request.uri().query().unwrap_or_default();
        let asking = Asking { method: &method, path: &path, headers: request.headers() };
        if let Some(response) = sign_in::answer(&self.inner, asking, query).await {
            return response;
        }
        if matches!(method, Method::GET | Method::HEAD)
            && let Some(response) = web::answer(&path, request.headers())
        {
            return response;
        }
        let span = span(form, &request);
        let response = self.api(form, request).instrument(span.clone()).await;
        span.record("http.response.status_code", response.status().as_u16());
        let labels = [("form", form.name().to_owned()), ("status", response.status().as_u16().to_string())];
        metrics::counter!("aerie_gateway_requests_total", &labels).increment(1);
        response
    }

    /// The few paths that are not calls.
    async fn fixed(&self, method: &Method, path: &str) -> Option<Response<Body>> {
        let is_status_page = path == "/status" || (path == "/" && !web::is_built());
        if !is_status_page && !matches!(path, "/style.css" | "/livez" | "/readyz" | "/metrics") {
            return None;
        }
        if method != Method::GET && method != Method::HEAD {
            return Some(not_allowed(&self.inner, "GET, HEAD", "this path is only for reading"));
        }
        Some(match path {
            "/" | "/status" => {
                let health = check_all(&self.inner.services).await;
                let is_ready = self.inner.lifecycle.is_ready() && required_are_serving(&health);
                answer::content(
                    StatusCode::OK,
                    "text/html; charset=utf-8",
                    page::render(&self.inner, &health, is_ready),
                )
            }
            "/style.css" => answer::content(StatusCode::OK, "text/css; charset=utf-8", page::STYLE),
            "/livez" => answer::content(StatusCode::OK, "text/plain; charset=utf-8", "alive\n"),
            "/readyz" => self.readiness().await,
            _ if !self.inner.callers.is_local() => {
                let message =
                    "measurements are not for everybody; the operations port has them (telemetry.operations_listen)";
                refuse(&self.inner, RpcError::not_found("METRICS_ELSEWHERE", message).into())
            }
            _ => match &self.inner.metrics {
                Some(metrics) => answer::content(StatusCode::OK, "text/plain; version=0.0.4", metrics.render()),
                None => {
                    let message = "metrics are switched off; set telemetry.metrics to true";
                    refuse(&self.inner, RpcError::not_found("METRICS_OFF", message).into())
                }
            },
        })
    }

    async fn readiness(&self) -> Response<Body> {
        let health = check_all(&self.inner.services).await;
        let (started, stopping) = (self.inner.lifecycle.is_ready(), self.inner.lifecycle.soft().is_cancelled());
        let is_ready = started && required_are_serving(&health);
        let services: serde_json::Map<String, serde_json::Value> = health
            .iter()
            .flat_map(|route| &route.services)
            .map(|(name, condition)| (name.clone(), json!(condition.words())))
            .collect();
        let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        answer::json(status, &json!({ "ready": is_ready, "stopping": stopping, "services": services }))
    }

    async fn api(self, form: Form, request: Request<Body>) -> Response<Body> {
        let inner = self.inner;
        let path = request.uri().path().to_owned();
        let asked = if path == restore::PATH { restore::METHOD } else { path.as_str() };
        let asking = Asking { method: request.method(), path: asked, headers: request.headers() };
        let caller = match inner.callers.decide(asking, &inner.lifecycle).await {
            Ok(caller) => caller,
            Err(error) => return refuse_caller(form, &inner, error, &path),
        };
        if path != DELETE_EVERYTHING {
            return Self::answer_call(inner, form, caller, request).await;
        }
        let mut response = Self::answer_call(inner.clone(), form, caller.clone(), request).await;
        // Also after an error: the account may be gone all the same.
        inner.callers.forget(&caller);
        if response.status() == StatusCode::OK && matches!(caller.means, Means::Session { .. }) {
            for cookie in [forget(SESSION_COOKIE), forget(FORGERY_COOKIE)].into_iter().flatten() {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        }
        response
    }

    async fn answer_call(inner: Arc<Inner>, form: Form, caller: Caller, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        match form {
            Form::OpenAi => return openai::answer(inner, caller, request).await,
            Form::Grpc => return proxy::grpc(inner, caller, request).await,
            Form::GrpcWeb => return proxy::grpc_web(inner, caller, request).await,
            Form::Json | Form::Events | Form::Other => {}
        }
        if path == calendar::PATH {
            return answer_calendar(&inner, &caller, request.method()).await;
        }
        if path == restore::PATH {
            return match *request.method() {
                Method::POST => restore::answer(inner, caller, request).await,
                _ => not_allowed(&inner, "POST", "backups are restored with POST"),
            };
        }
        let Some(method) = inner.services.method(request.uri().path()) else {
            let message = "there is nothing at this address; / says what is";
            return refuse(&inner, RpcError::not_found("PATH_UNKNOWN", message).into());
        };
        if method.is_client_streaming() {
            let message = "this call takes a stream of messages, which only gRPC can carry";
            return refuse(&inner, unsupported(message));
        }
        match (form, method.is_server_streaming()) {
            (Form::Json, false) => json::unary(inner, caller, method, request).await,
            (Form::Events, true) => stream::events(inner, caller, method, request).await,
            (_, true) => {
                let message = "this call answers with a stream: send Accept: text/event-stream with the request in \
                               ?message={…}, or use gRPC or gRPC-Web";
                refuse(&inner, unsupported(message))
            }
            (_, false) if request.method() != Method::POST => not_allowed(&inner, "POST", "calls are made with POST"),
            (_, false) => {
                let message = "send Content-Type: application/json, application/grpc-web+proto or application/grpc";
                refuse(&inner, unsupported(message))
            }
        }
    }
}

/// In which form a call comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Grpc,
    GrpcWeb,
    OpenAi,
    Json,
    Events,
    Other,
}

impl Form {
    fn of(request: &Request<Body>) -> Self {
        if request.uri().path().starts_with(openai::PREFIX) {
            return Self::OpenAi;
        }
        let content_type = media_type(request.headers(), &header::CONTENT_TYPE);
        if content_type.starts_with("application/grpc-web") {
            return Self::GrpcWeb;
        }
        if content_type.starts_with("application/grpc") {
            return Self::Grpc;
        }
        let wants_events = request.headers().get_all(header::ACCEPT).iter().any(|value| {
            value.to_str().is_ok_and(|text| text.split(',').any(|part| plain(part) == "text/event-stream"))
        });
        let has_json = content_type == "application/json";
        match *request.method() {
            Method::GET if wants_events => Self::Events,
            Method::POST if wants_events && has_json => Self::Events,
            Method::POST if has_json => Self::Json,
            _ => Self::Other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc_web",
            Self::OpenAi => "openai",
            Self::Json => "json",
            Self::Events => "events",
            Self::Other => "other",
        }
    }
}

fn media_type(headers: &HeaderMap, name: &header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).map(plain).unwrap_or_default()
}

/// A media type without its parameters.
fn plain(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn span(form: Form, request: &Request<Body>) -> Span {
    let span = info_span!(
        "gateway",
        otel.name = format!("{} {}", request.method(), request.uri().path()),
        otel.kind = "server",
        form = form.name(),
        http.response.status_code = Empty,
        trace_id = Empty,
    );
    continue_from(&span, request.headers());
    if let Some(trace_id) = trace_id(&span) {
        span.record("trace_id", trace_id);
    }
    span
}

async fn answer_calendar(inner: &Inner, caller: &Caller, method: &Method) -> Response<Body> {
    match *method {
        Method::GET | Method::HEAD => calendar::answer(inner, caller).await,
        _ => not_allowed(inner, "GET, HEAD", "this path is only for reading"),
    }
}

/// Turns somebody away whom we do not know, or who may not do this, in the form that they read.
fn refuse_caller(form: Form, inner: &Inner, error: RpcError, path: &str) -> Response<Body> {
    let counted = [("form", form.name().to_owned()), ("reason", error.reason.to_string())];
    metrics::counter!("aerie_gateway_callers_refused_total", &counted).increment(1);
    let response = match form {
        Form::Grpc => return Status::from(error).into_http(),
        Form::GrpcWeb => {
            let mut response = Status::from(error).into_http();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc-web+proto"));
            return response;
        }
        Form::OpenAi => openai::refused(&error),
        Form::Json | Form::Events | Form::Other => refuse(inner, error.clone().into()),
    };
    challenge(response, &error, path)
}

/// gRPC clients read the error from headers; everything else reads JSON.
fn refuse_as(form: Form, inner: &Inner, error: HttpError) -> Response<Body> {
    if form == Form::Grpc { Status::from(error).into_http() } else { refuse(inner, error) }
}

fn unsupported(message: &str) -> HttpError {
    let error = RpcError::new(ErrorCode::Unimplemented, "MEDIA_TYPE_UNSUPPORTED", message);
    HttpError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
}

fn not_allowed(inner: &Inner, allowed: &'static str, message: &str) -> Response<Body> {
    let error = RpcError::new(ErrorCode::Unimplemented, "METHOD_NOT_ALLOWED", message);
    let mut response = refuse(inner, HttpError::new(StatusCode::METHOD_NOT_ALLOWED, error));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}
