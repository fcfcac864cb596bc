//! CalDAV (RFC 4791): one event for each appointment, in a calendar of any server.
//!
//! The address may be the calendar itself, or the server's: then the calendar is looked for, by its name if one is
//! given. Changes carry the version that was seen (`If-Match`), so that nothing of another program is lost in between.

use async_trait::async_trait;
use http::Method;
use serde::Deserialize;
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, AppointmentChange, Delivered, Delivery, Effect, Field, FieldType, Integration, Item, KindInfo, PushError,
    Style, Topic, Wire, calendar,
    dav::{Dav, Resource},
    table::not_taken,
    wire::below,
};

const SERVICE: &str = "CalDAV";

/// Properties of a calendar.
const CALENDAR: &str = "<d:resourcetype/><d:displayname/><c:supported-calendar-component-set/>";

/// A calendar.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalDav {
    address: Url,
    user: String,
    password: Secret,
    #[serde(default)]
    calendar: String,
}

impl Adapter for CalDav {
    const INFO: KindInfo = KindInfo {
        name: "caldav",
        label: "CalDAV",
        about: "Keeps your interviews in a calendar of Nextcloud, Radicale, iCloud, Fastmail or any other CalDAV server, \
                in the zone that they were agreed in.",
        topics: &[Topic::Appointments],
        style: Style::Record,
        starts_on: true,
        fields: &[
            Field::required(
                "address",
                FieldType::Address,
                "the calendar's address, or the server's, for example https://caldav.icloud.com",
            ),
            Field::required("user", FieldType::Text, "the user that the password belongs to"),
            Field::secret("password", FieldType::Text, "a password, best one for this app alone"),
            Field::optional("calendar", FieldType::Text, "name of the calendar, where the address is the server's"),
        ],
    };
}

#[async_trait]
impl Integration for CalDav {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let dav = self.dav(wire);
        let url = self.calendar(&dav).await?;
        let found = dav.properties(&url, 0, CALENDAR).await?;
        let name = found.first().and_then(|calendar| calendar.text("displayname")).unwrap_or_default().to_owned();
        Ok(format!("the calendar {name:?} is there and takes events"))
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let Item::Appointment(one) = &delivery.item else { return Err(not_taken(&delivery.item)) };
        let dav = self.dav(wire);
        let calendar = self.calendar(&dav).await?;
        let url = below(&calendar, &[&format!("aerie-{}.ics", one.id)]);
        let remote_id = url.to_string();
        let found = dav.call(Method::GET, &url).send().await?;
        let is_there = !matches!(found.status, 404 | 410);
        let found = if is_there { Some(found.success()?) } else { None };
        let version = found.as_ref().and_then(|found| found.header("etag")).map(str::to_owned);
        let cancelled = one.change == AppointmentChange::Cancelled;
        let (answer, effect) = match (&found, cancelled) {
            (None, true) => return Ok(Delivered::new(Effect::Unchanged, remote_id)),
            (Some(found), false) if calendar::has_key(&found.body, &delivery.key) => {
                return Ok(Delivered::new(Effect::Unchanged, remote_id));
            }
            (Some(_), true) => {
                let call = dav.call(Method::DELETE, &url);
                let call = version.iter().fold(call, |call, version| call.header("if-match", version));
                (call.send().await?, Effect::Removed)
            }
            (found, false) => {
                let call = dav.call(Method::PUT, &url);
                let call = match (&version, found) {
                    (Some(version), _) => call.header("if-match", version),
                    (None, Some(_)) => call,
                    (None, None) => call.header("if-none-match", "*"),
                };
                let text = calendar::write(one, &delivery.key, delivery.at);
                let effect = if found.is_some() { Effect::Updated } else { Effect::Created };
                (call.body("text/calendar; charset=utf-8", text).send().await?, effect)
            }
        };
        match answer.status {
            412 => Err(PushError::again("the event was changed in the calendar at the same moment")),
            404 | 410 if cancelled => Ok(Delivered::new(Effect::Unchanged, remote_id)),
            404 | 409 => Err(PushError::setting("address", "the calendar is not there any more; compare the address")),
            _ => answer.success().map(|_| Delivered::new(effect, remote_id)),
        }
    }
}

impl CalDav {
    fn dav<'a>(&'a self, wire: &'a Wire) -> Dav<'a> {
        Dav { wire, service: SERVICE, user: &self.user, password: &self.password }
    }

    /// The calendar's address: the one that was given, or the one that the server leads to (RFC 6764, 4918, 4791).
    async fn calendar(&self, dav: &Dav<'_>) -> Result<Url, PushError> {
        let asked = format!("{CALENDAR}<d:current-user-principal/><c:calendar-home-set/>");
        let found = dav.properties(&self.address, 0, &asked).await?;
        let found = found.into_iter().next().unwrap_or_default();
        if found.is("calendar") {
            takes_events(&found)?;
            return Ok(self.address.clone());
        }
        let home = match (found.text("calendar-home-set"), found.text("current-user-principal")) {
            (Some(home), _) => self.lead(home)?,
            (None, Some(principal)) => {
                let principal = self.lead(principal)?;
                let found = dav.properties(&principal, 0, "<c:calendar-home-set/>").await?;
                let home = found.first().and_then(|found| found.text("calendar-home-set")).map(str::to_owned);
                let words = "the server names no calendars; write the calendar's own address";
                self.lead(&home.ok_or_else(|| PushError::setting("address", words))?)?
            }
            (None, None) => {
                let words = "there is no calendar at this address; write the calendar's own address";
                return Err(PushError::setting("address", words));
            }
        };
        let members = dav.properties(&home, 1, CALENDAR).await?;
        let calendars: Vec<Resource> =
            members.into_iter().filter(|member| member.is("calendar") && takes_events(member).is_ok()).collect();
        let named = |one: &&Resource| one.text("displayname") == Some(self.calendar.as_str());
        let chosen = if self.calendar.is_empty() && calendars.len() == 1 {
            calendars.first()
        } else {
            calendars.iter().find(named)
        };
        match chosen {
            Some(calendar) => self.lead(&calendar.href),
            None => {
                let names: Vec<&str> = calendars.iter().filter_map(|one| one.text("displayname")).take(20).collect();
                let words = format!("name one of the server's calendars: {}", names.join(", "));
                Err(PushError::setting("calendar", words))
            }
        }
    }

    /// An address that the server names. The password goes to no other server than the one it was given for.
    fn lead(&self, href: &str) -> Result<Url, PushError> {
        let url =
            self.address.join(href).map_err(|_| PushError::refused(format!("{SERVICE} names {href:?}, no address")))?;
        if url.origin() != self.address.origin() {
            let host = url.host_str().unwrap_or_default();
            let words = format!("the calendar lies at {}://{host}; write an address there", url.scheme());
            return Err(PushError::setting("address", words));
        }
        Ok(url)
    }
}

/// A calendar that names what it takes must take events.
fn takes_events(calendar: &Resource) -> Result<(), PushError> {
    if calendar.components.is_empty() || calendar.components.iter().any(|component| component == "VEVENT") {
        return Ok(());
    }
    Err(PushError::setting("calendar", "it takes no events; choose another one"))
}
