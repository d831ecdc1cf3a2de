//! Shared access signatures and derived device keys, as DPS and IoT Hub check them.
//!
//! A token is valid for one resource (or what lies below it) until its expiry; the signature covers the resource *as it was
//! sent*, still percent-encoded, so both upper-case and lower-case escapes of clients are accepted.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::OffsetDateTime;

/// A parsed `SharedAccessSignature …` header or password. Its signature is not yet checked.
pub struct Token {
    raw_resource: String,
    signature: Vec<u8>,
    expiry: String,
    /// Unix seconds.
    pub expires: i64,
    /// The resource, percent-decoded.
    pub resource: String,
    /// The `skn` field: a policy name, or `registration` for devices at DPS.
    pub policy: Option<String>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("resource", &self.resource).field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Token {
    /// Reads a token; `None` if it is not a well-formed shared access signature. The order of the fields is free.
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let fields = header.trim().strip_prefix("SharedAccessSignature ")?;
        let (mut resource, mut signature, mut expiry, mut policy) = (None, None, None, None);
        for field in fields.split('&') {
            let (name, value) = field.split_once('=')?;
            match name.trim() {
                "sr" => resource = Some(value.to_owned()),
                "sig" => signature = STANDARD.decode(percent_decode(value)?).ok(),
                "se" => expiry = Some(value.to_owned()),
                "skn" => policy = Some(percent_decode(value)?).filter(|name| !name.is_empty()),
                _ => {}
            }
        }
        let (raw_resource, expiry) = (resource?, expiry?);
        let expires = expiry.parse().ok()?;
        let resource = percent_decode(&raw_resource)?;
        Some(Self { raw_resource, signature: signature?, expiry, expires, resource, policy })
    }

    /// Whether the token was signed with `key` (base64).
    #[must_use]
    pub fn is_signed_with(&self, key: &str) -> bool {
        let Ok(key) = STANDARD.decode(key) else { return false };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let message = format!("{}\n{}", self.raw_resource, self.expiry);
        hmac::verify(&key, message.as_bytes(), &self.signature).is_ok()
    }

    /// Whether the token's time is over.
    #[must_use]
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.expires <= now.unix_timestamp()
    }

    /// Whether the token's resource is `path`, as sent, or a parent of it. They are compared segment by segment, decoded:
    /// the host and the first segment, which is a word, without regard to case, ids with it. Ids with a `#` or `%` are
    /// escaped once more by some clients before they encode the resource as a whole.
    #[must_use]
    pub fn covers(&self, host: &str, path: &str) -> bool {
        let mut own = self.resource.trim_end_matches('/').split('/');
        let mut wanted = path.trim_start_matches('/').split('/');
        if !own.next().is_some_and(|name| name.eq_ignore_ascii_case(host)) {
            return false;
        }
        let same = |own: &str, wanted: &str| {
            let decoded = percent_decode(wanted);
            decoded.as_deref() == Some(own) || decoded.is_some() && decoded == percent_decode(own)
        };
        own.enumerate().all(|(at, own)| {
            wanted.next().is_some_and(|wanted| same(own, wanted) || (at == 0 && own.eq_ignore_ascii_case(wanted)))
        })
    }
}

/// Makes a token for `resource`; `None` if `key` is not base64. Devices of the sandbox sign their registrations with it.
#[must_use]
pub fn sign(resource: &str, key: &str, expires: i64, policy: Option<&str>) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).ok()?);
    let resource = percent_encode(resource);
    let signature = hmac::sign(&key, format!("{resource}\n{expires}").as_bytes());
    let signature = percent_encode(&STANDARD.encode(signature.as_ref()));
    let policy = policy.map(|name| format!("&skn={name}")).unwrap_or_default();
    Some(format!("SharedAccessSignature sr={resource}&sig={signature}&se={expires}{policy}"))
}

/// The key of one device under a symmetric enrollment group (DPS, "symmetric key attestation"); `None` if the group's key
/// is not base64. The registration id is used exactly as given.
#[must_use]
pub fn derive_key(group_key: &str, registration_id: &str) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(group_key).ok()?);
    Some(STANDARD.encode(hmac::sign(&key, registration_id.as_bytes()).as_ref()))
}

