//! A connection to Aerie for one command: to the server that runs on this data folder, or else to services started
//! within this process for as long as the command lasts.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aerie_llm_router::LlmRouter;
use aerie_proto::llm::v1::llm_service_client::LlmServiceClient;
use aerie_proto::pipeline::v1::{
    deletion_service_client::DeletionServiceClient, discovery_service_client::DiscoveryServiceClient,
    integrations_service_client::IntegrationsServiceClient, interviews_service_client::InterviewsServiceClient,
    jobs_service_client::JobsServiceClient, letters_service_client::LettersServiceClient,
    mail_service_client::MailServiceClient, match_service_client::MatchServiceClient,
    moving_service_client::MovingServiceClient, profile_service_client::ProfileServiceClient,
    research_service_client::ResearchServiceClient, surveys_service_client::SurveysServiceClient,
    tasks_service_client::TasksServiceClient,
};
use aerie_rpc::{Backend, PERSON_HEADER};
use aerie_telemetry::Lifecycle;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
};

use crate::{
    app::{App, VisionPlace, router_deps},
    cli::Cli,
    commands::load_config,
};

/// What a running server writes down about itself, so that other commands find it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ServerNote {
    /// Address, for example `http://127.0.0.1:8700`.
    pub url: String,
    /// Process id.
    pub pid: u32,
}

impl ServerNote {
    /// Where the note of a data folder lies.
    pub fn path(data: &Path) -> PathBuf {
        data.join("server.json")
    }

    /// The note of a data folder, if there is a readable one.
    pub fn read(data: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(Self::path(data)).ok()?).ok()
    }
}

/// Variable with the token or API key that a command shows to a server with accounts.
const TOKEN: &str = "AERIE_TOKEN";

/// Says who calls: to services within this process by name, to a gateway by a proof.
#[derive(Clone)]
pub struct AsPerson {
    person: Option<MetadataValue<Ascii>>,
    authorization: Option<MetadataValue<Ascii>>,
}

impl AsPerson {
    fn nobody() -> Self {
        Self { person: None, authorization: None }
    }

    fn within(person: &str) -> Self {
        Self { person: person.parse().ok(), authorization: None }
    }

    /// Whoever the token in the environment is for; a gateway without accounts needs none.
    fn of_environment() -> anyhow::Result<Self> {
        let Some(token) = std::env::var(TOKEN).ok().filter(|token| !token.is_empty()) else {
            return Ok(Self::nobody());
        };
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {token}").parse().with_context(|| format!("{TOKEN} is not a token"))?;
        value.set_sensitive(true);
        Ok(Self { person: None, authorization: Some(value) })
    }
}

impl Interceptor for AsPerson {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(person) = &self.person {
            request.metadata_mut().insert(PERSON_HEADER, person.clone());
        }
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        Ok(request)
    }
}

/// What every generated client of a command runs on.
pub type Connection = InterceptedService<Backend, AsPerson>;

/// Largest answer that a command takes.
const MOST_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The clients of one command.
pub struct Session {
    connection: Connection,
    app: Option<Box<App>>,
}

impl Session {
    /// Connects to the server of the data folder, or starts the services here.
    pub async fn open(cli: &Cli) -> anyhow::Result<Self> {
        let mut config = load_config(cli)?;
        if let Some(note) = ServerNote::read(&config.data_dir)
            && is_live(&note.url).await
        {
            let backend = Backend::remote(&note.url)?;
            let connection = InterceptedService::new(backend, AsPerson::of_environment()?);
            return Ok(Self { connection, app: None });
        }
        if cli.log.is_none() {
            // What a command has to say it prints itself; the log of its services would only stand in between.
            config.telemetry.level = "error".to_owned();
        }
        let app = App::start(config, VisionPlace::Nowhere).await?;
        Ok(Self::within(app))
    }

    /// The clients of services that run in this process.
    pub fn within(app: Box<App>) -> Self {
        let person = AsPerson::within(&app.person.to_string());
        let connection = InterceptedService::new(app.pipeline.clone(), person);
        Self { connection, app: Some(app) }
    }

    /// Whether a server runs that goes on when this command ends.
    pub fn is_remote(&self) -> bool {
        self.app.is_none()
    }

