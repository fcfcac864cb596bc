//! `aerie integrations`: programs that Aerie pushes to.

use std::{collections::HashMap, env, path::Path, process::ExitCode};

use aerie_proto::pipeline::v1 as pb;
use anyhow::Context;
use comfy_table::Cell;
use pb::push_item_request::Item;

use super::{jobs::job_id, read_input, read_text};
use crate::{
    cli::{Cli, Integrations, IntegrationsAdd, IntegrationsChange, IntegrationsPush, IntegrationsSettings, PushTopic},
    output,
    session::Session,
};

/// Lists, adds, changes, tests, pushes, removes.
pub async fn run(cli: &Cli, command: &Integrations) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch(&session, command).await;
    session.close().await;
    result
}

async fn dispatch(session: &Session, command: &Integrations) -> anyhow::Result<ExitCode> {
    match command {
        Integrations::List { json } => list(session, *json).await?,
        Integrations::Kinds { kind, json } => kinds(session, kind.as_deref(), *json).await?,
        Integrations::Add(arguments) => add(session, arguments).await?,
        Integrations::Change(arguments) => change(session, arguments).await?,
        Integrations::Test { integration, json } => return test(session, integration, *json).await,
        Integrations::Push(arguments) => return push(session, arguments).await,
        Integrations::Remove { integration } => {
            let integration_id = find(session, integration).await?.id;
            session.integrations().delete_integration(pb::DeleteIntegrationRequest { integration_id }).await?;
            println!("removed");
        }
        Integrations::Log { integration, limit, json } => {
            log(session, integration.as_deref(), *limit, *json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn all(session: &Session) -> anyhow::Result<pb::ListIntegrationsResponse> {
    Ok(session.integrations().list_integrations(pb::ListIntegrationsRequest {}).await?.into_inner())
}

/// The integration of a name, an id or the end of one.
async fn find(session: &Session, text: &str) -> anyhow::Result<pb::Integration> {
    let known = all(session).await?.integrations;
    let mut found: Vec<pb::Integration> =
        known.iter().filter(|one| one.name == text || one.id == text).cloned().collect();
    if found.is_empty() && text.len() >= 4 {
        found = known.iter().filter(|one| one.id.ends_with(text)).cloned().collect();
    }
    match found.len() {
        1 => found.pop().context("the integration"),
        0 => {
            let names: Vec<&str> = known.iter().map(|one| one.name.as_str()).collect();
            let names = if names.is_empty() { "none yet".to_owned() } else { names.join(", ") };
            Err(tonic::Status::not_found(format!("{text:?} is no integration of yours; there are: {names}")).into())
        }
        _ => Err(output::wrong_use(format!("{text:?} names several integrations; write a whole id"))),
    }
}

async fn list(session: &Session, json: bool) -> anyhow::Result<()> {
    let response = all(session).await?;
    if json {
        return output::print_json("aerie.pipeline.v1.ListIntegrationsResponse", &response);
    }
    let mut table = output::table(&["name", "kind", "pushes", "last result", "id"]);
    for one in &response.integrations {
        let topics: Vec<&str> = one.topics().map(topic_words).collect();
        let pushes = if one.enabled { topics.join(", ") } else { "off".to_owned() };
        let last = one.last_delivery.as_ref().map(result_words).unwrap_or_default();
        table.add_row([&one.name, &one.kind, &pushes, &last, output::short_id(&one.id)].map(Cell::new));
    }
    println!("{table}");
    Ok(())
}

async fn kinds(session: &Session, only: Option<&str>, json: bool) -> anyhow::Result<()> {
    let mut response =
        session.integrations().list_integration_kinds(pb::ListIntegrationKindsRequest {}).await?.into_inner();
    if let Some(only) = only {
        let names: Vec<String> = response.kinds.iter().map(|kind| kind.name.clone()).collect();
        response.kinds.retain(|kind| kind.name == only);
        if response.kinds.is_empty() {
            return Err(output::wrong_use(format!("{only:?} is no kind; there are {}", names.join(", "))));
        }
    }
    if json {
        return output::print_json("aerie.pipeline.v1.ListIntegrationKindsResponse", &response);
    }
    if only.is_none() {
        let mut table = output::table(&["kind", "takes", "what it does"]);
        for kind in &response.kinds {
            let topics: Vec<&str> = kind.topics().map(topic_words).collect();
            table.add_row([&kind.name, &topics.join(", "), &kind.about].map(Cell::new));
        }
        println!("{table}");
        return Ok(());
    }
    for kind in &response.kinds {
        println!("{}: {}", kind.label, kind.about);
        let mut table = output::table(&["setting", "", "what it is"]);
        for field in &kind.fields {
            let need = match (field.required, field.secret, field.default_value.as_str()) {
                (_, true, _) => "credential".to_owned(),
                (true, ..) => "required".to_owned(),
                (false, _, "") => String::new(),
                (false, _, default) => format!("else {default}"),
            };
            let choices =
                if field.choices.is_empty() { String::new() } else { format!(" ({})", field.choices.join(", ")) };
            table.add_row([&field.name, &need, &format!("{}{choices}", field.about)].map(Cell::new));
        }
        println!("{table}");
    }
    Ok(())
}

async fn add(session: &Session, arguments: &IntegrationsAdd) -> anyhow::Result<()> {
    let request = pb::CreateIntegrationRequest {
        kind: arguments.kind.clone(),
        name: arguments.name.clone().unwrap_or_default(),
        settings: settings(&arguments.settings)?,
        topics: topics(&arguments.settings),
        enabled: switch(arguments.on, arguments.off),
    };
    let made = session.integrations().create_integration(request).await?.into_inner().integration.unwrap_or_default();
    if arguments.json {
        return output::print_json("aerie.pipeline.v1.Integration", &made);
    }
    let state = if made.enabled { "on" } else { "off; switch it on with `aerie integrations change NAME --on`" };
    println!("added {:?} ({state}); try it with `aerie integrations test {:?}`", made.name, made.name);
    Ok(())
}

async fn change(session: &Session, arguments: &IntegrationsChange) -> anyhow::Result<()> {
    let request = pb::UpdateIntegrationRequest {
        integration_id: find(session, &arguments.integration).await?.id,
        name: arguments.name.clone().unwrap_or_default(),
        settings: settings(&arguments.settings)?,
        topics: topics(&arguments.settings),
        enabled: switch(arguments.on, arguments.off),
    };
    let changed =
        session.integrations().update_integration(request).await?.into_inner().integration.unwrap_or_default();
    if arguments.json {
        return output::print_json("aerie.pipeline.v1.Integration", &changed);
    }
    println!("changed {:?}", changed.name);
    Ok(())
}

async fn test(session: &Session, integration: &str, json: bool) -> anyhow::Result<ExitCode> {
    let integration_id = find(session, integration).await?.id;
    let request = pb::TestIntegrationRequest { integration_id };
    let tested = session.integrations().test_integration(request).await?.into_inner();
    if json {
        output::print_json("aerie.pipeline.v1.TestIntegrationResponse", &tested)?;
    } else if tested.works {
        println!("{}", tested.message);
    } else {
        eprintln!("it does not work: {}", tested.message);
    }
    Ok(if tested.works { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn push(session: &Session, arguments: &IntegrationsPush) -> anyhow::Result<ExitCode> {
    let integration_id = find(session, &arguments.integration).await?.id;
    let item = match &arguments.item {
        chosen if chosen.digest => Item::Digest(true),
        chosen => match (&chosen.job, &chosen.appointment, &chosen.file) {
            (Some(job), ..) => Item::JobId(job_id(session, job).await?),
            (_, Some(appointment), _) => Item::AppointmentId(appointment.clone()),
            (.., Some(path)) => Item::File(file(path, arguments.media_type.as_deref())?),
            _ => return Err(output::wrong_use("name what to push: --job, --appointment, --digest or --file")),
        },
    };
    let request = pb::PushItemRequest { integration_id: integration_id.clone(), item: Some(item) };
    let pushed = session.integrations().push_item(request).await?.into_inner();
    let watch = pb::WatchTaskRequest { task_id: pushed.task_id };
    let mut updates = session.tasks().watch_task(watch).await?.into_inner();
    let mut told = String::new();
    while let Some(update) = updates.message().await? {
        let error = update.task.unwrap_or_default().error;
        if !error.is_empty() && error != told && !arguments.json {
            eprintln!("{error}");
            told = error;
        }
    }
    let id = pushed.delivery.unwrap_or_default().id;
    let request = pb::ListDeliveriesRequest { integration_id, page_size: 500 };
    let deliveries = session.integrations().list_deliveries(request).await?.into_inner().deliveries;
    let delivery = deliveries.into_iter().find(|one| one.id == id).context("the delivery is not listed any more")?;
    let is_delivered = delivery.state() == pb::DeliveryState::Delivered;
    if arguments.json {
        output::print_json("aerie.pipeline.v1.Delivery", &delivery)?;
    } else {
        println!("{}: {}", delivery.headline, result_words(&delivery));
    }
    Ok(if is_delivered { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn log(session: &Session, integration: Option<&str>, limit: i32, json: bool) -> anyhow::Result<()> {
    let known = all(session).await?.integrations;
    let integration_id = match integration {
        Some(integration) => find(session, integration).await?.id,
        None => String::new(),
    };
    let request = pb::ListDeliveriesRequest { integration_id, page_size: limit };
    let response = session.integrations().list_deliveries(request).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.ListDeliveriesResponse", &response);
    }
    let mut table = output::table(&["when", "integration", "what", "result", "tries"]);
    for one in &response.deliveries {
        let name = known.iter().find(|known| known.id == one.integration_id).map_or("", |known| known.name.as_str());
        let when = one.create_time.map(|time| time.to_string()).unwrap_or_default();
        let cells = [when.as_str(), name, &one.headline, &result_words(one)].map(Cell::new);
        table.add_row(cells.into_iter().chain([output::number(one.attempts)]));
    }
    println!("{table}");
    Ok(())
}

fn switch(on: bool, off: bool) -> Option<bool> {
    match (on, off) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn topics(settings: &IntegrationsSettings) -> Vec<i32> {
    let topic = |topic: &PushTopic| match topic {
        PushTopic::Jobs => pb::IntegrationTopic::Jobs,
        PushTopic::Appointments => pb::IntegrationTopic::Appointments,
        PushTopic::Digests => pb::IntegrationTopic::Digests,
        PushTopic::Documents => pb::IntegrationTopic::Documents,
    };
    settings.topics.iter().map(|one| topic(one) as i32).collect()
}

fn settings(given: &IntegrationsSettings) -> anyhow::Result<HashMap<String, String>> {
    let pair = |text: &str, what: &str| {
        let (name, value) = text.split_once('=').with_context(|| {
            // What follows may be a credential and is not repeated.
            format!("--{what} takes NAME=…, with an equals sign")
        })?;
        anyhow::Ok((name.trim().to_owned(), value.to_owned()))
    };
    let mut settings = HashMap::new();
    for text in &given.values {
        settings.extend([pair(text, "set")?]);
    }
    for text in &given.files {
        let (name, path) = pair(text, "file")?;
        settings.insert(name, read_text(Path::new(&path))?);
    }
    for text in &given.variables {
        let (name, variable) = pair(text, "env")?;
        let value =
            env::var(&variable).map_err(|_| anyhow::anyhow!("the environment variable {variable} is not set"))?;
        settings.insert(name, value);
    }
    Ok(settings)
}

fn file(path: &Path, media_type: Option<&str>) -> anyhow::Result<pb::IntegrationFile> {
    let name = path.file_name().and_then(|name| name.to_str()).context("the file has no name")?.to_owned();
    let known = match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "pdf" => "application/pdf",
        "md" => "text/markdown; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        _ => "",
    };
    Ok(pb::IntegrationFile { name, media_type: media_type.unwrap_or(known).to_owned(), content: read_input(path)? })
}

fn topic_words(topic: pb::IntegrationTopic) -> &'static str {
    match topic {
        pb::IntegrationTopic::Jobs => "jobs",
        pb::IntegrationTopic::Appointments => "appointments",
        pb::IntegrationTopic::Digests => "digests",
        pb::IntegrationTopic::Documents => "documents",
        pb::IntegrationTopic::Unspecified => "",
    }
}

fn result_words(delivery: &pb::Delivery) -> String {
    match delivery.state() {
        pb::DeliveryState::Waiting => "waiting".to_owned(),
        pb::DeliveryState::Sending => "being sent".to_owned(),
        pb::DeliveryState::Retrying => format!("tried again later: {}", delivery.detail),
        pb::DeliveryState::Delivered => delivery.detail.clone(),
        pb::DeliveryState::Failed => format!("failed: {}", delivery.detail),
        pb::DeliveryState::Unspecified => String::new(),
    }
}
