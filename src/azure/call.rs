//! One call to Azure, described: what to send, how often it may be repeated, whose budget it uses.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use url::Url;

use crate::azure::keys::Right;
use crate::azure::pace::Scope;
use crate::azure::page::NextPage;
use crate::azure::sas::percent_encode;

/// Whether a call may be sent again when its answer did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Repeating changes nothing.
    Safe,
    /// It may have been done: only repeat what certainly never arrived.
    Once,
}

/// Where a call goes: a path on the client's host, or a next link of an answer (checked before use).
#[derive(Debug, Clone)]
pub(crate) enum Address {
    Path(Path),
    Link(String),
}

/// A path made of percent-encoded segments.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    encoded: String,
    /// A segment that URLs cannot carry (empty, `.` and `..` would address something else).
    pub unaddressable: Option<String>,
}

impl Path {
    /// Starts with a fixed path, e.g. `/api/devices`.
    pub fn new(fixed: &str) -> Self {
        Self { encoded: fixed.to_owned(), unaddressable: None }
    }

    /// Appends an id as one segment.
    pub fn id(mut self, id: &str) -> Self {
        if matches!(id, "" | "." | "..") {
            self.unaddressable = Some(id.to_owned());
        }
        self.encoded.push('/');
        self.encoded.push_str(&percent_encode(id));
        self
    }

    /// Appends fixed segments, e.g. `/devices`.
    pub fn then(mut self, fixed: &str) -> Self {
        self.encoded.push_str(fixed);
        self
    }

    pub fn as_str(&self) -> &str {
        &self.encoded
    }
}

/// One call, described.
#[derive(Clone)]
pub(crate) struct Call {
    /// In words that follow "could not".
    pub operation: &'static str,
    pub method: Method,
    pub address: Address,
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    pub repeat: Repeat,
    pub paces: Vec<(Scope, u32)>,
    pub time_limit: Duration,
    /// On whom, if not on the client's target as a whole.
    pub target: Option<String>,
    /// Rights that the shared access policy must have.
    pub rights: &'static [Right],
    /// What to ask an administrator for after a 403.
    pub permission: Option<&'static str>,
    /// Also take the body of a 400 as the answer.
    pub bad_request_answers: bool,
    /// A command to a device: time-outs then say that the device may have obeyed.
    pub commands_device: bool,
}

const TIME_LIMIT: Duration = Duration::from_secs(60);

impl Call {
    fn new(operation: &'static str, method: Method, address: Address, repeat: Repeat) -> Self {
        Self {
            operation,
            method,
            address,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            repeat,
            paces: Vec::new(),
            time_limit: TIME_LIMIT,
            target: None,
            rights: &[],
            permission: None,
            bad_request_answers: false,
            commands_device: false,
        }
    }

    pub fn get(operation: &'static str, path: Path) -> Self {
        Self::new(operation, Method::GET, Address::Path(path), Repeat::Safe)
    }

    /// The first page of a list, or the page that an answer linked to.
    pub fn list(operation: &'static str, path: Path, next: Option<&NextPage>) -> Self {
        let address = next.map_or(Address::Path(path), |next| Address::Link(next.0.clone()));
        Self::new(operation, Method::GET, address, Repeat::Safe)
    }

    /// A POST that only reads.
    pub fn ask(operation: &'static str, path: Path) -> Self {
        Self::new(operation, Method::POST, Address::Path(path), Repeat::Safe)
    }

    /// A POST with an effect.
    pub fn post_once(operation: &'static str, path: Path) -> Self {
        Self::new(operation, Method::POST, Address::Path(path), Repeat::Once)
    }

    /// A PUT whose repeat might collide with itself.
    pub fn put_once(operation: &'static str, path: Path) -> Self {
        Self::new(operation, Method::PUT, Address::Path(path), Repeat::Once)
    }

