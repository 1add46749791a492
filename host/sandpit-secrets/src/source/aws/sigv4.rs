//! AWS Signature Version 4: a request, signed with a secret that is not sent.
//!
//! Source: "AWS Identity and Access Management user guide", "Create a signed AWS API request".

use std::fmt::Write;

use ring::{digest, hmac};
use zeroize::Zeroizing;

use crate::SecretText;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Keys of AWS, which end after a while when they come with a session's token.
pub(super) struct Keys {
    pub(super) access_key_id: SecretText,
    pub(super) secret_access_key: SecretText,
    pub(super) session_token: Option<SecretText>,
}

/// What is signed of a request. Header names are in lower case, and sorted.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
    pub(super) body: &'a [u8],
    /// `20150830T123600Z`
    pub(super) time: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

impl Signed<'_> {
    /// The value of the header `authorization`.
    pub(super) fn authorization(&self, keys: &Keys) -> String {
        let date = self.time.get(..8).unwrap_or_default();
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let names: Vec<_> = self.headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let canonical = self.canonical(&names);
        let text = format!("{ALGORITHM}\n{}\n{scope}\n{}", self.time, hash(canonical.as_bytes()));
        let signature = hex(hmac::sign(&self.key(keys, date), text.as_bytes()).as_ref());
        let id = keys.access_key_id.expose();
        format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }

    fn canonical(&self, names: &str) -> Zeroizing<String> {
        // A session's token is among the headers.
        let bytes: usize =
            self.headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut out = Zeroizing::new(String::with_capacity(bytes + names.len() + 256));
        // Writing to a string cannot fail. No request of ours has a query.
        let _ = write!(out, "{}\n{}\n\n", self.method, self.path);
        for (name, value) in self.headers {
            let _ = writeln!(out, "{name}:{}", value.trim());
        }
        let _ = write!(out, "\n{names}\n{}", hash(self.body));
        out
    }

    fn key(&self, keys: &Keys, date: &str) -> hmac::Key {
        let secret = keys.secret_access_key.expose();
        let mut first = Zeroizing::new(Vec::with_capacity(secret.len() + 4));
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.as_bytes());
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, &first);
        for part in [date, self.region, self.service, "aws4_request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        key
    }
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    // Of AWS's own test suite, "aws-sig-v4-test-suite".
    fn keys() -> Keys {
        Keys {
            access_key_id: SecretText::new("AKIDEXAMPLE".to_owned()),
            secret_access_key: SecretText::new(
                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            ),
            session_token: None,
        }
    }

    fn signature(method: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let signed = Signed {
            method,
            path: "/",
            headers,
            body,
            time: "20150830T123600Z",
            region: "us-east-1",
            service: "service",
        };
        signed.authorization(&keys())
    }

    #[test]
    fn vectors_of_the_test_suite() {
        let host = ("host", "example.amazonaws.com");
        let date = ("x-amz-date", "20150830T123600Z");
        let begin =
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
        assert_eq!(
            signature("GET", &[host, date], b""),
            format!(
                "{begin}, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
            ),
        );
        assert_eq!(
            signature("POST", &[host, date], b""),
            format!(
                "{begin}, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
            ),
        );
        let form = ("content-type", "application/x-www-form-urlencoded");
        assert_eq!(
            signature("POST", &[form, host, date], b"Param1=value1"),
            format!(
                "{begin}, SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
            ),
        );
    }
}
