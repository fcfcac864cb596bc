//! One call from request to response.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use aerie_telemetry::{continue_from, trace_id};
use futures::FutureExt;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::{Code, Status, body::Body, service::Routes};
use tower::ServiceExt;
use tracing::{Instrument, Span, field::Empty, info_span};

use super::{Shared, methods::Method};
use crate::{
    body::{GuardedBody, deadline_exceeded},
    context::within,
    error::RpcError,
    timeout::parse_timeout,
};

/// How long a refused caller is asked to wait.
const RETRY_WHEN_FULL: Duration = Duration::from_millis(250);

/// Answers one call; every error becomes a response here and nowhere else.
pub(crate) async fn answer(server: Arc<Shared>, request: Request<Body>) -> Response<Body> {
    let method = server.methods.find(request.uri().path());
    let span = span(method, &request);
    let (began, asked) = (Instant::now(), parse_timeout(request.headers()));

    let Ok(permit) = server.places.clone().try_acquire_owned() else {
        let message = format!("{} calls are in progress, which is the limit", server.limits.concurrency);
        let refusal = RpcError::exhausted("TOO_MANY_CALLS", message, RETRY_WHEN_FULL);
        report(method, &span, began, Code::ResourceExhausted);
        return Status::from(refusal).into_http();
    };
    let in_flight = InFlight::new(method);
    let limit = asked.unwrap_or(server.limits.deadline).min(server.limits.deadline);
    let work = rescued(server.routes.clone(), request).instrument(span.clone());
    // Calls that the handler makes end with the caller's patience, too; without a limit of the caller's each has its own.
    let work = within(asked.and_then(|asked| began.checked_add(asked)), work);
    let response = match tokio::time::timeout(limit, work).await {
        Ok(response) => response,
        Err(_) => Status::from(deadline_exceeded()).into_http(),
    };

    // An error without a body has its code in the headers; anything else says it in its trailers.
    let early = Status::from_header_map(response.headers()).map(|status| status.code());
    let until = asked.and_then(|asked| began.checked_add(asked));
    let stop = server.lifecycle.soft();
    response.map(|body| {
        let finished = move |outcome: Code| {
            drop(in_flight);
            report(method, &span, began, early.unwrap_or(outcome));
        };
        Body::new(GuardedBody::new(body).until(until).until_stop(stop).holding(Some(permit)).reporting(finished))
    })
}

fn span(method: &'static Method, request: &Request<Body>) -> Span {
    let span = info_span!(
        "rpc",
        otel.name = format!("{}/{}", method.service, method.name),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = method.service,
        rpc.method = method.name,
        rpc.grpc.status_code = Empty,
        trace_id = Empty,
    );
    continue_from(&span, request.headers());
    if let Some(trace_id) = trace_id(&span) {
        span.record("trace_id", trace_id);
    }
    span
}

/// A handler that panics must not take its caller down: in one process the caller is the gateway.
async fn rescued(routes: Routes, request: Request<Body>) -> Response<Body> {
    match AssertUnwindSafe(routes.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => Status::from(RpcError::internal(error)).into_http(),
        Err(_) => Status::from(RpcError::internal("the handler panicked")).into_http(),
    }
}

/// One more call in progress, until it is dropped.
struct InFlight(metrics::Gauge);

impl InFlight {
    fn new(method: &'static Method) -> Self {
        let calls = metrics::gauge!("aerie_rpc_server_in_flight", "service" => method.service.as_str());
        calls.increment(1.0);
        Self(calls)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn report(method: &'static Method, span: &Span, began: Instant, outcome: Code) {
    span.record("rpc.grpc.status_code", outcome as i32);
    let labels = [("service", method.service.as_str()), ("method", &method.name), ("code", number(outcome))];
    metrics::histogram!("aerie_rpc_server_seconds", &labels).record(began.elapsed().as_secs_f64());
}

/// A code's number as a label.
fn number(code: Code) -> &'static str {
    const NUMBERS: [&str; 17] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"];
    usize::try_from(code as i32).ok().and_then(|code| NUMBERS.get(code)).copied().unwrap_or("2")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_telemetry::Metrics;

    use super::*;
    use crate::server::methods::Methods;

    #[test]
    fn calls_in_progress_are_told_until_they_end() {
        let metrics = Metrics::install().unwrap();
        let method = Methods::shared().unwrap().find("/aerie.pipeline.v1.SurveysService/ListSurveys");
        let has = |line: &str| metrics.render().lines().any(|found| found == line);
        let calls = [InFlight::new(method), InFlight::new(method)];
        assert!(
            has("aerie_rpc_server_in_flight{service=\"aerie.pipeline.v1.SurveysService\"} 2"),
            "{}",
            metrics.render()
        );
        drop(calls);
        assert!(
            has("aerie_rpc_server_in_flight{service=\"aerie.pipeline.v1.SurveysService\"} 0"),
            "{}",
            metrics.render()
        );
    }
}
