//! The JSON of enrollments: what is accepted, what is kept, what is shown. Keys are shown by `attestationmechanism` only.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::model::{Attestation, Certificates, Reprovision, Settings, new_etag};
use crate::sandbox::hub::twin_rules;
use crate::sandbox::world::{Dps, Moment};
use crate::sandbox::x509::Certificate;
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
    let (attestation, certificates) = parse_attestation(object(body, "attestation")?, is_group, before, dps)?;
    let mut settings = Settings::with_attestation(attestation, now);
    settings.certificates = certificates;
    settings.iot_edge = match &object(body, "capabilities")?["iotEdge"] {
        Value::Null => false,
        Value::Bool(edge) => *edge,
        _ => return Err(Fault::bad_request("capabilities.iotEdge must be true or false.")),
    };
    settings.enabled = choice(body, "provisioningStatus", &["enabled", "disabled"])? != Some("disabled");
    let policies = ["hashed", "geoLatency", "static", "custom"];
    settings.allocation = choice(body, "allocationPolicy", &policies)?.map(str::to_owned);
    check_webhook(object(body, "customAllocationDefinition")?, settings.allocation.as_deref() == Some("custom"))?;
    settings.hubs = parse_hubs(body, settings.allocation.as_deref(), dps)?;
    settings.reprovision = parse_reprovision(object(body, "reprovisionPolicy")?)?;
    let twin = object(body, "initialTwin")?;
    twin_rules::check_whole(twin).map_err(|why| Fault::bad_request(format!("initialTwin: {why}")))?;
    settings.initial_twin = Some(twin).filter(|twin| twin.is_object()).cloned();
    object(body, "optionalDeviceInformation")?;
    text(body, "iotHubHostName")?;
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

/// A field that is an object, or null if it is not there.
fn object<'a>(body: &'a Value, name: &str) -> Result<&'a Value, Fault> {
    match &body[name] {
        value @ (Value::Null | Value::Object(_)) => Ok(value),
        _ => Err(Fault::bad_request(format!("{name} must be an object."))),
    }
}

/// A field that is text, if it is there.
pub(super) fn text<'a>(body: &'a Value, name: &str) -> Result<Option<&'a str>, Fault> {
    match &body[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Fault::bad_request(format!("{name} must be text."))),
    }
}

/// A field that is one of these words, in any case.
fn choice<'a>(body: &Value, name: &str, words: &[&'a str]) -> Result<Option<&'a str>, Fault> {
    let Some(given) = text(body, name)? else { return Ok(None) };
    let word = words.iter().find(|word| word.eq_ignore_ascii_case(given));
    word.map(|word| Some(*word)).ok_or_else(|| Fault::bad_request(format!("{name} '{given}' is not known.")))
}

fn check_webhook(definition: &Value, is_needed: bool) -> Result<(), Fault> {
    if !is_needed && definition.is_null() {
        return Ok(());
    }
    for name in ["webhookUrl", "apiVersion"] {
        if text(definition, name)?.is_none_or(str::is_empty) {
            return Err(Fault::bad_request(format!("customAllocationDefinition needs {name}.")));
        }
    }
    Ok(())
}

