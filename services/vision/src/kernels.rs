//! The one place of this crate with `unsafe` code.

mod memory;

pub(crate) use memory::map_read_only;
