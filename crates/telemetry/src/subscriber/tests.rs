#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};
use tracing::dispatcher::with_default;

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn options() -> TelemetryOptions {
    TelemetryOptions {
        service: "pipeline".into(),
        version: "1.2.3".into(),
        log_format: LogFormat::Json,
        filter: "info".into(),
        otlp_endpoint: None,
        trace_share: 1.0,
        flush_timeout: Duration::from_secs(5),
    }
}

#[test]
fn json_lines_are_flat_and_filtered() {
    let lines = Lines::default();
    let writer = lines.clone();
    let (dispatch, _telemetry) = Telemetry::build(&options(), move || writer.clone()).unwrap();
    with_default(&dispatch, || {
        tracing::info!(source = "greenhouse", duration_ms = 12, "fetched");
        tracing::debug!("too much detail");
    });
    let text = lines.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.starts_with('{') && text.contains("\"source\":\"greenhouse\"") && text.contains("\"message\":\"fetched\"")
    );
}

#[test]
fn wrong_filter_is_named_with_a_remedy() {
    let error =
        Telemetry::build(&TelemetryOptions { filter: "info,a=loud".into(), ..options() }, io::sink).unwrap_err();
    assert!(error.to_string().contains("info,a=loud") && error.to_string().contains("write a level"), "{error}");
}

impl Collector {
    /// Serves on a free port; where.
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder().add_service(TraceServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        endpoint
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_reach_the_collector_before_exit() {
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let (dispatch, telemetry) =
        Telemetry::build(&TelemetryOptions { otlp_endpoint: Some(endpoint), ..options() }, io::sink).unwrap();
    with_default(&dispatch, || {
        let outer = tracing::info_span!(target: "aerie_pipeline", "discover");
        outer.in_scope(|| tracing::info_span!(target: "aerie_boards", "fetch").in_scope(|| {}));
        tracing::info_span!(target: "h2", "connection").in_scope(|| {});
    });
    telemetry.flush().await;

    let requests = collector.0.lock().unwrap().clone();
    let resource_spans: Vec<_> = requests.iter().flat_map(|request| &request.resource_spans).collect();
    let spans: Vec<_> = resource_spans.iter().flat_map(|part| &part.scope_spans).flat_map(|part| &part.spans).collect();
    let find = |name: &str| spans.iter().find(|span| span.name == name);
    let (discover, fetch) = (find("discover").expect("discover"), find("fetch").expect("fetch"));
    assert_eq!(fetch.parent_span_id, discover.span_id);
    assert!(find("connection").is_none(), "the exporter's own connection is not traced");
    let attributes = &resource_spans[0].resource.as_ref().unwrap().attributes;
    let service = attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
    assert!(format!("{service:?}").contains("pipeline"));
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_collector_does_not_hold_up_the_exit() {
    let options = TelemetryOptions {
        otlp_endpoint: Some("http://127.0.0.1:1".into()),
        flush_timeout: Duration::from_millis(300),
        ..options()
    };
    let (dispatch, telemetry) = Telemetry::build(&options, io::sink).unwrap();
    with_default(&dispatch, || tracing::info_span!(target: "aerie_pipeline", "discover").in_scope(|| {}));
    let before = std::time::Instant::now();
    telemetry.flush().await;
    assert!(before.elapsed() < Duration::from_secs(4), "{:?}", before.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_span_goes_missing_after_somebody_asked_whether_a_line_would_be_logged() {
    let collector = Collector::default();
    let options = TelemetryOptions { otlp_endpoint: Some(collector.start().await), ..options() };
    let (dispatch, telemetry) = Telemetry::build(&options, io::sink).unwrap();
    with_default(&dispatch, || {
        for _ in 0..5 {
            tracing::info_span!(target: "aerie_pipeline", "discover").in_scope(|| {
                let _ = tracing::enabled!(target: "sqlx::query", tracing::Level::DEBUG);
            });
        }
    });
    telemetry.flush().await;
    let requests = collector.0.lock().unwrap().clone();
    let scopes = requests.iter().flat_map(|request| &request.resource_spans).flat_map(|part| &part.scope_spans);
    assert_eq!(scopes.map(|scope| scope.spans.len()).sum::<usize>(), 5);
}
