//! The files of `deploy`.
use k8s_openapi as _;
