//! The gateways that are measured beside ours: how each is set up and started. What is not installed is left out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context;

use crate::{
    load::Target,
    process::{Port, Server, free_port},
};

/// The slowest of them takes this long to listen.
const SLOWEST_START: Duration = Duration::from_secs(120);
const CHOSEN_PORT: &str = "tensorzero.port";
const LITELLM_KEY: &str = "sk-bench";
const CHAT: &str = "/v1/chat/completions";

/// Where things are.
pub struct Places {
    /// Our own program.
    pub router: PathBuf,
    /// This program, for the mock and the floors.
    pub bench: PathBuf,
    /// Folder with the peers' installations (`litellm/`, `rust/`, `portkey/`), if any.
    pub peers: Option<PathBuf>,
    /// For settings and logs.
    pub scratch: PathBuf,
}

/// A running contender.
pub struct Contender {
    /// The process, which ends with the contender; none for the provider itself.
    _server: Option<Server>,
    /// Where to send questions.
    pub target: Target,
    /// The model's name in its words.
    pub model: &'static str,
}

/// Contenders that speak OpenAI's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gateway {
    /// The provider without anything between.
    Direct,
    /// Bytes through.
    FloorPass,
    /// Parsed once.
    FloorJson,
    /// Ours.
    Aerie,
    /// SGLang's gateway.
    Smg,
    /// TensorZero.
    TensorZero,
    /// Portkey.
    Portkey,
    /// LiteLLM's proxy.
    LiteLlm,
}

impl Gateway {
    /// All, in the table's order.
    pub const ALL: [Self; 8] = [
        Self::Direct,
        Self::FloorPass,
        Self::FloorJson,
        Self::Aerie,
        Self::Smg,
        Self::TensorZero,
        Self::Portkey,
        Self::LiteLlm,
    ];

    /// Name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::FloorPass => "floor-pass",
            Self::FloorJson => "floor-json",
            Self::Aerie => "aerie",
            Self::Smg => "smg",
            Self::TensorZero => "tensorzero",
            Self::Portkey => "portkey",
            Self::LiteLlm => "litellm",
        }
    }

    /// Starts it in front of a provider; none when it is not installed.
    pub fn start(self, places: &Places, provider: &str) -> anyhow::Result<Option<Contender>> {
        if self == Self::Direct {
            let target = Target { authority: provider.to_owned(), path: CHAT, headers: Vec::new(), pid: None };
            return Ok(Some(Contender { _server: None, target, model: "mock-model" }));
        }
        let port = free_port()?;
        let Some((mut command, path, headers, model)) = self.command(places, provider, port)? else { return Ok(None) };
        let log = places.scratch.join(format!("{}.log", self.name()));
        // This one chooses its port itself.
        let port =
            if self == Self::TensorZero { Port::File(places.scratch.join(CHOSEN_PORT)) } else { Port::Told(port) };
        let server = Server::start(self.name(), &mut command, &port, &log, SLOWEST_START)?;
        let target = Target { authority: server.authority(), path, headers, pid: Some(server.pid()) };
        Ok(Some(Contender { _server: Some(server), target, model }))
    }

    #[allow(clippy::type_complexity, reason = "one place makes it and one takes it apart")]
    fn command(
        self,
        places: &Places,
        provider: &str,
        port: u16,
    ) -> anyhow::Result<Option<(Command, &'static str, Vec<(&'static str, String)>, &'static str)>> {
        let floor = |kind: &str| {
            let mut command = Command::new(&places.bench);
            command.args(["floor", kind, "--port", &port.to_string(), "--provider", provider]);
            Some((command, CHAT, Vec::new(), "mock-model"))
        };
        let peer = |part: &str| places.peers.as_ref().map(|folder| folder.join(part)).filter(|path| path.exists());
        Ok(match self {
            Self::Direct => None,
            Self::FloorPass => floor("pass"),
            Self::FloorJson => floor("json"),
            Self::Aerie => Some((aerie(places, port, &[("mock", provider)])?, CHAT, Vec::new(), "mock")),
            Self::Smg => peer("rust/bin/smg").map(|program| {
                let mut command = Command::new(program);
                command.args(["launch", "--worker-urls", &format!("http://{provider}"), "--host", "127.0.0.1"]);
                command.args(["--port", &port.to_string(), "--log-level", "error"]);
                (command, CHAT, Vec::new(), "mock-model")
            }),
            Self::TensorZero => match peer("rust/bin/python") {
                Some(python) => {
                    let command = tensorzero(&python, &places.scratch, provider)?;
                    Some((command, "/openai/v1/chat/completions", Vec::new(), "tensorzero::model_name::mock"))
                }
                None => None,
            },
            Self::Portkey => peer("portkey/node_modules/@portkey-ai/gateway/build/start-server.js").map(|program| {
                let mut command = Command::new("node");
                command.arg(program).args(["--headless", &format!("--port={port}")]);
                let headers = vec![
                    ("x-portkey-provider", "openai".to_owned()),
                    ("x-portkey-custom-host", format!("http://{provider}/v1")),
                    ("authorization", "Bearer none".to_owned()),
                ];
                (command, CHAT, headers, "mock-model")
            }),
            Self::LiteLlm => match peer("litellm/bin/litellm") {
                Some(program) => {
                    // It refuses to start without a key.
                    let headers = vec![("authorization", format!("Bearer {LITELLM_KEY}"))];
                    Some((litellm(&program, &places.scratch, provider, port)?, CHAT, headers, "mock"))
                }
                None => None,
            },
        })
    }
}

