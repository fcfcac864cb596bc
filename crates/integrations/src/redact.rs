//! Keeps secrets out of words, also where a service repeats them in its answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{KindInfo, Settings};

/// Shorter ones would blot out ordinary words, and are refused as credentials by every service.
const LEAST_BYTES: usize = 4;

/// What stands where a secret stood.
const BLOT: &str = "[hidden]";

/// The secrets of one integration in every form that they are sent in.
pub(crate) struct Redactor {
    forms: Vec<String>,
}

impl Redactor {
    pub(crate) fn of(info: &KindInfo, settings: &Settings) -> Self {
        let mut forms = Vec::new();
        let user = settings.0.get("user").map_or("", |user| user.trim());
        for field in info.fields.iter().filter(|field| field.secret) {
            let Some(secret) = settings.0.get(field.name).map(|secret| secret.trim()) else { continue };
            let mut parts = vec![secret.to_owned()];
            // The lines of a key, and what a JSON document holds.
            if let Ok(Value::Object(fields)) = serde_json::from_str(secret) {
                let texts = fields.into_iter().filter(|(name, _)| name.starts_with("private_key"));
                parts.extend(texts.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
            }
            let lines: Vec<String> =
                parts.iter().flat_map(|part| part.lines()).filter(|line| line.len() >= 16).map(str::to_owned).collect();
            parts.extend(lines);
            // The parts of an address that is a credential.
            if let Ok(url) = url::Url::parse(secret) {
                parts.extend(
                    url.path_segments().into_iter().flatten().filter(|part| part.len() >= 16).map(str::to_owned),
                );
                parts.push(url.path().to_owned());
            }
            for part in parts {
                forms.extend([
                    STANDARD.encode(&part),
                    STANDARD.encode(format!("{user}:{part}")),
                    STANDARD.encode(format!("\0{user}\0{part}")),
                    url::form_urlencoded::byte_serialize(part.as_bytes()).collect(),
                    part,
                ]);
            }
        }
        forms.retain(|form| form.len() >= LEAST_BYTES);
        // A longer form first, so that none is left half.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self { forms }
    }

    pub(crate) fn clean(&self, words: String) -> String {
        self.forms.iter().fold(words, |words, form| {
            if words.contains(form.as_str()) { words.replace(form.as_str(), BLOT) } else { words }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::by_name;

    #[test]
    fn every_form_of_a_secret_is_blotted_out() {
        let settings = Settings::from([("user", "robin"), ("password", "p&ss wörd"), ("url", "https://x.example/")]);
        let redactor = Redactor::of(&by_name("caldav").unwrap().info, &settings);
        for form in ["p&ss wörd", "p%26ss+w%C3%B6rd", STANDARD.encode("robin:p&ss wörd").as_str()] {
            assert_eq!(redactor.clean(format!("he said {form}!")), "he said [hidden]!");
        }
        assert_eq!(redactor.clean("robin".to_owned()), "robin");
    }
}
