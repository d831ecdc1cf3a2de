//! One device of a clean-up: judged, removed, recorded.

use super::source::{self, Found};
use super::target;
use crate::azure::error::{EffectKnown, ErrorKind};
use crate::engine::Inner;
use crate::engine::halt::Halt;
use crate::engine::run::Run;
use crate::migration::Device;
use crate::migration::clean_up::judge::{self, Settled};
use crate::migration::clean_up::{CleanUp, CleanUpId, CleanUpState, Fate, KeepReason, Removal};
use crate::store::StoreError;

/// So often a device that somebody changes meanwhile is looked at again.
const LOOKS: u32 = 3;

/// A device that may be removed now.
struct Ready {
    /// As the source showed it a moment ago.
    found: Found,
    /// What shows it alive at the target.
    evidence: String,
}

/// Why a device is not removed now.
enum Stop {
    /// It is settled otherwise.
    Settled(Settled),
    /// Nobody is, for now.
    Halt(Halt),
}

impl From<Settled> for Stop {
    fn from(settled: Settled) -> Self {
        Self::Settled(settled)
    }
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Halt(error.into())
    }
}

/// Removes a device, or records why it is kept. True: Azure was asked, and answered.
pub(super) async fn settle(run: &Run, clean_up: &CleanUp, removal: &Removal) -> Result<bool, Halt> {
    let Some(device) = run.store().device(run.id(), &removal.device).await? else {
        record(run, clean_up, removal, Settled::kept(KeepReason::NotMoved)).await?;
        return Ok(false);
    };
    if removal.fate == Fate::Started {
        if source::find(run, &device).await?.is_none() {
            record(run, clean_up, removal, vanished(run, clean_up).await?).await?;
            return Ok(true);
        }
        run.store().unstart_removal(clean_up.id, &removal.device).await?;
    }
    if clean_up.state != CleanUpState::Running {
        record(run, clean_up, removal, Settled::kept(KeepReason::Stopped)).await?;
        return Ok(true);
    }
    let settled = match remove(run, clean_up, &device).await {
        Ok(settled) | Err(Stop::Settled(settled)) => settled,
        Err(Stop::Halt(halt)) => return Err(halt),
    };
    let asked = !matches!(settled.fate, Fate::Kept(reason) if is_known_here(reason));
    record(run, clean_up, removal, settled).await?;
    Ok(asked)
}

/// Azure need not be asked to know it.
fn is_known_here(reason: KeepReason) -> bool {
    matches!(reason, KeepReason::NotMoved | KeepReason::Soaking | KeepReason::BeingMoved | KeepReason::RemovedBefore)
}

fn removed() -> Settled {
    Settled { fate: Fate::Removed, detail: None }
}

/// What it means that the source does not show a device that it was asked to delete: it did so, unless somebody looks now who
/// may see less of an application than whoever asked.
async fn vanished(run: &Run, clean_up: &CleanUp) -> Result<Settled, Halt> {
    let who = &clean_up.runs_as;
    let migrated_by = run.store().migration(run.id()).await?.and_then(|migration| migration.runs_as);
    let sees_it = who.id == clean_up.asked_by.id || migrated_by.is_some_and(|person| person.id == who.id);
    if run.origin.app().is_none() || sees_it {
        return Ok(removed());
    }
    Ok(Settled::kept_because(KeepReason::Unclear, format!("the source shows no such device to {}", who.name)))
}

async fn record(run: &Run, clean_up: &CleanUp, removal: &Removal, settled: Settled) -> Result<(), Halt> {
    Ok(run.store().settle_removal(clean_up.id, &removal.device, &settled, run.now()).await?)
}

