//! Compiles the protocol buffers with protox (no `protoc` needed) and writes the descriptor set for reflection.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 22] = [
    "aerie/pipeline/v1/posting.proto",
    "aerie/pipeline/v1/discovery_service.proto",
    "aerie/pipeline/v1/jobs_service.proto",
    "aerie/pipeline/v1/match_service.proto",
    "aerie/pipeline/v1/resume.proto",
    "aerie/pipeline/v1/profile_service.proto",
    "aerie/pipeline/v1/interviews_service.proto",
    "aerie/pipeline/v1/surveys_service.proto",
    "aerie/pipeline/v1/letters_service.proto",
    "aerie/pipeline/v1/research_service.proto",
    "aerie/pipeline/v1/moving_service.proto",
    "aerie/pipeline/v1/deletion_service.proto",
    "aerie/pipeline/v1/mail_service.proto",
    "aerie/pipeline/v1/integrations_service.proto",
    "aerie/pipeline/v1/tasks_service.proto",
    "aerie/pipeline/v1/events_service.proto",
    "aerie/llm/v1/chat.proto",
    "aerie/llm/v1/routing.proto",
    "aerie/llm/v1/llm_service.proto",
    "aerie/vision/v1/vision_service.proto",
    "aerie/platform/v1/accounts_service.proto",
    "aerie/platform/v1/system_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=aerie");
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("aerie.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_transport(true)
        // Pictures are slices of the message that they came in.
        .bytes(".aerie.llm.v1.Image")
        .bytes(".aerie.vision.v1")
        // Its keys must not reach a log; `src/lib.rs` writes what may be shown.
        .skip_debug([
            ".aerie.llm.v1.Consent",
            ".aerie.pipeline.v1.CreateMailAccountRequest",
            ".aerie.pipeline.v1.UpdateMailAccountRequest",
            ".aerie.pipeline.v1.CreateIntegrationRequest",
            ".aerie.pipeline.v1.UpdateIntegrationRequest",
            ".aerie.platform.v1.CreateApiKeyResponse",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
