//! `aerie surveys`: suggested answers to surveys of employers.

use std::process::ExitCode;

use aerie_proto::pipeline::v1 as pb;
use comfy_table::Cell;

use super::{follow, jobs::job_id, read_input};
use crate::{
    cli::{Cli, Surveys, SurveysAnswer},
    output,
    session::Session,
};

/// Answers, lists, shows, deletes.
pub async fn run(cli: &Cli, command: &Surveys) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(session: &Session, command: &Surveys) -> anyhow::Result<()> {
    match command {
        Surveys::Answer(arguments) => answer(session, arguments).await,
        Surveys::List { job, json } => {
            let request = pb::ListSurveysRequest { job_id: job_id(session, job).await? };
            let response = session.surveys().list_surveys(request).await?.into_inner();
            if *json {
                return output::print_json("aerie.pipeline.v1.ListSurveysResponse", &response);
            }
            let mut table = output::table(&["id", "name", "state", "answered by"]);
            for one in &response.surveys {
                table.add_row([&one.id, &one.name, &state_words(one).to_owned(), &one.answered_by].map(Cell::new));
            }
            println!("{table}");
            Ok(())
        }
        Surveys::Show { survey, json } => print(&get(session, survey).await?, *json),
        Surveys::Delete { survey } => {
            session.surveys().delete_survey(pb::DeleteSurveyRequest { survey_id: survey.clone() }).await?;
            println!("deleted");
            Ok(())
        }
    }
}

async fn answer(session: &Session, arguments: &SurveysAnswer) -> anyhow::Result<()> {
    let content = read_input(&arguments.file)?;
    // A picture is never valid UTF-8: every format of them begins or goes on with bytes that are none.
    let (text, screenshot) = match String::from_utf8(content) {
        Ok(text) => (text, Vec::new()),
        Err(error) => (String::new(), error.into_bytes()),
    };
    let mode = if arguments.detailed { pb::SurveyMode::Detailed } else { pb::SurveyMode::Quick };
    let request = pb::StartSurveyRequest {
        job_id: job_id(session, &arguments.job).await?,
        name: arguments.name.clone().unwrap_or_default(),
        text,
        screenshot,
        mode: mode as i32,
    };
    let started = session.surveys().start_survey(request).await?.into_inner();
    follow(session, started.task_id).await?;
    let survey = get(session, &started.survey.unwrap_or_default().id).await?;
    if survey.state() != pb::SurveyState::Answered {
        anyhow::bail!("no answers: {}", survey.problem);
    }
    print(&survey, arguments.json)
}

async fn get(session: &Session, id: &str) -> anyhow::Result<pb::Survey> {
    let request = pb::GetSurveyRequest { survey_id: id.to_owned() };
    let survey = session.surveys().get_survey(request).await?.into_inner().survey.unwrap_or_default();
    // A picture is of no use in a terminal.
    Ok(pb::Survey { screenshot: Vec::new(), ..survey })
}

fn print(survey: &pb::Survey, json: bool) -> anyhow::Result<()> {
    if json {
        return output::print_json("aerie.pipeline.v1.Survey", survey);
    }
    println!("{} ({})", survey.name, state_words(survey));
    if !survey.problem.is_empty() {
        println!("{}", survey.problem);
    }
    if !survey.answers.is_empty() {
        println!("\n{}\n\nsuggested by {}", survey.answers, survey.answered_by);
    }
    Ok(())
}

fn state_words(survey: &pb::Survey) -> &'static str {
    match survey.state() {
        pb::SurveyState::Answered => "answered",
        pb::SurveyState::Failed => "failed",
        pb::SurveyState::Waiting | pb::SurveyState::Unspecified => "waiting",
    }
}
