//! What WebDAV (RFC 4918) and CalDAV (RFC 4791) have in common: properties, files, folders.

use http::Method;
use quick_xml::{Reader, escape::unescape, events::Event};
use url::Url;

use aerie_config::Secret;

use crate::{
    PushError, Wire,
    wire::{Answer, below},
};

/// Deepest nesting of an answer that is read.
const MOST_DEPTH: usize = 32;

/// Who asks, and whom.
pub(crate) struct Dav<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) service: &'static str,
    pub(crate) user: &'a str,
    pub(crate) password: &'a Secret,
}

/// One resource of an answer to PROPFIND.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Path or address.
    pub(crate) href: String,
    /// Local names of the elements within `resourcetype`.
    pub(crate) types: Vec<String>,
    /// Text of the properties by local name; of nested ones the text of the innermost `href`.
    pub(crate) texts: Vec<(String, String)>,
    /// Kinds of components that a calendar takes.
    pub(crate) components: Vec<String>,
}

impl Resource {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    pub(crate) fn is(&self, kind: &str) -> bool {
        self.types.iter().any(|known| known == kind)
    }
}

impl Dav<'_> {
    pub(crate) fn call(&self, method: Method, url: &Url) -> crate::wire::Call<'_> {
        self.wire.call(self.service, method, url).basic(self.user, self.password.reveal())
    }

    /// A method that HTTP itself does not have.
    fn method(name: &'static str) -> Result<Method, PushError> {
        Method::from_bytes(name.as_bytes()).map_err(|_| PushError::refused(format!("{name} is no method")))
    }

    /// Properties of a resource, with those of its members when `depth` is 1. `properties` is XML.
    pub(crate) async fn properties(&self, url: &Url, depth: u8, properties: &str) -> Result<Vec<Resource>, PushError> {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><d:propfind xmlns:d=\"DAV:\" \
             xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><d:prop>{properties}</d:prop></d:propfind>"
        );
        let call = self.call(Self::method("PROPFIND")?, url).header("depth", if depth == 0 { "0" } else { "1" });
        let answer = call.body("application/xml; charset=utf-8", body).send().await?;
        match answer.status {
            207 => read(&answer),
            404 => Err(PushError::setting(
                "address",
                format!("{} has nothing there (404); compare the address", self.service),
            )),
            405 => Err(PushError::setting("address", format!("what answers there is no {} (405)", self.service))),
            _ => {
                let service = answer.service;
                Err(answer.success().map_or_else(
                    |error| error,
                    |_| {
                        PushError::setting(
                            "address",
                            format!("what answers there is no {service}; compare the address"),
                        )
                    },
                ))
            }
        }
    }

    /// Makes a folder and those above it, down from `base`.
    pub(crate) async fn make_folders(&self, base: &Url, segments: &[&str]) -> Result<(), PushError> {
        for length in 0..=segments.len() {
            let url = below(base, segments.get(..length).unwrap_or_default());
            let answer = self.call(Self::method("MKCOL")?, &url).send().await?;
            // 405: it is there already.
            if answer.status != 405 {
                answer.success()?;
            }
        }
        Ok(())
    }
}

/// Reads a multistatus document.
fn read(answer: &Answer) -> Result<Vec<Resource>, PushError> {
    let text = String::from_utf8_lossy(&answer.body);
    parse(&text)
        .map_err(|reason| PushError::refused(format!("the answer of {} cannot be read: {reason}", answer.service)))
}

fn parse(text: &str) -> Result<Vec<Resource>, String> {
    let mut reader = Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    let mut found: Vec<Resource> = Vec::new();
    let mut words = String::new();
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                let component = component(&start);
                open(&mut found, &path, &name, component);
                path.push(name);
                if path.len() > MOST_DEPTH {
                    return Err(format!("it is nested deeper than {MOST_DEPTH} elements"));
                }
                words.clear();
            }
            Event::Empty(start) => {
                let name = start.local_name().as_ref().to_owned();
                let component = component(&start);
                open(&mut found, &path, &name, component);
            }
            Event::Text(piece) => {
                words.push_str(&piece);
            }
            Event::CData(piece) => words.push_str(&piece),
            Event::GeneralRef(reference) => {
                let reference = format!("&{};", &*reference);
                words.push_str(&unescape(&reference).map_err(|error| error.to_string())?);
            }
            Event::End(_) => {
                close(&mut found, &path, words.trim());
                path.pop();
                words.clear();
            }
            Event::Eof if path.is_empty() => return Ok(found),
            Event::Eof => return Err("it ends in the middle".to_owned()),
            // What a document type declares is not looked at.
            _ => {}
        }
    }
}

/// The name of a `comp` element.
fn component(start: &quick_xml::events::BytesStart<'_>) -> Option<String> {
    if start.local_name().as_ref() != "comp" {
        return None;
    }
    let attribute = start.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "name")?;
    Some(attribute.value.into_owned())
}

fn open(found: &mut Vec<Resource>, path: &[String], name: &str, component: Option<String>) {
    if name == "response" {
        found.push(Resource::default());
    }
    let Some(resource) = found.last_mut() else { return };
    if path.last().is_some_and(|parent| parent == "resourcetype") {
        resource.types.push(name.to_owned());
    }
    resource.components.extend(component);
}

fn close(found: &mut [Resource], path: &[String], words: &str) {
    let (Some(resource), Some(name)) = (found.last_mut(), path.last()) else { return };
    let parent = path.len().checked_sub(2).and_then(|at| path.get(at)).map(String::as_str);
    match (name.as_str(), parent) {
        ("href", Some("response")) => resource.href = words.to_owned(),
        ("href", Some(property)) => resource.texts.push((property.to_owned(), words.to_owned())),
        (_, Some("prop")) if !words.is_empty() => resource.texts.push((name.clone(), words.to_owned())),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn properties_are_read_whatever_their_prefixes() {
        let text = r#"<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
            <response><href>/robin/work%20%26%20more/</href><propstat><prop>
              <resourcetype><collection/><C:calendar/></resourcetype><displayname>Work &amp; more</displayname>
              <C:supported-calendar-component-set><C:comp name="VEVENT"/><C:comp name="VTODO"></C:comp>
              </C:supported-calendar-component-set>
              <C:calendar-home-set><href>/robin/</href></C:calendar-home-set>
            </prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>"#;
        let found = parse(text).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].is("calendar") && !found[0].is("principal"));
        assert_eq!(found[0].href, "/robin/work%20%26%20more/");
        assert_eq!(found[0].text("displayname"), Some("Work & more"));
        assert_eq!(found[0].text("calendar-home-set"), Some("/robin/"));
        assert_eq!(found[0].components, ["VEVENT", "VTODO"]);
    }

    #[test]
    fn hostile_answers_are_refused() {
        assert!(parse(&"<a>".repeat(100)).is_err());
        assert!(parse("<a><b></a>").is_err());
        assert!(parse("<a>").is_err());
        let bomb = "<!DOCTYPE x [<!ENTITY e \"eeee\">]><prop><a>&e;</a></prop>";
        assert!(parse(bomb).is_err(), "entities of a document's own are not known");
    }
}
