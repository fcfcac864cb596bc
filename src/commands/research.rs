//! `aerie research` and `aerie interview`: the employer, and practice for the talk with them.

use std::{
    io::{BufRead, IsTerminal},
    process::ExitCode,
};

use aerie_proto::pipeline::v1 as pb;
use comfy_table::Cell;

use super::{follow, jobs::job_id};
use crate::{
    cli::{Cli, Interview, Research},
    output,
    session::Session,
};

/// Briefs.
pub async fn research(cli: &Cli, command: &Research) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch_research(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

/// Practice.
pub async fn interview(cli: &Cli, command: &Interview) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch_interview(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch_research(session: &Session, command: &Research) -> anyhow::Result<()> {
    let (job, json) = match command {
        Research::Start { job, json } => {
            let request = pb::StartResearchRequest { job_id: job_id(session, job).await? };
            let task = session.research().start_research(request).await?.into_inner().task_id;
            follow(session, task).await?;
            (job, *json)
        }
        Research::Show { job, json } => (job, *json),
    };
    let request = pb::GetResearchRequest { job_id: job_id(session, job).await? };
    let brief = session.research().get_research(request).await?.into_inner().research.unwrap_or_default();
    if json {
        return output::print_json("aerie.pipeline.v1.Research", &brief);
    }
    if brief.state() == pb::MaterialState::Failed {
        anyhow::bail!("no brief: {}", brief.problem);
    }
    for section in &brief.sections {
        println!("{}", section.title);
        for statement in &section.statements {
            let marks: String = statement.sources.iter().map(|source| format!("[{}]", source + 1)).collect();
            let marks = if marks.is_empty() { "(no source)".to_owned() } else { marks };
            println!("  - {} {marks}", statement.text);
        }
        println!();
    }
    for (index, source) in brief.sources.iter().enumerate() {
        println!("[{}] {} {}", index + 1, source.title, source.url);
    }
    if !brief.has_web_sources {
        println!(
            "\nNo page of the web was read: only the posting stands behind this. It is made again once a SearXNG instance \
                  answers (research.searxng in the settings)."
        );
    }
    println!("\nwritten by {}", brief.written_by);
    Ok(())
}

async fn dispatch_interview(session: &Session, command: &Interview) -> anyhow::Result<()> {
    match command {
        Interview::Prepare { job, json } => {
            let job_id = job_id(session, job).await?;
            let request = pb::StartPreparationRequest { job_id: job_id.clone() };
            let task = session.research().start_preparation(request).await?.into_inner().task_id;
            follow(session, task).await?;
            let request = pb::GetPreparationRequest { job_id };
            let made = session.research().get_preparation(request).await?.into_inner().preparation.unwrap_or_default();
            if *json {
                return output::print_json("aerie.pipeline.v1.Preparation", &made);
            }
            print_preparation(&made);
            Ok(())
        }
        Interview::Practise { job, questions } => practise(session, job, *questions).await,
        Interview::List { job, json } => {
            let request = pb::ListMockInterviewsRequest { job_id: job_id(session, job).await? };
            let found = session.research().list_mock_interviews(request).await?.into_inner();
            if *json {
                return output::print_json("aerie.pipeline.v1.ListMockInterviewsResponse", &found);
            }
            let mut table = output::table(&["id", "answered", "score", "state"]);
            for one in &found.interviews {
                let answered = one.turns.iter().filter(|turn| turn.score > 0).count();
                let score = if one.finished { format!("{:.1}", one.score) } else { String::new() };
                let state = if one.finished { "finished" } else { "open" };
                table.add_row([one.id.clone(), answered.to_string(), score, state.to_owned()].map(Cell::new));
            }
            println!("{table}");
            Ok(())
        }
        Interview::Show { interview, json } => {
            let found = mock(session, interview).await?;
            if *json {
                return output::print_json("aerie.pipeline.v1.MockInterview", &found);
            }
            for turn in &found.turns {
                println!("{}\n\n{}\n\n{} of 5: {}\n", turn.question, turn.answer, turn.score, turn.feedback);
            }
            println!("{}", found.summary);
            Ok(())
        }
    }
}

fn print_preparation(made: &pb::Preparation) {
    for likely in &made.questions {
        println!("{}", likely.question);
        if !likely.reason.is_empty() {
            println!("  why: {}", likely.reason);
        }
        for note in &likely.notes {
            let result = if note.result.is_empty() { String::new() } else { format!(" -> {}", note.result) };
            println!("  {}: {}{result}", note.situation, note.action);
        }
        println!();
    }
    println!("ask them:");
    made.questions_to_ask.iter().for_each(|question| println!("  {question}"));
    println!("\nmade by {}", made.written_by);
}

async fn mock(session: &Session, id: &str) -> anyhow::Result<pb::MockInterview> {
    let request = pb::GetMockInterviewRequest { interview_id: id.to_owned() };
    Ok(session.research().get_mock_interview(request).await?.into_inner().interview.unwrap_or_default())
}

async fn practise(session: &Session, job: &str, questions: i32) -> anyhow::Result<()> {
    let job_id = job_id(session, job).await?;
    let request = pb::StartMockInterviewRequest { job_id, question_count: questions };
    let started = session.research().start_mock_interview(request).await?.into_inner();
    let id = started.interview.unwrap_or_default().id;
    follow(session, started.task_id).await?;
    let (mut lines, is_typed) = (std::io::stdin().lock().lines(), std::io::stdin().is_terminal());
    loop {
        let state = mock(session, &id).await?;
        if let Some(judged) = state.turns.iter().rev().find(|turn| turn.score > 0) {
            println!("\n{} of 5: {}\n", judged.score, judged.feedback);
        }
        if state.finished {
            println!("{}", state.summary);
            return Ok(());
        }
        let Some(open) = state.turns.last().filter(|turn| turn.answer.is_empty()) else {
            anyhow::bail!("the interview cannot go on: {}", state.problem);
        };
        println!("{}", open.question);
        if is_typed {
            println!("(an empty line ends your answer; \"quit\" the interview)");
        }
        let mut answer = String::new();
        let mut ended = true;
        for line in lines.by_ref() {
            let line = line?;
            if line.trim() == "quit" {
                break;
            }
            if line.trim().is_empty() && !answer.is_empty() {
                ended = false;
                break;
            }
            answer.push_str(&line);
            answer.push('\n');
        }
        let task = if ended || answer.trim().is_empty() {
            let request = pb::FinishMockInterviewRequest { interview_id: id.clone() };
            session.research().finish_mock_interview(request).await?.into_inner().task_id
        } else {
            let request = pb::AnswerMockInterviewRequest { interview_id: id.clone(), answer };
            session.research().answer_mock_interview(request).await?.into_inner().task_id
        };
        follow(session, task).await?;
    }
}
