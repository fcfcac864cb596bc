//! The gRPC server builder, typed clients, and the one mapping between error codes, Status and HTTP.
//!
//! A service is built once ([`GrpcServerBuilder`]) and then either called in process or served on a port; whoever calls
//! it holds a [`Backend`] and cannot tell which. Limits, deadlines, traces, metrics and the rescue of panics are in one
//! place ([`GrpcServer`]), so that no service repeats them.

pub mod authority;
mod backend;
mod body;
mod code;
mod context;
mod error;
mod gate;
mod identity;
mod network;
mod operations;
mod process;
mod remote;
mod serve;
mod server;
mod signature;
mod stall;
mod telemetry;
#[cfg(test)]
mod testing;
mod timeout;
mod tls;
mod turns;
mod validation;

pub use crate::{
    backend::{Backend, BackendError},
    body::{GuardedBody, Outcome},
    code::ErrorCode,
    error::{DOMAIN, FieldProblem, RpcError},
    gate::Gate,
    identity::{INTERNAL_HEADER_PREFIX, PERSON_HEADER, PersonId},
    network::{Network, NetworkError},
    operations::Operations,
    process::{Process, ProcessError},
    serve::{HttpService, ServeOptions, serve},
    server::{GrpcServer, GrpcServerBuilder, HealthSwitch, ServerBuildError, ServerLimits},
    signature::KeyError,
    telemetry::telemetry_options,
    timeout::{GRPC_TIMEOUT, format_timeout, parse_timeout},
    tls::TlsError,
    validation::{RequestLimits, Validation},
};

/// Descriptor sets that every server's reflection answers for: ours, health checking, and the details of errors.
pub const DESCRIPTOR_SETS: [&[u8]; 3] =
    [aerie_proto::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET, tonic_types::pb::FILE_DESCRIPTOR_SET];
