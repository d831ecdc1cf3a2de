//! The tenant segment of Entra's URLs.

use crate::sandbox::world::{Person, World};

/// The tenant of personal Microsoft accounts.
pub const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Whose sign-in is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// Work, school and personal accounts.
    Common,
    /// Work or school accounts of any tenant.
    Organizations,
    /// Personal accounts.
    Consumers,
    /// One tenant, by its id.
    Tenant(String),
}

impl Authority {
    /// Reads a path segment: a word, a GUID or a verified domain. `None` for a tenant that does not exist.
    #[must_use]
    pub fn parse(world: &World, segment: &str) -> Option<Self> {
        let segment = segment.to_ascii_lowercase();
        match segment.as_str() {
            "common" => Some(Self::Common),
            "organizations" => Some(Self::Organizations),
            "consumers" | CONSUMERS => Some(Self::Consumers),
            _ => world
                .tenants
                .values()
                .find(|tenant| {
                    tenant.id.eq_ignore_ascii_case(&segment) || tenant.default_domain.eq_ignore_ascii_case(&segment)
                })
                .map(|tenant| Self::Tenant(tenant.id.clone())),
        }
    }

    /// The tenant in which `person` ends up when signing in here; `None` if this person has no account there
    /// (AADSTS50020).
    #[must_use]
    pub fn tenant_for(&self, person: &Person) -> Option<String> {
        match self {
            Self::Common | Self::Organizations => Some(person.tid.clone()),
            Self::Consumers => (person.tid == CONSUMERS).then(|| CONSUMERS.to_owned()),
            Self::Tenant(id) => (person.tid == *id || person.member_of.contains(id)).then(|| id.clone()),
        }
    }

    /// How the endpoints of the discovery document name it.
    #[must_use]
    pub fn segment(&self) -> &str {
        match self {
            Self::Common => "common",
            Self::Organizations => "organizations",
            Self::Consumers => "consumers",
            Self::Tenant(id) => id,
        }
    }

    /// The tenant in the issuer of the discovery document: a placeholder where it depends on the person.
    #[must_use]
    pub fn issuer_tenant(&self) -> &str {
        match self {
            Self::Common | Self::Organizations => "{tenantid}",
            Self::Consumers => CONSUMERS,
            Self::Tenant(id) => id,
        }
    }
}

/// The object id of a person in a tenant. A guest is another object there than at home.
#[must_use]
pub fn object_id(person: &Person, tid: &str) -> String {
    if person.tid == tid {
        return person.oid.clone();
    }
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{}@{tid}", person.oid).as_bytes()).to_string()
}

/// The object id at home of whoever has the object id `oid` in the tenant `tid`; an id that nobody has stays as it is.
#[must_use]
pub fn home_id(world: &World, oid: &str, tid: &str) -> String {
    if world.people.contains_key(oid) {
        return oid.to_owned();
    }
    let guest = world.people.values().find(|person| person.tid != tid && object_id(person, tid) == oid);
    guest.map_or_else(|| oid.to_owned(), |person| person.oid.clone())
}
