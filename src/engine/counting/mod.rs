//! Counts the devices of a group in the background, so that nobody waits for a large group before going on.
//!
//! Promises: people who look at the same group share one count; a count that nobody has asked for in a minute is given
//! up; a finished count is good for two minutes. Only whoever may read the application should ask: a count that somebody
//! else began is shown as it is.

mod source;
mod tally;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::Duration;

use self::source::{Application, Source, Trail};
use self::tally::Tally;
use crate::azure::Azure;
use crate::azure::error::AzureError;
use crate::azure::tokens::TokenProvider;
use crate::clock::{Clock, Timestamp};
use crate::ids::{DeviceGroupId, DeviceId, Subdomain, TemplateId, TenantId};

/// A count that nobody asked for in this long is given up.
const ABANDONED_AFTER: Duration = Duration::seconds(60);
/// A finished count is good for this long.
const GOOD_FOR: Duration = Duration::minutes(2);

/// What is counted: the devices of a template in a group of an application.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CountKey {
    /// The tenant acted in.
    pub tenant: TenantId,
    /// The application.
    pub app: Subdomain,
    /// The device group.
    pub group: DeviceGroupId,
    /// The device template.
    pub template: TemplateId,
}

/// How far a count is.
#[derive(Debug, Clone, Default)]
pub struct CountState {
    /// Members of the group that were read.
    pub seen: u64,
    /// Members of the template.
    pub matching: u64,
    /// Of the matching ones: simulated.
    pub simulated: u64,
    /// Of the matching ones that are not simulated: blocked or waiting for approval.
    pub blocked: u64,
    /// Of the matching ones that are neither: never connected.
    pub unprovisioned: u64,
    /// Members of another template.
    pub other_template: u64,
    /// Devices of the application without a template, and so in no group.
    pub unassigned: u64,
    /// Everything about the members is final; `unassigned` may still grow.
    pub members_done: bool,
    /// Everything is final.
    pub done: bool,
    /// What ended the count early.
    pub error: Option<AzureError>,
}

impl CountState {
    /// Nothing more will change.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.done || self.error.is_some()
    }
}

/// All counts under way or lately finished. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Counting {
    azure: Azure,
    board: Arc<Board>,
}

#[derive(Debug)]
struct Board {
    clock: Clock,
    counts: Mutex<HashMap<CountKey, Arc<Count>>>,
}

#[derive(Debug)]
struct Count {
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    tally: Tally,
    asked_at: Timestamp,
    over_at: Option<Timestamp>,
}

impl Counting {
    /// Counts through `azure`.
    #[must_use]
    pub fn new(azure: Azure) -> Self {
        let clock = azure.clock();
        Self { azure, board: Arc::new(Board { clock, counts: Mutex::default() }) }
    }

    /// How far the count of `key` is. Begins it, with these tokens, if there is none.
    #[must_use]
    pub fn of(&self, key: &CountKey, tokens: Arc<dyn TokenProvider>) -> CountState {
        self.board.of(key, || {
            let central = self.azure.central(tokens, &key.app)?;
            Ok(Arc::new(Application { central, group: key.group.clone() }))
        })
    }

    /// Whether a device is among the matching members; `None` while that is not known.
    #[must_use]
    pub fn holds(&self, key: &CountKey, device: &DeviceId) -> Option<bool> {
        self.board.holds(key, device)
    }

    /// Forgets a count, so that the next question begins anew.
    pub fn forget(&self, key: &CountKey) {
        self.board.counts().remove(key);
    }
}

impl Board {
    fn counts(&self) -> MutexGuard<'_, HashMap<CountKey, Arc<Count>>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(
        self: &Arc<Self>,
        key: &CountKey,
        source: impl FnOnce() -> Result<Arc<dyn Source>, AzureError>,
    ) -> CountState {
        let now = self.clock.now();
        let mut counts = self.counts();
        counts.retain(|_, count| !count.is_stale(now));
        if let Some(count) = counts.get(key) {
            let mut progress = count.progress();
            progress.asked_at = now;
            return progress.tally.state().clone();
        }
        let source = match source() {
            Ok(source) => source,
            Err(error) => return CountState { error: Some(error), ..CountState::default() },
        };
        let tally = Tally::new(key.template.clone());
        let count = Arc::new(Count { progress: Mutex::new(Progress { tally, asked_at: now, over_at: None }) });
        counts.insert(key.clone(), Arc::clone(&count));
        drop(counts);
        tokio::spawn(Arc::clone(self).run(key.clone(), count, source));
        CountState::default()
    }

    fn holds(&self, key: &CountKey, device: &DeviceId) -> Option<bool> {
        let count = self.counts().get(key).cloned()?;
        let progress = count.progress();
        progress.tally.holds(device)
    }

    async fn run(self: Arc<Self>, key: CountKey, count: Arc<Count>, source: Arc<dyn Source>) {
        match self.read(&count, source.as_ref()).await {
            Ok(Ended::Complete) => {}
            Ok(Ended::Abandoned) => {
                let mut counts = self.counts();
                if counts.get(&key).is_some_and(|current| Arc::ptr_eq(current, &count)) {
                    counts.remove(&key);
                }
            }
            Err(error) => {
                tracing::warn!(app = %key.app, group = %key.group, error = %error, "a device group could not be counted");
                count.progress().tally.fail(error);
            }
        }
        count.progress().over_at = Some(self.clock.now());
    }

    async fn read(&self, count: &Count, source: &dyn Source) -> Result<Ended, AzureError> {
        let mut trail = Trail::default();
        loop {
            let page = source.members(trail.next()).await?;
            count.progress().tally.add_members(page.items);
            if count.is_abandoned(self.clock.now()) {
                return Ok(Ended::Abandoned);
            }
            if !trail.follow(page.next, "list the devices of the group")? {
                break;
            }
        }
        count.progress().tally.members_read();
        let mut trail = Trail::default();
        loop {
            let page = source.everybody(trail.next()).await?;
            count.progress().tally.add_everybody(page.items);
            if count.is_abandoned(self.clock.now()) {
                return Ok(Ended::Abandoned);
            }
            if !trail.follow(page.next, "list devices")? {
                break;
            }
        }
        count.progress().tally.everybody_read();
        Ok(Ended::Complete)
    }
}

enum Ended {
    Complete,
    Abandoned,
}

impl Count {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stale(&self, now: Timestamp) -> bool {
        self.progress().over_at.is_some_and(|over_at| now - over_at > GOOD_FOR)
    }

    fn is_abandoned(&self, now: Timestamp) -> bool {
        now - self.progress().asked_at > ABANDONED_AFTER
    }
}

#[cfg(test)]
mod tests;
