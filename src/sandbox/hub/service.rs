//! The door of a hub: which hub, which policy, which rights.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde_json::Value;

use super::fault::Fault;
use super::limits::{self, Class};
use crate::sandbox::data_roles::{self, Principal, Refusal};
use crate::sandbox::entra::tokens::Audience;
use crate::sandbox::sas::Token;
use crate::sandbox::state::Shared;
use crate::sandbox::wire;
use crate::sandbox::world::{Hub, Moment};

const VERSIONS: [&str; 16] = [
    "2016-11-14",
    "2017-06-30",
    "2018-04-01",
    "2018-06-30",
    "2019-03-30",
    "2019-07-01-preview",
    "2019-10-01",
    "2020-03-01",
    "2020-03-13",
    "2020-05-31-preview",
    "2020-09-30",
    "2021-04-12",
    "2021-05-31-preview",
    "2021-08-01-preview",
    "2021-11-30",
    "2023-06-30",
];

/// Something that a caller may be allowed, as policies and data roles name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Right {
    /// The permission of a shared access policy.
    permission: &'static str,
    /// The data action of a role.
    action: &'static str,
}

impl Right {
    pub(super) const REGISTRY_READ: Self = Self::new("RegistryRead", "devices/read");
    pub(super) const REGISTRY_WRITE: Self = Self::new("RegistryWrite", "devices/write");
    pub(super) const REGISTRY_DELETE: Self = Self::new("RegistryWrite", "devices/delete");
    pub(super) const REGISTRY_COUNT: Self = Self::new("RegistryRead", "statistics/read");
    pub(super) const SERVICE_COUNT: Self = Self::new("ServiceConnect", "statistics/read");
    pub(super) const TWIN_READ: Self = Self::new("ServiceConnect", "twins/read");
    pub(super) const TWIN_WRITE: Self = Self::new("ServiceConnect", "twins/write");
    pub(super) const METHOD: Self = Self::new("ServiceConnect", "directMethods/invoke/action");

    pub(super) const CONFIGURATION_READ: Self = Self::new("RegistryRead", "configurations/read");
    pub(super) const CONFIGURATION_WRITE: Self = Self::new("RegistryWrite", "configurations/write");
    pub(super) const CONFIGURATION_DELETE: Self = Self::new("RegistryWrite", "configurations/delete");
    pub(super) const QUEUE_PURGE: Self = Self::new("ServiceConnect", "cloudToDeviceMessages/queue/purge/action");
    pub(super) const JOB_READ: Self = Self::new("ServiceConnect", "jobs/read");
    pub(super) const JOB_WRITE: Self = Self::new("ServiceConnect", "jobs/write");
    pub(super) const JOB_DELETE: Self = Self::new("ServiceConnect", "jobs/delete");

    const fn new(permission: &'static str, action: &'static str) -> Self {
        Self { permission, action }
    }
}

/// How the caller proved who it is.
#[derive(Debug)]
enum Caller {
    /// With a key of a policy that has these rights.
    Policy(String),
    /// With an Entra token.
    Person(Principal),
}

/// An authenticated call to one hub.
#[derive(Debug)]
pub(super) struct Call {
    pub shared: Shared,
    pub host: String,
    pub now: Moment,
    pub uri: Uri,
    pub headers: HeaderMap,
    caller: Caller,
}

impl Call {
    /// Checks that the caller is allowed `right`. Writing to the registry implies reading it.
    pub(super) fn need(&self, right: Right) -> Result<(), Fault> {
        match &self.caller {
            Caller::Policy(rights) => {
                let has = |wanted: &str| rights.split(',').any(|own| own.trim() == wanted);
                let allowed = has(right.permission) || (right.permission == "RegistryRead" && has("RegistryWrite"));
                if allowed { Ok(()) } else { Err(Fault::lacks_right(right.permission)) }
            }
            Caller::Person(person) if person.may(right.action) => Ok(()),
            Caller::Person(person) => {
                let path = self.uri.path();
                Err(Fault::unauthorized(format!(
                    "Principal {} is not authorized for {path} due to no assigned permissions",
                    person.oid
                )))
            }
        }
    }

    /// Refuses Entra tokens, where only shared access signatures are taken.
    pub(super) fn need_policy(&self) -> Result<(), Fault> {
        match self.caller {
            Caller::Policy(_) => Ok(()),
            Caller::Person(_) => Err(Fault::unauthorized("Unauthorized")),
        }
    }

