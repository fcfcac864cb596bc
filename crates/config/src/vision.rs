//! The vision service.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::check::Checks;

/// Section `vision`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Vision {
    /// Address of a vision service that runs elsewhere; none runs it on this machine.
    pub endpoint: Option<String>,
    /// Where the vision service's own process listens (`aerie vision up`, and `aerie up` where a model is configured).
    pub listen: SocketAddr,
    /// Folder of the model; none leaves the service without one.
    pub model: Option<PathBuf>,
    /// Files with variants of the model, by name.
    pub variants: BTreeMap<String, PathBuf>,
    /// Where it computes: `auto`, `cpu` or `cuda:N`.
    pub device: String,
    /// Type that weights are kept in: `f32`, `bf16` or `f16`; none is the device's usual one.
    pub dtype: Option<String>,
    /// Threads for computing; 0 takes one per core.
    pub threads: usize,
    /// Most memory of the process in bytes; 0 is no limit.
    pub memory_bytes: u64,
    /// Bytes for keys and values; 0 takes a part of the free memory.
    pub cache_bytes: u64,
    /// Part of them that images may hold, 0 to 1.
    pub image_share: f64,
    /// Requests answered at once.
    pub batch: usize,
    /// Patches that one pass through the image encoder takes.
    pub encode_tokens: usize,
    /// Images decoded at once.
    pub decoders: usize,
    /// Waiting for the model.
    pub queue: VisionQueue,
    /// What one request may ask for.
    pub limits: VisionLimits,
}

/// Section `vision.queue`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VisionQueue {
    /// Requests that may wait.
    pub depth: usize,
    /// Requests of one caller that may wait.
    pub depth_per_caller: usize,
    /// Longest time of one request in seconds, waiting included.
    pub deadline_seconds: u64,
}

/// Section `vision.limits`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VisionLimits {
    /// Bytes of an encoded image.
    pub image_bytes: usize,
    /// Width times height of an image.
    pub image_pixels: u64,
    /// Width or height of an image alone.
    pub image_side: u32,
    /// Tokens of one answer.
    pub max_tokens: usize,
}

impl VisionQueue {
    /// Longest time of one request, waiting included.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_secs(self.deadline_seconds)
    }
}

impl Vision {
    pub(crate) fn check(&self, checks: &mut Checks) {
        if let Some(endpoint) = &self.endpoint {
            checks.http_address("vision.endpoint", endpoint);
        }
        let is_device = matches!(self.device.as_str(), "auto" | "cpu")
            || self.device.strip_prefix("cuda:").is_some_and(|number| number.parse::<u8>().is_ok());
        let device = || format!("is \"{}\", which is no device", self.device);
        checks.require(is_device, "vision.device", device, "write auto, cpu, or cuda:0 with the number of the GPU");
        if let Some(dtype) = &self.dtype {
            let known = matches!(dtype.as_str(), "f32" | "bf16" | "f16");
            let what = || format!("is \"{dtype}\", which weights are not kept in");
            checks.require(known, "vision.dtype", what, "write f32, bf16 or f16, or null for the device's usual one");
        }
        checks.range("vision.threads", self.threads, 0, 1024);
        let least = 16 << 20;
        let is_limit = self.memory_bytes == 0 || self.memory_bytes >= least;
        let little = || format!("is {} bytes, in which nothing can run", self.memory_bytes);
        checks.require(is_limit, "vision.memory_bytes", little, "write 0 for no limit, or more than the weights take");
        let is_budget = self.cache_bytes == 0 || self.cache_bytes >= least;
        let small = || format!("is {} bytes, which is too little for anything", self.cache_bytes);
        checks.require(
            is_budget,
            "vision.cache_bytes",
            small,
            "write 0 for a part of the free memory, or 16777216 or more",
        );
        checks.range("vision.image_share", self.image_share, 0.05, 0.95);
        checks.range("vision.batch", self.batch, 1, 1024);
        checks.range("vision.encode_tokens", self.encode_tokens, 1, 1 << 20);
        checks.range("vision.decoders", self.decoders, 1, 256);
        checks.range("vision.queue.depth", self.queue.depth, 1, 10_000);
        checks.range("vision.queue.depth_per_caller", self.queue.depth_per_caller, 1, 10_000);
        checks.range("vision.queue.deadline_seconds", self.queue.deadline_seconds, 1, 86_400);
        checks.range("vision.limits.image_bytes", self.limits.image_bytes, 1024, 1 << 30);
        checks.range("vision.limits.image_pixels", self.limits.image_pixels, 1, 1 << 31);
        checks.range("vision.limits.image_side", self.limits.image_side, 1, 65_535);
        checks.range("vision.limits.max_tokens", self.limits.max_tokens, 1, 1 << 20);
    }
}
