//! The vision service.
