//! A pipeline on a temporary home, with sample boards that stand in for the internet.

use std::{collections::BTreeMap, sync::Arc};

use aerie_config::Config;
use aerie_pipeline::{Pipeline, PipelineDeps};
use aerie_proto::pipeline::v1::{
    self as pb, deletion_service_client::DeletionServiceClient, discovery_service_client::DiscoveryServiceClient,
    events_service_client::EventsServiceClient, integrations_service_client::IntegrationsServiceClient,
    interviews_service_client::InterviewsServiceClient, jobs_service_client::JobsServiceClient,
    letters_service_client::LettersServiceClient, mail_service_client::MailServiceClient,
    match_service_client::MatchServiceClient, moving_service_client::MovingServiceClient,
    profile_service_client::ProfileServiceClient, research_service_client::ResearchServiceClient,
    surveys_service_client::SurveysServiceClient, tasks_service_client::TasksServiceClient,
};
use aerie_rpc::{Backend, PERSON_HEADER};
use aerie_store::{PersonId, Stores, StoresConfig, accounts};
use aerie_tasks::ManualClock;
use aerie_telemetry::Lifecycle;
use aerie_testkit::{boards::BoardServer, postgres::TestPostgres};
use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{
    Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
};

use crate::scripted::ScriptedServer;

/// When every test begins: a Monday morning.
pub fn start_time() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap()
}

/// What a test wants of its world.
pub struct Options {
    /// Minutes in which an answer is fresh.
    pub freshness_minutes: u64,
    /// Hosts that a scripted server stands in for.
    pub scripted: Vec<&'static str>,
    /// Further settings, merged over the others.
    pub settings: Value,
    /// A language-model router.
    pub router: Option<Backend>,
}

impl Default for Options {
    fn default() -> Self {
        Self { freshness_minutes: 60, scripted: vec![], settings: json!({}), router: None }
    }
}

/// A running pipeline.
pub struct World {
    pub boards: BoardServer,
    pub scripted: ScriptedServer,
    pub clock: Arc<ManualClock>,
    /// For what no call can bring about.
    pub stores: Arc<Stores>,
    pub ada: Caller,
    /// Somebody else on the same installation.
    pub ben: Caller,
    backend: Backend,
    pipeline: Pipeline,
    lifecycle: Lifecycle,
    config: Config,
    _home: TempDir,
    postgres: Option<TestPostgres>,
}

/// Another process on the same server.
pub struct Replica {
    pub ada: Caller,
    lifecycle: Lifecycle,
    _pipeline: Pipeline,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// Names the person to the service, as the gateway does.
#[derive(Clone)]
pub struct AsPerson(MetadataValue<Ascii>);

impl Interceptor for AsPerson {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert(PERSON_HEADER, self.0.clone());
        Ok(request)
    }
}

type Connection = InterceptedService<Backend, AsPerson>;

/// Generated clients that call as one person.
#[derive(Clone)]
pub struct Caller {
    connection: Connection,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Self {
        Self::on(options, None).await
    }

    /// A world on a PostgreSQL database of its own; `None` where PostgreSQL is not installed.
    pub async fn on_postgres(options: Options) -> Option<Self> {
        let postgres = TestPostgres::start().await.unwrap()?;
        Some(Self::on(options, Some(postgres)).await)
    }