    /// Reads or changes the hub.
    pub(super) fn hub<R>(&self, f: impl FnOnce(&mut Hub) -> Result<R, Fault>) -> Result<R, Fault> {
        self.shared.world(|world| f(world.hubs.get_mut(&self.host).ok_or_else(gone)?))
    }

    /// Reads the hub.
    pub(super) fn look<R>(&self, f: impl FnOnce(&Hub) -> Result<R, Fault>) -> Result<R, Fault> {
        self.shared.look(|world| f(world.hubs.get(&self.host).ok_or_else(gone)?))
    }

    /// Takes `cost` operations from the hub's budget.
    pub(super) fn meter(&self, class: Class, cost: u32) -> Result<(), Fault> {
        self.look(|hub| limits::take(&self.shared, hub, class, cost).map_err(|_| Fault::throttled()))
    }

    /// Refuses what the Basic tier does not have.
    pub(super) fn need_standard_tier(&self) -> Result<(), Fault> {
        self.look(|hub| if limits::has_twins(&hub.sku) { Ok(()) } else { Err(Fault::wrong_tier()) })
    }

    /// The `If-Match` header. Without quotes around it a value is no etag, and the hub takes any state.
    pub(super) fn if_match(&self) -> Option<&str> {
        let given = wire::header_text(&self.headers, "if-match")?.trim();
        let is_quoted = given.len() >= 2 && given.starts_with('"') && given.ends_with('"');
        Some(if is_quoted { given } else { "*" })
    }

    /// Reads a JSON body, which must be declared as such.
    pub(super) fn json(&self, body: &[u8]) -> Result<Value, Fault> {
        let content = wire::header_text(&self.headers, "content-type").unwrap_or_default();
        if !content.to_ascii_lowercase().starts_with("application/json") {
            return Err(Fault::new(415, "UnsupportedMediaType", 415_000, "The content type must be application/json."));
        }
        serde_json::from_slice(body).map_err(|error| Fault::bad_request(format!("The body is not valid JSON: {error}")))
    }
}

fn gone() -> Fault {
    Fault::new(404, "IotHubNotFound", 404_002, "There is no such IoT hub.")
}

impl FromRequestParts<Shared> for Call {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Fault> {
        let host = wire::host(&parts.headers, &parts.uri);
        let now = shared.clock().now();
        let caller = authenticate(parts, shared, &host, now)?;
        check_version(&parts.uri)?;
        let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
        Ok(Self { shared: shared.clone(), host, now, uri, headers, caller })
    }
}

fn authenticate(parts: &Parts, shared: &Shared, host: &str, now: Moment) -> Result<Caller, Fault> {
    if data_roles::is_bearer(&parts.headers) {
        let resource = shared.look(|world| world.hubs.get(host).map(|hub| hub.resource.clone())).ok_or_else(gone)?;
        let admitted =
            data_roles::admit(shared, &parts.headers, Audience::IotHub, &resource, "Microsoft.Devices/IotHubs");
        return admitted.map(Caller::Person).map_err(|refusal| match refusal {
            Refusal::Expired => Fault::unauthorized_now("The token has expired."),
            Refusal::Invalid => Fault::unauthorized("Unauthorized"),
        });
    }
    let token = wire::header_text(&parts.headers, "authorization").and_then(Token::parse);
    let token = token.ok_or_else(|| Fault::unauthorized("Unauthorized"))?;
    let rights = shared.look(|world| {
        let hub = world.hubs.get(host).ok_or_else(gone)?;
        if hub.disable_local_auth {
            return Err(Fault::unauthorized("Shared access policies are disabled for this IoT hub."));
        }
        let policy = hub.policies.iter().find(|policy| token.policy.as_deref() == Some(&policy.name));
        let policy =
            policy.filter(|policy| token.is_signed_with(&policy.primary) || token.is_signed_with(&policy.secondary));
        Ok(policy.ok_or_else(|| Fault::unauthorized("Unauthorized"))?.rights.clone())
    })?;
    if token.is_expired(now) || !token.covers(host, parts.uri.path()) {
        return Err(Fault::unauthorized_now("The token has expired or is for another resource."));
    }
    Ok(Caller::Policy(rights))
}

fn check_version(uri: &Uri) -> Result<(), Fault> {
    let message = match wire::param(uri, "api-version") {
        Some(version) if VERSIONS.contains(&version.as_str()) => return Ok(()),
        Some(version) => format!("The api-version '{version}' is not supported."),
        None => "The api-version query parameter is missing.".to_owned(),
    };
    Err(Fault::new(400, "InvalidProtocolVersion", 400_001, message))
}
