//! Ranking postings.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `matching`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// Folder of a sentence-embedding model; none ranks by words only.
    pub embedding_model: Option<PathBuf>,
    /// Let approvals and rejections re-weight the ranking.
    pub learn: bool,
    /// Share of the review queue that shows postings from further down, 0 to 0.5.
    pub exploration_share: f64,
    /// Threads for scoring; 0 takes one per core.
    pub threads: usize,
}

impl Matching {
    pub(crate) fn check(&self, checks: &mut Checks) {
        checks.range("matching.exploration_share", self.exploration_share, 0.0, 0.5);
        checks.range("matching.threads", self.threads, 0, 1024);
        if let Some(folder) = &self.embedding_model {
            checks.require(
                folder.is_dir(),
                "matching.embedding_model",
                || format!("is {}, which is not a folder", folder.display()),
                "name the folder that holds config.json, tokenizer.json and model.safetensors, or write null",
            );
        }
    }
}
