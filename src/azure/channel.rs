//! The one place that sends: credential, pacing, attempts, tracing, and errors made of what came back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use tracing::Instrument as _;
use url::Url;
use uuid::Uuid;

use crate::azure::answer::{Answer, Expect, Unread};
use crate::azure::call::{Address, BadAddress, Call, Repeat};
use crate::azure::error::{AzureError, EffectKnown, ErrorKind, Result, Service};
use crate::azure::hint::hint;
use crate::azure::http::Shared;
use crate::azure::keys::{PolicyKeys, SharedKey};
use crate::azure::page::{GoesInCircles, NextPage, Page};
use crate::azure::retry::{Retry, error_wait};
use crate::azure::tokens::{Refusal, Resource, TokenError, TokenProvider};
use crate::azure::{error_body, sas};

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub(crate) enum Auth {
    Bearer { tokens: Arc<dyn TokenProvider>, resource: Resource },
    Sas { host: String, keys: Arc<dyn PolicyKeys> },
}

/// A client's line to one host.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub shared: Arc<Shared>,
    pub service: Service,
    pub base: Url,
    /// Whom errors name.
    pub target: String,
    pub auth: Auth,
}

/// What one attempt is authorized with.
struct Credential {
    header: SecretString,
    key: Option<SharedKey>,
    /// The correction of our clock that the signature was made with.
    ahead: time::Duration,
}

/// A failed attempt, with what a new credential must know of it.
struct Failed {
    error: AzureError,
    claims: Option<String>,
}

const SAS_LIFETIME_SECONDS: i64 = 3600;
/// New correction of the clock, re-listed key, policy with more rights.
const RENEWALS: u32 = 3;
const NOTABLE_SKEW: time::Duration = time::Duration::minutes(5);

