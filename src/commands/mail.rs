//! `aerie mail`: mail about applications, what it suggests, drafted replies.

use std::{io::IsTerminal, path::Path, process::ExitCode};

use aerie_proto::pipeline::v1 as pb;
use anyhow::{Context, bail};
use comfy_table::Cell;

use super::{
    jobs::{job_id, parse_status, status_words},
    read_text,
    tracking::{entry_id, local_time, time_words},
};
use crate::{
    cli::{Cli, Mail, MailAdd, MailList, MailSecurity},
    output,
    session::Session,
};

/// Where a password may stand that nobody is asked for.
const PASSWORD_VARIABLE: &str = "AERIE_MAIL_PASSWORD";

/// Mails among which the end of an id is looked for.
const MOST_SEARCHED: usize = 2_000;

/// Accounts, mails, suggestions, drafts.
pub async fn run(cli: &Cli, command: &Mail) -> anyhow::Result<ExitCode> {
    let session = Session::open(cli).await?;
    let result = dispatch(&session, command).await;
    session.close().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn dispatch(session: &Session, command: &Mail) -> anyhow::Result<()> {
    match command {
        Mail::Accounts { json } => list_accounts(session, *json).await,
        Mail::Add(arguments) => add(session, arguments).await,
        Mail::Remove { account } => {
            let account = find_account(session, account).await?;
            let request = pb::DeleteMailAccountRequest { account_id: account.id };
            session.mail().delete_mail_account(request).await?;
            println!("{} was removed here; nothing changed on {}", account.name, account.host);
            Ok(())
        }
        Mail::Mailboxes { account, json } => list_mailboxes(session, account, *json).await,
        Mail::Sync { account } => sync(session, account.as_deref()).await,
        Mail::List(arguments) => list(session, arguments).await,
        Mail::Show { mail, json } => show(session, mail, *json).await,
        Mail::Link { mail, job } => {
            let job_id = match job {
                Some(job) => job_id(session, job).await?,
                None => String::new(),
            };
            let request = pb::RelinkMailRequest { mail_id: mail_id(session, mail).await?, job_id };
            let response = session.mail().relink_mail(request).await?.into_inner();
            print_suggestions(&response.suggestions);
            Ok(())
        }
        Mail::Label { mail, label } => {
            let label = parse_label(label)?;
            let request = pb::RelabelMailRequest { mail_id: mail_id(session, mail).await?, label: label as i32 };
            let response = session.mail().relabel_mail(request).await?.into_inner();
            if response.new_jobs > 0 {
                println!("{} openings joined the review queue", response.new_jobs);
            }
            print_suggestions(&response.suggestions);
            Ok(())
        }
        Mail::Suggestions { all, json } => list_suggestions(session, *all, *json).await,
        Mail::Accept { suggestion, status, zone } => {
            accept(session, suggestion, status.as_deref(), zone.as_deref()).await
        }
        Mail::Dismiss { suggestion } => {
            let request = pb::DismissSuggestionRequest { suggestion_id: suggestion_id(session, suggestion).await? };
            session.mail().dismiss_suggestion(request).await?;
            println!("dismissed");
            Ok(())
        }
        Mail::Draft { mail, wish, json } => draft(session, mail, wish, *json).await,
    }
}

async fn accounts(session: &Session) -> anyhow::Result<pb::ListMailAccountsResponse> {
    Ok(session.mail().list_mail_accounts(pb::ListMailAccountsRequest {}).await?.into_inner())
}

async fn find_account(session: &Session, given: &str) -> anyhow::Result<pb::MailAccount> {
    let all = accounts(session).await?.accounts;
    let is_meant = |account: &&pb::MailAccount| account.name == given || account.id.ends_with(given);
    let mut found = all.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(account), None) => Ok(account.clone()),
        (Some(_), Some(_)) => bail!("more than one account is called {given:?}; write the end of its id"),
        (None, _) => {
            bail!(tonic::Status::not_found(format!("no account is called {given:?}; see `aerie mail accounts`")))
        }
    }
}

async fn list_accounts(session: &Session, json: bool) -> anyhow::Result<()> {
    let response = accounts(session).await?;
    if json {
        return output::print_json("aerie.pipeline.v1.ListMailAccountsResponse", &response);
    }
    if response.accounts.is_empty() {
        println!("no mail account; `aerie mail add imap.example.com you@example.com` adds one");
        return Ok(());
    }
    let mut table = output::table(&["name", "server", "last sync", "problem", "id"]);
    for one in &response.accounts {
        table.add_row([
            Cell::new(&one.name),
            Cell::new(format!("{}:{}", one.host, one.port)),
            Cell::new(local_time(one.sync_time.as_ref())),
            Cell::new(&one.problem),
            Cell::new(output::short_id(&one.id)),
        ]);
    }
    println!("{table}");
    Ok(())
}

