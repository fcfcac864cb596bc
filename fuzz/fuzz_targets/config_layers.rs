//! Settings: any YAML as a layer and any text in the environment end in settings or in an error, never in a panic.
#![no_main]

use aerie_config::Loader;
use libfuzzer_sys::fuzz_target;

const VARIABLES: [&str; 5] = [
    "AERIE__SERVER__PORT",
    "AERIE__DISCOVERY__SCHEDULE",
    "AERIE__DISCOVERY__ALLOW_ADDRESSES",
    "AERIE__TASKS__LIMITS",
    "AERIE__STORE__URL",
];

fuzz_target!(|data: &str| {
    if let Ok(values) = serde_yaml_ng::from_str::<serde_yaml_ng::Value>(data)
        && let Ok(loader) = Loader::new().overrides(&values)
    {
        let _ = loader.load();
    }
    for name in VARIABLES {
        let _ = Loader::new().environment([(name, data)]).load();
    }
    if let Some((name, value)) = data.split_once('=') {
        let _ = Loader::new().environment([(format!("AERIE__{name}"), value)]).load();
    }
});
