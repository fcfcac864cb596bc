//! `aerie profile`: who the person is and what they look for.

use std::process::ExitCode;

use aerie_pipeline::profile::{Profile as ProfileDocument, SearchProfile, profile_to_wire, search_to_wire};
use aerie_proto::pipeline::v1 as pb;
use anyhow::{Context, bail};
use comfy_table::Cell;
use serde::{Deserialize, Serialize};
use serde_yaml_ng::Value;

use crate::{
    cli::{Cli, Profile},
    commands::read_text,
    output,
    session::Session,
};

/// The file that `profile load` reads. Its example is what the demo uses too.
pub const EXAMPLE: &str = include_str!("example_profile.yaml");

/// Profile and search profiles as one file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProfileFile {
    profile: Option<ProfileDocument>,
    searches: Vec<SearchProfile>,
}

/// Shows, loads or imports.
pub async fn run(cli: &Cli, command: &Profile) -> anyhow::Result<ExitCode> {
    if matches!(command, Profile::Example) {
        print!("{EXAMPLE}");
        return Ok(ExitCode::SUCCESS);
    }
    let session = Session::open(cli).await?;
    let result = dispatch(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(session: &Session, command: &Profile) -> anyhow::Result<()> {
    match command {
        Profile::Example => Ok(()),
        Profile::Show { json } => show(session, *json).await,
        Profile::Load { file } => {
            let text = read_text(file)?;
            let loaded = load(session, &text).await.with_context(|| file.display().to_string())?;
            println!("{loaded}");
            Ok(())
        }
        Profile::Searches { json } => searches(session, *json).await,
        Profile::DeleteSearch { search } => {
            let request = pb::DeleteSearchProfileRequest { search_profile_id: search_id(session, Some(search)).await? };
            session.profile().delete_search_profile(request).await?;
            println!("search profile {search} is gone; its jobs stay");
            Ok(())
        }
    }
}

/// Stores a profile file's content; returns a line that says what was taken.
pub async fn load(session: &Session, text: &str) -> anyhow::Result<String> {
    let file = parse(text)?;
    let mut service = session.profile();
    if let Some(profile) = file.profile.clone() {
        let request = pb::UpdateProfileRequest { profile: Some(profile_to_wire(profile)), update_mask: None };
        service.update_profile(request).await?;
    }
    let present = service.list_search_profiles(pb::ListSearchProfilesRequest {}).await?.into_inner().search_profiles;
    let count = file.searches.len();
    for search in file.searches {
        let mut wire = search_to_wire(search);
        wire.id =
            present.iter().find(|known| known.name == wire.name).map(|known| known.id.clone()).unwrap_or_default();
        service.save_search_profile(pb::SaveSearchProfileRequest { search_profile: Some(wire) }).await?;
    }
    let profile = if file.profile.is_some() { "the profile" } else { "no profile" };
    Ok(format!("loaded {profile} and {count} search profile(s); `aerie discover` runs the first one"))
}

fn parse(text: &str) -> anyhow::Result<ProfileFile> {
    let value: Value = serde_yaml_ng::from_str(text)?;
    // A misspelt key would be ignored in silence, and the person would wonder why nothing changed.
    let known = serde_yaml_ng::to_value(ProfileFile {
        profile: Some(ProfileDocument::default()),
        searches: vec![SearchProfile::default()],
    })?;
    refuse_unknown(&value, &known, "")?;
    Ok(serde_yaml_ng::from_value(value)?)
}

fn refuse_unknown(value: &Value, known: &Value, path: &str) -> anyhow::Result<()> {
    match (value, known) {
        (Value::Mapping(fields), Value::Mapping(known_fields)) => {
            for (name, field) in fields {
                let Some(known_field) = known_fields.get(name) else {
                    let names: Vec<&str> = known_fields.keys().filter_map(Value::as_str).collect();
                    bail!(
                        "{path}{} is not a setting here; known are {}",
                        name.as_str().unwrap_or("?"),
                        names.join(", ")
                    );
                };
                refuse_unknown(field, known_field, &format!("{path}{}.", name.as_str().unwrap_or("?")))?;
            }
        }
        (Value::Sequence(entries), Value::Sequence(known_entries)) => {
            if let Some(known_entry) = known_entries.first() {
                for (index, entry) in entries.iter().enumerate() {
                    refuse_unknown(entry, known_entry, &format!("{path}{index}."))?;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// The id of a search profile given by name or id; empty, which means the first one, when none is given.
pub async fn search_id(session: &Session, search: Option<&str>) -> anyhow::Result<String> {
    let Some(search) = search else { return Ok(String::new()) };
    let response = session.profile().list_search_profiles(pb::ListSearchProfilesRequest {}).await?.into_inner();
    let found = response.search_profiles.iter().find(|known| known.name == search || known.id == search);
    match found {
        Some(found) => Ok(found.id.clone()),
        None => {
            let names: Vec<&str> = response.search_profiles.iter().map(|known| known.name.as_str()).collect();
            let words = format!("no search profile is called {search:?}; there are: {}", names.join(", "));
            bail!(tonic::Status::not_found(words))
        }
    }
}

async fn show(session: &Session, json: bool) -> anyhow::Result<()> {
    let response = session.profile().get_profile(pb::GetProfileRequest {}).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.GetProfileResponse", &response);
    }
    let profile = response.profile.unwrap_or_default();
    if profile == pb::Profile::default() {
        println!(
            "the profile is empty; begin with: aerie profile example > me.yaml, edit it, aerie profile load me.yaml"
        );
        return Ok(());
    }
    println!("{}\n{}", profile.full_name, profile.summary.trim());
    println!("skills: {}", profile.skills.join(", "));
    println!("places: {}", profile.places.join(", "));
    searches(session, false).await
}

async fn searches(session: &Session, json: bool) -> anyhow::Result<()> {
    let response = session.profile().list_search_profiles(pb::ListSearchProfilesRequest {}).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.ListSearchProfilesResponse", &response);
    }
    let mut table = output::table(&["search", "titles", "places", "boards", "schedule", "id"]);
    for search in &response.search_profiles {
        table.add_row([
            Cell::new(&search.name),
            Cell::new(search.titles.join(", ")),
            Cell::new(search.places.join(", ")),
            output::number(search.company_boards.len()),
            Cell::new(if search.schedule.is_empty() { "by hand" } else { &search.schedule }),
            Cell::new(&search.id),
        ]);
    }
    println!("{table}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_example_is_complete_and_readable() {
        let file = parse(EXAMPLE).unwrap();
        assert_eq!(file.searches.len(), 1);
        assert_eq!(file.profile.unwrap().full_name, "Ada Example");
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = parse("searches:\n  - name: a\n    tittles: [x]\n").unwrap_err().to_string();
        assert!(error.starts_with("searches.0.tittles is not a setting here; known are id, name, titles"), "{error}");
    }
}
