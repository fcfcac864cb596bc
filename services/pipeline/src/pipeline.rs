//! Putting the pipeline together.

use std::{collections::HashSet, fs, path::Path, sync::Arc, time::Duration};

use aerie_boards::{
    SharedSource, SourceError,
    fetch::{Endpoints, FetchOptions, Fetcher},
    recipe::Recipe,
};
use aerie_config::{Config, Tasks};
use aerie_embedding::Embedder;
use aerie_events::EventError;
use aerie_integrations::{Wire, WireError, WireOptions};
use aerie_proto::pipeline::v1::{
    deletion_service_server::DeletionServiceServer, discovery_service_server::DiscoveryServiceServer,
    events_service_server::EventsServiceServer, integrations_service_server::IntegrationsServiceServer,
    interviews_service_server::InterviewsServiceServer, jobs_service_server::JobsServiceServer,
    letters_service_server::LettersServiceServer, mail_service_server::MailServiceServer,
    match_service_server::MatchServiceServer, moving_service_server::MovingServiceServer,
    profile_service_server::ProfileServiceServer, research_service_server::ResearchServiceServer,
    surveys_service_server::SurveysServiceServer, tasks_service_server::TasksServiceServer,
};
use aerie_rpc::{Backend, GrpcServer, GrpcServerBuilder, RequestLimits, ServerBuildError, ServerLimits};
use aerie_store::{Database, PersonId, StoreError, Stores, accounts};
use aerie_tasks::{Clock, Presence, Queue, QueueError, Registry, Runner, RunnerOptions};
use aerie_telemetry::Lifecycle;
use aerie_typesetting::{TemplateError, Templates, Typesetter};
use tokio::sync::{Notify, watch};
use url::Url;

use crate::{
    core::{Core, Inner},
    deletion,
    discovery::{adding::UrlTask, cache::StoredValidators, picture::PictureTask, run::RunTask, source::SourceTask},
    grpc::{
        deletion::DeletionApi, discovery::DiscoveryApi, events::EventsApi, integrations::IntegrationsApi,
        interviews::InterviewsApi, jobs::JobsApi, letters::LettersApi, mail::MailApi, matching::MatchApi,
        moving::MovingApi, profile::ProfileApi, research::ResearchApi, surveys::SurveysApi, tasks::TasksApi,
    },
    housekeeping::{self, HousekeepingTask, Keep},
    integrations::{
        digest::{self, DigestTask},
        push::PushTask,
    },
    letters::{LetterTask, questions::QuestionTask, tailoring::TailorTask},
    mail::{DraftTask, SyncTask, watching},
    practice::{mock::MockTask, preparation::PreparationTask},
    rescore::RescoreTask,
    research::{self, ResearchTask, Web},
    surveys::SurveyTask,
    wakes::Wakes,
};

/// How often is looked for people who came meanwhile.
const PEOPLE_EVERY: Duration = Duration::from_secs(10);

/// What a pipeline is made of.
pub struct PipelineDeps<'a> {
    /// Opened stores.
    pub stores: Arc<Stores>,
    /// All settings.
    pub config: &'a Config,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The language-model router; none does without models.
    pub router: Option<Backend>,
}

