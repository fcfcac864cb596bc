//! What form an answer must have, and whether it has it.

use std::{fmt, sync::Arc};

use jsonschema::Validator;

use super::{
    repair::repair,
    validate::{Validators, validate},
};
use crate::{
    answer::{Completion, FinishReason},
    chat::{ChatRequest, Message, OutputFormat, Role, Schema},
};

/// Longest part of a wrong answer that the model is shown again, in bytes.
const LONGEST_SHOWN: usize = 32 * 1024;

/// A form that an answer must have.
pub(crate) struct Document {
    /// Whether functions may be called instead.
    or_calls: bool,
    /// None for any JSON object.
    form: Option<(Schema, Arc<Validator>)>,
}

impl Document {
    /// The form that a request asks for; none for text.
    ///
    /// # Errors
    /// In words, a schema that cannot be used.
    pub(crate) fn of(request: &ChatRequest, validators: &Validators) -> Result<Option<Self>, String> {
        let form = match &request.output {
            OutputFormat::Text => return Ok(None),
            OutputFormat::JsonObject => None,
            OutputFormat::Schema { schema, .. } => Some((schema.clone(), validators.of(schema)?)),
        };
        Ok(Some(Self { or_calls: !request.tools.is_empty(), form }))
    }

    /// The schema; none for any object.
    pub(crate) fn schema(&self) -> Option<&Schema> {
        self.form.as_ref().map(|(schema, _)| schema)
    }

    /// Reads and checks an answer's text, and puts the document in its place. Returns whether it had to be repaired. An
    /// answer that calls functions instead needs no document, where functions were offered.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub(crate) fn settle(&self, completion: &mut Completion) -> Result<bool, String> {
        if self.or_calls && completion.content.trim().is_empty() && !completion.tool_calls.is_empty() {
            return Ok(false);
        }
        let may_close = completion.finish != FinishReason::Length;
        let read = repair(&completion.content, may_close)?;
        match &self.form {
            Some((_, validator)) => validate(validator, &read.value)?,
            None if !read.value.is_object() => return Err("the answer is JSON but not an object".to_owned()),
            None => {}
        }
        let (text, repaired) = (read.text.into_owned(), read.repaired);
        completion.content = text;
        Ok(repaired)
    }

    /// The question for a backend that cannot be held to a schema: it is told in words.
    pub(crate) fn in_words(&self, request: &ChatRequest) -> ChatRequest {
        let mut words = "Answer with one JSON document and nothing else: no words around it, no code fence.".to_owned();
        if let Some(schema) = self.schema() {
            words.push_str(" It must fit this JSON Schema:\n");
            words.push_str(schema.json());
        }
        let mut request = ChatRequest { output: OutputFormat::Text, ..request.clone() };
        let place = request.messages.iter().take_while(|message| message.role == Role::System).count();
        request.messages.insert(place, Message::text(Role::System, words));
        request
    }

    /// The question again, with the wrong answer and what is wrong with it.
    pub(crate) fn again(request: &ChatRequest, answer: &str, mistakes: &str) -> ChatRequest {
        let mut request = request.clone();
        let shown = (0..=LONGEST_SHOWN.min(answer.len())).rev().find(|end| answer.is_char_boundary(*end));
        let shown = &answer[..shown.unwrap_or(0)];
        if !shown.trim().is_empty() {
            request.messages.push(Message::text(Role::Assistant, shown));
        }
        let words = format!(
            "That does not fit the schema: {mistakes}. Answer again with the whole corrected JSON document and nothing else."
        );
        request.messages.push(Message::text(Role::User, words));
        request
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Document").field(&self.schema()).finish()
    }
}
