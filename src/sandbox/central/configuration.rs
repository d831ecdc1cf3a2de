//! What an application keeps besides devices: access, organisations, ways out of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sandbox::world::Moment;

/// The parts of an application that its administrator sets up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// By id.
    pub api_tokens: BTreeMap<String, ApiToken>,
    /// By id.
    pub organizations: BTreeMap<String, Organization>,
    /// By the id of the device that they go out from, then by their own.
    pub relationships: BTreeMap<String, BTreeMap<String, Relationship>>,
    /// Storage for files that devices upload.
    pub file_uploads: Option<Value>,
    /// Where exports go, as they were given, by id. What of it is secret is masked when it is shown.
    pub export_destinations: BTreeMap<String, Value>,
    /// Exports, as the wire shows them.
    pub exports: BTreeMap<String, Value>,
    /// Users who are none of the sandbox's people, as the wire shows them, by id.
    pub users: BTreeMap<String, Value>,
    /// Names of the roles that are not built in, by id.
    pub roles: BTreeMap<String, String>,
    /// Jobs that begin by the calendar, as the wire shows them, by id.
    pub scheduled_jobs: BTreeMap<String, Value>,
    /// Dashboards, as the wire shows them, by id.
    pub dashboards: BTreeMap<String, Value>,
    /// What IoT Edge devices run, as the wire shows it, by id: with the passwords in it, as documented.
    pub deployment_manifests: BTreeMap<String, Value>,
}

impl Configuration {
    /// Removes what refers to a device that is deleted.
    pub fn forget_device(&mut self, id: &str) {
        self.relationships.remove(id);
        for of_one in self.relationships.values_mut() {
            of_one.retain(|_, relationship| relationship.target != id);
        }
    }
}

/// A token with which programs call the application. It is shown once, when it is made.
#[derive(Clone, Serialize, Deserialize)]
pub struct ApiToken {
    /// Id.
    pub id: String,
    /// What it is signed with, base64.
    pub key: String,
    /// As given: `{ "role", "organization" }` each.
    pub roles: Vec<Value>,
    /// When it ends.
    pub expiry: Moment,
}

impl std::fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A part of the organisation that uses the application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organization {
    /// Name.
    pub display_name: String,
    /// Id of the one above.
    pub parent: Option<String>,
}

/// From a gateway to a device behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relationship {
    /// Id.
    pub id: String,
    /// Name of the relationship in the gateway's template.
    pub name: Option<String>,
    /// The gateway.
    pub source: String,
    /// The device behind it.
    pub target: String,
}
