//! Individual enrollments: they win over groups for their registration id.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::azure::call::{Call, Path};
use crate::azure::dps::groups::{WireAttestation, leading_to, symmetric};
use crate::azure::dps::registrations::Registration;
use crate::azure::dps::{Attestation, AttestationKind, Dps, X509};
use crate::azure::error::Result;
use crate::azure::keys::Right;
use crate::azure::lenient::or_default;
use crate::ids::{DeviceId, HubHost};

const READ: &[Right] = &[Right::EnrollmentRead];
pub(super) const WRITE: &[Right] = &[Right::EnrollmentWrite];

/// An enrollment of one device.
#[derive(Debug, Clone)]
pub struct IndividualEnrollment {
    /// The id it registers with.
    pub registration_id: DeviceId,
    /// The id it has at the hub.
    pub device_id: DeviceId,
    /// What it proves itself with.
    pub attestation_kind: AttestationKind,
    /// Its certificates, if it proves itself with some and they are told.
    pub x509: Option<X509>,
    /// Whether the device may use it.
    pub enabled: bool,
    /// Whether it makes an IoT Edge device.
    pub edge: bool,
    /// `hashed`, `geoLatency`, `static`, `custom`; `None` for the DPS's own policy.
    pub allocation: Option<String>,
    /// The hubs it may assign; empty for all linked ones.
    pub hubs: Vec<HubHost>,
    /// The device's last registration, where the answer carries it.
    pub registration: Option<Registration>,
    /// Its version.
    pub etag: Option<String>,
}

/// An enrollment of one device to create: enabled, with exactly these keys, leading to one hub.
#[derive(Debug, Clone)]
pub struct NewIndividualEnrollment {
    /// The id it registers with, and has at the hub.
    pub id: DeviceId,
    /// Its primary key, base64.
    pub primary: SecretString,
    /// Its secondary key.
    pub secondary: SecretString,
    /// The hub that it goes to, one of those linked to the DPS.
    pub hub: HubHost,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Capabilities {
    #[serde(deserialize_with = "or_default")]
    pub iot_edge: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    registration_id: DeviceId,
    device_id: Option<DeviceId>,
    attestation: WireAttestation,
    provisioning_status: Option<String>,
    capabilities: Option<Capabilities>,
    allocation_policy: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    iot_hubs: Vec<HubHost>,
    iot_hub_host_name: Option<HubHost>,
    registration_state: Option<Registration>,
    etag: Option<String>,
}

fn enrollment(id: &DeviceId) -> Path {
    Path::new("/enrollments").id(id.as_str())
}

impl Dps {
    /// The enrollment of one device; `None` if it has none of its own.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn individual_enrollment(&self, id: &DeviceId) -> Result<Option<IndividualEnrollment>> {
        let call = Call::get("read the individual enrollment", enrollment(id)).target(id.as_str());
        let found: Option<Wire> = self.channel.find(self.call(call, READ)).await?;
        Ok(found.map(IndividualEnrollment::from))
    }

    /// All individual enrollments.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn individual_enrollments(&self) -> Result<Vec<IndividualEnrollment>> {
        let query = json!({ "query": "SELECT * FROM enrollments" });
        let path = Path::new("/enrollments/query");
        let found: Vec<Wire> = self.all("list individual enrollments", READ, path, Some(query)).await?;
        Ok(found.into_iter().map(IndividualEnrollment::from).collect())
    }

    /// Creates an enrollment of one device. One of that id that exists already is a `Conflict`, and left as it is; so it is
    /// too after a lost answer, when it can be this call's own: read it and compare.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`].
    pub async fn create_individual_enrollment(&self, new: &NewIndividualEnrollment) -> Result<()> {
        self.put_enrollment(&new.id, new.body()).await
    }

    pub(super) async fn put_enrollment(&self, id: &DeviceId, body: Value) -> Result<()> {
        let body = of_device(id, body);
        let call = Call::put_once("create the individual enrollment", enrollment(id)).target(id.as_str()).body(body);
        self.channel.done(self.call(call, WRITE)).await
    }

    /// The keys of an individual enrollment. They are the device's own, not derived.
    ///
    /// # Errors
    /// See [`crate::azure::AzureError`]; `NotFound` if there is no such enrollment.
    pub async fn individual_keys(&self, id: &DeviceId) -> Result<Attestation> {
        self.attestation("read the individual enrollment's keys", id.as_str(), enrollment(id)).await
    }
}

impl NewIndividualEnrollment {
    pub(super) fn body(&self) -> Value {
        of_device(&self.id, leading_to(&self.hub, symmetric(&self.primary, &self.secondary)))
    }
}

/// An enrollment for the device of this id.
fn of_device(id: &DeviceId, mut enrollment: Value) -> Value {
    enrollment["registrationId"] = json!(id);
    enrollment["deviceId"] = json!(id);
    enrollment
}

impl From<Wire> for IndividualEnrollment {
    fn from(wire: Wire) -> Self {
        let hubs = if wire.iot_hubs.is_empty() { wire.iot_hub_host_name.into_iter().collect() } else { wire.iot_hubs };
        Self {
            device_id: wire.device_id.unwrap_or_else(|| wire.registration_id.clone()),
            registration_id: wire.registration_id,
            attestation_kind: AttestationKind::read(&wire.attestation.kind),
            x509: wire.attestation.x509,
            enabled: wire.provisioning_status.is_none_or(|status| status.eq_ignore_ascii_case("enabled")),
            edge: wire.capabilities.is_some_and(|capabilities| capabilities.iot_edge),
            allocation: wire.allocation_policy,
            hubs,
            registration: wire.registration_state,
            etag: wire.etag,
        }
    }
}
