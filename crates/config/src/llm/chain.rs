//! Which backends do which work.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Backends of one kind of work: a plain list is an order of preference.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum LlmChain {
    /// In order: the next one is asked when the one before fails.
    Order(Vec<String>),
    /// By weight: the first to be asked is drawn, among equals the faster of two.
    Weighted {
        /// Weight by backend; 0 is asked only when all others failed.
        weights: BTreeMap<String, u32>,
    },
}

impl LlmChain {
    /// Names of the backends, for an order in that order.
    pub fn names(&self) -> Box<dyn Iterator<Item = &String> + '_> {
        match self {
            Self::Order(names) => Box::new(names.iter()),
            Self::Weighted { weights } => Box::new(weights.keys()),
        }
    }
}
