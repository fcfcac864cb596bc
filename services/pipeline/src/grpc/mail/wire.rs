//! Mail things on the wire.

use aerie_mail::{Label, imap::MailboxInfo, message::CalendarEvent};
use aerie_proto::pipeline::v1 as pb;
use aerie_store::mail::{ListedSuggestion, MailAccount, MailDraft, MailRow, Suggestion};

use crate::{
    grpc::convert,
    mail::{ACCEPTED, DISMISSED, EVERYTHING, OPEN, PERSON, label_of, legal_moves, times, wanted_mailboxes},
    status::JobStatus,
};

const LABELS: [(Label, pb::MailLabel); 9] = [
    (Label::InterviewScheduled, pb::MailLabel::InterviewScheduled),
    (Label::OfferReceived, pb::MailLabel::OfferReceived),
    (Label::Rejected, pb::MailLabel::Rejected),
    (Label::PositiveResponse, pb::MailLabel::PositiveResponse),
    (Label::SurveyReceived, pb::MailLabel::SurveyReceived),
    (Label::EventRescheduled, pb::MailLabel::EventRescheduled),
    (Label::Digest, pb::MailLabel::Digest),
    (Label::Neutral, pb::MailLabel::Neutral),
    (Label::Unrelated, pb::MailLabel::Unrelated),
];

pub(super) fn label_to_wire(name: &str) -> i32 {
    let label = label_of(name);
    LABELS.iter().find(|(known, _)| *known == label).map_or(0, |(_, wire)| *wire as i32)
}

pub(super) fn label_from_wire(wire: i32) -> Option<Label> {
    LABELS.iter().find(|(_, known)| *known as i32 == wire).map(|(label, _)| *label)
}

fn link_to_wire(name: &str) -> pb::MailLink {
    match name {
        "thread" => pb::MailLink::Thread,
        "posting" => pb::MailLink::Posting,
        "domain" => pb::MailLink::Domain,
        "hiring_system" => pb::MailLink::HiringSystem,
        "name" => pb::MailLink::Name,
        PERSON => pb::MailLink::Person,
        _ => pb::MailLink::Unspecified,
    }
}

pub(super) fn state_from_wire(wire: i32) -> Option<Option<String>> {
    let state = match pb::SuggestionState::try_from(wire).ok()? {
        pb::SuggestionState::Unspecified => None,
        pb::SuggestionState::Open => Some(OPEN),
        pb::SuggestionState::Accepted => Some(ACCEPTED),
        pb::SuggestionState::Dismissed => Some(DISMISSED),
    };
    Some(state.map(str::to_owned))
}

fn state_to_wire(state: &str) -> pb::SuggestionState {
    match state {
        ACCEPTED => pb::SuggestionState::Accepted,
        DISMISSED => pb::SuggestionState::Dismissed,
        _ => pb::SuggestionState::Open,
    }
}

pub(super) fn account(account: &MailAccount) -> pb::MailAccount {
    let security = if account.security == "start_tls" { pb::MailSecurity::StartTls } else { pb::MailSecurity::Tls };
    pb::MailAccount {
        id: account.id.to_string(),
        name: account.name.clone(),
        host: account.host.clone(),
        port: i32::from(account.port),
        security: security as i32,
        user: account.login.clone(),
        certificates: account.certificates.clone(),
        mailboxes: account.mailboxes.clone(),
        since_days: match account.since_days {
            EVERYTHING => -1,
            days => i32::try_from(days).unwrap_or(i32::MAX),
        },
        manual: !account.automatic,
        sync_time: account.synced_at.map(convert::timestamp),
        problem: account.problem.clone(),
        create_time: Some(convert::timestamp(account.created_at)),
    }
}

pub(super) fn mailboxes(account: &MailAccount, there: &[MailboxInfo]) -> Vec<pb::ServerMailbox> {
    let wanted = wanted_mailboxes(account, there);
    let one = |mailbox: &MailboxInfo| pb::ServerMailbox {
        name: mailbox.name.clone(),
        selectable: mailbox.selectable,
        sent: mailbox.sent,
        read: wanted.iter().any(|(name, _)| *name == mailbox.name),
    };
    there.iter().map(one).collect()
}

