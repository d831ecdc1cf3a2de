//! The certificates of authorities of a DPS: upload, proof of possession, deletion. Changes need the etag that was read.

use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::access::{Access, id_of};
use super::failure::Failure;
use super::target::{Address, Kind, Target};
use super::{find, metered, versions};
use crate::sandbox::dps::certificates::{AuthorityCertificate, MOST};
use crate::sandbox::entra::tokens::Bearer;
use crate::sandbox::state::Shared;
use crate::sandbox::wire;
use crate::sandbox::world::{Dps, Moment, World};
use crate::sandbox::x509::Certificate;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    List,
    Get,
    Put,
    Delete,
    GenerateCode,
    Verify,
}

impl Verb {
    fn of(method: &Method, name: Option<&str>, tail: Option<&str>) -> Option<Self> {
        match (method.as_str(), name, tail.map(str::to_ascii_lowercase).as_deref()) {
            ("GET", None, None) => Some(Self::List),
            ("GET", Some(_), None) => Some(Self::Get),
            ("PUT", Some(_), None) => Some(Self::Put),
            ("DELETE", Some(_), None) => Some(Self::Delete),
            ("POST", Some(_), Some("generateverificationcode")) => Some(Self::GenerateCode),
            ("POST", Some(_), Some("verify")) => Some(Self::Verify),
            _ => None,
        }
    }

    /// The action that a role must have.
    fn action(self) -> &'static str {
        match self {
            Self::List | Self::Get => "certificates/read",
            Self::Put => "certificates/write",
            Self::Delete => "certificates/delete",
            Self::GenerateCode => "certificates/generateVerificationCode/action",
            Self::Verify => "certificates/verify/action",
        }
    }

    /// What the call log says of it.
    fn effect(self) -> Option<&'static str> {
        match self {
            Self::List | Self::Get => None,
            Self::Put => Some("certificate.stored"),
            Self::Delete => Some("certificate.deleted"),
            Self::GenerateCode | Self::Verify => Some("certificate.updated"),
        }
    }
}

/// A call about certificates.
struct Asked<'a> {
    verb: Verb,
    address: &'a Address,
    name: &'a str,
    if_match: Option<&'a str>,
    body: Value,
    now: Moment,
}

