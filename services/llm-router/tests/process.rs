//! The program `aerie-llm-router`: it starts, answers over both fronts, and ends when it is told to.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use aerie_proto::llm::v1::{CompleteRequest, llm_service_client::LlmServiceClient};
use aerie_rpc::Backend;
use aerie_testkit::llm::{LlmServer, Reply};
use serde_json::json;

/// The running program, which does not outlive a test that failed.
struct Program(Child);

impl Program {
    fn start(settings: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aerie-llm-router"));
        command.args(["--log", "error", "--config", settings]);
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Where it says that it listens.
    fn address(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_answers_until_it_is_told_to_end() {
    let server = LlmServer::start().await.unwrap();
    server.only("/chat/completions", Reply::chat("hello"));
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join("aerie.yaml");
    let backend = json!({"kind": "openai_compatible", "base_url": server.base_url(), "model": "m"});
    let text = json!({"llm": {"detect": false, "listen": "127.0.0.1:0", "backends": {"mock": backend}}});
    std::fs::write(&settings, text.to_string()).unwrap();

    let mut program = Program::start(settings.to_str().unwrap());
    let address = program.address();
    let mut client = LlmServiceClient::new(Backend::remote(&address).unwrap());
    let question = CompleteRequest { prompt: "hello".into(), ..Default::default() };
    assert_eq!(client.complete(question).await.unwrap().into_inner().text, "hello");

    let pid = program.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(program.0.wait().unwrap().success());
}
