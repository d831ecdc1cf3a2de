//! The JSON of enrollments: what is accepted, what is kept, what is shown. Keys are shown by `attestationmechanism` only.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::model::{Attestation, Reprovision, Settings, new_etag};
use crate::sandbox::world::{Dps, Moment};
use crate::sandbox::{sas, wire};

/// Fields that mean something here; others of the documented ones are kept as they are.
const KEPT: [&str; 3] = ["customAllocationDefinition", "optionalDeviceInformation", "iotHubHostName"];

/// Reads the body of a PUT. `is_group` decides which attestations are possible; `before` keeps keys that are left out.
pub(super) fn parse(
    body: &Value,
    is_group: bool,
    before: Option<&Settings>,
    dps: &Dps,
    now: Moment,
) -> Result<Settings, Fault> {
    let before_attestation = before.map(|settings| &settings.attestation);
    let attestation = parse_attestation(&body["attestation"], is_group, before_attestation)?;
    let mut settings = Settings::with_attestation(attestation, now);
    settings.iot_edge = match &body["capabilities"]["iotEdge"] {
        Value::Null => false,
        Value::Bool(edge) => *edge,
        _ => return Err(Fault::bad_request("capabilities.iotEdge must be true or false.")),
    };
    settings.enabled = match body["provisioningStatus"].as_str() {
        None | Some("enabled") => true,
        Some("disabled") => false,
        Some(other) => return Err(Fault::bad_request(format!("provisioningStatus '{other}' is not known."))),
    };
    settings.allocation = body["allocationPolicy"].as_str().map(str::to_owned);
    settings.hubs = parse_hubs(body, settings.allocation.as_deref(), dps)?;
    settings.reprovision = parse_reprovision(&body["reprovisionPolicy"])?;
    settings.initial_twin = body.get("initialTwin").filter(|twin| twin.is_object()).cloned();
    for name in KEPT {
        if let Some(value) = body.get(name).filter(|value| !value.is_null()) {
            settings.other.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(before) = before {
        settings.created = before.created;
    }
    settings.etag = new_etag();
    Ok(settings)
}

fn parse_hubs(body: &Value, allocation: Option<&str>, dps: &Dps) -> Result<Vec<String>, Fault> {
    match allocation {
        None | Some("hashed" | "geoLatency" | "static") => {}
        Some("custom") if body["customAllocationDefinition"]["webhookUrl"].is_string() => {}
        Some(other) => return Err(Fault::bad_request(format!("allocationPolicy '{other}' is not possible."))),
    }
    let empty = Vec::new();
    let hubs = body["iotHubs"].as_array().unwrap_or(&empty);
    let mut hosts = Vec::new();
    for hub in hubs {
        let host = hub.as_str().ok_or_else(|| Fault::bad_request("iotHubs must be host names."))?;
        if !dps.linked_hubs.iter().any(|linked| linked.eq_ignore_ascii_case(host)) {
            return Err(Fault::new(
                400_006,
                format!("The IoT hub '{host}' is not linked to this provisioning service."),
            ));
        }
        hosts.push(host.to_owned());
    }
    if allocation == Some("static") && dps.linked_hubs.is_empty() {
        return Err(Fault::new(400_006, "A static allocation needs a linked IoT hub."));
    }
    Ok(hosts)
}

fn parse_reprovision(policy: &Value) -> Result<Option<Reprovision>, Fault> {
    if policy.is_null() {
        return Ok(None);
    }
    let field = |name: &str| {
        policy[name].as_bool().ok_or_else(|| Fault::bad_request(format!("reprovisionPolicy needs {name}.")))
    };
    let update_hub_assignment = field("updateHubAssignment")?;
    Ok(Some(Reprovision { update_hub_assignment, migrate_device_data: field("migrateDeviceData")? }))
}

/// Reads an attestation. Symmetric keys: both or none; none keeps the former ones or makes new ones.
pub(super) fn parse_attestation(
    given: &Value,
    is_group: bool,
    before: Option<&Attestation>,
) -> Result<Attestation, Fault> {
    match given["type"].as_str() {
        Some("symmetricKey") => parse_keys(&given["symmetricKey"], before),
        Some("x509") => parse_certificates(&given["x509"], is_group, before),
        Some("tpm") if !is_group => {
            let key = given["tpm"]["endorsementKey"].as_str().filter(|key| STANDARD.decode(key).is_ok());
            let key = key.ok_or_else(|| Fault::bad_request("tpm needs a base64 endorsementKey."))?;
            Ok(Attestation::Tpm { endorsement_key: key.to_owned() })
        }
        Some(other) => Err(Fault::bad_request(format!("The attestation type '{other}' is not possible here."))),
        None => Err(Fault::bad_request("attestation.type is missing.")),
    }
}

fn parse_keys(keys: &Value, before: Option<&Attestation>) -> Result<Attestation, Fault> {
    let key = |name: &str| keys[name].as_str().filter(|key| !key.is_empty());
    match (key("primaryKey"), key("secondaryKey")) {
        (Some(primary), Some(secondary)) if sas::is_valid_key(primary) && sas::is_valid_key(secondary) => {
            Ok(Attestation::SymmetricKey { primary: primary.to_owned(), secondary: secondary.to_owned() })
        }
        (Some(_), Some(_)) => Err(Fault::bad_request("Symmetric keys must be base64 of 16 to 64 bytes.")),
        (None, None) => Ok(match before {
            Some(before @ Attestation::SymmetricKey { .. }) => before.clone(),
            _ => Attestation::SymmetricKey { primary: sas::random_key(), secondary: sas::random_key() },
        }),
        _ => Err(Fault::bad_request("Symmetric keys: give both or none.")),
    }
}

fn parse_certificates(x509: &Value, is_group: bool, before: Option<&Attestation>) -> Result<Attestation, Fault> {
    if is_group && let Some(primary) = x509["caReferences"]["primary"].as_str() {
        let names = [Some(primary), x509["caReferences"]["secondary"].as_str()];
        let ca_references = names.into_iter().flatten().map(str::to_owned).collect();
        return Ok(Attestation::X509 { primary: None, secondary: None, ca_references });
    }
    let field = if is_group { "signingCertificates" } else { "clientCertificates" };
    let read = |slot: &str| -> Result<Option<String>, Fault> {
        let Some(text) = x509[field][slot]["certificate"].as_str().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        thumbprint(text).map(Some).ok_or_else(|| Fault::bad_request(format!("{field}.{slot} is not a certificate.")))
    };
    match (read("primary")?, read("secondary")?, before) {
        (None, None, Some(before @ Attestation::X509 { .. })) => Ok(before.clone()),
        (None, None, _) => Err(Fault::bad_request(format!("x509 needs {field} or caReferences."))),
        (primary, secondary, _) => Ok(Attestation::X509 { primary, secondary, ca_references: Vec::new() }),
    }
}

/// SHA-1 thumbprint, upper-case hex, of a certificate given as base64 of DER, as PEM, or as base64 of PEM.
pub(in crate::sandbox) fn thumbprint(text: &str) -> Option<String> {
    let bytes = if text.contains("-----BEGIN") {
        text.as_bytes().to_vec()
    } else {
        STANDARD.decode(text.replace(['\r', '\n'], "")).ok()?
    };
    let der = match std::str::from_utf8(&bytes).ok().filter(|text| text.contains("-----BEGIN")) {
        Some(pem) => STANDARD
            .decode(pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect::<String>())
            .ok()?,
        None => bytes,
    };
    // Every certificate is a DER sequence; more is not checked.
    let digest = (der.first() == Some(&0x30))
        .then(|| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &der))?;
    Some(digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect())
}

/// Adds the common fields to `shown`, without keys.
pub(super) fn show(settings: &Settings, is_group: bool, shown: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    put("attestation", show_attestation(&settings.attestation, is_group, false));
    put("capabilities", json!({"iotEdge": settings.iot_edge}));
    put("provisioningStatus", json!(if settings.enabled { "enabled" } else { "disabled" }));
    if let Some(allocation) = &settings.allocation {
        put("allocationPolicy", json!(allocation));
    }
    if !settings.hubs.is_empty() {
        put("iotHubs", json!(settings.hubs));
    }
    if let Some(policy) = settings.reprovision {
        let Reprovision { update_hub_assignment, migrate_device_data } = policy;
        put(
            "reprovisionPolicy",
            json!({"updateHubAssignment": update_hub_assignment, "migrateDeviceData": migrate_device_data}),
        );
    }
    if let Some(twin) = &settings.initial_twin {
        put("initialTwin", twin.clone());
    }
    for (name, value) in &settings.other {
        put(name, value.clone());
    }
    put("etag", json!(settings.etag));
    put("createdDateTimeUtc", json!(wire::iso(settings.created)));
    put("lastUpdatedDateTimeUtc", json!(wire::iso(settings.updated)));
}

/// An attestation, with or without its keys.
pub(super) fn show_attestation(attestation: &Attestation, is_group: bool, with_keys: bool) -> Value {
    match attestation {
        Attestation::SymmetricKey { primary, secondary } if with_keys => {
            json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}})
        }
        Attestation::SymmetricKey { .. } => json!({"type": "symmetricKey"}),
        Attestation::X509 { primary, secondary, ca_references } => {
            let info = |thumbprint: &Option<String>| {
                thumbprint.as_ref().map(|print| json!({"info": {"sha1Thumbprint": print}}))
            };
            let x509 = match ca_references.as_slice() {
                [] => {
                    let field = if is_group { "signingCertificates" } else { "clientCertificates" };
                    json!({field: {"primary": info(primary), "secondary": info(secondary)}})
                }
                names => json!({"caReferences": {"primary": names.first(), "secondary": names.get(1)}}),
            };
            json!({"type": "x509", "x509": x509})
        }
        Attestation::Tpm { endorsement_key } => json!({"type": "tpm", "tpm": {"endorsementKey": endorsement_key}}),
    }
}
