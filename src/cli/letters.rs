//! What can be typed about letters and résumés.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with letters.
#[derive(Subcommand, Debug)]
pub enum Letter {
    /// Write one: by a model where one is there, else from a template.
    Write {
        /// Job id, or the start of one.
        job: String,
        /// Language: en, de, fr or es; your settings' when left out.
        #[arg(long, default_value = "")]
        language: String,
        /// Use the template even where a model is there.
        #[arg(long)]
        template_only: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have a model write another version that follows your wish.
    Refine {
        /// Job id, or the start of one.
        job: String,
        /// What should change, in your words.
        wish: String,
        /// Version to begin from; the chosen one when left out.
        #[arg(long, default_value_t = 0)]
        version: i32,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Keep your own text as a version.
    Save {
        /// Job id, or the start of one.
        job: String,
        /// Text file with empty lines between paragraphs; "-" reads standard input.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the chosen version and what in it is unsupported.
    Show {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the versions.
    Versions {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what changed between two versions.
    Diff {
        /// Job id, or the start of one.
        job: String,
        /// Older version.
        from: i32,
        /// Newer version.
        to: i32,
    },
    /// Choose a version.
    Choose {
        /// Job id, or the start of one.
        job: String,
        /// Version.
        version: i32,
    },
    /// Write the letter as a file.
    File {
        /// Job id, or the start of one.
        job: String,
        /// Version; the chosen one when left out.
        #[arg(long, default_value_t = 0)]
        version: i32,
        #[command(flatten)]
        look: FileLook,
    },
    /// Delete the letter with all its versions.
    Delete {
        /// Job id, or the start of one.
        job: String,
    },
    /// Get a suggested answer to a question of the application form.
    Ask {
        /// Job id, or the start of one.
        job: String,
        /// The question.
        question: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the questions of a job with their answers.
    Questions {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the templates of letters and résumés.
    Templates {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What to do with the résumé.
#[derive(Subcommand, Debug)]
pub enum Resume {
    /// Read it from a file: PDF, DOCX, ODT, text, Markdown, JSON Resume, or the zip of LinkedIn's data export.
    Import {
        /// The file; "-" reads standard input.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what was read.
    Show {
        /// Print JSON, with where in the source each value stands.
        #[arg(long)]
        json: bool,
    },
    /// Write it as a file: as it is, or cut to a job where `resume tailor` was run.
    File {
        /// Job id, or the start of one.
        #[arg(long)]
        job: Option<String>,
        #[command(flatten)]
        look: FileLook,
    },
    /// Compare what a posting asks for with what the résumé shows.
    Gaps {
        /// Job id, or the start of one.
        job: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Cut it to a job: reordered and, with a model, in other words; nothing is invented.
    Tailor {
        /// Job id, or the start of one.
        job: String,
        /// Reorder only, even where a model is there.
        #[arg(long)]
        template_only: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// How a file looks.
#[derive(Args, Debug)]
pub struct FileLook {
    /// Format.
    #[arg(long, value_enum, default_value_t = DocumentForm::Pdf)]
    pub format: DocumentForm,
    /// Template, as `letter templates` lists them; your choice when left out.
    #[arg(long, default_value = "")]
    pub template: String,
    /// Paper: a4 or us-letter; your choice when left out.
    #[arg(long, default_value = "")]
    pub paper: String,
    /// Where to write it; the file's own name in this folder when left out.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Format of a document.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentForm {
    /// PDF.
    Pdf,
    /// Word.
    Docx,
    /// Markdown.
    Md,
    /// JSON Resume; résumés only.
    Json,
}