async fn add(session: &Session, arguments: &MailAdd) -> anyhow::Result<()> {
    let since_days = match arguments.since.as_deref() {
        None => 0,
        Some("all") => -1,
        Some(days) => days
            .parse()
            .map_err(|_| output::wrong_use(format!("--since {days:?} is no number of days; write one, or \"all\"")))?,
    };
    let security = match arguments.security {
        MailSecurity::Tls => pb::MailSecurity::Tls,
        MailSecurity::StartTls => pb::MailSecurity::StartTls,
    };
    let certificates = match &arguments.certificates {
        Some(path) => read_text(path)?,
        None => String::new(),
    };
    let account = pb::MailAccount {
        name: arguments.name.clone().unwrap_or_default(),
        host: arguments.host.clone(),
        port: i32::from(arguments.port.unwrap_or(0)),
        security: security as i32,
        user: arguments.user.clone(),
        certificates,
        mailboxes: arguments.mailboxes.clone(),
        since_days,
        manual: arguments.manual,
        ..pb::MailAccount::default()
    };
    let password = password(arguments.password_file.as_deref(), &arguments.user)?;
    let request = pb::CreateMailAccountRequest { account: Some(account), password };
    let response = session.mail().create_mail_account(request).await?.into_inner();
    if arguments.json {
        return output::print_json("aerie.pipeline.v1.CreateMailAccountResponse", &response);
    }
    let account = response.account.unwrap_or_default();
    let read: Vec<&str> =
        response.mailboxes.iter().filter(|mailbox| mailbox.read).map(|mailbox| mailbox.name.as_str()).collect();
    println!("{} was added; it reads {} and changes nothing there", account.name, read.join(", "));
    println!("next: aerie mail sync");
    Ok(())
}

/// A password from a file, the environment or a question; never from an argument, which everybody on the machine sees.
fn password(file: Option<&Path>, user: &str) -> anyhow::Result<String> {
    let password = match file {
        Some(path) => read_text(path)?.lines().next().unwrap_or_default().to_owned(),
        None => match std::env::var(PASSWORD_VARIABLE) {
            Ok(password) => password,
            Err(_) if std::io::stdin().is_terminal() => {
                rpassword::prompt_password(format!("password of {user}: ")).context("the password")?
            }
            Err(_) => {
                let words =
                    format!("there is nobody to ask for the password; use --password-file or {PASSWORD_VARIABLE}");
                return Err(output::wrong_use(words));
            }
        },
    };
    if password.is_empty() {
        return Err(output::wrong_use("the password is empty"));
    }
    Ok(password)
}

async fn list_mailboxes(session: &Session, account: &str, json: bool) -> anyhow::Result<()> {
    let account_id = find_account(session, account).await?.id;
    let response = session.mail().list_mailboxes(pb::ListMailboxesRequest { account_id }).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.ListMailboxesResponse", &response);
    }
    let mut table = output::table(&["mailbox", "read"]);
    for one in &response.mailboxes {
        table.add_row([Cell::new(&one.name), Cell::new(if one.read { "yes" } else { "" })]);
    }
    println!("{table}");
    Ok(())
}

async fn sync(session: &Session, account: Option<&str>) -> anyhow::Result<()> {
    let account_id = match account {
        Some(account) => find_account(session, account).await?.id,
        None => String::new(),
    };
    let started = session.mail().sync_mail(pb::SyncMailRequest { account_id }).await?.into_inner();
    if started.task_ids.is_empty() {
        println!("no mail account; `aerie mail add imap.example.com you@example.com` adds one");
    }
    let mut failed = Vec::new();
    for task_id in started.task_ids {
        let task = follow(session, task_id).await?;
        if task.state() == pb::TaskState::Completed {
            println!("{}", sync_words(&task));
        } else {
            failed.push(if task.error.is_empty() { task.stage } else { task.error });
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("; ")) }
}

/// Watches a task to its end, telling its stages.
async fn follow(session: &Session, task_id: String) -> anyhow::Result<pb::Task> {
    let mut updates = session.tasks().watch_task(pb::WatchTaskRequest { task_id }).await?.into_inner();
    let mut last = pb::Task::default();
    while let Some(update) = updates.message().await? {
        let task = update.task.unwrap_or_default();
        if task.stage != last.stage && !task.stage.is_empty() {
            eprintln!("{}", task.stage);
        }
        last = task;
    }
    Ok(last)
}

