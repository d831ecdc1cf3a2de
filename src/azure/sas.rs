//! Shared access signatures and derived device keys (HMAC-SHA256 over UTF-8, keys in base64).
//!
//! Facts: "Control access to IoT Hub using shared access signatures", "Symmetric key attestation" of the DPS documentation.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

/// A key that is not base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not base64")]
pub struct BadKey;

/// Signs a token for `resource` (host, host and path, or ID scope and registration; lower-case only the host) that
/// expires at `expiry` (unix seconds). `policy` is the `skn` part: the policy's name, `registration`, or nothing for a
/// device's own key at a hub.
///
/// # Errors
/// [`BadKey`].
pub fn sign(resource: &str, key: &SecretString, policy: Option<&str>, expiry: i64) -> Result<SecretString, BadKey> {
    let resource = percent_encode(resource);
    let signature = percent_encode(&mac(key, &format!("{resource}\n{expiry}"))?);
    let mut token = format!("SharedAccessSignature sr={resource}&sig={signature}&se={expiry}");
    if let Some(policy) = policy {
        token.push_str("&skn=");
        token.push_str(&percent_encode(policy));
    }
    Ok(SecretString::from(token))
}

/// The key of one device of a symmetric enrollment group. The registration id is taken exactly as the device spells it.
///
/// # Errors
/// [`BadKey`].
pub fn derive_device_key(group_key: &SecretString, registration_id: &str) -> Result<SecretString, BadKey> {
    mac(group_key, registration_id).map(SecretString::from)
}

fn mac(key: &SecretString, message: &str) -> Result<String, BadKey> {
    let bytes = Zeroizing::new(STANDARD.decode(key.expose_secret()).map_err(|_| BadKey)?);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
    Ok(STANDARD.encode(hmac::sign(&key, message.as_bytes())))
}

/// Percent-encodes everything but RFC 3986's unreserved characters, with upper-case hex.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const EXPIRY: i64 = 1_767_225_600;

    fn signed(resource: &str, policy: Option<&str>) -> String {
        sign(resource, &SecretString::from(KEY), policy, EXPIRY).unwrap().expose_secret().to_owned()
    }

    #[test]
    fn a_hub_service_token_matches_its_vector() {
        assert_eq!(
            signed("contoso-hub.azure-devices.net", Some("service")),
            "SharedAccessSignature sr=contoso-hub.azure-devices.net&sig=fzfizcRvXdPEoehsfaumBWI75lMYFspkAXR3zVcsevY%3D&se=1767225600&skn=service"
        );
    }

    #[test]
    fn a_hub_device_token_has_no_policy_and_matches_its_vector() {
        assert_eq!(
            signed("contoso-hub.azure-devices.net/devices/dev-01", None),
            "SharedAccessSignature sr=contoso-hub.azure-devices.net%2Fdevices%2Fdev-01&sig=FWW3CSnf62wm2YzYIPDTSbj8VOchM%2Fo7Ka%2F%2FXJkdT00%3D&se=1767225600"
        );
    }

    #[test]
    fn a_dps_service_token_matches_its_vector() {
        assert_eq!(
            signed("contoso-dps.azure-devices-provisioning.net", Some("provisioningserviceowner")),
            "SharedAccessSignature sr=contoso-dps.azure-devices-provisioning.net&sig=22FzkTKbay0JQc2kYMKy2WoqSatYXvLtvMSh6DcHOlo%3D&se=1767225600&skn=provisioningserviceowner"
        );
    }

    #[test]
    fn a_registration_token_keeps_the_case_of_the_id_scope_and_matches_its_vector() {
        assert_eq!(
            signed("0ne00ABCDEF/registrations/dev-01", Some("registration")),
            "SharedAccessSignature sr=0ne00ABCDEF%2Fregistrations%2Fdev-01&sig=BTU2M3iWIbIcMrdVPqwHQzs9KkUr7MKBlAJpe2mwcD4%3D&se=1767225600&skn=registration"
        );
    }

    #[test]
    fn derived_keys_match_the_published_vectors() {
        let published = SecretString::from(
            "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==",
        );
        let key = derive_device_key(&published, "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6").unwrap();
        assert_eq!(key.expose_secret(), "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
        let key = derive_device_key(&SecretString::from(KEY), "dev-01").unwrap();
        assert_eq!(key.expose_secret(), "luaCqHSmg758Dy2PlrF3Vl83Pcf53G9Nc/vj86Xl0d4=");
    }

    #[test]
    fn a_key_that_is_not_base64_is_refused() {
        assert_eq!(derive_device_key(&SecretString::from("not base64!"), "dev-01").unwrap_err(), BadKey);
    }
}
