//! Matrix products, attention and what lies between them, on plain slices of a CPU.
//!
//! Beside `cuda` the one place of this crate with `unsafe` code. Every kernel has a portable form, which is compiled a
//! second time for AVX2, and the products have one of their own for AVX-512 with its bf16 and 8-bit dot products;
//! [`Level`] says which of them this machine can run. A row of a result depends on that row of the input alone, to the
//! last bit, however many other rows are computed with it.

mod activations;
#[cfg(target_arch = "x86_64")]
mod activations_avx512;
mod attention;
mod level;
mod matrix;
mod memory;
mod pack;
mod pool;
mod resize;
mod rows;
mod tile;
#[cfg(target_arch = "x86_64")]
mod tile_avx512;

pub(crate) use attention::{Attention, KeyValue, Segment, attend, attend_crops};
pub(crate) use level::Level;
pub(crate) use matrix::{Finish, Matrix};
pub(crate) use memory::{drop_pages, map_read_only};
pub(crate) use pack::{Kind, Source};
pub(crate) use resize::{FRACTION_BITS, Taps, resize_columns, resize_rows};
pub(crate) use rows::{gelu, layer_norm, rotate};
