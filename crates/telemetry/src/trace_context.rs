//! Trace context across process and queue borders, in the W3C form (<https://www.w3.org/TR/trace-context/>).
//!
//! gRPC metadata is a header map too (`metadata.as_mut()`), so one pair of functions serves HTTP and gRPC. When traces
//! are not exported there is no context of our own, and headers that came in pass through unchanged.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// Writes the current span's context into request headers, for the next service.
pub fn inject(headers: &mut HeaderMap) {
    let context = Span::current().context();
    if context.span().span_context().is_valid() {
        TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
    }
}

/// Makes `span` a child of the context that the headers carry, if they carry one. Call it before entering the span.
pub fn continue_from(span: &Span, headers: &HeaderMap) {
    if !headers.contains_key(TRACEPARENT) {
        return;
    }
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    if parent.span().span_context().is_valid() {
        // Fails only when traces are not exported, and then there is nothing to connect.
        let _ = span.set_parent(parent);
    }
}

/// The current span's context as the text of a `traceparent` header, to be stored with a task; none when traces are not
/// exported.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let mut headers = HeaderMap::new();
    inject(&mut headers);
    headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// As [`continue_from`], with the text of a `traceparent` header that was stored with a task: what a task does belongs to
/// the trace of whoever asked for it, however much later it runs.
pub fn continue_stored(span: &Span, traceparent: &str) {
    if let Ok(value) = HeaderValue::from_str(traceparent) {
        continue_from(span, &HeaderMap::from_iter([(HeaderName::from_static(TRACEPARENT), value)]));
    }
}

/// The trace id of `span` as 32 hexadecimal digits, for log lines; none when traces are not exported.
#[must_use]
pub fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    context.is_valid().then(|| context.trace_id().to_string())
}

struct HeaderInjector<'a>(&'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // An empty tracestate is allowed but says nothing.
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

struct HeaderExtractor<'a>(&'a HeaderMap);

impl Extractor for HeaderExtractor<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use opentelemetry::trace::TracerProvider;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
    use tracing::{info_span, subscriber::with_default};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(traceparent: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(TRACEPARENT), HeaderValue::from_str(traceparent).unwrap())])
    }

    fn traced(work: impl FnOnce()) -> Vec<opentelemetry_sdk::trace::SpanData> {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        with_default(tracing_subscriber::registry().with(layer), work);
        exporter.get_finished_spans().unwrap()
    }

    #[test]
    fn context_passes_from_headers_through_a_span_to_headers() {
        let mut out = HeaderMap::new();
        let spans = traced(|| {
            let span = info_span!("serve");
            continue_from(&span, &headers(PARENT));
            assert_eq!(trace_id(&span).unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
            span.in_scope(|| inject(&mut out));
        });
        let sent = out.get(TRACEPARENT).unwrap().to_str().unwrap();
        assert!(sent.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{sent}");
        assert!(!sent.contains("00f067aa0ba902b7"), "the next parent is our own span: {sent}");
        assert_eq!(spans[0].parent_span_id.to_string(), "00f067aa0ba902b7");
    }

    #[test]
    fn stored_context_goes_on_in_a_later_span() {
        let mut stored = None;
        let spans = traced(|| {
            info_span!("submit").in_scope(|| stored = current_traceparent());
            let run = info_span!("run");
            continue_stored(&run, "rubbish");
            continue_stored(&run, stored.as_deref().unwrap());
        });
        let (submit, run) = (&spans[0], &spans[1]);
        assert_eq!(run.parent_span_id, submit.span_context.span_id());
        assert_eq!(run.span_context.trace_id(), submit.span_context.trace_id());
    }

    #[test]
    fn rubbish_and_missing_headers_change_nothing() {
        for value in ["", "00-zz-00-01", "00-00000000000000000000000000000000-0000000000000000-01"] {
            let spans = traced(|| continue_from(&info_span!("serve"), &headers(value)));
            assert_eq!(spans[0].parent_span_id.to_string(), "0000000000000000", "{value}");
        }
        let mut untouched = headers(PARENT);
        inject(&mut untouched);
        assert_eq!(untouched, headers(PARENT), "without an exporter incoming headers pass through");
        assert_eq!(current_traceparent(), None);
    }
}
