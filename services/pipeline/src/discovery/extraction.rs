//! Postings out of free text: by a language model through the router when one is there, else by rules.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aerie_boards::article::{self, ExtractError, Extractor, RuleExtractor};
use aerie_proto::llm::v1::{self as llm, llm_service_client::LlmServiceClient};
use aerie_rpc::{Backend, RpcError};
use aerie_store::PersonId;
use async_trait::async_trait;
use serde_json::Value;
use tonic::Request;

use crate::{
    core::Core,
    models::{NO_BACKEND, for_person, written_by},
};

/// Longest wait for one piece of text; the router shares it out over its backends.
const PATIENCE: Duration = Duration::from_secs(120);
const CHAIN: &str = "extraction";
const DOCUMENT: &str = "postings";

/// What finds postings in texts of this person.
pub(crate) fn extractor(core: &Core, person: PersonId, is_waited_for: bool) -> Box<dyn Extractor> {
    match &core.inner.router {
        Some(router) => {
            let router = router.clone();
            Box::new(RouterExtractor { router, person, is_waited_for, wrote: Mutex::new(None) })
        }
        None => Box::new(RuleExtractor),
    }
}

/// Asks the router for a document in the form of [`article::output_schema`], which it holds every backend to.
struct RouterExtractor {
    router: Backend,
    person: PersonId,
    is_waited_for: bool,
    /// Who answered the last piece.
    wrote: Mutex<Option<String>>,
}

impl RouterExtractor {
    fn request(&self, chunk: &str) -> Request<llm::ExtractRequest> {
        let priority = if self.is_waited_for { llm::Priority::Interactive } else { llm::Priority::Background };
        let request = llm::ExtractRequest {
            schema: article::output_schema().to_string(),
            name: DOCUMENT.to_owned(),
            chain: CHAIN.to_owned(),
            // The text is data: it never stands where instructions do, and it cannot end its marks.
            system: article::INSTRUCTION.to_owned(),
            prompt: article::delimited(chunk),
            routing: Some(llm::Routing { priority: priority as i32, ..llm::Routing::default() }),
            ..llm::ExtractRequest::default()
        };
        for_person(request, self.person, PATIENCE)
    }

    fn note(&self, who: String) {
        *self.wrote.lock().unwrap_or_else(PoisonError::into_inner) = Some(who);
    }
}

#[async_trait]
impl Extractor for RouterExtractor {
    fn name(&self) -> &str {
        "a language model"
    }

    fn answered_by(&self) -> Option<String> {
        self.wrote.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn extract(&self, chunk: &str) -> Result<Value, ExtractError> {
        match LlmServiceClient::new(self.router.clone()).extract(self.request(chunk)).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let trail = answer.trail.unwrap_or_default();
                self.note(written_by(&trail));
                serde_json::from_str(&answer.document).map_err(|error| ExtractError::BadAnswer(error.to_string()))
            }
            Err(status) => {
                let error = RpcError::from(&status);
                if error.reason == NO_BACKEND {
                    // The usual case of somebody who has no model: nothing went wrong.
                    self.note("rules".to_owned());
                    return Ok(RuleExtractor.answer(chunk));
                }
                Err(ExtractError::Failed(error.message))
            }
        }
    }
}
