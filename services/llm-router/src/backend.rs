//! Something that answers: one model provider, as the engine sees it.

use std::{fmt, pin::Pin, time::Duration};

use futures::Stream;
use tokio::time::Instant;

use crate::{
    answer::{Completion, Embeddings, Piece},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::Fault,
};

/// A backend. It makes one try and says what went wrong; retries, fallback, limits and time limits between tokens are the
/// engine's. Dropping a future or a stream drops the connection, so that the provider stops working at once.
#[async_trait::async_trait]
pub trait Backend: fmt::Debug + Send + Sync {
    /// Answers whole. An answer with neither text nor function calls is the engine's to judge.
    async fn complete(&self, request: &ChatRequest, hop: &Hop) -> Result<Completion, Fault>;

    /// Begins a streamed answer: resolves with the answer's headers. The stream ends after a clean end only; anything else
    /// is an error as its last item ([`crate::fault::FaultKind::Incomplete`] for a cut).
    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault>;

    /// Turns texts into vectors.
    async fn embed(&self, request: &EmbedRequest, hop: &Hop) -> Result<Embeddings, Fault>;

    /// Lists the models it offers; also the health check.
    async fn models(&self, hop: &Hop) -> Result<Vec<String>, Fault>;

    /// Parts of a schema that its form cannot say and leaves out. The answer is checked against all of it all the same.
    fn untold(&self, schema: &Schema) -> Vec<String> {
        let _ = schema;
        Vec::new()
    }
}

/// A streamed answer.
pub type Pieces = Pin<Box<dyn Stream<Item = Result<Piece, Fault>> + Send>>;

/// One try's share of a call.
#[derive(Debug, Clone)]
pub struct Hop {
    /// Model to ask for.
    pub model: String,
    /// Key to send instead of the configured one (a person's own).
    pub key: Option<aerie_config::Secret>,
    /// Longest time to connect.
    pub connect: Duration,
    /// Longest time from sending to the answer's headers.
    pub headers: Duration,
    /// When the whole try must be over.
    pub deadline: Instant,
    /// Who asks, for a service of ours that shares itself out between people; sent nowhere else.
    pub person: String,
    /// W3C trace context to send along, when the backend is asked to.
    pub trace: http::HeaderMap,
}
