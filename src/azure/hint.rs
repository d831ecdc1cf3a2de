//! What a person can do about an error, said with the name of the role or setting that is missing.

use crate::azure::error::{AzureError, ErrorKind, Service};
use crate::azure::tokens::TokenError;

/// The advice for `error`. `permission` is what the operation needs, in Azure's own words.
pub(crate) fn hint(error: &AzureError, permission: Option<&str>) -> Option<String> {
    match &error.kind {
        ErrorKind::SignIn(TokenError::Misconfigured { hint, .. }) => Some(hint.clone()),
        ErrorKind::SignIn(_) => None,
        ErrorKind::Unauthorized => Some(unauthorized(error)),
        ErrorKind::Forbidden => Some(forbidden(error, permission)),
        ErrorKind::NotFound if error.service == Service::Arm => {
            Some(format!("{} was deleted, moved, or is not visible to you: reload the lists.", error.target))
        }
        ErrorKind::Rejected if error.status == Some(422) && error.service == Service::Central => {
            executes(permission).then(no_such_command)
        }
        ErrorKind::Throttled { .. } => throttled(error),
        ErrorKind::Unavailable { .. } => error.status.is_none().then(|| unreachable_service(error)),
        ErrorKind::NotJson => Some(not_json(error)),
        ErrorKind::DeviceOffline => {
            Some("The device is offline. It can be told to move when it is connected.".to_owned())
        }
        ErrorKind::DeviceTimeout => Some(
            "The device may have moved all the same: look for it at the target before telling it again.".to_owned(),
        ),
        ErrorKind::Conflict if error.service == Service::Dps => {
            Some("It exists already. With the same keys it can be used; with other keys, choose another id.".to_owned())
        }
        ErrorKind::ClockSkew { minutes } => Some(format!(
            "Set the clock of this machine: it is {} minutes {} Azure's.",
            minutes.abs(),
            if *minutes > 0 { "ahead of" } else { "behind" }
        )),
        _ => None,
    }
}

/// Of IoT Central's calls only commands and jobs of commands can fail for want of the command.
fn executes(permission: Option<&str>) -> bool {
    permission.is_some_and(|permission| permission.ends_with("execute"))
}

fn no_such_command() -> String {
    "The device template has no published component with this command: publish a version of the template that has the \
     migration component."
        .to_owned()
}

fn unauthorized(error: &AzureError) -> String {
    match error.service {
        Service::Arm => "The token was refused: sign in to the tenant that the subscription belongs to.".to_owned(),
        Service::Central => {
            "The IoT Central application may belong to another tenant than the one you are signed in to: \
             choose its tenant and sign in again."
                .to_owned()
        }
        Service::Dps | Service::Hub => "The key is fresh, so either it was rolled this moment (try again), the policy \
             lacks a right, or local (SAS) authentication is switched off on the resource."
            .to_owned(),
    }
}

fn forbidden(error: &AzureError, permission: Option<&str>) -> String {
    match error.service {
        Service::Arm if error.has_code(&["RequestDisallowedByPolicy", "LinkedAuthorizationFailed"]) => {
            "An Azure policy or a lock forbids it: ask the owner of the subscription.".to_owned()
        }
        Service::Arm => format!("You need {} on {}.", permission.unwrap_or("the role Reader"), error.target),
        Service::Central => format!(
            "Ask an administrator of the IoT Central application to add you as a user with {} ({}). Azure roles do \
             not count there.",
            permission.map_or_else(|| "a role".to_owned(), |p| format!("the permission \"{p}\"")),
            if permission.is_some_and(is_of_administrators) {
                "the role Administrator has it"
            } else {
                "the roles Administrator and Builder have it"
            }
        ),
        Service::Hub if error.is_beyond_tier() => {
            "The hub is of the Basic tier, which has neither direct methods nor twins: use a Standard hub.".to_owned()
        }
        Service::Dps | Service::Hub => {
            "The resource may refuse this machine's address (public network access, IP filter), or be full.".to_owned()
        }
    }
}

/// A builder manages every part of an application but its users, its data exports and its settings.
fn is_of_administrators(permission: &str) -> bool {
    ["Users", "Organizations", "Data export", "File uploads"].iter().any(|of| permission.starts_with(of))
}

fn throttled(error: &AzureError) -> Option<String> {
    let quota = error.status == Some(403);
    match error.service {
        Service::Hub if quota => Some(
            "The hub's daily message quota is used up; it continues after 00:00 UTC, or with more units.".to_owned(),
        ),
        Service::Hub => Some("The hub's limit is shared by everybody who uses it; more units raise it.".to_owned()),
        Service::Dps => Some("The DPS allows 1,000 operations a minute, shared by everybody who uses it.".to_owned()),
        Service::Central => {
            Some("The application allows 20 requests a second, shared by everybody who uses it.".to_owned())
        }
        Service::Arm => None,
    }
}

fn unreachable_service(error: &AzureError) -> String {
    match error.service {
        Service::Central => {
            "Check the network and the proxy (HTTPS_PROXY). If only this application cannot be reached, \
             it may have been stopped or deleted."
                .to_owned()
        }
        _ => "Check the network and the proxy (HTTPS_PROXY).".to_owned(),
    }
}

fn not_json(error: &AzureError) -> String {
    match error.service {
        Service::Central => {
            "The application cannot be reached: it may have been stopped or deleted, or a proxy answers \
             in its place."
                .to_owned()
        }
        _ => "A proxy or sign-in page of the network may be answering in the service's place.".to_owned(),
    }
}
