//! Every kind of integration, one line each.

use crate::{
    Kind, airtable::Airtable, caldav::CalDav, discord::Discord, email::Email, google_calendar::GoogleCalendar,
    google_sheets::GoogleSheets, home_assistant::HomeAssistant, notion::Notion, s3::S3, slack::Slack, webdav::WebDav,
    webhook::Webhook,
};

/// One line a kind: a new one is its file, its `mod` line in the crate root and its line here.
const ALL: [Kind; 12] = [
    Kind::of::<Webhook>(),
    Kind::of::<CalDav>(),
    Kind::of::<GoogleCalendar>(),
    Kind::of::<Notion>(),
    Kind::of::<Airtable>(),
    Kind::of::<GoogleSheets>(),
    Kind::of::<Slack>(),
    Kind::of::<Discord>(),
    Kind::of::<HomeAssistant>(),
    Kind::of::<WebDav>(),
    Kind::of::<S3>(),
    Kind::of::<Email>(),
];

/// All kinds, in the order shown to people.
#[must_use]
pub fn all() -> &'static [Kind] {
    &ALL
}

/// The kind of this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.info.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_every_kind_says_what_it_needs() {
        let names: BTreeSet<&str> = ALL.iter().map(|kind| kind.info.name).collect();
        assert_eq!(names.len(), ALL.len());
        for kind in all() {
            let info = kind.info;
            assert!(!info.topics.is_empty() && !info.about.is_empty() && !info.fields.is_empty(), "{}", info.name);
            assert!(info.fields.iter().any(|field| field.secret), "{} has no credential", info.name);
            let fields: BTreeSet<&str> = info.fields.iter().map(|field| field.name).collect();
            assert_eq!(fields.len(), info.fields.len(), "{}", info.name);
            assert!(info.fields.iter().all(|field| field.about.len() > 10), "{}", info.name);
            assert!(info.fields.iter().all(|field| !field.secret || field.default.is_none()), "{}", info.name);
        }
    }
}