/// Why a pipeline could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The message bus cannot be made.
    #[error(transparent)]
    Bus(#[from] EventError),
    /// The fetcher cannot be made.
    #[error(transparent)]
    Fetcher(#[from] SourceError),
    /// The gRPC server cannot be made.
    #[error(transparent)]
    Server(#[from] ServerBuildError),
    /// A recipe board cannot be read.
    #[error("{path}: {reason}")]
    Recipe {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A limit for a kind of task that there is not.
    #[error("tasks.limits: {0}")]
    TaskLimits(#[source] QueueError),
    /// The folder of document templates cannot be read.
    #[error(transparent)]
    Templates(#[from] TemplateError),
    /// Other programs cannot be reached.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// An address that the settings name for a host cannot be read.
    #[error("integrations.endpoints: {0}")]
    Endpoint(String),
    /// The embedding model cannot be loaded.
    #[error("matching.embedding_model: {0}")]
    Embedding(#[from] aerie_embedding::EmbeddingError),
}

/// The pipeline service: discovery, matching, jobs, tasks and events of everybody here.
pub struct Pipeline {
    core: Core,
    runner: Runner,
    wakes: Wakes,
    server_limits: ServerLimits,
    message_bytes: usize,
}

impl Pipeline {
    /// Puts the parts together. Nothing runs yet.
    ///
    /// # Errors
    /// A recipe or model that cannot be read; a store that fails.
    pub fn create(deps: PipelineDeps<'_>) -> Result<Self, PipelineError> {
        let PipelineDeps { stores, config, clock, router } = deps;
        let wakes = Wakes::create(&config.events, &stores)?;
        let validators = StoredValidators::new(stores.platform().clone(), Arc::clone(&clock));
        let fetcher = Fetcher::new(fetch_options(config), Arc::new(validators))?;
        let mut sources: Vec<SharedSource> = aerie_boards::all().to_vec();
        sources.extend(recipes(&config.recipes_dir())?);
        let embedder = config.matching.embedding_model.as_ref().map(Embedder::load).transpose()?.map(Arc::new);
        let web = Web::new(&config.research, fetcher.clone(), &fetch_options(config))?;
        let typesetter = Typesetter::new(templates(&config.templates_dir())?);
        let wire = Wire::new(wire_options(config)?)?;
        let limits = RequestLimits {
            page_size_max: config.limits.page_size_max,
            page_size_default: config.limits.page_size_default,
            list_length: config.limits.list_length,
            string_length: config.limits.string_length,
        };
        let mail_accounts = Arc::new(Notify::new());
        let people = watch::Sender::new(0);
        // The handlers need the core, and the core the queue that knows the handlers: a queue without handlers submits
        // for the core, the runner's queue shares its wake-ups and has them.
        let make_core = |queue: Queue| Core {
            inner: Arc::new(Inner {
                stores: Arc::clone(&stores),
                queue,
                fetcher: fetcher.clone(),
                sources: sources.clone(),
                discovery: config.discovery.clone(),
                matching: config.matching.clone(),
                tracking: config.tracking.clone(),
                mail: config.mail.clone(),
                mail_accounts: Arc::clone(&mail_accounts),
                people: people.clone(),
                integrations: config.integrations.clone(),
                wire: wire.clone(),
                limits,
                embedder: embedder.clone(),
                typesetter: typesetter.clone(),
                web: web.clone(),
                router: router.clone(),
            }),
        };
        let submitting = Registry::new()
            .with_kind_only::<RunTask>()
            .with_kind_only::<SourceTask>()
            .with_kind_only::<UrlTask>()
            .with_kind_only::<RescoreTask>()
            .with_kind_only::<SurveyTask>()
            .with_kind_only::<PictureTask>()
            .with_kind_only::<LetterTask>()
            .with_kind_only::<QuestionTask>()
            .with_kind_only::<TailorTask>()
            .with_kind_only::<ResearchTask>()
            .with_kind_only::<PreparationTask>()
            .with_kind_only::<MockTask>()
            .with_kind_only::<SyncTask>()
            .with_kind_only::<DraftTask>()
            .with_kind_only::<PushTask>()
            .with_kind_only::<DigestTask>()
            .with_kind_only::<HousekeepingTask>();
        let queue = Queue::new(limited(submitting, &config.tasks)?, Arc::clone(&clock), wakes.bus());
        let core = make_core(queue.clone());
        let handlers = Registry::new()
            .with(RunTask { core: core.clone() })
            .with(SourceTask { core: core.clone() })
            .with(UrlTask { core: core.clone() })
            .with(RescoreTask { core: core.clone() })
            .with(SurveyTask { core: core.clone() })
            .with(PictureTask { core: core.clone() })
            .with(LetterTask { core: core.clone() })
            .with(QuestionTask { core: core.clone() })
            .with(TailorTask { core: core.clone() })
            .with(ResearchTask { core: core.clone() })
            .with(PreparationTask { core: core.clone() })
            .with(MockTask { core: core.clone() })
            .with(SyncTask { core: core.clone() })
            .with(DraftTask { core: core.clone() })
            .with(PushTask { core: core.clone() })
            .with(DigestTask { core: core.clone() })
            .with(HousekeepingTask { core: core.clone(), keep: Keep::of(config) });
        let runner = Runner::new(
            queue.with_registry(limited(handlers, &config.tasks)?),
            RunnerOptions {
                workers: config.tasks.workers,
                poll: Duration::from_millis(config.tasks.poll_ms),
                grace: Duration::from_secs(config.server.shutdown_grace_seconds),
                ..RunnerOptions::default()
            },
        );
        Ok(Self {
            core,
            runner,
            wakes,
            server_limits: ServerLimits {
                concurrency: config.limits.concurrency,
                deadline: Duration::from_secs(config.limits.deadline_seconds),
            },
            message_bytes: config.limits.message_bytes,
        })
    }

    /// The gRPC services.
    ///
    /// # Errors
    /// Descriptors that cannot be read.
    pub async fn server(&self, lifecycle: &Lifecycle) -> Result<GrpcServer, PipelineError> {
        self.wakes.follow(&self.core.inner.queue, &self.core.inner.stores, lifecycle);
        let core = &self.core;
        let most = self.message_bytes;
        let server = GrpcServerBuilder::new(self.server_limits.clone())
            .service(DiscoveryServiceServer::new(DiscoveryApi { core: core.clone() }).max_decoding_message_size(most))
            .service(JobsServiceServer::new(JobsApi { core: core.clone() }).max_decoding_message_size(most))
            .service(
                IntegrationsServiceServer::new(IntegrationsApi { core: core.clone() }).max_decoding_message_size(most),
            )
            .service(InterviewsServiceServer::new(InterviewsApi { core: core.clone() }).max_decoding_message_size(most))
            .service(LettersServiceServer::new(LettersApi { core: core.clone() }).max_decoding_message_size(most))
            .service(ResearchServiceServer::new(ResearchApi { core: core.clone() }).max_decoding_message_size(most))
            .service(MovingServiceServer::new(MovingApi { core: core.clone() }).max_decoding_message_size(most))
            .service(DeletionServiceServer::new(DeletionApi { core: core.clone() }).max_decoding_message_size(most))
            .service(MailServiceServer::new(MailApi { core: core.clone() }).max_decoding_message_size(most))
            .service(MatchServiceServer::new(MatchApi { core: core.clone() }).max_decoding_message_size(most))
            .service(ProfileServiceServer::new(ProfileApi { core: core.clone() }).max_decoding_message_size(most))
            .service(SurveysServiceServer::new(SurveysApi { core: core.clone() }).max_decoding_message_size(most))
            .service(TasksServiceServer::new(TasksApi { core: core.clone() }).max_decoding_message_size(most))
            .service(EventsServiceServer::new(EventsApi { core: core.clone() }).max_decoding_message_size(most))
            .build(lifecycle)
            .await?;
        server.health().set_all(true).await;
        Ok(server)
    }

    /// Begins to listen for new mail of everybody here where servers tell of it, if the settings say so; for a process
    /// that stays. It ends with the lifecycle.
    pub fn watch_mail(&self, lifecycle: &Lifecycle) {
        if self.core.inner.mail.idle {
            watching::start(&self.core, lifecycle);
        }
    }

    /// The person who sits at this machine, made at the first start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn local_person(&self) -> Result<PersonId, PipelineError> {
        let mut tx = self.core.platform().begin().await?;
        let person = accounts::ensure_local_person(&mut tx, self.core.now()).await?;
        tx.commit().await?;
        Ok(person)
    }

    /// Begins the background work of everybody here, and what is done by the clock; both end with the lifecycle.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn start(&self, lifecycle: &Lifecycle) -> Result<(), PipelineError> {
        self.work(lifecycle).await?;
        self.schedule(lifecycle).await
    }

    /// Begins to work on the tasks of everybody here. What a process that died without a word had in work goes on at once
    /// where nobody else can be at it, else when its lease runs out.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn work(&self, lifecycle: &Lifecycle) -> Result<(), PipelineError> {
        let stores = &self.core.inner.stores;
        self.wakes.follow(&self.core.inner.queue, stores, lifecycle);
        // Workers of a PostgreSQL server may be anywhere.
        let mut presence = match stores.worker() {
            None => Some(Presence::enter(stores.data()).await?),
            Some(_) => None,
        };
        let alone = presence.as_ref().is_some_and(Presence::is_alone);
        let mut known = HashSet::new();
        for database in new_people(&self.core, &mut known).await? {
            if alone {
                self.runner.queue().take_over(&database).await?;
            }
            self.runner.add(database)?;
        }
        self.runner.add_everybody(Arc::clone(stores));
        if let Some(presence) = &mut presence {
            presence.share().await?;
        }
        follow_people(&self.core, known, lifecycle, Welcome::Work(self.runner.clone()));
        let (runner, stop) = (self.runner.clone(), lifecycle.soft());
        lifecycle.spawn(async move {
            runner.run(stop).await;
            drop(presence);
        });
        Ok(())
    }

    /// Sees to it that everybody's regular tasks are planned. Any number of processes may do so: a planned time comes once.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn schedule(&self, lifecycle: &Lifecycle) -> Result<(), PipelineError> {
        self.wakes.follow(&self.core.inner.queue, &self.core.inner.stores, lifecycle);
        let mut known = HashSet::new();
        for database in new_people(&self.core, &mut known).await? {
            plan(&self.core, &database).await?;
        }
        // Briefs that were made without the web are made again when a search engine has come up meanwhile.
        let (core, everybody) = (self.core.clone(), known.clone());
        lifecycle.spawn(async move {
            for person in everybody {
                if let Err(error) = research::refresh(&core, person).await {
                    tracing::warn!(%error, "briefs without web sources were not made again");
                }
            }
        });
        follow_people(&self.core, known, lifecycle, Welcome::Plan);
        Ok(())
    }
}

/// What a person's store is tidied and told by.
async fn plan(core: &Core, database: &Database) -> Result<(), PipelineError> {
    housekeeping::schedule(&core.inner.queue, database).await?;
    Ok(digest::schedule_at_start(core, database).await?)
}

/// The stores of people who are not known yet.
async fn new_people(core: &Core, known: &mut HashSet<PersonId>) -> Result<Vec<Database>, PipelineError> {
    let mut tx = core.platform().read().await?;
    let people = accounts::people(&mut tx).await?;
    drop(tx);
    let mut databases = Vec::new();
    for person in people.iter().map(|person| person.id).filter(|id| !known.contains(id)).collect::<Vec<_>>() {
        match core.person(person).await {
            Ok(database) => databases.push(database),
            // Since the list was read.
            Err(StoreError::Deleted { .. }) => continue,
            Err(error) => return Err(error.into()),
        }
        known.insert(person);
    }
    Ok(databases)
}

/// What is done for somebody who comes while the process runs.
enum Welcome {
    Work(Runner),
    Plan,
}

/// Looks after everybody who comes later and lets go of everybody who was deleted, until the lifecycle stops.
fn follow_people(core: &Core, mut known: HashSet<PersonId>, lifecycle: &Lifecycle, welcome: Welcome) {
    let (core, stop) = (core.clone(), lifecycle.soft());
    let mut changes = core.inner.people.subscribe();
    lifecycle.spawn(async move {
        while !stop.is_cancelled() {
            if let Err(error) = look_after(&core, &mut known, &welcome).await {
                tracing::warn!(%error, "people who came or were deleted were not looked after yet: {error}");
            }
            let _ = stop.run_until_cancelled(tokio::time::timeout(PEOPLE_EVERY, changes.changed())).await;
        }
    });
}

async fn look_after(core: &Core, known: &mut HashSet<PersonId>, welcome: &Welcome) -> Result<(), PipelineError> {
    deletion::hear(core).await?;
    for person in known.extract_if(|person| core.inner.stores.is_deleted(*person)) {
        if let Welcome::Work(runner) = welcome {
            runner.remove(person);
        }
    }
    for database in new_people(core, known).await? {
        match welcome {
            Welcome::Work(runner) => runner.add(database)?,
            Welcome::Plan => plan(core, &database).await?,
        }
    }
    if let Welcome::Plan = welcome {
        deletion::go_on(core).await?;
    }
    Ok(())
}

/// What the settings say about all kinds of tasks, and about single ones.
fn limited(kinds: Registry, settings: &Tasks) -> Result<Registry, PipelineError> {
    let number = |limit: Option<usize>| limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
    let kinds = kinds.with_lease(settings.lease()).with_attempts(settings.attempts);
    settings.limits.iter().try_fold(kinds, |kinds, (kind, limit)| {
        let limited = kinds.with_limits(kind, number(limit.concurrency), number(limit.queue_depth));
        limited.map_err(PipelineError::TaskLimits)
    })
}

fn fetch_options(config: &Config) -> FetchOptions {
    let settings = &config.discovery;
    let endpoints =
        settings.endpoints.iter().fold(Endpoints::none(), |endpoints, (host, base)| endpoints.with(host, base));
    let contact = if settings.contact.is_empty() { String::new() } else { format!(" (+{})", settings.contact) };
    FetchOptions {
        user_agent: format!("{}/{}{contact}", settings.user_agent, env!("CARGO_PKG_VERSION")),
        interval: settings.per_host_interval(),
        concurrency: settings.concurrency,
        timeout: Duration::from_secs(settings.timeouts.total_seconds),
        limit_bytes: settings.body_limit_bytes,
        longest_wait: Duration::from_millis(settings.retry.max_delay_ms),
        attempts: settings.retry.attempts,
        robots: settings.robots,
        allowed_hosts: settings.allow_addresses.clone(),
        endpoints,
    }
}

/// The built-in templates, and those of a folder, which need not exist.
fn templates(folder: &Path) -> Result<Templates, TemplateError> {
    let built_in = Templates::built_in();
    if folder.is_dir() { built_in.with_folder(folder) } else { Ok(built_in) }
}

fn wire_options(config: &Config) -> Result<WireOptions, PipelineError> {
    let settings = &config.integrations;
    let mut endpoints = std::collections::BTreeMap::new();
    for (host, base) in &settings.endpoints {
        let base = Url::parse(base).map_err(|error| PipelineError::Endpoint(format!("{base:?}: {error}")))?;
        endpoints.insert(host.clone(), base);
    }
    Ok(WireOptions {
        allowed_hosts: settings.allow_addresses.clone(),
        endpoints,
        timeout: Duration::from_secs(settings.timeout_seconds),
        ..WireOptions::default()
    })
}

/// Recipe boards of a folder, which need not exist.
fn recipes(folder: &Path) -> Result<Vec<SharedSource>, PipelineError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(vec![]) };
    let mut paths: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml"))
        .collect();
    paths.sort();
    let mut sources: Vec<SharedSource> = Vec::new();
    for path in paths {
        let failed = |reason: String| PipelineError::Recipe { path: path.display().to_string(), reason };
        let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let recipe = Recipe::from_yaml(&text).map_err(|error| failed(error.to_string()))?;
        sources.push(Arc::new(recipe));
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use aerie_config::KindLimit;
    use serde_json::json;

    use super::*;

    fn kinds() -> Registry {
        Registry::new().with_kind_only::<RescoreTask>().with_kind_only::<HousekeepingTask>()
    }

    #[test]
    fn settings_of_tasks_reach_their_kinds() {
        let settings = json!({"tasks": {
            "attempts": 7, "lease_seconds": 11,
            "limits": {"match.rescore": {"concurrency": 1}, "housekeeping": {"queue_depth": 2}},
        }});
        let kinds = limited(kinds(), &Config::load(None, &settings).unwrap().tasks).unwrap();
        let (rescore, housekeeping) = (kinds.policy("match.rescore").unwrap(), kinds.policy("housekeeping").unwrap());
        assert_eq!(housekeeping.max_attempts, Some(7));
        assert_eq!(rescore.max_attempts, Some(10), "it says so itself");
        assert_eq!((rescore.concurrency, housekeeping.concurrency), (Some(1), None));
        assert_eq!((rescore.queue_depth, housekeeping.queue_depth), (1_000, 2));
        assert_eq!(rescore.lease, Duration::from_secs(11));
    }

    #[test]
    fn a_limit_for_an_unknown_kind_is_refused_with_the_known_ones() {
        let mut settings = Config::load(None, &json!({})).unwrap().tasks;
        settings.limits.insert("match.rescor".to_owned(), KindLimit { concurrency: Some(1), queue_depth: None });
        let error = limited(kinds(), &settings).unwrap_err().to_string();
        assert!(error.contains("tasks.limits") && error.contains("match.rescor\""), "{error}");
        assert!(error.contains("match.rescore"), "{error}");
    }
}
