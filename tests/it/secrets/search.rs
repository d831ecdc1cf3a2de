//! Looks for many secrets at once, in every dress that one is likely to wear.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use url::form_urlencoded::byte_serialize;

/// The length of a code verifier that 32 random bytes make.
const VERIFIER: usize = 43;

/// Secrets in all their dresses, by their first four bytes.
pub struct Needles(HashMap<[u8; 4], Vec<(String, Vec<u8>)>>);

impl Needles {
    pub fn new(secrets: &[String]) -> Self {
        let mut by_start: HashMap<[u8; 4], Vec<(String, Vec<u8>)>> = HashMap::new();
        for secret in secrets {
            for (dress, bytes) in dresses(secret) {
                let start = [bytes[0], bytes[1], bytes[2], bytes[3]];
                by_start.entry(start).or_default().push((format!("{}… {dress}", &secret[..6]), bytes));
            }
        }
        Self(by_start)
    }

    /// Fails if one of them is in there, and says which and after what.
    pub fn assert_not_in(&self, place: &str, content: &[u8]) {
        for (at, start) in content.windows(4).enumerate() {
            let Some(candidates) = self.0.get(start) else { continue };
            for (name, bytes) in candidates {
                if content[at..].starts_with(bytes) {
                    let before = String::from_utf8_lossy(&content[at.saturating_sub(300)..at]);
                    panic!("{name} is in {place}, after: {before}");
                }
            }
        }
    }
}

/// As it is, percent-encoded, in base64 at any alignment, and, where it is base64 itself, the bytes that it stands for.
fn dresses(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let percent: String = byte_serialize(secret.as_bytes()).collect();
    let mut dresses = vec![
        ("as it is", secret.as_bytes().to_vec()),
        ("percent-encoded", percent.clone().into_bytes()),
        (
            "percent-encoded in lower case",
            percent.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d").into_bytes(),
        ),
        ("without padding", secret.trim_end_matches('=').as_bytes().to_vec()),
    ];
    for offset in 0..3 {
        dresses.push(("in base64", in_base64(&STANDARD, secret, offset)));
        dresses.push(("in base64 for addresses", in_base64(&URL_SAFE, secret, offset)));
    }
    if let Some(bytes) = STANDARD.decode(secret).ok().filter(|bytes| bytes.len() >= 16) {
        dresses.push(("as bytes", bytes));
    }
    dresses
}

/// What of the base64 of a text with the secret in it depends on the secret alone.
fn in_base64(engine: &base64::engine::GeneralPurpose, secret: &str, offset: usize) -> Vec<u8> {
    let encoded = engine.encode([&vec![0; offset], secret.as_bytes()].concat());
    let first = (offset * 8).div_ceil(6);
    let end = (offset + secret.len()) * 8 / 6;
    encoded.as_bytes()[first..end].to_vec()
}

/// A code verifier of one of the challenges: a word of base64 whose hash is the challenge.
pub fn verifier_of(challenges: &[String], content: &[u8]) -> Option<String> {
    let is_of_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let words = content.split(|byte| !is_of_base64(byte)).flat_map(|word| word.windows(VERIFIER));
    let mut found = words.filter(|word| challenges.contains(&URL_SAFE_NO_PAD.encode(digest(&SHA256, word))));
    found.next().map(|word| String::from_utf8_lossy(word).into_owned())
}

#[test]
fn every_dress_is_found() {
    let secret = "kEy+with/every==".to_owned();
    let needles = Needles::new(std::slice::from_ref(&secret));
    let percent: String = byte_serialize(secret.as_bytes()).collect();
    let texts = ["", "a", "ab"].map(|before| STANDARD.encode(format!("{before}{secret} and more")));
    for text in [secret, percent].iter().chain(&texts) {
        let caught = std::panic::catch_unwind(|| needles.assert_not_in("a test", format!("before {text}").as_bytes()));
        assert!(caught.is_err(), "{text}");
    }
    needles.assert_not_in("a test", b"kEy+with/other==");
}

#[test]
fn a_verifier_is_found_by_its_challenge() {
    let verifier = "A".repeat(VERIFIER);
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let log = format!("sent verifier={verifier}, done");
    assert_eq!(verifier_of(&[challenge], log.as_bytes()), Some(verifier));
}