fn sync_words(task: &pb::Task) -> String {
    let number = |name: &str| {
        let value =
            task.result.as_ref().and_then(|result| result.fields.get(name)).and_then(|value| value.kind.as_ref());
        match value {
            Some(prost_types::value::Kind::NumberValue(number)) => *number,
            _ => 0.0,
        }
    };
    format!(
        "{} new mails, {} suggestions, {} openings for review",
        number("new_mails"),
        number("suggestions"),
        number("new_jobs")
    )
}

async fn collect(
    session: &Session,
    mut request: pb::ListMailsRequest,
    limit: usize,
) -> anyhow::Result<pb::ListMailsResponse> {
    let mut all = pb::ListMailsResponse::default();
    while all.mails.len() < limit {
        request.page_size = i32::try_from((limit - all.mails.len()).min(200)).unwrap_or(200);
        let page = session.mail().list_mails(request.clone()).await?.into_inner();
        all.mails.extend(page.mails);
        all.next_page_token.clone_from(&page.next_page_token);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(all)
}

async fn list(session: &Session, arguments: &MailList) -> anyhow::Result<()> {
    let labels: Vec<i32> =
        arguments.labels.iter().map(|label| Ok(parse_label(label)? as i32)).collect::<anyhow::Result<_>>()?;
    let job_id = match &arguments.job {
        Some(job) => job_id(session, job).await?,
        None => String::new(),
    };
    let request = pb::ListMailsRequest { job_id, labels, unlinked: arguments.unlinked, ..Default::default() };
    let response = collect(session, request, arguments.limit).await?;
    if arguments.json {
        return output::print_json("aerie.pipeline.v1.ListMailsResponse", &response);
    }
    let mut table = output::table(&["when", "from", "subject", "about", "job", "id"]);
    for one in &response.mails {
        table.add_row([
            Cell::new(local_time(one.receive_time.as_ref())),
            Cell::new(from_words(one)),
            Cell::new(&one.subject),
            Cell::new(about_words(one)),
            Cell::new(output::short_id(&one.job_id)),
            Cell::new(output::short_id(&one.id)),
        ]);
    }
    println!("{table}");
    Ok(())
}

fn from_words(mail: &pb::Mail) -> String {
    let from = mail.from.clone().unwrap_or_default();
    match (mail.sent, from.name.is_empty()) {
        (true, _) => format!("you, to {}", mail.recipients.first().cloned().unwrap_or_default()),
        (false, true) => from.address,
        (false, false) => from.name,
    }
}

/// The label; a guess says so.
fn about_words(mail: &pb::Mail) -> String {
    match (mail.sent, mail.certain) {
        (true, _) => String::new(),
        (false, true) => label_words(mail.label()),
        (false, false) => format!("{}? ({:.0} %)", label_words(mail.label()), mail.confidence * 100.0),
    }
}

fn label_words(label: pb::MailLabel) -> String {
    label.as_str_name().trim_start_matches("MAIL_LABEL_").to_lowercase()
}

fn parse_label(label: &str) -> anyhow::Result<pb::MailLabel> {
    let name = format!("MAIL_LABEL_{}", label.to_uppercase().replace('-', "_"));
    pb::MailLabel::from_str_name(&name).filter(|label| *label != pb::MailLabel::Unspecified).ok_or_else(|| {
        output::wrong_use(format!(
            "{label:?} is no label; use one of interview_scheduled, offer_received, rejected, positive_response, \
             survey_received, event_rescheduled, digest, neutral, unrelated"
        ))
    })
}

async fn mail_id(session: &Session, given: &str) -> anyhow::Result<String> {
    if given.len() == 36 {
        return Ok(given.to_owned());
    }
    let all = collect(session, pb::ListMailsRequest::default(), MOST_SEARCHED).await?;
    entry_id(given, all.mails.into_iter().map(|mail| mail.id), "mail", "aerie mail list")
}

async fn show(session: &Session, mail: &str, json: bool) -> anyhow::Result<()> {
    let request = pb::GetMailRequest { mail_id: mail_id(session, mail).await? };
    let response = session.mail().get_mail(request).await?.into_inner();
    if json {
        return output::print_json("aerie.pipeline.v1.GetMailResponse", &response);
    }
    let mail = response.mail.unwrap_or_default();
    println!("{}\n{} · {}", mail.subject, from_words(&mail), local_time(mail.receive_time.as_ref()));
    if !mail.sent {
        println!("about: {}, says {}", about_words(&mail), mail.labelled_by);
    }
    if !mail.evidence.is_empty() {
        println!("because: \"{}\"", mail.evidence);
    }
    if !mail.job_id.is_empty() {
        println!("job: {}", output::short_id(&mail.job_id));
    }
    if !mail.text.is_empty() {
        println!("\n{}\n", mail.text);
    }
    print_suggestions(&response.suggestions);
    if let Some(draft) = &response.draft {
        print_draft(draft);
    }
    Ok(())
}

async fn suggestions(session: &Session, all: bool) -> anyhow::Result<pb::ListSuggestionsResponse> {
    let state = if all { pb::SuggestionState::Unspecified } else { pb::SuggestionState::Open };
    let request = pb::ListSuggestionsRequest { state: state as i32, job_id: String::new() };
    Ok(session.mail().list_suggestions(request).await?.into_inner())
}

async fn suggestion_id(session: &Session, given: &str) -> anyhow::Result<String> {
    if given.len() == 36 {
        return Ok(given.to_owned());
    }
    let all = suggestions(session, true).await?;
    entry_id(given, all.suggestions.into_iter().map(|one| one.id), "suggestion", "aerie mail suggestions --all")
}

async fn list_suggestions(session: &Session, all: bool, json: bool) -> anyhow::Result<()> {
    let response = suggestions(session, all).await?;
    if json {
        return output::print_json("aerie.pipeline.v1.ListSuggestionsResponse", &response);
    }
    if response.suggestions.is_empty() {
        println!("nothing is suggested");
    }
    print_suggestions(&response.suggestions);
    Ok(())
}

fn print_suggestions(suggestions: &[pb::MailSuggestion]) {
    if suggestions.is_empty() {
        return;
    }
    let mut table = output::table(&["job", "suggested", "sure", "because", "state", "id"]);
    for one in suggestions {
        let state = one.state().as_str_name().trim_start_matches("SUGGESTION_STATE_").to_lowercase();
        table.add_row([
            Cell::new(format!("{}, {}", one.title, one.company)),
            Cell::new(suggested_words(one)),
            Cell::new(if one.certain { "certain" } else { "a guess" }),
            Cell::new(if one.evidence.is_empty() { &one.subject } else { &one.evidence }),
            Cell::new(state),
            Cell::new(output::short_id(&one.id)),
        ]);
    }
    println!("{table}");
}

fn suggested_words(one: &pb::MailSuggestion) -> String {
    let mut words = Vec::new();
    if one.status() != pb::JobStatus::Unspecified {
        words.push(format!("{} → {}", status_words(one.job_status()), status_words(one.status())));
    }
    if let Some(event) = &one.event {
        let when = match event.local_time.as_str() {
            "" => time_words(event.start_time.as_ref(), &event.time_zone),
            local => format!("{local}, zone unknown"),
        };
        words.push(if event.cancelled { format!("called off: {when}") } else { when });
    }
    words.join("; ")
}

async fn accept(session: &Session, given: &str, status: Option<&str>, zone: Option<&str>) -> anyhow::Result<()> {
    let status = match status {
        Some(status) => parse_status(status)? as i32,
        None => 0,
    };
    let request = pb::AcceptSuggestionRequest {
        suggestion_id: suggestion_id(session, given).await?,
        status,
        time_zone: zone.unwrap_or_default().to_owned(),
    };
    let response = session.mail().accept_suggestion(request).await?.into_inner();
    let job = response.job.unwrap_or_default();
    let posting = job.posting.clone().unwrap_or_default();
    println!("{}, {}: {}", posting.title, posting.company, status_words(job.status()));
    if let Some(one) = &response.appointment {
        println!("{}, {}", one.title, time_words(one.start_time.as_ref(), &one.time_zone));
    }
    Ok(())
}

async fn draft(session: &Session, mail: &str, wish: &str, json: bool) -> anyhow::Result<()> {
    let request = pb::DraftReplyRequest { mail_id: mail_id(session, mail).await?, wish: wish.to_owned() };
    let started = session.mail().draft_reply(request).await?.into_inner();
    follow(session, started.task_id).await?;
    let request = pb::GetMailDraftRequest { draft_id: started.draft.unwrap_or_default().id };
    let draft = session.mail().get_mail_draft(request).await?.into_inner().draft.unwrap_or_default();
    if draft.state() != pb::MailDraftState::Drafted {
        bail!("no draft: {}", draft.problem);
    }
    if json {
        return output::print_json("aerie.pipeline.v1.MailDraft", &draft);
    }
    print_draft(&draft);
    Ok(())
}

fn print_draft(draft: &pb::MailDraft) {
    let to = draft.to.clone().unwrap_or_default();
    println!("To: {}\nSubject: {}\n\n{}", to.address, draft.subject, draft.text);
    println!("drafted by {}, never sent", draft.written_by);
}
