//! The text of a mail: decoded, without markup and padding, with quoted history and signature set apart.

use std::borrow::Cow;
use std::sync::LazyLock;

use aerie_postings::html::{html_to_text, plain_text};
use aerie_postings::text::{repair_mojibake, truncate_bytes};
use serde::{Deserialize, Serialize};

use super::links::{self, Link};
use super::{MAX_TEXT_BYTES, transfer};
use crate::patterns::Pattern;

/// Most bytes that are read of one body before decoding.
const MAX_RAW_BYTES: usize = 400_000;

/// Fewer letters than this in the newest part mean that a mail says what it says in the part that it forwards.
const LEAST_LETTERS: usize = 12;

/// Text of a mail in three parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Body {
    /// What the sender wrote now.
    pub text: String,
    /// Earlier messages below it.
    pub quoted: String,
    /// What stands behind the signature mark.
    pub signature: String,
}

/// A body and its links.
#[derive(Debug, Default)]
pub(super) struct ReadBody {
    pub(super) body: Body,
    pub(super) links: Vec<Link>,
}

static MARKUP: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(r"(?i)<!doctype html|<(?:html|body|head|table|tr|td|div|p|br|span|font|style|a)(?:\s[^<>]*)?/?>")
});

/// Lines behind which the rest of the mail is an earlier one: attribution lines and the headers that programs write.
static HISTORY: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(concat!(
        r"(?im)^[ \t]*(?:on\b[^\n]{6,200}(?:\n[^\n]{0,80})?\bwrote\s*:|am\b[^\n]{6,200}(?:\n[^\n]{0,80})?\bschrieb\b[^\n]{0,100}:",
        r"|le\b[^\n]{6,200}(?:\n[^\n]{0,80})?\ba écrit\s*:|el\b[^\n]{6,200}(?:\n[^\n]{0,80})?\bescribió\s*:",
        r"|-{2,}\s*(?:original message|original appointment|ursprüngliche nachricht|message d'origine|mensaje original|forwarded message|weitergeleitete nachricht)\s*-{2,}",
        r"|(?:from|von|de)\s*:[^\n]{3,200}\n(?:[^\n]{0,200}\n)?\s*(?:sent|date|gesendet|datum|envoyé|enviado|fecha)\s*:)",
    ))
});

/// Reads a body in whatever shape it arrives: plain, HTML, and either of them still in its transfer encoding.
pub(super) fn read(raw: &str) -> ReadBody {
    let decoded = transfer::decode(truncate_bytes(raw, MAX_RAW_BYTES));
    if MARKUP.is_match(&decoded) {
        return of_html(&decoded);
    }
    of_plain(&decoded)
}

/// A body of HTML.
pub(super) fn of_html(html: &str) -> ReadBody {
    let html = truncate_bytes(html, MAX_RAW_BYTES);
    let text = clean(&html_to_text(html));
    ReadBody { body: split(&text), links: links::of_html(html) }
}

/// A body of plain text.
pub(super) fn of_plain(text: &str) -> ReadBody {
    let text = truncate_bytes(text, MAX_RAW_BYTES);
    // Programs that make plain text out of HTML leave entities behind.
    let readable = if text.contains('&') { html_to_text(text) } else { plain_text(text) };
    let text = clean(&readable);
    let links = links::of_text(&text);
    ReadBody { body: split(&text), links }
}

/// Text without the invisible characters that newsletters pad their preview line with.
fn clean(text: &str) -> String {
    let repaired = repair_mojibake(text);
    let visible: Cow<'_, str> = if repaired.contains(is_padding) {
        Cow::Owned(plain_text(&repaired.replace(is_padding, "")))
    } else {
        Cow::Borrowed(&repaired)
    };
    truncate_bytes(&visible, MAX_TEXT_BYTES).to_owned()
}

/// Characters without a shape that are used as padding and that `plain_text` keeps.
fn is_padding(character: char) -> bool {
    matches!(
        character,
        '\u{034F}'
            | '\u{061C}'
            | '\u{115F}'
            | '\u{1160}'
            | '\u{17B4}'
            | '\u{17B5}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FFA0}'
            | '\u{E0000}'..='\u{E0FFF}' | '\u{FFFC}'
    )
}

fn split(text: &str) -> Body {
    let history = HISTORY.find(text).map(|found| found.start());
    let quote = quote_start(text);
    let cut = [history, quote].into_iter().flatten().min();
    let (newest, quoted) = cut.map_or((text, ""), |at| (text.get(..at).unwrap_or(text), text.get(at..).unwrap_or("")));
    if newest.chars().filter(|character| character.is_alphabetic()).count() < LEAST_LETTERS {
        // Forwarded, or answered below the quotation: all of it counts.
        let unquoted: Vec<&str> = text.lines().map(|line| line.trim_start_matches(['>', ' '])).collect();
        return Body { text: unquoted.join("\n").trim().to_owned(), ..Body::default() };
    }
    let (written, signature) = newest
        .split_once("\n-- \n")
        .or_else(|| newest.split_once("\n--\n"))
        .filter(|(written, _)| !written.trim().is_empty())
        .unwrap_or((newest, ""));
    Body { text: written.trim().to_owned(), quoted: quoted.trim().to_owned(), signature: signature.trim().to_owned() }
}

/// Where quoted lines begin that nothing follows but quoted lines; answers between quotations are left in place.
fn quote_start(text: &str) -> Option<usize> {
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed.starts_with('>') {
            start = start.or(Some(at));
        } else if !trimmed.is_empty() {
            start = None;
        }
        at += line.len();
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_and_signature_are_set_apart() {
        let body = read("Works for me.\n\nBest\nAna\n--\nAna, Acme\n\nOn Mon, 3 Nov 2025 at 18:02, Robin <r@x.example> wrote:\n> Hi\n> there").body;
        assert_eq!(body.text, "Works for me.\n\nBest\nAna");
        assert_eq!(body.signature, "Ana, Acme");
        assert!(body.quoted.starts_with("On Mon") && body.quoted.contains("there"));
    }

    #[test]
    fn a_forwarded_mail_is_read_whole() {
        let body = read("---------- Forwarded message ---------\nFrom: Acme <jobs@acme.example>\nDate: Mon\n\nThe position has been filled.").body;
        assert!(body.text.contains("position has been filled"));
        let below = read("> We need your answer today.\n> Acme").body;
        assert_eq!(below.text, "We need your answer today.\nAcme");
    }

    #[test]
    fn markup_entities_and_padding_are_removed() {
        let body = read(
            "<html><body><p>We&rsquo;re \u{034F} \u{034F}\u{200C}&zwnj;sorry</p><script>x()</script></body></html>",
        )
        .body;
        assert_eq!(body.text, "We’re sorry");
        assert_eq!(read("Tom &amp; Ana").body.text, "Tom & Ana");
        assert_eq!(read("a < b and c > d").body.text, "a < b and c > d");
    }
}
