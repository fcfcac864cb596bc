//! The model's thread: loading, the test of itself, and turns until nobody needs it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::shared::Shared;
use super::worker::Worker;
use super::{Engine, EngineError, EngineSettings, ModelInfo, State};
use crate::image::Picture;
use crate::model::{
    CaptionLength, Event, Finish, LoadOptions, ModelError, OpenedModel, Request, Sampling, ServedGeneration,
    ServedModel, Skill,
};
use crate::weights::Variant;

/// Tokens of the test's answer.
const TEST_TOKENS: usize = 2;

/// Where the model comes from.
#[derive(Clone, Debug)]
pub enum EngineSource {
    /// There is none; the text says what to fetch. The engine refuses everything with it.
    Missing(String),
    /// There is one, but it cannot be used as configured; the text says why.
    Unusable(String),
    /// A folder.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Name that answers carry.
        name: String,
        /// How it is loaded.
        options: LoadOptions,
        /// Files of variants, by name.
        variants: BTreeMap<String, PathBuf>,
    },
}

/// Starts the thread of a model. It loads in the background; [`Engine::state`] says when it answers.
///
/// # Errors
/// The system has no thread left.
pub fn start(source: EngineSource, settings: EngineSettings) -> io::Result<Engine> {
    let engine = Engine::new(settings);
    match source {
        EngineSource::Missing(message) => {
            engine.shared.state.send_replace(State::Missing(message));
        }
        EngineSource::Unusable(message) => {
            tracing::error!("the vision model cannot be used: {message}");
            engine.shared.state.send_replace(State::Failed(message));
        }
        EngineSource::Folder { folder, name, options, variants } => {
            let shared = Arc::clone(&engine.shared);
            let work = move || match OpenedModel::open(&folder, &options) {
                Ok(OpenedModel::Current(model)) => run(&shared, || load(*model, name, &options, &variants)),
                Ok(OpenedModel::Earlier(model)) => run(&shared, || load(*model, name, &options, &variants)),
                Err(error) => refuse(&shared, &error),
            };
            thread::Builder::new().name("vision-model".to_owned()).spawn(work)?;
        }
    }
    Ok(engine)
}

impl Engine {
    /// Takes in nothing more; what runs ends first. [`State::Stopped`] follows.
    pub fn stop(&self) {
        self.shared.close(EngineError::Stopping);
        self.shared.state.send_if_modified(|state| {
            let has_no_thread = matches!(state, State::Missing(_) | State::Failed(_) | State::Broken(_));
            if has_no_thread {
                *state = State::Stopped;
            }
            has_no_thread
        });
    }
}

/// A model that has passed its test.
pub(crate) struct Loaded<M> {
    pub(crate) model: M,
    pub(crate) variants: HashMap<Arc<str>, Arc<Variant>>,
    pub(crate) info: ModelInfo,
}

/// Nothing can be asked of a model that cannot be used.
fn refuse(shared: &Shared, error: &ModelError) {
    tracing::error!(%error, "the vision model cannot be used: {error}");
    shared.close(EngineError::Failed(error.to_string()));
    shared.state.send_replace(State::Failed(error.to_string()));
}

fn run<M: ServedModel>(shared: &Arc<Shared>, load: impl FnOnce() -> Result<Loaded<M>, ModelError>) {
    let loaded = match load() {
        Ok(loaded) => loaded,
        Err(error) => return refuse(shared, &error),
    };
    let (revision, device) = (loaded.info.revision.name(), &loaded.info.device);
    tracing::info!(model = loaded.info.name, revision, device, "the vision model answers");
    let mut worker = Worker::new(loaded.model, loaded.variants, Arc::clone(shared));
    shared.state.send_replace(State::Ready(Arc::new(loaded.info)));
    let end = turns(&mut worker, shared);
    let (error, state) = match end {
        Ok(()) => (EngineError::Stopping, State::Stopped),
        Err(error) => (EngineError::Failed(error.to_string()), State::Broken(error.to_string())),
    };
    shared.close(error.clone());
    worker.abandon(&error);
    drop(worker);
    shared.state.send_replace(state);
}

/// Turns until nothing more may come and what runs has ended.
fn turns<M: ServedModel>(worker: &mut Worker<M>, shared: &Shared) -> Result<(), EngineError> {
    loop {
        if worker.is_idle() && !shared.wait_for_work() {
            return Ok(());
        }
        worker.turn(Instant::now())?;
    }
}

fn load<M: ServedModel>(
    model: M,
    name: String,
    options: &LoadOptions,
    files: &BTreeMap<String, PathBuf>,
) -> Result<Loaded<M>, ModelError> {
    let mut variants = HashMap::new();
    for (name, file) in files {
        variants.insert(Arc::from(name.as_str()), model.load_variant(file)?);
    }
    prepare(model, variants, name, options)
}

/// Tests a model and describes it.
pub(crate) fn prepare<M: ServedModel>(
    model: M,
    variants: HashMap<Arc<str>, Arc<Variant>>,
    name: String,
    options: &LoadOptions,
) -> Result<Loaded<M>, ModelError> {
    self_test(&model)?;
    let mut names: Vec<String> = variants.keys().map(|name| name.to_string()).collect();
    names.sort();
    let device = match options.device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    };
    let info = describe(&model, name, device, names);
    Ok(Loaded { model, variants, info })
}

/// What callers and the engine know of a model.
pub(crate) fn describe<M: ServedModel>(model: &M, name: String, device: String, variants: Vec<String>) -> ModelInfo {
    let facts = model.facts();
    ModelInfo {
        name,
        device,
        dtype: facts.dtype.as_str().to_owned(),
        context: facts.context,
        image_positions: facts.image_positions,
        variants,
        preparation: facts.preparation,
        revision: facts.revision,
        skills: facts.skills,
        cache_budget: model.cache_use().budget,
    }
}

/// Asks the model something about a grey picture: all of it has to run, and to give numbers.
fn self_test<M: ServedModel>(model: &M) -> Result<(), ModelError> {
    let failed = |what: String| ModelError::Request(format!("the model fails its test of itself: {what}"));
    let grey = Picture::new(2, 2, vec![128; 12]).ok_or_else(|| failed("no picture".to_owned()))?;
    let facts = model.facts();
    let crops = facts.preparation.prepare(&grey)?;
    let embedding = model.encode(&[&crops], 1)?.pop().ok_or_else(|| failed("no image".to_owned()))?;
    let image = model.read(&[(&embedding, None)])?.pop();
    let sampling = Sampling::greedy(TEST_TOKENS);
    let request = if facts.skills.contains(&Skill::Query) {
        Request::Query { question: "?".to_owned(), references: Vec::new(), reasoning: false, sampling }
    } else {
        Request::Caption { length: CaptionLength::Short, sampling }
    };
    let mut generation = model.begin(&request, image, None)?;
    while !generation.is_finished() {
        model.advance(&mut [&mut generation])?;
    }
    match generation.take_events().pop() {
        Some(Event::Finished(Finish::Failed(reason))) => Err(failed(reason)),
        _ => Ok(()),
    }
}
