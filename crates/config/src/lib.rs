//! Layered configuration: commented defaults, then a file, then the environment, then flags.
