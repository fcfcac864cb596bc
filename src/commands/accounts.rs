//! `aerie accounts`: people and the keys of their programs, for whoever runs the installation.

use std::{process::ExitCode, sync::Arc};

use aerie_gateway::{AccountStore, Scope};
use aerie_rpc::RpcError;
use aerie_store::{access::ApiKey, accounts::Person};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use comfy_table::Cell;
use serde_json::{Value, json};
use tonic::Status;

use super::{deletion, load_config};
use crate::{
    app::open_stores,
    cli::{Accounts, AccountsKeys, AccountsKeysAdd, Cli, KeyScope},
    output,
};

/// Opens the store for one command.
pub async fn run(cli: &Cli, command: &Accounts) -> anyhow::Result<ExitCode> {
    let stores = Arc::new(open_stores(&load_config(cli)?, false).await?);
    let result = dispatch(&AccountStore::new(Arc::clone(&stores)), command).await;
    stores.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(store: &AccountStore, command: &Accounts) -> anyhow::Result<()> {
    match command {
        Accounts::List { json } => list(store, *json).await,
        Accounts::Delete { person, yes, json } => delete(store, person, *yes, *json).await,
        Accounts::Keys(AccountsKeys::Add(arguments)) => add(store, arguments).await,
        Accounts::Keys(AccountsKeys::List { person, json }) => list_keys(store, person, *json).await,
        Accounts::Keys(AccountsKeys::Revoke { key, person, json }) => {
            let person = find(store, person).await?;
            store.revoke_key(person.id, key, Utc::now()).await.map_err(of_service)?;
            if *json {
                return print(&json!({ "revoked": key }));
            }
            println!("revoked {key}; the next call with it is refused");
            Ok(())
        }
    }
}

async fn list(store: &AccountStore, as_json: bool) -> anyhow::Result<()> {
    let people = store.people().await.map_err(of_service)?;
    if as_json {
        let people = people.iter().map(|one| {
            json!({ "id": one.id, "name": one.name, "subject": one.external_subject, "isLocal": one.is_local,
                "createTime": one.created_at.to_rfc3339() })
        });
        return print(&json!({ "people": people.collect::<Vec<_>>() }));
    }
    let mut table = output::table(&["id", "name", "subject", "since"]);
    for one in &people {
        let subject = one.external_subject.as_deref().unwrap_or("(whoever sits at this machine)");
        table.add_row([&one.id.to_string(), &one.name, subject, &shown(Some(one.created_at))].map(Cell::new));
    }
    println!("{table}");
    Ok(())
}

async fn delete(store: &AccountStore, person: &str, yes: bool, as_json: bool) -> anyhow::Result<()> {
    let person = find(store, person).await?;
    if !yes {
        let rows = store.count_rows(person.id).await.map_err(of_service)?;
        let subject = person.external_subject.as_deref().unwrap_or("whoever sits at this machine");
        println!("{} {} ({subject})", person.id, person.name);
        let id = person.id.to_string();
        deletion::ask(rows.iter().map(|(table, rows)| (table.as_str(), *rows)), &id)?;
    }
    let rows = store.delete(person.id, Utc::now().trunc_subsecs(6)).await.map_err(of_service)?;
    if as_json {
        return print(&json!({ "deleted": person.id, "rows": rows }));
    }
    println!("{}: {}", person.id, deletion::said(rows.iter().map(|(table, rows)| (table.as_str(), *rows))));
    Ok(())
}

async fn add(store: &AccountStore, arguments: &AccountsKeysAdd) -> anyhow::Result<()> {
    let person = find(store, &arguments.person).await?;
    // Both engines keep microseconds.
    let now = Utc::now().trunc_subsecs(6);
    let expires_at = arguments.days.map(|days| now + TimeDelta::days(i64::from(days)));
    let scopes: Vec<Scope> = arguments.scopes.iter().map(|scope| scope_of(*scope)).collect();
    let issued = store.issue_key(person.id, &arguments.name, &scopes, expires_at, now).await;
    let (key, secret) = issued.map_err(of_service)?;
    if arguments.json {
        return print(&json!({ "apiKey": to_json(&key), "secret": secret }));
    }
    println!("{secret}");
    eprintln!("key {} of {}; it cannot be shown again", key.id, person.id);
    eprintln!("send it as \"Authorization: Bearer …\"");
    Ok(())
}

async fn list_keys(store: &AccountStore, person: &str, as_json: bool) -> anyhow::Result<()> {
    let person = find(store, person).await?;
    let keys = store.keys(person.id).await.map_err(of_service)?;
    if as_json {
        return print(&json!({ "apiKeys": keys.iter().map(to_json).collect::<Vec<_>>() }));
    }
    let mut table = output::table(&["id", "name", "scopes", "made", "last used", "ends", "revoked"]);
    for key in &keys {
        let times = [Some(key.created_at), key.last_used_at, key.expires_at, key.revoked_at].map(shown);
        let words = [key.id.clone(), key.name.clone(), key.scopes.join(" ")];
        table.add_row(words.into_iter().chain(times).map(Cell::new));
    }
    println!("{table}");
    Ok(())
}

/// The one person that a text names.
async fn find(store: &AccountStore, text: &str) -> anyhow::Result<Person> {
    let people = store.people().await.map_err(of_service)?;
    let is_meant = |person: &&Person| {
        let subject = person.external_subject.as_deref().unwrap_or_default();
        let (_, at_issuer) = subject.split_once(' ').unwrap_or_default();
        person.id.to_string().ends_with(text) || (!at_issuer.is_empty() && at_issuer == text) || subject == text
    };
    let mut found = people.iter().filter(is_meant);
    match (found.next(), found.next()) {
        _ if text.is_empty() => Err(output::wrong_use("name a person")),
        (Some(person), None) => Ok(person.clone()),
        (Some(_), Some(_)) => {
            Err(output::wrong_use(format!("{text:?} names more than one person; write the whole id")))
        }
        (None, _) => {
            let message = format!("{text:?} names nobody; `aerie accounts list` shows everybody who was seen");
            Err(Status::not_found(message).into())
        }
    }
}

fn scope_of(scope: KeyScope) -> Scope {
    match scope {
        KeyScope::Read => Scope::Read,
        KeyScope::Write => Scope::Write,
        KeyScope::Models => Scope::Models,
        KeyScope::Calendar => Scope::Calendar,
    }
}

fn to_json(key: &ApiKey) -> Value {
    let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339());
    json!({
        "id": key.id, "name": key.name, "scopes": key.scopes, "createTime": key.created_at.to_rfc3339(),
        "expireTime": time(key.expires_at), "lastUseTime": time(key.last_used_at), "revokeTime": time(key.revoked_at),
    })
}

fn shown(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

fn print(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// The error of a service, whose code is the exit code.
fn of_service(error: RpcError) -> anyhow::Error {
    Status::from(error).into()
}
