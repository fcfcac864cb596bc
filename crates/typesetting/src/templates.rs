//! The templates that are built in, and those of a person's own folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// What a template sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A letter.
    Letter,
    /// A résumé.
    Resume,
}

/// Built-in templates: a new one is a file in `templates/` and a line here.
const BUILT_IN: &[(Kind, &str, &str)] = &[
    (Kind::Letter, "classic", include_str!("../templates/letter-classic.typ")),
    (Kind::Letter, "modern", include_str!("../templates/letter-modern.typ")),
    (Kind::Letter, "compact", include_str!("../templates/letter-compact.typ")),
    (Kind::Resume, "classic", include_str!("../templates/resume-classic.typ")),
    (Kind::Resume, "modern", include_str!("../templates/resume-modern.typ")),
    (Kind::Resume, "compact", include_str!("../templates/resume-compact.typ")),
];

/// What every template may import.
const COMMON: &str = include_str!("../templates/common.typ");

/// Largest file of a person's folder, bytes.
const MOST_BYTES: u64 = 8 << 20;

/// Most files of a person's folder.
const MOST_FILES: usize = 200;

/// A folder of templates that cannot be read.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// The folder or a file in it cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Too many or too large files.
    #[error("{path}: more than {limit} {what}; keep only templates, fonts and pictures there")]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// Of what there is too much.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

/// Templates with the files that they use.
#[derive(Debug, Clone)]
pub struct Templates {
    sources: BTreeMap<(Kind, String), String>,
    /// Files that templates may read, by their name in the folder.
    files: BTreeMap<String, Vec<u8>>,
    fonts: Vec<Vec<u8>>,
}

impl Templates {
    /// The templates that are built in.
    pub fn built_in() -> Self {
        let sources = BUILT_IN.iter().map(|(kind, name, text)| ((*kind, (*name).to_owned()), (*text).to_owned()));
        let files = BTreeMap::from([("common.typ".to_owned(), COMMON.as_bytes().to_vec())]);
        Self { sources: sources.collect(), files, fonts: Vec::new() }
    }

    /// Adds a person's own: `letter-NAME.typ` and `resume-NAME.typ` are templates, `.ttf` and `.otf` files are fonts, and
    /// every file can be read by the templates (a signature as a picture). A name that is built in is replaced.
    ///
    /// # Errors
    /// The folder cannot be read, or holds more than templates need.
    pub fn with_folder(mut self, folder: &Path) -> Result<Self, TemplateError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| TemplateError::Unreadable { path, source }
        };
        let mut count = 0;
        for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            if !path.is_file() {
                continue;
            }
            count += 1;
            if count > MOST_FILES {
                return Err(TemplateError::TooLarge {
                    path: folder.to_owned(),
                    what: "files",
                    limit: MOST_FILES as u64,
                });
            }
            if fs::metadata(&path).map_err(unreadable(&path))?.len() > MOST_BYTES {
                return Err(TemplateError::TooLarge { path, what: "bytes", limit: MOST_BYTES });
            }
            let bytes = fs::read(&path).map_err(unreadable(&path))?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            self.add(name, bytes);
        }
        Ok(self)
    }

    fn add(&mut self, name: String, bytes: Vec<u8>) {
        let lower = name.to_ascii_lowercase();
        if lower.ends_with(".ttf") || lower.ends_with(".otf") {
            self.fonts.push(bytes);
            return;
        }
        for (kind, prefix) in [(Kind::Letter, "letter-"), (Kind::Resume, "resume-")] {
            let own = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".typ"));
            if let (Some(own), Ok(text)) = (own, std::str::from_utf8(&bytes)) {
                self.sources.insert((kind, own.to_owned()), text.to_owned());
                return;
            }
        }
        self.files.insert(name, bytes);
    }

    /// The names of the templates of a kind.
    pub fn names(&self, kind: Kind) -> Vec<&str> {
        self.sources.keys().filter(|(of, _)| *of == kind).map(|(_, name)| name.as_str()).collect()
    }

    pub(crate) fn source(&self, kind: Kind, name: &str) -> Option<&str> {
        self.sources.get(&(kind, name.to_owned())).map(String::as_str)
    }

    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    pub(crate) fn fonts(&self) -> &[Vec<u8>] {
        &self.fonts
    }
}
