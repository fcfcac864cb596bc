//! A model's answer as a letter.

use super::{LetterRequest, mask};
use crate::content::LetterContent;

/// Longest answer that is read, in bytes.
const MOST_BYTES: usize = 20_000;

/// Words that end a letter's body.
const CLOSINGS: &[&str] = &[
    "sincerely",
    "kind regards",
    "best regards",
    "regards",
    "best wishes",
    "yours",
    "warm regards",
    "respectfully",
    "thank you,",
    "mit freundlichen",
    "freundliche grüße",
    "viele grüße",
    "beste grüße",
    "cordialement",
    "bien cordialement",
    "un cordial saludo",
    "atentamente",
    "saludos",
];

/// Words that begin one.
const SALUTATIONS: &[&str] = &[
    "dear ",
    "hello",
    "hi ",
    "to whom",
    "sehr geehrte",
    "liebe",
    "guten tag",
    "madame",
    "monsieur",
    "bonjour",
    "estimad",
];

/// Puts the answer's paragraphs into the letter's frame. A salutation, a closing and what follows it, headings and
/// fences of Markdown are cut: they are set by the frame.
pub fn read_answer(request: &LetterRequest<'_>, answer: &str) -> LetterContent {
    let profile = mask(request.profile, request.confidential, request.language);
    let mut letter = request.frame(&profile);
    let answer = aerie_postings::text::truncate_bytes(answer, MOST_BYTES).replace("\r\n", "\n");
    let mut paragraphs: Vec<String> = Vec::new();
    for block in answer.split("\n\n") {
        let text = block.lines().map(str::trim).filter(|line| !is_markup(line)).collect::<Vec<_>>().join(" ");
        let text = text.trim().trim_matches('*').trim().to_owned();
        let lower = text.to_lowercase();
        let is_short = text.chars().count() < 80;
        if is_short && CLOSINGS.iter().any(|closing| lower.starts_with(closing)) {
            break;
        }
        let greets = paragraphs.is_empty() && is_short && SALUTATIONS.iter().any(|word| lower.starts_with(word));
        if !text.is_empty() && !greets {
            paragraphs.push(text);
        }
    }
    letter.paragraphs = paragraphs;
    letter
}

fn is_markup(line: &str) -> bool {
    line.starts_with("```") || line.starts_with('#') || line.starts_with("<<")
}
