//! What a call is authorized with: a person's access token, or a signature with a shared access policy's key.
//!
//! Signatures expire by the server's clock, learned from its answers, so that a workstation whose clock is wrong works.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use crate::azure::call::Call;
use crate::azure::channel::Channel;
use crate::azure::error::{AzureError, ErrorKind, Result};
use crate::azure::keys::{PolicyKeys, SharedKey};
use crate::azure::sas;
use crate::azure::tokens::{Refusal, Resource, TokenError, TokenProvider};

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub(crate) enum Auth {
    Bearer { tokens: Arc<dyn TokenProvider>, resource: Resource },
    Sas { host: String, keys: Arc<dyn PolicyKeys> },
}

/// What one attempt is authorized with.
pub(crate) struct Credential {
    /// The `Authorization` header.
    pub header: SecretString,
    key: Option<SharedKey>,
    /// The correction of our clock that the signature was made with.
    ahead: time::Duration,
}

const SAS_LIFETIME_SECONDS: i64 = 3600;
/// Refusals in a row that may be a slip of the service: a new token, or a key that is still the listed one, is tried as
/// often again before a person is troubled in the middle of the night.
const SLIPS: u32 = 2;

impl Channel {
    /// A credential for the call; with `refused`, that one was not accepted.
    pub(super) async fn credential(&self, call: &Call, refused: Option<(&Credential, Refusal)>) -> Result<Credential> {
        match &self.auth {
            Auth::Bearer { tokens, resource } => {
                let refusal = refused.map(|(_, refusal)| refusal);
                let token = tokens.token(*resource, refusal.as_ref()).await.map_err(|e| self.no_token(call, e))?;
                let header = SecretString::from(format!("Bearer {}", token.expose_secret()));
                Ok(Credential { header, key: None, ahead: time::Duration::ZERO })
            }
            Auth::Sas { host, keys } => {
                let refused = refused.and_then(|(credential, _)| credential.key.as_ref());
                let key = keys.key(call.rights, refused).await?;
                self.sign(call, host, key)
            }
        }
    }

    fn sign(&self, call: &Call, host: &str, key: SharedKey) -> Result<Credential> {
        let ahead = self.shared.skew.ahead(host);
        let expiry = (self.shared.clock.now() + ahead).unix_timestamp() + SAS_LIFETIME_SECONDS;
        let header = sas::sign(host, &key.primary, Some(&key.name), expiry).map_err(|bad| {
            let kind = ErrorKind::Malformed;
            self.error(call, kind, &format!("the key of the policy {} cannot be used: {bad}", key.name))
        })?;
        Ok(Credential { header, key: Some(key), ahead })
    }

    /// After a 401: a better credential, or `None` if there is none to be had.
    pub(super) async fn renew(
        &self,
        call: &Call,
        refused: &Credential,
        claims: Option<String>,
        renewals: u32,
    ) -> Result<Option<Credential>> {
        if let (Auth::Sas { host, .. }, Some(key)) = (&self.auth, &refused.key) {
            if self.shared.skew.ahead(host) != refused.ahead && renewals == 1 {
                return self.sign(call, host, key.clone()).map(Some);
            }
            let credential = self.credential(call, Some((refused, Refusal { claims }))).await?;
            let same = credential.key.as_ref().is_some_and(|new| new.is_same_as(key));
            return Ok((!same || renewals <= SLIPS).then_some(credential));
        }
        if renewals > SLIPS {
            return Ok(None);
        }
        self.credential(call, Some((refused, Refusal { claims }))).await.map(Some)
    }

    fn no_token(&self, call: &Call, cause: TokenError) -> AzureError {
        let message = cause.to_string();
        let error = self.error(call, ErrorKind::SignIn(cause), &message);
        self.explain(call, error)
    }
}
