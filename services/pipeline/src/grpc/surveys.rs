//! `SurveysService`.

use aerie_proto::pipeline::v1::{self as pb, surveys_service_server::SurveysService};
use aerie_rpc::RpcError;
use aerie_store::{
    jobs as job_rows,
    surveys::{self as rows, Survey},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Caller, caller, convert, errors, id, validation};
use crate::{
    core::Core,
    jobs::JobError,
    materials::PERSON,
    surveys::{MOST_CHARACTERS, Mode, Surveys},
};

pub(crate) struct SurveysApi {
    pub(crate) core: Core,
}

impl SurveysApi {
    fn surveys<'a>(&'a self, caller: &'a Caller) -> Surveys<'a> {
        Surveys { core: &self.core, database: &caller.database, person: caller.person }
    }
}

fn to_wire(survey: &Survey) -> pb::Survey {
    let mode = match Mode::of(&survey.mode) {
        Mode::Quick => pb::SurveyMode::Quick,
        Mode::Detailed => pb::SurveyMode::Detailed,
    };
    let state = match survey.state.as_str() {
        "answered" => pb::SurveyState::Answered,
        "failed" => pb::SurveyState::Failed,
        _ => pb::SurveyState::Waiting,
    };
    pb::Survey {
        id: survey.id.to_string(),
        job_id: survey.job_id.to_string(),
        name: survey.name.clone(),
        mode: mode as i32,
        state: state as i32,
        questions: survey.questions.clone(),
        answers: survey.answers.clone(),
        answered_by: survey.answered_by.clone(),
        problem: survey.problem.clone(),
        reported_score: survey.reported_score.clone(),
        from_screenshot: survey.from_screenshot,
        screenshot: Vec::new(),
        create_time: Some(convert::timestamp(survey.created_at)),
        update_time: Some(convert::timestamp(survey.updated_at)),
    }
}

#[tonic::async_trait]
impl SurveysService for SurveysApi {
    async fn start_survey(
        &self,
        request: Request<pb::StartSurveyRequest>,
    ) -> Result<Response<pb::StartSurveyResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.text("name", &request.name);
        check.require(
            request.text.trim().is_empty() != request.screenshot.is_empty(),
            "text",
            "or screenshot must be given, and not both",
        );
        check.require(
            request.text.chars().count() <= MOST_CHARACTERS,
            "text",
            "has more than 40000 characters; send the survey in parts",
        );
        check.finish()?;
        let mode = match pb::SurveyMode::try_from(request.mode) {
            Ok(pb::SurveyMode::Unspecified | pb::SurveyMode::Quick) => Mode::Quick,
            Ok(pb::SurveyMode::Detailed) => Mode::Detailed,
            Err(_) => return Err(RpcError::invalid_field("mode", "is not known; use QUICK or DETAILED").into()),
        };
        let now = self.core.now();
        let name = match request.name.trim() {
            "" => now.format("%Y-%m-%d").to_string(),
            name => name.to_owned(),
        };
        let survey = Survey {
            id: Uuid::now_v7(),
            job_id: id("job_id", &request.job_id)?,
            name,
            mode: mode.as_str().to_owned(),
            state: "waiting".to_owned(),
            from_screenshot: !request.screenshot.is_empty(),
            questions: request.text.trim().to_owned(),
            answers: String::new(),
            answered_by: String::new(),
            problem: String::new(),
            reported_score: String::new(),
            created_at: now,
            updated_at: now,
        };
        let screenshot = (!request.screenshot.is_empty()).then_some(request.screenshot);
        let task_id = self.surveys(&caller).start(&survey, screenshot).await.map_err(errors::survey)?;
        Ok(Response::new(pb::StartSurveyResponse { survey: Some(to_wire(&survey)), task_id }))
    }

    async fn list_surveys(
        &self,
        request: Request<pb::ListSurveysRequest>,
    ) -> Result<Response<pb::ListSurveysResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        if job_rows::get(&mut tx, job).await.map_err(errors::store)?.is_none() {
            return Err(errors::job(JobError::NotFound(job)));
        }
        let found = rows::of_job(&mut tx, job).await.map_err(errors::store)?;
        Ok(Response::new(pb::ListSurveysResponse { surveys: found.iter().map(to_wire).collect() }))
    }

    async fn get_survey(
        &self,
        request: Request<pb::GetSurveyRequest>,
    ) -> Result<Response<pb::GetSurveyResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("survey_id", &request.into_inner().survey_id)?;
        let survey = self.surveys(&caller).get(id).await.map_err(errors::survey)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let screenshot = rows::screenshot(&mut tx, id).await.map_err(errors::store)?.unwrap_or_default();
        Ok(Response::new(pb::GetSurveyResponse { survey: Some(pb::Survey { screenshot, ..to_wire(&survey) }) }))
    }

    async fn update_survey(
        &self,
        request: Request<pb::UpdateSurveyRequest>,
    ) -> Result<Response<pb::UpdateSurveyResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let wire = request.survey.ok_or_else(|| RpcError::invalid_field("survey", "is missing"))?;
        let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
        let mut check = validation(&self.core);
        check.list("update_mask", &paths);
        check.required_text("survey.name", if paths.iter().any(|path| path == "name") { &wire.name } else { "-" });
        for (field, text) in [
            ("survey.questions", &wire.questions),
            ("survey.answers", &wire.answers),
            ("survey.reported_score", &wire.reported_score),
        ] {
            check.text(field, text);
        }
        check.finish()?;
        let surveys = self.surveys(&caller);
        let mut survey = surveys.get(id("survey.id", &wire.id)?).await.map_err(errors::survey)?;
        if paths.is_empty() {
            let words = "is empty; name what changes: name, questions, answers, reported_score";
            return Err(RpcError::invalid_field("update_mask", words).into());
        }
        for path in &paths {
            match path.as_str() {
                "name" => survey.name.clone_from(&wire.name),
                "questions" => survey.questions.clone_from(&wire.questions),
                "answers" => {
                    survey.answers.clone_from(&wire.answers);
                    survey.answered_by = PERSON.to_owned();
                    survey.state = "answered".to_owned();
                    survey.problem = String::new();
                }
                "reported_score" => survey.reported_score.clone_from(&wire.reported_score),
                other => {
                    let words = format!("names {other:?}; it may name name, questions, answers, reported_score");
                    return Err(RpcError::invalid_field("update_mask", words).into());
                }
            }
        }
        survey.updated_at = self.core.now();
        surveys.update(&survey).await.map_err(errors::survey)?;
        Ok(Response::new(pb::UpdateSurveyResponse { survey: Some(to_wire(&survey)) }))
    }

    async fn delete_survey(
        &self,
        request: Request<pb::DeleteSurveyRequest>,
    ) -> Result<Response<pb::DeleteSurveyResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("survey_id", &request.into_inner().survey_id)?;
        self.surveys(&caller).delete(id).await.map_err(errors::survey)?;
        Ok(Response::new(pb::DeleteSurveyResponse {}))
    }
}
