//! `ProfileService`.

use std::{str::FromStr, time::Duration};

use aerie_documents::content::Language;
use aerie_matching::SkillVocabulary;
use aerie_proto::pipeline::v1::{self as pb, profile_service_server::ProfileService};
use aerie_rpc::{ErrorCode, RpcError};
use aerie_store::{PersonId, Tx, profiles as rows};
use aerie_tasks::{NewSchedule, NewTask};
use aerie_typesetting::Kind as TemplateKind;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Caller, caller, convert, errors, id, optional_id, resume, validation};
use crate::{
    core::Core,
    discovery::run::{RunPayload, RunTask},
    letters::rendering::paper,
    profile::{Profile, SearchProfile},
    profiles, rescore,
    resumes::{self, MOST_FILE, ReadError, StoredResume, Writing},
    scoring,
};

/// Most characters of a résumé.
const MOST_RESUME: usize = 1_000_000;

pub(crate) struct ProfileApi {
    pub(crate) core: Core,
}

impl ProfileApi {
    /// Stores a changed profile, with a résumé where one is given, and asks for a rescore when the profile changed.
    async fn save(
        &self,
        caller: &Caller,
        profile: Profile,
        resume: Option<&StoredResume>,
    ) -> Result<(Profile, String), Status> {
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        if let Some(resume) = resume {
            resumes::save(&mut tx, resume).await.map_err(errors::store)?;
        }
        let stored = profiles::read_in(&mut tx).await.map_err(errors::store)?;
        if stored.version > 0 && stored.profile == profile {
            self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
            return Ok((profile, String::new()));
        }
        profiles::write(&mut tx, &profile, self.core.now()).await.map_err(errors::store)?;
        let task = self.rescore(&mut tx, caller.person).await?;
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok((profile, task))
    }

    async fn rescore(&self, tx: &mut Tx, person: PersonId) -> Result<String, Status> {
        let submitted = rescore::submit(&self.core, tx, person, Duration::ZERO).await.map_err(errors::queue)?;
        Ok(submitted.id.to_string())
    }

    fn check_profile(&self, profile: &pb::Profile) -> Result<(), RpcError> {
        let mut check = validation(&self.core);
        check.text("profile.full_name", &profile.full_name);
        check.text("profile.summary", &profile.summary);
        let lists = [
            ("profile.skills", &profile.skills),
            ("profile.places", &profile.places),
            ("profile.keywords", &profile.keywords),
            ("profile.dislikes", &profile.dislikes),
            ("profile.blocked_companies", &profile.blocked_companies),
            ("profile.blocked_industries", &profile.blocked_industries),
            ("profile.blocked_places", &profile.blocked_places),
            ("profile.work_permits", &profile.work_permits),
        ];
        for (name, list) in lists {
            check.texts(name, list);
        }
        check.require(
            profile.resume_text.len() <= MOST_RESUME,
            "profile.resume_text",
            "is longer than 1,000,000 bytes; leave out what does not matter for matching",
        );
        let pay = profile.salary_minimum.is_none_or(|pay| pay.is_finite() && (0.0..1e9).contains(&pay));
        check.require(pay, "profile.salary_minimum", "is not an amount between 0 and 1,000,000,000");
        check.finish()
    }

    /// Bounds every text of a résumé; what is empty is left out later.
    fn check_resume(&self, resume: &pb::Resume) -> Result<(), RpcError> {
        let mut check = validation(&self.core);
        let fits = resume.encoded_len() <= MOST_RESUME;
        check.require(fits, "resume", "has more than 1,000,000 bytes; shorten it");
        check.list("resume.positions", &resume.positions);
        check.list("resume.education", &resume.education);
        check.list("resume.skills", &resume.skills);
        check.list("resume.certificates", &resume.certificates);
        check.list("resume.languages", &resume.languages);
        check.list("resume.sections", &resume.sections);
        check.finish()
    }

    fn check_writing(&self, writing: &pb::Writing) -> Result<(), RpcError> {
        let mut check = validation(&self.core);
        check.text("writing.voice", &writing.voice);
        check.list("writing.missions", &writing.missions);
        for (index, mission) in writing.missions.iter().enumerate() {
            check.text(&format!("writing.missions[{index}].name"), &mission.name);
            check.texts(&format!("writing.missions[{index}].words"), &mission.words);
            check.text(&format!("writing.missions[{index}].note"), &mission.note);
        }
        check.texts("writing.confidential_employers", &writing.confidential_employers);
        let known = writing.language.is_empty() || Language::from_code(&writing.language).is_some();
        check.require(known, "writing.language", "is not known; letters are written in en, de, fr and es");
        let templates = self.core.inner.typesetter.templates();
        for (field, name, kind) in [
            ("writing.letter_template", &writing.letter_template, TemplateKind::Letter),
            ("writing.resume_template", &writing.resume_template, TemplateKind::Resume),
        ] {
            let names = templates.names(kind);
            let known = name.is_empty() || names.contains(&name.as_str());
            check.require(known, field, &format!("is not known; there are {}", names.join(", ")));
        }
        let known = writing.paper.is_empty() || paper(&writing.paper).is_some();
        check.require(known, "writing.paper", "is not known; write a4 or us-letter");
        check.finish()
    }

