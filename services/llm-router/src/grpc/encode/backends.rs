//! What there is to ask, for people and pages.

use aerie_config::LlmChain;
use aerie_proto::llm::v1 as pb;

use crate::{
    engine::{BackendCheck, BackendStatus, BreakerState},
    router::{ChainState, Current, Known, Origin},
};

/// Backends and chains.
pub(in crate::grpc) fn backends(current: &Current, detecting: bool) -> pb::ListBackendsResponse {
    let states = current.engine.backends();
    let backends = current.known.iter().map(|known| {
        let state = states.iter().find(|state| state.name == known.name);
        backend(known, state)
    });
    let chains = current.chains.iter().map(chain);
    pb::ListBackendsResponse { backends: backends.collect(), chains: chains.collect(), detecting }
}

/// A chain as it is asked.
pub(in crate::grpc) fn chain(state: &ChainState) -> pb::Chain {
    let member = |backend: &String| {
        let weight = match &state.chain {
            LlmChain::Order(_) => None,
            LlmChain::Weighted { weights } => weights.get(backend).copied(),
        };
        pb::ChainMember { backend: backend.clone(), weight }
    };
    pb::Chain {
        name: state.name.clone(),
        members: state.chain.names().map(member).collect(),
        fixed: state.fixed.clone().unwrap_or_default(),
        chosen: state.is_chosen,
    }
}

fn backend(known: &Known, status: Option<&BackendStatus>) -> pb::Backend {
    let settings = &known.settings;
    let can = status.map(|status| status.capabilities);
    pb::Backend {
        name: known.name.clone(),
        kind: settings.kind.name().to_owned(),
        base_url: known.address().unwrap_or_default().to_owned(),
        model: status.map_or_else(|| settings.model.clone(), |status| status.model.clone()),
        embedding_model: settings.embedding_model.clone().unwrap_or_default(),
        local: known.local,
        images: can.is_some_and(|can| can.images),
        tools: can.is_some_and(|can| can.tools),
        schema: can.is_some_and(|can| can.schema),
        context_tokens: settings.context_tokens,
        origin: origin(known.origin) as i32,
        state: state(known, status) as i32,
        note: note(known, status),
    }
}

fn note(known: &Known, status: Option<&BackendStatus>) -> String {
    if let Some(note) = &known.note {
        return note.clone();
    }
    if !known.settings.enabled {
        return "switched off".to_owned();
    }
    let resting = status.filter(|status| status.breaker != BreakerState::Closed);
    resting.and_then(|status| status.last_fault.as_ref()).map(|fault| fault.message.clone()).unwrap_or_default()
}

fn origin(origin: Origin) -> pb::BackendOrigin {
    match origin {
        Origin::Settings => pb::BackendOrigin::Settings,
        Origin::EarlierFile => pb::BackendOrigin::EarlierFile,
        Origin::Environment => pb::BackendOrigin::Environment,
        Origin::Found => pb::BackendOrigin::Found,
    }
}

fn state(known: &Known, status: Option<&BackendStatus>) -> pb::BackendState {
    match status.map(|status| status.breaker) {
        _ if !known.is_usable() => pb::BackendState::Unspecified,
        None | Some(BreakerState::Closed) => pb::BackendState::OpenForCalls,
        Some(BreakerState::HalfOpen | BreakerState::Open) => pb::BackendState::CoolingDown,
        Some(BreakerState::HardDown) => pb::BackendState::HardDown,
    }
}

/// What a backend said when it was asked for its models.
pub(in crate::grpc) fn check(check: BackendCheck) -> pb::CheckBackendResponse {
    let (fault, message) = match check.fault {
        Some(fault) => (fault.kind.name().to_owned(), fault.message),
        None => (String::new(), String::new()),
    };
    pb::CheckBackendResponse {
        reachable: fault.is_empty(),
        models: check.models,
        fault,
        message,
        duration: Some(super::duration(check.latency)),
    }
}
