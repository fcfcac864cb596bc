//! Logs, traces, metrics, and the lifecycle that stops a process in order.
//!
//! Every role starts with [`Telemetry::install`] and a [`Lifecycle`], and ends with [`Lifecycle::drain`] and
//! [`Telemetry::flush`], so that the last spans leave and no task is cut off in the middle.

mod error;
mod lifecycle;
mod metrics;
mod signals;
mod subscriber;
mod trace_context;

pub use crate::{
    error::TelemetryError,
    lifecycle::{Drained, Lifecycle},
    metrics::Metrics,
    subscriber::{LogFormat, Telemetry, TelemetryOptions},
    trace_context::{continue_from, continue_stored, current_traceparent, inject, trace_id},
};
