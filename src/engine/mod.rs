//! The durable workflow: a reconciler for each active migration.
//!
//! A task is woken by a timer or a hint, reads what is recorded, does the next thing and records it; memory holds only
//! what can be rebuilt. Before an effect on Azure is tried, its identity is chosen and "started" is written; effects are
//! idempotent, so a crash at any instruction leads, after a restart, to the same end as without it. No transaction is
//! open while Azure answers.
//!
//! A walk through one migration: [`start`] checks that Azure still is as reviewed and turns the draft into a running
//! migration. [`supervisor`] sees it and gives it a task ([`run`]), which takes the steps in order: [`snapshot`] (who,
//! and what the target knew before), [`enroll`] (the source's keys at the target), *register* (identities ahead, where the
//! key is certain), then [`moving`]: [`canary`], and the rest by [`job`] or [`singles`], at once or in [`waves`], while
//! [`verify`] looks for them at the target. [`settle`] says what that makes of the migration as a whole, and [`watch`] looks
//! after the moved ones for a day. Once a migration has ended, [`follow_up`] makes reruns and fail backs of it, and
//! [`clean_up`] removes from the source what has been proven at the target for long enough. What is particular to a kind of
//! source has its room in [`source`], to a kind of target in [`target`].

mod admission;
mod arrivals;
mod backoff;
mod canary;
mod carry;
pub mod central_jobs;
mod certificates;
mod clean_up;
mod control;
pub mod counting;
mod device_certificates;
mod each;
mod enroll;
mod follow_up;
mod given;
mod halt;
mod individuals;
mod job;
mod keys;
mod moving;
mod offline;
mod pasted;
mod proof;
mod recover;
mod refusals;
mod resolve;
mod review;
mod run;
mod settle;
mod sign_in;
mod signs;
mod singles;
mod snapshot;
mod source;
mod start;
mod supervisor;
pub mod take_along;
mod take_over;
mod target;
mod tell;
mod turns;
mod verify;
mod watch;
mod waves;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch as channel;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::azure::Azure;
use crate::azure::tokens::TokenProvider;
use crate::clock::{Clock, Timestamp};
use crate::ids::PersonId;
use crate::store::Store;

use arrivals::Arrivals;
use turns::Turns;

pub use certificates::SupplyError;
pub use clean_up::{Choice, CleanUpAsked, CleanUpRefused, GroupsRefused, GroupsRemoved, RemoveGroups, Unfit};
pub use control::ControlError;
pub use device_certificates::{Added, DeviceCertificates};
pub use follow_up::{FailBack, FollowUp};
pub use keys::{GroupKeys, KeysError, KeysView};
pub use pasted::{PasteError, Pasted, Safe};
pub use start::{Problem, StartRefused};

/// Whose rights the engine uses.
#[async_trait]
pub trait People: Send + Sync + fmt::Debug {
    /// Access tokens of a person, whether or not they are at the keyboard.
    fn tokens(&self, person: &PersonId) -> Arc<dyn TokenProvider>;

    /// Completes when somebody has signed in since the call began.
    async fn signed_in(&self);

    /// Until when this person's sign-in can be used; `None` where it slides or is not known.
    async fn signed_in_until(&self, person: &PersonId) -> Option<Timestamp>;
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    azure: Azure,
    people: Arc<dyn People>,
    safe: Arc<dyn Safe>,
    clock: Clock,
    /// Names this run of the program in leases.
    run_id: String,
    /// Counts hints; every waiting task looks again when it moves.
    hints: channel::Sender<u64>,
    /// What was sent to which target, by all migrations.
    arrivals: Arrivals,
    /// Whose turn it is to be asked about.
    turns: Turns,
    cancel: CancellationToken,
    tracker: TaskTracker,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("run_id", &self.inner.run_id).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine at rest; [`Engine::begin`] sets it to work.
    #[must_use]
    pub fn new(store: Store, azure: Azure, people: Arc<dyn People>, safe: Arc<dyn Safe>, clock: Clock) -> Self {
        let inner = Inner {
            store,
            azure,
            people,
            safe,
            clock,
            run_id: uuid::Uuid::new_v4().to_string(),
            hints: channel::Sender::new(0),
            arrivals: Arrivals::default(),
            turns: Turns::default(),
            cancel: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the supervisor, which takes up every active migration.
    pub fn begin(&self) {
        self.inner.tracker.spawn(supervisor::supervise(Arc::clone(&self.inner)));
        self.inner.tracker.spawn(watch::watch(Arc::clone(&self.inner)));
    }

    /// Hints that something changed. Only a hint: the timer would find it anyway.
    pub fn wake(&self) {
        self.inner.wake();
    }

    /// Stops at the next safe point and waits for it.
    pub async fn stop(&self) {
        self.inner.cancel.cancel();
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }

    /// Until when the sign-in that a migration of `person` would use lasts.
    pub async fn signed_in_until(&self, person: &PersonId) -> Option<Timestamp> {
        self.inner.people.signed_in_until(person).await
    }
}

impl Inner {
    fn wake(&self) {
        self.hints.send_modify(|hints| *hints = hints.wrapping_add(1));
    }
}
