//! `aerie certificates`: an authority for development, and what every service shows others.

use std::process::ExitCode;

use aerie_rpc::authority::{self, Holder};
use anyhow::Context;
use serde_json::json;

use crate::cli::Certificates;

/// The services that show certificates.
const SERVICES: [&str; 4] = ["gateway", "pipeline", "llm-router", "vision"];

/// Writes the files.
pub fn run(arguments: &Certificates) -> anyhow::Result<ExitCode> {
    let mut holders: Vec<Holder> = SERVICES
        .iter()
        .map(|name| Holder { name: (*name).to_owned(), names: usual_names(name, &arguments.namespace) })
        .collect();
    for more in &arguments.names {
        let (name, names) = more.split_once('=').with_context(|| format!("\"{more}\" is not NAME=DNS,DNS"))?;
        let names = names.split(',').map(str::to_owned);
        match holders.iter_mut().find(|holder| holder.name == name) {
            Some(holder) => holder.names.extend(names),
            None => holders.push(Holder { name: name.to_owned(), names: names.collect() }),
        }
    }
    let files = authority::write(&arguments.out, &holders)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&json!({ "files": files }))?);
        return Ok(ExitCode::SUCCESS);
    }
    for file in files {
        println!("wrote {}", file.display());
    }
    println!("next: give each service its certificate and key as services.tls, and identity.key and identity.pub as");
    println!("services.identity; keep ca.key where no service reads it. These are for development and small clusters.");
    Ok(ExitCode::SUCCESS)
}

/// Names by which a service is reached in a cluster and on this machine.
fn usual_names(name: &str, namespace: &str) -> Vec<String> {
    let cluster = ["", ".svc", ".svc.cluster.local"].map(|ending| format!("{name}.{namespace}{ending}"));
    let here = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    cluster.into_iter().chain(here).collect()
}
