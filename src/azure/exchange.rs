//! One attempt of a call: a request, its answer, and the error made of what came back instead.

use std::sync::Arc;
use std::time::Instant;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret as _;
use tracing::Instrument as _;
use url::Url;
use uuid::Uuid;

use crate::azure::answer::{Answer, Expect, Flaw, Unread};
use crate::azure::call::{Call, Repeat};
use crate::azure::channel::Channel;
use crate::azure::credential::Credential;
use crate::azure::error::{AzureError, EffectKnown, ErrorKind, Result};
use crate::azure::error_body;

/// A failed attempt.
pub(crate) struct Failed {
    pub error: AzureError,
    /// The claims challenge of a 401.
    pub claims: Option<String>,
}

impl From<AzureError> for Failed {
    fn from(error: AzureError) -> Self {
        Self { error, claims: None }
    }
}

impl Channel {
    /// One attempt, in a span of its own. Neither the query nor the body is recorded.
    pub(super) async fn attempt(
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
                // Whether something is there is often the question itself.
                Err(failed) if matches!(failed.error.kind, ErrorKind::NotFound) => {
                    tracing::debug!(elapsed_ms, code = failed.error.code, "not found: {}", failed.error.message);
                }
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
            self.shared.skew.learn(self.clock_host(), date - self.shared.clock.now());
        }
        let answered = answer.status.is_success()
            || (call.bad_request_answers && answer.status.as_u16() == 400 && is_bulk_result(&answer.body));
        if !answered {
            return Err(self.refused(call, &answer));
        }
        match answer.flaw(expect) {
            None => Ok(answer),
            Some(Flaw { kind, message, cause }) => {
                let mut error = self.error(call, kind, message);
                error.status = Some(answer.status.as_u16());
                error.request_id = answer.header("x-ms-request-id");
                error.effect = effect_if_answered(call);
                error.cause = cause.map(|cause| Arc::new(cause) as _);
                Err(Failed::from(error))
            }
        }
    }

    fn request(&self, call: &Call, url: &Url, credential: &Credential, id: Uuid) -> Result<RequestBuilder> {
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
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            None if call.method == Method::POST => request.header(CONTENT_LENGTH, "0"),
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
        error.effect =
            if call.repeat == Repeat::Safe && call.method == Method::GET { EffectKnown::NotDone } else { effect };
        Failed { error, claims: answer.claims() }
    }
}

/// What is known of the effect when the request went out and its answer is useless.
pub(crate) fn effect_if_answered(call: &Call) -> EffectKnown {
    if call.method == Method::GET { EffectKnown::NotDone } else { EffectKnown::Unknown }
}

/// IoT Hub answers 400 with an ordinary result when some devices of a bulk call failed.
fn is_bulk_result(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|value| value["errors"].is_array())
}