    async fn on(options: Options, postgres: Option<TestPostgres>) -> Self {
        let clock = Arc::new(ManualClock::new(start_time()));
        let boards = BoardServer::start(start_time()).await.unwrap();
        let scripted = ScriptedServer::start().await;
        let home = tempfile::tempdir().unwrap();
        let mut endpoints: BTreeMap<String, String> = boards.endpoints();
        endpoints.extend(options.scripted.iter().map(|host| ((*host).to_owned(), scripted.endpoint(host))));
        let mut settings = json!({
            "data_dir": home.path(),
            "tasks": { "poll_ms": 10 },
            // Whatever runs on this machine is not asked.
            "research": { "searxng": "off" },
            "discovery": {
                "endpoints": endpoints,
                "per_host_interval_ms": 0,
                "freshness_minutes": options.freshness_minutes,
                "retry": { "attempts": 1, "base_delay_ms": 1, "max_delay_ms": 1 },
                // No test may ask the real internet.
                "disabled_sources": without_stand_in(&boards),
            },
        });
        if let Some(postgres) = &postgres {
            merge(&mut settings, json!({ "store": { "url": postgres.url() } }));
        }
        merge(&mut settings, options.settings);
        let config = Config::load(None, &settings).unwrap();
        let stores = Arc::new(Stores::open(stores_config(&config, postgres.as_ref())).await.unwrap());
        let deps =
            PipelineDeps { stores: Arc::clone(&stores), config: &config, clock: clock.clone(), router: options.router };
        let pipeline = Pipeline::create(deps).unwrap();
        let ada = pipeline.local_person().await.unwrap();
        let ben = second_person(&stores).await;
        let lifecycle = Lifecycle::new();
        let backend = pipeline.server(&lifecycle).await.unwrap().backend();
        pipeline.start(&lifecycle).await.unwrap();
        let (ada, ben) = (Caller::new(backend.clone(), ada), Caller::new(backend.clone(), ben));
        Self { backend, ada, ben, boards, scripted, clock, stores, pipeline, lifecycle, config, _home: home, postgres }
    }

    /// A second process on the same data, with connections of its own.
    pub async fn replica(&self) -> Replica {
        let config = stores_config(&self.config, self.postgres.as_ref());
        let stores = Arc::new(Stores::open(config).await.unwrap());
        let deps = PipelineDeps { stores, config: &self.config, clock: self.clock.clone(), router: None };
        let pipeline = Pipeline::create(deps).unwrap();
        let ada = pipeline.local_person().await.unwrap();
        let lifecycle = Lifecycle::new();
        let backend = pipeline.server(&lifecycle).await.unwrap().backend();
        pipeline.start(&lifecycle).await.unwrap();
        Replica { ada: Caller::new(backend, ada), lifecycle, _pipeline: pipeline }
    }

    /// Whoever sits at this machine now.
    pub async fn local_person(&self) -> Caller {
        Caller::new(self.backend.clone(), self.ada_id().await)
    }

    /// The id of whoever sits at this machine now.
    pub async fn ada_id(&self) -> PersonId {
        self.pipeline.local_person().await.unwrap()
    }

    /// Listens for new mail, as a program that stays does.
    pub fn watch_mail(&self) {
        self.pipeline.watch_mail(&self.lifecycle);
    }

