//! All roles in one process: stores, pipeline, router and vision, and the gateway when somebody is to reach it.

use std::{
    ffi::OsString,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aerie_config::{AccountsMode, Config, StoreUrl};
use aerie_gateway::{AccountStore, Callers, Gateway, GatewayDeps, PublicNames, ServiceRoute};
use aerie_llm_router::{LlmRouter, RouterDeps, router::OrderPlace};
use aerie_pipeline::{Pipeline, PipelineDeps};
use aerie_rpc::{Backend, HttpService, Process};
use aerie_store::{PersonId, ServerOptions, StoreError, Stores, StoresConfig};
use aerie_tasks::{Clock, ServerClock};
use aerie_telemetry::Lifecycle;
use aerie_vision::VisionService;
use anyhow::Context;

use crate::vision_process::VisionProcess;

/// How long a starting process waits for a database server that does not answer.
const DATABASE_PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two tries.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);

/// The services of one process.
pub struct App {
    /// Settings.
    pub config: Box<Config>,
    /// The person at this machine.
    pub person: PersonId,
    /// The pipeline, to be called.
    pub pipeline: Backend,
    process: Process,
    stores: Arc<Stores>,
    clock: Arc<dyn Clock>,
    router: RouterAccess,
    vision: Backend,
}

/// The language-model router, here or elsewhere.
#[derive(Clone)]
pub struct RouterAccess {
    /// Its gRPC services.
    pub backend: Backend,
    /// What answers OpenAI's clients.
    pub openai: HttpService,
}

impl RouterAccess {
    /// The router that the settings name: at an address, or made here and looking for backends in the background.
    pub async fn open(config: &Config, vision: Backend, process: &Process) -> anyhow::Result<Self> {
        if let Some(endpoint) = &config.llm_router.endpoint {
            let backend = process.network.backend(endpoint).context("llm_router.endpoint")?;
            return Ok(Self { openai: HttpService::new(backend.clone()), backend });
        }
        let deps = RouterDeps { vision: Some(vision), ..router_deps(config) };
        let router = LlmRouter::create(deps, &config.limits, &process.lifecycle).await?;
        router.start(&process.lifecycle);
        Ok(Self { backend: router.backend(), openai: router.openai() })
    }
}

/// What a router of this process is made of. Whoever has the installation alone may choose the order of its chains; it is
/// kept beside their data.
pub fn router_deps(config: &Config) -> RouterDeps<'_> {
    let order = match config.accounts.mode {
        AccountsMode::Local => OrderPlace::File(config.data_dir.join("chains.json")),
        AccountsMode::Tokens => OrderPlace::Fixed(
            "several people use this installation; whoever runs it sets the order with llm.chains in the settings",
        ),
    };
    RouterDeps { order, ..RouterDeps::of_process(&config.llm) }
}

/// Where the vision model may run.
#[derive(Debug, Clone)]
pub enum VisionPlace {
    /// In a process of its own, where a model is configured; with the flags of this one that choose the settings.
    Process(Vec<OsString>),
    /// Nowhere: a command that ends soon would not wait for a model to load.
    Nowhere,
}

impl VisionPlace {
    /// The vision service that the settings name: at an address, in a process of its own, or one that says what is missing.
    async fn open(self, config: &Config, process: &Process) -> anyhow::Result<Backend> {
        let (settings, lifecycle) = (&config.vision, &process.lifecycle);
        if let Some(endpoint) = &settings.endpoint {
            return process.network.backend(endpoint).context("vision.endpoint");
        }
        match self {
            Self::Process(flags) if settings.model.is_some() => {
                let child = VisionProcess::new(settings, flags)?;
                child.start(settings, config.server.port_attempts, lifecycle).await
            }
            Self::Nowhere if settings.model.is_some() => {
                let message = "the vision model runs only under `aerie up` or `aerie vision up`; start one of them";
                Ok(VisionService::without_model(message, settings, lifecycle).await?.backend())
            }
            Self::Process(_) | Self::Nowhere => Ok(VisionService::create(settings, lifecycle).await?.backend()),
        }
    }
}

impl App {
    /// Opens the stores and starts every service but the gateway.
    pub async fn start(config: Config, vision: VisionPlace) -> anyhow::Result<Box<Self>> {
        // On the heap: whoever holds an app in a future would carry it all.
        Box::pin(Self::started(Box::new(config), vision)).await
    }

    async fn started(config: Box<Config>, vision: VisionPlace) -> anyhow::Result<Box<Self>> {
        // A command that ends soon does not listen for new mail.
        let stays = matches!(vision, VisionPlace::Process(_));
        let process = Process::start(&config, "aerie")?;
        let lifecycle = process.lifecycle.clone();
        let stores = await_stores(&config, &lifecycle).await?;
        let clock = ServerClock::of(&stores, lifecycle.soft()).await?;
        let vision = vision.open(&config, &process).await?;
        let router = RouterAccess::open(&config, vision.clone(), &process).await?;
        let pipeline = Pipeline::create(PipelineDeps {
            stores: Arc::clone(&stores),
            config: &config,
            clock: Arc::clone(&clock),
            router: Some(router.backend.clone()),
        })?;
        let person = pipeline.local_person().await?;
        let server = pipeline.server(&lifecycle).await?;
        pipeline.start(&lifecycle).await?;
        if stays {
            pipeline.watch_mail(&lifecycle);
        }
        Ok(Box::new(Self { config, person, pipeline: server.backend(), process, stores, clock, router, vision }))
    }

