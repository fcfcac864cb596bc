//! Reads mail about applications.
