//! Text recall and section heads on real layouts in a folder beside the checkout; skipped where that is absent. The
//! figures are printed.

use std::{
    collections::HashMap,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use aerie_documents::{Imported, Limits, import};

/// Least share of the words that another reader finds.
const RECALL_GOAL: f64 = 0.98;

/// Least share of the lines that are heads beyond doubt.
const HEADS_GOAL: f64 = 0.9;

#[test]
fn text_and_heads_of_real_layouts() {
    let Some(folder) = folder() else {
        println!("skipped: there is no ../shared/data/resumes");
        return;
    };
    let (mut files, mut recalls, mut heads) = (0, Vec::new(), Vec::new());
    for path in list(&folder) {
        let Some(reference) = reference(&path) else {
            println!("skipped {}: pdftotext is not installed", path.display());
            continue;
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let imported = import(&name, &std::fs::read(&path).unwrap(), &Limits::default()).expect(&name);
        let recall = recall(&reference, &imported.text);
        let (found, all) = found_heads(&reference, &imported);
        let share = if all == 0 { 1.0 } else { f64::from(found) / f64::from(all) };
        if recall < RECALL_GOAL || share < HEADS_GOAL {
            println!("{name}: recall {recall:.4}, heads {found} of {all}");
        }
        files += 1;
        recalls.push(recall);
        heads.push(share);
    }
    let least = |values: &[f64]| values.iter().copied().fold(1.0, f64::min);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    println!("{files} files: text recall {:.4} on average, {:.4} at least", mean(&recalls), least(&recalls));
    println!("{files} files: section heads {:.4} on average, {:.4} at least", mean(&heads), least(&heads));
    assert!(least(&recalls) >= RECALL_GOAL && least(&heads) >= HEADS_GOAL);
}

fn folder() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    [root.join("shared/data/resumes"), root.join("../shared/data/resumes"), root.join("../../shared/data/resumes")]
        .into_iter()
        .find(|folder| folder.is_dir())
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let inner = ["pdf", "docx"].iter().filter_map(|kind| std::fs::read_dir(folder.join(kind)).ok());
    let mut files: Vec<PathBuf> = inner.flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

/// The words by another reader: `pdftotext`, and for DOCX the runs of text as they stand in the XML.
fn reference(path: &Path) -> Option<String> {
    if path.extension().is_some_and(|extension| extension == "pdf") {
        let output = Command::new("pdftotext").arg(path).arg("-").output().ok()?;
        return Some(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut xml = String::new();
    zip.by_name("word/document.xml").unwrap().read_to_string(&mut xml).unwrap();
    let xml = xml.replace("<w:br", "\n<w:br").replace("</w:p>", "\n</w:p>").replace("<w:tab/>", "\t");
    let mut text = String::new();
    for piece in xml.split('<') {
        let (tag, after) = piece.split_once('>').unwrap_or(("", piece));
        if tag.starts_with("w:t ") || tag == "w:t" || piece.starts_with("/w:t") || tag == "w:br/" {
            text.push_str(after);
        }
        if tag.ends_with("/w:p") || tag.starts_with("w:br") || tag.starts_with("/w:p") {
            text.push('\n');
        }
    }
    Some(
        text.replace("&amp;", "&")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&apos;", "'"),
    )
}

fn words(text: &str) -> HashMap<String, i32> {
    let mut words = HashMap::new();
    let text = text.replace(['\u{200b}', '\u{ad}'], "");
    for word in text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *words.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    words
}

fn recall(reference: &str, text: &str) -> f64 {
    let (wanted, there) = (words(reference), words(text));
    let hits: i32 = wanted.iter().map(|(word, count)| (*count).min(there.get(word).copied().unwrap_or(0))).sum();
    f64::from(hits) / f64::from(wanted.values().sum::<i32>().max(1))
}

/// Heads that nobody would dispute: a line that is one of these and nothing else.
const PLAIN_HEADS: &[&str] = &[
    "summary",
    "professional summary",
    "executive summary",
    "career overview",
    "profile",
    "professional profile",
    "executive profile",
    "objective",
    "experience",
    "work experience",
    "professional experience",
    "work history",
    "employment history",
    "professional history",
    "education",
    "education and training",
    "educational background",
    "skills",
    "technical skills",
    "computer skills",
    "core qualifications",
    "qualifications",
    "highlights",
    "skill highlights",
    "core strengths",
    "key strengths",
    "accomplishments",
    "core accomplishments",
    "certifications",
    "licenses",
    "languages",
    "interests",
    "professional affiliations",
    "affiliations",
    "additional information",
    "personal information",
    "publications",
    "presentations",
    "projects",
    "summary of qualifications",
];

fn found_heads(reference: &str, imported: &Imported) -> (i32, i32) {
    let titles: Vec<String> = imported.heads.iter().map(|head| plain(&head.title.value)).collect();
    let mut left = titles.clone();
    let (mut found, mut all) = (0, 0);
    for line in reference.lines() {
        let is_large = line.trim().chars().next().is_some_and(char::is_uppercase);
        let line = plain(line);
        if !is_large || !PLAIN_HEADS.contains(&line.as_str()) {
            continue;
        }
        all += 1;
        if let Some(at) = left.iter().position(|title| *title == line) {
            left.swap_remove(at);
            found += 1;
        }
    }
    (found, all)
}

fn plain(text: &str) -> String {
    text.trim().trim_end_matches([':', '.', '-']).trim().to_lowercase()
}
