//! Every kind that speaks HTTP, with settings and an item.

use aerie_integrations::{AppointmentChange, Delivery, Topic};

use crate::world::{MARKER, appointment, digest, document, job, service_account};

/// Settings by name.
type Given = Vec<(&'static str, &'static str)>;

/// Settings with which each kind that speaks HTTP can be made, and the hosts that it speaks to.
pub fn settings(kind: &str) -> Option<(Given, Vec<&'static str>)> {
    Some(match kind {
        "webhook" => (vec![("address", "{service}/hook"), ("secret", MARKER)], vec![]),
        "caldav" => (vec![("address", "{service}/c/"), ("user", "robin"), ("password", MARKER)], vec![]),
        "webdav" => (vec![("address", "{service}/f/"), ("user", "robin"), ("password", MARKER)], vec![]),
        "notion" => {
            (vec![("token", MARKER), ("database_id", "0123456789abcdef0123456789abcdef")], vec!["api.notion.com"])
        }
        "airtable" => (vec![("token", MARKER), ("base_id", "app1"), ("table", "Jobs")], vec!["api.airtable.com"]),
        "google_sheets" => (
            vec![("spreadsheet_id", "sheet-1"), ("credentials", service_account())],
            vec!["oauth2.googleapis.com", "sheets.googleapis.com"],
        ),
        "google_calendar" => (
            vec![("calendar_id", "robin@example.com"), ("credentials", service_account())],
            vec!["oauth2.googleapis.com", "www.googleapis.com"],
        ),
        "slack" => (vec![("token", MARKER), ("channel", "C1")], vec!["slack.com"]),
        "discord" => {
            (vec![("webhook", "https://discord.com/api/webhooks/1/marker-0f9a7c-marker")], vec!["discord.com"])
        }
        "home_assistant" => (vec![("address", "{service}/"), ("token", MARKER)], vec![]),
        "s3" => (
            vec![("address", "{service}/"), ("bucket", "b"), ("access_key_id", "AKID"), ("secret_access_key", MARKER)],
            vec![],
        ),
        "email" => return None,
        other => panic!("{other} is not among the settings of these tests"),
    })
}

pub fn item(topics: &[Topic]) -> Delivery {
    match topics.first().unwrap() {
        Topic::Jobs => job("applied"),
        Topic::Appointments => appointment(AppointmentChange::Scheduled, 12),
        Topic::Digests => digest(),
        Topic::Documents => document(b"%PDF-1.7"),
    }
}