    fn check_search(&self, search: &pb::SearchProfile) -> Result<(), RpcError> {
        let mut check = validation(&self.core);
        check.required_text("search_profile.name", &search.name);
        let lists = [
            ("search_profile.titles", &search.titles),
            ("search_profile.places", &search.places),
            ("search_profile.sources", &search.sources),
            ("search_profile.company_boards", &search.company_boards),
            ("search_profile.exclude_words", &search.exclude_words),
            ("search_profile.mission_tags", &search.mission_tags),
            ("search_profile.pages", &search.pages),
        ];
        for (name, list) in lists {
            check.texts(name, list);
        }
        for (index, source) in search.sources.iter().enumerate() {
            let field = format!("search_profile.sources[{index}]");
            check.require(self.core.source(source).is_some(), &field, "names no source; see ListSources");
        }
        for (index, board) in search.company_boards.iter().enumerate() {
            let field = format!("search_profile.company_boards[{index}]");
            let known = board
                .split_once(':')
                .is_some_and(|(source, token)| !token.trim().is_empty() && self.core.source(source).is_some());
            check.require(known, &field, "must be \"source:token\" with a source that ListSources shows");
        }
        for (index, page) in search.pages.iter().enumerate() {
            let field = format!("search_profile.pages[{index}]");
            let usable = url::Url::parse(page).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            check.require(usable, &field, "must begin with http:// or https://");
        }
        check.require(search.max_age_days >= 0, "search_profile.max_age_days", "is negative; write 0 for any age");
        let most = (0..=10_000).contains(&search.results_per_source);
        check.require(most, "search_profile.results_per_source", "must be between 0 (the default) and 10000");
        let schedule = search.schedule.is_empty() || croner::Cron::from_str(&search.schedule).is_ok();
        check.require(schedule, "search_profile.schedule", "is not a cron expression such as \"0 6 * * *\"");
        check.finish()
    }
}

/// Keeps the schedule that runs a search profile in step with it.
pub(crate) async fn put_schedule(core: &Core, tx: &mut Tx, search: &SearchProfile) -> Result<(), Status> {
    let name = schedule_name(search.id);
    if search.schedule.is_empty() {
        core.inner.queue.remove_schedule(tx, &name).await.map_err(errors::queue)?;
        return Ok(());
    }
    let payload = RunPayload { search: search.clone(), sources: vec![] };
    let task = NewTask::new::<RunTask>(&payload).map_err(errors::queue)?.with_key(search.id.to_string());
    let schedule = NewSchedule { name, cron: search.schedule.clone(), task };
    core.inner.queue.put_schedule(tx, &schedule).await.map_err(errors::queue)
}

fn schedule_name(search: Uuid) -> String {
    format!("discovery.run {search}")
}

