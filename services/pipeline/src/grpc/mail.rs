//! `MailService`.

mod wire;

use std::str::FromStr;

use aerie_proto::pipeline::v1::{self as pb, mail_service_server::MailService};
use aerie_rpc::{ErrorCode, RpcError, Validation};
use aerie_store::{
    Sealed, jobs as job_rows,
    mail::{self as rows, ListedSuggestion, MailAccount, MailFilter, SuggestionFilter},
};
use chrono::{DateTime, Utc};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Caller, caller, errors, id, interviews, jobs as jobs_api, optional_id, validation};
use crate::{
    core::Core,
    jobs::JobError,
    mail::{Changes, EVERYTHING, Mails, USUAL_DAYS},
    zones,
};

/// Suggestions of one list.
const MOST_SUGGESTIONS: u32 = 200;

/// Days that can be looked back.
const MOST_DAYS: i32 = 20_000;

/// Longest certificates, in characters.
const MOST_CERTIFICATES: usize = 64 << 10;

const FIELDS: &str = "name, host, port, security, user, certificates, mailboxes, since_days, manual";

pub(crate) struct MailApi {
    pub(crate) core: Core,
}

impl MailApi {
    fn mails<'a>(&'a self, caller: &'a Caller) -> Mails<'a> {
        Mails { core: &self.core, database: &caller.database, person: caller.person }
    }

    /// The suggestions of one mail, newest first.
    async fn suggestions(&self, caller: &Caller, mail: Uuid) -> Result<Vec<pb::MailSuggestion>, Status> {
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let filter = SuggestionFilter { mail: Some(mail), ..SuggestionFilter::default() };
        let found = rows::list_suggestions(&mut tx, &filter, MOST_SUGGESTIONS).await.map_err(errors::store)?;
        Ok(found.iter().map(wire::listed).collect())
    }

    /// One suggestion as a list shows it.
    async fn suggestion(&self, caller: &Caller, id: Uuid) -> Result<Option<pb::MailSuggestion>, Status> {
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let filter = SuggestionFilter { id: Some(id), ..SuggestionFilter::default() };
        let found: Vec<ListedSuggestion> = rows::list_suggestions(&mut tx, &filter, 1).await.map_err(errors::store)?;
        Ok(found.first().map(wire::listed))
    }
}

/// Checks what an account says of itself.
fn check_account(check: &mut Validation, account: &pb::MailAccount) {
    check.text("account.name", &account.name);
    check.required_text("account.host", &account.host);
    let is_host = !account.host.contains(|character: char| character.is_whitespace() || character.is_control());
    check.require(is_host, "account.host", "holds a space; write a name such as \"imap.example.com\"");
    check.required_text("account.user", &account.user);
    check.require((0..=65_535).contains(&account.port), "account.port", "must be 1 to 65535, or 0 for the usual one");
    let security = pb::MailSecurity::try_from(account.security).is_ok();
    check.require(security, "account.security", "is not known; use TLS or START_TLS");
    check.require(
        account.certificates.len() <= MOST_CERTIFICATES,
        "account.certificates",
        "have more than 65536 characters; give the authority's certificate only",
    );
    check.texts("account.mailboxes", &account.mailboxes);
    let days = (-1..=MOST_DAYS).contains(&account.since_days);
    check.require(days, "account.since_days", "must be -1 for everything, 0 for the usual 90, or 1 to 20000");
}

fn security_name(wire: i32) -> &'static str {
    if wire == pb::MailSecurity::StartTls as i32 { "start_tls" } else { "tls" }
}

fn port(wire: &pb::MailAccount) -> u16 {
    match u16::try_from(wire.port) {
        Ok(0) | Err(_) if wire.security == pb::MailSecurity::StartTls as i32 => 143,
        Ok(0) | Err(_) => 993,
        Ok(port) => port,
    }
}

fn days(wire: i32) -> u32 {
    match wire {
        0 => USUAL_DAYS,
        days => u32::try_from(days).unwrap_or(EVERYTHING),
    }
}

fn password_is_usable(check: &mut Validation, password: &str) {
    check.text("password", password);
    check.require(!password.contains('\0'), "password", "holds a NUL character");
}

