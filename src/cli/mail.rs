//! What can be typed about mail.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with mail.
#[derive(Subcommand, Debug)]
pub enum Mail {
    /// List the accounts that are read.
    Accounts {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add an account; it is logged in to first. The password is asked for, or read from --password-file or the
    /// environment variable AERIE_MAIL_PASSWORD.
    Add(MailAdd),
    /// Delete an account with its password and everything that was read from it here; the server is left alone.
    Remove {
        /// Account: its name, or the end of its id.
        account: String,
    },
    /// List the mailboxes that the server of an account has.
    Mailboxes {
        /// Account: its name, or the end of its id.
        account: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Read what is new now.
    Sync {
        /// Account: its name, or the end of its id; all of them when left out.
        account: Option<String>,
    },
    /// List mails, newest first.
    List(MailList),
    /// Show a mail with its text and what it suggests.
    Show {
        /// Mail id, or the end of one.
        mail: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say to which job a mail belongs.
    Link {
        /// Mail id, or the end of one.
        mail: String,
        /// Job id, or the start of one; none when left out.
        job: Option<String>,
    },
    /// Say what a mail is about.
    Label {
        /// Mail id, or the end of one.
        mail: String,
        /// interview_scheduled, offer_received, rejected, positive_response, survey_received, event_rescheduled, digest,
        /// neutral or unrelated.
        label: String,
    },
    /// List what mails suggest.
    Suggestions {
        /// Also those that were accepted or dismissed.
        #[arg(long)]
        all: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Do what a suggestion says: move the job, enter the date.
    Accept {
        /// Suggestion id, or the end of one.
        suggestion: String,
        /// Status to move to instead of the suggested one.
        #[arg(long)]
        status: Option<String>,
        /// Time zone of an invitation that does not say its own, such as "Europe/Berlin".
        #[arg(long)]
        zone: Option<String>,
    },
    /// Put a suggestion away for good.
    Dismiss {
        /// Suggestion id, or the end of one.
        suggestion: String,
    },
    /// Draft a reply. It is printed, and never sent.
    Draft {
        /// Mail id, or the end of one.
        mail: String,
        /// What it is to say.
        #[arg(long, default_value = "")]
        wish: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Encryption of a connection.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MailSecurity {
    /// From the first byte, usually on port 993.
    Tls,
    /// Upgraded before anything is said, usually on port 143.
    StartTls,
}

/// Arguments of `mail add`.
#[derive(Args, Debug)]
pub struct MailAdd {
    /// Host of the IMAP server.
    pub host: String,
    /// User, usually the mail address.
    pub user: String,
    /// Name; the user when left out.
    #[arg(long)]
    pub name: Option<String>,
    /// Port; the usual one of the encryption when left out.
    #[arg(long)]
    pub port: Option<u16>,
    /// Encryption.
    #[arg(long, value_enum, default_value = "tls")]
    pub security: MailSecurity,
    /// File whose first line is the password.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust beside the system's.
    #[arg(long, value_name = "FILE")]
    pub certificates: Option<PathBuf>,
    /// Mailbox to read; may be given several times. The inbox and sent mail when left out.
    #[arg(long = "mailbox")]
    pub mailboxes: Vec<String>,
    /// Days that the first sync looks back, 90 when left out; "all" for everything.
    #[arg(long)]
    pub since: Option<String>,
    /// Read it only when `mail sync` is called.
    #[arg(long)]
    pub manual: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `mail list`.
#[derive(Args, Debug)]
pub struct MailList {
    /// Only of this job: its id, or the start of one.
    #[arg(long)]
    pub job: Option<String>,
    /// Only of this label; may be given several times.
    #[arg(long = "label")]
    pub labels: Vec<String>,
    /// Only those that belong to no job.
    #[arg(long)]
    pub unlinked: bool,
    /// Most mails to print.
    #[arg(long, default_value_t = 25)]
    pub limit: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
