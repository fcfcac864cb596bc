//! The calls that exist, so that metrics and spans never carry a name that a caller made up.

use std::{collections::HashMap, sync::LazyLock};

use prost::Message;
use prost_types::FileDescriptorSet;

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
                        let method = Method { service: full_name.clone(), name: method.name().to_owned() };
                        by_path.insert(format!("/{full_name}/{}", method.name), method);
                    }
                }
            }
        }
        Ok(Self { by_path, unknown: Method { service: "unknown".into(), name: "unknown".into() } })
    }

    pub(crate) fn find(&self, path: &str) -> &Method {
        self.by_path.get(path).unwrap_or(&self.unknown)
    }
}
