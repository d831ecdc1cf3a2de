//! Faults to order: answers that never come, that come late, wrong or half, and requests held so that a test can kill
//! the program under test at exactly that point.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

use super::log::Service;

/// What a rule sees of a request.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The service called.
    pub service: Service,
    /// HTTP method.
    pub method: &'a Method,
    /// Host in lower case, without port.
    pub host: &'a str,
    /// Path as sent.
    pub path: &'a str,
}

/// Whether a request is concerned.
pub type Matcher = Box<dyn Fn(&Seen<'_>) -> bool + Send + Sync>;

/// When to misbehave, and how.
pub struct Rule {
    /// Which requests.
    pub matches: Matcher,
    /// How many matching requests are let through first.
    pub skip: u32,
    /// How many are struck after that; `None` means all.
    pub times: Option<u32>,
    /// What happens to them.
    pub action: Action,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("skip", &self.skip)
            .field("times", &self.times)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// Strikes every request that `matches`.
    pub fn new(action: Action, matches: impl Fn(&Seen<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self { matches: Box::new(matches), skip: 0, times: None, action }
    }

    /// Strikes only the first `times` of them.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Lets `skip` of them through first.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Action {
    /// It has no effect and this is the answer.
    Status {
        /// Status code.
        code: StatusCode,
        /// Headers, for example `Retry-After`.
        headers: HeaderMap,
        /// Body, sent as JSON unless the headers say otherwise.
        body: String,
    },
    /// It has no effect; the answer is 200 with a page of HTML, as from a captive portal.
    Html,
    /// It has its effect; half of the body comes back, then the connection closes.
    Truncate,
    /// It has no effect; the connection closes without an answer.
    DropBefore,
    /// It has its effect; the connection closes without an answer.
    DropAfter,
    /// It has its effect; the answer is altered on its way, as a service of another version might write it.
    Alter(Alteration),
    /// It takes this long more, in sandbox time.
    Delay(Duration),
    /// It is held until the handle releases it.
    Hold {
        /// Before or after its effect.
        when: When,
    },
}

impl Action {
    /// An answer with this status, an empty JSON object and no headers.
    #[must_use]
    pub fn status(code: StatusCode) -> Self {
        Self::Status { code, headers: HeaderMap::new(), body: "{}".to_owned() }
    }

    /// Alters the answer by this.
    pub fn alter(change: impl Fn(&mut Altered) + Send + Sync + 'static) -> Self {
        Self::Alter(Alteration(Arc::new(change)))
    }
}

/// An answer that can be altered.
#[derive(Debug, Clone)]
pub struct Altered {
    /// Its status.
    pub status: StatusCode,
    /// Its headers; `Content-Length` follows the body.
    pub headers: HeaderMap,
    /// Its JSON; null if it has none.
    pub body: Value,
}

/// What alters an answer.
#[derive(Clone)]
pub struct Alteration(Arc<dyn Fn(&mut Altered) + Send + Sync>);

impl fmt::Debug for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alteration")
    }
}

impl Alteration {
    pub(super) fn apply(&self, answer: &mut Altered) {
        (self.0)(answer);
    }
}

/// On which side of its effect a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing has happened yet.
    Before,
    /// It has happened; the caller does not know it yet.
    After,
}

/// What came of a rule.
#[derive(Debug, Clone)]
pub struct RuleHandle(Arc<Progress>);

#[derive(Debug)]
struct Progress {
    seen: AtomicU32,
    struck: watch::Sender<u32>,
    released: watch::Sender<bool>,
}

impl RuleHandle {
    /// How many requests were struck so far.
    #[must_use]
    pub fn struck(&self) -> u32 {
        *self.0.struck.borrow()
    }

    /// Resolves when a request has been struck; for a hold: when one sits there.
    pub async fn reached(&self) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.0.struck.subscribe().wait_for(|struck| *struck > 0).await;
    }

    /// Lets held requests go on, now and from now on.
    pub fn release(&self) {
        self.0.released.send_replace(true);
    }

    pub(super) async fn released(&self) {
        let _ = self.0.released.subscribe().wait_for(|released| *released).await;
    }

    pub(super) fn mark_struck(&self) {
        self.0.struck.send_modify(|struck| *struck += 1);
    }
}