    /// A search over every sample board and aggregator, with nothing filtered out.
    pub fn whole_search(&self) -> pb::SearchProfile {
        pb::SearchProfile {
            name: "everything".to_owned(),
            titles: vec!["Rust Engineer".to_owned()],
            company_boards: self.boards.company_boards(),
            results_per_source: 1_000,
            ..Default::default()
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// A search over one board, `system:token`.
pub fn board_search(board: &str) -> pb::SearchProfile {
    let (source, _) = board.split_once(':').unwrap();
    pb::SearchProfile {
        name: board.to_owned(),
        titles: vec!["Rust Engineer".to_owned()],
        sources: vec![source.to_owned()],
        company_boards: vec![board.to_owned()],
        ..Default::default()
    }
}

fn stores_config(config: &Config, postgres: Option<&TestPostgres>) -> StoresConfig {
    match postgres {
        Some(postgres) => postgres.stores_config(&config.data_dir),
        None => StoresConfig {
            url: "embedded".to_owned(),
            data: config.data_dir.clone(),
            migrate: true,
            connections: config.store.connections,
        },
    }
}

async fn second_person(stores: &Stores) -> PersonId {
    let mut tx = stores.platform().begin().await.unwrap();
    let person = accounts::ensure_external_person(&mut tx, "ben@example.com", "Ben", start_time()).await.unwrap();
    tx.commit().await.unwrap();
    person
}

fn without_stand_in(boards: &BoardServer) -> Vec<String> {
    let there = boards.aggregators();
    aerie_boards::all()
        .iter()
        .map(|source| source.info())
        .filter(|info| info.kind != aerie_boards::SourceKind::CompanyBoard && !there.contains(&info.name))
        .map(|info| info.name.clone())
        .collect()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

impl Caller {
    fn new(backend: Backend, person: PersonId) -> Self {
        Self { connection: InterceptedService::new(backend, AsPerson(person.to_string().parse().unwrap())) }
    }

    pub fn discovery(&self) -> DiscoveryServiceClient<Connection> {
        DiscoveryServiceClient::new(self.connection.clone())
    }

    pub fn jobs(&self) -> JobsServiceClient<Connection> {
        JobsServiceClient::new(self.connection.clone()).max_decoding_message_size(64 << 20)
    }

    pub fn interviews(&self) -> InterviewsServiceClient<Connection> {
        InterviewsServiceClient::new(self.connection.clone())
    }

    pub fn mail(&self) -> MailServiceClient<Connection> {
        MailServiceClient::new(self.connection.clone())
    }

    pub fn integrations(&self) -> IntegrationsServiceClient<Connection> {
        IntegrationsServiceClient::new(self.connection.clone())
    }

    pub fn matching(&self) -> MatchServiceClient<Connection> {
        MatchServiceClient::new(self.connection.clone())
    }

    pub fn profile(&self) -> ProfileServiceClient<Connection> {
        ProfileServiceClient::new(self.connection.clone())
    }

    pub fn surveys(&self) -> SurveysServiceClient<Connection> {
        SurveysServiceClient::new(self.connection.clone()).max_encoding_message_size(64 << 20)
    }

    pub fn letters(&self) -> LettersServiceClient<Connection> {
        LettersServiceClient::new(self.connection.clone()).max_decoding_message_size(64 << 20)
    }

    pub fn moving(&self) -> MovingServiceClient<Connection> {
        MovingServiceClient::new(self.connection.clone())
    }

    pub fn deletion(&self) -> DeletionServiceClient<Connection> {
        DeletionServiceClient::new(self.connection.clone())
    }

    pub fn research(&self) -> ResearchServiceClient<Connection> {
        ResearchServiceClient::new(self.connection.clone())
    }

    /// Imports a résumé from a file.
    pub async fn import_resume(&self, file_name: &str, content: &[u8]) -> pb::ImportResumeResponse {
        let request = pb::ImportResumeRequest {
            content: content.to_vec(),
            file_name: file_name.to_owned(),
            ..Default::default()
        };
        self.profile().import_resume(request).await.unwrap().into_inner()
    }

    pub fn tasks(&self) -> TasksServiceClient<Connection> {
        TasksServiceClient::new(self.connection.clone())
    }

    pub fn events(&self) -> EventsServiceClient<Connection> {
        EventsServiceClient::new(self.connection.clone())
    }

    /// Saves a search profile; returns it with its id.
    pub async fn save_search(&self, search: pb::SearchProfile) -> pb::SearchProfile {
        let request = pb::SaveSearchProfileRequest { search_profile: Some(search) };
        self.profile().save_search_profile(request).await.unwrap().into_inner().search_profile.unwrap()
    }

    /// Saves a profile; returns the task that scores everything anew, empty when nothing changed.
    pub async fn save_profile(&self, profile: pb::Profile) -> String {
        let request = pb::UpdateProfileRequest { profile: Some(profile), update_mask: None };
        self.profile().update_profile(request).await.unwrap().into_inner().rescore_task_id
    }

    /// Starts a run of a search profile.
    pub async fn start(&self, search: &pb::SearchProfile) -> pb::StartRunResponse {
        let request = pb::StartRunRequest { search_profile_id: search.id.clone(), sources: vec![] };
        self.discovery().start_run(request).await.unwrap().into_inner()
    }

    /// Starts a run and waits for its end.
    pub async fn run(&self, search: &pb::SearchProfile) -> pb::Run {
        let started = self.start(search).await;
        self.ended(&started.run.unwrap().id).await
    }

    /// The last state of a run, once it has ended.
    pub async fn ended(&self, run: &str) -> pb::Run {
        let request = pb::WatchRunRequest { run_id: run.to_owned() };
        let mut stream = self.discovery().watch_run(request).await.unwrap().into_inner();
        let mut last = None;
        while let Some(update) = stream.message().await.unwrap() {
            last = update.run;
        }
        last.expect("a stream of a run gives at least its present state")
    }

    /// The last state of a task, once it has ended.
    pub async fn task_ended(&self, task: &str) -> pb::Task {
        let request = pb::WatchTaskRequest { task_id: task.to_owned() };
        let mut stream = self.tasks().watch_task(request).await.unwrap().into_inner();
        let mut last = None;
        while let Some(update) = stream.message().await.unwrap() {
            last = update.task;
        }
        last.expect("a stream of a task gives at least its present state")
    }

    /// Every job, best first.
    pub async fn all_jobs(&self) -> Vec<pb::Job> {
        self.list(pb::ListJobsRequest::default()).await
    }

    /// Every job that a request finds, over all pages.
    pub async fn list(&self, mut request: pb::ListJobsRequest) -> Vec<pb::Job> {
        let mut jobs = Vec::new();
        request.page_size = 500;
        loop {
            let page = self.jobs().list_jobs(request.clone()).await.unwrap().into_inner();
            jobs.extend(page.jobs);
            if page.next_page_token.is_empty() {
                return jobs;
            }
            request.page_token = page.next_page_token;
        }
    }

    pub async fn job(&self, id: &str) -> pb::Job {
        let request = pb::GetJobRequest { job_id: id.to_owned() };
        self.jobs().get_job(request).await.unwrap().into_inner().job.unwrap()
    }

    pub async fn review(&self, id: &str, decision: pb::ReviewDecision) -> pb::Job {
        let request = pb::ReviewJobRequest { job_id: id.to_owned(), decision: decision as i32 };
        self.jobs().review_job(request).await.unwrap().into_inner().job.unwrap()
    }

    /// Imports rows of title, company, place, address and description.
    pub async fn import(&self, rows: &Value) -> pb::ImportJobsResponse {
        let request = pb::ImportJobsRequest {
            file_name: "jobs.json".to_owned(),
            content: rows.to_string().into_bytes(),
            url: String::new(),
        };
        self.discovery().import_jobs(request).await.unwrap().into_inner()
    }

    /// Events from the beginning; those that come are waited for.
    pub async fn events_from_start(&self) -> EventReader {
        let request = pb::SubscribeRequest { after_sequence: Some(0), kinds: vec![] };
        EventReader { stream: self.events().subscribe(request).await.unwrap().into_inner() }
    }
}

/// Reads a person's events in order.
pub struct EventReader {
    stream: Streaming<pb::SubscribeResponse>,
}

impl EventReader {
    /// Reads on until an event that `wanted` accepts.
    pub async fn until(&mut self, wanted: impl Fn(&pb::SubscribeResponse) -> bool) -> pb::SubscribeResponse {
        loop {
            let event = self.stream.message().await.unwrap().expect("the stream of events goes on");
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Reads to the end, and gives what came last.
    pub async fn last(&mut self) -> pb::SubscribeResponse {
        let mut last = None;
        while let Some(event) = self.stream.message().await.unwrap() {
            last = Some(event);
        }
        last.expect("the stream told of something")
    }

    /// Reads on until the next event of a kind.
    pub async fn next(&mut self, kind: &str) -> pb::SubscribeResponse {
        self.until(|event| event.kind == kind).await
    }
}

/// How one source did in a run.
pub fn source<'a>(run: &'a pb::Run, name: &str) -> &'a pb::SourceRun {
    let names: Vec<&str> = run.sources.iter().map(|row| row.source.as_str()).collect();
    run.sources.iter().find(|row| row.source == name).unwrap_or_else(|| panic!("{name} is not among {names:?}"))
}

/// The total score of a job.
pub fn total(job: &pb::Job) -> f64 {
    job.score.as_ref().expect("the job has a score").total
}

/// Title of a job's posting.
pub fn title(job: &pb::Job) -> &str {
    &job.posting.as_ref().unwrap().title
}
