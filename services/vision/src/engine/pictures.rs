//! Images on their way to the model: told apart by content, decoded and cut beside the model's thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;
use tracing::Instrument;

use super::ask::CheckedAsk;
use super::images::ImageKey;
use super::shared::Shared;
use super::{EngineError, ModelInfo};
use crate::image::{Crops, ImageLimits, Picture, Preparation};
use crate::model::ReadImage;

/// Images up to this size are hashed in less time than a thread takes to wake.
const SHORT_BYTES: usize = 64 * 1024;

type Cell = OnceCell<Crops>;

/// An image that is ready for the model.
pub(crate) struct OpenedPicture {
    pub(crate) key: ImageKey,
    pub(crate) content: Content,
}

/// What is there of an image.
pub(crate) enum Content {
    /// The model has read it before.
    Read(Arc<dyn ReadImage>),
    /// Its crops, shared by all who ask about it now.
    Cut(Arc<Cell>),
}

impl OpenedPicture {
    /// The crops, where the model has not read the image.
    pub(crate) fn crops(&self) -> Option<&Crops> {
        match &self.content {
            Content::Read(_) => None,
            Content::Cut(cell) => cell.get(),
        }
    }
}

/// Decodes images, each once however many ask about it, a few at a time.
pub(crate) struct Pictures {
    places: Arc<Semaphore>,
    limits: ImageLimits,
    cutting: Mutex<HashMap<[u8; 32], Weak<Cell>>>,
}

impl Pictures {
    pub(crate) fn new(decoders: usize, limits: ImageLimits) -> Self {
        Self { places: Arc::new(Semaphore::new(decoders.max(1))), limits, cutting: Mutex::default() }
    }

    /// Finds out whether the model knows the image, and decodes it where it does not.
    pub(crate) async fn open(
        &self,
        bytes: Bytes,
        ask: &CheckedAsk,
        model: &ModelInfo,
        shared: &Shared,
    ) -> Result<OpenedPicture, EngineError> {
        if bytes.len() > self.limits.bytes {
            let error = crate::image::ImageError::TooManyBytes { bytes: bytes.len(), limit: self.limits.bytes };
            return Err(error.into());
        }
        let _opening = shared.begin_opening()?;
        let open = async {
            let content = hash(bytes.clone()).await?;
            let key = ImageKey { content, variant: Arc::clone(&ask.variant) };
            if let Some(prefix) = shared.images().get(&key) {
                return Ok(OpenedPicture { key, content: Content::Read(prefix) });
            }
            let cell = self.cell(content);
            cell.get_or_try_init(|| self.cut(bytes, model.preparation)).await?;
            Ok(OpenedPicture { key, content: Content::Cut(cell) })
        };
        match tokio::time::timeout_at(ask.deadline.into(), open).await {
            Ok(opened) => opened,
            Err(_) => Err(EngineError::DeadlineExceeded),
        }
    }

    /// The place for the crops of an image, the same for all who hold it at the same time.
    fn cell(&self, content: [u8; 32]) -> Arc<Cell> {
        let mut cutting = self.cutting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cell) = cutting.get(&content).and_then(Weak::upgrade) {
            return cell;
        }
        cutting.retain(|_, cell| cell.strong_count() > 0);
        let cell = Arc::default();
        cutting.insert(content, Arc::downgrade(&cell));
        cell
    }

    async fn cut(&self, bytes: Bytes, preparation: Preparation) -> Result<Crops, EngineError> {
        // The place goes along, so that work that nobody waits for any more still counts.
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| EngineError::Stopping)?;
        let limits = self.limits;
        let span = tracing::info_span!("decode_image", bytes = bytes.len());
        let work = spawn_blocking(move || {
            let _place = place;
            let picture = Picture::decode(&bytes, &limits)?;
            preparation.prepare(&picture)
        });
        let cut = work.instrument(span).await;
        let cut = cut.map_err(|_| EngineError::invalid("image", "could not be decoded; save it again as PNG"))?;
        Ok(cut?)
    }
}

/// SHA-256; long ones beside the callers' threads.
async fn hash(bytes: Bytes) -> Result<[u8; 32], EngineError> {
    if bytes.len() <= SHORT_BYTES {
        return Ok(sha256(&bytes));
    }
    spawn_blocking(move || sha256(&bytes)).await.map_err(|_| EngineError::Stopping)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut content = [0; 32];
    content.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    content
}
