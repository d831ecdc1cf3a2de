//! Answers: reading them within limits, and telling success from each kind of failure.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use serde::de::IgnoredAny;

use crate::azure::error::{EffectKnown, ErrorKind, Service};
use crate::azure::error_body::ErrorBody;
use crate::azure::retry::{http_date, retry_after};
use crate::clock::Timestamp;

/// The most that an answer may measure; no documented answer comes near it.
const SIZE_LIMIT: usize = 32 << 20;

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why an answer could not be read to its end.
pub(crate) enum Unread {
    Cut(reqwest::Error),
    TooLarge,
}

/// What the sender of a call looks for in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Json,
    Nothing,
}

/// What is wrong with an answer whose status is good.
pub(crate) struct Flaw {
    pub kind: ErrorKind,
    pub message: &'static str,
    pub cause: Option<serde_json::Error>,
}

impl Answer {
    pub async fn read(mut response: Response) -> Result<Self, Unread> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Unread::Cut)? {
            if body.len() + chunk.len() > SIZE_LIMIT {
                return Err(Unread::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { status, headers, body })
    }

    /// The moment at which the server says it answered.
    pub fn date(&self) -> Option<Timestamp> {
        self.headers.get(DATE)?.to_str().ok().and_then(http_date)
    }

    /// The text of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    /// The claims challenge of a 401, decoded to JSON (continuous access evaluation).
    pub fn claims(&self) -> Option<String> {
        let challenges = self.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let encoded = challenges.filter_map(|text| text.split_once("claims=\"")?.1.split('"').next()).next()?;
        let trimmed = encoded.trim_end_matches('=');
        let bytes = STANDARD
            .decode(encoded)
            .or_else(|_| STANDARD_NO_PAD.decode(trimmed))
            .or_else(|_| URL_SAFE_NO_PAD.decode(trimmed))
            .ok()?;
        String::from_utf8(bytes).ok().filter(|json| serde_json::from_str::<IgnoredAny>(json).is_ok())
    }

    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        retry_after(&self.headers, self.date().unwrap_or(now))
    }

    /// True if a person was meant to see this, not a program.
    pub fn is_web_page(&self) -> bool {
        let html = self.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|t| t.contains("html"));
        html || self.body.trim_ascii_start().starts_with(b"<")
    }

    /// The flaw of an answer whose status is good, if it has one.
    pub fn flaw(&self, expect: Expect) -> Option<Flaw> {
        if self.is_web_page() {
            let message = "a web page answered instead of the service";
            return Some(Flaw { kind: ErrorKind::NotJson, message, cause: None });
        }
        if expect == Expect::Nothing {
            return None;
        }
        let error = serde_json::from_slice::<IgnoredAny>(&self.body).err()?;
        if error.is_eof() {
            let message =
                if self.body.trim_ascii().is_empty() { "the answer was empty" } else { "the answer was cut off" };
            return Some(Flaw { kind: ErrorKind::Unavailable { retry_after: None }, message, cause: Some(error) });
        }
        Some(Flaw { kind: ErrorKind::NotJson, message: "the answer was not JSON", cause: Some(error) })
    }

    /// The class of a bad status, and what is known of the effect.
    pub fn classify(
        &self,
        service: Service,
        commands_device: bool,
        said: &ErrorBody,
        now: Timestamp,
    ) -> (ErrorKind, EffectKnown) {
        let retry_after = self.retry_after(now);
        let code = said.code.as_deref().unwrap_or_default();
        let text = said.message.as_deref().unwrap_or_default();
        let is = |codes: &[&str]| codes.iter().any(|c| code.eq_ignore_ascii_case(c));
        let timed_out = is(&["RequestTimeout", "GatewayTimeout", "504101"]);
        // The device had the command, or may have had it, when its connection ended: as if it had left at once to obey.
        let hung_up = is(&["DeviceConnectionClosedRemotely", "404104"])
            || is(&["ConnectionForcefullyClosedOnNewConnection", "400027"])
            || text.to_ascii_lowercase().contains("device unavailable");
        let kind = match self.status.as_u16() {
            429 => ErrorKind::Throttled { retry_after },
            408 | 504 if commands_device => return (ErrorKind::DeviceTimeout, EffectKnown::Unknown),
            400..=599 if commands_device && (timed_out || hung_up) => {
                return (ErrorKind::DeviceTimeout, EffectKnown::Unknown);
            }
            408 | 500..=599 => return (ErrorKind::Unavailable { retry_after }, EffectKnown::Unknown),
            300..=399 => ErrorKind::NotJson,
            _ if self.is_web_page() => ErrorKind::NotJson,
            401 => ErrorKind::Unauthorized,
            403 if service == Service::Hub && is(&["IotHubQuotaExceeded", "403002"]) => {
                ErrorKind::Throttled { retry_after: retry_after.or_else(|| Some(until_midnight(now))) }
            }
            403 => ErrorKind::Forbidden,
            404 if is(&["DeviceNotOnline", "404103"]) => ErrorKind::DeviceOffline,
            404 if commands_device && text.to_ascii_lowercase().contains("could not connect to device") => {
                ErrorKind::DeviceOffline
            }
            404 if text.contains("not a valid API version") => ErrorKind::Rejected,
            404 => ErrorKind::NotFound,
            409 if is(&["409203"]) => ErrorKind::Precondition,
            409 => ErrorKind::Conflict,
            412 => ErrorKind::Precondition,
            _ => ErrorKind::Rejected,
        };
        (kind, EffectKnown::NotDone)
    }
}

/// The daily message quota starts anew at 00:00 UTC.
fn until_midnight(now: Timestamp) -> Duration {
    let midnight = now.date().midnight().assume_utc() + time::Duration::DAY;
    (midnight - now).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use time::macros::datetime;

    fn answer(status: u16) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body: Vec::new() }
    }

    #[test]
    fn a_claims_challenge_is_decoded() {
        let mut answer = answer(401);
        let challenge = r#"Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ==""#;
        answer.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        assert_eq!(answer.claims().as_deref(), Some(r#"{"access_token":{}}"#));
    }

    #[test]
    fn an_exhausted_daily_quota_is_waited_out_until_midnight() {
        let said = ErrorBody { code: Some("IotHubQuotaExceeded".into()), ..ErrorBody::default() };
        let (kind, _) = answer(403).classify(Service::Hub, false, &said, datetime!(2026-01-01 22:00 UTC));
        let ErrorKind::Throttled { retry_after: Some(wait) } = kind else { panic!("{kind:?}") };
        assert_eq!(wait, Duration::from_secs(2 * 3600));
    }

    #[test]
    fn a_timed_out_command_may_have_been_obeyed() {
        let said = ErrorBody::default();
        let (kind, effect) = answer(504).classify(Service::Central, true, &said, datetime!(2026-01-01 0:00 UTC));
        assert!(matches!(kind, ErrorKind::DeviceTimeout));
        assert_eq!(effect, EffectKnown::Unknown);
    }
}
