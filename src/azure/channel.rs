//! A client's line to its service: sends until there is an answer, or an error that must not or need not be tried again.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use url::Url;

use crate::azure::answer::{Answer, Expect};
use crate::azure::call::{Address, BadAddress, Call};
use crate::azure::credential::Auth;
use crate::azure::error::{AzureError, ErrorKind, Result, Service};
use crate::azure::exchange::effect_if_answered;
use crate::azure::hint::hint;
use crate::azure::http::Shared;
use crate::azure::page::{GoesInCircles, NextPage, Page};
use crate::azure::retry::{Retry, error_wait};
use crate::clock::Timestamp;

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

/// New correction of the clock, re-listed key, policy with more rights.
const RENEWALS: u32 = 3;
/// Before a renewed credential that was refused once already is tried again.
const AFTER_A_SLIP: Duration = Duration::from_secs(2);
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
                    if renewals > 1 {
                        clock.sleep(AFTER_A_SLIP).await;
                    }
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

    /// The host whose clock the answers tell.
    pub(super) fn clock_host(&self) -> &str {
        if let Auth::Sas { host, .. } = &self.auth { host } else { self.base.host_str().unwrap_or_default() }
    }

    /// The time now by the service's own clock, good to a minute: its last answer's `Date` tells how far ours is off.
    pub fn server_now(&self) -> Timestamp {
        self.shared.clock.now() + self.shared.skew.ahead(self.clock_host())
    }

    /// Adds what a person can do, once it is clear that the error stays.
    pub(super) fn explain(&self, call: &Call, mut error: AzureError) -> AzureError {
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

/// How long a command may take on the wire beyond the time-outs that it was given.
pub(crate) const COMMAND_SLACK: Duration = Duration::from_secs(30);
