//! `aerie integrations` from adding to pushing, against a receiver on this machine.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    sync::mpsc::{Receiver, channel},
    thread,
};

use aerie_tests::program::Program;
use serde_json::Value;
use tempfile::TempDir;

/// What stands for the credential.
const MARKER: &str = "marker-0f9a7c-marker";

/// A receiver that takes everything; gives the bodies.
fn receiver() -> std::io::Result<(SocketAddr, Receiver<Value>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let (sender, received) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok() && line.trim() != "" {
                if let Some(found) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = found.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            if sender.send(serde_json::from_slice(&body).unwrap()).is_err() {
                return;
            }
        }
    });
    Ok((address, received))
}

struct Shell {
    program: Program,
    home: TempDir,
}

impl Shell {
    fn run(&self, words: &str, code: i32) -> anyhow::Result<(String, String)> {
        let data = self.home.path().join("data").to_string_lossy().into_owned();
        let config = self.home.path().join("settings.yaml").to_string_lossy().into_owned();
        let arguments = ["--config", &config, "--data-dir", &data, "integrations"].into_iter().chain(words.split(' '));
        let finished = self.program.run(self.home.path(), arguments)?;
        let finished = finished.expect(code).map_err(|error| error.context(words.to_owned()))?;
        assert!(!finished.stdout.contains(MARKER) && !finished.stderr.contains(MARKER), "{words}");
        Ok((finished.stdout, finished.stderr))
    }

    fn json(&self, words: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.run(words, 0)?.0)?)
    }
}

#[test]
fn an_integration_is_added_tested_pushed_to_and_removed() -> anyhow::Result<()> {
    let Some(program) = Program::find()? else { return Ok(()) };
    let shell = Shell { program, home: tempfile::tempdir()? };
    let (address, received) = receiver()?;
    let settings = format!("integrations:\n  allow_addresses: [\"{address}\"]\n");
    fs::write(shell.home.path().join("settings.yaml"), settings)?;
    let secret = shell.home.path().join("secret");
    fs::write(&secret, format!("{MARKER}\n"))?;

    let kinds = shell.json("kinds --json")?;
    assert_eq!(kinds["kinds"].as_array().unwrap().len(), 12);
    let (printed, _) = shell.run("kinds s3", 0)?;
    assert!(printed.contains("secret_access_key") && printed.contains("credential"), "{printed}");
    let (_, said) = shell.run("kinds s4", 2)?;
    assert!(said.contains("\"s4\"") && said.contains("webdav"), "{said}");
    let (_, said) = shell.run("add webhook --set address=nowhere", 2)?;
    assert!(said.contains("settings.address") && said.contains("settings.secret"), "{said}");

    let add = format!("add webhook --name Hook --set address=http://{address}/ --file secret={}", secret.display());
    let made = shell.json(&format!("{add} --json"))?;
    assert_eq!(made["secretsSet"], serde_json::json!(["secret"]));
    shell.run(&add, 4)?;
    let (printed, _) = shell.run("test Hook", 0)?;
    assert!(printed.contains("took a test event"), "{printed}");
    assert_eq!(received.recv()?["type"], "test");
    let letter = shell.home.path().join("letter.pdf");
    fs::write(&letter, "%PDF-1.7")?;
    let push = format!("push Hook --file {}", letter.display());
    let pushed = shell.json(&format!("{push} --json"))?;
    assert_eq!((&pushed["state"], &pushed["detail"]), (&"DELIVERY_STATE_DELIVERED".into(), &"created".into()));
    assert_eq!(received.recv()?["data"]["media_type"], "application/pdf");
    let (printed, _) = shell.run(&push, 0)?;
    assert!(printed.contains("unchanged"), "{printed}");
    assert!(received.try_recv().is_err(), "the same again is not sent");

    let listed = shell.json("list --json")?;
    assert_eq!(listed["integrations"][0]["lastDelivery"]["detail"], "unchanged");
    assert_eq!(shell.json("log Hook --json")?["deliveries"].as_array().unwrap().len(), 2);
    let (printed, _) = shell.run("log", 0)?;
    assert!(printed.contains("letter.pdf") && printed.contains("Hook"), "{printed}");
    let (_, said) = shell.run("test Hok", 3)?;
    assert!(said.contains("Hook"), "{said}");
    shell.run("change Hook --off", 0)?;
    assert_eq!(shell.json("list --json")?["integrations"][0]["enabled"], false);
    shell.run("remove Hook", 0)?;
    assert_eq!(shell.json("list --json")?["integrations"], serde_json::json!([]));
    Ok(())
}
