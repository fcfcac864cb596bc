//! The vision service: today's Moondream2 for many callers.
//!
//! From the ground up: [`image`] turns hostile bytes into crops, [`weights`] reads a model folder, [`model`] is the
//! network for one request or many, [`engine`] shares one model between callers, and [`VisionService`] offers it as gRPC
//! and in the form of the prior system. [`verify`] compares a model with a reference's numbers. It opens no database and
//! makes no connection: what it needs lies in the model's folder.

#[cfg(feature = "cuda")]
mod cuda;
mod earlier;
pub mod engine;
mod errors;
mod grpc;
pub mod image;
mod kernels;
mod memory;
pub mod model;
mod service;
mod settings;
#[doc(hidden)]
pub mod testing;
pub mod verify;
pub mod weights;

pub use memory::limit_memory;
pub use service::{VisionError, VisionService};
pub use settings::load_options;

/// Limits the threads that computing takes in this process; 0 is one per core. Only the first call has an effect.
pub fn limit_threads(threads: usize) {
    // A pool that is there already stays as it is.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}
