//! A backend's metrics, registered once for each model instead of looked up at every call.

use std::{
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use metrics::{Counter, Histogram, SharedString, counter, histogram};

use super::telemetry::Operation;

/// Models that metrics tell apart. Callers may ask for any name, and every series is held for ever.
const MOST_MODELS: usize = 64;
/// Stands for every further model.
const OTHER: &str = "other";

/// The metrics of one backend.
pub(crate) struct Meters {
    backend: Arc<str>,
    provider: &'static str,
    always: OnceLock<Always>,
    models: RwLock<Vec<Arc<ModelMeters>>>,
}

/// What every answer of a backend counts, whatever its model.
pub(crate) struct Always {
    pub(crate) answered: Counter,
    pub(crate) cost: Counter,
    pub(crate) wait: Histogram,
}

/// The metrics of one model of a backend.
pub(crate) struct ModelMeters {
    /// How the model is called in metrics.
    pub(crate) label: SharedString,
    pub(crate) chat: OperationMeters,
    pub(crate) embeddings: OperationMeters,
    pub(crate) first_piece: Histogram,
}

/// The metrics of one kind of question.
pub(crate) struct OperationMeters {
    pub(crate) took: Histogram,
    pub(crate) input: Histogram,
    pub(crate) output: Histogram,
}

impl Meters {
    /// `provider` as the conventions name it. Nothing is registered before it is counted.
    pub(crate) fn new(backend: Arc<str>, provider: &'static str) -> Self {
        Self { backend, provider, always: OnceLock::new(), models: RwLock::default() }
    }

    pub(crate) fn always(&self) -> &Always {
        self.always.get_or_init(|| {
            let backend = || SharedString::from_shared(self.backend.clone());
            Always {
                answered: counter!("aerie_llm_attempts_total", "backend" => backend(), "outcome" => "answered"),
                cost: counter!("aerie_llm_cost_micros_total", "backend" => backend()),
                wait: histogram!("aerie_llm_queue_wait_seconds", "backend" => backend()),
            }
        })
    }

    pub(crate) fn of(&self, model: &str) -> Arc<ModelMeters> {
        if let Some(known) = find(&self.models.read().unwrap_or_else(PoisonError::into_inner), model) {
            return known;
        }
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        let model = if models.len() < MOST_MODELS { model } else { OTHER };
        find(&models, model).unwrap_or_else(|| {
            let new = Arc::new(ModelMeters::new(SharedString::from(model.to_owned()), self.provider));
            models.push(new.clone());
            new
        })
    }
}

fn find(known: &[Arc<ModelMeters>], model: &str) -> Option<Arc<ModelMeters>> {
    known.iter().find(|known| *known.label == *model).cloned()
}

impl ModelMeters {
    fn new(label: SharedString, provider: &'static str) -> Self {
        let of = |operation: Operation| {
            let name = operation.name();
            let tokens = |kind: &'static str| {
                histogram!(
                    "gen_ai_client_token_usage",
                    "gen_ai_operation_name" => name,
                    "gen_ai_provider_name" => provider,
                    "gen_ai_request_model" => label.clone(),
                    "gen_ai_token_type" => kind,
                )
            };
            OperationMeters {
                took: histogram!(
                    "gen_ai_client_operation_duration_seconds",
                    "gen_ai_operation_name" => name,
                    "gen_ai_provider_name" => provider,
                    "gen_ai_request_model" => label.clone(),
                    "error_type" => "",
                ),
                input: tokens("input"),
                output: tokens("output"),
            }
        };
        let first_piece = histogram!(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "gen_ai_operation_name" => "chat",
            "gen_ai_provider_name" => provider,
            "gen_ai_request_model" => label.clone(),
        );
        Self { chat: of(Operation::Chat), embeddings: of(Operation::Embeddings), first_piece, label }
    }

    pub(crate) fn operation(&self, operation: Operation) -> &OperationMeters {
        match operation {
            Operation::Chat => &self.chat,
            Operation::Embeddings => &self.embeddings,
        }
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Meters({})", self.backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_callers_make_up_do_not_become_series_without_end() {
        let meters = Meters::new("a".into(), "openai");
        for number in 0..MOST_MODELS + 100 {
            meters.of(&format!("model-{number}"));
        }
        assert_eq!(&*meters.of("model-3").label, "model-3");
        assert_eq!(&*meters.of("one more").label, OTHER);
        let count = meters.models.read().unwrap_or_else(PoisonError::into_inner).len();
        assert_eq!(count, MOST_MODELS + 1);
    }
}
