//! Backends that cannot be asked, and say why: the reason then stands in the trail of the call.

use crate::{
    answer::{Completion, Embeddings},
    backend::{Backend, Hop, Pieces},
    chat::{ChatRequest, EmbedRequest, Schema},
    fault::{Fault, FaultKind},
};

use std::sync::Arc;

/// Answers everything with one fault.
#[derive(Debug)]
pub(super) struct Unusable(pub(super) Fault);

#[async_trait::async_trait]
impl Backend for Unusable {
    async fn complete(&self, _: &ChatRequest, _: &Hop) -> Result<Completion, Fault> {
        Err(self.0.clone())
    }

    async fn stream(&self, _: &ChatRequest, _: &Hop) -> Result<Pieces, Fault> {
        Err(self.0.clone())
    }

    async fn embed(&self, _: &EmbedRequest, _: &Hop) -> Result<Embeddings, Fault> {
        Err(self.0.clone())
    }

    async fn models(&self, _: &Hop) -> Result<Vec<String>, Fault> {
        Err(self.0.clone())
    }
}

/// A backend without a key of ours: asked only with a person's own.
#[derive(Debug)]
pub(super) struct KeyNeeded {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) note: String,
}

impl KeyNeeded {
    fn check(&self, hop: &Hop) -> Result<(), Fault> {
        // Not "refused": that would keep persons with a key of their own from asking.
        if hop.key.is_some() { Ok(()) } else { Err(Fault::new(FaultKind::Unsupported, self.note.clone())) }
    }
}

#[async_trait::async_trait]
impl Backend for KeyNeeded {
    async fn complete(&self, request: &ChatRequest, hop: &Hop) -> Result<Completion, Fault> {
        self.check(hop)?;
        self.backend.complete(request, hop).await
    }

    async fn stream(&self, request: &ChatRequest, hop: &Hop) -> Result<Pieces, Fault> {
        self.check(hop)?;
        self.backend.stream(request, hop).await
    }

    async fn embed(&self, request: &EmbedRequest, hop: &Hop) -> Result<Embeddings, Fault> {
        self.check(hop)?;
        self.backend.embed(request, hop).await
    }

    async fn models(&self, hop: &Hop) -> Result<Vec<String>, Fault> {
        self.check(hop)?;
        self.backend.models(hop).await
    }

    fn untold(&self, schema: &Schema) -> Vec<String> {
        self.backend.untold(schema)
    }
}
