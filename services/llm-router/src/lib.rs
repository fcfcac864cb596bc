//! The language-model router.
