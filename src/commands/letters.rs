//! `aerie letter` and `aerie resume`: what is written for an application.

use std::{path::PathBuf, process::ExitCode};

use aerie_proto::pipeline::v1 as pb;
use comfy_table::Cell;

use super::{follow, jobs::job_id, read_input, read_text, write_output};
use crate::{
    cli::{Cli, DocumentForm, FileLook, Letter, Resume},
    output,
    session::Session,
};

/// Letters.
pub async fn letter(cli: &Cli, command: &Letter) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch_letter(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

/// The résumé.
pub async fn resume(cli: &Cli, command: &Resume) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch_resume(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch_letter(session: &Session, command: &Letter) -> anyhow::Result<()> {
    match command {
        Letter::Write { job, language, template_only, json } => {
            let job_id = job_id(session, job).await?;
            let request = pb::GenerateLetterRequest {
                job_id: job_id.clone(),
                language: language.clone(),
                template_only: *template_only,
            };
            let task = session.letters().generate_letter(request).await?.into_inner().task_id;
            follow(session, task).await?;
            show_letter(session, job_id, *json).await
        }
        Letter::Refine { job, wish, version, json } => {
            let job_id = job_id(session, job).await?;
            let request = pb::RefineLetterRequest { job_id: job_id.clone(), wish: wish.clone(), version: *version };
            let task = session.letters().refine_letter(request).await?.into_inner().task_id;
            follow(session, task).await?;
            show_letter(session, job_id, *json).await
        }
        Letter::Save { job, file, json } => {
            let request = pb::SaveLetterRequest { job_id: job_id(session, job).await?, text: read_text(file)? };
            let letter = session.letters().save_letter(request).await?.into_inner().letter.unwrap_or_default();
            print_letter(&letter, *json)
        }
        Letter::Show { job, json } => show_letter(session, job_id(session, job).await?, *json).await,
        Letter::Versions { job, json } => {
            let letter = get_letter(session, job_id(session, job).await?).await?;
            if *json {
                return output::print_json("aerie.pipeline.v1.Letter", &letter);
            }
            let mut table = output::table(&["", "version", "written by", "unsupported", "wish"]);
            for version in &letter.versions {
                let chosen = if version.number == letter.chosen_version { "*" } else { "" };
                table.add_row([
                    Cell::new(chosen),
                    output::number(version.number),
                    Cell::new(&version.written_by),
                    output::number(version.unsupported_sentences),
                    Cell::new(&version.wish),
                ]);
            }
            println!("{table}");
            Ok(())
        }
        Letter::Diff { job, from, to } => {
            let job_id = job_id(session, job).await?;
            let request = pb::DiffLetterRequest { job_id, from_version: *from, to_version: *to };
            let changes = session.letters().diff_letter(request).await?.into_inner().changes;
            let marked: String = changes
                .iter()
                .map(|change| match change.kind() {
                    pb::ChangeKind::Added => format!("{{+{}+}}", change.text),
                    pb::ChangeKind::Removed => format!("[-{}-]", change.text),
                    pb::ChangeKind::Kept | pb::ChangeKind::Unspecified => change.text.clone(),
                })
                .collect();
            println!("{marked}");
            Ok(())
        }
        Letter::Choose { job, version } => {
            let request = pb::ChooseLetterVersionRequest { job_id: job_id(session, job).await?, version: *version };
            session.letters().choose_letter_version(request).await?;
            println!("version {version} is chosen");
            Ok(())
        }
        Letter::File { job, version, look } => {
            let request = pb::RenderDocumentRequest {
                kind: pb::DocumentKind::Letter as i32,
                job_id: job_id(session, job).await?,
                version: *version,
                ..rendered(look)
            };
            write_file(session, request, look).await
        }
        Letter::Delete { job } => {
            let request = pb::DeleteLetterRequest { job_id: job_id(session, job).await? };
            session.letters().delete_letter(request).await?;
            println!("deleted");
            Ok(())
        }
        Letter::Ask { job, question, json } => {
            let request = pb::AskQuestionRequest { job_id: job_id(session, job).await?, question: question.clone() };
            let asked = session.letters().ask_question(request).await?.into_inner();
            let question = asked.question.unwrap_or_default();
            follow(session, asked.task_id).await?;
            let found = questions(session, question.job_id).await?;
            let answered = found.questions.into_iter().find(|one| one.id == question.id).unwrap_or_default();
            if *json {
                return output::print_json("aerie.pipeline.v1.Question", &answered);
            }
            println!("{}\n\nsuggested by {}", answered.answer, answered.written_by);
            print_claims(&answered.unsupported);
            Ok(())
        }
        Letter::Questions { job, json } => {
            let found = questions(session, job_id(session, job).await?).await?;
            if *json {
                return output::print_json("aerie.pipeline.v1.ListQuestionsResponse", &found);
            }
            for one in &found.questions {
                let answer = if one.answer.is_empty() { &one.problem } else { &one.answer };
                println!("{}\n  {}\n  ({})\n", one.question, answer.replace('\n', "\n  "), one.written_by);
            }
            Ok(())
        }
        Letter::Templates { json } => {
            let templates = session.letters().list_templates(pb::ListTemplatesRequest {}).await?.into_inner();
            if *json {
                return output::print_json("aerie.pipeline.v1.ListTemplatesResponse", &templates);
            }
            println!("letters: {}", templates.letter_templates.join(", "));
            println!("résumés: {}", templates.resume_templates.join(", "));
            Ok(())
        }
    }
}

async fn questions(session: &Session, job_id: String) -> anyhow::Result<pb::ListQuestionsResponse> {
    Ok(session.letters().list_questions(pb::ListQuestionsRequest { job_id }).await?.into_inner())
}

async fn get_letter(session: &Session, job_id: String) -> anyhow::Result<pb::Letter> {
    let response = session.letters().get_letter(pb::GetLetterRequest { job_id }).await?.into_inner();
    Ok(response.letter.unwrap_or_default())
}

async fn show_letter(session: &Session, job_id: String, json: bool) -> anyhow::Result<()> {
    print_letter(&get_letter(session, job_id).await?, json)
}

fn print_letter(letter: &pb::Letter, json: bool) -> anyhow::Result<()> {
    if json {
        return output::print_json("aerie.pipeline.v1.Letter", letter);
    }
    let Some(version) = letter.versions.iter().find(|version| version.number == letter.chosen_version) else {
        anyhow::bail!("there is no letter yet; write one with `aerie letter write`");
    };
    println!("{}\n\nversion {}, written by {}", version.text, version.number, version.written_by);
    if !version.left_out.is_empty() {
        println!("\nleft out, because your résumé does not say it:");
        version.left_out.iter().for_each(|sentence| println!("  {sentence}"));
    }
    print_claims(&letter.unsupported);
    Ok(())
}

fn print_claims(claims: &[pb::UnsupportedClaim]) {
    if !claims.is_empty() {
        println!("\nnot supported by your résumé:");
        claims.iter().for_each(|claim| println!("  {:?}: {}", claim.words, claim.reason));
    }
}

fn rendered(look: &FileLook) -> pb::RenderDocumentRequest {
    let format = match look.format {
        DocumentForm::Pdf => pb::DocumentFormat::Pdf,
        DocumentForm::Docx => pb::DocumentFormat::Docx,
        DocumentForm::Md => pb::DocumentFormat::Markdown,
        DocumentForm::Json => pb::DocumentFormat::JsonResume,
    };
    pb::RenderDocumentRequest {
        format: format as i32,
        template: look.template.clone(),
        paper: look.paper.clone(),
        ..pb::RenderDocumentRequest::default()
    }
}

async fn write_file(session: &Session, request: pb::RenderDocumentRequest, look: &FileLook) -> anyhow::Result<()> {
    let file = session.letters().render_document(request).await?.into_inner();
    if !file.missing_characters.is_empty() {
        eprintln!("no font has {}; put one that does into the folder of templates", file.missing_characters.join(" "));
    }
    let own = PathBuf::from(&file.file_name);
    let path = look.out.as_ref().unwrap_or(&own);
    if path.as_os_str() == "-" {
        return write_output(None, &file.content);
    }
    write_output(Some(path), &file.content)?;
    println!("{}", path.display());
    Ok(())
}

async fn dispatch_resume(session: &Session, command: &Resume) -> anyhow::Result<()> {
    match command {
        Resume::Import { file, json } => {
            let request = pb::ImportResumeRequest {
                content: read_input(file)?,
                file_name: file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
                ..pb::ImportResumeRequest::default()
            };
            let response = session.profile().import_resume(request).await?.into_inner();
            print_resume(&response.resume.unwrap_or_default(), *json)
        }
        Resume::Show { json } => {
            let response = session.profile().get_resume(pb::GetResumeRequest {}).await?.into_inner();
            match response.resume {
                Some(resume) => print_resume(&resume, *json),
                None => anyhow::bail!("no résumé was imported yet; see `aerie resume import --help`"),
            }
        }
        Resume::File { job, look } => {
            let job_id = match job {
                Some(job) => job_id(session, job).await?,
                None => String::new(),
            };
            let kind = pb::DocumentKind::Resume as i32;
            write_file(session, pb::RenderDocumentRequest { kind, job_id, ..rendered(look) }, look).await
        }
        Resume::Gaps { job, json } => {
            let request = pb::GetGapReportRequest { job_id: job_id(session, job).await? };
            let report = session.letters().get_gap_report(request).await?.into_inner();
            if *json {
                return output::print_json("aerie.pipeline.v1.GetGapReportResponse", &report);
            }
            println!("your résumé shows {:.0} % of what is asked for", report.coverage * 100.0);
            let mut table = output::table(&["not shown", "needed", "where to show it, if it is true", "they write"]);
            for gap in &report.gaps {
                let place = match gap.place() {
                    pb::GapPlace::Skills => "list of skills",
                    pb::GapPlace::Experience => "points of a position",
                    pb::GapPlace::Summary => "summary",
                    pb::GapPlace::Unspecified => "",
                };
                let evidence = gap.evidence.first().map_or("", String::as_str);
                let needed = if gap.optional { "optional" } else { "yes" };
                table.add_row([&gap.skill, needed, place, evidence].map(Cell::new));
            }
            println!("{table}");
            Ok(())
        }
        Resume::Tailor { job, template_only, json } => {
            let job_id = job_id(session, job).await?;
            let request = pb::TailorResumeRequest { job_id: job_id.clone(), template_only: *template_only };
            let task = session.letters().tailor_resume(request).await?.into_inner().task_id;
            follow(session, task).await?;
            let request = pb::GetTailoredResumeRequest { job_id };
            let resume = session.letters().get_tailored_resume(request).await?.into_inner().resume.unwrap_or_default();
            if *json {
                return output::print_json("aerie.pipeline.v1.TailoredResume", &resume);
            }
            println!("{}\n\nmade by {}", resume.markdown, resume.written_by);
            for point in resume.rephrased.iter().filter(|point| !point.refused.is_empty()) {
                println!("kept as it was: {:?} ({})", point.before, point.refused);
            }
            Ok(())
        }
    }
}

fn print_resume(resume: &pb::Resume, json: bool) -> anyhow::Result<()> {
    if json {
        return output::print_json("aerie.pipeline.v1.Resume", resume);
    }
    let text = |text: &Option<pb::SourcedText>| text.as_ref().map(|text| text.value.clone()).unwrap_or_default();
    let contact = resume.contact.clone().unwrap_or_default();
    println!("{}  {}  {}", text(&contact.name), text(&contact.email), text(&contact.phone));
    let mut table = output::table(&["from", "to", "title", "employer"]);
    for position in &resume.positions {
        let period = position.period.clone().unwrap_or_default();
        let end = if period.current { "now".to_owned() } else { period.end };
        table.add_row([period.start, end, text(&position.title), text(&position.employer)].map(Cell::new));
    }
    println!("{table}");
    let skills: Vec<&str> = resume
        .skills
        .iter()
        .flat_map(|group| group.skills.iter().chain(group.name.iter().filter(|_| group.skills.is_empty())))
        .map(|skill| skill.value.as_str())
        .collect();
    println!("skills: {}", skills.join(", "));
    println!(
        "{} schools, {} certificates, {} languages, {} other sections",
        resume.education.len(),
        resume.certificates.len(),
        resume.languages.len(),
        resume.sections.len()
    );
    Ok(())
}
