//! Logs, traces, metrics, and the lifecycle that stops a process in order.
