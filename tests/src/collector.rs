//! A receiver of traces (OTLP over gRPC) that keeps what it gets.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Notify};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

use crate::{cluster::free_port, tools};

/// A span, as far as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Trace id, in hexadecimal digits.
    pub trace: String,
    /// Span id.
    pub id: String,
    /// Span id of its parent; empty for none.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// `service.name` of the process.
    pub service: String,
}

/// The receiver; stops with the runtime.
#[derive(Debug, Clone)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    spans: Mutex<Vec<Span>>,
    came: Notify,
}

impl Collector {
    /// Starts on a free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let this = Self { address: listener.local_addr()?, shared: Arc::default() };
        let server = Server::builder().add_service(TraceServiceServer::new(this.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        Ok(this)
    }

    /// Where to send, for `telemetry.otlp_endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans of one trace so far.
    #[must_use]
    pub fn spans(&self, trace: &str) -> Vec<Span> {
        let spans = self.shared.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().filter(|span| span.trace == trace).cloned().collect()
    }

    /// Which services told of anything, with the number of spans.
    #[must_use]
    pub fn services(&self) -> BTreeMap<String, usize> {
        services(&self.shared.spans.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the spans of a trace are as wanted.
    pub async fn wait(&self, trace: &str, mut is_wanted: impl FnMut(&[Span]) -> bool) -> Vec<Span> {
        loop {
            let came = self.shared.came.notified();
            let spans = self.spans(trace);
            if is_wanted(&spans) {
                return spans;
            }
            came.await;
        }
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut spans = self.shared.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for process in request.into_inner().resource_spans {
            let attributes = process.resource.unwrap_or_default().attributes;
            let name = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let service = match name.and_then(|name| name.value).and_then(|value| value.value) {
                Some(Value::StringValue(name)) => name,
                _ => String::new(),
            };
            for span in process.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                spans.push(Span {
                    trace: hex(&span.trace_id),
                    id: hex(&span.span_id),
                    parent: hex(&span.parent_span_id),
                    name: span.name,
                    service: service.clone(),
                });
            }
        }
        drop(spans);
        self.shared.came.notify_waiters();
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// A collector that nobody here wrote: Rotel, which prints what it takes.
#[derive(Debug)]
pub struct OtherCollector {
    port: u16,
    child: Child,
    folder: TempDir,
}

impl OtherCollector {
    /// Starts it; `None` where it is not installed.
    ///
    /// # Errors
    /// It does not start.
    pub fn start() -> anyhow::Result<Option<Self>> {
        let Some(program) = tools::rotel()? else { return Ok(None) };
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let printed = File::create(folder.path().join("printed"))?;
        let child = Command::new(program)
            .args(["start", "--exporter", "blackhole", "--debug-log", "traces", "--debug-log-verbosity", "detailed"])
            .args(["--otlp-grpc-endpoint", &format!("127.0.0.1:{port}")])
            .args(["--otlp-http-endpoint", &format!("127.0.0.1:{}", free_port()?)])
            .arg("--pid-file")
            .arg(folder.path().join("pid"))
            .stdout(printed)
            .stderr(Stdio::null())
            .spawn()
            .context("rotel-agent")?;
        let mut this = Self { port, child, folder };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = this.child.try_wait()?;
            ensure!(ended.is_none() && Instant::now() < deadline, "rotel-agent does not listen: {ended:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(this))
    }

    /// Where to send, for `telemetry.otlp_endpoint`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The spans of one trace as it has printed them so far.
    ///
    /// # Errors
    /// What it printed cannot be read.
    pub fn spans(&self, trace: &str) -> anyhow::Result<Vec<Span>> {
        let printed = fs::read_to_string(self.folder.path().join("printed"))?;
        let (mut spans, mut service) = (Vec::<Span>::new(), String::new());
        for line in printed.lines() {
            let (key, value) = line.split_once(':').unwrap_or_default();
            let value = value.trim();
            match (key.trim(), spans.last_mut()) {
                ("-> service.name", _) => {
                    service = value.trim_start_matches("Str(").trim_end_matches(')').to_owned();
                }
                ("Trace ID", _) => spans.push(Span {
                    trace: value.to_owned(),
                    id: String::new(),
                    parent: String::new(),
                    name: String::new(),
                    service: service.clone(),
                }),
                ("Parent ID", Some(span)) => span.parent = value.to_owned(),
                ("ID", Some(span)) => span.id = value.to_owned(),
                ("Name", Some(span)) => span.name = value.to_owned(),
                _ => {}
            }
        }
        spans.retain(|span| span.trace == trace);
        Ok(spans)
    }
}

impl Drop for OtherCollector {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is wrong with a trace that should be one tree below `root`: spans whose parent is not there.
#[must_use]
pub fn loose(spans: &[Span], root: &str) -> Vec<Span> {
    let known: BTreeSet<&str> = spans.iter().map(|span| span.id.as_str()).collect();
    let is_loose = |span: &&Span| span.parent != root && !known.contains(span.parent.as_str());
    spans.iter().filter(is_loose).cloned().collect()
}

/// Which services took part, and with how many spans.
#[must_use]
pub fn services(spans: &[Span]) -> BTreeMap<String, usize> {
    let mut services = BTreeMap::new();
    for span in spans {
        *services.entry(span.service.clone()).or_default() += 1;
    }
    services
}
