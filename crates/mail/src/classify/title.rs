//! Which opening a mail is about.

use std::sync::LazyLock;

use aerie_postings::text::{clean_field, truncate_bytes};

use crate::message::Mail;
use crate::patterns::Pattern;

/// Most bytes of the body in which a title is looked for.
const MAX_BODY_BYTES: usize = 4000;

macro_rules! title {
    () => {
        r"(?P<title>[\p{Lu}\p{N}][\p{L}\p{N}#&'’.+/(),–-]*(?: (?:[\p{Lu}\p{N}#&(–-][\p{L}\p{N}#&'’.+/(),–-]*|of|and|the|for|in|to|de|und|en|m/w/d)){0,11}?)"
    };
}

/// Where titles stand, the most reliable first.
static PLACES: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    vec![
        Pattern::new(concat!(
            r"(?i:your application (?:to|for)(?: the)?|application for our) ",
            title!(),
            r" (?i:at|with|position|role|-) ?"
        )),
        Pattern::new(concat!(
            r"(?i:(?:for|to|in|with|as) (?:the|our|an?)) ",
            title!(),
            r" (?i:position|role|opening|opportunity|internship position|job|vacancy|post)\b"
        )),
        Pattern::new(concat!(
            r"(?i:(?:position|role|post|job|opening|vacancy) (?:of|as|for)(?: an?| the)?) ",
            title!(),
            r"(?:$|[.,;!]| (?i:at|with|in|and|on|has|have|was|we|which|position|role)\b)"
        )),
        Pattern::new(concat!(
            r"(?i:(?:position title|job title|position|role|stelle|poste|puesto)\s*:-?)\s*",
            title!(),
            r"(?:$|[.;!|])"
        )),
        Pattern::new(concat!(
            r"(?i:(?:^|[-:–] ?)(?:interview (?:confirmation|invitation|request)|assessment for|rescheduled|shortlisted|offer letter -|applying for|interview request for|ihre bewerbung als|poste de|puesto de|entrevista -)[: ]*)",
            title!(),
            r"(?:$|[.;!|(]| (?i:at|interview)\b)"
        )),
        Pattern::new(concat!(
            r"(?i:applied (?:for|to)|applying (?:for|to)|applied as|selected (?:as|for)|consideration for) (?i:(?:the|our|an?) )?",
            title!(),
            r"(?:$|[.,;!]| (?i:at|with|role|position)\b)"
        )),
    ]
});

/// Ends that are no part of a title.
static NO_TITLE: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        r"(?i)^(?:the|a|an|our|your|this|we|you|it|job|position|role|application|interest|interview|talent|team|career|careers|company|hiring|next|time)$",
    )
});

/// The title of the opening that a mail is about, as it is written; `None` when none is named.
pub fn guess_title(mail: &Mail) -> Option<String> {
    let body = truncate_bytes(&mail.body.text, MAX_BODY_BYTES);
    for place in PLACES.iter() {
        for text in std::iter::once(mail.subject.as_str()).chain(body.lines().take(80)) {
            let found =
                place.captures(text).and_then(|found| found.name("title").map(|title| title.as_str().to_owned()));
            let title = found.map(|title| clean_field(title.trim_end_matches([',', '.', '-', ' ', '(']), 200));
            if let Some(title) = title.filter(|title| title.len() > 2 && !NO_TITLE.is_match(title)) {
                return Some(title);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_read_from_subject_and_body() {
        let title = |subject: &str, body: &str| guess_title(&Mail::from_fields("", subject, body)).unwrap_or_default();
        assert_eq!(title("Your application to Platform Engineer at Redcap", ""), "Platform Engineer");
        assert_eq!(
            title("Update", "Thank you for your interest in the Senior Data Engineer (m/w/d) position at Acme."),
            "Senior Data Engineer (m/w/d)"
        );
        assert_eq!(title("Interview confirmation: Backend Engineer", ""), "Backend Engineer");
        assert_eq!(title("Hello", "the position is open"), "");
    }
}
