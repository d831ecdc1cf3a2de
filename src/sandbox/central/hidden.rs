//! What of an application's set-up is secret: the parts of a data export's destination that the API masks, and those that
//! it shows as they were given.

use serde_json::{Value, json};

const MASK: &str = "*****";

/// The destination as the documentation shows it.
pub(super) fn masked(destination: &Value) -> Value {
    let mut shown = destination.clone();
    mask(&mut shown, &mut Vec::new());
    shown
}

/// All that is secret in a destination: what is masked, and the codes in its address.
pub(super) fn of_destination(destination: &Value) -> Vec<String> {
    let mut secrets = Vec::new();
    mask(&mut destination.clone(), &mut secrets);
    let query = destination["url"].as_str().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    let given = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "code" || name == "sig");
    secrets.extend(given.map(|(_, value)| value.into_owned()));
    secrets
}

/// The passwords of the registries that a deployment manifest names.
pub(super) fn of_manifest(manifest: &Value) -> Vec<String> {
    let agent = &manifest["data"]["modulesContent"]["$edgeAgent"]["properties.desired"];
    let registries = agent["runtime"]["settings"]["registryCredentials"].as_object().into_iter().flatten();
    registries.filter_map(|(_, registry)| registry["password"].as_str().map(str::to_owned)).collect()
}

/// Passwords that a job sets.
pub(super) fn of_job(definition: &Value) -> Vec<String> {
    let data = definition["data"].as_array().into_iter().flatten();
    let passwords = data.filter(|item| item["path"].as_str().is_some_and(|path| path.ends_with("password")));
    passwords.filter_map(|item| item["value"].as_str().map(str::to_owned)).collect()
}

/// Puts the mask over every secret and gives what was under it.
fn mask(destination: &mut Value, secrets: &mut Vec<String>) {
    if let Some(authorization) = destination.get_mut("authorization") {
        if let Some(text) = authorization["connectionString"].as_str() {
            let shown: Vec<String> = text.split(';').map(|part| mask_part(part, secrets)).collect();
            authorization["connectionString"] = json!(shown.join(";"));
        }
        for name in ["clientSecret", "value"] {
            cover(authorization, name, secrets);
        }
    }
    for family in ["headerCustomizations", "queryCustomizations"] {
        let Some(customizations) = destination.get_mut(family).and_then(Value::as_object_mut) else { continue };
        for customization in customizations.values_mut().filter(|own| own["secret"] == true) {
            cover(customization, "value", secrets);
        }
    }
}

fn cover(of: &mut Value, name: &str, secrets: &mut Vec<String>) {
    if let Some(Value::String(text)) = of.get_mut(name) {
        let covered = std::mem::replace(text, MASK.to_owned());
        // "Bearer …": the scheme is none.
        secrets.push(covered.rsplit(' ').next().unwrap_or_default().to_owned());
    }
}

/// A part of a connection string.
fn mask_part(part: &str, secrets: &mut Vec<String>) -> String {
    match part.split_once('=') {
        Some((name @ ("AccountKey" | "SharedAccessKey"), key)) => {
            secrets.push(key.to_owned());
            format!("{name}={MASK}")
        }
        _ => part.to_owned(),
    }
}
