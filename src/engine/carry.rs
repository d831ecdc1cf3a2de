//! Carries over what moved devices have besides their identity. Read after the move, behind everything else, some at a turn;
//! a failure holds nobody back, and is said on the row.

use futures_util::FutureExt;

use super::each::each;
use super::halt::Halt;
use super::run::Run;
use super::{source, target};
use crate::azure::error::AzureError;
use crate::migration::Device;
use crate::migration::device::Fact;

/// Devices at one turn: in between, the others are looked after.
const AT_A_TURN: u32 = 40;

/// What came of carrying over.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// What arrived, a few words each.
    pub(super) done: Vec<String>,
    /// What did not, each with the reason.
    pub(super) left: Vec<String>,
}

impl Carried {
    fn words(&self) -> String {
        let done = if self.done.is_empty() { "nothing".to_owned() } else { self.done.join(", ") };
        match self.left.as_slice() {
            [] => format!("carried over: {done}"),
            left => format!("carried over: {done}; left behind: {}", left.join(", ")),
        }
    }
}

/// Carries over for some of the devices that have moved. True: more are due at once.
pub(super) async fn run(run: &Run) -> Result<bool, Halt> {
    let counts = run.store().counts(run.id()).await?;
    if !run.migration.plan.carry.applies_to(counts.to_move()) {
        return Ok(false);
    }
    let due = run.store().devices_to_carry(run.id(), AT_A_TURN).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let more = due.len() == AT_A_TURN as usize;
    match carry(run, due).await {
        Ok(()) => Ok(more),
        // Whatever Azure has against it, the move is done: it is tried again at another turn, or a later check.
        Err(Halt::Azure(error)) => {
            tracing::info!(%error, "names and properties are not carried over now");
            Ok(false)
        }
        Err(halt) => Err(halt),
    }
}

async fn carry(run: &Run, due: Vec<Device>) -> Result<(), Halt> {
    for (device, halt) in each(due, |device| carry_one(run, device).boxed())
        .await?
        .of_devices(target::another_can_be_seen(run).boxed())
        .await?
    {
        let left = vec![format!("everything ({})", halt.words())];
        record(run, &device, &Carried { done: Vec::new(), left }).await?;
    }
    Ok(())
}

async fn carry_one(run: &Run, device: Device) -> Result<(), Halt> {
    run.still_looking().await?;
    let mut carried = Carried::default();
    let belongings = source::belongings(run, &device, &mut carried).await?;
    target::deliver(run, &device, &belongings, &mut carried).await?;
    record(run, &device, &carried).await
}

/// The words of an error that another try would not end; any other is given back.
pub(super) fn settled(error: AzureError) -> Result<String, AzureError> {
    if error.is_transient() || error.needs_sign_in() { Err(error) } else { Ok(error.to_string()) }
}

async fn record(run: &Run, device: &Device, carried: &Carried) -> Result<(), Halt> {
    let fact = Fact { at: run.now(), evidence: carried.words() };
    run.store().change_device(run.id(), &device.id, |row| row.carried = Some(fact)).await?;
    Ok(())
}
