//! The JSON of identities and twins.

use serde_json::{Value, json};

use super::fault::Fault;
use super::model::{Authentication, Identity, Module};
use super::twin::Twin;
use crate::sandbox::device::Sight;
use crate::sandbox::sas;
use crate::sandbox::wire::iso_or_never;
use crate::sandbox::world::Moment;

/// What the hub sees of a device's connection.
pub(super) fn connection(is_connected: bool) -> &'static str {
    if is_connected { "Connected" } else { "Disconnected" }
}

fn status(identity: &Identity) -> &'static str {
    if identity.enabled { "enabled" } else { "disabled" }
}

fn thumbprints(authentication: &Authentication) -> Value {
    match authentication {
        Authentication::SelfSigned { primary, secondary } => {
            json!({"primaryThumbprint": primary, "secondaryThumbprint": secondary})
        }
        _ => json!({"primaryThumbprint": null, "secondaryThumbprint": null}),
    }
}

fn show_authentication(authentication: &Authentication) -> Value {
    let keys = match authentication {
        Authentication::Sas { primary, secondary } => json!({"primaryKey": primary, "secondaryKey": secondary}),
        _ => json!({"primaryKey": null, "secondaryKey": null}),
    };
    let thumbprints = thumbprints(authentication);
    json!({"symmetricKey": keys, "x509Thumbprint": thumbprints, "type": authentication.type_name()})
}

/// The identity with its keys.
pub(super) fn show(identity: &Identity, sight: Sight) -> Value {
    json!({
        "deviceId": identity.device_id,
        "generationId": identity.generation_id,
        "etag": identity.etag(),
        "connectionState": connection(sight.is_connected),
        "status": status(identity),
        "statusReason": identity.status_reason,
        "connectionStateUpdatedTime": iso_or_never(identity.presence.changed),
        "statusUpdatedTime": iso_or_never(identity.status_updated),
        "lastActivityTime": iso_or_never(sight.last_message),
        "cloudToDeviceMessageCount": 0,
        "authentication": show_authentication(&identity.authentication),
        "capabilities": {"iotEdge": identity.iot_edge},
        "deviceScope": identity.device_scope,
        "parentScopes": identity.parent_scopes,
    })
}

/// The twin, which never has keys.
pub(super) fn twin(identity: &Identity, sight: Sight) -> Value {
    let mut twin = json!({
        "deviceId": identity.device_id,
        "etag": identity.twin.etag(),
        "deviceEtag": identity.etag(),
        "status": status(identity),
        "statusUpdateTime": iso_or_never(identity.status_updated),
        "connectionState": connection(sight.is_connected),
        "lastActivityTime": iso_or_never(sight.last_message),
        "cloudToDeviceMessageCount": 0,
        "authenticationType": identity.authentication.type_name(),
        "x509Thumbprint": thumbprints(&identity.authentication),
        "version": identity.twin.version,
        "tags": identity.twin.tags,
        "properties": properties(&identity.twin),
        "capabilities": {"iotEdge": identity.iot_edge},
        "deviceScope": identity.device_scope,
        "parentScopes": identity.parent_scopes,
    });
    if let Some(model) = &identity.model_id {
        twin["modelId"] = json!(model);
    }
    if let Some(reason) = &identity.status_reason {
        twin["statusReason"] = json!(reason);
    }
    twin
}

fn properties(twin: &Twin) -> Value {
    json!({"desired": twin.desired.to_json(true), "reported": twin.reported.to_json(false)})
}

/// A module's identity with its keys. No module of the sandbox ever connects.
pub(super) fn show_module(device_id: &str, module: &Module) -> Value {
    json!({
        "moduleId": module.module_id,
        "managedBy": module.managed_by,
        "deviceId": device_id,
        "generationId": module.generation_id,
        "etag": module.etag(),
        "connectionState": connection(false),
        "connectionStateUpdatedTime": iso_or_never(None),
        "lastActivityTime": iso_or_never(None),
        "cloudToDeviceMessageCount": 0,
        "authentication": show_authentication(&module.authentication),
    })
}

/// A module's twin.
pub(super) fn module_twin(device_id: &str, module: &Module) -> Value {
    json!({
        "deviceId": device_id,
        "moduleId": module.module_id,
        "etag": module.twin.etag(),
        "deviceEtag": module.etag(),
        "status": "enabled",
        "statusUpdateTime": iso_or_never(None),
        "connectionState": connection(false),
        "lastActivityTime": iso_or_never(None),
        "cloudToDeviceMessageCount": 0,
        "authenticationType": module.authentication.type_name(),
        "x509Thumbprint": thumbprints(&module.authentication),
        "version": module.twin.version,
        "tags": module.twin.tags,
        "properties": properties(&module.twin),
    })
}

