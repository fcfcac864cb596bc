//! WebDAV, for example Nextcloud: documents and digests as files in a folder.
//!
//! A file whose content is there already is not written again.

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Digest, Effect, Field, FieldType, Integration, Item, KindInfo, PushError, Style,
    Topic, Wire, dav::Dav, table::not_taken, wire::below,
};

const SERVICE: &str = "WebDAV";

/// What a test writes and takes away again.
const TEST_FILE: &str = "aerie-test.txt";

/// A folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebDav {
    address: Url,
    user: String,
    password: Secret,
}

impl Adapter for WebDav {
    const INFO: KindInfo = KindInfo {
        name: "webdav",
        label: "Nextcloud or WebDAV",
        about: "Keeps letters, résumés and digests as files in a folder of your own cloud.",
        topics: &[Topic::Documents, Topic::Digests],
        style: Style::Record,
        starts_on: true,
        fields: &[
            Field::required(
                "address",
                FieldType::Address,
                "the folder's address; for Nextcloud https://HOST/remote.php/dav/files/USER/FOLDER",
            ),
            Field::required("user", FieldType::Text, "the user that the password belongs to"),
            Field::secret("password", FieldType::Text, "an app password (Nextcloud: settings > security)"),
        ],
    };
}

/// Name, media type and content of an item as a file.
pub(crate) fn file(item: &Item) -> Result<(String, String, Bytes), PushError> {
    match item {
        Item::Document(document) => {
            Ok((document.name.as_str().to_owned(), document.media_type.clone(), document.content.clone()))
        }
        Item::Digest(digest) => {
            let text = format!("# {}\n\n{}", item.headline(), digest.text());
            Ok((digest_name(digest), "text/markdown; charset=utf-8".to_owned(), text.into()))
        }
        other => Err(not_taken(other)),
    }
}

fn digest_name(digest: &Digest) -> String {
    format!("digest-{}.md", digest.day)
}

#[async_trait]
impl Integration for WebDav {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let dav = self.dav(wire);
        dav.make_folders(&self.address, &[]).await?;
        let found = dav.properties(&self.address, 0, "<d:resourcetype/>").await?;
        if !found.first().is_some_and(|folder| folder.is("collection")) {
            return Err(PushError::setting("address", "leads to a file; write the address of a folder"));
        }
        let url = below(&self.address, &[TEST_FILE]);
        dav.call(Method::PUT, &url).body("text/plain", "Aerie can write here.\n").send().await?.success()?;
        dav.call(Method::DELETE, &url).send().await?.success()?;
        Ok("the folder is there and can be written to".to_owned())
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let (name, media_type, content) = file(&delivery.item)?;
        let dav = self.dav(wire);
        let url = below(&self.address, &[&name]);
        let found = dav.call(Method::HEAD, &url).send().await?;
        let is_there = found.status != 404;
        if is_there {
            let length = found.success()?.header("content-length").and_then(|length| length.parse::<usize>().ok());
            // Only what has the same length is worth reading.
            if length.is_none_or(|length| length == content.len())
                && dav.call(Method::GET, &url).send().await?.success()?.body == content
            {
                return Ok(Delivered::new(Effect::Unchanged, name));
            }
        }
        let put = || dav.call(Method::PUT, &url).body(&media_type, content.clone()).send();
        let mut answer = put().await?;
        if matches!(answer.status, 404 | 409) {
            dav.make_folders(&self.address, &[]).await?;
            answer = put().await?;
        }
        if answer.status == 507 {
            return Err(PushError::again("the folder's quota is used up (507); make room"));
        }
        answer.success()?;
        Ok(Delivered::new(if is_there { Effect::Updated } else { Effect::Created }, name))
    }
}

impl WebDav {
    fn dav<'a>(&'a self, wire: &'a Wire) -> Dav<'a> {
        Dav { wire, service: SERVICE, user: &self.user, password: &self.password }
    }
}
