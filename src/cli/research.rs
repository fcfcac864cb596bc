//! What can be typed about employers and practice.

use clap::Subcommand;

/// What to do with briefs on employers.
#[derive(Subcommand, Debug)]
pub enum Research {
    /// Read about a job's employer and write a brief, each statement with its source.
    Start {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the brief.
    Show {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What to do before a talk.
#[derive(Subcommand, Debug)]
pub enum Interview {
    /// List likely questions with notes from your own résumé.
    Prepare {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Practise: one question at a time, with feedback; an empty line ends an answer, "quit" the interview.
    Practise {
        /// Job id, or the start of one.
        job: String,
        /// How many questions, 1 to 20.
        #[arg(long, default_value_t = 5)]
        questions: i32,
    },
    /// List the practice interviews of a job.
    List {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the transcript of one.
    Show {
        /// Interview id, as `interview list` shows it.
        interview: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
