//! Asks Azure about many devices, so that one about which it never answers does not hold up the others.

use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};

use super::halt::Halt;
use super::run::Run;
use crate::migration::{Device, FailReason, Outcome};

/// Devices asked about at once; the clients pace the calls.
const AT_ONCE: usize = 8;
/// So often a device is asked about before the others go on without it.
const TRIES: u32 = 3;
/// Between two of these tries.
const BETWEEN: Duration = Duration::from_secs(10);

/// Azure's answer about one device, already recorded.
pub(super) type Answer<'a> = BoxFuture<'a, Result<(), Halt>>;
/// Whether Azure answers about a device that it knew before; false if there is none.
pub(super) type Another<'a> = BoxFuture<'a, Result<bool, Halt>>;

/// What asking about many came to.
#[derive(Debug)]
pub(super) struct Asked {
    /// Those about whom Azure did not answer, each with what happened.
    troubled: Vec<(Device, Halt)>,
}

/// Asks about each device. Troubles that may be of one device are kept apart; any other ends it.
pub(super) async fn each<'a>(devices: Vec<Device>, ask: impl Fn(Device) -> Answer<'a>) -> Result<Asked, Halt> {
    let mut asked = Asked { troubled: Vec::new() };
    let mut questions = Vec::with_capacity(devices.len());
    for device in devices {
        let answer = ask(device.clone());
        questions.push(async move { (device, answer.await) }.boxed());
    }
    let mut answers = stream::iter(questions).buffer_unordered(AT_ONCE);
    while let Some((device, answer)) = answers.next().await {
        match answer {
            Ok(()) => {}
            Err(halt) if halt.may_be_of_one_device() => asked.troubled.push((device, halt)),
            Err(halt) => return Err(halt),
        }
    }
    Ok(asked)
}

impl Asked {
    /// The devices of which the trouble is their own: `another` asks the same about a device that Azure knew before, and only
    /// if that succeeds now the trouble is not the service's, and not a halt.
    pub(super) async fn of_devices(self, another: Another<'_>) -> Result<Vec<(Device, Halt)>, Halt> {
        let mut troubled = self.troubled;
        if troubled.is_empty() || another.await.unwrap_or(false) {
            return Ok(troubled);
        }
        Err(troubled.swap_remove(0).1)
    }
}

/// Asks about all devices of a step that must not be told before Azure answered about them. One about which it answers
/// none of some tries, while it answers about others, is settled: it is not told.
pub(super) async fn settle_each<'a>(
    run: &Run,
    devices: Vec<Device>,
    ask: impl Fn(Device) -> Answer<'a>,
    another: impl Fn() -> Another<'a>,
) -> Result<(), Halt> {
    let mut open = devices;
    for number in 1..=TRIES {
        let troubled = each(open, &ask).await?.of_devices(another()).await?;
        run.still_wanted().await?;
        if number == TRIES {
            for (device, halt) in &troubled {
                not_readable(run, device, halt).await?;
            }
        }
        open = troubled.into_iter().map(|(device, _)| device).collect();
        if open.is_empty() || number == TRIES {
            break;
        }
        run.inner.clock.sleep(BETWEEN).await;
    }
    Ok(())
}

async fn not_readable(run: &Run, device: &Device, halt: &Halt) -> Result<(), Halt> {
    let why = halt.words();
    run.store()
        .change_device(run.id(), &device.id, |row| {
            if row.outcome.is_open() {
                row.outcome = Outcome::Failed(FailReason::NotReadable);
                row.detail = Some(why);
            }
        })
        .await?;
    Ok(())
}
