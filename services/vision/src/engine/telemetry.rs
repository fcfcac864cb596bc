//! Metrics of the engine, for Prometheus.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use super::{EngineError, Summary};

/// Counts a request that was refused or failed.
pub(crate) fn refused(error: &EngineError) {
    counter!("aerie_vision_requests_total", "outcome" => error.reason()).increment(1);
}

/// Counts a request whose caller has left.
pub(crate) fn cancelled() {
    counter!("aerie_vision_requests_total", "outcome" => "CANCELLED").increment(1);
}

/// Counts a request that was answered.
pub(crate) fn answered(summary: &Summary) {
    counter!("aerie_vision_requests_total", "outcome" => "ANSWERED").increment(1);
    for (kind, tokens) in [("prompt", summary.prompt_tokens), ("output", summary.output_tokens)] {
        counter!("aerie_vision_tokens_total", "kind" => kind).increment(tokens as u64);
    }
    histogram!("aerie_vision_first_piece_seconds").record(summary.first_piece_time.as_secs_f64());
    histogram!("aerie_vision_request_seconds").record(summary.total_time.as_secs_f64());
}

/// Counts the time that a request waited for its turn.
pub(crate) fn waited(time: Duration) {
    histogram!("aerie_vision_queue_wait_seconds").record(time.as_secs_f64());
}

/// Counts a look for an image.
pub(crate) fn image(cached: bool) {
    counter!("aerie_vision_image_cache_total", "hit" => if cached { "true" } else { "false" }).increment(1);
}

/// Counts a pass of the image encoder.
pub(crate) fn encoded(images: usize, crops: usize, time: Duration) {
    counter!("aerie_vision_images_encoded_total").increment(images as u64);
    counter!("aerie_vision_crops_encoded_total").increment(crops as u64);
    histogram!("aerie_vision_encode_seconds").record(time.as_secs_f64());
}

/// Counts a step of all running requests.
pub(crate) fn stepped(batch: usize, time: Duration) {
    histogram!("aerie_vision_batch_size").record(batch as f64);
    histogram!("aerie_vision_step_seconds").record(time.as_secs_f64());
}

/// Counts a failure of the device.
pub(crate) fn fault() {
    counter!("aerie_vision_device_faults_total").increment(1);
}

/// How many wait.
pub(crate) fn queue_length(length: usize) {
    gauge!("aerie_vision_queue_length").set(length as f64);
}

/// How much memory is promised, and how many requests run.
pub(crate) fn memory(reserved: u64, budget: u64, images: u64, running: usize) {
    gauge!("aerie_vision_cache_used_bytes").set(reserved as f64);
    gauge!("aerie_vision_cache_bytes").set(budget as f64);
    gauge!("aerie_vision_image_cache_bytes").set(images as f64);
    gauge!("aerie_vision_running").set(running as f64);
}
