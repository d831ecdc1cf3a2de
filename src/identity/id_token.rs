//! Who signed in, from an id token that has passed every check.
//!
//! Promises: RS256 and nothing else; the checks run in a fixed order (shape, algorithm, key, signature, audience, issuer,
//! time, nonce) and the first that fails is told.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::error::IdTokenError;
use super::keys::{Published, PublishedKey};
use super::session::same;
use super::settings::Authority;
use crate::clock::Timestamp;
use crate::ids::{PersonId, TenantId};
use crate::store::people::Person;

/// How far two clocks may be apart.
pub(super) const SKEW: time::Duration = time::Duration::minutes(5);

/// What stands in Entra's issuer where an authority is for any tenant.
const ANY_TENANT: &str = "{tenantid}";

/// What the token must agree with.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub client_id: &'a str,
    pub authority: &'a Authority,
    pub nonce: &'a str,
    pub published: &'a Published,
    /// The time by this machine.
    pub now: Timestamp,
    /// The time by the service that issued the token.
    pub server_time: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    exp: i64,
    nbf: Option<i64>,
    tid: String,
    oid: String,
    nonce: Option<String>,
    name: Option<String>,
    preferred_username: Option<String>,
    idp: Option<String>,
    login_hint: Option<String>,
}

/// The id of the key that the token says it is signed with.
pub(super) fn key_id(token: &SecretString) -> Result<String, IdTokenError> {
    let header = token.expose_secret().split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| IdTokenError::Malformed)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| IdTokenError::Malformed)?;
    if header.alg != "RS256" {
        return Err(IdTokenError::Algorithm);
    }
    header.kid.ok_or(IdTokenError::UnknownKey)
}

/// The person that the token names, if it passes.
pub(super) fn person(token: &SecretString, expected: &Expected<'_>) -> Result<Person, IdTokenError> {
    let key = expected.published.key(&key_id(token)?).ok_or(IdTokenError::UnknownKey)?;
    let claims = signed_claims(token, key)?;
    if claims.aud != expected.client_id {
        return Err(IdTokenError::Audience);
    }
    check_issuer(&claims, key, expected)?;
    check_time(&claims, expected)?;
    if !claims.nonce.as_deref().is_some_and(|nonce| same(nonce, expected.nonce)) {
        return Err(IdTokenError::Nonce);
    }
    Ok(describe(claims))
}

/// The claims under a good signature. Time and audience are checked by the caller, against our clock and with our words.
fn signed_claims(token: &SecretString, key: &PublishedKey) -> Result<Claims, IdTokenError> {
    use jsonwebtoken::errors::ErrorKind;
    let key = DecodingKey::from_rsa_components(&key.n, &key.e).map_err(|_| IdTokenError::UnknownKey)?;
    let mut only_signature = Validation::new(Algorithm::RS256);
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;
    only_signature.required_spec_claims.clear();
    let decoded = jsonwebtoken::decode::<Claims>(token.expose_secret(), &key, &only_signature);
    decoded.map(|data| data.claims).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => IdTokenError::Signature,
        _ => IdTokenError::Malformed,
    })
}

/// The issuer must be the authority's, the token's own tenant must be in it, and the key must be meant for it.
fn check_issuer(claims: &Claims, key: &PublishedKey, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let of_tenant = |issuer: &str| issuer.replace(ANY_TENANT, &claims.tid) == claims.iss;
    let names_tenant = Url::parse(&claims.iss)
        .is_ok_and(|issuer| issuer.path_segments().is_some_and(|mut path| path.any(|part| part == claims.tid)));
    let tenant_asked = expected.authority.tenant().is_none_or(|tenant| tenant.same_as(&claims.tid));
    let key_fits = key.issuer.as_deref().is_none_or(of_tenant);
    let good = of_tenant(&expected.published.issuer) && names_tenant && tenant_asked && key_fits;
    if good { Ok(()) } else { Err(IdTokenError::Issuer) }
}

/// A token that is good by the clock of the one who made it is good, even where this machine's clock is wrong: it has
/// just come from there, over TLS.
fn check_time(claims: &Claims, expected: &Expected<'_>) -> Result<(), IdTokenError> {
    let by_server = expected.server_time.map(|now| check_time_at(claims, now));
    check_time_at(claims, expected.now).or_else(|by_machine| by_server.unwrap_or(Err(by_machine)))
}

fn check_time_at(claims: &Claims, now: Timestamp) -> Result<(), IdTokenError> {
    let (now, skew) = (now.unix_timestamp(), SKEW.whole_seconds());
    let past_end = now.saturating_sub(claims.exp);
    if past_end > skew {
        return Err(IdTokenError::Expired { minutes: past_end / 60 });
    }
    let before_start = claims.nbf.unwrap_or(now).saturating_sub(now);
    if before_start > skew {
        return Err(IdTokenError::NotYetValid { minutes: before_start / 60 });
    }
    Ok(())
}

fn describe(claims: Claims) -> Person {
    let home_tenant = match &claims.idp {
        None => Some(TenantId::new(claims.tid.clone())),
        Some(idp) => tenant_of_provider(idp),
    };
    let username = claims.preferred_username.unwrap_or_default();
    let name = claims.name.filter(|name| !name.trim().is_empty());
    Person {
        name: name
            .or_else(|| Some(username.clone()).filter(|name| !name.is_empty()))
            .unwrap_or_else(|| claims.oid.clone()),
        username,
        id: PersonId { tid: claims.tid.into(), oid: claims.oid },
        home_tenant,
        login_hint: claims.login_hint,
    }
}

/// A guest's home tenant: `idp` is `https://sts.windows.net/{tenant}/` for accounts of Entra.
fn tenant_of_provider(idp: &str) -> Option<TenantId> {
    let url = Url::parse(idp).ok()?;
    let tenant = url.path_segments()?.find(|part| uuid::Uuid::parse_str(part).is_ok())?;
    Some(TenantId::new(tenant))
}
