//! Tells devices by single commands: paced, so that devices that have left and not yet arrived never outnumber what the
//! target takes in a minute.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::halt::Halt;
use super::refusals::Refusals;
use super::run::Run;
use super::tell::{self, Told};
use crate::ids::DeviceId;
use crate::migration::model::Plan;
use crate::migration::{Device, Via};

/// Commands that wait for their answers at once.
const AT_ONCE: usize = 24;
/// How long a look at the queue may be old.
const TICK: Duration = Duration::from_secs(1);
/// Retries due within this time are waited for; later ones are for another turn.
const SOON: Duration = Duration::from_secs(60);

/// How many devices a minute the target takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    per_minute: u32,
}

impl Budget {
    /// The least of what DPS and the hub's registry take (azure-api §10: DPS 1,000 a minute; registry 100 a minute and
    /// unit on S1 and S2, 5,000 on S3).
    pub(super) fn of(plan: &Plan) -> Self {
        let unit = if plan.target.hub_sku.ends_with('3') { 5_000 } else { 100 };
        Self { per_minute: unit_budget(unit, plan.target.hub_units).min(1_000) }
    }

    /// Devices that may be on their way at once.
    pub(super) fn lag(self) -> u64 {
        u64::from(self.per_minute)
    }

    /// Between two commands: a fifth is left for other users of the hub.
    fn pause(self) -> Duration {
        Duration::from_secs(60).mul_f64(1.25 / f64::from(self.per_minute))
    }
}

fn unit_budget(unit: u32, units: u32) -> u32 {
    unit.saturating_mul(units.max(1))
}

/// Tells everybody who is due now or soon. Stops launching when `stop` is set, and waits for what is in flight.
///
/// Each command is a task of its own: one that waits must not keep another from finishing what it has begun.
pub(super) async fn run(run: &Arc<Run>, stop: &CancellationToken) -> Result<(), Halt> {
    let budget = Budget::of(&run.migration.plan);
    let mut queue: VecDeque<Device> = VecDeque::new();
    let mut flying: HashSet<DeviceId> = HashSet::new();
    let mut in_flight: JoinSet<(DeviceId, Result<Told, Halt>)> = JoinSet::new();
    let mut slot = run.now();
    let mut halt: Option<Halt> = None;
    let mut refusals = Refusals::default();
    loop {
        let stopped = halt.is_some() || stop.is_cancelled() || run.inner.cancel.is_cancelled();
        if !stopped && in_flight.len() < AT_ONCE && run.now() >= slot && room(run, budget).await? {
            if queue.is_empty() {
                run.still_wanted().await.unwrap_or_else(|reason| halt = Some(reason));
                let due = run.store().devices_due(run.id(), run.now(), 200).await?;
                queue.extend(due.into_iter().filter(|device| !flying.contains(&device.id)));
            }
            if let (Some(device), None) = (queue.pop_front(), &halt) {
                let launched = run.now();
                flying.insert(device.id.clone());
                let run = Arc::clone(run);
                in_flight.spawn(async move { (device.id.clone(), tell::tell(&run, &device, Via::Single, 0).await) });
                slot = slot.max(launched - TICK) + budget.pause();
                continue;
            }
        }
        if in_flight.is_empty() && (stopped || (queue.is_empty() && !due_soon(run).await?)) {
            return halt.map_or(Ok(()), Err);
        }
        let until = slot.max(run.now() + TICK / 10).min(run.now() + TICK);
        tokio::select! {
            Some(told) = in_flight.join_next() => match told {
                Ok((id, told)) => {
                    flying.remove(&id);
                    let noted = match told {
                        Ok(told) => refusals.note(run, &id, told).await,
                        Err(reason) => Err(reason),
                    };
                    if let Err(reason) = noted {
                        halt.get_or_insert(reason);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "a command's task died; the device is looked for at the next turn");
                    halt.get_or_insert(Halt::LookAgain);
                }
            },
            () = run.inner.clock.sleep_until(until) => {}
        }
    }
}

/// Fewer are on their way than the target takes in a minute.
async fn room(run: &Run, budget: Budget) -> Result<bool, Halt> {
    Ok(run.store().outstanding(run.id()).await? < budget.lag())
}

/// A device that was never told, or could not be reached, is due within a minute.
async fn due_soon(run: &Run) -> Result<bool, Halt> {
    Ok(!run.store().devices_due(run.id(), run.now() + SOON, 1).await?.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn a_small_hub_is_told_fewer_than_a_hundred_a_minute() {
        let budget = Budget { per_minute: 100 };
        assert!(budget.pause().as_secs_f64() > 0.7);
        assert_eq!(budget.lag(), 100);
    }
}