/// Answers if the path is that of certificates.
pub(super) fn respond(
    shared: &Shared,
    bearer: &Bearer,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Response> {
    let (address, name, tail) = parse(uri.path())?;
    let target = Target::Certificates(address.clone(), name.clone());
    let today = shared.clock().now().date();
    if let Err(failure) = versions::check(&target, wire::param(uri, "api-version").as_deref(), today) {
        return Some(failure.into_response());
    }
    let Some(verb) = Verb::of(method, name.as_deref(), tail.as_deref()) else {
        return Some(Failure::method_not_allowed(method).into_response());
    };
    let asked = Asked {
        verb,
        address: &address,
        name: name.as_deref().unwrap_or_default(),
        if_match: wire::header_text(headers, "if-match"),
        body: serde_json::from_slice(body).unwrap_or_default(),
        now: shared.clock().now(),
    };
    let mut response = metered(shared, bearer, &target, || shared.world(|world| asked.answer(world, bearer)));
    if response.status() == StatusCode::OK {
        if verb == Verb::Delete {
            *response.status_mut() = StatusCode::NO_CONTENT;
            *response.body_mut() = axum::body::Body::empty();
            response.headers_mut().remove("content-length");
            response.headers_mut().remove("content-type");
        }
        if let Some(effect) = verb.effect() {
            response = wire::with_effect(response, effect, asked.name);
        }
    }
    Some(response)
}

/// `…/provisioningServices/{dps}/certificates[/{name}[/{verb}]]`
fn parse(path: &str) -> Option<(Address, Option<String>, Option<String>)> {
    let at = path.to_ascii_lowercase().find("/certificates")?;
    let (service, rest) = path.split_at(at);
    let Ok(Target::One(address)) = Target::parse(service) else { return None };
    let mut rest = rest.split('/').skip(1).filter(|segment| !segment.is_empty());
    let is_ours = address.kind == Kind::Dps && rest.next()?.eq_ignore_ascii_case("certificates");
    let (name, tail) = (rest.next().map(str::to_owned), rest.next().map(str::to_owned));
    (is_ours && rest.next().is_none()).then_some((address, name, tail))
}

impl Asked<'_> {
    fn answer(&self, world: &mut World, bearer: &Bearer) -> Result<Value, Failure> {
        let id = self.authorize(world, bearer)?;
        let dps = world.dps.values_mut().find(|dps| is_at(dps, self.address));
        let dps = dps.ok_or_else(|| Failure::not_found("ResourceNotFound", "The DPS was not found."))?;
        match self.verb {
            Verb::List => {
                Ok(json!({"value": dps.certificates.iter().map(|(name, one)| one.show(&id, name)).collect::<Value>()}))
            }
            Verb::Get => Ok(self.known(dps)?.show(&id, self.name)),
            Verb::Put => self.put(dps, &id),
            Verb::Delete => {
                self.current(dps)?;
                if let Some(group) = dps.groups.values().find(|group| group.settings.refers_to(self.name)) {
                    let message = format!("The certificate is used by the enrollment group '{}'.", group.id);
                    return Err(Failure::new(StatusCode::CONFLICT, "409000", message));
                }
                dps.certificates.remove(self.name);
                Ok(Value::Null)
            }
            Verb::GenerateCode => {
                let known = self.current(dps)?;
                known.code = Some(uuid::Uuid::new_v4().simple().to_string().to_uppercase());
                known.touch(self.now);
                Ok(known.show(&id, self.name))
            }
            Verb::Verify => self.verify(dps, &id),
        }
    }

    /// Checks the caller's role; the id of the DPS.
    fn authorize(&self, world: &World, bearer: &Bearer) -> Result<String, Failure> {
        let access = Access::new(world, bearer);
        let target = Target::Certificates(self.address.clone(), None);
        access.subscription(&target, &self.address.subscription)?;
        let found = find(world, &access, self.address, self.verb.action())?;
        let id = id_of(found.resource(), Kind::Dps.type_name());
        // The roles that may list keys are those that may change a resource.
        if self.verb.effect().is_some() && !access.may_list_keys(&id) {
            return Err(access.refuse(&format!("{}/{}", Kind::Dps.type_name(), self.verb.action()), &id));
        }
        Ok(id)
    }

    fn known<'a>(&self, dps: &'a mut Dps) -> Result<&'a mut AuthorityCertificate, Failure> {
        let name = self.name;
        let missing = || Failure::not_found("404000", format!("The certificate '{name}' was not found."));
        dps.certificates.get_mut(name).ok_or_else(missing)
    }

    /// The certificate, if the caller has seen its present state.
    fn current<'a>(&self, dps: &'a mut Dps) -> Result<&'a mut AuthorityCertificate, Failure> {
        let if_match = self.if_match;
        let known = self.known(dps)?;
        match if_match {
            Some(etag) if wire::etag_matches(etag, &known.etag) => Ok(known),
            Some(_) => Err(stale("The certificate has changed since it was read.")),
            None => Err(stale("The If-Match header must have the etag of the certificate.")),
        }
    }

    fn put(&self, dps: &mut Dps, id: &str) -> Result<Value, Failure> {
        // Versions before 2022-02-05 have no `properties` around it.
        let properties = if self.body["properties"].is_object() { &self.body["properties"] } else { &self.body };
        let certificate = properties["certificate"].as_str().and_then(Certificate::read);
        let certificate = certificate
            .ok_or_else(|| Failure::bad_request("400004", "properties.certificate must be a certificate, base64."))?;
        let verified = properties["isVerified"].as_bool().unwrap_or(false);
        if !is_name(self.name) {
            return Err(Failure::bad_request("400004", format!("'{}' is not a valid certificate name.", self.name)));
        }
        if dps.certificates.contains_key(self.name) {
            let known = self.current(dps)?;
            (known.certificate, known.verified, known.code) = (certificate, verified, None);
            known.touch(self.now);
            return Ok(known.show(id, self.name));
        }
        if self.if_match.is_some() {
            return Err(stale("There is no certificate of that name."));
        }
        if dps.certificates.len() >= MOST {
            let message = format!("A provisioning service takes {MOST} certificates at most.");
            return Err(Failure::new(StatusCode::FORBIDDEN, "403001", message));
        }
        let fresh = AuthorityCertificate::new(certificate, verified, self.now);
        let shown = fresh.show(id, self.name);
        dps.certificates.insert(self.name.to_owned(), fresh);
        Ok(shown)
    }

    /// Proof of possession: a certificate of that authority for the code that was generated.
    fn verify(&self, dps: &mut Dps, id: &str) -> Result<Value, Failure> {
        let now = self.now;
        let proof = self.body["certificate"].as_str().and_then(Certificate::read);
        let known = self.current(dps)?;
        let proves = proof.is_some_and(|proof| {
            known.code.as_deref() == Some(proof.common_name.as_str()) && proof.is_signed_by(&known.certificate)
        });
        if !proves {
            let message =
                "The verification certificate must be signed by the certificate and have the code as its subject.";
            return Err(Failure::bad_request("400009", message));
        }
        (known.verified, known.code) = (true, None);
        known.touch(now);
        Ok(known.show(id, self.name))
    }
}

fn stale(message: &str) -> Failure {
    Failure::new(StatusCode::PRECONDITION_FAILED, "412002", message)
}

fn is_at(dps: &Dps, address: &Address) -> bool {
    dps.resource.subscription.eq_ignore_ascii_case(&address.subscription)
        && dps.resource.resource_group.eq_ignore_ascii_case(&address.group)
        && dps.resource.name.eq_ignore_ascii_case(&address.name)
}

/// At most 64 letters, digits and `- . _`.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}
