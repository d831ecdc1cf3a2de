//! The authorize request: what must hold before anybody is asked to sign in, and who is told if it does not.

use std::collections::BTreeMap;

use super::claims::Claims;
use super::discovery::unknown_tenant;
use super::failure::Failure;
use super::registration::Registration;
use super::scope::{ScopeError, Scopes};
use super::tenant::Authority;
use crate::sandbox::options::Platform;
use crate::sandbox::state::Shared;

/// Decoded query or form fields.
pub type Parameters = BTreeMap<String, String>;

/// A checked authorize request.
#[derive(Debug)]
pub struct Request {
    /// Tenant segment of the URL, as written.
    pub tenant: String,
    /// What it means.
    pub authority: Authority,
    /// The application.
    pub client_id: String,
    /// Platform of the redirect URI.
    pub platform: Platform,
    /// A registered redirect URI, as written.
    pub redirect_uri: String,
    /// All parameters.
    pub parameters: Parameters,
    /// What is asked for.
    pub scopes: Scopes,
    /// What the client declares and what was demanded of it.
    pub claims: Claims,
}

/// Why an authorize request is refused, and who is told.
#[derive(Debug)]
pub enum Refused {
    /// The person only: it would be unsafe to send the browser back.
    Page(Failure),
    /// The application, by redirect.
    Redirect(Failure),
}

impl Request {
    /// Checks a request to the authorize endpoint of `tenant`.
    ///
    /// # Errors
    /// What is wrong, and whether it may be told to the application.
    pub fn read(shared: &Shared, tenant: &str, parameters: &Parameters) -> Result<Self, Refused> {
        let get = |name: &str| parameters.get(name).filter(|value| !value.is_empty());
        let authority = shared
            .look(|world| Authority::parse(world, tenant))
            .ok_or_else(|| Refused::Page(unknown_tenant(tenant)))?;
        let client_id = get("client_id").ok_or_else(|| Refused::Page(Failure::missing("client_id")))?.clone();
        let registration = Registration::find(shared.options(), &client_id)
            .ok_or_else(|| Refused::Page(unknown_client(&client_id, tenant)))?;
        let redirect_uri = get("redirect_uri").ok_or_else(|| Refused::Page(Failure::missing("redirect_uri")))?.clone();
        let platform = registration
            .platform_of(&redirect_uri)
            .ok_or_else(|| Refused::Page(wrong_redirect(&redirect_uri, &client_id)))?;
        let claims = get("claims").map(String::as_str);
        let claims = Claims::parse(claims).map_err(Refused::Redirect)?;
        let scopes = check_parameters(parameters).map_err(Refused::Redirect)?;
        registration.check_resources(&client_id, &scopes).map_err(Refused::Redirect)?;
        let (tenant, parameters) = (tenant.to_owned(), parameters.clone());
        Ok(Self { tenant, authority, client_id, platform, redirect_uri, parameters, scopes, claims })
    }

    /// A parameter that is there and not empty.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn check_parameters(parameters: &Parameters) -> Result<Scopes, Failure> {
    let get = |name: &str| parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
    match get("response_type") {
        Some("code") => {}
        None => return Err(Failure::missing("response_type")),
        Some(other) => {
            let text = format!("response_type '{other}' is not enabled for the application.");
            return Err(Failure::new("unsupported_response_type", 700_054, text));
        }
    }
    if !matches!(get("response_mode"), None | Some("query" | "fragment" | "form_post")) {
        return Err(Failure::invalid_request(90023, "The value of 'response_mode' is not supported."));
    }
    let well_formed = match (get("code_challenge"), get("code_challenge_method")) {
        (None, _) => true,
        (Some(challenge), Some("S256")) => challenge.len() == 43,
        (Some(challenge), None | Some("plain")) => (43..=128).contains(&challenge.len()),
        (Some(_), Some(_)) => false,
    };
    if !well_formed {
        return Err(Failure::invalid_request(50147, "Invalid size of Code_Challenge parameter."));
    }
    match get("prompt") {
        Some("none") => {
            let text = "Session information is not sufficient for single-sign-on.";
            return Err(Failure::new("login_required", 50058, text));
        }
        None | Some("login" | "consent" | "select_account" | "create") => {}
        Some(other) => {
            return Err(Failure::invalid_request(90023, format!("'{other}' is not a supported value of 'prompt'.")));
        }
    }
    let scope = get("scope").ok_or_else(|| Failure::missing("scope"))?;
    Scopes::parse(scope).map_err(scope_failure)
}

/// AADSTS70011, 650053 or 500011.
pub fn scope_failure(error: ScopeError) -> Failure {
    match error {
        ScopeError::Invalid(scope) => Failure::new(
            "invalid_scope",
            70011,
            format!(
                "The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is not valid."
            ),
        ),
        ScopeError::UnknownPermission { permission, resource } => Failure::invalid_client(
            650_053,
            format!(
                "The application asked for scope '{permission}' that doesn't exist on the resource '{}'. Contact the \
                 app vendor.",
                resource.app_id()
            ),
        ),
        ScopeError::UnknownResource(uri) => Failure::new(
            "invalid_resource",
            500_011,
            format!("The resource principal named {uri} was not found in the tenant."),
        ),
    }
}

/// AADSTS700016.
pub fn unknown_client(client_id: &str, tenant: &str) -> Failure {
    Failure::new(
        "unauthorized_client",
        700_016,
        format!("Application with identifier '{client_id}' was not found in the directory '{tenant}'."),
    )
}

fn wrong_redirect(uri: &str, client_id: &str) -> Failure {
    Failure::invalid_request(
        50011,
        format!(
            "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the \
             application '{client_id}'."
        ),
    )
}
