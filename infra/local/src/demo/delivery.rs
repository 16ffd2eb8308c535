//! A webhook in the byte shape of GitHub's published example, signed over its raw bytes.

use std::{fs, path::Path};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::repository::{self, Repository};
use crate::{
    api::{self, Answer},
    commands::Local,
    stop::{OrStop, Result, Stop},
};

/// The number that the example has.
pub(crate) const PULL_REQUEST: u32 = 2;

pub(crate) struct Delivery {
    pub(crate) id: String,
    body: String,
    signature: String,
}

impl Delivery {
    pub(crate) fn new(local: &Local, repository: &Repository, secret: &str) -> Result<Self> {
        let path = local.checkout.root().join("tests/fixtures/demo/pull_request.opened.json");
        let example = fs::read_to_string(&path)
            .or_stop(format_args!("cannot read {}", path.display()), "restore it from git")?;
        let body = retell(&example, repository)?;
        let signature = sign(secret, body.as_bytes());
        Ok(Self { id: delivery_id(&repository.head), body, signature })
    }

    pub(crate) fn send(&self, webhook_url: &str) -> Result<Answer> {
        let response = api::agent()
            .post(format!("{webhook_url}/github"))
            .header("User-Agent", "GitHub-Hookshot/demo")
            .header("Content-Type", "application/json")
            .header("X-GitHub-Event", "pull_request")
            .header("X-GitHub-Delivery", &self.id)
            .header("X-Hub-Signature-256", &self.signature)
            .send(self.body.as_bytes())
            .or_stop("the webhook URL does not answer", "see `cargo local status`")?;
        api::read(response)
    }
}

/// The example told of our repository: only words change, neither fields nor their order.
fn retell(example: &str, repository: &Repository) -> Result<String> {
    let github_id = repository::GITHUB_ID.to_string();
    let words = [
        ("https://github.com/Codertocat/Hello-World.git", repository.clone_url.as_str()),
        ("Codertocat/Hello-World", repository::FULL_NAME),
        ("Hello-World", "shop"),
        ("Codertocat", "acme"),
        ("186853002", &github_id),
        ("ec26c3e57ca3a959ca5aad62de7213c562f8c821", &repository.head),
        ("f95f852bd8fca8fcc58a9a2d6c842781e32a215e", &repository.base),
        (":master\"", ":main\""),
        ("\"master\"", "\"main\""),
        (":changes\"", ":receipts\""),
        ("\"changes\"", "\"receipts\""),
        ("Update the README with new information.", "Print receipts and labels"),
    ];
    words.iter().try_fold(example.to_owned(), |body, (old, new)| {
        if body.contains(old) {
            Ok(body.replace(old, new))
        } else {
            Err(Stop::new(
                format_args!("the example payload no longer says `{old}`"),
                "restore tests/fixtures/demo/pull_request.opened.json from git",
            ))
        }
    })
}

/// The same commit is the same delivery, so that a second demo is seen as a repetition.
fn delivery_id(head: &str) -> String {
    let part = |range: std::ops::Range<usize>| head.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Copies an envelope with one character of its payload exchanged.
pub(crate) fn change_one_byte(from: &Path, to: &Path) -> Result<()> {
    let read = format!("cannot read {}", from.display());
    let mut text = fs::read(from).or_stop(&read, "run `cargo local demo` again")?;
    let key = b"\"payload\":";
    let start = text.windows(key.len()).position(|window| window == key);
    // Some way into the value: at its end a change might only touch base64's unused bits.
    let place = start.map(|start| start + key.len() + 40).filter(|place| *place < text.len());
    let byte = place
        .and_then(|place| text.get_mut(place))
        .ok_or_else(|| Stop::new("the envelope has no payload", "run `cargo local demo` again"))?;
    *byte = if *byte == b'A' { b'B' } else { b'A' };
    fs::write(to, text).or_stop(format_args!("cannot write {}", to.display()), "free some space")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../tests/fixtures/demo/pull_request.opened.json");

    fn shop() -> Repository {
        Repository {
            clone_url: "http://127.0.0.1:1/acme/shop.git".to_owned(),
            base: "b".repeat(40),
            head: "a".repeat(40),
        }
    }

    /// GitHub's documentation, "Validating webhook deliveries", testing the signature.
    #[test]
    fn the_signature_is_the_one_that_github_publishes() {
        assert_eq!(
            sign("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    #[test]
    fn the_example_is_retold_without_a_trace_of_its_names() {
        let told = retell(EXAMPLE, &shop()).unwrap();
        assert!(!told.contains("Codertocat") && !told.contains("Hello-World"), "{told}");

        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["repository"]["full_name"], "acme/shop");
        assert_eq!(told["repository"]["id"], repository::GITHUB_ID);
        assert_eq!(told["repository"]["default_branch"], "main");
        assert_eq!(told["number"], PULL_REQUEST);
        assert_eq!(told["pull_request"]["head"]["sha"], "a".repeat(40));
        assert_eq!(told["pull_request"]["base"]["sha"], "b".repeat(40));
        assert_eq!(told["pull_request"]["base"]["ref"], "main");
        assert_eq!(told["pull_request"]["head"]["repo"]["clone_url"], shop().clone_url);
    }

    #[test]
    fn a_payload_of_another_shape_is_noticed() {
        assert!(retell(&EXAMPLE.replace("186853002", "1"), &shop()).is_err());
    }

    #[test]
    fn a_delivery_is_named_by_its_commit() {
        let id = delivery_id("edec0884ca1f952496a497c76b44491b35bba943");
        assert_eq!(id, "edec0884-ca1f-9524-96a4-97c76b44491b");
    }
}
