//! S3-compatible storage: documents and digests as objects of a bucket, addressed by path.
//!
//! The delivery's key stands in the object's metadata: an object that is there already is not written again, so that a
//! bucket that keeps versions keeps one.

mod signing;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::Utc;
use http::Method;
use serde::Deserialize;
use url::Url;

use aerie_config::Secret;

use crate::{
    Adapter, Delivered, Delivery, Effect, Field, FieldType, Integration, KindInfo, PushError, Style, Topic, Wire,
    settings::Problems,
    webdav::file,
    wire::{Answer, below},
};

pub(crate) use signing::hex;
use signing::{Signer, sha256};

const SERVICE: &str = "the object storage";

/// What a test writes and takes away again.
const TEST_OBJECT: &str = "aerie-test.txt";

/// A bucket.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct S3 {
    address: Url,
    region: String,
    bucket: String,
    #[serde(default)]
    prefix: String,
    access_key_id: String,
    secret_access_key: Secret,
}

impl Adapter for S3 {
    const INFO: KindInfo = KindInfo {
        name: "s3",
        label: "S3-compatible storage",
        about: "Keeps letters, résumés and digests as objects of a bucket (Amazon, MinIO, Garage, Backblaze, R2 and others).",
        topics: &[Topic::Documents, Topic::Digests],
        style: Style::Record,
        starts_on: true,
        fields: &[
            Field::required(
                "address",
                FieldType::Address,
                "the service's address without the bucket, for example https://s3.eu-central-1.amazonaws.com",
            ),
            Field::optional("region", FieldType::Text, "the region, as the service names it").or("us-east-1"),
            Field::required("bucket", FieldType::Text, "name of the bucket, which must exist"),
            Field::optional("prefix", FieldType::Text, "a folder within the bucket, for example aerie/documents"),
            Field::required("access_key_id", FieldType::Text, "the public half of the key"),
            Field::secret("secret_access_key", FieldType::Text, "the secret half of the key"),
        ],
    };

    fn check(&self, problems: &mut Problems) {
        let plain = |character: char| character.is_ascii_alphanumeric() || ".-_".contains(character);
        problems.require(self.bucket.chars().all(plain), "bucket", "has other characters than letters, digits, . - _");
        problems.require(self.region.chars().all(plain), "region", "has other characters than letters, digits, . - _");
        let odd = self.prefix.split('/').any(|segment| segment == "." || segment == "..");
        problems.require(!odd, "prefix", "has a part that is only dots; name plain folders");
    }
}

#[async_trait]
impl Integration for S3 {
    async fn test(&self, wire: &Wire) -> Result<String, PushError> {
        let url = self.object(TEST_OBJECT);
        let content = Bytes::from_static(b"Aerie can write here.\n");
        self.send(wire, Method::PUT, &url, &[("content-type", "text/plain")], content).await?.success()?;
        let gone = self.send(wire, Method::DELETE, &url, &[], Bytes::new()).await?;
        Ok(match gone.success() {
            Ok(_) => format!("the bucket {:?} can be written to", self.bucket),
            Err(_) => format!(
                "the bucket {:?} can be written to; the key may not delete, so the test object {TEST_OBJECT} stays",
                self.bucket
            ),
        })
    }

    async fn push(&self, wire: &Wire, delivery: &Delivery) -> Result<Delivered, PushError> {
        let (name, media_type, content) = file(&delivery.item)?;
        let url = self.object(&name);
        let mark = hex(&sha256(&content));
        let found = self.send(wire, Method::HEAD, &url, &[], Bytes::new()).await?;
        let is_there = found.status != 404;
        // A key that may only write gets 403 for an object that it may not see.
        if is_there && found.status != 403 && found.success()?.header("x-amz-meta-aerie-sha256") == Some(&mark) {
            return Ok(Delivered::new(Effect::Unchanged, url.path()));
        }
        let headers = [("content-type", media_type.as_str()), ("x-amz-meta-aerie-sha256", mark.as_str())];
        self.send(wire, Method::PUT, &url, &headers, content).await?.success()?;
        Ok(Delivered::new(if is_there { Effect::Updated } else { Effect::Created }, url.path()))
    }
}

impl S3 {
    fn object(&self, name: &str) -> Url {
        let folders = self.prefix.split('/').filter(|segment| !segment.is_empty());
        let segments: Vec<&str> = [self.bucket.as_str()].into_iter().chain(folders).chain([name]).collect();
        signing::strict(&below(&self.address, &[]), &segments)
    }

    async fn send(
        &self,
        wire: &Wire,
        method: Method,
        url: &Url,
        headers: &[(&'static str, &str)],
        content: Bytes,
    ) -> Result<Answer, PushError> {
        let signer = Signer {
            key: &self.access_key_id,
            secret: self.secret_access_key.reveal(),
            region: &self.region,
            at: Utc::now(),
        };
        let signed = signer.sign(method.as_str(), url, headers, &sha256(&content));
        let mut call = wire.call(SERVICE, method, url);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        for (name, value) in &signed {
            call = call.header(name, value);
        }
        let call = if content.is_empty() { call } else { call.content(content) };
        let answer = call.send().await?;
        match answer.status {
            404 if answer_names(&answer, "NoSuchBucket") => {
                Err(PushError::setting("bucket", format!("there is no bucket {:?}; make it first", self.bucket)))
            }
            301 | 307 | 400 if answer_names(&answer, "region") || answer_names(&answer, "PermanentRedirect") => {
                let words = "the bucket lies in another region; write its region and the address that belongs to it";
                Err(PushError::setting("region", words))
            }
            403 if answer_names(&answer, "RequestTimeTooSkewed") => {
                Err(PushError::again("this machine's clock differs from the storage's; set it right"))
            }
            _ => Ok(answer),
        }
    }
}

fn answer_names(answer: &Answer, words: &str) -> bool {
    String::from_utf8_lossy(&answer.body).contains(words)
}
