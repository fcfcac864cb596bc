//! What can be typed.

mod accounts;
mod integrations;
mod letters;
mod mail;
mod moving;
mod moving_stores;
mod processes;
mod research;
mod surveys;
mod tracking;
mod vision;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::accounts::{Accounts, AccountsKeys, AccountsKeysAdd, KeyScope};
pub use self::integrations::{
    Integrations, IntegrationsAdd, IntegrationsChange, IntegrationsPush, IntegrationsSettings, PushTopic,
};
pub use self::letters::{DocumentForm, FileLook, Letter, Resume};
pub use self::mail::{Mail, MailAdd, MailList, MailSecurity};
pub use self::moving::{Backup, Data};
pub use self::moving_stores::{MigrateStore, MoveFrom};
pub use self::processes::{Certificates, PipelineRoles};
pub use self::research::{Interview, Research};
pub use self::surveys::{Surveys, SurveysAnswer};
pub use self::tracking::{
    Appointments, AppointmentsAdd, Board, Calendar, Contacts, ExportForm, JobsExport, Kind, Reminders, Statistics,
};
pub use self::vision::{
    Drawn, Find, Length, Size, Vision, VisionAsk, VisionCaption, VisionFetch, VisionModel, VisionPlaceArguments,
    VisionQuantize, VisionRandom, VisionUp, VisionVerify,
};

