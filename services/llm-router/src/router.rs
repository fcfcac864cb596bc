//! The router of one process: the backends that are configured or found, and the engine over them.

mod detect;
mod environment;
mod known;
mod locality;
mod order;
#[cfg(test)]
mod tests;
mod unusable;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aerie_config::{BackendKind, Llm, LlmBackend, LlmChain, Secret};
use aerie_network::AddressGuard;
use aerie_rpc::{HealthSwitch, ServerBuildError};
use aerie_telemetry::Lifecycle;
use thiserror::Error;
use tokio::sync::watch;

pub use self::{
    detect::{DetectOptions, Detected, Stranger, detect},
    environment::Variables,
    known::{Known, Origin},
    order::{ChainState, OrderError, OrderPlace},
};
use self::{
    order::ChosenOrder,
    unusable::{KeyNeeded, Unusable},
};
use crate::{
    backend::Backend,
    backends::{self, BackendError},
    directory::Directory,
    engine::{Capabilities, Engine, EngineBackend, EngineDeps, EngineError, SystemWallClock, WallClock},
    fault::{Fault, FaultKind},
    image_fetch::ImageFetcher,
    transport::Tls,
    vision::Vision,
};

/// Between two looks for model servers that were started meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// The environment variable with which OpenTelemetry's conventions are opted into.
const CONVENTIONS: &str = "OTEL_SEMCONV_STABILITY_OPT_IN";

/// What makes a backend of its name, settings and key.
pub type Connect = Arc<dyn Fn(&str, &LlmBackend, Secret) -> Result<Arc<dyn Backend>, RouterError> + Send + Sync>;

/// What a router is made of.
pub struct RouterDeps<'a> {
    /// Limits, chains, policies and backends.
    pub settings: &'a Llm,
    /// Environment variables: keys, and addresses of model servers.
    pub variables: Variables,
    /// Aerie's vision service, for backends of that kind.
    pub vision: Option<aerie_rpc::Backend>,
    /// Makes backends.
    pub connect: Connect,
    /// Where model servers are looked for.
    pub detect: DetectOptions,
    /// Time of day.
    pub clock: Arc<dyn WallClock>,
    /// Where chance begins.
    pub seed: u64,
    /// Where the order of chains that a person chooses is kept.
    pub order: OrderPlace,
}

impl<'a> RouterDeps<'a> {
    /// Real backends, the process's variables, the machine's clock.
    #[must_use]
    pub fn of_process(settings: &'a Llm) -> Self {
        Self {
            settings,
            variables: Variables::of_process(),
            vision: None,
            connect: over_http(),
            detect: DetectOptions::default(),
            clock: Arc::new(SystemWallClock),
            seed: uuid::Uuid::new_v4().as_u64_pair().0,
            order: OrderPlace::Fixed(
                "the router is a program of its own; whoever runs it sets the order with llm.chains in its settings",
            ),
        }
    }
}

/// Backends over HTTP.
fn over_http() -> Connect {
    let tls = Tls::of_system();
    Arc::new(move |name, settings, key| Ok(backends::of(name, settings, key, &tls)?))
}

