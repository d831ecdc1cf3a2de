//! Whether the device that a person named can go first.

use super::parse::{FieldKey, Mistake};
use super::reading::Trouble;
use super::survey::count_key;
use super::surveyor::Caller;
use crate::azure::error::{AzureError, ErrorKind};
use crate::azure::hub::Identity;
use crate::ids::DeviceId;
use crate::migration::model::{CentralSource, HubSource, Plan, Source};
use crate::web::state::Web;

/// Why the canary cannot go first. Whether it is in the group is only known once the group was counted; the engine looks
/// again.
pub(super) async fn canary_mistake(web: &Web, caller: &Caller, plan: &Plan) -> Option<Mistake> {
    let id = plan.canary.as_ref()?;
    match &plan.source {
        Source::App(source) => of_application(web, caller, source, id).await,
        Source::Hub(source) => of_hubs(web, caller, source, id).await,
    }
}

async fn of_application(web: &Web, caller: &Caller, source: &CentralSource, id: &DeviceId) -> Option<Mistake> {
    let (Some(group), Some(template)) = (&source.group, &source.template) else { return None };
    let key = count_key(caller, &source.subdomain, group, template);
    if web.surveyor.counting.holds(&key, id) == Some(false) {
        return mistake(format!(
            "{id} is no device of the template {} in the group {}.",
            source.template_name, source.group_name
        ));
    }
    match web.surveyor.device(caller, &source.subdomain, id).await {
        Ok(device) if device.template.as_ref() != Some(template) => {
            mistake(format!("{id} is not a device of the template {}.", source.template_name))
        }
        Ok(device) if device.simulated == Some(true) => mistake(format!("{id} is simulated and cannot move.")),
        Ok(device) if device.enabled == Some(false) => mistake(format!("{id} is blocked or waits for approval.")),
        Ok(_) => None,
        Err(AzureError { kind: ErrorKind::NotFound, .. }) => {
            mistake(format!("There is no device {id} in {}.", source.app_display_name))
        }
        Err(error) => unchecked(&error),
    }
}

/// The hubs are asked in their order: the first that has the device tells.
async fn of_hubs(web: &Web, caller: &Caller, source: &HubSource, id: &DeviceId) -> Option<Mistake> {
    for hub in &source.hubs {
        match web.surveyor.identity(caller, hub, id).await {
            Ok(Some(identity)) => return of_identity(&identity, &hub.name),
            Ok(None) => {}
            Err(error) => return unchecked(&error),
        }
    }
    let names: Vec<&str> = source.hubs.iter().map(|hub| hub.name.as_str()).collect();
    mistake(format!("There is no device {id} in {}. Ids are case-sensitive.", names.join(" or ")))
}

fn of_identity(identity: &Identity, hub: &str) -> Option<Mistake> {
    let id = &identity.device_id;
    if identity.edge {
        mistake(format!("{id} is an IoT Edge device, which cannot be told to move."))
    } else if !identity.enabled {
        mistake(format!("{id} is disabled in {hub}."))
    } else if identity.has_never_connected() {
        mistake(format!("{id} has never connected to {hub}."))
    } else {
        None
    }
}

fn mistake(words: String) -> Option<Mistake> {
    Some(Mistake { field: FieldKey::Canary, words })
}

fn unchecked(error: &AzureError) -> Option<Mistake> {
    tracing::warn!(error = %error, "a canary could not be checked");
    mistake(format!("It could not be checked. {}", Trouble::from(error).what))
}
