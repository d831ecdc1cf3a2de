//! The door of the service API: which instance, which policy, which rights, how fast.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use serde_json::Value;

use super::fault::Fault;
use crate::sandbox::data_roles::{self, Principal};
use crate::sandbox::entra::tokens::Audience;
use crate::sandbox::sas::Token;
use crate::sandbox::state::Shared;
use crate::sandbox::throttle::Rate;
use crate::sandbox::wire;
use crate::sandbox::world::{Dps, Moment, Policy};

const VERSIONS: [&str; 8] = [
    "2018-04-01",
    "2018-09-01-preview",
    "2018-11-01",
    "2019-03-31",
    "2020-09-01-preview",
    "2021-06-01",
    "2021-10-01",
    "2021-11-01-preview",
];
/// Service operations of one instance: 1,000 a minute.
const RATE: Rate = Rate { amount: 1000, per: Duration::from_secs(60), burst: 1000 };

/// Something that a caller may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    EnrollmentRead,
    EnrollmentWrite,
    EnrollmentDelete,
    /// To see keys.
    AttestationRead,
    RegistrationRead,
    RegistrationDelete,
}

impl Right {
    /// The right's name in a policy, and the one that implies it.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::EnrollmentRead | Self::AttestationRead => ["EnrollmentRead", "EnrollmentWrite"],
            Self::EnrollmentWrite | Self::EnrollmentDelete => ["EnrollmentWrite", "EnrollmentWrite"],
            Self::RegistrationRead => ["RegistrationStatusRead", "RegistrationStatusWrite"],
            Self::RegistrationDelete => ["RegistrationStatusWrite", "RegistrationStatusWrite"],
        }
    }

    /// The data action of a role.
    fn action(self) -> &'static str {
        match self {
            Self::EnrollmentRead => "enrollments/read",
            Self::EnrollmentWrite => "enrollments/write",
            Self::EnrollmentDelete => "enrollments/delete",
            Self::AttestationRead => "attestationmechanism/details/action",
            Self::RegistrationRead => "registrationStates/read",
            Self::RegistrationDelete => "registrationStates/delete",
        }
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

/// An authenticated call to one instance.
#[derive(Debug)]
pub(super) struct Call {
    pub shared: Shared,
    /// Resource name of the DPS.
    pub name: String,
    pub now: Moment,
    pub headers: HeaderMap,
    caller: Caller,
}

impl Call {
    /// Checks that the caller is allowed `right`.
    pub(super) fn need(&self, right: Right) -> Result<(), Fault> {
        let [name, implied_by] = right.names();
        let allowed = match &self.caller {
            Caller::Policy(rights) => rights.split(',').map(str::trim).any(|own| own == name || own == implied_by),
            Caller::Person(person) => person.may(right.action()),
        };
        if allowed { Ok(()) } else { Err(Fault::new(401_003, format!("The caller does not have the right {name}."))) }
    }

    /// Reads or changes the instance.
    pub(super) fn dps<R>(&self, f: impl FnOnce(&mut Dps) -> Result<R, Fault>) -> Result<R, Fault> {
        self.shared.world(|world| f(world.dps.get_mut(&self.name).ok_or_else(gone)?))
    }

    /// Reads the instance.
    pub(super) fn look<R>(&self, f: impl FnOnce(&Dps) -> Result<R, Fault>) -> Result<R, Fault> {
        self.shared.look(|world| f(world.dps.get(&self.name).ok_or_else(gone)?))
    }

    /// The `If-Match` header. Behind a switch an etag without quotes matches nothing.
    pub(super) fn if_match(&self) -> Option<&str> {
        let given = wire::header_text(&self.headers, "if-match")?;
        let is_plain = !given.starts_with('"') && given != "*";
        Some(if is_plain && self.shared.switches().plain_etags_refused { "\"\"" } else { given })
    }
}

fn gone() -> Fault {
    Fault::new(404_000, "There is no such provisioning service.")
}

impl FromRequestParts<Shared> for Call {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Fault> {
        let host = wire::host(&parts.headers, &parts.uri);
        let now = shared.clock().now();
        let (name, caller) = authenticate(parts, shared, &host, now)?;
        check_version(&parts.uri, &VERSIONS)?;
        shared.throttles().take(&format!("dps/{name}/service"), 1, RATE).map_err(|_| Fault::throttled())?;
        Ok(Self { shared: shared.clone(), name, now, headers: parts.headers.clone(), caller })
    }
}

/// The instance behind a host, and who calls it.
fn authenticate(parts: &Parts, shared: &Shared, host: &str, now: Moment) -> Result<(String, Caller), Fault> {
    let (name, resource, policies) = shared.look(|world| {
        let (name, dps) = world.dps.iter().find(|(_, dps)| dps.service_host == host).ok_or_else(gone)?;
        Ok::<_, Fault>((name.clone(), dps.resource.clone(), dps.policies.clone()))
    })?;
    if data_roles::is_bearer(&parts.headers) {
        let type_name = "Microsoft.Devices/provisioningServices";
        let person = data_roles::admit(shared, &parts.headers, Audience::Dps, &resource, type_name)
            .map_err(|_| Fault::unauthorized())?;
        return Ok((name, Caller::Person(person)));
    }
    let token =
        wire::header_text(&parts.headers, "authorization").and_then(Token::parse).ok_or_else(Fault::unauthorized)?;
    let is_signer = |policy: &Policy| token.is_signed_with(&policy.primary) || token.is_signed_with(&policy.secondary);
    let policy = policies.into_iter().find(|policy| token.policy.as_deref() == Some(&policy.name)).filter(is_signer);
    let policy = policy.ok_or_else(|| Fault::new(401_000, "Unauthorized"))?;
    if token.is_expired(now) || !token.covers(host, parts.uri.path()) {
        return Err(Fault::unauthorized());
    }
    Ok((name, Caller::Policy(policy.rights)))
}

/// Checks `api-version`.
pub(super) fn check_version(uri: &Uri, known: &[&str]) -> Result<(), Fault> {
    match wire::param(uri, "api-version") {
        Some(version) if known.contains(&version.as_str()) => Ok(()),
        Some(version) => Err(Fault::new(400_001, format!("The api-version '{version}' is not supported."))),
        None => Err(Fault::new(400_001, "The api-version query parameter is missing.")),
    }
}

/// Reads a JSON body, which must be declared as such.
pub(super) fn json_body(headers: &HeaderMap, body: &[u8]) -> Result<Value, Fault> {
    let content = wire::header_text(headers, "content-type").unwrap_or_default();
    if !content.to_ascii_lowercase().starts_with("application/json") {
        return Err(Fault::new(415_001, "The content type must be application/json."));
    }
    serde_json::from_slice(body).map_err(|error| Fault::bad_request(format!("The body is not valid JSON: {error}")))
}
