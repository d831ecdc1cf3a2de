//! Entra's token endpoint: codes and refresh tokens for tokens.
//!
//! Promises: one resource a request; an `Origin` header for a single-page application and for nothing else; a secret for
//! the *Web* platform and for nothing else; trouble that passes is retried shortly, a code only where it was not taken.

use std::fmt;
use std::time::Duration;

use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::http::HeaderValue;
use oauth2::{
    AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ErrorResponse,
    ExtraTokenFields, PkceCodeVerifier, RefreshToken, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::refusal::EntraRefusal;
use super::settings::{Authority, EntraSettings, Platform};
use super::wire::{AnswerFacts, Chain, Exchange, TransportError};
use crate::azure::tokens::Resource;
use crate::clock::{Clock, Timestamp};

type OauthClient = Client<
    ErrorBody,
    TokenBody,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

type TokenBody = StandardTokenResponse<IdTokenField, BasicTokenType>;

type TokenResult = Result<TokenBody, RequestTokenError<TransportError, ErrorBody>>;

/// How often trouble that may pass is met before it is told.
const ATTEMPTS: u32 = 3;
/// The first wait between two attempts; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Entra's own word on when to come back is waited out if it is no longer than this, else told.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// For an access token whose answer does not say: the least that Microsoft documents, roughly halved.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Entra's access tokens live at most so long (with continuous access evaluation up to 28 hours); a larger number is none.
const LONGEST_LIFETIME: Duration = Duration::from_secs(28 * 3600);

/// What tokens are asked for with.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    /// A code: for a token for Azure Resource Manager, a refresh token and an id token.
    Redeem { code: &'a SecretString, verifier: &'a str },
    /// A refresh token: for a token for `resource`. Claims of a challenge are passed on.
    Refresh { refresh_token: &'a SecretString, resource: Resource, claims: Option<&'a str> },
}

impl Ask<'_> {
    /// Whether nothing is lost by asking again when the answer was lost. A code is good once.
    fn is_repeatable(&self) -> bool {
        matches!(self, Self::Refresh { .. })
    }
}

/// What Entra granted.
#[derive(Debug)]
pub(super) struct Granted {
    pub access_token: SecretString,
    /// Counted from before the request, so that the end is never taken too late.
    pub expires_at: Timestamp,
    pub refresh_token: Option<SecretString>,
    pub id_token: Option<SecretString>,
    pub server_time: Option<Timestamp>,
}

/// Why Entra granted nothing.
#[derive(Debug, Clone)]
pub(super) enum TokenFailure {
    Refused(Box<EntraRefusal>),
    Unreachable { message: String, retry_after: Option<Duration> },
    BadAnswer(String),
}

/// One attempt's failure, with whether another attempt makes sense.
struct Failed {
    failure: TokenFailure,
    passing: bool,
    effect_is_unknown: bool,
}

/// The token endpoint, for one registration.
#[derive(Debug)]
pub(super) struct Entra {
    settings: EntraSettings,
    http: reqwest::Client,
    clock: Clock,
}

impl Entra {
    pub fn new(settings: EntraSettings, http: reqwest::Client, clock: Clock) -> Self {
        Self { settings, http, clock }
    }