/// A career agent on your own machine: finds openings on many boards, ranks them against your profile, and keeps track.
///
/// Exit codes: 0 done; 1 failed; 2 wrong use; 3 not found; 4 not allowed now (for example an illegal move); 5 a service
/// could not be reached; 130 interrupted.
#[derive(Parser, Debug)]
#[command(name = "aerie", version, propagate_version = true)]
pub struct Cli {
    /// Settings file; without it the one in your configuration folder is used when it exists.
    #[arg(long, global = true, value_name = "FILE", env = "AERIE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder for all data, instead of the configured one.
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// How much to log: error, warn, info, debug, or a filter such as "aerie_boards=debug".
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Start everything on this machine and stay in the foreground.
    Up(Up),
    /// Try it out: sample boards, a sample profile, a run and the ranked result, in a temporary home.
    Demo(Demo),
    /// Run discovery for a search profile and follow it.
    Discover(Discover),
    /// Read the review queue and decide.
    #[command(subcommand, visible_alias = "job")]
    Jobs(Jobs),
    /// Show what you applied for, by stage, with what comes next.
    Board(Board),
    /// Interviews and other dates of your applications.
    #[command(subcommand, visible_alias = "appointment")]
    Appointments(Appointments),
    /// People at the employers.
    #[command(subcommand, visible_alias = "contact")]
    Contacts(Contacts),
    /// Things to do about your applications.
    #[command(subcommand, visible_alias = "reminder")]
    Reminders(Reminders),
    /// Suggested answers to surveys of employers, from text or a screenshot.
    #[command(subcommand, visible_alias = "survey")]
    Surveys(Surveys),
    /// Letters for a job: write, refine, compare, check, write as a file; answers to its form's questions.
    #[command(subcommand, visible_alias = "letters")]
    Letter(Letter),
    /// Your résumé: import, correct, cut to a job, write as a file.
    #[command(subcommand)]
    Resume(Resume),
    /// What is known of an employer, with sources.
    #[command(subcommand)]
    Research(Research),
    /// Practice for a talk: likely questions, mock interviews.
    #[command(subcommand)]
    Interview(Interview),
    /// Mail about your applications: what it says, what it suggests, drafted replies. Mailboxes are only read.
    #[command(subcommand)]
    Mail(Mail),
    /// Push jobs, interviews, digests and documents to other programs: calendars, tables, chats, storage.
    #[command(subcommand, visible_alias = "integration")]
    Integrations(Integrations),
    /// How your applications went: funnel, answers, weeks.
    #[command(visible_alias = "stats")]
    Statistics(Statistics),
    /// Write appointments and reminders as a calendar file (.ics).
    Calendar(Calendar),
    /// Look at background tasks.
    #[command(subcommand, visible_alias = "task")]
    Tasks(Tasks),
    /// List job sources with their health, or add a company's board.
    Sources(Sources),
    /// Say who you are and what you look for.
    #[command(subcommand)]
    Profile(Profile),
    /// Add postings by address.
    Add {
        /// Addresses of postings.
        #[arg(required = true)]
        urls: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Import postings from a CSV, JSON, saved web page, address list or text file; or, as `import peregrine FOLDER`,
    /// everything that you have in Peregrine.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Import {
        /// What else can be imported.
        #[command(subcommand)]
        other: Option<ImportOther>,
        /// The file; "-" reads standard input.
        #[arg(required = true)]
        file: Option<PathBuf>,
        /// Page that a saved file came from.
        #[arg(long)]
        url: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take everything that you have to another machine.
    #[command(subcommand)]
    Backup(Backup),
    /// Delete everything that Aerie keeps of you.
    #[command(subcommand)]
    Data(Data),
    /// List the language models that are configured or were found, and the chains over them.
    Backends(Backends),
    /// Ask a language model.
    Ask(Ask),
    /// Run the gateway as a process of its own (server.listen), in front of services elsewhere.
    Gateway,
    /// Run the pipeline as a process of its own (pipeline.listen), whole or in parts.
    Pipeline(PipelineRoles),
    /// Write certificates and keys with which services on several machines know each other.
    Certificates(Certificates),
    /// Run the language-model router as a process of its own: gRPC and OpenAI's form on one port (llm.listen).
    LlmRouter,
    /// Look at images with a model on your own machine: serve it, ask it, fetch it, check it.
    #[command(subcommand)]
    Vision(Vision),
    /// Measure duplicates, relevance, titles and board parsing on labelled data of your own.
    #[command(subcommand)]
    Eval(Eval),
    /// Check ports, memory, disk, keys and model files, and say what to do.
    Preflight {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Bring the stores' schema up to date and end.
    Migrate,
    /// People and the keys of their programs, where there are accounts.
    #[command(subcommand, visible_alias = "account")]
    Accounts(Accounts),
    /// Copy everything from this machine's files into an empty PostgreSQL database, and compare the two.
    MigrateStore(MigrateStore),
    /// Ask a running Aerie whether it is ready; exit code 0 when it is.
    Healthcheck {
        /// Address, instead of telemetry.operations_listen or the one that this data folder's server wrote down.
        #[arg(long)]
        url: Option<String>,
    },
    /// Show and check settings.
    #[command(subcommand)]
    Config(Config),
}

/// Arguments of `up`.
#[derive(Args, Debug)]
pub struct Up {
    /// Port to listen on; the next free one is taken when it is busy.
    #[arg(long)]
    pub port: Option<u16>,
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// End after the run instead of leaving the server up.
    #[arg(long)]
    pub exit: bool,
    /// Print the run and the ranked jobs as JSON.
    #[arg(long)]
    pub json: bool,
    /// Jobs to print in the table; JSON holds all of them.
    #[arg(long, default_value_t = 15)]
    pub top: usize,
    /// Folder to keep the demo in; a second start there finds nothing new.
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Begin from nothing, deleting the demo's folder first.
    #[arg(long)]
    pub fresh: bool,
    /// Port to listen on; the next free one is taken when it is busy.
    #[arg(long)]
    pub port: Option<u16>,
}

/// Arguments of `discover`.
#[derive(Args, Debug)]
pub struct Discover {
    /// Search profile, by name or id; the first one when left out.
    #[arg(long)]
    pub search: Option<String>,
    /// Only this source; may be given several times.
    #[arg(long = "source")]
    pub sources: Vec<String>,
    /// Start the run and end, leaving it to a running Aerie.
    #[arg(long)]
    pub detach: bool,
    /// Print the finished run as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with jobs.
#[derive(Subcommand, Debug)]
pub enum Jobs {
    /// List jobs, best first.
    List(JobsList),
    /// Show one job with its description.
    Show(JobArgument),
    /// Explain a job's score with the words that prove it.
    Explain(JobArgument),
    /// Count jobs by status.
    Count {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Approve a pending job.
    Approve(JobArgument),
    /// Reject a job.
    Reject(JobArgument),
    /// Put a job away.
    Archive(JobArgument),
    /// Move a job to another stage.
    Move {
        /// Job id, or the start of one.
        job: String,
        /// Status: applied, survey, phone_screen, interviewing, offer, hired, rejected, archived.
        status: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take back the last move of a job.
    Revert(JobArgument),
    /// Write a note on a job.
    Note {
        /// Job id, or the start of one.
        job: String,
        /// The note; replaces the one before.
        text: String,
    },
    /// Say that two jobs are the same posting, or keep them apart for good.
    Same {
        /// One job.
        job: String,
        /// The other.
        other: String,
        /// They are different; never suggest it again.
        #[arg(long)]
        not: bool,
    },
    /// Delete jobs of a status for good; their postings do not come back.
    Purge {
        /// Statuses: pending, rejected, archived.
        #[arg(required = true)]
        statuses: Vec<String>,
    },
    /// Write jobs with stage times and notes to a CSV or JSON file.
    Export(JobsExport),
    /// Score every job again.
    Rescore,
}

/// Arguments of `jobs list`.
#[derive(Args, Debug)]
pub struct JobsList {
    /// Only this status; may be given several times. Pending when left out; "all" for every one.
    #[arg(long = "status")]
    pub statuses: Vec<String>,
    /// Words that must occur in title, company or description.
    #[arg(long, short)]
    pub query: Option<String>,
    /// Lowest score.
    #[arg(long)]
    pub minimum_score: Option<f64>,
    /// Only remote work.
    #[arg(long)]
    pub remote: bool,
    /// Only this source; may be given several times.
    #[arg(long = "source")]
    pub sources: Vec<String>,
    /// Order: score, new, posted, changed.
    #[arg(long, default_value = "score")]
    pub order: String,
    /// Most jobs to print.
    #[arg(long, default_value_t = 25)]
    pub limit: usize,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// One job.
#[derive(Args, Debug)]
pub struct JobArgument {
    /// Job id, or the start of one.
    pub job: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with tasks.
#[derive(Subcommand, Debug)]
pub enum Tasks {
    /// List tasks, newest first.
    List {
        /// Only tasks that have not ended.
        #[arg(long)]
        active: bool,
        /// Most tasks to print.
        #[arg(long, default_value_t = 25)]
        limit: i32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a task with its steps and log.
    Show {
        /// Task id.
        task: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Cancel a task and its children.
    Cancel {
        /// Task id.
        task: String,
    },
    /// Queue a failed task again.
    Retry {
        /// Task id.
        task: String,
    },
}

/// Arguments of `sources`.
#[derive(Args, Debug)]
pub struct Sources {
    /// What to do; lists when left out.
    #[command(subcommand)]
    pub command: Option<SourcesCommand>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to do with sources.
#[derive(Subcommand, Debug)]
pub enum SourcesCommand {
    /// List every source.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check a recipe board's file and, with a saved answer of the board, what it reads from it.
    Check {
        /// The recipe (YAML).
        recipe: PathBuf,
        /// An answer of the board, saved to a file.
        answer: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Recognise the hiring system behind a company's site or board and add it to a search profile.
    Add {
        /// Address of a company's site, career page or board.
        url: String,
        /// Search profile, by name or id; the first one when left out.
        #[arg(long)]
        search: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What to do with the profile.
#[derive(Subcommand, Debug)]
pub enum Profile {
    /// Show the profile and the search profiles.
    Show {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print a commented example for `profile load`.
    Example,
    /// Read profile and search profiles from a YAML file.
    Load {
        /// The file, in the form that `profile example` prints; "-" reads standard input.
        file: PathBuf,
    },
    /// List search profiles.
    Searches {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete a search profile.
    DeleteSearch {
        /// Name or id.
        search: String,
    },
}

/// What else than postings can be imported.
#[derive(Subcommand, Debug)]
pub enum ImportOther {
    /// Take over what you have in Peregrine: its YAML files and its staging.db; says what it took and what it could not.
    Peregrine {
        /// Its folder, or the folder of its configuration.
        folder: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `backends`.
#[derive(Args, Debug)]
pub struct Backends {
    /// Ask every backend for its models.
    #[arg(long)]
    pub check: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `ask`.
#[derive(Args, Debug)]
pub struct Ask {
    /// The question; "-" reads standard input.
    pub question: String,
    /// Kind of work, which chooses the backends: default, cover_letter, research, extraction, classification, vision.
    #[arg(long)]
    pub chain: Option<String>,
    /// Backend to ask instead of the chain; may be given several times, in order.
    #[arg(long = "backend")]
    pub backends: Vec<String>,
    /// Model to ask for instead of the backend's own.
    #[arg(long)]
    pub model: Option<String>,
    /// Instruction that stands above the question.
    #[arg(long)]
    pub system: Option<String>,
    /// Picture to look at (PNG, JPEG, GIF, WebP); may be given several times.
    #[arg(long = "image", value_name = "FILE")]
    pub images: Vec<PathBuf>,
    /// JSON Schema that the answer must fit; every answer is checked.
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Longest answer in tokens.
    #[arg(long)]
    pub max_tokens: Option<u32>,
    /// Only backends on this machine or network.
    #[arg(long)]
    pub local: bool,
    /// Print the answer as it is written; without it a terminal gets it so.
    #[arg(long, overrides_with = "no_stream")]
    pub stream: bool,
    /// Print the answer when it is whole.
    #[arg(long, overrides_with = "stream")]
    pub no_stream: bool,
    /// Print the answer with how it came about as JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to measure.
#[derive(Subcommand, Debug)]
pub enum Eval {
    /// Duplicate recognition on a list of postings (JSON Lines) or of places (CSV).
    Dedupe {
        /// The labelled file.
        file: PathBuf,
        /// Hide addresses from the recognition.
        #[arg(long)]
        hide_url: bool,
        /// Where and how to print.
        #[command(flatten)]
        output: EvalOutput,
    },
    /// Relevance of résumés for jobs, against scores that people gave.
    Relevance {
        /// The labelled file.
        file: PathBuf,
        /// Folder of a sentence-embedding model; the configured one when left out.
        #[arg(long, value_name = "DIR")]
        embedding: Option<PathBuf>,
        /// Without the embedding, even when one is configured.
        #[arg(long)]
        lexical: bool,
        /// Where and how to print.
        #[command(flatten)]
        output: EvalOutput,
    },
    /// Titles to occupations of a taxonomy.
    Titles {
        /// The labelled titles.
        file: PathBuf,
        /// The taxonomy.
        #[arg(long)]
        taxonomy: PathBuf,
        /// Folder of a sentence-embedding model; the configured one when left out.
        #[arg(long, value_name = "DIR")]
        embedding: Option<PathBuf>,
        /// Without the embedding, even when one is configured.
        #[arg(long)]
        lexical: bool,
        /// Where and how to print.
        #[command(flatten)]
        output: EvalOutput,
    },
    /// Parsing of recorded answers of job sources.
    Boards {
        /// Folder with one answer a file.
        folder: PathBuf,
        /// Where and how to print.
        #[command(flatten)]
        output: EvalOutput,
    },
    /// Classification of mails (JSON Lines), with no model.
    Mail {
        /// The mails, labelled or not.
        file: PathBuf,
        /// Where and how to print.
        #[command(flatten)]
        output: EvalOutput,
    },
    /// Import of résumés: PDF, DOCX, ODT, plain text, Markdown, JSON Resume, LinkedIn's data export.
    Resumes {
        /// Folder with one résumé a file.
        folder: PathBuf,
        /// Where and how to print.
        #[command(flatten)]
        output: EvalOutput,
    },
}

/// Output of a measurement.
#[derive(Args, Debug)]
pub struct EvalOutput {
    /// Print the figures as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write one prediction a line to this file.
    #[arg(long, value_name = "OUT.jsonl")]
    pub predictions: Option<PathBuf>,
}

/// What to do with settings.
#[derive(Subcommand, Debug, Clone, Copy, ValueEnum)]
pub enum Config {
    /// Print every setting with its default and a comment.
    PrintDefault,
    /// Read all layers and say whether they fit.
    Check,
}