    /// The gateway in front of the services.
    pub async fn gateway(&self) -> anyhow::Result<Gateway> {
        let deps = GatewayDeps {
            services: routes(&self.pipeline, Some(&self.router.backend), Some(&self.vision)),
            openai: Some(self.router.openai.clone()),
            callers: callers(&self.config, &self.stores, &self.clock)?,
            names: PublicNames::of(&self.config.accounts),
            server: self.config.server.clone(),
            limits: self.config.limits.clone(),
            metrics: self.process.metrics.clone(),
            version: env!("CARGO_PKG_VERSION"),
            data: self.config.data_dir.clone(),
            operators: self.config.accounts.operators.clone(),
        };
        Ok(Gateway::new(deps, self.lifecycle()).await?)
    }

    /// Answers probes and Prometheus where the settings say so.
    pub async fn serve_operations(&self, gateway: &Gateway) -> anyhow::Result<()> {
        Ok(self.process.serve_operations(gateway.server()).await?)
    }

    /// Start, readiness and stop.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.process.lifecycle
    }

    /// Stops in order: nothing new, running work finishes or is given back, stores close, traces leave.
    pub async fn stop(self: Box<Self>) {
        let Self { process, stores, .. } = *self;
        process.end_with(stores.close()).await;
    }
}

/// What the gateway passes on, and to whom. It needs the pipeline, and does without the others.
pub fn routes(pipeline: &Backend, router: Option<&Backend>, vision: Option<&Backend>) -> Vec<ServiceRoute> {
    let route =
        |name, package, backend: &Backend, required| ServiceRoute { name, package, backend: backend.clone(), required };
    let router = router.map(|router| route("llm-router", "aerie.llm.v1", router, false));
    let vision = vision.map(|vision| route("vision", "aerie.vision.v1", vision, false));
    [Some(route("pipeline", "aerie.pipeline.v1", pipeline, true)), router, vision].into_iter().flatten().collect()
}

/// Who may ask the gateway: the one person of this machine, or everybody who proves who they are.
pub fn callers(config: &Config, stores: &Arc<Stores>, clock: &Arc<dyn Clock>) -> anyhow::Result<Callers> {
    let store = AccountStore::new(Arc::clone(stores));
    match config.accounts.mode {
        AccountsMode::Local => Ok(Callers::of_this_machine(store, Arc::clone(clock))),
        AccountsMode::Tokens => Ok(Callers::accounts(&config.accounts, store, Arc::clone(clock))?),
    }
}

/// As [`open_stores`], for a process that stays: a database server that is away for a moment, as when it is started anew, is
/// waited for until it is asked to stop or [`DATABASE_PATIENCE`] is over.
pub async fn await_stores(config: &Config, lifecycle: &Lifecycle) -> anyhow::Result<Arc<Stores>> {
    let (soft, deadline) = (lifecycle.soft(), Instant::now() + DATABASE_PATIENCE);
    loop {
        let error = match open_stores(config, config.store.url == StoreUrl::Embedded).await {
            Ok(stores) => return Ok(Arc::new(stores)),
            Err(error) => error,
        };
        let may_pass = error.downcast_ref::<StoreError>().is_some_and(StoreError::is_transient);
        if !may_pass || Instant::now() >= deadline || soft.is_cancelled() {
            return Err(error);
        }
        tracing::warn!("waiting for the database: {error:#}");
        // Over early when the process is to stop.
        let _ = tokio::time::timeout(DATABASE_PAUSE, soft.cancelled()).await;
    }
}

/// Opens the stores that the settings name; `migrate` brings their schema up to date. A server's is only checked unless
/// `aerie migrate` asks, since other programs may be working on it.
pub async fn open_stores(config: &Config, migrate: bool) -> anyhow::Result<Stores> {
    let settings = &config.store;
    let (url, context) = match &settings.url {
        StoreUrl::Embedded => ("embedded".to_owned(), format!("store in {}", shown(&config.data_dir))),
        StoreUrl::Postgres(url) => (url.reveal().to_owned(), "store.url".to_owned()),
    };
    let stores = StoresConfig { url, data: config.data_dir.clone(), migrate, connections: settings.connections };
    let server = ServerOptions {
        statement_timeout: Duration::from_secs(settings.statement_timeout_seconds),
        idle_timeout: Duration::from_secs(settings.idle_transaction_timeout_seconds),
        pooled: settings.pooled,
        session_url: settings.session_url.is_set().then(|| settings.session_url.reveal().to_owned()),
        secret_file: settings.secret_file.clone(),
    };
    Stores::open_with(stores, server).await.context(context)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