impl Channel {
    /// Sends and decodes the answer's JSON.
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let answer = self.send(&call, Expect::Json).await?;
        self.decode(&call, &answer)
    }

    /// As [`Self::json`]; 404 is `None`.
    pub async fn find<T: DeserializeOwned>(&self, call: Call) -> Result<Option<T>> {
        match self.json(call).await {
            Ok(found) => Ok(Some(found)),
            Err(AzureError { kind: ErrorKind::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends; the answer's body does not matter.
    pub async fn done(&self, call: Call) -> Result<()> {
        self.send(&call, Expect::Nothing).await.map(drop)
    }

    /// One page of a list whose continuation is in headers (DPS and IoT Hub).
    pub async fn header_page<T: DeserializeOwned>(&self, mut call: Call, next: Option<&NextPage>) -> Result<Page<T>> {
        if let Some(next) = next {
            call = call.header("x-ms-continuation", next.as_str());
        }
        let answer = self.send(&call, Expect::Json).await?;
        let items = self.decode(&call, &answer)?;
        Ok(Page { items, next: NextPage::from_answer(answer.header("x-ms-continuation")) })
    }

    /// Decodes JSON that is known to be complete.
    pub fn decode<T: DeserializeOwned>(&self, call: &Call, answer: &Answer) -> Result<T> {
        serde_json::from_slice(&answer.body).map_err(|cause| {
            let mut error = self.error(call, ErrorKind::Malformed, "the answer has not the documented shape");
            error.status = Some(answer.status.as_u16());
            error.effect = effect_if_answered(call);
            error.cause = Some(Arc::new(cause));
            error
        })
    }

    /// The error for a list that leads back to a page already read.
    pub fn circle(&self, operation: &'static str) -> impl Fn(GoesInCircles) -> AzureError {
        let (service, target) = (self.service, self.target.clone());
        move |_| {
            let message = "the list leads back to a page already read, so it cannot be read to its end";
            AzureError::local(service, operation, target.as_str(), ErrorKind::Malformed, message)
        }
    }

    /// Sends until there is an answer, or an error that must not or need not be tried again.
    pub async fn send(&self, call: &Call, expect: Expect) -> Result<Answer> {
        let url = call.url(&self.base).map_err(|bad| self.bad_address(call, bad))?;
        let clock = &self.shared.clock;
        let (mut retry, mut renewed, mut renewals) = (Retry::new(call.repeat), None, 0);
        let mut attempt = 0;
        loop {
            attempt += 1;
            for (scope, cost) in &call.paces {
                self.shared.pacer.acquire(clock, scope, *cost).await;
            }
            let credential = match renewed.take() {
                Some(credential) => credential,
                None => self.credential(call, None).await?,
            };
            let failed = match self.attempt(call, &url, &credential, expect, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if matches!(failed.error.kind, ErrorKind::Unauthorized) && renewals < RENEWALS {
                renewals += 1;
                renewed = self.renew(call, &credential, failed.claims, renewals).await?;
                if renewed.is_some() {
                    continue;
                }
            }
            if matches!(failed.error.kind, ErrorKind::Throttled { .. }) {
                let wait = error_wait(&failed.error);
                call.paces.iter().for_each(|(scope, _)| self.shared.pacer.throttled(clock, scope, wait));
            }
            let Some(wait) = retry.wait_after(&failed.error) else { return Err(self.explain(call, failed.error)) };
            clock.sleep(wait).await;
        }
    }

    async fn credential(&self, call: &Call, refused: Option<(&Credential, Refusal)>) -> Result<Credential> {
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
    async fn renew(
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
            return Ok((!same).then_some(credential));
        }
        if renewals > 1 {
            return Ok(None);
        }
        self.credential(call, Some((refused, Refusal { claims }))).await.map(Some)
    }

    /// One attempt, in a span of its own. Neither the query nor the body is recorded.
    async fn attempt(
        &self,
        call: &Call,
        url: &Url,
        credential: &Credential,
        expect: Expect,
        attempt: u32,
    ) -> std::result::Result<Answer, Failed> {
        let client_request_id = Uuid::new_v4();
        let span = tracing::debug_span!(
            "azure",
            service = %self.service,
            operation = call.operation,
            host = self.base.host_str(),
            path = url.path(),
            attempt,
            %client_request_id,
        );
        async {
            let began = Instant::now();
            let outcome = self.exchange(call, url, credential, expect, client_request_id).await;
            let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            match &outcome {
                Ok(answer) => tracing::debug!(
                    status = answer.status.as_u16(),
                    elapsed_ms,
                    request_id = answer.header("x-ms-request-id"),
                    "answered"
                ),
                Err(failed) => tracing::warn!(
                    status = failed.error.status,
                    elapsed_ms,
                    request_id = failed.error.request_id,
                    code = failed.error.code,
                    kind = ?failed.error.kind,
                    cause = failed.error.cause.as_ref().map(|cause| format!("{cause:?}")),
                    "{}",
                    failed.error.message
                ),
            }
            outcome
        }
        .instrument(span)
        .await
    }

    async fn exchange(
        &self,
        call: &Call,
        url: &Url,
        credential: &Credential,
        expect: Expect,
        client_request_id: Uuid,
    ) -> std::result::Result<Answer, Failed> {
        let request = self.request(call, url, credential, client_request_id).map_err(Failed::from)?;
        let response = request.send().await.map_err(|cause| self.transport(call, cause))?;
        let answer = Answer::read(response).await.map_err(|unread| match unread {
            Unread::Cut(cause) => self.transport(call, cause),
            Unread::TooLarge => {
                let mut error = self.error(call, ErrorKind::Malformed, "the answer is larger than 32 MB");
                error.effect = effect_if_answered(call);
                Failed::from(error)
            }
        })?;
        if let Some(date) = answer.date() {
            let host = self.base.host_str().unwrap_or_default();
            let host = if let Auth::Sas { host, .. } = &self.auth { host } else { host };
            self.shared.skew.learn(host, date - self.shared.clock.now());
        }
        let answered = answer.status.is_success()
            || (call.bad_request_answers && answer.status.as_u16() == 400 && is_bulk_result(&answer.body));
        if !answered {
            return Err(self.refused(call, &answer));
        }
        match answer.flaw(expect) {
            None => Ok(answer),
            Some((kind, message, cause)) => {
                let mut error = self.error(call, kind, &message);
                error.status = Some(answer.status.as_u16());
                error.request_id = answer.header("x-ms-request-id");
                error.effect = effect_if_answered(call);
                error.cause = cause;
                Err(Failed::from(error))
            }
        }
    }

    fn request(&self, call: &Call, url: &Url, credential: &Credential, id: Uuid) -> Result<reqwest::RequestBuilder> {
        let mut authorization = HeaderValue::from_str(credential.header.expose_secret()).map_err(|_| {
            self.error(call, ErrorKind::Malformed, "the credential holds characters that a header cannot")
        })?;
        authorization.set_sensitive(true);
        let mut request = self
            .shared
            .http
            .request(call.method.clone(), url.clone())
            .timeout(call.time_limit)
            .header(AUTHORIZATION, authorization)
            .header(ACCEPT, "application/json")
            .header("x-ms-client-request-id", id.to_string());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        request = match &call.body {
            Some(body) => request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(body.to_string()),
            None if call.method == reqwest::Method::POST => request.header(CONTENT_LENGTH, "0"),
            None => request,
        };
        Ok(request)
    }

    fn transport(&self, call: &Call, cause: reqwest::Error) -> Failed {
        let message = if cause.is_connect() {
            "no connection to the service"
        } else if cause.is_timeout() {
            "no answer in time"
        } else {
            "the connection broke before the answer was complete"
        };
        let mut error = self.error(call, ErrorKind::Unavailable { retry_after: None }, message);
        error.effect = if cause.is_connect() { EffectKnown::NotDone } else { effect_if_answered(call) };
        if call.commands_device && !cause.is_connect() {
            error.kind = ErrorKind::DeviceTimeout;
        }
        error.cause = Some(Arc::new(cause.without_url()));
        Failed::from(error)
    }

    fn refused(&self, call: &Call, answer: &Answer) -> Failed {
        let said = error_body::parse(&answer.headers, &answer.body);
        let (kind, effect) = answer.classify(self.service, call.commands_device, &said, self.shared.clock.now());
        let fallback = match kind {
            ErrorKind::NotJson => "something that is not the service answered".to_owned(),
            _ => format!("the service answered \"{}\"", answer.status.canonical_reason().unwrap_or("an error")),
        };
        let mut error = self.error(call, kind, said.message.as_deref().unwrap_or(&fallback));
        error.status = Some(answer.status.as_u16());
        error.code = said.code;
        error.request_id = said.request_id;
        error.effect = if call.repeat == Repeat::Safe && call.method == reqwest::Method::GET {
            EffectKnown::NotDone
        } else {
            effect
        };
        Failed { error, claims: answer.claims() }
    }

    /// Adds what a person can do, once it is clear that the error stays.
    fn explain(&self, call: &Call, mut error: AzureError) -> AzureError {
        if let (Auth::Sas { host, .. }, ErrorKind::Unauthorized) = (&self.auth, &error.kind) {
            let ahead = self.shared.skew.ahead(host);
            if ahead.abs() > NOTABLE_SKEW {
                error.kind = ErrorKind::ClockSkew { minutes: -ahead.whole_minutes() };
            }
        }
        if error.hint.is_none() {
            error.hint = hint(&error, call.permission);
        }
        error
    }

    fn no_token(&self, call: &Call, cause: TokenError) -> AzureError {
        let message = cause.to_string();
        let error = self.error(call, ErrorKind::SignIn(cause), &message);
        self.explain(call, error)
    }

    fn bad_address(&self, call: &Call, bad: BadAddress) -> AzureError {
        match (bad, &call.address) {
            (BadAddress::ForeignLink, _) => self.error(
                call,
                ErrorKind::UntrustedHost,
                "the list goes on at another host than the one that was asked; no credential was sent there",
            ),
            (BadAddress::Segment, Address::Path(path)) => self.error(
                call,
                ErrorKind::Rejected,
                &format!("\"{}\" cannot be part of an address", path.unaddressable.as_deref().unwrap_or_default()),
            ),
            (BadAddress::Segment, Address::Link(_)) => self.error(call, ErrorKind::Rejected, "not an address"),
        }
    }

    pub fn error(&self, call: &Call, kind: ErrorKind, message: &str) -> AzureError {
        let target = call.target.clone().unwrap_or_else(|| self.target.clone());
        AzureError::local(self.service, call.operation, target, kind, message)
    }
}

impl From<AzureError> for Failed {
    fn from(error: AzureError) -> Self {
        Self { error, claims: None }
    }
}

/// What is known of the effect when the request went out and its answer is useless.
fn effect_if_answered(call: &Call) -> EffectKnown {
    if call.method == reqwest::Method::GET { EffectKnown::NotDone } else { EffectKnown::Unknown }
}

/// IoT Hub answers 400 with an ordinary result when some devices of a bulk call failed.
fn is_bulk_result(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value["errors"].is_array())
}

/// How long a command may take on the wire beyond the time-outs that it was given.
pub(crate) const COMMAND_SLACK: Duration = Duration::from_secs(30);
