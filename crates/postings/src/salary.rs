//! Pay from numbers and words.