    /// A merge patch: what it sets, it sets again to the same.
    pub fn patch(operation: &'static str, path: Path) -> Self {
        Self::new(operation, Method::PATCH, Address::Path(path), Repeat::Safe)
    }

    pub fn delete(operation: &'static str, path: Path) -> Self {
        Self::new(operation, Method::DELETE, Address::Path(path), Repeat::Safe)
    }

    /// The same call at the page that an answer linked to.
    pub fn at(mut self, next: &NextPage) -> Self {
        self.address = Address::Link(next.0.clone());
        self
    }

    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Only if the thing is still of that version: the etag in double quotes, or `*` for any.
    pub fn if_match(self, etag: Option<&str>) -> Self {
        let value = match etag {
            None | Some("*" | "") => "*".to_owned(),
            Some(etag) if etag.starts_with('"') => etag.to_owned(),
            Some(etag) => format!("\"{etag}\""),
        };
        self.header("If-Match", value)
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub fn pace(mut self, scope: Scope, cost: u32) -> Self {
        self.paces.push((scope, cost));
        self
    }

    pub fn target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    pub fn rights(mut self, rights: &'static [Right]) -> Self {
        self.rights = rights;
        self
    }

    pub fn permission(mut self, permission: &'static str) -> Self {
        self.permission = Some(permission);
        self
    }

    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The URL on `base`. Next links must lead to the very same host, since the credential goes with them.
    pub fn url(&self, base: &Url) -> Result<Url, BadAddress> {
        let url = match &self.address {
            Address::Path(path) if path.unaddressable.is_some() => return Err(BadAddress::Segment),
            Address::Path(path) => {
                let mut url = base.join(path.as_str()).map_err(|_| BadAddress::Segment)?;
                url.query_pairs_mut().extend_pairs(&self.query);
                url
            }
            Address::Link(link) => base.join(link).map_err(|_| BadAddress::ForeignLink)?,
        };
        let same_host = url.origin() == base.origin() && url.username().is_empty() && url.password().is_none();
        if same_host { Ok(url) } else { Err(BadAddress::ForeignLink) }
    }
}

/// Why a call has no URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadAddress {
    /// An id that cannot be a path segment.
    Segment,
    /// A next link to another host.
    ForeignLink,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://fleet.azureiotcentral.com").unwrap()
    }

    #[test]
    fn every_id_becomes_exactly_one_segment() {
        let call = Call::get("t", Path::new("/api/devices").id("a/b ?#%*;é").then("/credentials"));
        assert_eq!(call.url(&base()).unwrap().path(), "/api/devices/a%2Fb%20%3F%23%25%2A%3B%C3%A9/credentials");
    }

    #[test]
    fn ids_that_a_path_cannot_carry_are_refused_and_not_sent_elsewhere() {
        for id in ["", ".", ".."] {
            let call = Call::delete("t", Path::new("/devices").id(id));
            assert_eq!(call.url(&base()).unwrap_err(), BadAddress::Segment);
        }
    }

    #[test]
    fn next_links_are_followed_only_on_the_host_that_was_asked() {
        for link in [
            "https://evil.example/api/devices",
            "http://fleet.azureiotcentral.com/api/devices",
            "https://fleet.azureiotcentral.com:8443/api/devices",
            "https://fleet.azureiotcentral.com@evil.example/",
            "https://user:pw@fleet.azureiotcentral.com/api/devices",
            "//evil.example/api",
        ] {
            let call = Call::list("t", Path::new("/api/devices"), Some(&NextPage::new(link)));
            assert_eq!(call.url(&base()).unwrap_err(), BadAddress::ForeignLink, "{link}");
        }
        let same = NextPage::new("https://fleet.azureiotcentral.com/api/devices?api-version=x&$skiptoken=a%2Fb");
        let call = Call::list("t", Path::new("/api/devices"), Some(&same));
        assert_eq!(call.url(&base()).unwrap().as_str(), same.as_str());
    }
}
