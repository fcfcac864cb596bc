//! From the bytes of a message to a [`Mail`].

use aerie_postings::text::{clean_field, truncate_bytes};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::body::{self, ReadBody};
use super::{Attachment, MAX_FIELD_CHARACTERS, MAX_ITEMS, MAX_MESSAGE_BYTES, MAX_PARTS, MAX_TEXT_BYTES, Mail, Mailbox};
use super::{calendar_event, transfer};

/// Most mentions of a container type in one message; what lies behind is cut off. Real mail nests four deep.
const MAX_CONTAINERS: usize = 100;

/// Fewer letters than this in the plain part, beside a long HTML part, make it a stub.
const STUB_LETTERS: usize = 60;

/// Reads one message of RFC 5322 and MIME. Anything gives a mail: bytes without a header give an empty one.
pub fn parse(raw: &[u8]) -> Mail {
    let raw = bounded(raw);
    let Some(message) = MessageParser::default().parse(raw) else { return Mail::default() };
    let read = text_of(&message);
    Mail {
        message_id: message.message_id().and_then(id),
        in_reply_to: ids(message.in_reply_to()),
        references: ids(message.references()),
        from: message.from().and_then(|from| mailboxes(from).into_iter().next()),
        to: [message.to(), message.cc()].into_iter().flatten().flat_map(mailboxes).take(MAX_ITEMS).collect(),
        reply_to: message.reply_to().map(mailboxes).unwrap_or_default(),
        subject: subject_of_field(message.subject().unwrap_or("")),
        date: message.date().and_then(date),
        list_id: Some(clean_field(message.header_raw("List-Id").unwrap_or(""), MAX_FIELD_CHARACTERS))
            .filter(|name| !name.is_empty()),
        list_unsubscribe: message.header_raw("List-Unsubscribe").is_some(),
        automatic: is_automatic(&message),
        body: read.body,
        links: read.links,
        attachments: attachments(&message),
        event: event(&message),
    }
}

/// A subject on one line; quoted-printable soft breaks and Python's `b'…'` of exports are removed.
pub(super) fn subject_of_field(subject: &str) -> String {
    let subject = truncate_bytes(subject, 16 * MAX_FIELD_CHARACTERS).trim();
    let subject = subject.strip_prefix("b'").and_then(|rest| rest.strip_suffix('\'')).unwrap_or(subject);
    clean_field(&transfer::decode(subject), MAX_FIELD_CHARACTERS)
}

/// The bytes up to where nesting gets hostile. The parser looks for the end of every container, and a message inside a
/// message is a tree that is dropped by recursion; both grow only with mentions of these types.
fn bounded(raw: &[u8]) -> &[u8] {
    let raw = raw.get(..MAX_MESSAGE_BYTES).unwrap_or(raw);
    let mut containers = 0;
    for (at, _) in raw.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        let names = [&b"multipart"[..], &b"message"[..]];
        let named = |name: &[u8]| {
            let before = at.checked_sub(name.len()).and_then(|start| raw.get(start..at));
            before.is_some_and(|before| before.eq_ignore_ascii_case(name))
        };
        containers += usize::from(names.into_iter().any(named));
        if containers > MAX_CONTAINERS {
            return raw.get(..at).unwrap_or(raw);
        }
    }
    raw
}

fn id(text: &str) -> Option<String> {
    let id = clean_field(text.trim_matches(['<', '>', ' ']), MAX_FIELD_CHARACTERS);
    (!id.is_empty()).then_some(id)
}

fn ids(value: &HeaderValue<'_>) -> Vec<String> {
    match value {
        HeaderValue::Text(text) => id(text).into_iter().collect(),
        HeaderValue::TextList(texts) => texts.iter().rev().take(MAX_ITEMS).rev().filter_map(|text| id(text)).collect(),
        _ => Vec::new(),
    }
}

fn mailboxes(address: &Address<'_>) -> Vec<Mailbox> {
    let mailbox = |one: &mail_parser::Addr<'_>| Mailbox::new(one.name().unwrap_or(""), one.address().unwrap_or(""));
    address.iter().take(MAX_ITEMS).filter_map(mailbox).collect()
}

