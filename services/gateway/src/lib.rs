//! The only edge: gRPC, gRPC-Web, JSON, server-sent events and the web app at /.
//!
//! Every service is reachable in every form on one port, without a line per method: bytes of gRPC are passed on, and
//! JSON is translated by the descriptors. Who is asking is decided here and nowhere else. In local mode the port is on
//! loopback and answers only this machine's own pages; with accounts everybody proves who they are.

mod accounts;
mod admission;
mod answer;
mod app;
mod calendar;
mod callers;
mod codec;
mod fetch;
mod gateway;
mod guard;
mod health;
mod json;
mod listen;
mod machine;
mod metadata;
mod openai;
mod page;
mod proxy;
mod restore;
mod services;
mod sign_in;
mod stream;
mod system;
mod tokens;
mod web;

pub use crate::{
    accounts::AccountStore,
    callers::{Callers, CallersError, scopes::Scope},
    gateway::{Gateway, GatewayDeps, GatewayError},
    guard::PublicNames,
    listen::{Bound, ListenError, bind},
    services::ServiceRoute,
    tokens::Identity,
};

// Readers of what anybody may send, for the fuzz targets.
#[doc(hidden)]
pub use crate::tokens::{TokenError, jws::Jws, keys::Key};