    /// Asks for tokens, again while trouble may pass.
    pub async fn ask(&self, authority: &Authority, ask: &Ask<'_>) -> Result<Granted, TokenFailure> {
        let mut wait = FIRST_WAIT;
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let failed = match self.ask_once(authority, ask).await {
                Ok(granted) => return Ok(granted),
                Err(failed) => failed,
            };
            let told = failed.failure.retry_after().unwrap_or_default();
            let again = failed.passing && (ask.is_repeatable() || !failed.effect_is_unknown);
            if left == 0 || !again || told > LONGEST_WAIT {
                return Err(failed.failure);
            }
            self.clock.sleep(wait.max(told)).await;
            wait *= 2;
        }
    }

    async fn ask_once(&self, authority: &Authority, ask: &Ask<'_>) -> Result<Granted, Failed> {
        let client = self.client(authority);
        let exchange = self.exchange()?;
        let asked_at = self.clock.now();
        let answer = match *ask {
            Ask::Redeem { code, verifier } => {
                client
                    .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
                    .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
                    .add_extra_param("redirect_uri", self.settings.redirect_uri.as_str())
                    .add_extra_param("scope", self.settings.token_scope(Resource::Arm))
                    .request_async(&exchange)
                    .await
            }
            Ask::Refresh { refresh_token, resource, claims } => {
                let refresh_token = RefreshToken::new(refresh_token.expose_secret().to_owned());
                let request = client.exchange_refresh_token(&refresh_token);
                let request = request.add_scope(Scope::new(self.settings.token_scope(resource)));
                let request = match claims {
                    Some(claims) => request.add_extra_param("claims", claims),
                    None => request,
                };
                request.request_async(&exchange).await
            }
        };
        self.read(answer, exchange.facts(), asked_at)
    }

    fn client(&self, authority: &Authority) -> OauthClient {
        let mut client = Client::new(ClientId::new(self.settings.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(self.settings.token_url(authority)));
        if let Platform::Web { secret } = &self.settings.platform {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        client
    }

    fn exchange(&self) -> Result<Exchange, Failed> {
        let origin = match self.settings.platform {
            Platform::Spa => {
                let origin = HeaderValue::from_str(&self.settings.redirect_uri.origin());
                Some(origin.map_err(|_| Failed::for_good("the redirect URI has no origin"))?)
            }
            Platform::Desktop | Platform::Web { .. } => None,
        };
        Ok(Exchange::new(self.http.clone(), origin))
    }

    fn read(&self, answer: TokenResult, facts: AnswerFacts, asked_at: Timestamp) -> Result<Granted, Failed> {
        match answer {
            Ok(body) => Ok(granted(&body, facts, asked_at)),
            Err(RequestTokenError::ServerResponse(error)) => Err(self.refused(error, facts)),
            Err(RequestTokenError::Request(error)) => {
                tracing::warn!(cause = %Chain(&error), "Entra's token endpoint gave no answer");
                Err(Failed {
                    effect_is_unknown: error.effect_is_unknown(),
                    passing: true,
                    failure: TokenFailure::Unreachable { message: error.to_string(), retry_after: None },
                })
            }
            // The body is left out on purpose: it may hold tokens.
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) if !facts.is_trouble() => {
                Err(Failed::for_good(&format!("it is not the JSON that Entra documents (HTTP {})", facts.status)))
            }
            Err(_) => Err(Failed::trouble(format!("it answered HTTP {}", facts.status), facts)),
        }
    }

    fn refused(&self, body: ErrorBody, facts: AnswerFacts) -> Failed {
        let mut refusal = EntraRefusal::new(&self.settings, &body.error, &body.error_codes);
        refusal.claims = body.claims;
        refusal.trace_id = body.trace_id;
        tracing::warn!(
            error = refusal.error, codes = ?body.error_codes, suberror = body.suberror, trace_id = refusal.trace_id,
            correlation_id = body.correlation_id, status = facts.status, "Entra's token endpoint refused"
        );
        if facts.is_trouble() {
            return Failed::trouble(refusal.to_string(), facts);
        }
        Failed { failure: TokenFailure::Refused(Box::new(refusal)), passing: false, effect_is_unknown: false }
    }
}

fn granted(body: &TokenBody, facts: AnswerFacts, asked_at: Timestamp) -> Granted {
    Granted {
        access_token: body.access_token().secret().as_str().into(),
        expires_at: asked_at + body.expires_in().unwrap_or(UNSTATED_LIFETIME).min(LONGEST_LIFETIME),
        refresh_token: body.refresh_token().map(|token| token.secret().as_str().into()),
        id_token: body.extra_fields().id_token.as_deref().map(SecretString::from),
        server_time: facts.server_time,
    }
}

impl TokenFailure {
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unreachable { retry_after, .. } => *retry_after,
            Self::Refused(_) | Self::BadAnswer(_) => None,
        }
    }
}

impl Failed {
    fn for_good(message: &str) -> Self {
        Self { failure: TokenFailure::BadAnswer(message.to_owned()), passing: false, effect_is_unknown: false }
    }

    fn trouble(message: String, facts: AnswerFacts) -> Self {
        let failure = TokenFailure::Unreachable { message, retry_after: facts.retry_after };
        Self { failure, passing: true, effect_is_unknown: false }
    }
}

/// The error body of § "Errors of the token endpoint" in Microsoft's protocol reference, as far as it is used.
#[derive(Debug, Serialize, Deserialize)]
struct ErrorBody {
    error: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    suberror: Option<String>,
    #[serde(default)]
    trace_id: Option<String>,
    #[serde(default)]
    correlation_id: Option<String>,
    #[serde(default)]
    claims: Option<String>,
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.error, self.error_codes)
    }
}

impl ErrorResponse for ErrorBody {}

/// What Entra adds to OAuth's answer.
#[derive(Serialize, Deserialize)]
struct IdTokenField {
    #[serde(default, skip_serializing)]
    id_token: Option<String>,
}

impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField")
    }
}

impl ExtraTokenFields for IdTokenField {}
