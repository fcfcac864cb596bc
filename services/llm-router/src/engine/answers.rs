//! The engine's calls: cache, one way over the backends, and the account of it.

use std::sync::Arc;

use super::{
    Emitter, Shared,
    cache::Cache,
    chain::{Chain, Chains},
    delivery::deliver,
    fingerprint::{self, Fingerprint},
    plan::Need,
    route::Route,
    telemetry,
    vectors::Vectors,
    visit::Won,
    whole::{Whole, WholeAnswer},
};
use crate::{
    answer::{Completion, FinishReason, Piece, ToolCallPiece, Trail},
    call::{Answer, AnswerEvent, Call, CallError, CallErrorKind, EmbedAnswer},
    chat::{ChatRequest, EmbedRequest},
    extract::{Extraction, document::Document},
};

impl Shared {
    /// The chain of a call.
    pub(super) fn chain(&self, call: &Call) -> Result<Arc<Chain>, CallError> {
        if call.backends.is_empty() {
            return Ok(self.chains.of(&call.chain).clone());
        }
        self.chains
            .direct(&call.backends)
            .map_err(|name| invalid(format!("no backend is named {name}; {}", Chains::known(&self.lanes))))
    }

    /// A whole answer; for a document also how it was come by.
    pub(super) async fn whole(&self, request: &ChatRequest, call: &Call) -> Result<Extraction, CallError> {
        let document = Document::of(request, &self.validators).map_err(invalid)?;
        let key = self.cache_key(request, call);
        if let Some(answer) = self.cached(key.as_ref()) {
            let Answer { completion, trail } = answer;
            return Ok(Extraction { completion, trail, ..Extraction::default() });
        }
        let route = Route::new(self, call, Need::of_chat(request))?;
        let Won { answer, visit, reasks } = route.run(&Whole::new(request, document.as_ref())).await?;
        let WholeAnswer { completion, repaired } = answer;
        let untold = match document.as_ref().and_then(Document::schema) {
            Some(schema) if visit.entry.lane.capabilities.schema => visit.entry.lane.backend.untold(schema),
            _ => Vec::new(),
        };
        telemetry::answered(&visit.span, &completion, self.recording);
        let settled = completion.usage.unwrap_or_else(|| route.plan.need.estimate.usage_of(&completion));
        let trail = route.finish(visit, completion.usage, settled);
        let answer = Answer { completion, trail };
        self.keep(key, &answer);
        Ok(Extraction {
            document: String::new(),
            completion: answer.completion,
            trail: answer.trail,
            repaired,
            reasks,
            untold,
        })
    }

    /// A streamed answer.
    pub(super) async fn streamed(
        &self,
        request: &ChatRequest,
        call: &Call,
        emitter: &Emitter,
    ) -> Result<Trail, CallError> {
        let document = Document::of(request, &self.validators).map_err(invalid)?;
        let key = self.cache_key(request, call);
        if let Some(answer) = self.cached(key.as_ref()) {
            return Ok(replay(answer, emitter).await);
        }
        let route = Route::new(self, call, Need::of_chat(request))?;
        let (completion, trail) = deliver(&route, request, document.as_ref(), key.is_some(), emitter).await?;
        if key.is_some() {
            self.keep(key, &Answer { completion, trail: trail.clone() });
        }
        Ok(trail)
    }

    /// Vectors.
    pub(super) async fn vectors(&self, request: &EmbedRequest, call: &Call) -> Result<EmbedAnswer, CallError> {
        let route = Route::new(self, call, Need::of_embedding(request))?;
        let Won { answer: embeddings, visit, .. } = route.run(&Vectors(request)).await?;
        let estimate = route.plan.need.estimate.usage_of(&Completion::default());
        let trail = route.finish(visit, embeddings.usage, embeddings.usage.unwrap_or(estimate));
        Ok(EmbedAnswer { embeddings, trail })
    }

    fn cache_key(&self, request: &ChatRequest, call: &Call) -> Option<Fingerprint> {
        (call.cache && self.cache.is_on()).then(|| fingerprint::of(request, call))
    }

    fn cached(&self, key: Option<&Fingerprint>) -> Option<Answer> {
        let found = self.cache.get(key?);
        telemetry::count_cache(found.is_some());
        let mut answer = Answer::clone(&*found?);
        answer.trail.cached = true;
        Some(answer)
    }

    fn keep(&self, key: Option<Fingerprint>, answer: &Answer) {
        keep(&self.cache, key, answer);
    }
}

/// Keeps an answer that is worth giving again: a finished one.
fn keep(cache: &Cache, key: Option<Fingerprint>, answer: &Answer) {
    let finished = matches!(answer.completion.finish, FinishReason::Stop | FinishReason::ToolCalls);
    if let Some(key) = key.filter(|_| finished) {
        cache.put(key, answer.clone());
    }
}

/// Gives an answer of the cache as a stream.
async fn replay(answer: Answer, emitter: &Emitter) -> Trail {
    let Answer { completion, trail } = answer;
    let Completion { id, model, content, reasoning, tool_calls, finish, usage } = completion;
    let mut pieces = vec![Piece::Started { id, model }];
    pieces.extend((!reasoning.is_empty()).then_some(Piece::Reasoning(reasoning)));
    pieces.extend((!content.is_empty()).then_some(Piece::Content(content)));
    pieces.extend(tool_calls.into_iter().zip(0..).map(|(call, index)| {
        let (id, name) = (Some(call.id), Some(call.name));
        Piece::ToolCall(ToolCallPiece { index, id, name, arguments: call.arguments })
    }));
    pieces.push(Piece::Finish(finish));
    pieces.extend(usage.map(Piece::Usage));
    for piece in pieces {
        emitter.emit(Ok(AnswerEvent::Piece(piece))).await;
    }
    trail
}

fn invalid(message: String) -> CallError {
    CallError { kind: CallErrorKind::Invalid, message, trail: Box::default(), usage: None, retry_after: None }
}