/// Ours, as a process of its own, with backends in the order of its default chain.
pub fn aerie(places: &Places, port: u16, backends: &[(&str, &str)]) -> anyhow::Result<Command> {
    let described: Vec<String> = backends
        .iter()
        .map(|(name, provider)| {
            format!(
                "    {name}: {{kind: openai_compatible, base_url: \"http://{provider}/v1\", model: mock-model, images: true, \
                 concurrency: 4096}}"
            )
        })
        .collect();
    let names: Vec<&str> = backends.iter().map(|(name, _)| *name).collect();
    let settings = format!(
        "telemetry:\n  level: error\nllm:\n  detect: false\n  listen: 127.0.0.1:{port}\n  backends:\n{}\n  chains: \
         {{default: [{}]}}\n",
        described.join("\n"),
        names.join(", ")
    );
    let file = write(&places.scratch, &format!("aerie-{port}.yaml"), &settings)?;
    let mut command = Command::new(&places.router);
    command.arg("--config").arg(file);
    Ok(command)
}

fn tensorzero(python: &Path, scratch: &Path, provider: &str) -> anyhow::Result<Command> {
    let settings = format!(
        "[gateway.observability]\nenabled = false\n[models.mock]\nrouting = [\"mock\"]\n\
         [models.mock.providers.mock]\ntype = \"openai\"\nmodel_name = \"mock-model\"\n\
         api_base = \"http://{provider}/v1\"\napi_key_location = \"none\"\n"
    );
    let file = write(scratch, "tensorzero.toml", &settings)?;
    let script = write(scratch, "tensorzero_gateway.py", include_str!("tensorzero_gateway.py"))?;
    let mut command = Command::new(python);
    command.arg(script).arg(file).arg(scratch.join(CHOSEN_PORT)).env("RUST_LOG", "error");
    Ok(command)
}

fn litellm(program: &Path, scratch: &Path, provider: &str, port: u16) -> anyhow::Result<Command> {
    let settings = format!(
        "model_list:\n  - model_name: mock\n    litellm_params:\n      model: openai/mock-model\n      \
         api_base: http://{provider}/v1\n      api_key: none\n"
    );
    let file = write(scratch, "litellm.yaml", &settings)?;
    let mut command = Command::new(program);
    command.arg("--config").arg(file).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    command
        .env("LITELLM_MASTER_KEY", LITELLM_KEY)
        .env("LITELLM_LOG", "ERROR")
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    Ok(command)
}

fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    Ok(path)
}
