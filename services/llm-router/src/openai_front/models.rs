//! `GET /v1/models`: chains, backends and their models, each under a name that a request may give as its model.

use http::{Response, StatusCode};
use serde::Serialize;

use super::{
    body::FrontBody,
    error::{Problem, json},
};
use crate::{
    call::Call,
    directory::{CHAIN_PREFIX, Directory},
    router::Router,
};

#[derive(Serialize)]
struct ListBody {
    object: &'static str,
    data: Vec<ModelBody>,
}

#[derive(Serialize)]
struct ModelBody {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: String,
}

fn model(id: String, owned_by: &str) -> ModelBody {
    ModelBody { id, object: "model", created: 0, owned_by: owned_by.to_owned() }
}

/// All names.
pub(super) fn list(router: &Router) -> Response<FrontBody> {
    json(StatusCode::OK, &ListBody { object: "list", data: all(&router.current().directory) })
}

/// One name.
pub(super) fn one(router: &Router, id: &str) -> Result<Response<FrontBody>, Problem> {
    let id = percent_decoded(id);
    let directory = &router.current().directory;
    let known = all(directory).into_iter().find(|model| model.id == id);
    match known {
        Some(model) => Ok(json(StatusCode::OK, &model)),
        // A backend's model that we were not told of leads somewhere all the same.
        None => match directory.direct(&id, &mut Call::default()) {
            Ok(()) => Ok(json(StatusCode::OK, &model(id, "aerie"))),
            Err(error) => {
                let problem = Problem::new("model", error.to_string()).coded("model_not_found");
                Err(problem.status(StatusCode::NOT_FOUND))
            }
        },
    }
}

fn all(directory: &Directory) -> Vec<ModelBody> {
    let chains = directory.chains().iter().map(|chain| model(format!("{CHAIN_PREFIX}{chain}"), "aerie"));
    let mut listed: Vec<ModelBody> = chains.collect();
    for (backend, models) in directory.backends() {
        listed.push(model(backend.clone(), "aerie"));
        listed.extend(models.iter().map(|name| model(format!("{backend}/{name}"), backend)));
        for name in models {
            if !listed.iter().any(|known| known.id == *name) {
                listed.push(model(name.clone(), backend));
            }
        }
    }
    listed
}

/// `%2F` and the like; what is no escape stays as it is.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        let escaped = (*byte == b'%').then(|| text.get(index + 1..index + 3)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                index += 3;
            }
            None => {
                decoded.push(*byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