fn date(date: &mail_parser::DateTime) -> Option<DateTime<Utc>> {
    let day = NaiveDate::from_ymd_opt(i32::from(date.year), u32::from(date.month), u32::from(date.day))?;
    let local = day.and_hms_opt(u32::from(date.hour), u32::from(date.minute), u32::from(date.second).min(59))?;
    let offset = TimeDelta::minutes(i64::from(date.tz_hour) * 60 + i64::from(date.tz_minute));
    let universal =
        if date.tz_before_gmt { local.checked_add_signed(offset) } else { local.checked_sub_signed(offset) };
    Some(universal?.and_utc())
}

fn is_automatic(message: &Message<'_>) -> bool {
    let raw = |name: &'static str| message.header_raw(name).unwrap_or("").trim().to_ascii_lowercase();
    let submitted = raw("Auto-Submitted");
    (!submitted.is_empty() && submitted != "no") || matches!(raw("Precedence").as_str(), "bulk" | "junk" | "auto_reply")
}

fn parts<'a, 'x>(message: &'a Message<'x>, ids: &'a [u32]) -> impl Iterator<Item = &'a MessagePart<'x>> {
    ids.iter().take(MAX_PARTS).filter_map(|id| message.parts.get(usize::try_from(*id).ok()?))
}

/// The plain part, unless it is empty or only says that there is an HTML part.
fn text_of(message: &Message<'_>) -> ReadBody {
    let mut plain = String::new();
    for part in parts(message, &message.text_body) {
        if let PartType::Text(text) = &part.body
            && plain.len() < MAX_TEXT_BYTES
        {
            plain.push_str(text);
            plain.push('\n');
        }
    }
    let mut html = String::new();
    for part in parts(message, &message.html_body) {
        if let PartType::Html(text) = &part.body
            && html.len() < 4 * MAX_TEXT_BYTES
        {
            html.push_str(text);
        }
    }
    let written = body::read(&plain);
    if html.trim().is_empty() {
        return written;
    }
    let shown = body::of_html(&html);
    let letters = |read: &ReadBody| read.body.text.chars().filter(|character| character.is_alphanumeric()).count();
    let is_stub = letters(&written) < STUB_LETTERS && letters(&shown) > 2 * letters(&written);
    let is_excuse = letters(&written) < 6 * STUB_LETTERS && says_look_elsewhere(&written.body.text);
    if letters(&shown) > 0 && (is_stub || is_excuse) { shown } else { ReadBody { links: shown.links, ..written } }
}

fn says_look_elsewhere(text: &str) -> bool {
    let lower = text.to_lowercase();
    let phrases =
        ["view this email in", "view it in your browser", "html format", "support html", "html-enabled", "html email"];
    phrases.iter().any(|phrase| lower.contains(phrase))
}

fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    let ids = message.parts.iter().take(MAX_PARTS);
    let named = ids.filter_map(|part| {
        let name = part.attachment_name()?;
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        Some(Attachment { name: clean_field(name, 200), media_type: media_type(part), bytes: part.len() })
    });
    named.take(MAX_ITEMS).collect()
}

fn media_type(part: &MessagePart<'_>) -> String {
    let Some(kind) = part.content_type() else { return String::new() };
    clean_field(&format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("")).to_ascii_lowercase(), 100)
}

fn event(message: &Message<'_>) -> Option<super::CalendarEvent> {
    let calendars = message.parts.iter().take(MAX_PARTS).filter(|part| {
        matches!(media_type(part).as_str(), "text/calendar" | "application/ics")
            || part.attachment_name().is_some_and(|name| name.to_ascii_lowercase().ends_with(".ics"))
    });
    calendars.into_iter().find_map(|part| match &part.body {
        PartType::Text(text) | PartType::Html(text) => calendar_event(text),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => calendar_event(&String::from_utf8_lossy(bytes)),
        _ => None,
    })
}
