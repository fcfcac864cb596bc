//! Résumés of invented people in every format, and what is right about them.

pub mod layouts;
pub mod office;
pub mod pdf;
pub mod people;

/// What an import has to find.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Gold {
    pub name: String,
    pub email: String,
    pub phone: String,
    /// Employer, title, start, end.
    pub positions: Vec<(String, String, String, String)>,
}

pub struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
    pub gold: Gold,
}

/// The hand-written texts of `fixtures/resumes`, each with its gold beside it.
pub fn written() -> Vec<Sample> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/resumes");
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension != "json") {
            let gold = std::fs::read(path.with_extension("json")).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            samples.push(Sample {
                name,
                bytes: std::fs::read(&path).unwrap(),
                gold: serde_json::from_slice(&gold).unwrap(),
            });
        }
    }
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples
}

/// The same kinds of layout that office programs and typesetters make, filled with other people.
pub fn generated() -> Vec<Sample> {
    layouts::all()
}