/// Whether `key` is what Azure takes as a symmetric key: base64 of 16 to 64 bytes.
#[must_use]
pub fn is_valid_key(key: &str) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| (16..=64).contains(&bytes.len()))
}

/// A fresh random key of 32 bytes, base64.
#[must_use]
pub fn random_key() -> String {
    let halves = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    STANDARD.encode([halves[0].as_bytes().as_slice(), halves[1].as_bytes().as_slice()].concat())
}

fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Decodes `%XX` escapes; `None` if they are broken or do not give UTF-8. A `+` stays a `+`.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn device_keys_are_derived_as_the_dps_documentation_shows() {
        let group = "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==";
        let derived = derive_key(group, "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6");
        assert_eq!(derived.as_deref(), Some("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc="));
        assert_eq!(derive_key(K, "dev-01").as_deref(), Some("luaCqHSmg758Dy2PlrF3Vl83Pcf53G9Nc/vj86Xl0d4="));
    }

    #[test]
    fn tokens_equal_the_known_vectors() {
        let hub = "SharedAccessSignature sr=contoso-hub.azure-devices.net&sig=fzfizcRvXdPEoehsfaumBWI75lMYFspkAXR3zVcsevY%3D&se=1767225600&skn=service";
        assert_eq!(sign("contoso-hub.azure-devices.net", K, 1_767_225_600, Some("service")).as_deref(), Some(hub));
        let device = "SharedAccessSignature sr=0ne00ABCDEF%2Fregistrations%2Fdev-01&sig=BTU2M3iWIbIcMrdVPqwHQzs9KkUr7MKBlAJpe2mwcD4%3D&se=1767225600&skn=registration";
        let made = sign("0ne00ABCDEF/registrations/dev-01", K, 1_767_225_600, Some("registration"));
        assert_eq!(made.as_deref(), Some(device));
    }

    #[test]
    fn a_token_is_accepted_with_its_own_key_only() {
        let text = sign("contoso-hub.azure-devices.net", K, 1_767_225_600, Some("service")).expect("K is base64");
        let token = Token::parse(&text).expect("well-formed");
        assert!(token.is_signed_with(K));
        assert!(!token.is_signed_with("BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
        assert_eq!(token.policy.as_deref(), Some("service"));
    }

    #[test]
    fn the_order_of_the_fields_is_free_and_lower_case_escapes_are_fine() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(K).expect("base64"));
        let sig = hmac::sign(&key, b"h.net%2fdevices%2fa\n9");
        let sig = percent_encode(&STANDARD.encode(sig.as_ref()));
        let token =
            Token::parse(&format!("SharedAccessSignature se=9&sig={sig}&sr=h.net%2fdevices%2fa")).expect("well-formed");
        assert!(token.is_signed_with(K));
        assert_eq!(token.resource, "h.net/devices/a");
    }

    #[test]
    fn a_token_covers_its_resource_and_what_lies_below() {
        let token = |sr: &str| Token::parse(&sign(sr, K, 9, None).expect("K is base64")).expect("well-formed");
        assert!(token("h.net").covers("H.net", "/twins/a"));
        assert!(token("h.net/twins").covers("h.net", "/twins/a"));
        assert!(!token("h.net/tw").covers("h.net", "/twins/a"));
        assert!(!token("other.net").covers("h.net", "/twins/a"));
        assert!(
            token("h.net/Twins/a").covers("h.net", "/twins/a") && !token("h.net/twins/A").covers("h.net", "/twins/a")
        );
    }

    #[test]
    fn ids_are_compared_decoded_whether_they_were_escaped_once_or_twice() {
        let token = |sr: &str| Token::parse(&sign(sr, K, 9, None).expect("K is base64")).expect("well-formed");
        for resource in ["h.net/devices/a#b", "h.net/devices/a%23b"] {
            assert!(token(resource).covers("h.net", "/devices/a%23b"), "{resource}");
        }
        assert!(token("h.net/devices/50%").covers("h.net", "/devices/50%25"));
        assert!(!token("h.net/devices/a").covers("h.net", "/devices/a%23b"));
    }

    #[test]
    fn keys_outside_16_to_64_bytes_are_refused() {
        assert!(is_valid_key(K) && is_valid_key(&random_key()));
        assert!(!is_valid_key("c2hvcnQ=") && !is_valid_key("not base64!"));
    }
}