fn page_token(text: &str) -> Result<Option<(DateTime<Utc>, Uuid)>, RpcError> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = text.split_once('-').and_then(|(micros, id)| {
        Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, Uuid::from_str(id).ok()?))
    });
    parsed.map(Some).ok_or_else(|| {
        let message = format!("page token {text:?} was not given by this list; start again without one");
        RpcError::new(ErrorCode::InvalidArgument, "PAGE_TOKEN_INVALID", message)
    })
}

#[tonic::async_trait]
impl MailService for MailApi {
    async fn list_mail_accounts(
        &self,
        request: Request<pb::ListMailAccountsRequest>,
    ) -> Result<Response<pb::ListMailAccountsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let found = rows::accounts(&mut tx).await.map_err(errors::store)?;
        Ok(Response::new(pb::ListMailAccountsResponse { accounts: found.iter().map(wire::account).collect() }))
    }

    async fn create_mail_account(
        &self,
        request: Request<pb::CreateMailAccountRequest>,
    ) -> Result<Response<pb::CreateMailAccountResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let asked = request.account.ok_or_else(|| RpcError::invalid_field("account", "is missing"))?;
        let mut check = validation(&self.core);
        check_account(&mut check, &asked);
        password_is_usable(&mut check, &request.password);
        check.require(!request.password.is_empty(), "password", "is empty");
        check.finish()?;
        let now = self.core.now();
        let mut account = MailAccount {
            id: Uuid::now_v7(),
            name: if asked.name.trim().is_empty() { asked.user.clone() } else { asked.name.trim().to_owned() },
            port: port(&asked),
            security: security_name(asked.security).to_owned(),
            host: asked.host,
            login: asked.user,
            password: Sealed(Vec::new()),
            certificates: asked.certificates,
            mailboxes: asked.mailboxes,
            since_days: days(asked.since_days),
            automatic: !asked.manual,
            synced_at: None,
            problem: String::new(),
            created_at: now,
            updated_at: now,
        };
        let mails = self.mails(&caller);
        let there = mails.add_account(&mut account, &request.password).await.map_err(errors::mail)?;
        let mailboxes = wire::mailboxes(&account, &there);
        Ok(Response::new(pb::CreateMailAccountResponse { account: Some(wire::account(&account)), mailboxes }))
    }

    async fn update_mail_account(
        &self,
        request: Request<pb::UpdateMailAccountRequest>,
    ) -> Result<Response<pb::UpdateMailAccountResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let asked = request.account.ok_or_else(|| RpcError::invalid_field("account", "is missing"))?;
        let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
        if paths.is_empty() && request.password.is_empty() {
            let words = format!("is empty; name what changes: {FIELDS}");
            return Err(RpcError::invalid_field("update_mask", words).into());
        }
        let mails = self.mails(&caller);
        let mut account = mails.account(id("account.id", &asked.id)?).await.map_err(errors::mail)?;
        let mut changed = wire::account(&account);
        let mut changes = Changes::default();
        for path in &paths {
            match path.as_str() {
                "name" => changed.name.clone_from(&asked.name),
                "host" => changed.host.clone_from(&asked.host),
                "port" => changed.port = asked.port,
                "security" => changed.security = asked.security,
                "user" => changed.user.clone_from(&asked.user),
                "certificates" => changed.certificates.clone_from(&asked.certificates),
                "mailboxes" => changed.mailboxes.clone_from(&asked.mailboxes),
                "since_days" => changed.since_days = asked.since_days,
                "manual" => changed.manual = asked.manual,
                other => {
                    let words = format!("names {other:?}; it may name {FIELDS}");
                    return Err(RpcError::invalid_field("update_mask", words).into());
                }
            }
            changes.login |= matches!(path.as_str(), "host" | "port" | "security" | "user" | "certificates");
            changes.identity |= matches!(path.as_str(), "host" | "user" | "since_days");
        }
        let mut check = validation(&self.core);
        check.list("update_mask", &paths);
        check.required_text("account.name", &changed.name);
        check_account(&mut check, &changed);
        password_is_usable(&mut check, &request.password);
        check.finish()?;
        account.port = port(&changed);
        security_name(changed.security).clone_into(&mut account.security);
        account.since_days = days(changed.since_days);
        account.name = changed.name;
        account.host = changed.host;
        account.login = changed.user;
        account.certificates = changed.certificates;
        account.mailboxes = changed.mailboxes;
        account.automatic = !changed.manual;
        account.problem = String::new();
        account.updated_at = self.core.now();
        mails.change_account(&mut account, &request.password, changes).await.map_err(errors::mail)?;
        Ok(Response::new(pb::UpdateMailAccountResponse { account: Some(wire::account(&account)) }))
    }

    async fn delete_mail_account(
        &self,
        request: Request<pb::DeleteMailAccountRequest>,
    ) -> Result<Response<pb::DeleteMailAccountResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("account_id", &request.into_inner().account_id)?;
        self.mails(&caller).remove_account(id).await.map_err(errors::mail)?;
        Ok(Response::new(pb::DeleteMailAccountResponse {}))
    }

    async fn list_mailboxes(
        &self,
        request: Request<pb::ListMailboxesRequest>,
    ) -> Result<Response<pb::ListMailboxesResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("account_id", &request.into_inner().account_id)?;
        let (account, there) = self.mails(&caller).server_mailboxes(id).await.map_err(errors::mail)?;
        Ok(Response::new(pb::ListMailboxesResponse { mailboxes: wire::mailboxes(&account, &there) }))
    }

    async fn sync_mail(&self, request: Request<pb::SyncMailRequest>) -> Result<Response<pb::SyncMailResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = optional_id("account_id", &request.into_inner().account_id)?;
        let tasks = self.mails(&caller).sync(id).await.map_err(errors::mail)?;
        Ok(Response::new(pb::SyncMailResponse { task_ids: tasks.iter().map(ToString::to_string).collect() }))
    }

    async fn list_mails(
        &self,
        request: Request<pb::ListMailsRequest>,
    ) -> Result<Response<pb::ListMailsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.list("labels", &request.labels);
        let size = check.page_size("page_size", request.page_size);
        check.finish()?;
        let mut labels = Vec::new();
        for label in &request.labels {
            let known = wire::label_from_wire(*label)
                .ok_or_else(|| RpcError::invalid_field("labels", format!("holds {label}, which is no label")))?;
            labels.push(known.name().to_owned());
        }
        let filter = MailFilter {
            job: optional_id("job_id", &request.job_id)?,
            account: optional_id("account_id", &request.account_id)?,
            labels,
            unlinked: request.unlinked,
        };
        let after = page_token(&request.page_token)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        if let Some(job) = filter.job
            && job_rows::get(&mut tx, job).await.map_err(errors::store)?.is_none()
        {
            return Err(errors::job(JobError::NotFound(job)));
        }
        let page = rows::list(&mut tx, &filter, after, size).await.map_err(errors::store)?;
        let token = page.next.map(|(time, id)| format!("{}-{id}", time.timestamp_micros()));
        Ok(Response::new(pb::ListMailsResponse {
            mails: page.mails.iter().map(wire::mail).collect(),
            next_page_token: token.unwrap_or_default(),
        }))
    }

    async fn get_mail(&self, request: Request<pb::GetMailRequest>) -> Result<Response<pb::GetMailResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("mail_id", &request.into_inner().mail_id)?;
        let mail = self.mails(&caller).mail(id).await.map_err(errors::mail)?;
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let draft = rows::latest_draft(&mut tx, id).await.map_err(errors::store)?;
        drop(tx);
        Ok(Response::new(pb::GetMailResponse {
            suggestions: self.suggestions(&caller, id).await?,
            draft: draft.map(|draft| wire::draft(&draft, &mail)),
            mail: Some(wire::mail(&mail)),
        }))
    }

    async fn relink_mail(
        &self,
        request: Request<pb::RelinkMailRequest>,
    ) -> Result<Response<pb::RelinkMailResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let (id, job) = (id("mail_id", &request.mail_id)?, optional_id("job_id", &request.job_id)?);
        let mail = self.mails(&caller).relink(id, job).await.map_err(errors::mail)?;
        let suggestions = self.suggestions(&caller, id).await?;
        Ok(Response::new(pb::RelinkMailResponse { mail: Some(wire::mail(&mail)), suggestions }))
    }

    async fn relabel_mail(
        &self,
        request: Request<pb::RelabelMailRequest>,
    ) -> Result<Response<pb::RelabelMailResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let id = id("mail_id", &request.mail_id)?;
        let label = wire::label_from_wire(request.label)
            .ok_or_else(|| RpcError::invalid_field("label", format!("is {}, which is no label", request.label)))?;
        let (mail, new_jobs) = self.mails(&caller).relabel(id, label).await.map_err(errors::mail)?;
        Ok(Response::new(pb::RelabelMailResponse {
            suggestions: self.suggestions(&caller, id).await?,
            mail: Some(wire::mail(&mail)),
            new_jobs: i32::try_from(new_jobs).unwrap_or(i32::MAX),
        }))
    }

    async fn list_suggestions(
        &self,
        request: Request<pb::ListSuggestionsRequest>,
    ) -> Result<Response<pb::ListSuggestionsResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let state = wire::state_from_wire(request.state)
            .ok_or_else(|| RpcError::invalid_field("state", format!("is {}, which is no state", request.state)))?;
        let filter =
            SuggestionFilter { state, job: optional_id("job_id", &request.job_id)?, ..SuggestionFilter::default() };
        let mut tx = caller.database.read().await.map_err(errors::store)?;
        let found = rows::list_suggestions(&mut tx, &filter, MOST_SUGGESTIONS).await.map_err(errors::store)?;
        Ok(Response::new(pb::ListSuggestionsResponse { suggestions: found.iter().map(wire::listed).collect() }))
    }

    async fn accept_suggestion(
        &self,
        request: Request<pb::AcceptSuggestionRequest>,
    ) -> Result<Response<pb::AcceptSuggestionResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let id = id("suggestion_id", &request.suggestion_id)?;
        let status = match request.status {
            0 => None,
            status => jobs_api::statuses(&[status])?.first().copied(),
        };
        let zone = match request.time_zone.as_str() {
            "" => None,
            name => Some(zones::parse(name).ok_or_else(|| {
                let words = format!("{name:?} is no time zone; write a name such as \"Europe/Berlin\"");
                RpcError::invalid_field("time_zone", words)
            })?),
        };
        let accepted = self.mails(&caller).accept(id, status, zone).await.map_err(errors::mail)?;
        Ok(Response::new(pb::AcceptSuggestionResponse {
            suggestion: self.suggestion(&caller, accepted.suggestion.id).await?,
            job: Some(jobs_api::without_description(jobs_api::job_to_wire(&accepted.job))),
            appointment: accepted.appointment.as_ref().map(interviews::appointment_to_wire),
        }))
    }

    async fn dismiss_suggestion(
        &self,
        request: Request<pb::DismissSuggestionRequest>,
    ) -> Result<Response<pb::DismissSuggestionResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("suggestion_id", &request.into_inner().suggestion_id)?;
        let suggestion = self.mails(&caller).dismiss(id).await.map_err(errors::mail)?;
        let suggestion = self.suggestion(&caller, suggestion.id).await?;
        Ok(Response::new(pb::DismissSuggestionResponse { suggestion }))
    }

    async fn draft_reply(
        &self,
        request: Request<pb::DraftReplyRequest>,
    ) -> Result<Response<pb::DraftReplyResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let request = request.into_inner();
        let mut check = validation(&self.core);
        check.text("wish", &request.wish);
        check.require(request.wish.chars().count() <= 4_000, "wish", "has more than 4000 characters; say it shorter");
        check.finish()?;
        let mails = self.mails(&caller);
        let id = id("mail_id", &request.mail_id)?;
        let (draft, task) = mails.draft(id, &request.wish).await.map_err(errors::mail)?;
        let mail = mails.mail(id).await.map_err(errors::mail)?;
        let draft = Some(wire::draft(&draft, &mail));
        Ok(Response::new(pb::DraftReplyResponse { draft, task_id: task.to_string() }))
    }

    async fn get_mail_draft(
        &self,
        request: Request<pb::GetMailDraftRequest>,
    ) -> Result<Response<pb::GetMailDraftResponse>, Status> {
        let caller = caller(&self.core, &request).await?;
        let id = id("draft_id", &request.into_inner().draft_id)?;
        let (draft, mail) = self.mails(&caller).get_draft(id).await.map_err(errors::mail)?;
        Ok(Response::new(pb::GetMailDraftResponse { draft: Some(wire::draft(&draft, &mail)) }))
    }
}