fn event(text: Option<&str>) -> Option<pb::MailEvent> {
    let event: CalendarEvent = serde_json::from_str(text?).ok()?;
    let start = event.start.as_ref()?;
    let moment = times::moment(&event, None).ok();
    Some(pb::MailEvent {
        start_time: moment.map(|moment| convert::timestamp(moment.starts_at)),
        end_time: moment.map(|moment| convert::timestamp(moment.ends_at)),
        time_zone: moment.map(|moment| moment.zone.name().to_owned()).unwrap_or_default(),
        local_time: if moment.is_none() { start.local.format("%Y-%m-%dT%H:%M:%S").to_string() } else { String::new() },
        cancelled: event.method.as_deref() == Some("CANCEL") || event.status.as_deref() == Some("CANCELLED"),
        title: event.summary,
        location: event.location,
    })
}

pub(super) fn mail(row: &MailRow) -> pb::Mail {
    let postings = crate::mail::postings_of(row).len();
    pb::Mail {
        id: row.id.to_string(),
        account_id: row.account.to_string(),
        mailbox: row.mailbox.clone(),
        message_id: row.message_id.clone().unwrap_or_default(),
        sent: row.sent,
        subject: row.subject.clone(),
        from: Some(pb::MailAddress { name: row.from_name.clone(), address: row.from_address.clone() }),
        recipients: row.recipients.clone(),
        receive_time: Some(convert::timestamp(row.received_at)),
        text: row.body.clone(),
        label: label_to_wire(&row.label),
        confidence: row.confidence,
        certain: row.certain,
        labelled_by: row.labelled_by.clone(),
        evidence: row.evidence.clone(),
        job_id: row.job_id.map(|job| job.to_string()).unwrap_or_default(),
        // The reason outlives a job that was deleted; the link does not.
        link: row.job_id.map_or(pb::MailLink::Unspecified, |_| link_to_wire(&row.linked_by)) as i32,
        candidate_job_ids: row.candidates.iter().map(ToString::to_string).collect(),
        event: event(row.event.as_deref()),
        postings: i32::try_from(postings).unwrap_or(i32::MAX),
    }
}

fn status_to_wire(status: &str) -> i32 {
    status.parse::<JobStatus>().map_or(0, convert::status_to_wire)
}

pub(super) fn listed(listed: &ListedSuggestion) -> pb::MailSuggestion {
    let one: &Suggestion = &listed.suggestion;
    let legal = legal_moves(&listed.job_status);
    pb::MailSuggestion {
        id: one.id.to_string(),
        mail_id: one.mail_id.to_string(),
        job_id: one.job_id.to_string(),
        company: listed.company.clone(),
        title: listed.title.clone(),
        job_status: status_to_wire(&listed.job_status),
        status: status_to_wire(&one.status),
        legal_statuses: legal.iter().map(|status| convert::status_to_wire(*status)).collect(),
        event: event(one.event.as_deref()),
        label: label_to_wire(&one.label),
        certain: one.certain,
        confidence: listed.confidence,
        labelled_by: listed.labelled_by.clone(),
        evidence: listed.evidence.clone(),
        subject: listed.subject.clone(),
        state: state_to_wire(&one.state) as i32,
        appointment_id: one.appointment.map(|id| id.to_string()).unwrap_or_default(),
        create_time: Some(convert::timestamp(one.created_at)),
        decide_time: one.decided_at.map(convert::timestamp),
    }
}

pub(super) fn draft(draft: &MailDraft, answered: &MailRow) -> pb::MailDraft {
    let state = match draft.state.as_str() {
        "drafted" => pb::MailDraftState::Drafted,
        "failed" => pb::MailDraftState::Failed,
        _ => pb::MailDraftState::Waiting,
    };
    pb::MailDraft {
        id: draft.id.to_string(),
        mail_id: draft.mail_id.to_string(),
        state: state as i32,
        to: Some(pb::MailAddress { name: answered.from_name.clone(), address: answered.from_address.clone() }),
        subject: draft.subject.clone(),
        text: draft.body.clone(),
        written_by: draft.written_by.clone(),
        problem: draft.problem.clone(),
        create_time: Some(convert::timestamp(draft.created_at)),
    }
}