/// One field of a twin by its path, `None` if the twin has none; without building the rest where it can be avoided:
/// queries ask for a few fields of many devices.
pub(super) fn field(identity: &Identity, sight: Sight, path: &str) -> Option<Value> {
    Some(match path {
        "deviceId" => json!(identity.device_id),
        "status" => json!(status(identity)),
        "statusReason" => json!(identity.status_reason.as_ref()?),
        "connectionState" => json!(connection(sight.is_connected)),
        "lastActivityTime" => json!(iso_or_never(sight.last_message)),
        "authenticationType" => json!(identity.authentication.type_name()),
        "etag" => json!(identity.twin.etag()),
        "deviceEtag" => json!(identity.etag()),
        "version" => json!(identity.twin.version),
        "modelId" => json!(identity.model_id.as_ref()?),
        "deviceScope" => json!(identity.device_scope),
        "capabilities.iotEdge" => json!(identity.iot_edge),
        _ => return at(&twin(identity, sight), path),
    })
}

/// What a document has under a path.
pub(super) fn at(document: &Value, path: &str) -> Option<Value> {
    path.split('.').try_fold(document, |value, name| value.get(name)).cloned()
}

/// Reads `authentication` of a body; `None` if it is not there.
pub(super) fn parse_authentication(body: &Value) -> Result<Option<Authentication>, Fault> {
    let given = &body["authentication"];
    if given.is_null() {
        return Ok(None);
    }
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let (primary, secondary) =
        (text(&given["symmetricKey"]["primaryKey"]), text(&given["symmetricKey"]["secondaryKey"]));
    let prints =
        (text(&given["x509Thumbprint"]["primaryThumbprint"]), text(&given["x509Thumbprint"]["secondaryThumbprint"]));
    match given["type"].as_str() {
        None if prints.0.is_some() || prints.1.is_some() => {
            Ok(Some(Authentication::SelfSigned { primary: prints.0, secondary: prints.1 }))
        }
        None | Some("sas") => match (primary, secondary) {
            (Some(primary), Some(secondary)) if sas::is_valid_key(&primary) && sas::is_valid_key(&secondary) => {
                Ok(Some(Authentication::Sas { primary, secondary }))
            }
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Fault::bad_request("Symmetric keys must be base64 of 16 to 64 bytes.")),
            _ => Err(Fault::bad_request("Both symmetric keys must be given, or none.")),
        },
        Some("selfSigned") => Ok(Some(Authentication::SelfSigned { primary: prints.0, secondary: prints.1 })),
        Some("certificateAuthority") => Ok(Some(Authentication::CertificateAuthority)),
        Some("none") => Ok(Some(Authentication::None)),
        Some(other) => Err(Fault::bad_request(format!("The authentication type '{other}' is not known."))),
    }
}

/// Two fresh random keys, which a hub makes when none are given.
pub(super) fn minted() -> Authentication {
    Authentication::Sas { primary: sas::random_key(), secondary: sas::random_key() }
}

/// Sets what a body may change of an identity, other than its authentication.
pub(super) fn apply(identity: &mut Identity, body: &Value, now: Moment) -> Result<(), Fault> {
    let enabled = match body["status"].as_str() {
        None => identity.enabled,
        Some(word) if word.eq_ignore_ascii_case("enabled") => true,
        Some(word) if word.eq_ignore_ascii_case("disabled") => false,
        Some(other) => return Err(Fault::bad_request(format!("The status '{other}' is not known."))),
    };
    if enabled != identity.enabled {
        identity.enabled = enabled;
        identity.status_updated = Some(now);
    }
    identity.status_reason = body["statusReason"].as_str().map(str::to_owned);
    if let Some(edge) = body["capabilities"]["iotEdge"].as_bool() {
        identity.iot_edge = edge;
    }
    if identity.iot_edge && identity.device_scope.is_empty() {
        identity.device_scope = identity.own_scope();
    }
    if let Some(scope) = body["deviceScope"].as_str().filter(|_| !identity.iot_edge) {
        scope.clone_into(&mut identity.device_scope);
        // A leaf has its scope as its only parent: the CLI finds children that way.
        identity.parent_scopes = Some(scope).filter(|scope| !scope.is_empty()).map(str::to_owned).into_iter().collect();
    }
    if let Some(scopes) = body["parentScopes"].as_array().filter(|scopes| !scopes.is_empty() || identity.iot_edge) {
        identity.parent_scopes = scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    Ok(())
}

/// At most 128 of the characters that the registry allows.
pub(in crate::sandbox) fn is_device_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-:.+%_#*?!(),=@;$'".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(allowed)
}
