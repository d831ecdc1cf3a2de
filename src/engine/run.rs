//! One migration's task: takes the steps in order, waits out passing troubles, pauses for those that do not pass.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;

use super::halt::Halt;
use super::source::Origin;
use super::target::{self, At};
use super::{Inner, backoff, enroll, given, moving, settle, sign_in, snapshot};
use crate::clock::Timestamp;
use crate::ids::IdScope;
use crate::migration::model::{Actor, Migration, MigrationId, MigrationState, PauseReason, Step, StepState, Target};
use crate::store::events::{self, EventKind, PROGRAM};
use crate::store::{StoreError, migrations};

/// How long a lease lasts, by the machine's clock; it is renewed three times as often.
const LEASE: Duration = Duration::from_secs(30);

/// How long a step may take to reach a safe point when the program stops, by the machine's clock. What is cut off then
/// is found again at the next start.
const WIND_DOWN: Duration = Duration::from_secs(5);

/// What the task of one migration works with.
pub(super) struct Run {
    pub(super) inner: Arc<Inner>,
    /// As read when this turn began.
    pub(super) migration: Migration,
    pub(super) actor: Actor,
    /// Where the devices come from.
    pub(super) origin: Origin,
    /// Where they go.
    pub(super) at: At,
    /// How many registration records the groups' pages had when they were last read.
    pub(super) records_in_pages: AtomicUsize,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is more to do at once.
    GoOn,
    /// Nothing to do before this moment, or a hint.
    RestUntil(Timestamp),
    /// The migration has ended.
    Ended,
}

/// Works on a migration until it has ended or the program stops.
pub(super) async fn run(inner: Arc<Inner>, id: MigrationId) {
    let mut hints = inner.hints.subscribe();
    let lease = keep_lease(&inner, id);
    tokio::select! {
        () = work(&inner, id, &mut hints) => {}
        () = lease => tracing::warn!(%id, "the lease of this migration was lost"),
    }
}

async fn keep_lease(inner: &Inner, id: MigrationId) {
    let term = LEASE * inner.clock.speed();
    loop {
        match inner.store.lease(id, &inner.run_id, inner.clock.now(), term).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::error!(%id, error = ?error, "the lease could not be renewed"),
        }
        inner.clock.sleep(term / 3).await;
    }
}

async fn work(inner: &Arc<Inner>, id: MigrationId, hints: &mut watch::Receiver<u64>) {
    while !inner.cancel.is_cancelled() {
        hints.mark_unchanged();
        let rest_until = match turn(inner, id, hints).await {
            Ok(Turn::GoOn) => continue,
            Ok(Turn::Ended) => return,
            Ok(Turn::RestUntil(moment)) => moment,
            Err(halt) => match note(inner, id, halt).await {
                Ok(moment) => moment,
                Err(error) => {
                    tracing::error!(%id, error = ?error, "the database failed; trying again");
                    inner.clock.now() + backoff::FIRST_WAIT
                }
            },
        };
        tokio::select! {
            () = inner.cancel.cancelled() => {}
            _ = hints.changed() => {}
            () = inner.clock.sleep_until(rest_until) => {}
        }
    }
}

/// Reads where the migration stands and does the next thing.
async fn turn(inner: &Arc<Inner>, id: MigrationId, hints: &mut watch::Receiver<u64>) -> Result<Turn, Halt> {
    let Some(migration) = inner.store.migration(id).await? else { return Ok(Turn::Ended) };
    match &migration.state {
        MigrationState::Running | MigrationState::Waiting => {}
        MigrationState::Paused(_) if let Some(by) = &migration.removal => {
            return target::hub::unused::remove(inner, &migration, by).boxed().await;
        }
        MigrationState::Paused(pause) if pause.reason == PauseReason::SignIn => {
            return sign_in::wait(inner, &migration, hints).await;
        }
        MigrationState::Paused(_) => return Ok(Turn::RestUntil(inner.clock.now() + Duration::from_secs(3600))),
        MigrationState::Draft
        | MigrationState::Completed
        | MigrationState::CompletedWithFailures
        | MigrationState::Stopped => {
            return Ok(Turn::Ended);
        }
    }
    let run = Arc::new(Run::new(inner, migration).await?);
    let turn = tokio::select! {
        () = too_late(inner) => return Err(Halt::LookAgain),
        turn = run.advance() => turn?,
    };
    inner.store.trouble_over(id).await?;
    Ok(turn)
}

/// Completes some time after the program was told to stop.
pub(super) async fn too_late(inner: &Inner) {
    inner.cancel.cancelled().await;
    inner.clock.sleep(WIND_DOWN * inner.clock.speed()).await;
}

