//! The YAML files: who the person is, what they look for, what they never want to see.

use std::collections::BTreeMap;

use aerie_documents::letters::Mission;
use aerie_postings::RemoteKind;
use serde_yaml_ng::Value;
use uuid::Uuid;

use super::{FileReport, Importer, PeregrineError, entries, first_text, first_texts, resume, text, texts};
use crate::{
    profile::SearchProfile,
    profiles, rescore,
    resumes::{self, StoredResume},
};

/// Causes that Peregrine knows, with words by which a posting is told to be about them.
const CAUSES: [(&str, &[&str]); 5] = [
    ("music", &["music", "musicians", "concerts", "audio", "record label"]),
    ("animal_welfare", &["animal welfare", "animals", "animal shelter", "veterinary", "wildlife"]),
    ("education", &["education", "teaching", "students", "schools", "learning"]),
    ("social_impact", &["social impact", "nonprofit", "non-profit", "charity", "community"]),
    ("health", &["health", "healthcare", "patients", "clinical", "medicine"]),
];

/// Names of boards there, and what they are called here; other names are the same.
const BOARDS: [(&str, &str); 3] =
    [("zip_recruiter", "ziprecruiter"), ("google", "googlejobs"), ("the_ladders", "theladders")];

impl Importer<'_> {
    /// Everything that the YAML files say, in one transaction.
    pub(super) async fn take_settings(&self, yaml: &BTreeMap<&str, Value>) -> Result<Vec<FileReport>, PeregrineError> {
        if yaml.is_empty() {
            return Ok(vec![]);
        }
        let now = self.core.now();
        let mut reports = Vec::new();
        let mut tx = self.database.begin().await?;
        let before = profiles::read_in(&mut tx).await?;
        let mut profile = before.profile.clone();
        let mut writing = resumes::writing(&mut tx).await?;

        if let Some(user) = yaml.get("user.yaml") {
            let mut report = FileReport::of("user.yaml");
            let mut take = |field: &mut String, value: String, words: &str| {
                if !value.is_empty() {
                    *field = value;
                    report.took(words);
                }
            };
            take(&mut profile.full_name, text(user, "name"), "name");
            take(&mut profile.summary, text(user, "career_summary"), "summary");
            take(&mut writing.voice, text(user, "candidate_voice"), "how letters are written");
            let silent = texts(user, "nda_companies");
            report.took_many(silent.len(), "employers that letters do not name");
            add_new(&mut writing.confidential_employers, silent);
            let missions = missions(user);
            report.took_many(missions.len(), "causes");
            for mission in missions {
                writing.missions.retain(|known| known.name != mission.name);
                writing.missions.push(mission);
            }
            for key in ["tier", "services", "telemetry_opt_in", "license"] {
                if user.get(key).is_some() {
                    report.left(format!("{key}: there is no such thing here"));
                }
            }
            reports.push(report);
        }
        if let Some(keywords) = yaml.get("resume_keywords.yaml") {
            let mut report = FileReport::of("resume_keywords.yaml");
            let skills = texts(keywords, "skills");
            report.took_many(skills.len(), "skills");
            add_new(&mut profile.skills, skills);
            let words = [texts(keywords, "domains"), texts(keywords, "keywords")].concat();
            report.took_many(words.len(), "keywords");
            add_new(&mut profile.keywords, words);
            reports.push(report);
        }
        if let Some(blocked) = yaml.get("blocklist.yaml") {
            let mut report = FileReport::of("blocklist.yaml");
            for (key, field, words) in [
                ("companies", &mut profile.blocked_companies, "companies never to show"),
                ("industries", &mut profile.blocked_industries, "industries never to show"),
                ("locations", &mut profile.blocked_places, "places never to show"),
            ] {
                let values = texts(blocked, key);
                report.took_many(values.len(), words);
                add_new(field, values);
            }
            reports.push(report);
        }
        if let Some(document) = resume::find(yaml) {
            let mut report = FileReport::of(document.file);
            match resume::read(&document, yaml.get("user.yaml")).await {
                Ok(read) => {
                    report.took(format!("the résumé with {} positions", read.profile.positions.len()));
                    profile = resumes::into_profile(profile, &read.profile, &read.text);
                    let resume = StoredResume {
                        format: resumes::format_name(read.format).to_owned(),
                        file_name: document.file.to_owned(),
                        source_text: read.text,
                        profile: read.profile,
                        updated_at: now,
                    };
                    resumes::save(&mut tx, &resume).await?;
                }
                Err(reason) => report.left(format!("the résumé: {reason}")),
            }
            merge(&mut reports, report);
        }
        if let Some(searches) = yaml.get("search_profiles.yaml") {
            let mut report = FileReport::of("search_profiles.yaml");
            let known: Vec<String> = self.core.inner.sources.iter().map(|source| source.info().name.clone()).collect();
            for search in searches_of(searches, &known, &mut report) {
                let same = before.searches.iter().find(|one| one.name == search.name);
                let search = SearchProfile { id: same.map_or_else(Uuid::now_v7, |one| one.id), ..search };
                report.took(format!("search profile {:?}", search.name));
                profiles::write_search(&mut tx, &search, now).await?;
            }
            reports.push(report);
        }
        if profile != before.profile {
            profiles::write(&mut tx, &profile, now).await?;
        }
        resumes::save_writing(&mut tx, &writing, now).await?;
        rescore::submit(self.core, &mut tx, self.person, std::time::Duration::ZERO).await?;
        self.core.inner.queue.commit(tx, self.person).await?;
        Ok(reports)
    }
}

