//! Which model a backend is asked for when the settings leave it open: the first fitting one that it lists, asked once and
//! remembered for a while.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use crate::{
    backend::{Backend, Hop},
    fault::{Fault, FaultKind},
};

/// A local server's list changes when somebody loads another model.
const REMEMBERED: Duration = Duration::from_secs(300);

/// What is known of a backend's models.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    models: Mutex<Arc<OnceCell<Models>>>,
}

#[derive(Debug)]
struct Models {
    names: Vec<String>,
    at: Instant,
}

impl Listed {
    /// The first model for chat, or for vectors. Callers at once ask the backend once.
    pub(crate) async fn first(&self, backend: &dyn Backend, hop: &Hop, vectors: bool) -> Result<String, Fault> {
        let cell = self.cell();
        let models = cell
            .get_or_try_init(|| async {
                let names = backend.models(hop).await?;
                Ok::<_, Fault>(Models { names, at: Instant::now() })
            })
            .await?;
        choose(&models.names, vectors).map(str::to_owned).ok_or_else(|| {
            self.forget();
            Fault::new(FaultKind::ModelUnknown, "it lists no model; load one, or name one in the settings")
        })
    }

    /// The model that calls get, as far as is known.
    pub(crate) fn known(&self) -> Option<String> {
        self.cell().get().and_then(|models| choose(&models.names, false).map(str::to_owned))
    }

    /// Asks again next time.
    pub(crate) fn forget(&self) {
        *self.models.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    fn cell(&self) -> Arc<OnceCell<Models>> {
        let mut cell = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if cell.get().is_some_and(|models| models.at.elapsed() > REMEMBERED) {
            *cell = Arc::default();
        }
        cell.clone()
    }
}

/// Servers list models for vectors among the others; their names say so.
pub(crate) fn choose(names: &[String], vectors: bool) -> Option<&str> {
    let fits = |name: &&String| name.to_ascii_lowercase().contains("embed") == vectors;
    names.iter().find(fits).or_else(|| names.first()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_for_vectors_is_not_taken_for_chat() {
        let names = ["nomic-embed-text".to_owned(), "llama3.2:3b".to_owned()];
        assert_eq!(choose(&names, false), Some("llama3.2:3b"));
        assert_eq!(choose(&names, true), Some("nomic-embed-text"));
        assert_eq!(choose(&names[..1], false), Some("nomic-embed-text"));
        assert_eq!(choose(&[], false), None);
    }
}
