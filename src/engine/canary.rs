//! The canary: the first device, told alone and proven at the target before the rest are touched. It goes the same way
//! as the rest, so that it proves the way.

use std::collections::HashSet;
use std::time::Duration;

use super::arrivals;
use super::halt::Halt;
use super::refusals::Refusals;
use super::run::Run;
use super::tell::{self, Told};
use super::verify;
use crate::ids::DeviceId;
use crate::migration::model::{PauseReason, Target};
use crate::migration::{CommandState, Device, Outcome, Via, WaitReason};
use crate::store::devices::Example;
use crate::store::events::EventKind;

/// Candidates tried before a person is asked.
const MOST_CANDIDATES: usize = 20;
/// Between two looks for the canary.
const LOOK: Duration = Duration::from_secs(2);

/// Returns when a device of this migration is proven at the target, or when there is nobody to tell. What decides is the
/// evidence: whoever was paused or restarted in between starts from what is proven, not from who was tried.
pub(super) async fn run(run: &Run) -> Result<(), Halt> {
    // Who refused before the program was restarted was tried as much as who refuses now.
    let mut tried: HashSet<DeviceId> = settled_canaries(run).await?;
    let mut refusals = Refusals::default();
    let mut last = None;
    loop {
        run.still_wanted().await?;
        if run.store().example(run.id(), Example::WayProven).await?.is_some() {
            return Ok(());
        }
        if let Some(on_the_way) = run.store().on_the_way_singly(run.id()).await? {
            wait_for(run, &on_the_way).await?;
            continue;
        }
        let canaries = run.store().canaries(run.id()).await?;
        if let Some(canary) = canaries.iter().find(|canary| awaits_approval(canary)) {
            return Err(not_approved(run, canary));
        }
        if let Some(canary) = canaries.iter().find(|canary| did_not_arrive(canary)) {
            return Err(lost(run, canary).await?);
        }
        let Some(candidate) = candidate(run, &tried).await? else {
            if let (true, Some(last)) = (refusals.any(), &last) {
                return Err(refusals.halt(run, last).await?);
            }
            return if anybody_left(run).await? { Err(nobody(run, &tried).await?) } else { Ok(()) };
        };
        if tried.len() >= MOST_CANDIDATES {
            return Err(nobody(run, &tried).await?);
        }
        tried.insert(candidate.id.clone());
        run.note(EventKind::Canary, &format!("Telling {} to move, as the canary.", candidate.id)).await?;
        arrivals::wait_for_turn(run).await?;
        let told = tell::tell(run, &candidate, Via::Canary).await?;
        note_answer(run, &candidate, told).await?;
        refusals.note(run, &candidate.id, told).await?;
        last = Some(candidate.id);
    }
}

/// No device is proven yet, and there is one that [`run`] would tell.
pub(super) async fn is_wanted(run: &Run) -> Result<bool, Halt> {
    Ok(run.store().example(run.id(), Example::WayProven).await?.is_none() && anybody_left(run).await?)
}

/// Canaries of this run, or of one that a crash ended, that will not move. *Resume* retires them.
async fn settled_canaries(run: &Run) -> Result<HashSet<DeviceId>, Halt> {
    let canaries = run.store().canaries(run.id()).await?;
    Ok(canaries.into_iter().filter(|canary| !canary.outcome.is_open()).map(|canary| canary.id).collect())
}

/// It may have been told, and is not on its way any more: whatever the reason, the way is not proven. *Resume* retires it.
fn did_not_arrive(canary: &Device) -> bool {
    let told = canary.facts.acknowledged.is_some() || canary.unclear > 0;
    told && canary.outcome != Outcome::Moved && canary.command != CommandState::Refused && !may_have_moved(canary)
}

fn awaits_approval(canary: &Device) -> bool {
    canary.outcome == Outcome::Waiting(WaitReason::Approval)
}

fn not_approved(run: &Run, canary: &Device) -> Halt {
    let app = run.migration.plan.target.name();
    Halt::pause(
        PauseReason::Approval,
        format!("The canary {} has come to {app}, which lets no device in before somebody approves it.", canary.id),
        format!(
            "Press Approve arriving devices to have all devices of this migration approved as they come; or approve {} in \
             {app}, then press Resume.",
            canary.id
        ),
    )
}

fn may_have_moved(device: &Device) -> bool {
    device.outcome == Outcome::Pending
        && matches!(
            device.command,
            CommandState::Started | CommandState::Answered | CommandState::Unclear | CommandState::Again
        )
}

