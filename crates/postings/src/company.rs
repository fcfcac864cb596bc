//! Company names: display form and comparison key.
