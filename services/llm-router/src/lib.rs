//! The language-model router: one call over many backends.
//!
//! The [`engine`] decides which backend of a chain is asked, when the next one takes over and when to give up; it knows
//! no protocol. A backend's [`wire`] form is one file. Callers come over gRPC ([`service::LlmRouter::backend`]) or as
//! OpenAI's clients do ([`openai_front`]); both are thin: decode, ask the engine, encode. The [`router`] knows which
//! backends there are, from the settings, the environment, and a look at this machine's usual ports.

pub mod answer;
pub mod backend;
pub mod backends;
pub mod call;
pub mod chat;
pub mod decode;
pub mod directory;
pub mod engine;
pub mod extract;
pub mod fault;
mod grpc;
pub mod http_backend;
pub mod image_fetch;
pub mod json;
pub mod openai_front;
mod picture_question;
pub mod pictures;
pub mod process;
pub mod router;
pub mod service;
#[cfg(test)]
mod testing;
pub mod transport;
pub mod vision;
pub mod vision_service;
pub mod wire;

pub use self::{
    router::{Router, RouterDeps, RouterError},
    service::LlmRouter,
};
