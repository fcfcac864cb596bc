//! Errors of the use cases as statuses: the one place that decides which code a cause has.

use std::time::Duration;

use aerie_mail::imap::ImapError;
use aerie_rpc::{ErrorCode, FieldProblem, RpcError};
use aerie_store::StoreError;
use aerie_tasks::QueueError;
use tonic::Status;

use crate::{
    discovery::importing::ImportError, integrations::IntegrationError, jobs::JobError, mail::MailError,
    materials::MaterialError, peregrine::PeregrineError, surveys::SurveyError, tracking::export::ExportError,
};

/// A store's error.
pub(crate) fn store(error: StoreError) -> Status {
    match error {
        StoreError::Unavailable { .. } => RpcError::new(ErrorCode::Unavailable, "STORE_BUSY", error.to_string())
            .retry_after(Duration::from_secs(1))
            .into(),
        StoreError::DiskFull { .. } => {
            RpcError::new(ErrorCode::ResourceExhausted, "DISK_FULL", error.to_string()).into()
        }
        StoreError::Sealed { .. } => {
            RpcError::new(ErrorCode::FailedPrecondition, "CREDENTIALS_UNREADABLE", error.to_string()).into()
        }
        StoreError::Deleted { .. } => {
            RpcError::new(ErrorCode::Unauthenticated, "PERSON_DELETED", error.to_string()).into()
        }
        StoreError::Constraint { .. } => RpcError::new(ErrorCode::AlreadyExists, "CONFLICT", error.to_string()).into(),
        other => RpcError::internal(other).into(),
    }
}

/// A queue's error.
pub(crate) fn queue(error: QueueError) -> Status {
    let message = error.to_string();
    let new = |code, reason| Status::from(RpcError::new(code, reason, message.clone()));
    match error {
        QueueError::Store(error) => store(error),
        QueueError::NotFound { .. } => new(ErrorCode::NotFound, "TASK_NOT_FOUND"),
        QueueError::UnknownKind { .. } => new(ErrorCode::InvalidArgument, "TASK_KIND_UNKNOWN"),
        QueueError::QueueFull { .. } => new(ErrorCode::ResourceExhausted, "QUEUE_FULL"),
        QueueError::TooLarge { .. } => new(ErrorCode::InvalidArgument, "TASK_TOO_LARGE"),
        QueueError::NotRetryable { .. } => new(ErrorCode::FailedPrecondition, "TASK_NOT_RETRYABLE"),
        QueueError::AlreadyActive { .. } => new(ErrorCode::FailedPrecondition, "TASK_ALREADY_ACTIVE"),
        QueueError::BadPageToken { .. } => new(ErrorCode::InvalidArgument, "PAGE_TOKEN_INVALID"),
        QueueError::BadCron { .. } => new(ErrorCode::InvalidArgument, "SCHEDULE_INVALID"),
        QueueError::Event(error) => RpcError::internal(error).into(),
        QueueError::Codec { .. } => RpcError::internal(message).into(),
    }
}

/// An error of a job's change.
pub(crate) fn job(error: JobError) -> Status {
    let message = error.to_string();
    let new = |code, reason| Status::from(RpcError::new(code, reason, message.clone()));
    match error {
        JobError::NotFound(_) => new(ErrorCode::NotFound, "JOB_NOT_FOUND"),
        JobError::NoEntry { .. } => new(ErrorCode::NotFound, "ENTRY_NOT_FOUND"),
        JobError::Illegal(_) => new(ErrorCode::FailedPrecondition, "ILLEGAL_MOVE"),
        JobError::Changed(_) => new(ErrorCode::Aborted, "JOB_CHANGED"),
        JobError::NothingToRevert(_) => new(ErrorCode::FailedPrecondition, "NOTHING_TO_REVERT"),
        JobError::NotBulk { .. } => new(ErrorCode::InvalidArgument, "STATUS_NOT_ALLOWED"),
        JobError::SameJob(_) => new(ErrorCode::InvalidArgument, "SAME_JOB"),
        JobError::Material(error) => material(*error),
        JobError::Store(error) => store(error),
        JobError::Queue(error) => queue(error),
        JobError::Status(error) => RpcError::internal(error).into(),
        JobError::Event(error) => RpcError::internal(error).into(),
        JobError::Integration(error) => integration(error),
    }
}

/// An error of an import.
pub(crate) fn import(error: ImportError) -> Status {
    match error {
        ImportError::Unreadable { .. } => {
            RpcError::new(ErrorCode::InvalidArgument, "DOCUMENT_UNREADABLE", error.to_string()).into()
        }
        ImportError::Store(error) => store(error),
        ImportError::Queue(error) => queue(error),
        ImportError::Task(error) => RpcError::internal(error).into(),
        ImportError::Event(error) => RpcError::internal(error).into(),
    }
}

/// An error of an export.
pub(crate) fn export(error: ExportError) -> Status {
    match error {
        ExportError::Store(error) => store(error),
        ExportError::TooMany => RpcError::new(ErrorCode::FailedPrecondition, "TOO_MANY_JOBS", error.to_string()).into(),
        ExportError::Write(_) => RpcError::internal(error).into(),
    }
}

