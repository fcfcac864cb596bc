//! Employment types and working arrangement from words.