/// Whether this device may be removed now, from everything that is known and shown of it.
async fn judged(run: &Run, clean_up: &CleanUp, device: &Device) -> Result<Ready, Stop> {
    let (place, to) = (source::place(run, device), run.migration.plan.target.name());
    let proof = judge::by_record(device.into(), clean_up.soak, run.now())?;
    if run.store().is_held(run.id(), &device.id, clean_up.soak, run.now()).await? {
        return Err(Settled::kept(KeepReason::BeingMoved).into());
    }
    let Some(found) = source::find(run, device).await? else { return Err(absent(run, clean_up, &place).await?.into()) };
    let (seen, now) = target::look(run, device).await?;
    let proof = judge::by_targets_clock(proof, target::dates_by_our_clock(run, device), run.now(), now);
    if !judge::is_soaked(&proof, clean_up.soak, now) {
        return Err(Settled::kept(KeepReason::Soaking).into());
    }
    let evidence = judge::at_target(&seen, now, to)?;
    let shown = source::look(run, device, &found).await?;
    judge::at_source(&shown, &proof, &seen, &place)?;
    Ok(Ready { found, evidence })
}

/// What it means that the source shows no such device. An application does not show devices of organizations that a person may
/// not see; whoever migrated it could see it.
async fn absent(run: &Run, clean_up: &CleanUp, place: &str) -> Result<Settled, Halt> {
    let who = &clean_up.runs_as;
    let migrated_by = run.store().migration(run.id()).await?.and_then(|migration| migration.runs_as);
    let detail = format!("{place} shows no such device to {}", who.name);
    if run.origin.app().is_some() && migrated_by.is_none_or(|person| person.id != who.id) {
        return Ok(Settled::kept_because(KeepReason::NotShown, detail));
    }
    Ok(Settled { fate: Fate::Gone, detail: Some(detail) })
}

/// Judges, and has it deleted as it was judged. One that is changed meanwhile is judged again.
async fn remove(run: &Run, clean_up: &CleanUp, device: &Device) -> Result<Settled, Stop> {
    let mut refused: Option<String> = None;
    for _ in 0..LOOKS {
        let Ready { found, evidence } = judged(run, clean_up, device).await?;
        if !run.store().start_removal(clean_up.id, &device.id, &evidence, run.now()).await? {
            return Err(Halt::LookAgain.into());
        }
        // Some services refuse a version that they have just shown. If nothing has changed, the version does not matter.
        let unchanged = refused.is_some() && refused.as_deref() == found.etag();
        match source::delete(run, device, &found, unchanged).await {
            Ok(()) => return Ok(removed()),
            Err(error) => match error.kind {
                ErrorKind::Precondition => {
                    run.store().unstart_removal(clean_up.id, &device.id).await?;
                    refused = found.etag().map(str::to_owned);
                }
                ErrorKind::Rejected | ErrorKind::Conflict => {
                    return Err(Settled::kept_because(KeepReason::Refused, error.to_string()).into());
                }
                _ => {
                    if error.effect == EffectKnown::NotDone {
                        run.store().unstart_removal(clean_up.id, &device.id).await?;
                    }
                    return Err(Halt::from(error).into());
                }
            },
        }
    }
    Err(Settled::kept(KeepReason::Changed).into())
}

/// Settles a device about which Azure answers none of some tries, while it answers about others.
pub(super) async fn give_up(run: &Run, id: CleanUpId, removal: &Removal, trouble: &str) -> Result<(), Halt> {
    let mut settled = Settled::kept_because(KeepReason::NotReadable, trouble);
    if removal.fate == Fate::Started
        && let Some(device) = run.store().device(run.id(), &removal.device).await?
    {
        settled = match source::find(run, &device).await {
            Ok(None) => match run.store().clean_up(id).await? {
                Some(clean_up) => vanished(run, &clean_up).await?,
                None => return Ok(()),
            },
            Ok(Some(_)) => Settled::kept_because(KeepReason::Refused, trouble),
            Err(_) => Settled::kept_because(KeepReason::Unclear, trouble),
        };
    }
    Ok(run.store().settle_removal(id, &removal.device, &settled, run.now()).await?)
}

/// Settles a device that was being removed when its clean-up was stopped, and of which it cannot be read whether it was.
pub(super) async fn leave_unclear(
    inner: &Inner,
    id: CleanUpId,
    removal: &Removal,
    trouble: &str,
) -> Result<(), StoreError> {
    let settled = Settled::kept_because(KeepReason::Unclear, trouble);
    inner.store.settle_removal(id, &removal.device, &settled, inner.clock.now()).await
}