/// All rules, in the order in which they were added; the first that strikes decides.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<(Rule, RuleHandle, u32)>>,
}

impl Faults {
    /// Adds a rule.
    pub fn add(&self, rule: Rule) -> RuleHandle {
        let handle = RuleHandle(Arc::new(Progress {
            seen: AtomicU32::new(0),
            struck: watch::Sender::new(0),
            released: watch::Sender::new(false),
        }));
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push((rule, handle.clone(), 0));
        handle
    }

    /// Holds the `k`-th request (from 1) that changes anything in Azure, counted over all services but Entra and the
    /// devices' own calls.
    pub fn hold_effect(&self, k: u32, when: When) -> RuleHandle {
        let counted = |seen: &Seen<'_>| {
            !matches!(seen.service, Service::Entra | Service::DpsDevice) && is_effect(seen.method, seen.path)
        };
        self.add(Rule::new(Action::Hold { when }, counted).after(k.saturating_sub(1)).times(1))
    }

    /// Removes all rules and lets everything held go on.
    pub fn clear(&self) {
        for (_, handle, _) in self.rules.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            handle.release();
        }
    }

    /// The fault that strikes this request. Every rule counts it, so that counts do not depend on other rules.
    pub(super) fn strike(&self, seen: &Seen<'_>) -> Option<(Action, RuleHandle)> {
        let mut found = None;
        for (rule, handle, struck) in self.rules.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            if !(rule.matches)(seen) {
                continue;
            }
            let nth = handle.0.seen.fetch_add(1, Ordering::Relaxed);
            let spent = rule.times.is_some_and(|times| *struck >= times);
            if found.is_none() && nth >= rule.skip && !spent {
                *struck += 1;
                found = Some((rule.action.clone(), handle.clone()));
            }
        }
        found
    }
}

/// Whether a request changes anything: all but reads, the reads that Azure spells as POST, and a device's telemetry.
#[must_use]
pub fn is_effect(method: &Method, path: &str) -> bool {
    if !matches!(*method, Method::PUT | Method::POST | Method::PATCH | Method::DELETE) {
        return false;
    }
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    let command = path.contains("/commands/");
    let read_by_post = *method == Method::POST
        && matches!(last, "listkeys" | "query" | "attestationmechanism" | "token" | "resources")
        && !command;
    let telemetry = path.contains("/messages/");
    !read_by_post && !telemetry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'a>(method: &'a Method, path: &'a str) -> Seen<'a> {
        Seen { service: Service::Central, method, host: "app.azureiotcentral.com", path }
    }

    #[test]
    fn reads_spelled_as_post_are_no_effects() {
        for path in ["/x/listkeys", "/enrollmentGroups/query", "/enrollmentGroups/g/attestationmechanism", "/t/token"] {
            assert!(!is_effect(&Method::POST, path), "{path}");
        }
        assert!(!is_effect(&Method::GET, "/api/jobs/j"));
        assert!(is_effect(&Method::PUT, "/api/jobs/j"));
        assert!(is_effect(&Method::POST, "/api/devices/d/components/migration/commands/DeviceMove"));
        assert!(is_effect(&Method::POST, "/devices"));
    }

    #[test]
    fn a_rule_lets_some_through_strikes_its_number_and_rests() {
        let faults = Faults::default();
        let handle = faults.add(Rule::new(Action::DropBefore, |_| true).after(1).times(2));
        let struck: Vec<bool> = (0..5).map(|_| faults.strike(&seen(&Method::GET, "/")).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        drop(handle);
    }

    #[test]
    fn only_the_kth_effect_is_held() {
        let faults = Faults::default();
        let _handle = faults.hold_effect(2, When::After);
        assert!(faults.strike(&seen(&Method::PUT, "/api/jobs/1")).is_none());
        assert!(faults.strike(&seen(&Method::GET, "/api/jobs/1")).is_none());
        assert!(faults.strike(&seen(&Method::PUT, "/api/jobs/2")).is_some());
    }
}
