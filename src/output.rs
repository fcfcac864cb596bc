//! Tables, JSON and exit codes.

use std::io::IsTerminal;

use aerie_proto::pipeline::v1 as pb;
use anyhow::Context;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use tonic::{Code, Status};

/// The exit code for an error, as `aerie --help` lists them.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let Some(status) = error.chain().find_map(|cause| cause.downcast_ref::<Status>()) else { return 1 };
    match status.code() {
        Code::InvalidArgument => 2,
        Code::NotFound => 3,
        Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => 4,
        Code::Unavailable | Code::DeadlineExceeded => 5,
        _ => 1,
    }
}

/// Something typed that cannot be; the exit code says so.
pub fn wrong_use(words: impl std::fmt::Display) -> anyhow::Error {
    Status::invalid_argument(words.to_string()).into()
}

/// An error for people: of a service's answer only its message, which says what to do; the code is the exit code.
pub fn error_words(error: &anyhow::Error) -> String {
    let words: Vec<String> = error
        .chain()
        .map(|cause| match cause.downcast_ref::<Status>() {
            Some(status) => status.message().to_owned(),
            None => cause.to_string(),
        })
        .collect();
    words.join(": ")
}

/// A message in the JSON form of protocol buffers; `name` is its full name.
pub fn to_json(name: &str, message: &impl Message) -> anyhow::Result<serde_json::Value> {
    let pool = DescriptorPool::decode(aerie_proto::FILE_DESCRIPTOR_SET).context("descriptors")?;
    let descriptor = pool.get_message_by_name(name).with_context(|| format!("no message is called {name}"))?;
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())?;
    // A zero is a figure too: "new_postings": 0 is what a script looks for.
    let options = SerializeOptions::new().skip_default_fields(false);
    Ok(dynamic.serialize_with_options(serde_json::value::Serializer, &options)?)
}

/// Prints a message as JSON.
pub fn print_json(name: &str, message: &impl Message) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(&to_json(name, message)?)?);
    Ok(())
}

/// A table with these headings, as wide as the terminal.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(if std::io::stdout().is_terminal() { presets::UTF8_HORIZONTAL_ONLY } else { presets::NOTHING });
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if !std::io::stdout().is_terminal() {
        table.set_width(140);
    }
    table.set_header(headings);
    table
}

/// A number, right-aligned.
pub fn number(value: impl std::fmt::Display) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

/// The start of an id: enough to name a job on the command line. The time in front is left out, since jobs of one run
/// share it.
pub fn short_id(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// A job's places and kind of place in a few words.
pub fn place_words(posting: &pb::Posting) -> String {
    let mut words: Vec<String> = posting
        .places
        .iter()
        .take(2)
        .map(|place| {
            let parts = [&place.city, &place.region, &place.country];
            parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
        })
        .collect();
    if posting.places.len() > 2 {
        words.push(format!("+{}", posting.places.len() - 2));
    }
    match posting.remote_kind() {
        pb::RemoteKind::Remote => words.push("remote".to_owned()),
        pb::RemoteKind::Hybrid => words.push("hybrid".to_owned()),
        pb::RemoteKind::OnSite | pb::RemoteKind::Unspecified => {}
    }
    words.join(" · ")
}

/// Pay in a few words.
pub fn pay_words(posting: &pb::Posting) -> String {
    let Some(salary) = &posting.salary else { return String::new() };
    let amount = |value: f64| {
        if value >= 10_000.0 { format!("{:.0}k", value / 1_000.0) } else { format!("{value:.0}") }
    };
    let range = match (salary.minimum, salary.maximum) {
        (Some(low), Some(high)) if low != high => format!("{}–{}", amount(low), amount(high)),
        (Some(one), _) | (None, Some(one)) => amount(one),
        (None, None) => return String::new(),
    };
    let period = match salary.period() {
        pb::PayPeriod::Hour => "/h",
        pb::PayPeriod::Day => "/day",
        pb::PayPeriod::Week => "/week",
        pb::PayPeriod::Month => "/month",
        pb::PayPeriod::Year | pb::PayPeriod::Unspecified => "",
    };
    let estimate = if salary.predicted { " (estimate)" } else { "" };
    format!("{range} {}{period}{estimate}", salary.currency).trim().to_owned()
}

/// The table of a review queue.
pub fn jobs_table(jobs: &[pb::Job]) -> Table {
    let mut table = table(&["score", "title", "company", "place", "pay", "why", "id"]);
    for job in jobs {
        let Some(posting) = &job.posting else { continue };
        let score = job.score.as_ref();
        let mut why = score.map(|score| score.summary.clone()).unwrap_or_default();
        for blocker in score.iter().flat_map(|score| &score.blockers) {
            why.push_str(&format!(" ! {}", blocker.message));
        }
        table.add_row([
            number(
                score.map_or_else(|| "–".to_owned(), |score| format!("{:.0} ±{:.0}", score.total, score.uncertainty)),
            ),
            Cell::new(&posting.title),
            Cell::new(&posting.company),
            Cell::new(place_words(posting)),
            Cell::new(pay_words(posting)),
            Cell::new(why),
            Cell::new(short_id(&job.id)),
        ]);
    }
    table
}
