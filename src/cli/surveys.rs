//! What can be typed about surveys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with surveys of employers.
#[derive(Subcommand, Debug)]
pub enum Surveys {
    /// Get suggested answers for a survey: a text file, a screenshot (PNG, JPEG, WebP, GIF), or "-" for pasted text.
    Answer(SurveysAnswer),
    /// List those of a job, newest first.
    List {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one with its answers.
    Show {
        /// Survey id, as `surveys list` shows it.
        survey: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Delete one with its screenshot.
    Delete {
        /// Survey id, as `surveys list` shows it.
        survey: String,
    },
}

/// Arguments of `surveys answer`.
#[derive(Args, Debug)]
pub struct SurveysAnswer {
    /// Job id, or the start of one.
    pub job: String,
    /// The survey.
    pub file: PathBuf,
    /// Name; the day when left out.
    #[arg(long)]
    pub name: Option<String>,
    /// Weigh every option.
    #[arg(long)]
    pub detailed: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