/// Why a router cannot be made.
#[derive(Debug, Error)]
pub enum RouterError {
    /// A backend's settings cannot be used.
    #[error("llm.backends: {0}")]
    Backend(#[from] BackendError),
    /// A chain's settings cannot be used.
    #[error("llm.chains: {0}")]
    Chain(#[from] EngineError),
    /// The vision service's address cannot be used.
    #[error("llm.backends: {0}")]
    Vision(#[from] aerie_rpc::BackendError),
    /// The services cannot be described.
    #[error(transparent)]
    Server(#[from] ServerBuildError),
}

/// The router. Cheap to clone; clones are the same router.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    options: DetectOptions,
    /// Whether the first look for model servers is still to end.
    looking: AtomicBool,
    /// Held while what is current is replaced, and never while anything is waited for.
    order: Mutex<ChosenOrder>,
    current: watch::Sender<Arc<Current>>,
}

/// The router as it is at one moment.
#[derive(Debug)]
pub struct Current {
    /// The engine over the backends.
    pub engine: Engine,
    /// Names that requests may give.
    pub directory: Directory,
    /// The backends with where we know them from.
    pub known: Vec<Known>,
    /// The chains as they are asked.
    pub chains: Vec<ChainState>,
}

impl Current {
    /// Whether there is a backend that can be asked.
    #[must_use]
    pub fn has_backends(&self) -> bool {
        self.known.iter().any(Known::is_usable)
    }
}

impl Router {
    /// Makes a router of the settings and the environment. Nothing is connected yet and nothing looked for.
    ///
    /// # Errors
    /// A key file that cannot be read, an address that is none, a chain that cannot be.
    pub fn create(deps: RouterDeps<'_>) -> Result<Self, RouterError> {
        let RouterDeps { settings, variables, vision, connect, detect, clock, seed, order } = deps;
        let parts = Parts { settings: settings.clone(), variables, vision, connect, clock, seed };
        let order = ChosenOrder::read(order);
        let mut known = known::collect(&parts.settings, &parts.variables, &[])?;
        order.arrange(&mut known, &settings.chains);
        let current = watch::Sender::new(Arc::new(parts.assemble(known, &order, None)?));
        let looking = AtomicBool::new(settings.detect);
        let inner = Inner { parts, options: detect, looking, order: Mutex::new(order), current };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The router as it is now.
    #[must_use]
    pub fn current(&self) -> Arc<Current> {
        self.inner.current.borrow().clone()
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Llm {
        &self.inner.parts.settings
    }

    /// Whether the first look for model servers is still going on.
    #[must_use]
    pub fn is_looking(&self) -> bool {
        self.inner.looking.load(Ordering::Acquire)
    }

    /// Time of day.
    pub(crate) fn clock(&self) -> &dyn WallClock {
        &*self.inner.parts.clock
    }

    /// Finds out which host names are on this network and looks for model servers, in the background and again from
    /// time to time; `health` says of the process that it serves, and of the service as soon as there is a backend.
    pub fn start(&self, lifecycle: &Lifecycle, health: HealthSwitch) {
        let (router, stop) = (self.clone(), lifecycle.soft());
        lifecycle.spawn(async move {
            health.set("", true).await;
            health.set_services(router.current().has_backends()).await;
            let looks = async {
                loop {
                    router.look().await;
                    health.set_services(router.current().has_backends()).await;
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = looks => {}
                () = router.watch_health() => {}
            }
            health.set_all(false).await;
        });
    }

    /// Checks the backends whose settings ask for it, of whatever engine is the current one; never ends.
    async fn watch_health(&self) {
        let mut changes = self.inner.current.subscribe();
        loop {
            let engine = changes.borrow_and_update().engine.clone();
            tokio::select! {
                () = engine.watch_health() => {}
                changed = changes.changed() => if changed.is_err() { std::future::pending::<()>().await },
            }
        }
    }

    /// Looks once for model servers and for where host names lead, and takes what is new.
    pub async fn look(&self) {
        let Inner { parts, options, looking, .. } = &*self.inner;
        let before = self.current();
        let mut found: Vec<Detected> = before.known.iter().filter_map(|known| known.detected.clone()).collect();
        if parts.settings.detect {
            let now = detect(options, &parts.variables).await.found;
            found.extend(now.into_iter().filter(|new| !before.known.iter().any(|known| known.name == new.name)));
        }
        let known = async {
            let mut known = known::collect(&parts.settings, &parts.variables, &found)?;
            locality::resolve(&mut known).await;
            Ok::<_, RouterError>(known)
        };
        if let Err(error) = known.await.and_then(|known| self.take(known)) {
            tracing::warn!(%error, "the backends stay as they are: {error}");
        }
        looking.store(false, Ordering::Release);
    }

    /// Goes on with these backends. Breakers begin anew only when they are others than before; limits go on all the same.
    fn take(&self, mut known: Vec<Known>) -> Result<(), RouterError> {
        let order = self.order();
        order.arrange(&mut known, &self.settings().chains);
        let before = self.current();
        if known != before.known {
            let current = self.inner.parts.assemble(known, &order, Some(&before.engine))?;
            drop(self.inner.current.send_replace(Arc::new(current)));
        }
        Ok(())
    }

    /// Asks a chain's backends in this order from now on, and after a restart; with no names in that of the settings.
    ///
    /// # Errors
    /// An order that is not this router's to choose, a chain that is none, names that are not the chain's, a file that
    /// cannot be written.
    pub async fn set_order(&self, chain: &str, names: Vec<String>) -> Result<ChainState, OrderError> {
        let (router, chain) = (self.clone(), chain.to_owned());
        tokio::task::spawn_blocking(move || router.choose(&chain, &names)).await?
    }

    fn choose(&self, chain: &str, names: &[String]) -> Result<ChainState, OrderError> {
        let Inner { parts, current, .. } = &*self.inner;
        let mut order = self.order();
        let before = self.current();
        order.choose(&before.chains, chain, names)?;
        let mut known = match names.is_empty() {
            // The order of before is known to the settings alone.
            true => {
                let found: Vec<Detected> = before.known.iter().filter_map(|known| known.detected.clone()).collect();
                let mut anew = known::collect(&parts.settings, &parts.variables, &found)?;
                for backend in &mut anew {
                    let same = before.known.iter().find(|known| known.name == backend.name);
                    backend.local = same.map_or(backend.local, |known| known.local);
                }
                anew.sort_by_key(|backend| !backend.local);
                anew
            }
            false => before.known.clone(),
        };
        order.arrange(&mut known, &parts.settings.chains);
        let after = Arc::new(parts.assemble(known, &order, Some(&before.engine))?);
        let state = after.chains.iter().find(|state| state.name == chain).cloned();
        drop(current.send_replace(after));
        state.ok_or_else(|| OrderError::UnknownChain(chain.to_owned()))
    }

    /// What is under the lock is whole between any two statements, so a poisoned one means nothing.
    fn order(&self) -> std::sync::MutexGuard<'_, ChosenOrder> {
        self.inner.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Router").field("current", &self.current()).finish_non_exhaustive()
    }
}

/// What an engine is assembled from, whatever backends are found.
struct Parts {
    settings: Llm,
    variables: Variables,
    vision: Option<aerie_rpc::Backend>,
    connect: Connect,
    clock: Arc<dyn WallClock>,
    seed: u64,
}

impl Parts {
    /// `before` is the engine whose place is taken.
    fn assemble(
        &self,
        known: Vec<Known>,
        order: &ChosenOrder,
        before: Option<&Engine>,
    ) -> Result<Current, RouterError> {
        let mut backends = Vec::with_capacity(known.len());
        for known in &known {
            backends.push(self.engine_backend(known)?);
        }
        // A chain may name what was not found yet: it is then a backend that says so.
        for name in self.settings.chains.values().flat_map(LlmChain::names) {
            if !backends.iter().any(|backend| backend.name == *name) {
                backends.push(absent(name));
            }
        }
        let chains = order.over(&self.settings.chains);
        let directory = Directory::new(&backends, &chains);
        let states = order.states(&chains, &known);
        let settings = Llm { chains, ..self.settings.clone() };
        let deps = EngineDeps {
            settings: &settings,
            backends,
            clock: self.clock.clone(),
            conventions: self.variables.get(CONVENTIONS),
            seed: self.seed,
        };
        let engine = match before {
            Some(before) => before.followed_by(deps)?,
            None => Engine::new(deps)?,
        };
        Ok(Current { engine, directory, known, chains: states })
    }

    fn engine_backend(&self, known: &Known) -> Result<EngineBackend, RouterError> {
        let mut settings = known.settings.clone();
        settings.local = Some(known.local);
        let backend = match settings.kind {
            BackendKind::Vision => self.vision_backend(known)?,
            _ => (self.connect)(&known.name, &settings, known.key.clone())?,
        };
        let backend = match &known.note {
            Some(note) if !known.key.is_set() && settings.kind.needs_key() => {
                Arc::new(KeyNeeded { backend, note: note.clone() }) as Arc<dyn Backend>
            }
            _ => backend,
        };
        let capabilities = Capabilities::of(&settings);
        Ok(EngineBackend { name: known.name.clone(), settings, backend, local: known.local, capabilities })
    }
}

impl Parts {
    /// Aerie's vision service: at the address that the backend has, or the one of this process.
    fn vision_backend(&self, known: &Known) -> Result<Arc<dyn Backend>, RouterError> {
        let service = match &known.settings.base_url {
            Some(address) => aerie_rpc::Backend::remote(address)?,
            None => match &self.vision {
                Some(service) => service.clone(),
                None => {
                    let words = "Aerie's vision service does not run here; give the backend a base_url";
                    return Ok(Arc::new(Unusable(Fault::new(FaultKind::Unsupported, words))));
                }
            },
        };
        let fetcher = ImageFetcher::new(Tls::of_system(), AddressGuard::default());
        Ok(Arc::new(Vision::new(service, fetcher)))
    }
}

/// Stands for a backend that a chain names and that was not found.
fn absent(name: &str) -> EngineBackend {
    let fault = Fault::new(FaultKind::Unsupported, format!("{name} was not found; start it, or configure it"));
    let settings = known::usual(BackendKind::OpenAiCompatible);
    let capabilities = Capabilities::of(&settings);
    EngineBackend { name: name.to_owned(), settings, backend: Arc::new(Unusable(fault)), local: true, capabilities }
}