/// Puts a second report on the same file into the first.
fn merge(reports: &mut Vec<FileReport>, report: FileReport) {
    match reports.iter_mut().find(|known| known.name == report.name) {
        Some(known) => {
            known.taken.extend(report.taken);
            known.left.extend(report.left);
        }
        None => reports.push(report),
    }
}

fn add_new(known: &mut Vec<String>, more: Vec<String>) {
    for one in more {
        if !known.iter().any(|other| other.eq_ignore_ascii_case(&one)) {
            known.push(one);
        }
    }
}

/// Causes that the person wrote something about.
fn missions(user: &Value) -> Vec<Mission> {
    let Some(preferences) = user.get("mission_preferences") else { return vec![] };
    let known = CAUSES.iter().filter_map(|(name, words)| {
        let note = text(preferences, name);
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        (!note.is_empty()).then(|| Mission { name: name.replace('_', " "), words, note })
    });
    known.collect()
}

/// The search profiles, in whichever of the two forms the file has.
fn searches_of(file: &Value, known: &[String], report: &mut FileReport) -> Vec<SearchProfile> {
    let mut searches: Vec<&Value> = entries(file, "profiles").iter().collect();
    // Another part of Peregrine wrote one profile under this key, which its own discovery did not read.
    searches.extend(file.get("default").filter(|value| value.is_mapping()));
    if searches.is_empty() {
        report.left("it has no profiles");
    }
    searches.into_iter().enumerate().map(|(index, one)| search_of(one, index, known, report)).collect()
}

fn search_of(value: &Value, index: usize, known: &[String], report: &mut FileReport) -> SearchProfile {
    let name = match text(value, "name") {
        name if name.is_empty() => format!("from Peregrine {}", index + 1),
        name => name,
    };
    let mut sources = Vec::new();
    for board in [texts(value, "boards"), texts(value, "custom_boards")].concat() {
        let lower = board.to_ascii_lowercase();
        let here = BOARDS.iter().find(|(there, _)| *there == lower).map_or(lower.as_str(), |(_, here)| here);
        if known.iter().any(|source| source == here) {
            sources.push(here.to_owned());
        } else {
            report.left(format!("board {board:?} of {name:?}: there is no such source; see `aerie sources`"));
        }
    }
    let hours: u32 = text(value, "hours_old").parse().unwrap_or_default();
    let remote_preference = match text(value, "remote_preference").as_str() {
        "remote" => RemoteKind::Remote,
        "onsite" => RemoteKind::OnSite,
        _ => RemoteKind::Unknown,
    };
    SearchProfile {
        name,
        titles: first_texts(value, &["titles", "job_titles"]),
        places: first_texts(value, &["locations", "location"]),
        sources,
        exclude_words: texts(value, "exclude_keywords"),
        remote_preference,
        max_age_days: hours.div_ceil(24),
        results_per_source: first_text(value, &["results_per_board"]).parse().unwrap_or_default(),
        mission_tags: texts(value, "mission_tags"),
        match_titles: true,
        ..SearchProfile::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_search_profiles_are_read() {
        let file: Value = super::super::parse(
            b"profiles:\n- name: looms\n  titles: [Weaver]\n  locations: Leeds\n  boards: [linkedin, zip_recruiter, telepathy]\n  hours_old: 73\n\
              default:\n  job_titles: [Mender]\n  location: [York]\n",
        )
        .unwrap_or_default();
        let known = ["linkedin".to_owned(), "ziprecruiter".to_owned()];
        let mut report = FileReport::of("search_profiles.yaml");
        let searches = searches_of(&file, &known, &mut report);
        assert_eq!((searches[0].places.as_slice(), searches[0].max_age_days), (&["Leeds".to_owned()][..], 4));
        assert_eq!(searches[0].sources, known);
        assert_eq!((searches[1].name.as_str(), searches[1].titles[0].as_str()), ("from Peregrine 2", "Mender"));
        assert!(report.left[0].contains("telepathy"), "{report:?}");
    }
}
