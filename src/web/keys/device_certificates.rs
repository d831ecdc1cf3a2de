//! Certificates of devices themselves: the source shows their thumbprints only, so that a person supplies them.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

use super::certificate::{NotTaken, not_taken};
use super::page::{Found, Said, show_again, taking_keys};
use crate::engine::{Added, DeviceCertificates};
use crate::identity::SignedInUser;
use crate::ids::DeviceId;
use crate::migration::Migration;
use crate::web::actor::actor;
use crate::web::components::{Field, Kind};
use crate::web::csrf::Verified;
use crate::web::errors::PageError;
use crate::web::flash::{self, Flash};
use crate::web::paths;
use crate::web::shell::Shell;
use crate::web::state::Web;

/// So many devices are named.
const NAMED: usize = 12;

/// Certificates of devices.
#[derive(Debug, Deserialize)]
pub(super) struct Supply {
    certificates: String,
}

/// The part of the page where they are supplied.
#[derive(Debug)]
pub(super) struct OfDevices {
    pub(super) id: String,
    pub(super) csrf: String,
    pub(super) source: String,
    pub(super) field: Field,
    /// How many devices there are certificates of, in words, and their names if they are few.
    pub(super) supplied: Option<(String, Vec<String>)>,
}

impl OfDevices {
    /// Absent where the migration carries none over. `unfit` is what is wrong with those that were given.
    pub(super) fn of(
        migration: &Migration,
        csrf: &str,
        certificates: DeviceCertificates,
        unfit: Option<String>,
    ) -> Option<Self> {
        let devices = match certificates {
            DeviceCertificates::Taken(devices) => devices,
            // What was given was read: that it was not taken must be said also where the source cannot be read any more.
            DeviceCertificates::NotWanted if unfit.is_some() => Vec::new(),
            DeviceCertificates::NotWanted => return None,
        };
        let hint = "PEM, one or several after each other, as in .pem files; or what is in one .cer file, in base64. Up to \
                    100 at a time. Never a private key.";
        Some(Self {
            id: migration.id.to_string(),
            csrf: csrf.to_owned(),
            source: migration.plan.source.keeper_name(),
            field: Field {
                id: "device-certificates".into(),
                hint: Some(hint.into()),
                error: unfit,
                ..Field::new("certificates", "Certificates of devices")
            },
            supplied: supplied(&devices),
        })
    }
}

fn supplied(devices: &[DeviceId]) -> Option<(String, Vec<String>)> {
    let words = match devices.len() {
        0 => return None,
        1 => "Supplied so far, of 1 device".to_owned(),
        some => format!("Supplied so far, of {some} devices"),
    };
    let few = if devices.len() <= NAMED { devices } else { &[] };
    Some((words, few.iter().map(ToString::to_string).collect()))
}

/// *Add certificates of devices*.
pub(super) async fn add(
    State(web): State<Web>,
    user: SignedInUser,
    shell: Shell,
    session: Session,
    Path(id): Path<String>,
    Verified(supply): Verified<Supply>,
) -> Result<Response, PageError> {
    let migration = match taking_keys(&web, &user.person, &id).await? {
        Found::Draft(migration) => migration,
        Found::Elsewhere(response) => return Ok(response),
    };
    let supplied =
        web.engine.supply_device_certificates(migration.id, &actor(&user.person), supply.certificates.as_bytes()).await;
    let said = match supplied {
        Ok(added) => Flash::new(Kind::Success, words(added)),
        Err(error) => match not_taken(error)? {
            NotTaken::Now(said) => said,
            NotTaken::AsItIs(words) => {
                let said = Said { unfit_devices: Some(format!("{words} Nothing was kept.")), ..Said::default() };
                return show_again(&web, &user.person, shell, &migration, said).await;
            }
        },
    };
    flash::leave(&session, said).await?;
    Ok(Redirect::to(&paths::keys(&id)).into_response())
}

fn words(added: Added) -> String {
    let devices = match added.devices {
        1 => "The certificate of 1 device is added.".to_owned(),
        some => format!("The certificates of {some} devices are added."),
    };
    match added.back {
        0 => devices,
        1 => format!("{devices} 1 device that had been skipped is to move now."),
        some => format!("{devices} {some} devices that had been skipped are to move now."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(devices: usize) -> Option<(String, Vec<String>)> {
        let devices: Vec<DeviceId> = (1..=devices).map(|number| DeviceId::new(format!("dev-{number:02}"))).collect();
        supplied(&devices)
    }

    #[test]
    fn a_few_devices_are_named_and_many_are_counted() {
        assert_eq!(of(0), None);
        assert_eq!(of(1), Some(("Supplied so far, of 1 device".to_owned(), vec!["dev-01".to_owned()])));
        assert_eq!(of(40), Some(("Supplied so far, of 40 devices".to_owned(), Vec::new())));
    }

    #[test]
    fn it_says_who_comes_back() {
        assert_eq!(words(Added { devices: 1, back: 0 }), "The certificate of 1 device is added.");
        let some = words(Added { devices: 3, back: 2 });
        assert_eq!(some, "The certificates of 3 devices are added. 2 devices that had been skipped are to move now.");
    }
}
