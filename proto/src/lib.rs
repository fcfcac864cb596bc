//! The protocol buffers and the stubs generated from them.
//!
//! The `.proto` files under `aerie/` are the contract; every message, field and call is described there.
#![allow(missing_docs, clippy::all)]

/// Discovery, jobs, matching, profile, mail, tasks and events.
pub mod pipeline {
    /// Version 1.
    pub mod v1 {
        use std::fmt;

        tonic::include_proto!("aerie.pipeline.v1");

        impl fmt::Debug for CreateMailAccountRequest {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct("CreateMailAccountRequest")
                    .field("account", &self.account)
                    .finish_non_exhaustive()
            }
        }

        impl fmt::Debug for CreateIntegrationRequest {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct("CreateIntegrationRequest")
                    .field("kind", &self.kind)
                    .field("name", &self.name)
                    .field("settings", &self.settings.keys())
                    .finish_non_exhaustive()
            }
        }

        impl fmt::Debug for UpdateMailAccountRequest {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct("UpdateMailAccountRequest")
                    .field("account", &self.account)
                    .field("update_mask", &self.update_mask)
                    .finish_non_exhaustive()
            }
        }

        impl fmt::Debug for UpdateIntegrationRequest {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct("UpdateIntegrationRequest")
                    .field("integration_id", &self.integration_id)
                    .field("settings", &self.settings.keys())
                    .finish_non_exhaustive()
            }
        }
    }
}

/// The language-model router.
pub mod llm {
    /// Version 1.
    pub mod v1 {
        use std::fmt;

        tonic::include_proto!("aerie.llm.v1");

        impl fmt::Debug for Consent {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct("Consent")
                    .field("local_only", &self.local_only)
                    .field("acknowledged", &self.acknowledged)
                    .field("keys", &self.keys.keys())
                    .finish()
            }
        }
    }
}

/// The vision service.
pub mod vision {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("aerie.vision.v1");
    }
}

/// What the gateway itself answers: accounts, and how the installation is.
pub mod platform {
    /// Version 1.
    pub mod v1 {
        use std::fmt;

        tonic::include_proto!("aerie.platform.v1");

        impl fmt::Debug for CreateApiKeyResponse {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.debug_struct("CreateApiKeyResponse").field("api_key", &self.api_key).finish_non_exhaustive()
            }
        }
    }
}

/// Every file above with its imports, for server reflection and JSON.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/aerie.bin"));
