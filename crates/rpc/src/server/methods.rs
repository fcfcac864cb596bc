//! The calls that exist, so that metrics and spans never carry a name that a caller made up.

use std::{collections::HashMap, sync::LazyLock};

use prost::Message;
use prost_types::{FileDescriptorSet, method_options::IdempotencyLevel};

use crate::DESCRIPTOR_SETS;

static SHARED: LazyLock<Result<Methods, prost::DecodeError>> = LazyLock::new(|| Methods::read(&DESCRIPTOR_SETS));

/// Full names of all services and their methods, by request path.
#[derive(Debug)]
pub(crate) struct Methods {
    by_path: HashMap<String, Method>,
    unknown: Method,
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(crate) service: String,
    pub(crate) name: String,
    /// It changes nothing, so that it may be made again when nobody knows whether it was answered.
    pub(crate) is_safe: bool,
}

impl Methods {
    /// Those of our descriptors, read once for the process.
    pub(crate) fn shared() -> Result<&'static Self, prost::DecodeError> {
        SHARED.as_ref().map_err(Clone::clone)
    }

    fn read(descriptor_sets: &[&[u8]]) -> Result<Self, prost::DecodeError> {
        let mut by_path = HashMap::new();
        for set in descriptor_sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                for service in &file.service {
                    let full_name = format!("{}.{}", file.package(), service.name());
                    for method in &service.method {
                        let is_safe = method
                            .options
                            .as_ref()
                            .is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects);
                        let name = method.name().to_owned();
                        let path = format!("/{full_name}/{name}");
                        by_path.insert(path, Method { service: full_name.clone(), name, is_safe });
                    }
                }
            }
        }
        Ok(Self { by_path, unknown: Method { service: "unknown".into(), name: "unknown".into(), is_safe: false } })
    }

    pub(crate) fn find(&self, path: &str) -> &Method {
        self.by_path.get(path).unwrap_or(&self.unknown)
    }
}
