//! `ResearchService`.

use aerie_proto::pipeline::v1::{self as pb, research_service_server::ResearchService};
use aerie_store::materials::Material;
use tonic::{Request, Response, Status};

use super::{Caller, caller, convert, errors, id, letters::state, resume::int, validation};
use crate::{
    core::Core,
    materials::{self, Materials},
    practice::{
        Topic,
        mock::{MOST_QUESTIONS, MockDocument, USUAL_QUESTIONS},
        preparation::PreparationDocument,
    },
    research::ResearchDocument,
};

/// Longest answer in a mock interview, in characters.
const MOST_CHARACTERS: usize = 20_000;

pub(crate) struct ResearchApi {
    pub(crate) core: Core,
}

impl ResearchApi {
    fn materials<'a>(&'a self, caller: &'a Caller) -> Materials<'a> {
        Materials { core: &self.core, database: &caller.database, person: caller.person }
    }
}

fn research_to_wire(material: Material, document: ResearchDocument) -> pb::Research {
    let statement = |statement: crate::research::Statement| pb::ResearchStatement {
        text: statement.text,
        sources: statement.sources.into_iter().map(int).collect(),
    };
    pb::Research {
        job_id: material.job_id.to_string(),
        state: state(&material) as i32,
        sections: document
            .sections
            .into_iter()
            .map(|section| pb::ResearchSection {
                title: section.title,
                statements: section.statements.into_iter().map(statement).collect(),
            })
            .collect(),
        sources: document
            .sources
            .into_iter()
            .map(|source| pb::ResearchSource { url: source.url, title: source.title, kind: source.kind })
            .collect(),
        has_web_sources: document.has_web_sources,
        update_time: Some(convert::timestamp(material.updated_at)),
        problem: material.problem,
        written_by: material.written_by,
    }
}

fn preparation_to_wire(material: Material, document: PreparationDocument) -> pb::Preparation {
    let topic = |topic: Topic| match topic {
        Topic::Background => pb::QuestionTopic::Background,
        Topic::Skill => pb::QuestionTopic::Skill,
        Topic::Behaviour => pb::QuestionTopic::Behaviour,
        Topic::Gap => pb::QuestionTopic::Gap,
        Topic::Motivation => pb::QuestionTopic::Motivation,
    };
    let questions = document.questions.into_iter().map(|likely| pb::LikelyQuestion {
        question: likely.question,
        topic: topic(likely.topic) as i32,
        reason: likely.reason,
        notes: likely
            .notes
            .into_iter()
            .map(|note| pb::StarNote {
                situation: note.situation,
                task: note.task,
                action: note.action,
                result: note.result,
                point: note.point,
            })
            .collect(),
    });
    pb::Preparation {
        job_id: material.job_id.to_string(),
        state: state(&material) as i32,
        questions: questions.collect(),
        questions_to_ask: document.questions_to_ask,
        update_time: Some(convert::timestamp(material.updated_at)),
        problem: material.problem,
        written_by: material.written_by,
    }
}

fn mock_to_wire(material: Material, document: MockDocument) -> pb::MockInterview {
    let turns = document.turns.into_iter().map(|turn| pb::MockTurn {
        question: turn.question,
        answer: turn.answer,
        feedback: turn.feedback,
        score: i32::from(turn.score),
        written_by: turn.written_by,
    });
    pb::MockInterview {
        id: material.id.to_string(),
        job_id: material.job_id.to_string(),
        state: state(&material) as i32,
        finished: document.finished,
        turns: turns.collect(),
        question_count: int(document.count),
        summary: document.summary,
        score: document.score,
        create_time: Some(convert::timestamp(material.created_at)),
        update_time: Some(convert::timestamp(material.updated_at)),
        problem: material.problem,
    }
}

/// A mock interview just written, as its document stands in it.
fn mock_as_stored(material: Material) -> Result<pb::MockInterview, Status> {
    let document = materials::document(&material).map_err(errors::store)?;
    Ok(mock_to_wire(material, document))
}