/// An error of what is made for a job.
pub(crate) fn material(error: MaterialError) -> Status {
    let message = error.to_string();
    let new = |code, reason| Status::from(RpcError::new(code, reason, message.clone()));
    match error {
        MaterialError::NoJob(_) => new(ErrorCode::NotFound, "JOB_NOT_FOUND"),
        MaterialError::NotFound(..) => new(ErrorCode::NotFound, "MATERIAL_NOT_FOUND"),
        MaterialError::None(..) => new(ErrorCode::NotFound, "NOT_WRITTEN_YET"),
        MaterialError::NoVersion(_) => new(ErrorCode::NotFound, "VERSION_NOT_FOUND"),
        MaterialError::Busy(..) => new(ErrorCode::FailedPrecondition, "BEING_WRITTEN"),
        MaterialError::NoResume => new(ErrorCode::FailedPrecondition, "NO_RESUME"),
        MaterialError::Refused(_) => new(ErrorCode::FailedPrecondition, "REFUSED"),
        MaterialError::Typeset(_) => new(ErrorCode::InvalidArgument, "NOT_TYPESET"),
        MaterialError::Store(error) => store(error),
        MaterialError::Queue(error) => queue(error),
        MaterialError::Docx(error) => RpcError::internal(error).into(),
        MaterialError::Event(error) => RpcError::internal(error).into(),
        MaterialError::Thread(error) => RpcError::internal(error).into(),
    }
}

/// An error of taking over from Peregrine.
pub(crate) fn peregrine(error: PeregrineError) -> Status {
    match error {
        PeregrineError::Import(error) => import(error),
        PeregrineError::Material(error) => material(error),
        PeregrineError::Store(error) => store(error),
        PeregrineError::Queue(error) => queue(error),
        PeregrineError::Task(error) => RpcError::internal(error).into(),
        PeregrineError::Event(error) => RpcError::internal(error).into(),
        PeregrineError::File(error) => RpcError::internal(error).into(),
    }
}

/// An error of a survey.
pub(crate) fn survey(error: SurveyError) -> Status {
    let message = error.to_string();
    match error {
        SurveyError::NoJob(_) => RpcError::not_found("JOB_NOT_FOUND", message).into(),
        SurveyError::NotFound(_) => RpcError::not_found("SURVEY_NOT_FOUND", message).into(),
        SurveyError::Picture(_) => RpcError::new(ErrorCode::InvalidArgument, "PICTURE_REFUSED", message).into(),
        SurveyError::Store(error) => store(error),
        SurveyError::Queue(error) => queue(error),
        SurveyError::Task(error) => RpcError::internal(error).into(),
        SurveyError::Event(error) => RpcError::internal(error).into(),
    }
}

/// An error about mail. What a mail server says is the state of somebody else's system: nothing here is broken.
pub(crate) fn mail(error: MailError) -> Status {
    let message = error.to_string();
    let new = |code, reason| Status::from(RpcError::new(code, reason, message.clone()));
    match error {
        MailError::NotFound { .. } => new(ErrorCode::NotFound, "MAIL_NOT_FOUND"),
        MailError::Decided(_) => new(ErrorCode::FailedPrecondition, "SUGGESTION_DECIDED"),
        MailError::NoZone(_) => new(ErrorCode::FailedPrecondition, "TIME_ZONE_NEEDED"),
        MailError::HostRefused { .. } => new(ErrorCode::PermissionDenied, "MAIL_HOST_REFUSED"),
        MailError::TooManyAccounts(_) => new(ErrorCode::ResourceExhausted, "TOO_MANY_ACCOUNTS"),
        MailError::Imap(ImapError::Login { .. }) => new(ErrorCode::FailedPrecondition, "MAIL_LOGIN_REFUSED"),
        MailError::Imap(ImapError::Tls { .. }) => new(ErrorCode::FailedPrecondition, "MAIL_NOT_TRUSTED"),
        MailError::Imap(_) | MailError::Slow(_) => new(ErrorCode::FailedPrecondition, "MAIL_SERVER_FAILED"),
        MailError::Job(error) => job(error),
        MailError::Store(error) => store(error),
        MailError::Queue(error) => queue(error),
        MailError::Task(error) => RpcError::internal(error).into(),
        MailError::Event(error) => RpcError::internal(error).into(),
    }
}

/// An error of an integration.
pub(crate) fn integration(error: IntegrationError) -> Status {
    let message = error.to_string();
    let new = |code, reason| Status::from(RpcError::new(code, reason, message.clone()));
    match error {
        IntegrationError::NotFound(_) => new(ErrorCode::NotFound, "INTEGRATION_NOT_FOUND"),
        IntegrationError::NoItem(_) => new(ErrorCode::NotFound, "ITEM_NOT_FOUND"),
        IntegrationError::UnknownKind(_) => new(ErrorCode::InvalidArgument, "INTEGRATION_KIND_UNKNOWN"),
        IntegrationError::NameTaken(_) => new(ErrorCode::AlreadyExists, "INTEGRATION_NAME_TAKEN"),
        IntegrationError::TooMany => new(ErrorCode::FailedPrecondition, "TOO_MANY_INTEGRATIONS"),
        IntegrationError::NotTaken { .. } => new(ErrorCode::InvalidArgument, "TOPIC_NOT_TAKEN"),
        IntegrationError::Settings(error) => {
            let field = |problem: aerie_integrations::Problem| FieldProblem {
                field: format!("settings.{}", problem.field),
                description: problem.reason,
            };
            RpcError::invalid_fields(error.problems.into_iter().map(field).collect()).into()
        }
        IntegrationError::Store(error) => store(error),
        IntegrationError::Queue(error) => queue(error),
        IntegrationError::Event(error) => RpcError::internal(error).into(),
        IntegrationError::Unreadable(_) => RpcError::internal(message).into(),
    }
}
