//! The order of chains as a person chose it: laid over what the settings say, and kept in a file of the installation's own.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use aerie_config::LlmChain;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Known, RouterError};
use crate::directory::DEFAULT_CHAIN;

/// Largest file that is read: far above any order.
const MOST_BYTES: u64 = 1 << 20;

/// Where the order that a person chooses is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderPlace {
    /// In this file, which nobody else writes.
    File(PathBuf),
    /// Nowhere: whoever runs the installation sets the order, for the reason that these words say.
    Fixed(&'static str),
}

/// Why an order was not taken.
#[derive(Debug, Error)]
pub enum OrderError {
    /// Nothing here may be ordered.
    #[error("{0}")]
    Fixed(&'static str),
    /// There is no such chain.
    #[error("no chain is named \"{0}\"; ListBackends says which there are")]
    UnknownChain(String),
    /// Weights decide, not an order.
    #[error("chain {0} is drawn by weight; its weights are llm.chains.{0} in the settings")]
    Weighted(String),
    /// The names are not those of the chain.
    #[error("chain {chain} is asked in another order only when each of its backends is named once: {backends}")]
    OtherBackends {
        /// The chain.
        chain: String,
        /// Its backends, in words.
        backends: String,
    },
    /// The file cannot be written.
    #[error("the order cannot be kept in {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The engine cannot be made anew.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The thread that wrote it ended.
    #[error("the order was not kept: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// A chain as it is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainState {
    /// Kind of work.
    pub name: String,
    /// Its backends; for the default chain that no settings name, those that can be asked.
    pub chain: LlmChain,
    /// Why its order cannot be changed; none when it can.
    pub fixed: Option<String>,
    /// Whether a person chose the order.
    pub is_chosen: bool,
}

/// The file's form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// Backends by chain, the first to be asked first.
    chains: BTreeMap<String, Vec<String>>,
}

/// What was chosen, and where that is kept.
#[derive(Debug)]
pub(super) struct ChosenOrder {
    place: OrderPlace,
    document: Document,
}

impl ChosenOrder {
    /// What was chosen earlier. A file that cannot be read is no reason not to start: the settings' order holds then.
    pub(super) fn read(place: OrderPlace) -> Self {
        let document = match &place {
            OrderPlace::Fixed(_) => Document::default(),
            OrderPlace::File(path) => read(path).unwrap_or_else(|reason| {
                let path = path.display();
                tracing::warn!(
                    %path,
                    "{path} cannot be read ({reason}); language models are asked in the order of the settings until \
                     another one is chosen"
                );
                Document::default()
            }),
        };
        Self { place, document }
    }

    /// Puts the backends into the order in which the default chain asks them, where no settings name that chain.
    pub(super) fn arrange(&self, known: &mut [Known], chains: &BTreeMap<String, LlmChain>) {
        if !chains.contains_key(DEFAULT_CHAIN)
            && let Some(chosen) = self.document.chains.get(DEFAULT_CHAIN)
        {
            known.sort_by_key(|known| rank(chosen, &known.name));
        }
    }

    /// The chains of the settings in the order that was chosen. Backends that were added since come last.
    pub(super) fn over(&self, chains: &BTreeMap<String, LlmChain>) -> BTreeMap<String, LlmChain> {
        let ordered = |(name, chain): (&String, &LlmChain)| match (chain, self.document.chains.get(name)) {
            (LlmChain::Order(names), Some(chosen)) => {
                let mut names = names.clone();
                names.sort_by_key(|name| rank(chosen, name));
                (name.clone(), LlmChain::Order(names))
            }
            _ => (name.clone(), chain.clone()),
        };
        chains.iter().map(ordered).collect()
    }

    /// How the chains are, for people; the default one first where the settings do not name it.
    pub(super) fn states(&self, chains: &BTreeMap<String, LlmChain>, known: &[Known]) -> Vec<ChainState> {
        let mut all: Vec<(&str, LlmChain)> = Vec::with_capacity(chains.len() + 1);
        if !chains.contains_key(DEFAULT_CHAIN) {
            let usable = known.iter().filter(|known| known.is_usable()).map(|known| known.name.clone());
            all.push((DEFAULT_CHAIN, LlmChain::Order(usable.collect())));
        }
        all.extend(chains.iter().map(|(name, chain)| (name.as_str(), chain.clone())));
        let state = |(name, chain): (&str, LlmChain)| {
            let fixed = match (&self.place, &chain) {
                (OrderPlace::Fixed(words), _) => Some((*words).to_owned()),
                (_, LlmChain::Weighted { .. }) => Some(OrderError::Weighted(name.to_owned()).to_string()),
                (OrderPlace::File(_), LlmChain::Order(_)) => None,
            };
            let is_chosen = fixed.is_none() && self.document.chains.contains_key(name);
            ChainState { name: name.to_owned(), chain, fixed, is_chosen }
        };
        all.into_iter().map(state).collect()
    }

    /// Chooses an order of a chain, or with no names that of the settings, and keeps it.
    pub(super) fn choose(&mut self, present: &[ChainState], chain: &str, names: &[String]) -> Result<(), OrderError> {
        let path = match &self.place {
            OrderPlace::File(path) => path,
            OrderPlace::Fixed(words) => return Err(OrderError::Fixed(words)),
        };
        let state = present.iter().find(|state| state.name == chain);
        let state = state.ok_or_else(|| OrderError::UnknownChain(chain.to_owned()))?;
        let LlmChain::Order(there) = &state.chain else { return Err(OrderError::Weighted(chain.to_owned())) };
        let mut document = self.document.clone();
        if names.is_empty() {
            document.chains.remove(chain);
        } else {
            let is_whole = names.len() == there.len() && there.iter().all(|name| names.contains(name));
            if !is_whole {
                return Err(OrderError::OtherBackends { chain: chain.to_owned(), backends: there.join(", ") });
            }
            document.chains.insert(chain.to_owned(), names.to_vec());
        }
        write(path, &document).map_err(|source| OrderError::Write { path: path.clone(), source })?;
        self.document = document;
        Ok(())
    }
}

/// Backends that were not there when the order was chosen come after all others, as they were among themselves.
fn rank(chosen: &[String], name: &str) -> usize {
    chosen.iter().position(|one| one == name).unwrap_or(chosen.len())
}

fn read(path: &Path) -> Result<Document, String> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Document::default()),
        Err(error) => return Err(error.to_string()),
        Ok(found) if found.len() > MOST_BYTES => return Err(format!("it has {} bytes", found.len())),
        Ok(_) => {}
    }
    let text = fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

/// Writes the whole beside it first: whoever reads finds the old or the new one.
fn write(path: &Path, document: &Document) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(document)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("json.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}
