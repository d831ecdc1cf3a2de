//! The simulated world: what Microsoft's services hold, and, apart from it, the truth about every physical device.
//!
//! Plain data, no behaviour. It lives in one mutex ([`super::state::Shared`]) that is never held across an await.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Everything that exists in the simulated Azure.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct World {
    /// Entra tenants by tenant id (GUID).
    pub tenants: BTreeMap<String, Tenant>,
    /// People by object id.
    pub people: BTreeMap<String, Person>,
    /// Applications that sign in as themselves, by the object id of their service principal.
    #[serde(default)]
    pub service_principals: BTreeMap<String, ServicePrincipal>,
    /// Subscriptions by id (GUID).
    pub subscriptions: BTreeMap<String, Subscription>,
    /// IoT Central applications by subdomain.
    pub apps: BTreeMap<String, App>,
    /// DPS instances by resource name.
    pub dps: BTreeMap<String, Dps>,
    /// IoT hubs by lower-case host name.
    pub hubs: BTreeMap<String, Hub>,
    /// Physical devices by their id: the truth that no API shows.
    pub devices: BTreeMap<String, super::device::Device>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenant {
    pub id: String,
    pub display_name: String,
    pub default_domain: String,
    /// False: no service principal for IoT Central, so a token for it is refused (AADSTS650052).
    pub knows_iot_central: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Person {
    pub oid: String,
    /// Home tenant.
    pub tid: String,
    pub name: String,
    pub username: String,
    /// Tenants that this person can sign in to: the home tenant and those that invited them.
    pub member_of: BTreeSet<String>,
    /// Azure roles: lower-case scope prefix (`/subscriptions/…`) to role name (`Owner`, `Contributor`, `Reader`).
    pub azure_roles: Vec<(String, String)>,
    /// A word for the sandbox's sign-in page on what this person may do.
    pub note: String,
}

/// An application that signs in with credentials of its own. `Debug` shows no secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct ServicePrincipal {
    pub oid: String,
    /// Application (client) id.
    pub app_id: String,
    /// The tenant that it is registered in.
    pub tid: String,
    pub name: String,
    pub secret: String,
    /// As [`Person::azure_roles`].
    pub azure_roles: Vec<(String, String)>,
}

impl std::fmt::Debug for ServicePrincipal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServicePrincipal").field("oid", &self.oid).field("name", &self.name).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub tenant: String,
    pub display_name: String,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled`, `Deleted`.
    pub state: String,
}

/// Where a resource lives in ARM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resource {
    pub subscription: String,
    pub resource_group: String,
    pub name: String,
    pub location: String,
}

/// A shared access policy of a hub or DPS.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Policy {
    pub name: String,
    pub primary: String,
    pub secondary: String,
    /// As ARM spells it, for example `RegistryWrite, ServiceConnect, DeviceConnect`.
    pub rights: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct App {
    pub resource: Resource,
    pub application_id: String,
    pub display_name: String,
    pub subdomain: String,
    /// `created` or `suspended`.
    pub state: String,
    pub tenant: String,
    /// The ID scope of the application's own provisioning service.
    pub id_scope: String,
    /// Role of each person (object id) in this application: `admin`, `builder`, `operator`.
    pub roles: BTreeMap<String, String>,
    pub templates: Vec<serde_json::Value>,
    pub groups: BTreeMap<String, super::central::model::Group>,
    pub devices: BTreeMap<String, super::central::model::AppDevice>,
    pub enrollment_groups: BTreeMap<String, super::central::model::AppEnrollmentGroup>,
    pub jobs: BTreeMap<String, super::central::model::Job>,
    /// Registration records of the application's own provisioning service, which no API shows.
    pub registrations: BTreeMap<String, super::dps::model::Registration>,
    /// Devices that register are usable at once; otherwise they wait for approval.
    pub auto_approve: bool,
    #[serde(default)]
    pub configuration: super::central::configuration::Configuration,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dps {
    pub resource: Resource,
    pub id_scope: String,
    /// `{name}.azure-devices-provisioning.net`.
    pub service_host: String,
    /// `Active` is the only good one.
    pub state: String,
    /// ARM spelling: `Hashed`, `GeoLatency`, `Static`.
    pub allocation_policy: String,
    /// Host names of the linked hubs.
    pub linked_hubs: Vec<String>,
    pub policies: Vec<Policy>,
    pub groups: BTreeMap<String, super::dps::model::Group>,
    pub enrollments: BTreeMap<String, super::dps::model::Enrollment>,
    /// Registration records by registration id.
    pub registrations: BTreeMap<String, super::dps::model::Registration>,
    /// Certificates of authorities by name.
    #[serde(default)]
    pub certificates: BTreeMap<String, super::dps::certificates::AuthorityCertificate>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hub {
    pub resource: Resource,
    pub host: String,
    /// `F1`, `B1`..`B3`, `S1`..`S3`.
    pub sku: String,
    pub units: u32,
    pub state: String,
    pub policies: Vec<Policy>,
    pub disable_local_auth: bool,
    pub identities: BTreeMap<String, super::hub::model::Identity>,
    /// Configurations by id.
    #[serde(default)]
    pub configurations: BTreeMap<String, super::hub::configurations::Configuration>,
    /// Scheduled jobs by id.
    #[serde(default)]
    pub jobs: BTreeMap<String, super::hub::job_model::Job>,
}

/// A moment on the sandbox's clock.
pub type Moment = OffsetDateTime;
