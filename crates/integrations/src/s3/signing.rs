//! Signature version 4 of Amazon's services, as every S3-compatible storage checks it.

use chrono::{DateTime, Utc};
use ring::{digest, hmac};
use url::Url;

/// Who signs, and for what.
pub(super) struct Signer<'a> {
    pub(super) key: &'a str,
    pub(super) secret: &'a str,
    pub(super) region: &'a str,
    pub(super) at: DateTime<Utc>,
}

/// SHA-256 (FIPS 180-4).
pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// An address below `base` in which everything is escaped but letters, digits and `-._~`, as the signature wants it.
pub(super) fn strict(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    let mut path = base.path().trim_end_matches('/').to_owned();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
                other => path.push_str(&format!("%{other:02X}")),
            }
        }
    }
    url.set_path(&path);
    url
}

impl Signer<'_> {
    /// The headers to add. `headers` are in lower case, and the address has no query.
    pub(super) fn sign(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&'static str, &str)],
        content: &[u8],
    ) -> [(&'static str, String); 3] {
        let content = hex(content);
        let (time, day) = (self.at.format("%Y%m%dT%H%M%SZ").to_string(), self.at.format("%Y%m%d").to_string());
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let mut signed = vec![("host", host.as_str()), ("x-amz-content-sha256", &content), ("x-amz-date", &time)];
        signed.extend_from_slice(headers);
        signed.sort_unstable();
        let names = signed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines: String = signed.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let request = format!("{method}\n{}\n\n{lines}\n{names}\n{content}", url.path());
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&sha256(request.as_bytes())));
        let start = format!("AWS4{}", self.secret).into_bytes();
        let key = [&day, self.region, "s3", "aws4_request"].iter().fold(start, |key, part| mac(&key, part));
        let signature = hex(&mac(&key, &text));
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}", self.key);
        [("authorization", authorization), ("x-amz-content-sha256", content), ("x-amz-date", time)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use chrono::TimeZone;

    use super::*;

    /// The example "PUT Object" of Amazon's description of the signature.
    #[test]
    fn the_signature_is_that_of_the_published_example() {
        let signer = Signer {
            key: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            at: Utc.with_ymd_and_hms(2013, 5, 24, 0, 0, 0).unwrap(),
        };
        let url = strict(&Url::parse("https://examplebucket.s3.amazonaws.com/").unwrap(), &["test$file.text"]);
        let headers = [("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")];
        let signed = signer.sign("PUT", &url, &headers, &sha256(b"Welcome to Amazon S3."));
        assert_eq!(signed[1].1, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
        assert!(
            signed[0].1.ends_with("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
            "{}",
            signed[0].1
        );
    }

    #[test]
    fn names_are_escaped_once_and_wholly() {
        let url = strict(&Url::parse("http://127.0.0.1:9000/base/").unwrap(), &["b", "Brief – ü & (1).pdf"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:9000/base/b/Brief%20%E2%80%93%20%C3%BC%20%26%20%281%29.pdf");
    }
}
