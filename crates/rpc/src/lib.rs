//! The gRPC server builder, typed clients, and the one mapping between error codes, Status and HTTP.
