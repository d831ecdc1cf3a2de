//! Tells devices by single commands: one after the other as [`super::arrivals`] gives turns, and so that devices that
//! have left and not yet arrived never outnumber what the target takes in a minute.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::arrivals;
use super::halt::Halt;
use super::individuals::Together;
use super::refusals::Refusals;
use super::run::Run;
use super::tell::{self, Told};
use crate::ids::DeviceId;
use crate::migration::{Device, Via};

/// Commands that wait for their answers at once.
const AT_ONCE: usize = 24;
/// How long a look at the queue may be old.
const TICK: Duration = Duration::from_secs(1);
/// Retries due within this time are waited for; later ones are for another turn.
const SOON: Duration = Duration::from_secs(60);

/// Tells everybody who is due now or soon. Stops launching when `stop` is set, and waits for what is in flight.
///
/// Each command is a task of its own: one that waits must not keep another from finishing what it has begun.
pub(super) async fn run(run: &Arc<Run>, stop: &CancellationToken) -> Result<(), Halt> {
    let (target, turns) = (&run.migration.plan.target, &run.inner.arrivals);
    let mut queue: VecDeque<Device> = VecDeque::new();
    let mut flying: HashSet<DeviceId> = HashSet::new();
    let mut in_flight: JoinSet<(DeviceId, Result<Told, Halt>)> = JoinSet::new();
    let mut halt: Option<Halt> = None;
    let mut refusals = Refusals::default();
    let mut together = Together::default();
    loop {
        let stopped = halt.is_some() || stop.is_cancelled() || run.inner.cancel.is_cancelled();
        let free_at = turns.free_at(target, run.now());
        if !stopped && in_flight.len() < AT_ONCE && run.now() >= free_at && room(run).await? {
            if queue.is_empty() {
                run.still_wanted().await.unwrap_or_else(|reason| halt = Some(reason));
                let due = run.due(run.now(), 200).await?;
                queue.extend(due.into_iter().filter(|device| !flying.contains(&device.id)));
            }
            if halt.is_none() {
                together.carry(run, &queue).await.unwrap_or_else(|reason| halt = Some(reason));
            }
            if halt.is_none()
                && !queue.is_empty()
                && turns.take_one(target, run.now())
                && let Some(device) = queue.pop_front()
            {
                flying.insert(device.id.clone());
                let run = Arc::clone(run);
                in_flight.spawn(async move { (device.id.clone(), tell::tell(&run, &device, Via::Single).await) });
                continue;
            }
        }
        if in_flight.is_empty() && (stopped || (queue.is_empty() && !due_soon(run).await?)) {
            return halt.map_or(Ok(()), Err);
        }
        let until = free_at.max(run.now() + TICK / 10).min(run.now() + TICK);
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
async fn room(run: &Run) -> Result<bool, Halt> {
    let most = u64::from(arrivals::per_minute(&run.migration.plan.target));
    Ok(run.store().outstanding(run.id()).await? < most)
}

/// A device that was never told, or could not be reached, is due within a minute.
async fn due_soon(run: &Run) -> Result<bool, Halt> {
    Ok(!run.due(run.now() + SOON, 1).await?.is_empty())
}
