//! The door of a hub: which hub, which policy, which rights.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde_json::Value;

use super::fault::Fault;
use super::limits::{self, Class};
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

/// Something that a policy may allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    RegistryRead,
    RegistryWrite,
    ServiceConnect,
}

impl Right {
    fn name(self) -> &'static str {
        match self {
            Self::RegistryRead => "RegistryRead",
            Self::RegistryWrite => "RegistryWrite",
            Self::ServiceConnect => "ServiceConnect",
        }
    }
}

/// An authenticated call to one hub.
#[derive(Debug)]
pub(super) struct Call {
    pub shared: Shared,
    pub host: String,
    pub now: Moment,
    pub uri: Uri,
    pub headers: HeaderMap,
    rights: String,
}

impl Call {
    /// Checks that the policy used allows `right`. Writing to the registry implies reading it.
    pub(super) fn need(&self, right: Right) -> Result<(), Fault> {
        let has = |wanted: &str| self.rights.split(',').any(|own| own.trim() == wanted);
        let allowed = has(right.name()) || (right == Right::RegistryRead && has(Right::RegistryWrite.name()));
        if allowed { Ok(()) } else { Err(Fault::lacks_right(right.name())) }
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

    /// The `If-Match` header.
    pub(super) fn if_match(&self) -> Option<&str> {
        wire::header_text(&self.headers, "if-match")
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
        let token = wire::header_text(&parts.headers, "authorization").and_then(Token::parse);
        let token = token.ok_or_else(|| Fault::unauthorized("Unauthorized"))?;
        let rights = shared.look(|world| {
            let hub = world.hubs.get(&host).ok_or_else(gone)?;
            if hub.disable_local_auth {
                return Err(Fault::unauthorized("Shared access policies are disabled for this IoT hub."));
            }
            let policy = hub.policies.iter().find(|policy| token.policy.as_deref() == Some(&policy.name));
            let policy = policy
                .filter(|policy| token.is_signed_with(&policy.primary) || token.is_signed_with(&policy.secondary));
            Ok(policy.ok_or_else(|| Fault::unauthorized("Unauthorized"))?.rights.clone())
        })?;
        if token.is_expired(now) || !token.covers(&host, parts.uri.path()) {
            return Err(Fault::unauthorized("The token has expired or is for another resource."));
        }
        match wire::param(&parts.uri, "api-version") {
            Some(version) if VERSIONS.contains(&version.as_str()) => {}
            Some(version) => {
                return Err(Fault::new(
                    400,
                    "InvalidProtocolVersion",
                    400_001,
                    format!("The api-version '{version}' is not supported."),
                ));
            }
            None => {
                return Err(Fault::new(
                    400,
                    "InvalidProtocolVersion",
                    400_001,
                    "The api-version query parameter is missing.",
                ));
            }
        }
        let (uri, headers) = (parts.uri.clone(), parts.headers.clone());
        Ok(Self { shared: shared.clone(), host, now, uri, headers, rights })
    }
}