#[tonic::async_trait]
impl ProfileService for ProfileApi {
    async fn get_profile(
        &self,
        request: Request<pb::GetProfileRequest>,
    ) -> Result<Response<pb::GetProfileResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let stored = profiles::read(&caller.database).await.map_err(errors::store)?;
        Ok(Response::new(pb::GetProfileResponse { profile: Some(convert::profile_to_wire(stored.profile)) }))
    }

    async fn update_profile(
        &self,
        request: Request<pb::UpdateProfileRequest>,
    ) -> Result<Response<pb::UpdateProfileResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let wire = request.profile.ok_or_else(|| RpcError::invalid_field("profile", "is missing"))?;
        self.check_profile(&wire)?;
        let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
        let stored = profiles::read(&caller.database).await.map_err(errors::store)?;
        let profile = masked(stored.profile, convert::profile_from_wire(wire), &paths)?;
        let (profile, rescore_task_id) = self.save(&caller, profile, None).await?;
        let profile = Some(convert::profile_to_wire(profile));
        Ok(Response::new(pb::UpdateProfileResponse { profile, rescore_task_id }))
    }

    async fn list_search_profiles(
        &self,
        request: Request<pb::ListSearchProfilesRequest>,
    ) -> Result<Response<pb::ListSearchProfilesResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let stored = profiles::read(&caller.database).await.map_err(errors::store)?;
        let search_profiles = stored.searches.into_iter().map(convert::search_to_wire).collect();
        Ok(Response::new(pb::ListSearchProfilesResponse { search_profiles }))
    }

    async fn save_search_profile(
        &self,
        request: Request<pb::SaveSearchProfileRequest>,
    ) -> Result<Response<pb::SaveSearchProfileResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let wire = request
            .into_inner()
            .search_profile
            .ok_or_else(|| RpcError::invalid_field("search_profile", "is missing"))?;
        self.check_search(&wire)?;
        let given = optional_id("search_profile.id", &wire.id)?.filter(|id| !id.is_nil());
        let search = convert::search_from_wire(wire, given.unwrap_or_else(Uuid::now_v7));
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let before = profiles::read_in(&mut tx).await.map_err(errors::store)?;
        if let Some(other) = before.searches.iter().find(|other| other.name == search.name && other.id != search.id) {
            let message =
                format!("search profile {} is called {:?} already; choose another name", other.id, search.name);
            return Err(RpcError::new(ErrorCode::AlreadyExists, "SEARCH_PROFILE_EXISTS", message).into());
        }
        profiles::write_search(&mut tx, &search, self.core.now()).await.map_err(errors::store)?;
        put_schedule(&self.core, &mut tx, &search).await?;
        let after = profiles::read_in(&mut tx).await.map_err(errors::store)?;
        // The titles and places that are searched for are part of what a score rests on.
        if scoring::match_profile(&before) != scoring::match_profile(&after) {
            self.rescore(&mut tx, caller.person).await?;
        }
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok(Response::new(pb::SaveSearchProfileResponse { search_profile: Some(convert::search_to_wire(search)) }))
    }

    async fn delete_search_profile(
        &self,
        request: Request<pb::DeleteSearchProfileRequest>,
    ) -> Result<Response<pb::DeleteSearchProfileResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("search_profile_id", &request.into_inner().search_profile_id)?;
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        if !rows::delete_search_profile(&mut tx, id).await.map_err(errors::store)? {
            return Err(
                RpcError::not_found("SEARCH_PROFILE_NOT_FOUND", format!("search profile {id} does not exist")).into()
            );
        }
        self.core.inner.queue.remove_schedule(&mut tx, &schedule_name(id)).await.map_err(errors::queue)?;
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok(Response::new(pb::DeleteSearchProfileResponse {}))
    }

    async fn import_resume(
        &self,
        request: Request<pb::ImportResumeRequest>,
    ) -> Result<Response<pb::ImportResumeResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.require(
            request.text.trim().is_empty() != request.content.is_empty(),
            "text",
            "or content must be given, and not both",
        );
        check.require(request.text.len() <= MOST_RESUME, "text", "is longer than 1,000,000 bytes");
        check.require(request.content.len() <= MOST_FILE, "content", "has more than 10 MB; save a smaller file");
        check.text("file_name", &request.file_name);
        check.finish()?;
        let (field, name, content) = match request.content.is_empty() {
            true => ("text", "resume.md".to_owned(), request.text.clone().into_bytes()),
            false => ("content", request.file_name.clone(), request.content),
        };
        let read = resumes::read_file(name, content).await.map_err(|error| match error {
            ReadError::Import(error) => RpcError::invalid_field(field, format!("cannot be read: {error}")),
            ReadError::Thread(error) => RpcError::internal(error),
        })?;
        // A text is kept as the person gave it.
        let text = if request.text.is_empty() { read.text.clone() } else { request.text };
        let vocabulary = SkillVocabulary::built_in();
        let mut recognised: Vec<String> = Vec::new();
        for mention in vocabulary.mentions(&text) {
            if let Some(label) =
                vocabulary.label(mention.skill).filter(|label| !recognised.iter().any(|it| it == label))
            {
                recognised.push(label.to_owned());
            }
        }
        let resume = StoredResume {
            format: resumes::format_name(read.format).to_owned(),
            file_name: request.file_name,
            source_text: read.text,
            profile: read.profile,
            updated_at: self.core.now(),
        };
        let stored = profiles::read(&caller.database).await.map_err(errors::store)?;
        let profile = resumes::into_profile(stored.profile, &resume.profile, &text);
        let (profile, rescore_task_id) = self.save(&caller, profile, Some(&resume)).await?;
        Ok(Response::new(pb::ImportResumeResponse {
            profile: Some(convert::profile_to_wire(profile)),
            recognised_skills: recognised,
            rescore_task_id,
            resume: Some(resume::to_wire(&resume)),
        }))
    }

    async fn get_resume(
        &self,
        request: Request<pb::GetResumeRequest>,
    ) -> Result<Response<pb::GetResumeResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let stored = resumes::stored(&mut tx).await.map_err(errors::store)?;
        Ok(Response::new(pb::GetResumeResponse { resume: stored.as_ref().map(resume::to_wire) }))
    }

    async fn update_resume(
        &self,
        request: Request<pb::UpdateResumeRequest>,
    ) -> Result<Response<pb::UpdateResumeResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let wire = request.into_inner().resume.ok_or_else(|| RpcError::invalid_field("resume", "is missing"))?;
        self.check_resume(&wire)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let known = resumes::stored(&mut tx).await.map_err(errors::store)?;
        let stored = profiles::read_in(&mut tx).await.map_err(errors::store)?;
        drop(tx);
        let now = self.core.now();
        // A person may write a résumé here that was never imported.
        let known = known.unwrap_or_else(|| StoredResume {
            format: String::new(),
            file_name: String::new(),
            source_text: String::new(),
            profile: aerie_documents::Profile::default(),
            updated_at: now,
        });
        let profile = resume::Corrected::new(&known.profile).profile(wire)?;
        let resume = StoredResume { profile, updated_at: now, ..known };
        let matching = resumes::into_profile(stored.profile, &resume.profile, &resumes::as_text(&resume.profile));
        let (_, rescore_task_id) = self.save(&caller, matching, Some(&resume)).await?;
        Ok(Response::new(pb::UpdateResumeResponse { resume: Some(resume::to_wire(&resume)), rescore_task_id }))
    }

    async fn get_writing(
        &self,
        request: Request<pb::GetWritingRequest>,
    ) -> Result<Response<pb::GetWritingResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let writing = resumes::writing(&mut tx).await.map_err(errors::store)?;
        Ok(Response::new(pb::GetWritingResponse { writing: Some(resume::writing_to_wire(writing)) }))
    }

    async fn update_writing(
        &self,
        request: Request<pb::UpdateWritingRequest>,
    ) -> Result<Response<pb::UpdateWritingResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let wire = request.writing.ok_or_else(|| RpcError::invalid_field("writing", "is missing"))?;
        self.check_writing(&wire)?;
        let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
        let mut tx = caller.database.begin().await.map_err(errors::store)?;
        let known = resumes::writing(&mut tx).await.map_err(errors::store)?;
        let writing = masked_writing(known, resume::writing_from_wire(wire), &paths)?;
        resumes::save_writing(&mut tx, &writing, self.core.now()).await.map_err(errors::store)?;
        self.core.inner.queue.commit(tx, caller.person).await.map_err(errors::queue)?;
        Ok(Response::new(pb::UpdateWritingResponse { writing: Some(resume::writing_to_wire(writing)) }))
    }
}