/// The device that the person named, else the next that was not told, else one that was told in vain before.
async fn candidate(run: &Run, tried: &HashSet<DeviceId>) -> Result<Option<Device>, Halt> {
    if let Some(named) = &run.migration.plan.canary {
        match run.store().device(run.id(), named).await? {
            // It never answered and somebody pressed Resume: another device proves the way first.
            Some(device) if device.unclear > 0 && device.via != Some(Via::Canary) => {}
            Some(device) if device.command == CommandState::Again => {}
            Some(device) if device.outcome.is_open() && !tried.contains(named) => return Ok(Some(device)),
            Some(device) if device.outcome.is_open() => {
                return Err(Halt::pause(
                    PauseReason::NoCanary,
                    format!("The canary {named} could not be reached."),
                    "Bring it online, then press Resume.",
                ));
            }
            // Found unfit before anybody was told.
            Some(
                Device { outcome: Outcome::Skipped(_), .. } | Device { outcome: Outcome::Failed(_), attempts: 0, .. },
            )
            | None => {
                return Err(Halt::pause(
                    PauseReason::NoCanary,
                    format!("The canary {named} is not a device that this migration can move."),
                    "Stop this migration and make a new one with another canary, or none.",
                ));
            }
            Some(_) if tried.contains(named) => return Ok(None),
            // It was tried before and somebody pressed Resume: another device proves the way.
            Some(_) => {}
        }
    }
    let fresh = run.store().devices_untold(run.id(), 1).await?.pop();
    if fresh.is_some() {
        return Ok(fresh);
    }
    Ok(run.store().devices_to_tell_again(run.id()).await?.into_iter().find(|device| !tried.contains(&device.id)))
}

async fn note_answer(run: &Run, canary: &Device, told: Told) -> Result<(), Halt> {
    let text = match told {
        Told::MayMove => format!("{} may be on its way; looking for it at the target.", canary.id),
        Told::Unreachable => format!("{} could not be reached.", canary.id),
        Told::Settled | Told::NotDelivered => format!("{} will not move; its row says why.", canary.id),
    };
    run.note(EventKind::Canary, &text).await
}

/// Waits until the canary is seen, or its time has run out. One that may not have been told at all is told once more.
async fn wait_for(run: &Run, canary: &Device) -> Result<(), Halt> {
    loop {
        run.still_wanted().await?;
        verify::sweep(run).await?;
        verify::give_up_on_overdue(run).await?;
        let Some(now) = run.store().device(run.id(), &canary.id).await? else { return Ok(()) };
        match now.outcome {
            Outcome::Moved => {
                return run.note(EventKind::Canary, &format!("{} is proven at the target.", canary.id)).await;
            }
            Outcome::Pending if now.command == CommandState::Again => {
                arrivals::wait_for_turn(run).await?;
                tell::tell(run, &now, Via::Canary).await?;
            }
            _ if !may_have_moved(&now) => return Ok(()),
            _ => run.inner.clock.sleep(LOOK).await,
        }
    }
}

async fn lost(run: &Run, canary: &Device) -> Result<Halt, Halt> {
    let why =
        canary.detail.as_deref().or(canary.outcome.reason()).unwrap_or("no answer, and no sign of it at the target");
    let remove = match run.store().unused_identities(run.id()).await? {
        0 => "",
        _ => {
            " If the identities made ahead are the cause, remove them with the button here and let DPS register each device."
        }
    };
    let look = match run.migration.plan.target {
        Target::Hub(_) => "the DPS enrollment group and the DPS's link to the hub",
        Target::App(_) => "the enrollment groups of the target application",
    };
    Ok(Halt::pause(
        PauseReason::CanaryLost,
        format!("The canary {} did not arrive: {why}. Nobody else was told after it.", canary.id),
        format!("Look at the device's log and {look}.{remove} Resume tries another device."),
    ))
}

/// Somebody can still be told.
async fn anybody_left(run: &Run) -> Result<bool, Halt> {
    Ok(!run.store().devices_untold(run.id(), 1).await?.is_empty()
        || !run.store().devices_to_tell_again(run.id()).await?.is_empty())
}

async fn nobody(run: &Run, tried: &HashSet<DeviceId>) -> Result<Halt, Halt> {
    let group = run.migration.plan.source.selection();
    let (mut unreachable, mut refused) = (0, 0);
    for id in tried {
        match run.store().device(run.id(), id).await?.map(|device| device.command) {
            Some(CommandState::Unreachable) => unreachable += 1,
            Some(CommandState::Refused) => refused += 1,
            _ => {}
        }
    }
    let tried = tried.len();
    Ok(Halt::pause(
        PauseReason::NoCanary,
        format!(
            "None of the {tried} devices tried in {group} could be moved ({unreachable} could not be reached, {refused} refused), so no other device was told."
        ),
        "Bring at least one device online (their rows say why each did not move), then press Resume.",
    ))
}
