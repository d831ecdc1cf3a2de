//! ARM's JSON, as far as it is read here.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::azure::arm::model;
use crate::azure::keys::{Right, SharedKey};
use crate::azure::lenient::or_default;
use crate::azure::page::{NextPage, Page};
use crate::ids::TenantId;

#[derive(Deserialize)]
pub(crate) struct List<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink")]
    next_link: Option<String>,
}

impl<T> List<T> {
    pub fn page(self) -> Page<T> {
        Page { items: self.value, next: NextPage::from_answer(self.next_link) }
    }
}

/// Any resource, from the lists, a single GET or Resource Graph.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resource {
    pub id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default", rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub location: String,
    pub etag: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub sku: Sku,
    #[serde(default)]
    pub properties: Value,
}

#[derive(Default, Deserialize)]
pub(crate) struct Sku {
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub tier: String,
    #[serde(default, deserialize_with = "or_default")]
    pub capacity: u32,
}

impl Resource {
    /// The segment of the id that follows `name`, e.g. the GUID after `subscriptions`.
    pub fn segment_after(&self, name: &str) -> String {
        let mut segments = self.id.split('/').skip_while(|segment| !segment.eq_ignore_ascii_case(name));
        segments.nth(1).unwrap_or_default().to_owned()
    }

    pub fn text(&self, property: &str) -> Option<String> {
        self.properties[property].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tenant {
    tenant_id: String,
    #[serde(default, deserialize_with = "or_default")]
    display_name: String,
    default_domain: Option<String>,
}

impl From<Tenant> for model::Tenant {
    fn from(wire: Tenant) -> Self {
        let id = TenantId::from(wire.tenant_id);
        Self { id, display_name: wire.display_name, default_domain: wire.default_domain }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    subscription_id: String,
    #[serde(default, deserialize_with = "or_default")]
    tenant_id: String,
    #[serde(default, deserialize_with = "or_default")]
    display_name: String,
    #[serde(default, deserialize_with = "or_default")]
    state: String,
}

impl From<Subscription> for model::Subscription {
    fn from(wire: Subscription) -> Self {
        Self {
            id: wire.subscription_id,
            tenant: TenantId::from(wire.tenant_id),
            display_name: wire.display_name,
            state: wire.state,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Key {
    key_name: String,
    primary_key: SecretString,
    secondary_key: SecretString,
    #[serde(default, deserialize_with = "or_default")]
    rights: String,
}

impl From<Key> for SharedKey {
    fn from(wire: Key) -> Self {
        Self {
            name: wire.key_name,
            primary: wire.primary_key,
            secondary: wire.secondary_key,
            rights: Right::parse_set(&wire.rights),
        }
    }
}
