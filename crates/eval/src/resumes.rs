//! Import of résumés: one file a résumé, read without being told what it is.

use std::{fmt, path::Path, time::Instant};

use aerie_documents::{
    Format, Limits, Profile, import,
    resume::{Head, Position},
};
use serde::Serialize;

use crate::folder::{self, FolderError};

/// What one file gave.
#[derive(Debug, Clone, Serialize)]
pub struct ResumePrediction {
    /// File name, relative to the folder.
    pub file: String,
    /// The format it was read as.
    pub format: Option<Format>,
    /// What it says.
    pub profile: Option<Profile>,
    /// Its plain text, which the profile's spans are bytes of.
    pub text: String,
    /// The section heads that were found.
    pub heads: Vec<Head>,
    /// Why it could not be read.
    pub error: Option<String>,
}

/// Figures of one file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ResumeFigures {
    /// File name, relative to the folder.
    pub file: String,
    /// The format it was read as.
    pub format: Option<Format>,
    /// Which of name, e-mail, telephone and place were found.
    pub contact: Vec<&'static str>,
    /// Positions found.
    pub positions: usize,
    /// Positions with employer, title and dates.
    pub whole_positions: usize,
    /// Schools and degrees.
    pub education: usize,
    /// Skills.
    pub skills: usize,
    /// Section heads.
    pub heads: usize,
    /// Words of the text.
    pub words: usize,
    /// How long the import took.
    pub milliseconds: u128,
    /// Why it could not be read.
    pub error: Option<String>,
}

/// Figures of a folder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ResumesReport {
    /// Files looked at.
    pub files: usize,
    /// Files that were read.
    pub read: usize,
    /// Positions of all files.
    pub positions: usize,
    /// Positions with employer, title and dates.
    pub whole_positions: usize,
    /// Figures of each file.
    pub resumes: Vec<ResumeFigures>,
    /// What each file gave.
    #[serde(skip)]
    pub predictions: Vec<ResumePrediction>,
}

/// Imports every file of a folder and its folders.
///
/// # Errors
/// A folder that cannot be listed. A file that cannot be read is reported, not an error.
pub fn evaluate_resumes(folder: &Path) -> Result<ResumesReport, FolderError> {
    let paths = folder::files(folder)?;
    let mut report = ResumesReport { files: paths.len(), ..ResumesReport::default() };
    for path in paths {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        let (prediction, figures) = read(&path, name);
        report.read += usize::from(figures.error.is_none());
        report.positions += figures.positions;
        report.whole_positions += figures.whole_positions;
        report.resumes.push(figures);
        report.predictions.push(prediction);
    }
    Ok(report)
}

fn read(path: &Path, file: String) -> (ResumePrediction, ResumeFigures) {
    let start = Instant::now();
    let imported = folder::read(path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| import(&file, &bytes, &Limits::default()).map_err(|error| error.to_string()));
    let milliseconds = start.elapsed().as_millis();
    let mut prediction = ResumePrediction {
        file: file.clone(),
        format: None,
        profile: None,
        text: String::new(),
        heads: Vec::new(),
        error: None,
    };
    match imported {
        Ok(imported) => {
            let figures = figures(file, imported.format, &imported.profile, milliseconds);
            let figures = ResumeFigures {
                heads: imported.heads.len(),
                words: imported.text.split_whitespace().count(),
                ..figures
            };
            prediction.format = Some(imported.format);
            (prediction.profile, prediction.text, prediction.heads) =
                (Some(imported.profile), imported.text, imported.heads);
            (prediction, figures)
        }
        Err(error) => {
            prediction.error = Some(error.clone());
            (prediction, ResumeFigures { file, milliseconds, error: Some(error), ..ResumeFigures::default() })
        }
    }
}

fn figures(file: String, format: Format, profile: &Profile, milliseconds: u128) -> ResumeFigures {
    let contact = &profile.contact;
    let found = [
        ("name", contact.name.is_some()),
        ("email", contact.email.is_some()),
        ("phone", contact.phone.is_some()),
        ("place", contact.place.is_some()),
    ];
    ResumeFigures {
        file,
        format: Some(format),
        contact: found.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect(),
        positions: profile.positions.len(),
        whole_positions: profile.positions.iter().filter(|position| is_whole(position)).count(),
        education: profile.education.len(),
        skills: profile.all_skills().count(),
        milliseconds,
        ..ResumeFigures::default()
    }
}

fn is_whole(position: &Position) -> bool {
    position.employer.is_some() && position.title.is_some() && position.period.is_some()
}

impl fmt::Display for ResumesReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} of {} files read, {} positions, {} of them with employer, title and dates",
            self.read, self.files, self.positions, self.whole_positions
        )?;
        for resume in &self.resumes {
            match &resume.error {
                Some(error) => writeln!(formatter, "  {:40} {error}", resume.file)?,
                None => writeln!(
                    formatter,
                    "  {:40} {} words, contact {}; {} positions ({} whole), {} schools, {} skills, {} heads, {} ms",
                    resume.file,
                    resume.words,
                    if resume.contact.is_empty() { "none".to_owned() } else { resume.contact.join(" ") },
                    resume.positions,
                    resume.whole_positions,
                    resume.education,
                    resume.skills,
                    resume.heads,
                    resume.milliseconds
                )?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_what_it_can_and_names_what_it_cannot() {
        let folder = tempfile::tempdir().unwrap();
        let resume = "Ada Quill\nada@quill.example\n\nExperience\nEngineer, Acme Corp, 2019 - 2021\n- Did things\n";
        std::fs::write(folder.path().join("ada.txt"), resume).unwrap();
        std::fs::write(folder.path().join("broken.pdf"), b"%PDF-1.7 and nothing more").unwrap();
        std::fs::write(folder.path().join(".hidden"), b"x").unwrap();
        let report = evaluate_resumes(folder.path()).unwrap();
        assert_eq!((report.files, report.read, report.positions, report.whole_positions), (2, 1, 1, 1));
        assert_eq!(report.resumes[0].contact, ["name", "email"]);
        assert!(report.to_string().contains("broken.pdf"));
        let line = serde_json::to_value(&report.predictions[0]).unwrap();
        assert_eq!(line["profile"]["positions"][0]["period"]["value"]["start"], "2019");
        assert_eq!(line["profile"]["positions"][0]["employer"]["value"], "Acme Corp");
        assert!(evaluate_resumes(&folder.path().join("absent")).is_err());
    }
}