fn parse_hubs(body: &Value, allocation: Option<&str>, dps: &Dps) -> Result<Vec<String>, Fault> {
    let hubs = match &body["iotHubs"] {
        Value::Null => &[],
        Value::Array(hubs) => hubs.as_slice(),
        _ => return Err(Fault::bad_request("iotHubs must be an array.")),
    };
    if !hubs.is_empty() && allocation.is_none() {
        return Err(Fault::bad_request("Enrollment allocationPolicy must be specified when iotHubs are specified."));
    }
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
fn parse_attestation(
    given: &Value,
    is_group: bool,
    before: Option<&Settings>,
    dps: &Dps,
) -> Result<(Attestation, Certificates), Fault> {
    let without = |attestation| (attestation, Certificates::default());
    match choice(given, "type", &["symmetricKey", "x509", "tpm", "none"])? {
        Some("symmetricKey") => {
            parse_keys(object(given, "symmetricKey")?, before.map(|before| &before.attestation)).map(without)
        }
        Some("x509") => parse_certificates(object(given, "x509")?, is_group, before, dps),
        Some("tpm") if !is_group => {
            let key = text(object(given, "tpm")?, "endorsementKey")?.filter(|key| STANDARD.decode(key).is_ok());
            let key = key.ok_or_else(|| Fault::bad_request("tpm needs a base64 endorsementKey."))?;
            Ok(without(Attestation::Tpm { endorsement_key: key.to_owned() }))
        }
        Some(other) => Err(Fault::bad_request(format!("The attestation type '{other}' is not possible here."))),
        None => Err(Fault::bad_request("attestation.type is missing.")),
    }
}

fn parse_keys(keys: &Value, before: Option<&Attestation>) -> Result<Attestation, Fault> {
    let key = |name: &str| Ok::<_, Fault>(text(keys, name)?.filter(|key| !key.is_empty()));
    match (key("primaryKey")?, key("secondaryKey")?) {
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

fn parse_certificates(
    x509: &Value,
    is_group: bool,
    before: Option<&Settings>,
    dps: &Dps,
) -> Result<(Attestation, Certificates), Fault> {
    let references = object(x509, "caReferences")?;
    if is_group && let Some(primary) = text(references, "primary")? {
        let names = [Some(primary), text(references, "secondary")?];
        let ca_references: Vec<String> = names.into_iter().flatten().map(str::to_owned).collect();
        if let Some(unknown) = ca_references.iter().find(|name| !dps.certificates.contains_key(*name)) {
            return Err(Fault::bad_request(format!("The CA certificate '{unknown}' does not exist.")));
        }
        let attestation = Attestation::X509 { primary: None, secondary: None, ca_references };
        return Ok((attestation, Certificates::default()));
    }
    let field = if is_group { "signingCertificates" } else { "clientCertificates" };
    let given = object(x509, field)?;
    let read = |slot: &str| -> Result<Option<Certificate>, Fault> {
        let slot_of = object(given, slot)?;
        let Some(text) = text(slot_of, "certificate")?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let certificate = Certificate::read(text);
        certificate.map(Some).ok_or_else(|| Fault::bad_request(format!("{field}.{slot} is not a certificate.")))
    };
    let certificates = Certificates { primary: read("primary")?, secondary: read("secondary")? };
    if certificates == Certificates::default() {
        let kept = before.filter(|before| matches!(before.attestation, Attestation::X509 { .. }));
        let kept = kept.ok_or_else(|| Fault::bad_request(format!("x509 needs {field} or caReferences.")))?;
        return Ok((kept.attestation.clone(), kept.certificates.clone()));
    }
    let print = |certificate: &Option<Certificate>| certificate.as_ref().map(|one| one.sha1.clone());
    let (primary, secondary) = (print(&certificates.primary), print(&certificates.secondary));
    Ok((Attestation::X509 { primary, secondary, ca_references: Vec::new() }, certificates))
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
    put("attestation", show_attestation(settings, is_group, false));
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
pub(super) fn show_attestation(settings: &Settings, is_group: bool, with_keys: bool) -> Value {
    match &settings.attestation {
        Attestation::SymmetricKey { primary, secondary } if with_keys => {
            json!({"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}})
        }
        Attestation::SymmetricKey { .. } => json!({"type": "symmetricKey"}),
        Attestation::X509 { primary, secondary, ca_references } => {
            let info = |certificate: &Option<Certificate>, thumbprint: &Option<String>| {
                let known = certificate.as_ref().map(Certificate::info);
                let info = known.or_else(|| Some(json!({"sha1Thumbprint": thumbprint.as_ref()?})))?;
                Some(json!({"info": info}))
            };
            let Certificates { primary: first, secondary: second } = &settings.certificates;
            let x509 = match ca_references.as_slice() {
                [] => {
                    let field = if is_group { "signingCertificates" } else { "clientCertificates" };
                    json!({field: {"primary": info(first, primary), "secondary": info(second, secondary)}})
                }
                names => json!({"caReferences": {"primary": names.first(), "secondary": names.get(1)}}),
            };
            json!({"type": "x509", "x509": x509})
        }
        Attestation::Tpm { endorsement_key } => json!({"type": "tpm", "tpm": {"endorsementKey": endorsement_key}}),
    }
}