#[tonic::async_trait]
impl ResearchService for ResearchApi {
    async fn start_research(
        &self,
        request: Request<pb::StartResearchRequest>,
    ) -> Result<Response<pb::StartResearchResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let task_id = self.materials(&caller).research(job).await.map_err(errors::material)?;
        Ok(Response::new(pb::StartResearchResponse { task_id }))
    }

    async fn get_research(
        &self,
        request: Request<pb::GetResearchRequest>,
    ) -> Result<Response<pb::GetResearchResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let (material, document) = self.materials(&caller).brief(job).await.map_err(errors::material)?;
        Ok(Response::new(pb::GetResearchResponse { research: Some(research_to_wire(material, document)) }))
    }

    async fn start_preparation(
        &self,
        request: Request<pb::StartPreparationRequest>,
    ) -> Result<Response<pb::StartPreparationResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let task_id = self.materials(&caller).prepare(job).await.map_err(errors::material)?;
        Ok(Response::new(pb::StartPreparationResponse { task_id }))
    }

    async fn get_preparation(
        &self,
        request: Request<pb::GetPreparationRequest>,
    ) -> Result<Response<pb::GetPreparationResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let (material, document) = self.materials(&caller).preparation(job).await.map_err(errors::material)?;
        let preparation = Some(preparation_to_wire(material, document));
        Ok(Response::new(pb::GetPreparationResponse { preparation }))
    }

    async fn start_mock_interview(
        &self,
        request: Request<pb::StartMockInterviewRequest>,
    ) -> Result<Response<pb::StartMockInterviewResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let count = usize::try_from(request.question_count).ok().filter(|count| *count <= MOST_QUESTIONS);
        let mut check = validation(&self.core);
        check.require(count.is_some(), "question_count", "must be between 1 and 20, or 0 for the usual five");
        check.finish()?;
        let count = count.filter(|count| *count > 0).unwrap_or(USUAL_QUESTIONS);
        let job = id("job_id", &request.job_id)?;
        let (material, task_id) = self.materials(&caller).start_mock(job, count).await.map_err(errors::material)?;
        let interview = Some(mock_as_stored(material)?);
        Ok(Response::new(pb::StartMockInterviewResponse { interview, task_id }))
    }

    async fn answer_mock_interview(
        &self,
        request: Request<pb::AnswerMockInterviewRequest>,
    ) -> Result<Response<pb::AnswerMockInterviewResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.require(!request.answer.trim().is_empty(), "answer", "is empty");
        let fits = request.answer.chars().count() <= MOST_CHARACTERS;
        check.require(fits, "answer", "has more than 20000 characters; answer as you would speak");
        check.finish()?;
        let id = id("interview_id", &request.interview_id)?;
        let answered = self.materials(&caller).answer_mock(id, &request.answer).await;
        let (material, task_id) = answered.map_err(errors::material)?;
        let interview = Some(mock_as_stored(material)?);
        Ok(Response::new(pb::AnswerMockInterviewResponse { interview, task_id }))
    }

    async fn finish_mock_interview(
        &self,
        request: Request<pb::FinishMockInterviewRequest>,
    ) -> Result<Response<pb::FinishMockInterviewResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("interview_id", &request.into_inner().interview_id)?;
        let (material, task_id) = self.materials(&caller).finish_mock(id).await.map_err(errors::material)?;
        let interview = Some(mock_as_stored(material)?);
        Ok(Response::new(pb::FinishMockInterviewResponse { interview, task_id }))
    }

    async fn get_mock_interview(
        &self,
        request: Request<pb::GetMockInterviewRequest>,
    ) -> Result<Response<pb::GetMockInterviewResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("interview_id", &request.into_inner().interview_id)?;
        let (material, document) = self.materials(&caller).mock(id).await.map_err(errors::material)?;
        Ok(Response::new(pb::GetMockInterviewResponse { interview: Some(mock_to_wire(material, document)) }))
    }

    async fn list_mock_interviews(
        &self,
        request: Request<pb::ListMockInterviewsRequest>,
    ) -> Result<Response<pb::ListMockInterviewsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let job = id("job_id", &request.into_inner().job_id)?;
        let found = self.materials(&caller).mocks(job).await.map_err(errors::material)?;
        let interviews = found.into_iter().map(|(material, document)| mock_to_wire(material, document));
        Ok(Response::new(pb::ListMockInterviewsResponse { interviews: interviews.collect() }))
    }
}
