//! Later checks: for a day after a device was proven at the target it is looked at again, and what changed is said.
//!
//! Newer activity than at the proof makes it *sending*. What shows that it has left makes it *went back*, until it is seen
//! again. Devices that a clean-up has removed from their source are looked for there for as long.

use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use super::halt::Halt;
use super::run::Run;
use super::signs::Signs;
use super::{carry, clean_up, job, settle, source, target, verify};
use crate::clock::Timestamp;
use crate::migration::device::Fact;
use crate::migration::{Device, MigrationId, MigrationState, Outcome};
use crate::store::events::EventKind;

/// Between two checks.
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// Devices that are asked for signs of life at one check: an application answers one such question a second.
pub(super) const SIGNS: usize = 100;
/// How long a moved device is looked after.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs until the engine stops.
pub(super) async fn watch(inner: Arc<Inner>) {
    loop {
        if let Err(halt) = target::app::scope::remove_left_over(&inner).await {
            tracing::error!(?halt, "temporary devices could not be listed");
        }
        tokio::select! {
            () = inner.cancel.cancelled() => return,
            () = inner.clock.sleep(PAUSE) => {}
        }
        let since = inner.clock.now() - DAY;
        match inner.store.migrations_to_look_after(since).await {
            Ok(ids) => {
                for id in ids {
                    tokio::select! {
                        () = inner.cancel.cancelled() => return,
                        checked = check(&inner, id, since) => {
                            if let Err(halt) = checked {
                                tracing::info!(%id, ?halt, "moved devices could not be checked; the next check tries again");
                            }
                        }
                    }
                }
            }
            Err(error) => tracing::error!(error = ?error, "moved devices could not be listed"),
        }
        tokio::select! {
            () = inner.cancel.cancelled() => return,
            () = clean_up::look_for_removed(&inner, since) => {}
        }
    }
}

async fn check(inner: &Arc<Inner>, id: MigrationId, since: Timestamp) -> Result<(), Halt> {
    let Some(migration) = inner.store.migration(id).await? else { return Ok(()) };
    let run = Run::new(inner, migration).await?;
    if run.migration.state == MigrationState::Stopped {
        job::stop_left_over(&run).await?;
    }
    if run.migration.state.is_ended() {
        verify::sweep(&run).await?;
    }
    if run.migration.state.is_ended() {
        while carry::run(&run).await? {}
    }
    source::note_departures(&run).await?;
    let devices = inner.store.devices_moved_since(id, since).await?;
    target::check_again(&run, &devices).await?;
    settle::reconsider(inner, id).await
}

/// Where signs of life at the source are looked for. Without them a later check still shows the rest.
pub(super) async fn signs_at_the_source(run: &Run) -> Result<Option<Signs>, Halt> {
    match source::signs(run).await {
        Ok(signs) => Ok(Some(signs)),
        Err(Halt::Azure(error)) => {
            tracing::info!(%error, "signs of life at the source cannot be looked for now");
            Ok(None)
        }
        Err(halt) => Err(halt),
    }
}

/// What a later check showed of one device.
#[derive(Debug)]
pub(super) enum Later {
    /// It left the target; says how that is known.
    Left(String),
    /// It is there.
    There {
        /// Newer activity than at the proof, by Azure's clock, and what shows it.
        newer: Option<Fact>,
        /// Proof that it is there now, after it had gone back.
        again: bool,
        /// Something to know about it that proves nothing.
        note: Option<String>,
    },
}

/// Records what a later check showed. A check that failed for one device says nothing of the others.
pub(super) async fn record(run: &Run, device: &Device, later: Result<Later, Halt>) -> Result<(), Halt> {
    match later {
        Ok(Later::Left(why)) => left(run, device, why).await,
        Ok(Later::There { newer, again, note }) => there(run, device, newer, again, note).await,
        Err(halt) if halt.may_be_of_one_device() => {
            tracing::warn!(device = %device.id, trouble = halt.words(), "a moved device could not be checked");
            Ok(())
        }
        Err(halt) => Err(halt),
    }
}

async fn there(run: &Run, device: &Device, newer: Option<Fact>, again: bool, note: Option<String>) -> Result<(), Halt> {
    let mut came_again = false;
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if newer.is_some() {
                row.facts.sending = newer;
            }
            if row.outcome == Outcome::WentBack && again {
                row.outcome = Outcome::Moved;
                came_again = true;
            }
            if row.outcome == Outcome::Moved {
                row.detail = note;
            }
        })
        .await?;
    if came_again {
        run.note(EventKind::Device, &format!("{} is at the target again.", device.id)).await?;
    }
    Ok(())
}

async fn left(run: &Run, device: &Device, why: String) -> Result<(), Halt> {
    if device.outcome == Outcome::WentBack {
        return Ok(());
    }
    let text = format!("{} left the target again: {why}.", device.id);
    run.store()
        .change_device(run.id(), &device.id, |row| {
            row.outcome = Outcome::WentBack;
            row.detail = Some(why);
        })
        .await?;
    run.note(EventKind::Device, &text).await
}
