//! The only edge: gRPC, gRPC-Web, JSON, server-sent events and the page at /.
