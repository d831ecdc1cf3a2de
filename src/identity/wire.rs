//! One exchange with Entra over HTTP, with what the answer says beside its body: status, server time, when to come back.
//!
//! Promises: an exchange ends (30 s of the machine's time, 1 MiB); an error text holds no body and no query.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use oauth2::http::header::{DATE, ORIGIN, RETRY_AFTER};
use oauth2::http::{HeaderMap, HeaderValue};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use time::format_description::well_known::Rfc2822;

use crate::clock::Timestamp;

const TIME_OUT: Duration = Duration::from_secs(30);
/// Whoever says to come back later than this is asked again then.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
const MAX_BODY: usize = 1024 * 1024;

/// What an answer says beside its body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AnswerFacts {
    pub status: u16,
    /// The server's clock, to the second.
    pub server_time: Option<Timestamp>,
    pub retry_after: Option<Duration>,
}

impl AnswerFacts {
    pub fn is_trouble(self) -> bool {
        self.status == 429 || self.status == 408 || self.status >= 500
    }
}

/// The HTTP client as `oauth2` wants it, for one request.
#[derive(Debug)]
pub(super) struct Exchange {
    http: reqwest::Client,
    origin: Option<HeaderValue>,
    facts: Mutex<AnswerFacts>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransportError {
    #[error("the answer is longer than {MAX_BODY} bytes")]
    TooLong,
    #[error("{}", plain(.0))]
    Network(#[source] reqwest::Error),
}

impl TransportError {
    /// Whether the service may have done what was asked although no answer came.
    pub fn effect_is_unknown(&self) -> bool {
        match self {
            Self::TooLong => true,
            Self::Network(error) => !(error.is_connect() || error.is_builder()),
        }
    }
}

fn plain(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}

impl Exchange {
    pub fn new(http: reqwest::Client, origin: Option<HeaderValue>) -> Self {
        Self { http, origin, facts: Mutex::default() }
    }

    pub fn facts(&self) -> AnswerFacts {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, mut request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if let Some(origin) = &self.origin {
            request.headers_mut().insert(ORIGIN, origin.clone());
        }
        let mut request = reqwest::Request::try_from(request).map_err(network)?;
        *request.timeout_mut() = Some(TIME_OUT);
        let mut answer = self.http.execute(request).await.map_err(network)?;
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = facts(answer.status().as_u16(), answer.headers());
        let body = read(&mut answer).await?;
        let mut response = HttpResponse::new(body);
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}

impl<'c> AsyncHttpClient<'c> for Exchange {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.run(request))
    }
}

/// Reads a JSON document that anybody may read.
pub(super) async fn get(http: &reqwest::Client, url: url::Url) -> Result<(AnswerFacts, Vec<u8>), TransportError> {
    let mut answer = http.get(url).timeout(TIME_OUT).send().await.map_err(network)?;
    let facts = facts(answer.status().as_u16(), answer.headers());
    Ok((facts, read(&mut answer).await?))
}

async fn read(answer: &mut reqwest::Response) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(TransportError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn network(error: reqwest::Error) -> TransportError {
    TransportError::Network(error.without_url())
}

fn facts(status: u16, headers: &HeaderMap) -> AnswerFacts {
    let server_time = headers.get(DATE).and_then(moment);
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| match value.to_str().ok()?.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some((moment(value)? - server_time?).try_into().unwrap_or_default()),
    });
    AnswerFacts { status, server_time, retry_after: retry_after.map(|wait| wait.min(LONGEST_PAUSE)) }
}

fn moment(value: &HeaderValue) -> Option<Timestamp> {
    Timestamp::parse(value.to_str().ok()?, &Rfc2822).ok()
}

/// A cause and all its causes, for the log.
pub(super) struct Chain<'a>(pub &'a (dyn std::error::Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_servers_clock_is_read_from_the_date() {
        let facts = facts(200, &headers(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT")]));
        assert_eq!(facts.server_time, Some(time::macros::datetime!(1994-11-06 08:49:37 UTC)));
    }

    #[test]
    fn when_to_come_back_is_read_as_seconds_or_as_a_date_on_the_servers_clock() {
        assert_eq!(facts(429, &headers(&[("retry-after", "17")])).retry_after, Some(Duration::from_secs(17)));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let later = facts(429, &headers(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]));
        assert_eq!(later.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(facts(429, &headers(&[("retry-after", "soon")])).retry_after, None);
        let never = facts(429, &headers(&[("retry-after", "18446744073709551615")]));
        assert_eq!(never.retry_after, Some(LONGEST_PAUSE));
    }
}
