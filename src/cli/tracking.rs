//! What can be typed about the course of applications.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Arguments of `board`.
#[derive(Args, Debug)]
pub struct Board {
    /// Also jobs that were rejected after applying.
    #[arg(long)]
    pub rejected: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `statistics`.
#[derive(Args, Debug)]
pub struct Statistics {
    /// Weeks of activity to show.
    #[arg(long, default_value_t = 12)]
    pub weeks: i32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Kind of an appointment.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Phone screen.
    PhoneScreen,
    /// Interview.
    Interview,
    /// Test, assignment or trial day.
    Assessment,
    /// Last day for something.
    Deadline,
    /// Something else.
    Other,
}

/// What to do with appointments.
#[derive(Subcommand, Debug)]
pub enum Appointments {
    /// List what is ahead.
    List {
        /// Also what has passed.
        #[arg(long)]
        all: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add one.
    Add(AppointmentsAdd),
    /// Delete one.
    Delete {
        /// Appointment id, or the end of one.
        appointment: String,
    },
}

/// Arguments of `appointments add`.
#[derive(Args, Debug)]
pub struct AppointmentsAdd {
    /// Job id, or the start of one.
    pub job: String,
    /// When it begins: "2026-03-03 14:00" in the zone, or with an offset: "2026-03-03T14:00:00+01:00".
    pub at: String,
    /// Kind.
    #[arg(long, value_enum, default_value = "interview")]
    pub kind: Kind,
    /// Minutes that it takes.
    #[arg(long, default_value_t = 60)]
    pub minutes: u32,
    /// Time zone, such as "Europe/Berlin"; this machine's when left out.
    #[arg(long)]
    pub zone: Option<String>,
    /// Title; made from kind and company when left out.
    #[arg(long)]
    pub title: Option<String>,
    /// Address, room or link.
    #[arg(long)]
    pub location: Option<String>,
    /// Notes.
    #[arg(long)]
    pub notes: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with contacts.
#[derive(Subcommand, Debug)]
pub enum Contacts {
    /// List those of a job.
    List {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add one.
    Add {
        /// Job id, or the start of one.
        job: String,
        /// Name.
        name: String,
        /// What they do.
        #[arg(long)]
        role: Option<String>,
        /// Mail address.
        #[arg(long)]
        email: Option<String>,
        /// Telephone number.
        #[arg(long)]
        phone: Option<String>,
        /// Notes.
        #[arg(long)]
        notes: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete one.
    Delete {
        /// Contact id, as `contacts list --json` shows it.
        contact: String,
    },
}

/// What to do with reminders.
#[derive(Subcommand, Debug)]
pub enum Reminders {
    /// List them, the most urgent first.
    List {
        /// Also those that are done.
        #[arg(long)]
        all: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add one.
    Add {
        /// Job id, or the start of one.
        job: String,
        /// When: "2026-03-03", "2026-03-03 14:00", or with an offset.
        at: String,
        /// What to do.
        text: String,
        /// Time zone, such as "Europe/Berlin"; this machine's when left out.
        #[arg(long)]
        zone: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Mark one as done.
    Done {
        /// Reminder id, or the end of one.
        reminder: String,
    },
    /// Delete one.
    Delete {
        /// Reminder id, or the end of one.
        reminder: String,
    },
}

/// Arguments of `calendar`.
#[derive(Args, Debug)]
pub struct Calendar {
    /// File to write; standard output when left out.
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// Form of an export.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportForm {
    /// Comma-separated values.
    Csv,
    /// A JSON array.
    Json,
}

/// Arguments of `jobs export`.
#[derive(Args, Debug)]
pub struct JobsExport {
    /// Only this status; may be given several times.
    #[arg(long = "status")]
    pub statuses: Vec<String>,
    /// Form; by the file's ending, else CSV, when left out.
    #[arg(long, value_enum)]
    pub format: Option<ExportForm>,
    /// File to write; standard output when left out.
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}
