//! Applications that sign in as themselves: `grant_type=client_credentials`.

use serde_json::{Value, json};

use super::authorize::check_service_principals;
use super::failure::Failure;
use super::registration::{SECRET_MISSING, SECRET_WRONG};
use super::request::{scope_failure, unknown_client};
use super::scope::Scopes;
use super::tenant::Authority;
use super::token::{Request, required};
use super::tokens;
use crate::sandbox::world::ServicePrincipal;

impl Request<'_> {
    /// A token of the application's own, without a refresh token: its credentials are as good as one.
    ///
    /// # Errors
    /// Wrong credentials, another tenant, or a scope that is not one resource's `.default`.
    pub fn client_credentials(&self) -> Result<Value, Failure> {
        let app = self.service_principal()?;
        match self.presented.secret {
            _ if self.presented.assertion => {}
            None => return Err(Failure::invalid_client(7_000_218, SECRET_MISSING)),
            Some(secret) if secret != app.secret => return Err(Failure::invalid_client(7_000_215, SECRET_WRONG)),
            Some(_) => {}
        }
        let scope = required(self.fields, "scope")?;
        let scopes = Scopes::parse(scope).map_err(scope_failure)?;
        let [asked] = scopes.resources.as_slice() else { return Err(not_default(scope)) };
        if asked.permissions != [".default"] {
            return Err(not_default(scope));
        }
        check_service_principals(self.shared, &app.tid, &[asked.kind])?;
        let lifetime = tokens::access_lifetime();
        let claims = tokens::app_claims(&app, &asked.audience, self.now, lifetime);
        Ok(json!({
            "token_type": "Bearer", "expires_in": lifetime.as_secs(), "ext_expires_in": lifetime.as_secs(),
            "access_token": self.shared.peek_entra(|entra| entra.key.sign(&claims)),
        }))
    }

    fn service_principal(&self) -> Result<ServicePrincipal, Failure> {
        let here = |app: &&ServicePrincipal| match &self.authority {
            Authority::Tenant(id) => app.tid == *id,
            Authority::Common | Authority::Organizations => true,
            Authority::Consumers => false,
        };
        self.shared
            .look(|world| {
                let mut apps = world.service_principals.values();
                apps.find(|app| app.app_id.eq_ignore_ascii_case(self.client_id)).filter(here).cloned()
            })
            .ok_or_else(|| unknown_client(self.client_id, &self.tenant))
    }
}

fn not_default(scope: &str) -> Failure {
    let text = format!(
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
         /.default suffixed to the resource identifier (application ID URI)."
    );
    Failure::new("invalid_scope", 1_002_012, text)
}
