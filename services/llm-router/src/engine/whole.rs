//! Whole answers, with a document in them where the caller asks for one.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    route::{Ask, Work},
    telemetry::Operation,
};
use crate::{
    answer::{Completion, FinishReason},
    chat::{ChatRequest, OutputFormat},
    extract::document::Document,
    fault::{Fault, FaultKind},
};

/// Asks for a whole answer.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    request: &'a ChatRequest,
    document: Option<&'a Document>,
    /// What a backend is asked after its document did not fit.
    again: Mutex<HashMap<Arc<str>, ChatRequest>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct WholeAnswer {
    pub(crate) completion: Completion,
    /// Whether its document had to be repaired.
    pub(crate) repaired: bool,
}

impl<'a> Whole<'a> {
    pub(crate) fn new(request: &'a ChatRequest, document: Option<&'a Document>) -> Self {
        Self { request, document, again: Mutex::default() }
    }

    fn question(&self, ask: Ask<'_>) -> Cow<'a, ChatRequest> {
        let again = self.again.lock().unwrap_or_else(PoisonError::into_inner).get(&ask.lane.name).cloned();
        match again {
            Some(again) => Cow::Owned(again),
            None => question(self.request, self.document, ask),
        }
    }
}

impl Work for Whole<'_> {
    type Answer = WholeAnswer;
    const OPERATION: Operation = Operation::Chat;
    const STREAMED: bool = false;

    async fn ask(&self, ask: Ask<'_>) -> Result<WholeAnswer, Fault> {
        let question = self.question(ask);
        let mut completion = ask.lane.backend.complete(&question, ask.hop).await?;
        let Some(document) = self.document else {
            if is_empty(&completion) {
                return Err(nothing(completion.finish));
            }
            return Ok(WholeAnswer { completion, repaired: false });
        };
        if is_empty(&completion) {
            return Err(nothing(completion.finish));
        }
        match document.settle(&mut completion) {
            Ok(repaired) => Ok(WholeAnswer { completion, repaired }),
            Err(mistakes) => {
                let again = Document::again(&question, &completion.content, &mistakes);
                self.again.lock().unwrap_or_else(PoisonError::into_inner).insert(ask.lane.name.clone(), again);
                Err(Fault::new(FaultKind::InvalidDocument, mistakes))
            }
        }
    }

    fn request(&self) -> Option<&ChatRequest> {
        Some(self.request)
    }
}

/// The question as this backend is asked it: one that cannot be held to a schema is told in words.
pub(crate) fn question<'a>(
    request: &'a ChatRequest,
    document: Option<&Document>,
    ask: Ask<'_>,
) -> Cow<'a, ChatRequest> {
    match document {
        Some(document) if matches!(request.output, OutputFormat::Schema { .. }) && !ask.lane.capabilities.schema => {
            Cow::Owned(document.in_words(request))
        }
        _ => Cow::Borrowed(request),
    }
}

fn is_empty(completion: &Completion) -> bool {
    completion.content.trim().is_empty() && completion.tool_calls.is_empty()
}

/// What it means that an answer held nothing. Thought alone is nothing.
pub(crate) fn nothing(finish: FinishReason) -> Fault {
    match finish {
        FinishReason::ContentFilter => Fault::new(FaultKind::ContentPolicy, "the provider withheld the whole answer"),
        FinishReason::Length => {
            Fault::new(FaultKind::Empty, "the answer was empty when its token limit was reached; raise max_tokens")
        }
        FinishReason::Stop | FinishReason::ToolCalls => Fault::new(FaultKind::Empty, "the answer was empty"),
    }
}