    /// Discovery.
    pub fn discovery(&self) -> DiscoveryServiceClient<Connection> {
        DiscoveryServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// Jobs.
    pub fn jobs(&self) -> JobsServiceClient<Connection> {
        JobsServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// The course of applications.
    pub fn interviews(&self) -> InterviewsServiceClient<Connection> {
        InterviewsServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// Programs that are pushed to.
    pub fn integrations(&self) -> IntegrationsServiceClient<Connection> {
        IntegrationsServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// Surveys of employers.
    pub fn surveys(&self) -> SurveysServiceClient<Connection> {
        SurveysServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// What is written for applications.
    pub fn letters(&self) -> LettersServiceClient<Connection> {
        LettersServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// Employers and practice.
    pub fn research(&self) -> ResearchServiceClient<Connection> {
        ResearchServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// Moving data in and out.
    pub fn moving(&self) -> MovingServiceClient<Connection> {
        MovingServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// Deleting everything.
    pub fn deletion(&self) -> DeletionServiceClient<Connection> {
        DeletionServiceClient::new(self.connection.clone())
    }

    /// Mail about applications.
    pub fn mail(&self) -> MailServiceClient<Connection> {
        MailServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }

    /// Matching.
    pub fn matching(&self) -> MatchServiceClient<Connection> {
        MatchServiceClient::new(self.connection.clone())
    }

    /// Profile.
    pub fn profile(&self) -> ProfileServiceClient<Connection> {
        ProfileServiceClient::new(self.connection.clone())
    }

    /// Tasks.
    pub fn tasks(&self) -> TasksServiceClient<Connection> {
        TasksServiceClient::new(self.connection.clone())
    }

    /// The services that were started for this command, to go on with them.
    pub fn into_app(self) -> Option<Box<App>> {
        self.app
    }

    /// Stops the services that were started for this command.
    pub async fn close(self) {
        if let Some(app) = self.app {
            app.stop().await;
        }
    }
}

/// A connection to the language-model router alone: through the server of the data folder, at the address that the
/// settings name, or made for this command without opening any store.
pub struct RouterSession {
    connection: Connection,
}

impl RouterSession {
    /// Connects. A router that is made here has looked for model servers once.
    pub async fn open(cli: &Cli) -> anyhow::Result<Self> {
        let config = load_config(cli)?;
        if let Some(note) = ServerNote::read(&config.data_dir)
            && is_live(&note.url).await
        {
            return Ok(Self::at(Backend::remote(&note.url)?, AsPerson::of_environment()?));
        }
        if let Some(endpoint) = &config.llm_router.endpoint {
            return Ok(Self::at(Backend::remote(endpoint).context("llm_router.endpoint")?, AsPerson::nobody()));
        }
        // One provider for the whole process; a second installation of the same one is no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let router = LlmRouter::create(router_deps(&config), &config.limits, &Lifecycle::new()).await?;
        router.router().look().await;
        Ok(Self::at(router.backend(), AsPerson::nobody()))
    }

    fn at(backend: Backend, person: AsPerson) -> Self {
        Self { connection: InterceptedService::new(backend, person) }
    }

    /// The router's calls.
    pub fn llm(&self) -> LlmServiceClient<Connection> {
        LlmServiceClient::new(self.connection.clone()).max_decoding_message_size(MOST_ANSWER_BYTES)
    }
}

/// Whether something answers as Aerie at an address.
pub async fn is_live(url: &str) -> bool {
    healthcheck(url).await.is_ok()
}

/// Asks `/readyz`; the error says what to do.
pub async fn healthcheck(url: &str) -> anyhow::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(authority).await?;
        let request = format!("GET /readyz HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer).await?;
        answer.truncate(length);
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(Duration::from_secs(3), ask)
        .await
        .with_context(|| format!("{url} did not answer within 3 seconds"))?
        .with_context(|| format!("{url} cannot be reached; start Aerie with `aerie up`"))?;
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    anyhow::ensure!(
        status == "200",
        "{url} is not ready (it answered {:?})",
        answer.lines().next().unwrap_or_default()
    );
    Ok(())
}
