//! The calls that a migration makes, named as the faults strike them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use iotc_migrator::sandbox::faults::{Action, Rule, Seen};
use iotc_migrator::sandbox::log::Service;

/// One kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub service: &'static str,
    pub method: &'static str,
    /// Segments of the path: `*` is any one, `**` at the beginning any number.
    pub path: &'static str,
}

const fn kind(service: &'static str, method: &'static str, path: &'static str) -> Kind {
    Kind { service, method, path }
}

pub const COMMAND: Kind = kind("central", "POST", "api/devices/*/components/*/commands/*");
pub const PUT_JOB: Kind = kind("central", "PUT", "api/jobs/*");
pub const PUT_GROUP: Kind = kind("dps", "PUT", "enrollmentGroups/*");
pub const BULK: Kind = kind("hub", "POST", "devices");
pub const JOBS: Kind = kind("central", "GET", "api/jobs");
pub const JOB: Kind = kind("central", "GET", "api/jobs/*");
pub const JOB_DEVICES: Kind = kind("central", "GET", "api/jobs/*/devices");
pub const MEMBERS: Kind = kind("central", "GET", "api/deviceGroups/*/devices");
pub const DEVICES: Kind = kind("central", "GET", "api/devices");
pub const RECORD: Kind = kind("dps", "GET", "registrations/*");
pub const RECORDS: Kind = kind("dps", "POST", "registrations/*/query");
pub const DPS_GROUPS: Kind = kind("dps", "POST", "enrollmentGroups/query");
pub const HUB_QUERY: Kind = kind("hub", "POST", "devices/query");
pub const TWIN: Kind = kind("hub", "GET", "twins/*");
pub const CENTRAL_GROUPS: Kind = kind("central", "GET", "api/enrollmentGroups");
pub const ATTESTATION: Kind = kind("central", "GET", "api/devices/*/attestation");
pub const HISTORY: Kind = kind("central", "GET", "api/devices/*/components/*/commands/*");

/// All that a migration calls between *Start* and its end.
pub const RUN: [Kind; 22] = [
    kind("arm", "GET", "**/provisioningServices/*"),
    kind("arm", "GET", "**/IotHubs/*"),
    kind("arm", "POST", "**/listkeys"),
    kind("central", "GET", "api/deviceGroups/*"),
    kind("central", "GET", "api/deviceTemplates/*"),
    DEVICES,
    MEMBERS,
    ATTESTATION,
    CENTRAL_GROUPS,
    COMMAND,
    HISTORY,
    PUT_JOB,
    JOBS,
    JOB,
    JOB_DEVICES,
    DPS_GROUPS,
    kind("dps", "POST", "enrollmentGroups/*/attestationmechanism"),
    PUT_GROUP,
    RECORD,
    HUB_QUERY,
    TWIN,
    BULK,
];

impl Kind {
    pub fn is(self, seen: &Seen<'_>) -> bool {
        let service = match seen.service {
            Service::Arm | Service::Graph => "arm",
            Service::Central => "central",
            Service::DpsService => "dps",
            Service::Hub => "hub",
            Service::Entra | Service::DpsDevice => return false,
        };
        service == self.service && seen.method == self.method && self.fits(seen.path)
    }

    fn fits(self, path: &str) -> bool {
        let mut wanted: Vec<&str> = self.path.split('/').collect();
        let mut given: Vec<&str> = path.trim_matches('/').split('/').collect();
        if wanted.first() == Some(&"**") {
            wanted.remove(0);
            given = given.split_off(given.len().saturating_sub(wanted.len()));
        }
        wanted.len() == given.len()
            && wanted.iter().zip(given).all(|(want, have)| *want == "*" || want.eq_ignore_ascii_case(have))
    }
}

/// A rule for the calls of a kind with these numbers, counted from 1.
pub fn at_numbers(kind: Kind, numbers: &'static [u32], action: Action) -> Rule {
    let count = AtomicU32::new(0);
    Rule::new(action, move |seen| kind.is(seen) && numbers.contains(&(count.fetch_add(1, Ordering::SeqCst) + 1)))
}

/// A fault that stands until it is lifted, and remembers which kinds of calls it struck.
#[derive(Debug, Clone, Default)]
pub struct Wall {
    struck: Arc<Mutex<BTreeSet<Kind>>>,
    lifted: Arc<Mutex<BTreeSet<Kind>>>,
    down: Arc<AtomicBool>,
}

impl Wall {
    /// The rule for these kinds.
    pub fn rule(&self, kinds: &'static [Kind], action: Action) -> Rule {
        let wall = self.clone();
        Rule::new(action, move |seen| {
            let Some(kind) = kinds.iter().find(|kind| kind.is(seen)) else { return false };
            if wall.down.load(Ordering::SeqCst) || wall.lifted.lock().expect("not poisoned").contains(kind) {
                return false;
            }
            wall.struck.lock().expect("not poisoned").insert(*kind);
            true
        })
    }

    /// Lets those kinds of calls through that were struck so far; gives them.
    pub fn lift(&self) -> BTreeSet<Kind> {
        let mut struck = self.struck.lock().expect("not poisoned");
        let found = std::mem::take(&mut *struck);
        self.lifted.lock().expect("not poisoned").extend(found.iter().copied());
        found
    }

    pub fn take_down(&self) {
        self.down.store(true, Ordering::SeqCst);
    }
}

/// A bad status with Azure's words for it.
pub fn status(code: u16) -> Action {
    let text = format!(r#"{{"error":{{"code":"Injected{code}","message":"Injected for a test."}}}}"#);
    Action::Status { code: StatusCode::from_u16(code).expect("a status"), headers: HeaderMap::new(), body: text }
}

/// A bad status that says when to come back.
pub fn status_with_wait(code: u16, seconds: &'static str) -> Action {
    let Action::Status { code, mut headers, body } = status(code) else { unreachable!("just made") };
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
    Action::Status { code, headers, body }
}

/// A page of HTML with a bad status, as from a stopped application or a proxy.
pub fn html(code: u16) -> Action {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let body = "<!doctype html><title>Not here</title>".to_owned();
    Action::Status { code: StatusCode::from_u16(code).expect("a status"), headers, body }
}

/// 200 with nothing in it.
pub fn empty() -> Action {
    Action::Status { code: StatusCode::OK, headers: HeaderMap::new(), body: String::new() }
}

#[test]
fn kinds_of_calls_are_told_apart() {
    let seen = |service, method: &'static Method, path| Seen { service, method, host: "h", path };
    assert!(COMMAND.is(&seen(Service::Central, &Method::POST, "/api/devices/d/components/m/commands/c")));
    assert!(!JOB.is(&seen(Service::Central, &Method::GET, "/api/jobs/j/devices")));
    assert!(RUN[2].is(&seen(Service::Arm, &Method::POST, "/subscriptions/s/x/listkeys")));
    assert!(!BULK.is(&seen(Service::Hub, &Method::POST, "/devices/query")));
}
