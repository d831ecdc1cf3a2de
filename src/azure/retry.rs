//! When to send again: which failures, how often, and how long to wait.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use time::format_description::well_known::Rfc2822;

use crate::azure::call::Repeat;
use crate::azure::error::{AzureError, EffectKnown, ErrorKind, Service};
use crate::clock::Timestamp;

/// The longest that one call waits between attempts, altogether. Longer troubles are the caller's to wait out.
const PATIENCE: Duration = Duration::from_secs(30);
const ATTEMPTS: usize = 4;
/// What IoT Hub's and DPS's texts say to wait when throttled; they send no `Retry-After` (measured).
const DEVICES_THROTTLE: Duration = Duration::from_secs(10);
const THROTTLE: Duration = Duration::from_secs(1);

/// The waits of one call.
pub(crate) struct Retry {
    backoff: backon::ExponentialBackoff,
    left: Duration,
    repeat: Repeat,
}

impl Retry {
    pub fn new(repeat: Repeat) -> Self {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(8))
            .with_max_times(ATTEMPTS - 1)
            .with_jitter()
            .build();
        Self { backoff, left: PATIENCE, repeat }
    }

    /// How long to wait before the next attempt; `None` if there is to be none.
    pub fn wait_after(&mut self, error: &AzureError) -> Option<Duration> {
        let repeatable = match error.kind {
            ErrorKind::Throttled { .. } => true,
            ErrorKind::Unavailable { .. } => self.repeat == Repeat::Safe || error.effect == EffectKnown::NotDone,
            _ => false,
        };
        if !repeatable {
            return None;
        }
        let wait = self.backoff.next()?.max(error_wait(error));
        self.left = self.left.checked_sub(wait)?;
        Some(wait)
    }
}

/// What an error asks to wait, at least.
pub(crate) fn error_wait(error: &AzureError) -> Duration {
    let asked = error.retry_after().unwrap_or_default();
    match (&error.kind, error.service) {
        (ErrorKind::Throttled { retry_after: None }, Service::Hub | Service::Dps) => DEVICES_THROTTLE,
        (ErrorKind::Throttled { .. }, _) => asked.max(THROTTLE),
        _ => asked,
    }
}

/// The wait that an answer asks for: `Retry-After` in seconds or as a date, in milliseconds, or Resource Graph's quota.
pub(crate) fn retry_after(headers: &HeaderMap, server_now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(millis) = text("retry-after-ms").or_else(|| text("x-ms-retry-after-ms")).and_then(|ms| ms.parse().ok())
    {
        return Some(Duration::from_millis(millis));
    }
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        return after.parse().map(Duration::from_secs).ok().or_else(|| {
            let moment = http_date(after)?;
            Some((moment - server_now).max(time::Duration::ZERO).unsigned_abs())
        });
    }
    text("x-ms-user-quota-resets-after").and_then(hours_minutes_seconds)
}

/// A date as HTTP writes it.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    Timestamp::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()
}

fn hours_minutes_seconds(text: &str) -> Option<Duration> {
    let seconds = text.split(':').try_fold(0_u64, |sum, part| {
        let part: f64 = part.parse().ok().filter(|p: &f64| (0.0..=1e6).contains(p))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be small and positive")]
        let whole = part.ceil() as u64;
        Some(sum * 60 + whole)
    })?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use time::macros::datetime;

    fn failed(service: Service, kind: ErrorKind, effect: EffectKnown) -> AzureError {
        let mut error = AzureError::local(service, "test", "target", kind, "message");
        error.effect = effect;
        error
    }

    #[test]
    fn the_wait_is_never_shorter_than_the_service_said() {
        let error = failed(
            Service::Arm,
            ErrorKind::Throttled { retry_after: Some(Duration::from_secs(17)) },
            EffectKnown::NotDone,
        );
        let mut retry = Retry::new(Repeat::Once);
        assert_eq!(retry.wait_after(&error), Some(Duration::from_secs(17)));
        assert_eq!(retry.wait_after(&error), None, "two of these are more than one call waits");
    }

    #[test]
    fn a_hub_that_does_not_say_how_long_is_left_alone_for_ten_seconds() {
        let error = failed(Service::Hub, ErrorKind::Throttled { retry_after: None }, EffectKnown::NotDone);
        assert_eq!(Retry::new(Repeat::Safe).wait_after(&error), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_call_with_an_effect_is_not_repeated_once_it_may_have_been_done() {
        let lost = failed(Service::Central, ErrorKind::Unavailable { retry_after: None }, EffectKnown::Unknown);
        assert!(Retry::new(Repeat::Once).wait_after(&lost).is_none());
        assert!(Retry::new(Repeat::Safe).wait_after(&lost).is_some());
        let never_sent = failed(Service::Central, ErrorKind::Unavailable { retry_after: None }, EffectKnown::NotDone);
        assert!(Retry::new(Repeat::Once).wait_after(&never_sent).is_some());
    }

    #[test]
    fn attempts_are_bounded() {
        let error = failed(Service::Arm, ErrorKind::Unavailable { retry_after: None }, EffectKnown::Unknown);
        let mut retry = Retry::new(Repeat::Safe);
        let waits = std::iter::from_fn(|| retry.wait_after(&error)).count();
        assert_eq!(waits, ATTEMPTS - 1);
    }

    #[test]
    fn waits_are_read_in_all_their_spellings() {
        let now = datetime!(2026-01-01 10:00:00 UTC);
        let after = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            retry_after(&headers, now)
        };
        assert_eq!(after("retry-after", "3"), Some(Duration::from_secs(3)));
        assert_eq!(after("retry-after", "Thu, 01 Jan 2026 10:00:07 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(after("retry-after", "Thu, 01 Jan 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("x-ms-retry-after-ms", "1500"), Some(Duration::from_millis(1500)));
        assert_eq!(after("x-ms-user-quota-resets-after", "00:00:05"), Some(Duration::from_secs(5)));
        assert_eq!(after("retry-after", "later"), None);
    }
}