/// The present way of writing with the named fields of the new one; all of them when none is named.
fn masked_writing(mut present: Writing, new: Writing, paths: &[String]) -> Result<Writing, RpcError> {
    if paths.is_empty() || paths == ["*"] {
        return Ok(new);
    }
    for path in paths {
        match path.as_str() {
            "voice" => present.voice.clone_from(&new.voice),
            "missions" => present.missions.clone_from(&new.missions),
            "confidential_employers" => present.confidential_employers.clone_from(&new.confidential_employers),
            "language" => present.language.clone_from(&new.language),
            "letter_template" => present.letter_template.clone_from(&new.letter_template),
            "resume_template" => present.resume_template.clone_from(&new.resume_template),
            "paper" => present.paper.clone_from(&new.paper),
            other => {
                let words = format!("names {other:?}, which is nothing about writing");
                return Err(RpcError::invalid_field("update_mask", words));
            }
        }
    }
    Ok(present)
}

/// The present profile with the named fields of the new one; all of them when none is named.
fn masked(mut present: Profile, new: Profile, paths: &[String]) -> Result<Profile, RpcError> {
    if paths.is_empty() || paths == ["*"] {
        return Ok(new);
    }
    for path in paths {
        match path.as_str() {
            "full_name" => present.full_name.clone_from(&new.full_name),
            "summary" => present.summary.clone_from(&new.summary),
            "resume_text" => present.resume_text.clone_from(&new.resume_text),
            "skills" => present.skills.clone_from(&new.skills),
            "seniority" => present.seniority = new.seniority,
            "places" => present.places.clone_from(&new.places),
            "remote_preference" => present.remote_preference = new.remote_preference,
            "salary_minimum" => present.salary_minimum = new.salary_minimum,
            "salary_currency" => present.salary_currency.clone_from(&new.salary_currency),
            "keywords" => present.keywords.clone_from(&new.keywords),
            "dislikes" => present.dislikes.clone_from(&new.dislikes),
            "blocked_companies" => present.blocked_companies.clone_from(&new.blocked_companies),
            "blocked_industries" => present.blocked_industries.clone_from(&new.blocked_industries),
            "blocked_places" => present.blocked_places.clone_from(&new.blocked_places),
            "learn_from_decisions" => present.learn_from_decisions = new.learn_from_decisions,
            "work_permits" => present.work_permits.clone_from(&new.work_permits),
            other => {
                return Err(RpcError::invalid_field(
                    "update_mask",
                    format!("names {other:?}, which is no field of a profile"),
                ));
            }
        }
    }
    Ok(present)
}
