//! Collects what is wrong with a request, so that a caller learns of every field at once.

use aerie_rpc::{FieldProblem, RequestLimits, RpcError};

use crate::chat::Schema;

/// Longest name of a function, chain, backend, model or document, in bytes.
const LONGEST_NAME: usize = 256;

/// The findings so far. Prompts may be as long as a message; everything beside them has its own bounds.
pub(super) struct Reader {
    most: usize,
    problems: Vec<FieldProblem>,
}

impl Reader {
    pub(super) fn new(limits: RequestLimits) -> Self {
        Self { most: limits.list_length, problems: Vec::new() }
    }

    pub(super) fn problem(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.problems.push(FieldProblem { field: field.into(), description: description.into() });
    }

    pub(super) fn list<T>(&mut self, field: &str, entries: &[T]) {
        let (length, most) = (entries.len(), self.most);
        if length > most {
            self.problem(field, format!("has {length} entries; at most {most} are allowed"));
        }
    }

    pub(super) fn name(&mut self, field: &str, name: &str) {
        if name.len() > LONGEST_NAME {
            self.problem(field, format!("is longer than {LONGEST_NAME} bytes"));
        }
    }

    pub(super) fn range(&mut self, field: &str, value: Option<f32>, least: f32, most: f32) -> Option<f32> {
        if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
            self.problem(field, format!("is {value}; write a number from {least} to {most}"));
        }
        value
    }

    pub(super) fn schema(&mut self, field: &str, text: &str) -> Option<Schema> {
        match Schema::parse(text) {
            Ok(schema) => Some(schema),
            Err(error) => {
                self.problem(field, format!("is not JSON: {error}"));
                None
            }
        }
    }

    pub(super) fn finish(self) -> Result<(), RpcError> {
        if self.problems.is_empty() { Ok(()) } else { Err(RpcError::invalid_fields(self.problems)) }
    }
}
