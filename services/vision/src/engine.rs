//! Many callers on one model: a fair queue in front, one thread that owns the model, batches on the way.
//!
//! A caller's image is decoded and cut on threads of its own; the request then waits in a queue that takes
//! turns between callers. The worker alone touches the model. Between two steps it lets requests go whose
//! caller has left or whose time is up, takes in new ones, encodes the images that they need (those of several requests
//! in one pass), and then moves all of them on by one step. The keys and values of an image stay
//! remembered by the image's content. Nothing here knows gRPC or HTTP.

mod ask;
mod error;
mod images;
mod pace;
mod pictures;
mod queue;
mod running;
mod settings;
mod shared;
mod telemetry;
#[cfg(test)]
mod tests;
mod thread;
mod worker;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::{mpsc, watch};

pub use ask::{Answer, Ask, Piece, Summary};
pub use error::EngineError;
pub use settings::EngineSettings;
pub use shared::{ModelInfo, State};
pub use thread::{EngineSource, start};

use ask::Job;
use pictures::Pictures;
use shared::Shared;

/// A handle to the model's thread. Clones are the same engine; the thread ends with the last of them.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    pictures: Arc<Pictures>,
    _last: Arc<LastHandle>,
}

/// Stops the thread when no handle is left.
struct LastHandle(Arc<Shared>);

impl Drop for LastHandle {
    fn drop(&mut self) {
        self.0.close(EngineError::Stopping);
    }
}

impl Engine {
    pub(crate) fn new(settings: EngineSettings) -> Self {
        let pictures = Arc::new(Pictures::new(settings.decoders, settings.image));
        let shared = Arc::new(Shared::new(settings));
        Self { _last: Arc::new(LastHandle(Arc::clone(&shared))), shared, pictures }
    }

    /// What the model is doing, as it changes.
    pub fn state(&self) -> watch::Receiver<State> {
        self.shared.state.subscribe()
    }

    /// Bytes of keys and values that are promised to images and requests.
    pub fn cache_used(&self) -> u64 {
        self.shared.cache_used.load(Ordering::Relaxed)
    }

    /// The loaded model.
    ///
    /// # Errors
    /// [`EngineError::Missing`], [`EngineError::Loading`] or [`EngineError::Failed`] while none answers.
    pub fn model(&self) -> Result<Arc<ModelInfo>, EngineError> {
        self.shared.model()
    }

    /// Asks; the answer comes piece by piece. Dropping it ends the request at the next step.
    ///
    /// # Errors
    /// [`EngineError`] where the request is refused before it waits: no model, a bad image, a full queue, or no hope to
    /// be in time.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, EngineError> {
        let asked = Instant::now();
        let model = self.shared.model()?;
        let ask = ask.checked(&model, &self.shared.settings, asked)?;
        // Before the work of decoding; it is asked again when the request takes its place.
        self.shared.expect_in_time(&ask.caller, ask.deadline, asked)?;
        let picture = match &ask.image {
            None => None,
            Some(bytes) => Some(self.pictures.open(bytes.clone(), &ask, &model, &self.shared).await?),
        };
        let (sender, receiver) = mpsc::channel(ask.most_pieces(model.context));
        let job = Job { ask, picture, sender, asked, queued: Instant::now(), span: tracing::Span::current() };
        self.shared.enqueue(job, Instant::now())?;
        Ok(Answer::new(receiver))
    }
}
