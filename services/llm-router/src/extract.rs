//! Documents that fit a schema, out of models that may or may not keep to it.
//!
//! Whatever a backend claims, its answer is read and checked here: first what a model likes to put around or into JSON is
//! taken away ([`repair`]), then the document is held against the whole schema ([`validate`]).

pub mod cut;
pub(crate) mod document;
pub mod repair;
pub(crate) mod validate;

use crate::{answer::Completion, answer::Trail};

/// A document that was checked against the schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extraction {
    /// The document: JSON text that fits the schema.
    pub document: String,
    /// The answer that it was taken from; its `content` is the document.
    pub completion: Completion,
    /// How it came about.
    pub trail: Trail,
    /// Whether the model's text had to be repaired (fences, words around it, commas, brackets).
    pub repaired: bool,
    /// How often the answering backend was asked again because its document did not fit.
    pub reasks: u32,
    /// Parts of the schema that the answering backend was not told, in its form; the document fits them all the same.
    pub untold: Vec<String>,
}
