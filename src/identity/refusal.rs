//! A refusal by Entra, put into words: from the `error` and the AADSTS numbers, whichever leg it came on.

use std::fmt;

use super::aadsts::{self, ORIGIN_WITHOUT_SPA, Remedy, SECRET_MISSING, SECRET_UNWANTED, SPA_WITHOUT_ORIGIN};
use super::settings::{EntraSettings, Platform};
use super::sign_in::Callback;

/// Entra said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraRefusal {
    /// OAuth's error, for example `invalid_grant`.
    pub error: String,
    /// The AADSTS number that tells most.
    pub code: Option<u32>,
    /// What happened, as a sentence.
    pub words: String,
    /// What to do, as a sentence.
    pub advice: String,
    /// What to do, for the program.
    pub remedy: Remedy,
    /// Claims that Entra wants in the next authorize request.
    pub claims: Option<String>,
    /// Entra's name for the request, to give to Microsoft's support.
    pub trace_id: Option<String>,
}

impl fmt::Display for EntraRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)?;
        match (self.code, &self.trace_id) {
            (Some(code), Some(trace)) => write!(f, " (AADSTS{code}, trace {trace})"),
            (Some(code), None) => write!(f, " (AADSTS{code})"),
            (None, Some(trace)) => write!(f, " ({}, trace {trace})", self.error),
            (None, None) => write!(f, " ({})", self.error),
        }
    }
}

impl EntraRefusal {
    /// From OAuth's error and Entra's numbers.
    pub(super) fn new(settings: &EntraSettings, error: &str, codes: &[u32]) -> Self {
        let code = aadsts::telling(codes);
        let known = code.and_then(aadsts::meaning);
        let (words, advice, remedy) = match known {
            Some(known) => (known.words, known.advice, known.remedy),
            None => of_error(error),
        };
        let advice = code.and_then(|code| platform_advice(settings, code)).unwrap_or_else(|| advice.to_owned());
        Self { error: printable(error), code, words: words.to_owned(), advice, remedy, claims: None, trace_id: None }
    }

    /// From the redirect's query, where the number stands at the front of the description and in the error's address.
    pub(super) fn of_callback(settings: &EntraSettings, error: &str, callback: &Callback) -> Self {
        let from_address = callback.error_uri.as_deref().and_then(code_of_address);
        let code = callback.error_description.as_deref().and_then(code_of_description).or(from_address);
        Self::new(settings, error, code.as_slice())
    }

    /// Whether the refusal is of one resource and the sign-in itself could do without it.
    pub(super) fn is_of_resource(&self) -> bool {
        self.remedy == Remedy::ResourceUnknown || (self.code.is_none() && self.error == "invalid_resource")
    }
}

/// What OAuth's error says where the number is missing or unknown.
fn of_error(error: &str) -> (&'static str, &'static str, Remedy) {
    match error {
        "access_denied" => (
            "The sign-in was declined, by the person or by a rule of the tenant.",
            "Sign in again, or ask an administrator of the tenant.",
            Remedy::StartOver,
        ),
        "invalid_grant" => ("Entra no longer accepts this sign-in.", "Sign in again.", Remedy::Interact),
        "interaction_required" | "login_required" => {
            ("Entra wants to ask the person something.", "Sign in again.", Remedy::Interact)
        }
        "consent_required" => {
            ("Nobody has consented yet to this use of the account.", "Sign in again and consent.", Remedy::Consent)
        }
        "server_error" | "temporarily_unavailable" => {
            ("Entra is in trouble.", "Try again in some minutes.", Remedy::Later)
        }
        "invalid_resource" => (
            "The tenant or the registration does not know the service.",
            "Check the permissions of the registration, and the tenant.",
            Remedy::ResourceUnknown,
        ),
        _ => (
            "Entra refused the request.",
            "Compare the registration with the settings of this program (client id, tenant, redirect URI, platform).",
            Remedy::ChangeSetting,
        ),
    }
}

/// Which setting is wrong when registration and `AAD_APP_PLATFORM` name different platforms.
fn platform_advice(settings: &EntraSettings, code: u32) -> Option<String> {
    let uri = settings.redirect_uri.as_str();
    let set = settings.platform.setting();
    Some(match code {
        SPA_WITHOUT_ORIGIN => format!(
            "AAD_APP_PLATFORM is {set}, but {uri} is registered under Single-page application: set AAD_APP_PLATFORM=spa \
             (and no AAD_APP_CLIENT_SECRET), or register the URI under the other platform."
        ),
        ORIGIN_WITHOUT_SPA => format!(
            "AAD_APP_PLATFORM is {set}, but {uri} is not registered under Single-page application: register it there, \
             or set AAD_APP_PLATFORM to desktop or web, whichever it is registered under."
        ),
        SECRET_MISSING => match settings.platform {
            Platform::Web { .. } => {
                "Set AAD_APP_CLIENT_SECRET to the value of a client secret of the registration.".to_owned()
            }
            Platform::Spa | Platform::Desktop => format!(
                "AAD_APP_PLATFORM is {set}, but {uri} is registered under Web, or the registration does not allow public \
                 client flows: set AAD_APP_PLATFORM=web with AAD_APP_CLIENT_SECRET, or register the URI under the \
                 platform that is set."
            ),
        },
        SECRET_UNWANTED => format!(
            "AAD_APP_PLATFORM is {set}, but {uri} is registered as a public client: set AAD_APP_PLATFORM to spa or \
             desktop and remove AAD_APP_CLIENT_SECRET."
        ),
        _ => return None,
    })
}

fn code_of_description(description: &str) -> Option<u32> {
    let digits = description.trim_start().strip_prefix("AADSTS")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

fn code_of_address(address: &str) -> Option<u32> {
    let address = url::Url::parse(address).ok()?;
    address.query_pairs().find(|(name, _)| name == "code").and_then(|(_, code)| code.parse().ok())
}

/// OAuth's error as far as it is one: it came from outside and goes to a page.
fn printable(error: &str) -> String {
    error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()
}
