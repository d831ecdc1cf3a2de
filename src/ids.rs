//! Azure's identifiers as types, so that ids that look alike cannot be mixed up.
//!
//! They are opaque strings: nothing here parses or normalises, because Azure's services disagree about case. Where two
//! of one kind must be compared without regard to case (ARM ids, host names), use [`ArmId::same_as`] and its kin.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! string_id {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as Azure spelled it.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The identifier as Azure spelled it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Equal without regard to ASCII case.
            #[must_use]
            pub fn same_as(&self, other: &str) -> bool {
                self.0.eq_ignore_ascii_case(other)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    )* };
}

string_id! {
    /// An Entra tenant (GUID).
    TenantId;
    /// An ARM resource id, `/subscriptions/…`. Case varies between answers.
    ArmId;
    /// The first label of an IoT Central application's host.
    Subdomain;
    /// An IoT Central device group.
    DeviceGroupId;
    /// A device template's `@id`: what `device.template`, group filters and a job's `target` name.
    TemplateId;
    /// A capability model's `@id`: what a device announces. Never a template's id.
    ModelId;
    /// A device, in IoT Central, DPS (as registration id) and IoT Hub alike.
    DeviceId;
    /// An IoT Central job, chosen by the client.
    JobId;
    /// An enrollment group of IoT Central or of a DPS.
    EnrollmentGroupId;
    /// The `idScope` of a DPS or of an IoT Central application. Case-sensitive.
    IdScope;
    /// A hub's host name, `properties.hostName`.
    HubHost;
    /// A DPS's service host name, `properties.serviceOperationsHostName`.
    DpsHost;
}

/// A person: Entra's object id within a tenant, the only pair that names somebody for good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PersonId {
    /// The tenant acted in.
    pub tid: TenantId,
    /// The object id in that tenant.
    pub oid: String,
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tid, self.oid)
    }
}