/// Records a halt; gives the moment to look again.
async fn note(inner: &Inner, id: MigrationId, halt: Halt) -> Result<Timestamp, StoreError> {
    let now = inner.clock.now();
    match halt.judged() {
        Halt::LookAgain => Ok(now),
        Halt::Store(error) => Err(error),
        Halt::Azure(error) => unreachable!("judged: {error}"),
        Halt::Transient { trouble, after } => {
            let (number, last) = inner.store.troubles(id).await?;
            let (wait, in_a_row) = backoff::wait(number, last.as_deref(), &trouble, after);
            let at = now + wait;
            inner.store.trouble(id, at, &trouble, in_a_row).await?;
            if number == 0 {
                inner.store.note(id, now, EventKind::Trouble, &format!("Waiting for Azure: {trouble}")).await?;
            }
            Ok(at)
        }
        Halt::Pause(pause) => {
            let mut tx = inner.store.begin_write().await?;
            if let Some(migration) = migrations::lookup(&mut tx, id).await?
                && matches!(migration.state, MigrationState::Running | MigrationState::Waiting)
            {
                let text = format!("Paused: {} {}", pause.detail, pause.remedy);
                migrations::set_state(&mut tx, id, &MigrationState::Paused(pause), now).await?;
                events::append(&mut tx, id, now, PROGRAM, EventKind::Paused, &text).await?;
            }
            tx.commit().await?;
            Ok(now)
        }
    }
}

impl Run {
    pub(super) async fn new(inner: &Arc<Inner>, migration: Migration) -> Result<Self, Halt> {
        let Some(actor) = migration.runs_as.clone() else { return Err(Halt::LookAgain) };
        let tokens = inner.people.tokens(&actor.id);
        let given = given::of(inner, &migration).await?;
        Ok(Self {
            at: At::new(inner, &migration.plan.target, &tokens)?,
            origin: Origin::new(inner, &migration.plan.source, given, &tokens)?,
            inner: Arc::clone(inner),
            migration,
            actor,
            records_in_pages: AtomicUsize::new(0),
        })
    }

    /// The first step that is not done.
    async fn advance(self: &Arc<Self>) -> Result<Turn, Halt> {
        for record in self.inner.store.steps(self.id()).await? {
            if matches!(record.state, StepState::Done | StepState::NotNeeded) {
                continue;
            }
            match record.step {
                Step::Snapshot => snapshot::run(self).boxed().await?,
                Step::Enroll => enroll::run(self).boxed().await?,
                Step::Register => {
                    self.begin(Step::Register, "Looking at the identities at the target.").await?;
                    target::register(self).boxed().await?;
                }
                Step::Command | Step::Track | Step::Verify => {
                    snapshot::complete(self).boxed().await?;
                    return moving::run(self).boxed().await;
                }
            }
            return Ok(Turn::GoOn);
        }
        settle::settle(&self.inner, self.id()).await
    }

    pub(super) fn id(&self) -> MigrationId {
        self.migration.id
    }

    /// The ID scope that devices are told. An application's is read by step *enroll*.
    pub(super) fn id_scope(&self) -> Result<&IdScope, Halt> {
        match &self.migration.plan.target {
            Target::Hub(hub) => Ok(&hub.id_scope),
            Target::App(_) => self.migration.app_scope.as_ref().ok_or(Halt::LookAgain),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(super) fn store(&self) -> &crate::store::Store {
        &self.inner.store
    }

    /// How long a device that may have been told has to turn up.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.migration.plan.arrival_minutes.max(1)) * 60)
    }

    /// Marks a step as begun; the first time is an event.
    pub(super) async fn begin(&self, step: Step, text: &str) -> Result<(), Halt> {
        let begun = self
            .store()
            .steps(self.id())
            .await?
            .iter()
            .any(|record| record.step == step && record.state == StepState::Running);
        if !begun {
            let mut tx = self.store().begin_write().await?;
            crate::store::steps::set(&mut tx, self.id(), step, StepState::Running, None, self.now()).await?;
            events::append(&mut tx, self.id(), self.now(), PROGRAM, EventKind::StepBegun, text).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Marks a step as ended, with a line on what it did.
    pub(super) async fn end(&self, step: Step, state: StepState, text: &str) -> Result<(), Halt> {
        let mut tx = self.store().begin_write().await?;
        crate::store::steps::set(&mut tx, self.id(), step, state, Some(text), self.now()).await?;
        events::append(&mut tx, self.id(), self.now(), PROGRAM, EventKind::StepDone, text).await?;
        Ok(tx.commit().await?)
    }

    /// Halts when somebody has stopped or paused the migration, or the program stops.
    pub(super) async fn still_wanted(&self) -> Result<(), Halt> {
        if self.inner.cancel.is_cancelled() {
            return Err(Halt::LookAgain);
        }
        match self.store().migration(self.id()).await? {
            Some(now) if self.goes_on(&now) => Ok(()),
            _ => Err(Halt::LookAgain),
        }
    }

    /// What it is `now` lets this run go on: it is at work, and still with the same rights.
    pub(super) fn goes_on(&self, now: &Migration) -> bool {
        let same = now.runs_as.as_ref().is_some_and(|person| person.id == self.actor.id);
        same && matches!(now.state, MigrationState::Running | MigrationState::Waiting)
    }

    /// Halts when the program stops, or an active migration was stopped or paused: an ended one is still looked after.
    pub(super) async fn still_looking(&self) -> Result<(), Halt> {
        if self.migration.state.is_active() { self.still_wanted().await } else { Ok(()) }
    }

    /// Appends an event of the program's own.
    pub(super) async fn note(&self, kind: EventKind, text: &str) -> Result<(), Halt> {
        Ok(self.store().note(self.id(), self.now(), kind, text).await?)
    }
}
