//! What a caller may write where a model's name is expected: a chain, a backend, a model, or a backend's model.

use std::collections::HashMap;

use aerie_config::LlmChain;

use crate::{call::Call, engine::EngineBackend};

/// How the name of a chain begins where it might be taken for something else.
pub const CHAIN_PREFIX: &str = "chain:";
/// Name of the chain for work without one of its own.
pub const DEFAULT_CHAIN: &str = "default";
/// Chain of work that reads documents into a form.
pub(crate) const EXTRACTION_CHAIN: &str = "extraction";
/// Chain of work that turns texts into vectors.
pub(crate) const EMBEDDING_CHAIN: &str = "embedding";
/// Chain of questions with pictures that name no other.
const VISION_CHAIN: &str = "vision";
/// Stands for a model that is not known yet.
pub(crate) const AUTOMATIC: &str = "__auto__";

/// Names that lead somewhere.
#[derive(Debug, Default)]
pub struct Directory {
    routes: HashMap<String, Route>,
    chains: Vec<String>,
    backends: Vec<(String, Vec<String>)>,
}

#[derive(Debug, Clone)]
enum Route {
    Chain(String),
    Backends(Vec<String>),
}

/// A name that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no model, backend or chain is named \"{name}\"; {known}")]
pub struct UnknownModel {
    name: String,
    known: String,
}

impl Directory {
    /// From the backends, in the order in which they are asked, and the chains.
    pub(crate) fn new<'a>(
        backends: &[EngineBackend],
        chains: impl IntoIterator<Item = (&'a String, &'a LlmChain)>,
    ) -> Self {
        let mut directory = Self { chains: vec![DEFAULT_CHAIN.to_owned()], ..Self::default() };
        for (name, _) in chains {
            if name != DEFAULT_CHAIN {
                directory.chains.push(name.clone());
            }
        }
        for backend in backends.iter().filter(|backend| backend.settings.enabled) {
            let models: Vec<String> = [Some(&backend.settings.model), backend.settings.embedding_model.as_ref()]
                .into_iter()
                .flatten()
                .filter(|model| *model != AUTOMATIC)
                .cloned()
                .collect();
            for model in &models {
                let route = directory.routes.entry(model.clone()).or_insert_with(|| Route::Backends(Vec::new()));
                if let Route::Backends(names) = route {
                    names.push(backend.name.clone());
                }
            }
            directory.backends.push((backend.name.clone(), models));
        }
        // The clearer the name, the later it is written: backends win over models, chains with their prefix over all.
        for chain in &directory.chains {
            directory.routes.entry(chain.clone()).or_insert_with(|| Route::Chain(chain.clone()));
            directory.routes.insert(format!("{CHAIN_PREFIX}{chain}"), Route::Chain(chain.clone()));
        }
        for (name, _) in &directory.backends {
            directory.routes.insert(name.clone(), Route::Backends(vec![name.clone()]));
        }
        directory
    }

    /// Chains, the default one first.
    #[must_use]
    pub fn chains(&self) -> &[String] {
        &self.chains
    }

    /// Backends with the models that the settings name.
    #[must_use]
    pub fn backends(&self) -> &[(String, Vec<String>)] {
        &self.backends
    }

    /// Whether a backend of this name is asked at all.
    #[must_use]
    pub fn knows_backend(&self, name: &str) -> bool {
        self.backends.iter().any(|(known, _)| known == name)
    }

    /// Points a call to what `name` stands for. Empty, "auto" and "default" leave it as it is.
    ///
    /// # Errors
    /// A name that leads nowhere.
    pub fn direct(&self, name: &str, call: &mut Call) -> Result<(), UnknownModel> {
        if matches!(name, "" | "auto" | DEFAULT_CHAIN) {
            return Ok(());
        }
        match self.routes.get(name) {
            Some(Route::Chain(chain)) => call.chain.clone_from(chain),
            Some(Route::Backends(backends)) => {
                call.backends.clone_from(backends);
                // Several backends of one model may also have others.
                if !self.knows_backend(name) {
                    call.model = Some(name.to_owned());
                }
            }
            None => match name.split_once('/') {
                Some((backend, model)) if self.knows_backend(backend) && !model.is_empty() => {
                    call.backends = vec![backend.to_owned()];
                    call.model = Some(model.to_owned());
                }
                _ => return Err(self.unknown(name)),
            },
        }
        Ok(())
    }

    /// Sends a question with pictures that names no chain and no backend to the chain that is for them.
    pub(crate) fn prefer_vision(&self, has_images: bool, call: &mut Call) {
        let is_open = call.chain.is_empty() && call.backends.is_empty();
        if has_images && is_open && self.chains.iter().any(|chain| chain == VISION_CHAIN) {
            call.chain = VISION_CHAIN.to_owned();
        }
    }

    fn unknown(&self, name: &str) -> UnknownModel {
        let shown: String = name.chars().filter(|character| !character.is_control()).take(80).collect();
        let mut names: Vec<String> = self.chains.iter().map(|chain| format!("{CHAIN_PREFIX}{chain}")).collect();
        names.extend(self.backends.iter().map(|(backend, _)| backend.clone()));
        let known = format!("write one of: {}, or a backend and one of its models as backend/model", names.join(", "));
        UnknownModel { name: shown, known }
    }
}
