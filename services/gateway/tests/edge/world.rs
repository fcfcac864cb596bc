//! A gateway on a free port with its services, and a client that can send anything.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use aerie_config::{Config, Loader};
use aerie_gateway::{Callers, Gateway, GatewayDeps, PublicNames, ServiceRoute, bind};
use aerie_proto::{
    llm::v1::llm_service_server::LlmServiceServer,
    pipeline::v1::{
        deletion_service_server::DeletionServiceServer, events_service_server::EventsServiceServer,
        moving_service_server::MovingServiceServer,
    },
};
use aerie_rpc::{Backend, GrpcServer, GrpcServerBuilder, HttpService, PersonId, ServerLimits};
use aerie_telemetry::{Lifecycle, Metrics};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::fake::{Deletion, Events, Llm, Moving, OpenAi};

pub const COMPLETE: &str = "/aerie.llm.v1.LlmService/Complete";
pub const SUBSCRIBE: &str = "/aerie.pipeline.v1.EventsService/Subscribe";
pub const PIPELINE_SERVICES: [&str; 14] = [
    "DeletionService",
    "DiscoveryService",
    "EventsService",
    "IntegrationsService",
    "InterviewsService",
    "JobsService",
    "LettersService",
    "MailService",
    "MatchService",
    "MovingService",
    "ProfileService",
    "ResearchService",
    "SurveysService",
    "TasksService",
];

/// How long a test waits for an answer that should come at once.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct World {
    pub address: SocketAddr,
    pub lifecycle: Lifecycle,
    pub pipeline: GrpcServer,
    pub events: Events,
    pub moving: Moving,
    pub deletion: Deletion,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

pub fn config() -> Config {
    Loader::new().environment([("AERIE_HOME", "/nowhere")]).load().unwrap()
}

impl World {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        Self::of(config, Callers::local(PersonId::new("ada").unwrap())).await
    }

    /// A gateway that asks who is there.
    pub async fn of(config: Config, callers: Callers) -> Self {
        let (lifecycle, events, moving) = (Lifecycle::new(), Events::default(), Moving::default());
        let deletion = Deletion::default();
        let pipeline = GrpcServerBuilder::new(ServerLimits::default())
            .service(EventsServiceServer::new(events.clone()))
            .service(MovingServiceServer::new(moving.clone()))
            .service(DeletionServiceServer::new(deletion.clone()))
            .build(&lifecycle)
            .await
            .unwrap();
        let llm = GrpcServerBuilder::new(ServerLimits::default())
            .service(LlmServiceServer::new(Llm).max_decoding_message_size(64 << 20))
            .build(&lifecycle)
            .await
            .unwrap();
        let route = |name, package, server: &GrpcServer, required| ServiceRoute {
            name,
            package,
            backend: server.backend(),
            required,
        };
        let deps = GatewayDeps {
            services: vec![
                route("pipeline", "aerie.pipeline.v1", &pipeline, true),
                route("llm-router", "aerie.llm.v1", &llm, false),
            ],
            openai: Some(HttpService::new(OpenAi)),
            callers,
            names: PublicNames {
                addresses: config.accounts.public_addresses.clone(),
                hosts: config.accounts.hosts.clone(),
            },
            server: config.server.clone(),
            limits: config.limits.clone(),
            metrics: Some(Metrics::install().unwrap()),
            version: "1.2.3<",
            data: std::env::temp_dir(),
            operators: config.accounts.operators.clone(),
        };
        let gateway = Gateway::new(deps, &lifecycle).await.unwrap();
        let bound = bind(config.server.listen, 0, 0).await.unwrap();
        tokio::spawn(gateway.serve(bound.listener));
        Self { address: bound.address, lifecycle, pipeline, events, moving, deletion }
    }

    /// The gateway as the backend of a generated client, over a real connection.
    pub fn backend(&self) -> Backend {
        Backend::remote(&format!("http://{}", self.address)).unwrap()
    }

    /// Sends a request with our own host header and reads the whole answer.
    pub async fn http(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let host = self.address.to_string();
        let mut all = vec![("host", host.as_str())];
        all.extend_from_slice(headers);
        self.exactly(method, path, &all, body).await
    }

    /// Sends a request with exactly these headers (and a length) and reads the whole answer.
    pub async fn exactly(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let length = body.len().to_string();
        let mut all = headers.to_vec();
        all.extend_from_slice(&[("connection", "close"), ("content-length", &length)]);
        let mut stream = self.open(method, path, &all).await;
        // A server may refuse and close before it has read everything.
        let _ = stream.write_all(body).await;
        let mut bytes = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer in time");
        parse(&bytes)
    }

    /// Connects, sends the request line and headers, and leaves the rest to the caller.
    pub async fn open(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        stream.write_all(format!("{method} {path} HTTP/1.1\r\n{lines}\r\n").as_bytes()).await.unwrap();
        stream
    }

    /// A unary call in JSON.
    pub async fn call(&self, path: &str, body: &Value) -> Answer {
        self.http("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes()).await
    }
}

/// Reads until the text so far satisfies the condition.
pub async fn read_until(stream: &mut TcpStream, condition: impl Fn(&str) -> bool) -> String {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while !condition(&text) {
        let read =
            timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap_or_else(|_| panic!("waiting after: {text}"));
        let length = read.unwrap();
        assert!(length > 0, "the stream ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    text
}

/// Reads a whole answer.
pub fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a complete header");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    let is_chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
    Answer { status, headers, body: if is_chunked { dechunk(body) } else { body.to_vec() } }
}

fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.extend_from_slice(&bytes[end + 2..end + 2 + length]);
        bytes = &bytes[end + 4 + length..];
    }
    whole
}
